/* One explanation as text: the first line for every decision, and what fits on a line.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/explain/explain_shared.h"

#include <stdlib.h>

static char *text_of_client(struct made *m, unsigned columns, bool colour)
{
    char *text = NULL;
    size_t n;
    struct term t = {.out = open_memstream(&text, &n), .columns = columns, .colour = colour};

    explain_text(&m->e, &t);
    fclose(t.out);
    return text;
}

/* A configuration of this one rule. */
static void only_rule(struct made *m, const char *words, enum action action)
{
    struct policy *p = &m->settings->judge.policy;
    struct rule *r = &p->rule[0];

    p->rules = 1;
    memset(r, 0, sizeof *r);
    memcpy(r->name, "r", 2);
    r->action = (uint8_t)action;
    r->percent = 100;
    for (; *words != '\0'; words += strcspn(words, " ") + (words[strcspn(words, " ")] == ' '))
        cr_assert(rule_add_when(r, words, strcspn(words, " ")), "%s", words);
}

Test(text, first_line)
{
    static const struct {
        const char *names, *helo, *words;
        enum action action;
        bool enforce;
        const char *want;
    } row[] = {
        {"", NULL, "iprev-permerror", ACTION_REJECT, false,
         "would be rejected by rule r: the address has no PTR record"},
        {"", NULL, "iprev-permerror", ACTION_REJECT, true,
         "is rejected by rule r: the address has no PTR record"},
        {"", NULL, "ptr-missing helo-missing", ACTION_TEMPFAIL, true,
         "is refused for now by rule r: the address has no PTR record"},
        {"N", NULL, "iprev-fail", ACTION_QUARANTINE, false,
         "would be quarantined by rule r: h00000.example.net has no A record"},
        {"N", NULL, "iprev-fail", ACTION_QUARANTINE, true,
         "is quarantined by rule r: h00000.example.net has no A record"},
        {"N", NULL, "iprev-fail", ACTION_ACCEPT, true,
         "is accepted by rule r: h00000.example.net has no A record"},
        {"CC", NULL, "ptr-many", ACTION_TAG, false,
         "is tagged by rule r: 2 PTR records are published; many receivers look at only one of "
         "them"},
        {"C", "PC-17", "iprev-pass helo-unqualified", ACTION_REJECT, true,
         "is rejected by rule r: PC-17 is not a fully qualified name"},
        {"N", "PC-17", "iprev-fail helo-unqualified", ACTION_REJECT, true,
         "is rejected by rule r: h00000.example.net has no A record"},
        {"C", NULL, "!helo-verified", ACTION_TAG, true,
         "is tagged by rule r: reverse DNS confirms h00000.example.net"},
        {"C", NULL, "iprev-fail", ACTION_REJECT, true,
         "is accepted because reverse DNS confirms h00000.example.net"},
        {"S", NULL, "iprev-fail", ACTION_REJECT, true,
         "is accepted (no rule matched): h00000.example.net: the name servers failed (SERVFAIL), "
         "or DNSSEC "
         "validation at your resolver"},
        {"ES", NULL, "iprev-fail", ACTION_REJECT, true,
         "is accepted (no rule matched): h00001.example.net: the name servers failed (SERVFAIL), "
         "or DNSSEC "
         "validation at your resolver"},
        {"-", NULL, "dns-timeout", ACTION_TEMPFAIL, true,
         "is refused for now by rule r: no answer from DNS in time"},
        {"x", NULL, "iprev-fail", ACTION_REJECT, true,
         "is not checked because it is in exempt.networks"},
    };
    struct made m;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *text, want[256];

        make(&m, row[i].names, row[i].helo, NAME_PENDING);
        m.settings->judge.enforce = row[i].enforce;
        only_rule(&m, row[i].words, row[i].action);
        judge(&m);
        text = text_of_client(&m, 1000, false);
        snprintf(want, sizeof want, "100.0.1.244 %s\n", row[i].want);
        cr_expect(strncmp(text, want, strlen(want)) == 0, "%s%s", want, text);
        free(text);
        unmake(&m);
    }
}

/* Every line fits, unless it is one long word; a narrow terminal changes nothing but the breaks. */
Test(text, widths)
{
    static const unsigned columns[] = {30, 59, 60, 78};
    static const char *const names[] = {"", "C", "CEN", "T", "x", "-"};
    size_t i, k;
    struct made m;

    for (i = 0; i < ARRAY_LEN(names); i++)
        for (k = 0; k < ARRAY_LEN(columns); k++) {
            char *text, *line;

            make(&m, names[i], "mail.other.example", NAME_ELSEWHERE);
            judge(&m);
            text = text_of_client(&m, columns[k], false);
            for (line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
                size_t n = strcspn(line, "\n");
                bool record = strncmp(line, "      ", 6) == 0,
                     mode = strncmp(line, "  mode", 6) == 0;

                cr_expect(n <= columns[k] || record || mode || columns[k] < 60, "%.*s", (int)n,
                          line);
            }
            cr_expect_null(strchr(text, '\033'), "no colour was asked for");
            free(text);
            unmake(&m);
        }
}

Test(text, parts)
{
    static const struct {
        const char *names, *has, *has_not, *why;
    } row[] = {
        {"", "\nTo fix\n   1. ", NULL, "something to fix"},
        {"C", "  rule: none matched\n", "To fix", "nothing to fix"},
        {"", "  rule: no-ptr\n  action: reject\n", NULL, "the built-in rule"},
        {"", "  mode: monitor (headers and log only; nothing is refused)\n", NULL, "monitor"},
        {"", "  reply in enforce mode: 550 5.7.25 ", NULL, "what would be sent"},
        {"C", "  Authentication-Results: mx.example.org; iprev=pass ", "reply", "accepted"},
        {"x", "findings: iprev-skip, skip-network\n", "Chain", "exempt"},
        {"CCCCCCCCCCC", "more PTR names exist; only the first 10 by order are looked at", NULL,
         "eleven names"},
        {"CCCCCCCCCC", "10 PTR records", "more PTR names exist", "ten names"},
    };
    struct made m;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        char *text;

        make(&m, row[i].names, "h00000.example.net", NAME_NOWHERE);
        judge(&m);
        text = text_of_client(&m, 78, false);
        cr_expect_not_null(strstr(text, row[i].has), "%s: %s", row[i].why, text);
        if (row[i].has_not != NULL)
            cr_expect_null(strstr(text, row[i].has_not), "%s: %s", row[i].why, text);
        free(text);
        unmake(&m);
    }
}

Test(text, answers)
{
    struct dname name = nth_name(0);
    struct answer nine, none = answer_none(ANSWER_SERVFAIL), data;
    struct made m;
    char *text;

    make(&m, "C", NULL, NAME_PENDING);
    nine = addresses(&name, 0, 9, false);
    questions_note(m.e.questions, &name, RR_A, &nine, 3);
    questions_note(m.e.questions, &name, RR_AAAA, &none, 4);
    judge(&m);
    text = text_of_client(&m, 200, false);
    cr_expect_not_null(strstr(text, "100.0.0.7 and 1 more (3 ms, TTL 3600)\n"), "%s", text);
    cr_expect_not_null(strstr(text, "AAAA\n      the name servers failed (SERVFAIL) (4 ms)\n"));
    free(text);
    m.e.anchored = true;
    data = addresses(&name, 0, 1, false);
    data.secure = true;
    questions_clear(m.e.questions);
    questions_note(m.e.questions, &name, RR_A, &data, 3);
    text = text_of_client(&m, 200, true);
    cr_expect_not_null(strstr(text, "100.0.0.0 (3 ms, TTL 3600, DNSSEC secure)\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\033[32m is accepted\033[0m because"), "%s", text);
    free(text);
    unmake(&m);
}
