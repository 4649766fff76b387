/* snapshot: what is in force, in words.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "milter/snapshot.h"

#include <stdio.h>
#include <string.h>

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
