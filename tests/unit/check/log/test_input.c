/* Lines of files: plain, packed, cut and damaged, and the bounds of a line.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/input.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

struct seen {
    struct log_file file;
    char text[256]; /* the lines, each ended by | */
    unsigned lines, went_on, stop_at;
    size_t longest;
};

static void on_line(void *arg, const char *s, size_t n)
{
    struct seen *seen = arg;
    size_t used = strlen(seen->text);

    if (used + n + 2 < sizeof seen->text) {
        memcpy(seen->text + used, s, n);
        memcpy(seen->text + used + n, "|", 2);
    }
    seen->longest = n > seen->longest ? n : seen->longest;
    seen->file.enough = ++seen->lines == seen->stop_at;
}

static void on_went_on(void *arg)
{
    ((struct seen *)arg)->went_on++;
}

static char path[] = "/tmp/iprev-input-XXXXXX";

static void write_file(const void *data, size_t n)
{
    FILE *out = fopen(path, "we");

    cr_assert_not_null(out);
    cr_assert(fwrite(data, 1, n, out) == n && fclose(out) == 0);
}

static bool read_file(struct seen *seen, unsigned stop_at)
{
    memset(seen, 0, sizeof *seen);
    seen->stop_at = stop_at;
    seen->file = (struct log_file){
        .what = path, .line = on_line, .went_on = on_went_on, .arg = seen, .quiet = true};
    return log_file_lines(&seen->file);
}

static void begin(void)
{
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    close(fd);
}

static void end(void)
{
    unlink(path);
}

/* Octets of text as gzip, behind each other in `to`. */
static size_t pack(unsigned char *to, size_t room, const char *text, size_t n)
{
    z_stream z;

    memset(&z, 0, sizeof z);
    cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (uInt)n;
    z.next_out = to;
    z.avail_out = (uInt)room;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

Test(log_input, plain, .init = begin, .fini = end)
{
    static const struct {
        const char *text, *lines;
    } row[] = {
        {"", ""},          {"\n", "|"},
        {"a", "a|"}, /* the last line may lack its end */
        {"a\n", "a|"},     {"a\r\nb\r\n", "a|b|"},
        {"a\r\r\n", "a|"}, {"a\n\nb", "a||b|"},
        {"\x1f", "\x1f|"}, /* too short for gzip */
    };
    struct seen seen;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        write_file(row[i].text, strlen(row[i].text));
        cr_expect(read_file(&seen, 0), "%s", row[i].text);
        cr_expect_str_eq(seen.text, row[i].lines, "%zu", i);
        cr_expect(seen.file.octets == strlen(row[i].text) && seen.file.read == seen.file.octets);
    }
    write_file("a\nb\nc\n", 6);
    cr_expect(read_file(&seen, 2) && seen.lines == 2, "no more than wanted");
}

Test(log_input, long_lines, .init = begin, .fini = end)
{
    static char text[3 * INPUT_LINE_MAX];
    size_t n;

    memset(text, 'x', sizeof text);
    for (n = INPUT_LINE_MAX - 1; n <= INPUT_LINE_MAX + 1; n++) {
        struct seen seen;

        memcpy(text + n, "\nb\n", 3);
        write_file(text, n + 3);
        cr_expect(read_file(&seen, 0));
        cr_expect(seen.lines == 2 && seen.longest == (n < INPUT_LINE_MAX ? n : INPUT_LINE_MAX),
                  "%zu octets: %u lines, longest %zu", n, seen.lines, seen.longest);
        memset(text + n, 'x', 3);
    }
}

Test(log_input, chunks, .init = begin, .fini = end)
{
    size_t size = 3 * 1024 * 1024 + 5, i;
    char *text = malloc(size);
    struct seen seen;

    cr_assert_not_null(text);
    for (i = 0; i < size; i++)
        text[i] = i % 7 == 6 ? '\n' : 'a';
    write_file(text, size);
    cr_expect(read_file(&seen, 0));
    cr_expect_eq(seen.lines, size / 7 + (size % 7 != 0));
    cr_expect(seen.longest == 6 && seen.went_on == 4, "%u", seen.went_on);
    free(text);
}

Test(log_input, gzip, .init = begin, .fini = end)
{
    unsigned char packed[512];
    size_t first = pack(packed, sizeof packed, "a\nb", 3), both, n;
    struct seen seen;

    both = first + pack(packed + first, sizeof packed - first, "c\nd\n", 4);
    write_file(packed, both);
    cr_expect(read_file(&seen, 0));
    cr_expect_str_eq(seen.text, "a|bc|d|", "members follow each other without a seam");
    cr_expect(seen.file.read == both && seen.file.octets == 7);
    memset(packed + both, 0, 16);
    write_file(packed, both + 16);
    cr_expect(read_file(&seen, 0), "what fills up the last block is no text");
    cr_expect_str_eq(seen.text, "a|bc|d|");
    for (n = 2; n < both; n++) {
        write_file(packed, n);
        cr_expect_eq(read_file(&seen, 0), n == first, "cut at %zu of %zu", n, both);
    }
    packed[first / 2] ^= 0xff;
    write_file(packed, first);
    cr_expect(!read_file(&seen, 0), "damaged");
}

Test(log_input, what_is_not_read, .init = begin, .fini = end)
{
    static const struct {
        const char *text;
        size_t mark;
    } packing[] = {{"\xfd"
                    "7zXZ",
                    5},
                   {"BZh91AY", 3},
                   {"\x28\xb5\x2f\xfd", 4}};
    char *const names[] = {path, path}, *const folder[] = {path, (char *)(uintptr_t) "/tmp"};
    struct seen seen;
    size_t i;

    for (i = 0; i < ARRAY_LEN(packing); i++) {
        write_file(packing[i].text, strlen(packing[i].text));
        cr_expect(!read_file(&seen, 0) && seen.lines == 0, "%zu", i);
        write_file(packing[i].text, packing[i].mark - 1);
        cr_expect(read_file(&seen, 0) && seen.lines == 1, "%zu: not the whole mark", i);
    }
    write_file("12345", 5);
    cr_expect_eq(log_file_sizes(2, names), 10);
    cr_expect_eq(log_file_sizes(2, folder), 0, "not all are plain files");
    unlink(path);
    cr_expect(!read_file(&seen, 0), "no such file");
    cr_expect_eq(log_file_sizes(1, names), 0);
}
