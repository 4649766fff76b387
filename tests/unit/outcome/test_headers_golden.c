/* Golden fields: rows of facts in headers.in, the exact fields in headers.ref.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "outcome/authres.h"
#include "outcome/record.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COL_ID, COL_CLIENT, COL_PTR, COL_HELO, COL_FINDINGS, COL_RULE, COL_ACTION, COL_MODE, COLS };

static FILE *open_golden(const char *name)
{
    const char *dir = getenv("GOLDEN_DIR");
    char path[4096];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir == NULL ? "tests/golden" : dir, name);
    f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    return f;
}

static void read_row(char *line, char *col[COLS])
{
    unsigned i;

    line[strcspn(line, "\n")] = '\0';
    for (i = 0; i < COLS; i++) {
        col[i] = line;
        line += strcspn(line, "\t");
        cr_assert((*line == '\0') == (i == COLS - 1), "column %u of a row with %s", i, col[0]);
        *line++ = '\0';
    }
}

static void make_record(struct record *r, char *col[COLS])
{
    size_t n = strlen(col[COL_RULE]);

    *r = (struct record){.ptr = {.len = 1}, .helo = {.len = 1}};
    cr_assert(addr_parse(&r->client, col[COL_CLIENT], strlen(col[COL_CLIENT])));
    if (*col[COL_PTR] != '-')
        cr_assert(dname_from_text(&r->ptr, col[COL_PTR], strlen(col[COL_PTR])));
    if (*col[COL_HELO] != '-')
        cr_assert(dname_from_text(&r->helo, col[COL_HELO], strlen(col[COL_HELO])));
    cr_assert(findings_read(&r->found, col[COL_FINDINGS], strlen(col[COL_FINDINGS])));
    cr_assert_lt(n, sizeof r->rule);
    if (*col[COL_RULE] != '-')
        memcpy(r->rule, col[COL_RULE], n);
    cr_assert(action_from_word(&r->action, col[COL_ACTION], strlen(col[COL_ACTION])));
    r->enforce = strcmp(col[COL_MODE], "enforce") == 0;
}

static void put_fields(struct sbuf *sb, char *col[COLS])
{
    enum finding result;
    struct record r;

    make_record(&r, col);
    result = finding_pick(r.found, FINDINGS_RESULT);
    sbuf_str(sb, "Authentication-Results: ");
    /* Only a name that was confirmed: RFC 8601 4.1. */
    authres_put(sb, col[COL_ID], result, finding_pick(r.found, FINDINGS_CAUSE), &r.client,
                result == F_IPREV_PASS ? &r.ptr : NULL);
    sbuf_str(sb, "\nX-IPRev: ");
    record_put_header(sb, &r);
    sbuf_str(sb, "\n\n");
    cr_assert_not(sb->overflow);
}

/* The fields of one row, as they stand in headers.ref: two fields, an empty line. */
static void check_fields(const char *fields, FILE *ref, unsigned row)
{
    char line[1100];

    while (*fields != '\0') {
        size_t n = strcspn(fields, "\n") + 1;

        cr_assert_not_null(fgets(line, sizeof line, ref), "row %u: headers.ref ends", row);
        cr_expect(strlen(line) == n && memcmp(line, fields, n) == 0,
                  "row %u:\n  is     %.*s  wanted %s", row, (int)n, fields, line);
        fields += n;
    }
}

Test(headers, golden)
{
    FILE *in = open_golden("headers.in");
    FILE *ref = open_golden("headers.ref");
    char line[4096], fields[AUTHRES_VALUE_MAX + RECORD_HEADER_MAX];
    char *col[COLS];
    struct sbuf sb;
    unsigned row = 0;

    while (fgets(line, sizeof line, in) != NULL) {
        if (line[0] == '#')
            continue;
        row++;
        read_row(line, col);
        sbuf_init(&sb, fields, sizeof fields);
        put_fields(&sb, col);
        check_fields(fields, ref, row);
    }
    cr_expect_null(fgets(line, sizeof line, ref), "headers.ref holds more");
    cr_expect_gt(row, 15);
    fclose(in);
    fclose(ref);
}
