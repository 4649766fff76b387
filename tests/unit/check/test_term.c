/* Text for a terminal: where lines break, and that nothing but a terminal gets colour.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/term.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

Test(term, wrap)
{
    static const struct {
        const char *before, *text;
        unsigned columns, indent;
        const char *want, *why;
    } row[] = {
        {"", "one two", 7, 0, "one two\n", "it fits exactly"},
        {"", "one two", 6, 0, "one\ntwo\n", "one column too few"},
        {"", "one two", 9, 2, "  one two\n", "the indent counts"},
        {"", "one two", 8, 2, "  one\n  two\n", "one column too few, indented"},
        {"ab:", "one two", 11, 2, "ab: one two\n", "behind what stands there already"},
        {"ab:", "one two", 10, 2, "ab: one\n  two\n", "the second word goes to a line"},
        {"ab:", "longer", 8, 2, "ab:\n  longer\n", "the first word goes to a line"},
        {"", "muchtoolong x", 5, 2, "  muchtoolong\n  x\n", "a long word is not broken"},
        {"", "  a  b ", 9, 0, "a b\n", "spaces at a break mean nothing"},
        {"", "", 9, 3, "\n", "no text"},
    };
    size_t i, n;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *text = NULL;
        struct term t = {.out = open_memstream(&text, &n), .columns = row[i].columns};

        fputs(row[i].before, t.out);
        term_wrap(&t, row[i].text, row[i].indent, (unsigned)strlen(row[i].before));
        fclose(t.out);
        cr_expect_str_eq(text, row[i].want, "%s", row[i].why);
        free(text);
    }
}

Test(term, cells_and_tones)
{
    static const struct {
        bool colour;
        enum tone tone;
        const char *text;
        unsigned width;
        const char *want, *why;
    } row[] = {
        {false, TONE_BAD, "ab", 4, "ab  ", "filled up"},
        {false, TONE_BAD, "abc", 4, "abc ", "one space at least"},
        {false, TONE_BAD, "abcde", 4, "abcde ", "even where the text is too long"},
        {true, TONE_PLAIN, "ab", 3, "ab ", "plain text has no colour"},
        {true, TONE_GOOD, "ab", 4, "\033[32mab\033[0m  ", "colour takes no columns"},
    };
    size_t i, n;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *text = NULL;
        struct term t = {.out = open_memstream(&text, &n), .colour = row[i].colour};

        term_cell(&t, row[i].tone, row[i].text, row[i].width);
        fclose(t.out);
        cr_expect_str_eq(text, row[i].want, "%s", row[i].why);
        free(text);
    }
}

/* A file is no terminal: no colour, 78 columns, no progress. */
Test(term, a_file_is_no_terminal)
{
    FILE *out = tmpfile();
    struct progress p;
    struct term t;

    cr_assert_not_null(out);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    term_init(&t, out);
    cr_expect(!t.colour && t.columns == 78);
    fclose(out);
    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    progress_start(&p, "x", 10);
    cr_expect_not(p.on);
    progress_at(&p, 5);
    progress_end(&p);
    cr_expect_not(p.on);
}
