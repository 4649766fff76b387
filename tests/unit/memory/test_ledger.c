/* Who is known and what the greylist says, the same on both stores.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/memory/memory_shared.h"

#define DAY   LEDGER_DAY_S
#define START (20000 * (int64_t)DAY + 3600)

static void on_both(void (*test)(struct place *p))
{
    struct place p;
    int redis;

    for (redis = 0; redis < 2; redis++) {
        if (redis && redis_program() == NULL) {
            printf("skip: no redis-server here (tests/system/get-servers redis)\n");
            continue;
        }
        place_make(&p, redis);
        test(&p);
        place_remove(&p);
    }
}

/* ---- known clients ---- */

struct note_row {
    const char *says;
    int64_t at[4]; /* seconds after START of the messages; 0 ends, but for the first */
    int64_t look;  /* when it is asked */
    bool known;
};

static const struct note_row note_rows[] = {
    {"nothing has come", {-1}, DAY, false},
    {"one message", {0}, DAY, false},
    {"two on one day", {0, 7200}, DAY, false},
    {"two on two days", {0, DAY}, DAY, true},
    {"a minute apart, but midnight is between", {0, DAY - 3600}, DAY, true},
    {"thirty days after the last day", {0, DAY}, 31 * DAY, true},
    {"thirty-one days after the last day", {0, DAY}, 32 * DAY, false},
    {"renewed by use", {0, DAY, 20 * DAY}, 49 * DAY, true},
    {"two messages thirty days apart", {0, 30 * DAY}, 30 * DAY, true},
    {"two messages thirty-one days apart", {0, 31 * DAY}, 31 * DAY, false},
    {"and the next day", {0, 31 * DAY, 32 * DAY}, 32 * DAY, true},
    {"the clock was a month ahead for one message", {40 * DAY, 1, DAY}, DAY, true},
    {"known while it was ahead: from now on the right day counts",
     {39 * DAY, 40 * DAY, 5 * DAY},
     36 * DAY,
     false},
};

static void play_notes(struct place *p)
{
    size_t i, k, family;

    for (family = 0; family < 2; family++) {
        struct store *s = place_open(p);

        for (i = 0; i < sizeof note_rows / sizeof *note_rows; i++) {
            const struct note_row *row = &note_rows[i];
            struct addr a;
            char text[40];
            bool known = false;

            snprintf(text, sizeof text, family ? "2001:db8:%zu::1" : "192.0.%zu.1", i + 1);
            a = address(text);
            for (k = 0; k < 4 && (k == 0 ? row->at[0] >= 0 : row->at[k] > 0); k++)
                cr_expect_eq(ledger_note(s, &a, START + row->at[k]), STORE_OK, "%s", s->trouble);
            cr_expect_eq(ledger_known(s, &a, START + row->look, &known), STORE_OK);
            cr_expect_eq(known, row->known, "%s: %s: %s", p->text, text, row->says);
        }
        s->kind->close(s);
    }
}

Test(memory, known_clients_on_both_stores)
{
    on_both(play_notes);
}

/* ---- greylist ---- */

enum { FIRST_DOMAIN = 11, OTHER_DOMAIN = 12, FIRST_RCPT = 21, OTHER_RCPT = 22 };

struct grey_row {
    const char *says;
    const char *client;
    int64_t at; /* s after START */
    uint64_t domain, recipient;
    bool null_sender;
    enum memory_grey want;
    unsigned seconds;
};

/* Played in order on one store. */
static const struct grey_row grey_rows[] = {
    {"a first try", "192.0.2.1", 0, FIRST_DOMAIN, FIRST_RCPT, false, GREY_NEW, 290},
    {"too early", "192.0.2.1", 100, FIRST_DOMAIN, FIRST_RCPT, false, GREY_EARLY, 190},
    {"one second too early: an early try does not begin anew", "192.0.2.1", 289, FIRST_DOMAIN,
     FIRST_RCPT, false, GREY_EARLY, 1},
    {"another recipient is another key", "192.0.2.1", 289, FIRST_DOMAIN, OTHER_RCPT, false,
     GREY_NEW, 290},
    {"another domain, too", "192.0.2.1", 289, OTHER_DOMAIN, FIRST_RCPT, false, GREY_NEW, 290},
    {"another client of the /24 comes back for it", "192.0.2.200", 290, FIRST_DOMAIN, FIRST_RCPT,
     false, GREY_PASSED, 0},
    {"it has matured for that address and domain: all recipients", "192.0.2.200", 291, FIRST_DOMAIN,
     OTHER_RCPT, false, GREY_PASSED, 0},
    {"not for the domain of another", "192.0.2.200", 291, OTHER_DOMAIN, FIRST_RCPT, false,
     GREY_EARLY, 288},
    {"nor for the other address", "192.0.2.1", 291, FIRST_DOMAIN, FIRST_RCPT, false, GREY_NEW, 290},
    {"36 days later it is still there", "192.0.2.200", 290 + 36 * DAY, FIRST_DOMAIN, FIRST_RCPT,
     false, GREY_PASSED, 0},
    {"and was renewed by that", "192.0.2.200", 290 + 72 * DAY, FIRST_DOMAIN, FIRST_RCPT, false,
     GREY_PASSED, 0},
    {"36 days and a second without use", "192.0.2.200", 291 + 108 * DAY, FIRST_DOMAIN, FIRST_RCPT,
     false, GREY_NEW, 290},
    {"on the last second of the window", "198.51.100.1", 0, FIRST_DOMAIN, FIRST_RCPT, false,
     GREY_NEW, 290},
    {"48 hours later", "198.51.100.1", 2 * DAY, FIRST_DOMAIN, FIRST_RCPT, false, GREY_PASSED, 0},
    {"too late", "203.0.113.1", 0, FIRST_DOMAIN, FIRST_RCPT, false, GREY_NEW, 290},
    {"a second after the window it begins anew", "203.0.113.1", 2 * DAY + 1, FIRST_DOMAIN,
     FIRST_RCPT, false, GREY_NEW, 290},
    {"IPv6", "2001:db8:0:1::1", 0, FIRST_DOMAIN, FIRST_RCPT, false, GREY_NEW, 290},
    {"any address of its /64 may come back", "2001:db8:0:1:ffff::9", 290, FIRST_DOMAIN, FIRST_RCPT,
     false, GREY_PASSED, 0},
    {"and all of it passes", "2001:db8:0:1::2", 300, FIRST_DOMAIN, OTHER_RCPT, false, GREY_PASSED,
     0},
    {"the next /64 does not", "2001:db8:0:2::1", 300, FIRST_DOMAIN, FIRST_RCPT, false, GREY_NEW,
     290},
    {"a null sender", "192.0.2.9", 0, 1, FIRST_RCPT, true, GREY_NEW, 290},
    {"a null sender that is back", "192.0.2.9", 290, 1, FIRST_RCPT, true, GREY_PASSED, 0},
    {"its second message of the hour", "192.0.2.9", 3600, 1, FIRST_RCPT, true, GREY_PASSED, 0},
    {"no lasting pass", "192.0.2.9", 3600, 1, OTHER_RCPT, true, GREY_NEW, 290},
    {"the clock was ahead", "192.0.2.77", 30 * DAY, FIRST_DOMAIN, FIRST_RCPT, false, GREY_NEW, 290},
    {"and is right again", "192.0.2.77", 0, FIRST_DOMAIN, FIRST_RCPT, false, GREY_NEW, 290},
    {"the delay counts from there", "192.0.2.77", 290, FIRST_DOMAIN, FIRST_RCPT, false, GREY_PASSED,
     0},
    {"passed with a clock that is ahead", "192.0.2.78", 400 * DAY, FIRST_DOMAIN, FIRST_RCPT, false,
     GREY_NEW, 290},
    {"it has waited", "192.0.2.78", 400 * DAY + 290, FIRST_DOMAIN, FIRST_RCPT, false, GREY_PASSED,
     0},
    {"and passes when the clock is right", "192.0.2.78", 1000, FIRST_DOMAIN, FIRST_RCPT, false,
     GREY_PASSED, 0},
    {"for 36 days from there", "192.0.2.78", 1001 + 36 * DAY, FIRST_DOMAIN, FIRST_RCPT, false,
     GREY_NEW, 290},
};

static void play_greylist(struct place *p)
{
    struct store *s = place_open(p);
    size_t i;

    for (i = 0; i < sizeof grey_rows / sizeof *grey_rows; i++) {
        const struct grey_row *row = &grey_rows[i];
        struct ledger_triple t = {.client = address(row->client),
                                  .domain = row->domain,
                                  .recipient = row->recipient,
                                  .lasting = !row->null_sender};
        enum memory_grey got = GREY_UNAVAILABLE;
        unsigned seconds;

        cr_expect_eq(ledger_greylist(s, &t, &p->options, START + row->at, &got, &seconds), STORE_OK,
                     "%s", s->trouble);
        cr_expect(got == row->want && seconds == row->seconds, "%s: row %zu, %s: %d, %u s", p->text,
                  i, row->says, got, seconds);
    }
    s->kind->close(s);
}

Test(memory, greylist_on_both_stores)
{
    on_both(play_greylist);
}

static enum memory_grey knock(struct place *p, struct store *s, const char *client,
                              uint64_t recipient, int64_t at)
{
    struct ledger_triple t = {
        .client = address(client), .domain = 1, .recipient = recipient, .lasting = true};
    enum memory_grey got = GREY_UNAVAILABLE;
    unsigned seconds;

    cr_expect_eq(ledger_greylist(s, &t, &p->options, START + at, &got, &seconds), STORE_OK, "%s",
                 s->trouble);
    return got;
}

static uint64_t entries(struct store *s, enum memory_table table)
{
    struct store_counts n;

    cr_expect_eq(s->kind->count(s, &n), STORE_OK);
    return n.entries[table];
}

/* ---- what has outlived its time goes ---- */

static void outlive(struct place *p)
{
    struct store *s = place_open(p);
    struct addr known = address("192.0.2.77");
    int64_t late = 2 * DAY + 301, at;
    uint64_t i;
    int k;

    cr_expect_eq(ledger_note(s, &known, START), STORE_OK);
    for (i = 0; i < 1500; i++) { /* more than go at once */
        char client[20];

        snprintf(client, sizeof client, "198.51.%u.1", (unsigned)(i % 200));
        cr_expect_eq(knock(p, s, client, i, 0), GREY_NEW);
    }
    cr_expect_eq(knock(p, s, "192.0.2.1", 1, 300), GREY_NEW);
    for (i = 1; i <= 2; i++) {
        at = late - 62 - (int64_t)i;
        for (k = 0; k < 4; k++)
            cr_expect_eq(s->kind->tick(s, START + at), STORE_OK);
        cr_expect_eq(knock(p, s, "203.0.113.1", i, at), GREY_NEW);
    }
    cr_expect_eq(entries(s, TABLE_WAITING), 1 + 2, "%s: all but the last of the old", p->text);
    cr_expect_eq(s->kind->tick(s, START + late - 1), STORE_OK);
    cr_expect_eq(knock(p, s, "203.0.113.1", 3, late - 1), GREY_NEW);
    cr_expect_eq(entries(s, TABLE_WAITING), 1 + 3, "%s: it has a second left", p->text);
    cr_expect_eq(s->kind->tick(s, START + late + 61), STORE_OK);
    cr_expect_eq(knock(p, s, "203.0.113.1", 4, late + 61), GREY_NEW);
    cr_expect_eq(entries(s, TABLE_WAITING), 4, "%s: it is over", p->text);
    cr_expect_eq(entries(s, TABLE_SEEN), 1, "%s: clients are kept longer", p->text);
    s->kind->close(s);
}

static void outlive_not(struct place *p)
{
    struct store *s = place_open(p);

    cr_expect_eq(knock(p, s, "192.0.2.1", 1, 0), GREY_NEW);
    s->clock_doubted = true;
    cr_expect_eq(knock(p, s, "192.0.2.1", 2, 400 * DAY), GREY_NEW);
    cr_expect_eq(entries(s, TABLE_WAITING), 2, "%s: the clock may be wrong", p->text);
    s->clock_doubted = false;
    cr_expect_eq(s->kind->tick(s, 0), STORE_OK);
    cr_expect_eq(entries(s, TABLE_WAITING), 2);
    cr_expect_eq(knock(p, s, "192.0.2.1", 1, 290), GREY_PASSED);
    s->kind->close(s);
}

Test(memory, what_has_outlived_its_time_goes)
{
    on_both(outlive);
    on_both(outlive_not);
}

/* ---- bounds: one below, at, one above ---- */

/* Networks whose entries are bounded together: addresses of one, %d or %x of them, and of another.
 */
struct network {
    const char *says, *inside, *outside;
};

static const char *inside(const struct network *n, unsigned i)
{
    static char text[48];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, n->inside, i);
#pragma GCC diagnostic pop
    return text;
}

static void fill_network(struct place *p, const struct network *n)
{
    struct store *s = place_open(p);
    uint64_t before = entries(s, TABLE_WAITING), i;

    cr_expect_eq(knock(p, s, n->outside, 1, 0), GREY_NEW, "%s", n->says);
    for (i = 1; i < MEMORY_WAITING_PER_NET; i++)
        cr_expect_eq(knock(p, s, inside(n, 1 + i % 200), i, (int64_t)i), GREY_NEW);
    cr_expect_eq(entries(s, TABLE_WAITING) - before, MEMORY_WAITING_PER_NET, "%s: one below",
                 n->says);
    cr_expect_eq(knock(p, s, inside(n, 1), i, (int64_t)i), GREY_NEW);
    cr_expect_eq(entries(s, TABLE_WAITING) - before, 1 + MEMORY_WAITING_PER_NET, "%s: at it",
                 n->says);
    cr_expect_eq(knock(p, s, inside(n, 2), 1, 280), GREY_EARLY, "%s: at it the first is there",
                 n->says);
    cr_expect_eq(knock(p, s, inside(n, 99), 5000, 281), GREY_NEW);
    cr_expect_eq(entries(s, TABLE_WAITING) - before, 1 + MEMORY_WAITING_PER_NET,
                 "%s: one above, the oldest made room", n->says);
    cr_expect_eq(knock(p, s, inside(n, 3), 2, 291), GREY_EARLY, "%s: the second is there", n->says);
    cr_expect_eq(knock(p, s, inside(n, 2), 1, 400), GREY_NEW, "%s: the first is gone", n->says);
    cr_expect_eq(knock(p, s, n->outside, 1, 400), GREY_PASSED, "%s: another network is untouched",
                 n->says);
    s->kind->close(s);
}

static void fill_networks(struct place *p)
{
    static const struct network row[] = {
        {"a /24", "192.0.2.%u", "198.51.100.1"},
        {"/64s of a /48", "2001:db8:1:%x::1", "2001:db8:2::1"},
    };

    fill_network(p, &row[0]);
    fill_network(p, &row[1]);
}

Test(memory, H12_a_network_cannot_push_out_others)
{
    on_both(fill_networks);
}

static bool is_known(struct store *s, const char *client, int64_t now_s)
{
    struct addr a = address(client);
    bool known = false;

    cr_expect_eq(ledger_known(s, &a, now_s, &known), STORE_OK);
    return known;
}

static void note(struct store *s, const char *client, int64_t now_s)
{
    struct addr a = address(client);

    cr_expect_eq(ledger_note(s, &a, now_s), STORE_OK);
}

static void fill_known_of(struct place *p, const struct network *n)
{
    struct store *s = place_open(p);
    uint64_t before = entries(s, TABLE_KNOWN);
    unsigned i;

    note(s, n->outside, START);
    note(s, n->outside, START + DAY);
    for (i = 1; i <= MEMORY_KNOWN_PER_NET + 1; i++)
        note(s, inside(n, i), START);
    cr_expect_eq(entries(s, TABLE_KNOWN) - before, 1, "%s", n->says);
    for (i = 1; i <= MEMORY_KNOWN_PER_NET + 1; i++) {
        note(s, inside(n, i), START + DAY * (i == 1 ? 1 : 2));
        cr_expect_eq(entries(s, TABLE_KNOWN) - before,
                     1 + (i <= MEMORY_KNOWN_PER_NET ? i : MEMORY_KNOWN_PER_NET), "%s: %u", n->says,
                     i);
        cr_expect_eq(is_known(s, inside(n, 1), START + 2 * DAY), i <= MEMORY_KNOWN_PER_NET,
                     "%s: the one not seen for longest makes room for the hundred and first: %u",
                     n->says, i);
    }
    cr_expect(is_known(s, inside(n, 2), START + 2 * DAY), "%s", n->says);
    cr_expect(is_known(s, inside(n, 101), START + 2 * DAY), "%s", n->says);
    cr_expect(is_known(s, n->outside, START + 2 * DAY), "%s: another is untouched", n->says);
    s->kind->close(s);
}

static void fill_known(struct place *p)
{
    static const struct network row[] = {
        {"a /24", "192.0.2.%u", "198.51.100.1"},
        {"a /64", "2001:db8::%x", "2001:db8:0:1::1"},
    };

    fill_known_of(p, &row[0]);
    fill_known_of(p, &row[1]);
}

Test(memory, a_network_has_a_hundred_known_clients)
{
    on_both(fill_known);
}

/* One below, at and one above what a table has room for. */
static void fill_table(struct place *p)
{
    struct store *s = place_open(p);

    s->bounds[TABLE_WAITING].total = 3;
    cr_expect_eq(knock(p, s, "2001:db8:1::1", 0, 0), GREY_NEW);
    cr_expect_eq(knock(p, s, "192.0.2.1", 0, 1), GREY_NEW);
    cr_expect_eq(entries(s, TABLE_WAITING), 2, "%s: one below", p->text);
    cr_expect_eq(knock(p, s, "192.0.2.1", 1, 2), GREY_NEW);
    cr_expect_eq(entries(s, TABLE_WAITING), 3, "%s: at it", p->text);
    cr_expect_eq(knock(p, s, "2001:db8:1::1", 0, 3), GREY_EARLY, "%s: all are there", p->text);
    cr_expect_eq(knock(p, s, "198.51.100.1", 9, 4), GREY_NEW, "a full table lets nobody through");
    cr_expect_eq(entries(s, TABLE_WAITING), 3, "%s: one above, the oldest made room", p->text);
    cr_expect_eq(knock(p, s, "198.51.100.1", 9, 294), GREY_PASSED, "%s: a newcomer gets in",
                 p->text);
    cr_expect_eq(knock(p, s, "192.0.2.1", 0, 294), GREY_PASSED, "%s: only the oldest is gone",
                 p->text);
    cr_expect_eq(knock(p, s, "2001:db8:1::1", 0, 294), GREY_NEW, "%s: it is put off anew", p->text);
    cr_expect_eq(entries(s, TABLE_WAITING), 2, "%s", p->text);
    s->kind->close(s);
}

/* Many networks of one owner, each below its own bound, fill the table over and over. */
static void flood_table(struct place *p)
{
    struct store *s = place_open(p);
    char client[48];
    unsigned i;

    s->bounds[TABLE_WAITING].total = 200;
    cr_expect_eq(knock(p, s, "198.51.100.1", 1, 0), GREY_NEW);
    for (i = 0; i < 1000; i++) {
        snprintf(client, sizeof client, "2001:db8:%x:%x::1", i % 250, i);
        cr_expect_eq(knock(p, s, client, i, 1 + i / 10), GREY_NEW);
        if (i == 900)
            cr_expect_eq(knock(p, s, "203.0.113.1", 1, 91), GREY_NEW);
    }
    cr_expect_eq(entries(s, TABLE_WAITING), 200, "%s", p->text);
    cr_expect_eq(knock(p, s, "203.0.113.1", 1, 381), GREY_PASSED, "%s: a newcomer gets in",
                 p->text);
    cr_expect_eq(knock(p, s, "198.51.100.1", 1, 381), GREY_NEW,
                 "%s: 200 newer tries came before it came back", p->text);
    cr_expect_eq(knock(p, s, "2001:db8:0:0::1", 0, 381), GREY_NEW, "%s: nobody is let through",
                 p->text);
    s->kind->close(s);
}

/* So it is with passes, and with clients of one day. */
static void fill_others(struct place *p)
{
    struct store *s = place_open(p);
    static const char *const client[] = {"192.0.2.1", "2001:db8::1", "198.51.100.1"};
    size_t i;

    s->bounds[TABLE_PASSED].total = s->bounds[TABLE_SEEN].total = 2;
    for (i = 0; i < 3; i++) {
        knock(p, s, client[i], 1, (int64_t)i);
        cr_expect_eq(knock(p, s, client[i], 1, 300 + (int64_t)i), GREY_PASSED);
        note(s, client[i], START + (int64_t)i * DAY);
        cr_expect_eq(entries(s, TABLE_PASSED), i < 2 ? i + 1 : 2, "%s: %zu", p->text, i);
        cr_expect_eq(entries(s, TABLE_SEEN), i < 2 ? i + 1 : 2, "%s: %zu", p->text, i);
    }
    for (i = 3; i-- > 0;) {
        cr_expect_eq(knock(p, s, client[i], 2, 310), i == 0 ? GREY_NEW : GREY_PASSED, "%s: %s",
                     p->text, client[i]);
        note(s, client[i], START + 3 * DAY);
        cr_expect_eq(is_known(s, client[i], START + 3 * DAY), i > 0, "%s: %s", p->text, client[i]);
    }
    s->kind->close(s);
}

/* Who is known stays so in a full table, and nobody else becomes it; nor does a pass get lost
 * there. */
static void fill_known_table(struct place *p)
{
    struct store *s = place_open(p);
    int day;

    s->bounds[TABLE_KNOWN].total = 2;
    for (day = 0; day < 2; day++) {
        note(s, "192.0.2.1", START + day * DAY);
        note(s, "198.51.100.1", START + day * DAY);
        note(s, "203.0.113.1", START + day * DAY);
    }
    cr_expect_eq(entries(s, TABLE_KNOWN), 2);
    cr_expect(is_known(s, "192.0.2.1", START + DAY));
    cr_expect(is_known(s, "198.51.100.1", START + DAY));
    cr_expect(!is_known(s, "203.0.113.1", START + DAY));
    s->kind->close(s);
}

Test(memory, a_full_table_of_known_clients)
{
    on_both(fill_known_table);
}

Test(memory, H12_in_a_full_table_the_oldest_makes_room)
{
    on_both(fill_table);
    on_both(flood_table);
    on_both(fill_others);
}
