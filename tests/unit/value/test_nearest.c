/* The word that was meant: which slips of the pen are seen through, and which words are too far.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/nearest.h"

#include <criterion/criterion.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

Test(nearest, slips)
{
    static const struct {
        const char *word, *want, *why;
    } row[] = {
        {"replay", "replay", "the word itself"},
        {"reply", "replay", "a letter less"},
        {"replayy", "replay", "a letter more"},
        {"teplay", "replay", "another letter"},
        {"repaly", "replay", "two letters swapped"},
        {"repa", "replay", "two edits in a long word"},
        {"rep", NULL, "three edits"},
        {"tpo", "top", "two letters swapped in a short word"},
        {"to", "top", "one edit in a short word"},
        {"t", NULL, "two edits in a short word"},
        {"moxe", "mode", "one edit in a word of four letters"},
        {"moxy", NULL, "two are too many"},
        {"bath", "batch", "five letters are long"},
        {"bat", "batch", "and allow two edits"},
        {"", NULL, "nothing at all"},
        {"abcdefghijklmnopqrstuvwxyzabcdefghijklmn", "abcdefghijklmnopqrstuvwxyzabcdefghijklmo",
         "forty letters are compared"},
        {"abcdefghijklmnopqrstuvwxyzabcdefghijklmno", NULL, "forty-one are not"},
    };
    static const char *const words[] = {"top",
                                        "replay",
                                        "batch",
                                        "mode",
                                        "abcdefghijklmnopqrstuvwxyzabcdefghijklmo",
                                        "abcdefghijklmnopqrstuvwxyzabcdefghijklmno"};
    size_t i, k;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        struct nearest near = {.word = row[i].word, .n = strlen(row[i].word)};

        for (k = 0; k < ARRAY_LEN(words); k++)
            nearest_consider(&near, words[k]);
        if (row[i].want == NULL)
            cr_expect_null(near.best, "%s: %s", row[i].why, near.best);
        else
            cr_expect_str_eq(near.best != NULL ? near.best : "-", row[i].want, "%s", row[i].why);
    }
}

Test(nearest, ties_and_prefixes)
{
    struct nearest first = {.word = "bad", .n = 3}, part = {.word = "top=3", .n = 3};

    nearest_consider(&first, "bat");
    nearest_consider(&first, "bed");
    cr_expect_str_eq(first.best, "bat", "of equally near ones the first");
    nearest_consider(&first, "bad");
    cr_expect_str_eq(first.best, "bad", "a nearer one replaces it");
    nearest_consider(&part, "top");
    cr_expect_eq(part.edits, 0, "only n octets are the word");
}
