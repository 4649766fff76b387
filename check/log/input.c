/* Lines of a file: see input.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK    (1024 * 1024)
#define MARK_MAX 5 /* octets by which a packing is known */

struct log_reader {
    struct log_file *f;
    int fd;
    bool packed, member, inflating; /* gzip; a member was seen; it is open */
    z_stream z;
    unsigned char *raw; /* CHUNK octets, of a packed file */
    char *text;         /* CHUNK + INPUT_LINE_MAX octets: what is left of a line, and new text */
    size_t kept;
    bool skipping; /* the rest of a line that is too long */
    const char *fault;
};

/* ---- octets ---- */

static size_t read_some(struct log_reader *r, void *to, size_t n)
{
    ssize_t got;

    do
        got = read(r->fd, to, n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        r->fault = strerror(errno);
    r->f->read += got > 0 ? (uint64_t)got : 0;
    return got > 0 ? (size_t)got : 0;
}

/* Fills z with input; false at the end of the file. */
static bool refill(struct log_reader *r)
{
    if (r->z.avail_in > 0)
        return true;
    r->z.next_in = r->raw;
    r->z.avail_in = (uInt)read_some(r, r->raw, CHUNK);
    return r->z.avail_in > 0;
}

/* Some text of a gzip file; members may follow each other. 0 at the end or on a fault. */
static size_t unpack(struct log_reader *r, char *to, size_t n)
{
    int rc = Z_OK;

    r->z.next_out = (unsigned char *)to;
    r->z.avail_out = (uInt)n;
    while (r->z.avail_out == n && rc == Z_OK) {
        if (!refill(r)) {
            if (r->inflating && r->fault == NULL)
                r->fault = "the gzip file is cut";
            break;
        }
        if (r->member && !r->inflating && r->z.next_in[0] != 0x1f) {
            r->z.avail_in = 0; /* as gzip has it: what fills up the last block is no text */
            break;
        }
        r->inflating = r->member = true;
        rc = inflate(&r->z, Z_NO_FLUSH);
        if (rc == Z_STREAM_END) {
            r->inflating = false;
            rc = inflateReset(&r->z);
        }
    }
    if (rc != Z_OK && rc != Z_BUF_ERROR)
        r->fault = "the gzip file is damaged";
    return n - r->z.avail_out;
}

/* Packed by a program that is not known here, by the first octets: what unpacks it. */
static const char *other_packing(const char *s, size_t n)
{
    static const struct {
        const char *mark;
        size_t n;
        const char *fault;
    } known[] = {
        {"\xfd"
         "7zXZ",
         5, "packed by xz: unpack it with xzcat, and read standard input (-)"},
        {"BZh", 3, "packed by bzip2: unpack it with bzcat, and read standard input (-)"},
        {"\x28\xb5\x2f\xfd", 4,
         "packed by zstd: unpack it with zstdcat, and read standard input (-)"},
    };
    size_t i;

    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (n >= known[i].n && memcmp(s, known[i].mark, known[i].n) == 0)
            return known[i].fault;
    return NULL;
}

/* gzip is seen by its first two octets. False without memory. */
static bool open_packed(struct log_reader *r, size_t *first)
{
    size_t got;

    *first = 0;
    do /* a pipe may give an octet at a time */
        got = read_some(r, r->text + *first, CHUNK - *first);
    while ((*first += got) < MARK_MAX && got > 0);
    r->packed = *first >= 2 && memcmp(r->text, "\x1f\x8b", 2) == 0;
    if (!r->packed && r->fault == NULL)
        r->fault = other_packing(r->text, *first);
    if (r->fault != NULL)
        *first = 0;
    if (!r->packed)
        return true;
    r->raw = malloc(CHUNK);
    if (r->raw == NULL || inflateInit2(&r->z, 15 + 16) != Z_OK)
        return false;
    memcpy(r->raw, r->text, *first);
    r->z.next_in = r->raw;
    r->z.avail_in = (uInt)*first;
    *first = unpack(r, r->text, CHUNK);
    return true;
}

/* ---- lines ---- */

static void give(struct log_reader *r, const char *s, size_t n)
{
    while (n > 0 && s[n - 1] == '\r')
        n--;
    if (!r->f->enough)
        r->f->line(r->f->arg, s, n < INPUT_LINE_MAX ? n : INPUT_LINE_MAX);
}

/* Gives the whole lines of text[0..n); what is left moves to the front. */
static void split(struct log_reader *r, size_t n)
{
    const char *at = r->text, *end = r->text + n, *hit;

    while ((hit = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (!r->skipping)
            give(r, at, (size_t)(hit - at));
        r->skipping = false;
        at = hit + 1;
    }
    r->kept = (size_t)(end - at);
    if (r->skipping) {
        r->kept = 0;
    } else if (r->kept >= INPUT_LINE_MAX) {
        give(r, at, r->kept);
        r->kept = 0;
        r->skipping = true;
    }
    memmove(r->text, at, r->kept);
}

static void go(struct log_reader *r, size_t n)
{
    while (n > 0 && !r->f->enough) {
        r->f->octets += n;
        split(r, r->kept + n);
        if (r->f->went_on != NULL)
            r->f->went_on(r->f->arg);
        n = r->packed ? unpack(r, r->text + r->kept, CHUNK)
                      : read_some(r, r->text + r->kept, CHUNK);
    }
    if (r->kept > 0)
        give(r, r->text, r->kept);
}

bool log_file_lines(struct log_file *f)
{
    struct log_reader r = {.f = f};
    size_t first;

    f->read = f->octets = 0;
    r.fd = strcmp(f->what, "-") == 0 ? STDIN_FILENO : open(f->what, O_RDONLY | O_CLOEXEC);
    r.text = malloc(CHUNK + INPUT_LINE_MAX);
    if (r.fd < 0)
        r.fault = strerror(errno);
    else if (r.text == NULL || !open_packed(&r, &first))
        r.fault = "out of memory";
    else
        go(&r, first);
    if (r.packed && r.raw != NULL)
        inflateEnd(&r.z);
    if (r.fd > STDIN_FILENO)
        close(r.fd);
    free(r.raw);
    free(r.text);
    if (r.fault != NULL && !f->quiet)
        fprintf(stderr, "iprev-check: %s: %s\n",
                strcmp(f->what, "-") == 0 ? "standard input" : f->what, r.fault);
    return r.fault == NULL;
}

uint64_t log_file_sizes(int files, char *const *file)
{
    uint64_t sum = 0;
    struct stat st;
    int i;

    for (i = 0; i < files; i++) {
        int rc = strcmp(file[i], "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(file[i], &st);

        if (rc != 0 || !S_ISREG(st.st_mode))
            return 0;
        sum += (uint64_t)st.st_size;
    }
    return sum;
}
