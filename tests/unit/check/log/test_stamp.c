/* Stamps of log lines: forms and bounds.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/stamp.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

Test(log_stamp, forms)
{
    static const struct {
        const char *text;
        int64_t seconds;  /* of a stamp without year: in 2026; -1: no stamp */
        const char *rest; /* behind it */
    } row[] = {
        {"Nov 21 10:15:42 mx1", 1795256142, "mx1"},
        {"Nov 21 10:15:42.123456 mx1", 1795256142, "mx1"},
        {"Nov  1 00:00:00 mx1", 1793491200, "mx1"},
        {"Nov 21 10:15:42", -1, NULL}, /* nothing behind it */
        {"Nov 21 10:15:42,mx1", -1, NULL},
        {"Nov 21 23:59:60 mx1", 1795305600, "mx1"}, /* a leap second */
        {"Nov 21 23:59:61 mx1", -1, NULL},
        {"Nov 21 23:60:00 mx1", -1, NULL},
        {"Nov 21 24:00:00 mx1", -1, NULL},
        {"Nov 31 10:15:42 mx1", 1796120142, "mx1"}, /* read as the day behind the 30th */
        {"Nov 32 10:15:42 mx1", -1, NULL},
        {"Nov  0 10:15:42 mx1", -1, NULL},
        {"Nob 21 10:15:42 mx1", -1, NULL},
        {"2026-11-21T10:15:42 mx1", 1795256142, "mx1"},
        {"2026-11-21T10:15:42.5+01:00 mx1", 1795256142, "mx1"}, /* the zone is not looked at */
        {"2026-11-21 10:15:42 mx1", 1795256142, "mx1"},
        {"2026-13-21 10:15:42 mx1", -1, NULL},
        {"2026-00-21 10:15:42 mx1", -1, NULL},
        {"2026-12-31 10:15:42 mx1", 1798712142, "mx1"},
        {"2024-02-29 00:00:00 mx1", 1709164800, "mx1"},
        {"1970-01-01 00:00:00 mx1", 0, "mx1"},
        {"1969-12-31 23:59:59 mx1", 0, "mx1"}, /* not told */
        {"2026-11-21Z10:15:42 mx1", -1, NULL},
        {"Sat 2026-11-21 10:15:42 UTC mx1", 1795256142, "mx1"},
        {"Sat 2026-11-21 10:15 UTC mx1", -1, NULL},
        {"Sat", -1, NULL},
        {"", -1, NULL},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct log_text t = {row[i].text, strlen(row[i].text)};
        struct log_stamp stamp = {0};
        bool found = stamp_read(&stamp, &t);

        cr_expect_eq(found, row[i].seconds >= 0, "%s", row[i].text);
        if (!found) {
            cr_expect_eq(t.s, row[i].text, "%s: nothing is taken off", row[i].text);
            continue;
        }
        cr_expect(t.n == strlen(row[i].rest) && memcmp(t.s, row[i].rest, t.n) == 0, "%s",
                  row[i].text);
        if (row[i].text[0] == 'N') {
            cr_expect_eq(stamp_seconds(&stamp), 0, "%s has no year", row[i].text);
            stamp.year = 2026;
        }
        cr_expect_eq(stamp_seconds(&stamp), row[i].seconds, "%s: %lld", row[i].text,
                     (long long)stamp_seconds(&stamp));
    }
}

/* The days that a person names are those of the log: no zone is looked at. */
Test(log_stamp, given)
{
    static const struct {
        const char *text;
        int64_t at;
    } row[] = {
        {"2026-11-21", 1795219200},
        {"2026-11-21T10:15", 1795256100},
        {"2026-11-21T00:00", 1795219200},
        {"2026-11-21T23:59", 1795305540},
        {"2024-02-29", 1709164800},
        {"2025-02-29", 0},
        {"2026-04-31", 0},
        {"2026-13-01", 0},
        {"2026-00-01", 0},
        {"2026-11-21T24:00", 0},
        {"2026-11-21T10:60", 0},
        {"2026-11-21 10:15", 0},
        {"2026-11-21T10:15:42", 0},
        {"2026-11-2", 0},
        {"20261121", 0},
        {"0d", 1795256142},
        {"7d", 1795256142 - 7 * 86400},
        {"99999d", 1795256142 - 99999 * (int64_t)86400},
        {"100000d", 0},
        {"d", 0},
        {"-1d", 0},
        {"7", 0},
        {"7h", 0},
        {"", 0},
    };
    size_t i;

    setenv("TZ", "UTC", 1);
    tzset();
    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_expect(stamp_given(row[i].text, 1795256142) == row[i].at, "%s: %lld", row[i].text,
                  (long long)stamp_given(row[i].text, 1795256142));
    setenv("TZ", "XXX-2", 1); /* two hours east: stamps are written so */
    tzset();
    cr_expect(stamp_given("1d", 1795256142) == 1795256142 - 86400 + 7200);
    cr_expect(stamp_given("2026-11-21", 1795256142) == 1795219200);
}
