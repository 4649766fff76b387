/* proxywarn: which hours make a warning.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "milter/proxywarn.h"

static struct proxywarn_client from(const char *text)
{
    struct proxywarn_client c = {.helo = 0};

    cr_assert(addr_parse(&c.addr, text, strlen(text)));
    return c;
}

/* n clients in a second of the hour; how many warnings. */
static unsigned come(struct proxywarn *w, const char *text, unsigned n, int64_t now,
                     struct proxywarn_notice *out)
{
    struct proxywarn_client c = from(text);
    unsigned told = 0;

    while (n-- > 0)
        told += proxywarn_count(w, &c, now, out);
    return told;
}

Test(proxywarn, addresses)
{
    static const struct {
        const char *client;
        unsigned told;
    } row[] = {{"10.0.0.1", 1},  {"172.16.3.4", 1}, {"192.168.1.1", 1}, {"100.64.0.1", 1},
               {"127.0.0.1", 1}, {"fd00::1", 1},    {"::1", 1},         {"fe80::1", 1},
               {"192.0.2.1", 0}, {"172.32.0.1", 0}, {"2001:db8::1", 0}, {"100.128.0.1", 0}};
    struct proxywarn_notice n;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct proxywarn w = PROXYWARN_START;

        cr_expect(come(&w, row[i].client, 99, 5, &n) == 0, "%s: too few", row[i].client);
        cr_expect(come(&w, row[i].client, 500, 5, &n) == row[i].told, "%s", row[i].client);
    }
}

Test(proxywarn, more_than_half)
{
    struct proxywarn w = PROXYWARN_START;
    struct proxywarn_notice n;

    cr_expect(come(&w, "192.0.2.1", 100, 0, &n) == 0);
    cr_expect(come(&w, "10.0.0.1", 100, 0, &n) == 0, "half of them is not more than half");
    cr_expect(come(&w, "10.0.0.1", 1, 0, &n) == 1);
    cr_expect(n.clients == 101 && n.all == 201 && n.addr.bytes[0] == 10);
    cr_expect(come(&w, "10.0.0.1", 1000, 0, &n) == 0, "once");
}

Test(proxywarn, hours)
{
    struct proxywarn w = PROXYWARN_START;
    struct proxywarn_notice n;

    cr_expect(come(&w, "10.0.0.1", 300, 1000, &n) == 1);
    cr_expect(come(&w, "10.0.0.1", 300, 1000 + PROXYWARN_HOUR_MS - 1, &n) == 0);
    cr_expect(come(&w, "10.0.0.1", 99, 1000 + PROXYWARN_HOUR_MS, &n) == 0, "a new hour");
    cr_expect(come(&w, "10.0.0.1", 1, 1000 + PROXYWARN_HOUR_MS, &n) == 1 && n.all == 100);
    cr_expect(come(&w, "10.0.0.1", 60, 1000 + 3 * PROXYWARN_HOUR_MS, &n) == 0);
    cr_expect(come(&w, "10.0.0.1", 60, 1000 + 5 * PROXYWARN_HOUR_MS, &n) == 0,
              "two slow hours are not one");
}

/* Many private clients, none with more than half: nothing is said, whatever the order. */
Test(proxywarn, an_internal_network)
{
    struct proxywarn w = PROXYWARN_START;
    struct proxywarn_notice n;
    unsigned i, told = 0;
    char text[32];

    for (i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "10.0.%u.%u", i % 7, i % 11);
        told += come(&w, text, 1, 0, &n);
    }
    cr_expect(told == 0);
    cr_expect(come(&w, "10.9.9.9", 8000, 0, &n) == 1, "none of them holds its slot for ever");
    for (i = 0; i < 20000; i++) {
        snprintf(text, sizeof text, "10.0.%u.%u", i % 7, i % 11);
        told += come(&w, i % 3 == 0 ? text : "10.9.9.9", 1, PROXYWARN_HOUR_MS, &n);
    }
    cr_expect(told == 1 && n.addr.bytes[1] == 9, "the one behind them is found");
    cr_expect(n.clients > n.all / 2 && n.clients <= n.all * 2 / 3, "and not overrated");
}

/* While there is room for each address nobody's count is an estimate, however many came before. */
Test(proxywarn, counted_exactly_while_there_is_room)
{
    unsigned others, i;
    char text[32];

    for (others = 0; others < PROXYWARN_SLOTS; others++) {
        struct proxywarn w = PROXYWARN_START;
        struct proxywarn_notice n;

        come(&w, "192.0.2.1", 100 - others, 0, &n);
        for (i = 0; i < others; i++) {
            snprintf(text, sizeof text, "10.0.0.%u", i);
            come(&w, text, 1, 0, &n);
        }
        cr_expect(come(&w, "10.9.9.9", 100, 0, &n) == 0, "behind %u others: half", others);
        cr_expect(come(&w, "10.9.9.9", 1, 0, &n) == 1, "behind %u others: one more", others);
        cr_expect(n.clients == 101 && n.all == 201);
    }
}

/* Exempt: programs of our own say one name, clients behind a proxy say their own. */
Test(proxywarn, exempt_addresses)
{
    struct proxywarn w = PROXYWARN_START;
    struct proxywarn_client c = from("127.0.0.1");
    struct proxywarn_notice n;
    unsigned i, told = 0;

    c.expected = true;
    for (i = 0; i < 500; i++)
        told += proxywarn_count(&w, &c, 0, &n);
    c.helo = 7;
    for (i = 0; i < 500; i++)
        told += proxywarn_count(&w, &c, 0, &n);
    cr_expect(told == 0, "no name, or always the same");
    for (i = 0; i < 1200; i++) {
        c.helo = 8 + i % 50;
        told += proxywarn_count(&w, &c, 0, &n);
    }
    cr_expect(told == 1, "many names");
}

static struct proxywarn shared = PROXYWARN_START;

static void *run(void *arg)
{
    struct proxywarn_client *c = arg;
    struct proxywarn_notice n;
    uintptr_t told = 0;
    unsigned i;

    for (i = 0; i < 5000; i++)
        told += proxywarn_count(&shared, c, 0, &n);
    return (void *)told;
}

Test(proxywarn, threads)
{
    struct proxywarn_client c = from("10.0.0.1");
    pthread_t t[4];
    uintptr_t told = 0;
    unsigned i;
    void *one;

    for (i = 0; i < 4; i++)
        cr_assert(pthread_create(&t[i], NULL, run, &c) == 0);
    for (i = 0; i < 4; i++) {
        pthread_join(t[i], &one);
        told += (uintptr_t)one;
    }
    cr_expect(told == 1 && shared.clients == 20000 &&
              shared.slot[PROXYWARN_SLOTS - 1].count == 20000);
}
