/* Fuzz target: zone files.
 *
 * Input: a zone file. What is taken is written as a zone file and read again: the same
 * records, where libldns reads what it writes. What is refused is told on one line that names the
 * file.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "dns/zone.h"

#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

/* libldns 1.8.3 loses a few octets for each IPSECKEY or CERT record that it cannot read. What we
 * lose of it is still told: the record that holds such data. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:ldns_str2rdf_\nleak:ldns_rdf_new_frm_data\n";
}

static bool read_octets(struct zonefile *z, const void *data, size_t n)
{
    int fd = memfd_create("zone", MFD_CLOEXEC);
    char path[64], err[512] = "";
    bool ok;

    MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ok = zonefile_read(z, path, err, sizeof err);
    close(fd);
    if (!ok)
        MUST(strncmp(err, path, strlen(path)) == 0 && is_printable(err, strlen(err), ""));
    return ok;
}

static void check_again(const struct zonefile *z)
{
    struct zonefile again;
    char *text = NULL;
    size_t n = 0, i;
    FILE *out = open_memstream(&text, &n);

    MUST(out != NULL);
    for (i = 0; i < z->records; i++)
        fprintf(out, "%s\n", z->record[i]);
    fclose(out);
    MUST(read_octets(&again, text, n));
    MUST(again.records == z->records && again.apexes == z->apexes);
    for (i = 0; i < z->records; i++)
        MUST(strcmp(z->record[i], again.record[i]) == 0);
    for (i = 0; i < z->apexes; i++)
        MUST(strcmp(z->apex[i], again.apex[i]) == 0);
    zonefile_free(&again);
    free(text);
}

/* libldns reads words of at most 255 characters, and writes longer ones; and it writes names
 * with `"`, `@` and `$` as they are, which open a string, mean the origin or begin a directive when
 * read. */
static bool reads_again(const struct zonefile *z)
{
    size_t i;

    for (i = 0; i < z->records; i++)
        if (strlen(z->record[i]) > 250 || strpbrk(z->record[i], "\"@\\;()$") != NULL)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zonefile z;
    size_t i;

    if (!read_octets(&z, data, size))
        return 0;
    for (i = 0; i < z.records; i++)
        MUST(is_printable(z.record[i], strlen(z.record[i]), "\t"));
    if (reads_again(&z))
        check_again(&z);
    zonefile_free(&z);
    return 0;
}
