/* snapshot: what is in force, in words.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "milter/snapshot.h"
#include "tests/unit/milter/session_shared.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

Test(snapshot, rules_in_words)
{
    static struct settings s;
    char text[SNAPSHOT_RULES_MAX];
    unsigned i;

    snapshot_rules(&s, text, sizeof text);
    cr_expect_str_eq(text, "none");
    s.judge.policy.rules = 2;
    snprintf(s.judge.policy.rule[0].name, RULE_NAME_MAX, "own");
    snprintf(s.judge.policy.rule[1].name, RULE_NAME_MAX, "no-ptr");
    snapshot_rules(&s, text, sizeof text);
    cr_expect_str_eq(text, "own, no-ptr");
    s.judge.policy.rules = RULES_MAX;
    for (i = 0; i < RULES_MAX; i++)
        memset(s.judge.policy.rule[i].name, 'a', RULE_NAME_MAX - 1);
    snapshot_rules(&s, text, sizeof text);
    cr_expect(strlen(text) == RULES_MAX * (RULE_NAME_MAX + 1) - 2, "as many as there may be: %zu",
              strlen(text));
}

/* A list that is too long ends in "...", with no address cut. */
Test(snapshot, name_servers_in_words)
{
    static char *many[4];
    static char address[] = "2001:db8:1111:2222:3333:4444:5555:6666@65535";
    static struct settings s;
    char text[SNAPSHOT_SERVERS_MAX];
    size_t i;

    snapshot_servers(&s, "127.0.0.53 2001:db8::53", text, sizeof text);
    cr_expect_str_eq(text, "127.0.0.53 2001:db8::53 (/etc/resolv.conf)");
    snapshot_servers(&s, "", text, sizeof text);
    cr_expect_str_eq(text, "none (/etc/resolv.conf)");
    s.resolver.root = true;
    snapshot_servers(&s, "", text, sizeof text);
    cr_expect_str_eq(text, "those of the root zone");
    s.resolver.root = false;
    for (i = 0; i < 4; i++)
        many[i] = address;
    many[3] = (char[]){"::1"}; /* would often fit, but stands behind those left out */
    s.resolver.forward = many;
    s.resolver.forwards = 4;
    for (i = strlen(address) + 8; i <= sizeof text; i++) {
        size_t whole = 3 * (strlen(address) + 2) + 3;

        snapshot_servers(&s, "192.0.2.1", text, i);
        if (whole + 5 < i)
            cr_expect(strlen(text) == whole, "%zu: all", i);
        else
            cr_expect(strcmp(text + strlen(text) - 10, "65535, ...") == 0, "%zu: %s", i, text);
    }
}

/* The line of start and reload. Clients of exempt lists by their number, and those whose time is
 * over. */
Test(snapshot, summary_in_words)
{
    static struct listed client[3];
    static char store[] = "sqlite:/m.db", listen[] = "127.0.0.1:9";
    static const struct {
        bool enforce, root, memory, metrics;
        unsigned clients, expired, files;
        const char *told;
    } row[] = {
        {false, false, false, false, 0, 0, 0,
         "mode monitor, rules: none, name servers: 192.0.2.1 (/etc/resolv.conf)"},
        {true, true, false, false, 0, 0, 0,
         "mode enforce, rules: none, name servers: those of the root zone"},
        {true, true, false, false, 0, 0, 1,
         "mode enforce, rules: none, name servers: those of the root zone, exempt lists: 0 clients "
         "in 1 file"},
        {true, true, false, false, 1, 0, 1,
         "mode enforce, rules: none, name servers: those of the root zone, exempt lists: 1 client "
         "in 1 file"},
        {true, true, false, false, 2, 1, 2,
         "mode enforce, rules: none, name servers: those of the root zone, exempt lists: 2 clients "
         "(1 expired) in 2 files"},
        {true, true, false, false, 3, 3, 1,
         "mode enforce, rules: none, name servers: those of the root zone, exempt lists: 3 clients "
         "(3 expired) in 1 file"},
        {true, true, true, false, 0, 0, 0,
         "mode enforce, rules: none, name servers: those of the root zone, memory: sqlite:/m.db"},
        {true, true, true, true, 0, 0, 0,
         "mode enforce, rules: none, name servers: those of the root zone, memory: sqlite:/m.db, "
         "metrics: 127.0.0.1:9"},
    };
    char text[SNAPSHOT_SUMMARY_MAX];
    size_t i, k;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        static struct settings s;

        s.judge.enforce = row[i].enforce;
        s.resolver.root = row[i].root;
        s.memory.store = row[i].memory ? store : NULL;
        s.metrics_listen = row[i].metrics ? listen : NULL;
        s.judge.exempt_list.client = client;
        s.judge.exempt_list.n = row[i].clients;
        s.exempt.lists.n = row[i].files;
        for (k = 0; k < 3; k++)
            client[k].end = (int64_t)time(NULL) + (k < row[i].expired ? -1 : 3600);
        snapshot_summary(&s, "192.0.2.1", text);
        cr_expect_str_eq(text, row[i].told);
    }
}

/* New name servers come with the settings in force, which last as long as either of the two. That
 * nothing is left behind is seen by LeakSanitizer. */
Test(snapshot, settings_that_are_shared)
{
    unsigned older_first;

    for (older_first = 0; older_first < 2; older_first++) {
        struct snapshot *old, *new;
        char err[512] = "";
        struct world w;

        world_begin(&w, "mode = \"enforce\"");
        old = snapshot_take();
        new = snapshot_renew(old, "192.0.2.53", err, sizeof err);
        cr_assert(new != NULL, "%s", err);
        cr_expect(new->settings == old->settings && new->resolver != old->resolver);
        cr_expect_str_eq(new->servers, "192.0.2.53");
        snapshot_put(new);
        if (!older_first)
            snapshot_put(NULL);
        cr_expect(old->settings->judge.enforce);
        snapshot_release(old);
        if (older_first)
            cr_expect(new->settings->judge.enforce);
        world_end(&w);
    }
}
