/* What the tests of check/explain share: one client, told by a few letters, as an explanation.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TEST_EXPLAIN_SHARED_H
#define IPREV_TEST_EXPLAIN_SHARED_H

#include "check/explain/explanation.h"
#include "tests/unit/facts.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

struct made {
    struct settings *settings;
    struct chain chain;
    struct helo helo;
    struct explanation e;
};

/* names: a letter of facts.h for each PTR name; "" for none; "-" when DNS has told nothing; "x"
 * when the address is exempt. The client is 100.0.1.244, its names are h00000.example.net and so
 * on. helo: NULL, or what was given, whose addresses say `forward`. */
static inline void make(struct made *m, const char *names, const char *helo,
                        enum name_state forward)
{
    struct fcrdns f;

    memset(m, 0, sizeof *m);
    m->settings = settings_read(NULL, stderr);
    cr_assert_not_null(m->settings);
    if (strpbrk(names, "-x") == NULL) {
        run(&f, names);
        fcrdns_chain(&f, &m->chain);
        m->e.facts.chain = &m->chain;
    }
    helo_parse(&m->helo, helo, helo != NULL ? strlen(helo) : 0);
    m->e.facts.client = nth_addr(CLIENT);
    m->e.facts.skip = names[0] == 'x' ? F_SKIP_NETWORK : F_NONE;
    m->e.facts.chain_cause = F_DNS_TIMEOUT;
    m->e.facts.helo_known = m->e.facts.helo_asked = true;
    m->e.facts.helo = &m->helo;
    m->e.facts.forward = forward;
    m->e.settings = m->settings;
    m->e.id = "mx.example.org";
    m->e.helo = helo;
    m->e.questions = questions_new();
}

static inline void judge(struct made *m)
{
    report_make(&m->e.verdict.report, &m->e.facts);
    verdict_reach(&m->e.verdict, &m->settings->judge, &m->e.facts, 0);
    links_judge(&m->e.links, &m->e.facts, &m->e.verdict, m->e.questions, m->e.helo);
}

static inline void unmake(struct made *m)
{
    questions_free(m->e.questions);
    settings_free(m->settings);
}

#endif
