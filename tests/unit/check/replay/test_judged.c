/* Clients judged by what the log tells: fates, sums, lists and their texts.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/replay/replay_shared.h"

#include "check/replay/words.h"

#include <stdlib.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

#define TOLD(client, ptr, helo, found)                                                             \
    AT "iprev-milter[1]: client=" client " ptr=" ptr " helo=" helo " findings=" found              \
       " rule=- action=accept mode=monitor qid=-"

static void judge(struct judged *j, struct tally *t, const char *const *line)
{
    start(t);
    feed(t, line);
    tally_end(t);
    *j = (struct judged){.settings = t->settings, .no_dns = true, .tally = t};
    cr_assert(judged_make(j, NOW));
}

Test(replay_judged, one_client)
{
    static const struct {
        const char *ptr, *helo, *found;
        unsigned kind;
        const char *reason, *reply; /* reply: how it begins */
        bool by_name;               /* exempted by name, not by address */
    } row[] = {
        {"mail.good.example", "mail.good.example", "iprev-pass,ptr-named,helo-verified",
         ACTION_ACCEPT, "no rule: iprev-pass, helo-verified", "", true},
        {"-", "pc", "iprev-permerror,ptr-missing,helo-unqualified", ACTION_REJECT,
         "no-ptr: ptr-missing, helo-unqualified", "550 5.7.25 ", false},
        {"mail.bad.example", "x.example", "iprev-fail,forward-mismatch,ptr-named,helo-unresolved",
         ACTION_REJECT, "forged: forward-mismatch, helo-unresolved", "550 5.7.25 ", false},
        {"192-0-2-1.dsl.isp.example", "x.example", "iprev-pass,ptr-generic,helo-mismatch",
         ACTION_TAG, "botlike: iprev-pass, ptr-generic, helo-mismatch", "", true},
        {"-", "x.example", "iprev-temperror,dns-timeout,helo-temperror", ACTION_ACCEPT,
         "no rule: dns-timeout, helo-temperror", "", false},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        char line[512], text[CLIENT_TEXT_MAX];
        const char *lines[] = {line, NULL};
        const struct client *k;
        struct judged j;
        struct tally t;
        struct sbuf sb;

        snprintf(line, sizeof line, TOLD("192.0.2.1", "%s", "%s", "%s"), row[i].ptr, row[i].helo,
                 row[i].found);
        judge(&j, &t, lines);
        k = entry(&t, "192.0.2.1");
        cr_assert_not_null(k, "%s", line);
        cr_expect_eq(k->fate.kind, row[i].kind, "%s: %s", line, fate_word(k->fate.kind));
        sbuf_init(&sb, text, sizeof text);
        client_reason(k, j.settings, &sb);
        cr_expect_str_eq(text, row[i].reason);
        text[0] = '\0';
        sbuf_init(&sb, text, sizeof text);
        client_reply(k, j.settings, &sb);
        cr_expect(strncmp(text, row[i].reply, strlen(row[i].reply)) == 0 &&
                      (row[i].reply[0] != '\0') == (text[0] != '\0'),
                  "%s", text);
        sbuf_init(&sb, text, sizeof text);
        client_exempt_line(k, j.settings, &sb);
        cr_expect(strstr(text, row[i].by_name ? row[i].ptr : "192.0.2.1"), "%s", text);
        cr_expect_eq(j.fate[row[i].kind].count[OUT_DELIVERED], 1);
        judged_free(&j);
        stop(&t);
    }
}

static const char *const several[] = {
    MESSAGE("AAAA1", "192.0.2.1"),
    SENT("AAAA1"),
    MESSAGE("AAAA2", "192.0.2.2"),
    SENT("AAAA2"),
    MESSAGE("AAAA3", "192.0.2.2"),
    SENT("AAAA3"),
    REJECT("reject: RCPT", "550 5.7.1 no; from=<> to=<a@b> proto=ESMTP helo=<pc>"),
    AT "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.3]: 550 5.1.1 no; from=<> to=<a@b> "
       "proto=ESMTP helo=<pc>",
    MESSAGE("AAAA4", "192.0.2.4"),
    SENT("AAAA4"),
    MESSAGE("AAAA5", "192.0.2.5") ", sasl_method=PLAIN, sasl_username=u",
    SENT("AAAA5"),
    TOLD("192.0.2.1", "-", "pc", "iprev-permerror,ptr-missing,helo-unqualified"),
    TOLD("192.0.2.2", "-", "pc", "iprev-permerror,ptr-missing,helo-unqualified"),
    TOLD("192.0.2.3", "-", "pc", "iprev-permerror,ptr-missing,helo-unqualified"),
    TOLD("192.0.2.4", "mail.good.example", "mail.good.example",
         "iprev-pass,ptr-named,helo-verified"),
    NULL};

/* Whom to look at first; who was refused anyway; and that each message is in one sum only. */
Test(replay_judged, lists_and_sums)
{
    static const char *const lost[] = {"192.0.2.2", "192.0.2.1"};
    struct judged j;
    struct tally t;
    uint64_t all = 0;
    uint32_t i;

    judge(&j, &t, several);
    cr_assert_eq(j.list[LIST_LOST].n, ARRAY_LEN(lost));
    for (i = 0; i < ARRAY_LEN(lost); i++) {
        const struct client *k = &t.clients.list[j.list[LIST_LOST].at[i]];

        cr_expect(addr_equal(&k->addr, &entry(&t, lost[i])->addr), "%u: most delivered first", i);
    }
    cr_expect_eq(j.list[LIST_CAUGHT].n, 1);
    cr_expect_eq(j.list[LIST_TAGGED].n + j.list[LIST_CHANGED].n, 0);
    cr_expect_eq(j.list[LIST_ALL].n, 5);
    cr_expect(j.clients == 5 && j.addresses == 5 && j.refused_addresses == 3);
    cr_expect_eq(j.fate[ACTION_REJECT].count[OUT_DELIVERED], 3);
    cr_expect_eq(sum_of(&j.fate[ACTION_REJECT], OUT_MTA, OUT_LATER), 2);
    cr_expect_eq(j.fate[FATE_EXEMPT].count[OUT_AUTH], 1);
    cr_expect_eq(j.rule[0].clients, 3, "the first rule is no-ptr");
    cr_expect_eq(sum_messages(&j.rule[0]), 5);
    cr_expect_eq(sum_messages(&j.word[F_PTR_MISSING]), 5);
    for (i = 0; i < FATE_COUNT; i++)
        all += sum_messages(&j.fate[i]);
    cr_expect_eq(all, 7);
    judged_free(&j);
    stop(&t);
}

/* Of whom no record tells, nothing is known; an address alone may exempt, and so may a login. */
Test(replay_judged, without_a_record)
{
    static const char *const line[] = {
        MESSAGE("AAAA1", "192.0.2.1"),
        SENT("AAAA1"),
        MESSAGE("AAAA2", "127.0.0.1"),
        SENT("AAAA2"),
        MESSAGE("AAAA3", "192.0.2.3") ", sasl_method=PLAIN, sasl_username=u",
        SENT("AAAA3"),
        NULL};
    static const struct {
        const char *client, *reason;
        unsigned kind;
    } row[] = {
        {"192.0.2.1", "no findings in the log", FATE_UNKNOWN},
        {"192.0.2.3", "logins or mail to exempt recipients only", FATE_EXEMPT},
    };
    struct judged j;
    struct tally t;
    size_t i;

    judge(&j, &t, line);
    for (i = 0; i < ARRAY_LEN(row); i++) {
        const struct client *k = entry(&t, row[i].client);
        char text[CLIENT_TEXT_MAX];
        struct sbuf sb;

        cr_expect(k->fate.kind == row[i].kind && k->fate.rule == -1, "%s: %s", row[i].client,
                  fate_word(k->fate.kind));
        sbuf_init(&sb, text, sizeof text);
        client_reason(k, j.settings, &sb);
        cr_expect_str_eq(text, row[i].reason);
    }
    judged_free(&j);
    stop(&t);
}

/* Against a policy that has no rules: who is refused here is accepted there. */
Test(replay_judged, compared)
{
    struct settings *none = defaults();
    struct judged j;
    struct tally t;

    none->judge.policy.rules = 0;
    start(&t);
    feed(&t, several);
    tally_end(&t);
    j = (struct judged){.settings = t.settings, .against = none, .no_dns = true, .tally = &t};
    cr_assert(judged_make(&j, NOW));
    cr_expect_eq(j.list[LIST_CHANGED].n, 3);
    cr_expect_eq(j.change[ACTION_ACCEPT][ACTION_REJECT], 5);
    cr_expect_eq(j.change[ACTION_ACCEPT][ACTION_ACCEPT], 1);
    judged_free(&j);
    stop(&t);
    settings_free(none);
}

/* An address with several HELOs is exempted once. */
Test(replay_judged, exemptions)
{
    static const char *const line[] = {
        TOLD("192.0.2.1", "-", "pc1", "iprev-permerror,ptr-missing,helo-unqualified"),
        TOLD("192.0.2.1", "-", "pc2", "iprev-permerror,ptr-missing,helo-unqualified"),
        TOLD("192.0.2.2", "-", "pc1", "iprev-permerror,ptr-missing,helo-unqualified"), NULL};
    char *text = NULL;
    struct judged j;
    struct tally t;
    size_t size;
    FILE *out;

    judge(&j, &t, line);
    cr_expect_eq(j.list[LIST_LOST].n, 3);
    out = open_memstream(&text, &size);
    put_exempt_lines(&j, &j.list[LIST_LOST], 10, out);
    fclose(out);
    cr_expect_str_eq(text, "192.0.2.1\n192.0.2.2\n");
    free(text);
    judged_free(&j);
    stop(&t);
}
