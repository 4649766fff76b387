/* Stamps of log lines: forms and bounds.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/stamp.h"

#include <criterion/criterion.h>

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
