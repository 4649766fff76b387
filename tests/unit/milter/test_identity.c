/* identity: whose name we use, and that odd ones are never used.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "milter/identity.h"

/* The name that is used when neither the settings nor the MTA give one. */
static const char *host_id(void)
{
    static char host[AUTHRES_ID_MAX];

    if (gethostname(host, sizeof host - 1) != 0 || !authres_id_valid(host, strlen(host)))
        return "localhost";
    return host;
}

/* The setting goes first, then {j}, then the kernel's host name; no name server is asked, so
 * none can fail at boot. */
Test(identity, E28_D6_whose_name)
{
    static char long_name[60001];
    const struct {
        const char *setting, *mta, *id, *why;
    } row[] = {
        {"id.example.net", "mx.example.org", "id.example.net", "the setting"},
        {NULL, "mx.example.org", "mx.example.org", "the MTA"},
        {NULL, NULL, host_id(), "the host"},
        {NULL, "", host_id(), "D6: an empty macro"},
        {NULL, long_name, host_id(), "D6: 60 KB"},
        {NULL, "a\x01\xff b;(", host_id(), "D6 C16: odd octets"},
        {NULL, "mx.example.org\r\nX: y", host_id(), "C16: a line end"},
    };
    size_t i;

    memset(long_name, 'x', sizeof long_name - 1);
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct identity *who = identity_take(row[i].setting, row[i].mta, NULL);

        cr_assert(who != NULL);
        cr_expect_str_eq(who->id, row[i].id, "%s", row[i].why);
        cr_expect(authres_id_valid(who->id, strlen(who->id)), "%s", row[i].why);
        identity_release(who);
    }
    identity_release(NULL);
}

Test(identity, D6_address_and_names)
{
    static const struct {
        const char *mta, *addr, *name;
        const char *shown; /* of the address; NULL: none */
    } row[] = {
        {"mx.example.org", "192.0.2.25", "mx.example.org", "192.0.2.25"},
        {"mx.example.org", "IPv6:2001:db8::25", "mx.example.org", "2001:db8::25"},
        {"mx.example.org", "ipv6:", "mx.example.org", NULL},
        {"mx.example.org", "", "mx.example.org", NULL},
        {"mx.example.org", "localhost", "mx.example.org", NULL},
        {"mx.example.org", NULL, "mx.example.org", NULL},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct identity *who = identity_take("id.example.net", row[i].mta, row[i].addr);
        struct dname id, mta;
        struct addr a = {.family = ADDR_NONE};

        cr_assert(who != NULL);
        cr_assert(dname_from_text(&id, "id.example.net", 14));
        cr_assert(dname_from_text(&mta, row[i].name, strlen(row[i].name)));
        if (row[i].shown != NULL)
            cr_assert(addr_parse(&a, row[i].shown, strlen(row[i].shown)));
        cr_expect(dname_equal(&who->self.name, &id) && dname_equal(&who->self.mta, &mta), "%zu", i);
        cr_expect(addr_equal(&who->self.addr, &a), "row %zu", i);
        identity_release(who);
    }
}

/* What a connection has taken does not change, however many others come by. */
Test(identity, C16_fixed_for_its_holder)
{
    struct identity *mine = identity_take(NULL, "first.example.org", "192.0.2.1"), *again;
    char name[32];
    unsigned i;

    cr_assert(mine != NULL);
    for (i = 0; i < 100; i++) {
        struct identity *other;

        snprintf(name, sizeof name, "h%u.example.org", i);
        other = identity_take(NULL, name, "192.0.2.2");
        cr_assert(other != NULL && other != mine);
        cr_expect_str_eq(other->id, name);
        identity_release(other);
    }
    cr_expect_str_eq(mine->id, "first.example.org");
    again = identity_take(NULL, "first.example.org", "192.0.2.1");
    cr_expect_str_eq(again->id, "first.example.org");
    identity_release(again);
    identity_release(mine);
}

/* An MTA has thousands of connections at once, and one name: they share it. */
Test(identity, connections_of_one_MTA_share_it)
{
    static const struct {
        const char *setting, *mta, *addr;
        bool shared;
        const char *why;
    } row[] = {
        {NULL, "mx.example.org", "192.0.2.1", true, "the same"},
        {NULL, "mx.example.org", "192.0.2.2", false, "another address"},
        {NULL, "mx.example.net", "192.0.2.1", false, "another name"},
        {"mx.example.net", "mx.example.org", "192.0.2.1", false, "another name for the fields"},
        {"mx.example.org", "mx.example.net", "192.0.2.1", false, "another name for HELO"},
    };
    struct identity *first = identity_take(NULL, "mx.example.org", "192.0.2.1"), *other;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        other = identity_take(row[i].setting, row[i].mta, row[i].addr);
        cr_expect_eq(other == first, row[i].shared, "%s", row[i].why);
        identity_release(other);
    }
    identity_release(first);
}

static void *take_many(void *arg)
{
    unsigned *wrong = arg, i;
    char name[32];

    for (i = 0; i < 3000; i++) {
        struct identity *who;

        snprintf(name, sizeof name, "h%u.example.org", i * 7 % 20);
        who = identity_take(NULL, name, NULL);
        *wrong += who == NULL || strcmp(who->id, name) != 0;
        identity_release(who);
    }
    return NULL;
}

Test(identity, D10_shared_by_threads)
{
    pthread_t t[4];
    unsigned wrong[4] = {0}, i;

    for (i = 0; i < 4; i++)
        cr_assert(pthread_create(&t[i], NULL, take_many, &wrong[i]) == 0);
    for (i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    cr_expect(wrong[0] + wrong[1] + wrong[2] + wrong[3] == 0);
}
