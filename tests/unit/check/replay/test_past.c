/* What is remembered of messages by queue id: how far away a message may be.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/replay/replay_shared.h"

#define DAY 86400

Test(replay_past, a_day_away)
{
    static const struct {
        int64_t kept, asked; /* stamps; 0: none */
        bool found;
    } row[] = {
        {NOW, NOW, true},
        {NOW, NOW + DAY - 1, true},
        {NOW, NOW + DAY, true},
        {NOW, NOW - DAY, true},
        {NOW, NOW + DAY + 1, false},
        {NOW, NOW - DAY - 1, false},
        {0, NOW, true},
        {NOW, 0, true},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct past_entry entry = {.qid = 7, .at = row[i].kept, .client = 1};
        const struct past_entry *found;
        struct past p;

        cr_assert(past_init(&p));
        past_put(&p, &entry);
        found = past_find(&p, 7, row[i].asked);
        cr_expect_eq(found != NULL, row[i].found, "%zu", i);
        cr_expect(found == NULL || found->client == 1);
        cr_expect_null(past_find(&p, 8, row[i].asked), "another queue id");
        past_free(&p);
    }
}

/* A queue id that is used again has the newest message. */
Test(replay_past, the_newest)
{
    struct past_entry entry = {.qid = 7, .at = NOW, .client = 1};
    struct past p;

    cr_assert(past_init(&p));
    past_put(&p, &entry);
    entry.client = 2;
    entry.at = NOW + 2 * DAY;
    past_put(&p, &entry);
    cr_expect(p.n == 1 && past_find(&p, 7, NOW + 2 * DAY)->client == 2);
    cr_expect_null(past_find(&p, 7, NOW));
    past_free(&p);
}
