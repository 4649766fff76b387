/* Spam verdicts in the log: see event.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/event.h"

static void keep_qid(struct log_event *e, struct log_text qid)
{
    if (text_is_qid(&qid))
        e->qid = qid;
}

/* As text_value, but not from an address in brackets. */
static struct log_text value_outside(const struct log_text *t, const char *key, size_t n, char end)
{
    struct log_text rest = text_from(t, text_outside(t, key, n));

    return text_value(&rest, key, n, end);
}

/* "(123-01) Passed SPAM {RelayedTagged}, [192.0.2.1]:25 [...] <a> -> <b>, Queue-ID: ABC, ..." */
static void read_amavis(struct log_event *e, struct log_text t)
{
    struct log_text word, kind, from;

    if (!text_begins(&t, LIT("(")))
        return;
    text_until(&t, ' ');
    word = text_until(&t, ' ');
    kind = text_until(&t, ' ');
    if (!text_is(&word, LIT("Passed")) && !text_is(&word, LIT("Blocked")))
        return;
    e->kind = LOG_SPAM;
    e->spam = text_begins(&kind, LIT("SPAM")) || text_begins(&kind, LIT("INFECTED"));
    e->discarded = text_begins(&word, LIT("Blocked")) && text_outside(&t, LIT("{Discarded")) < t.n;
    keep_qid(e, value_outside(&t, LIT(", Queue-ID: "), ','));
    e->message_id = value_outside(&t, LIT(", Message-ID: "), ',');
    from = text_from(&t, text_find(&t, LIT("[")));
    if (from.n > 0)
        text_client(&from, &e->client);
}

static bool is_one_of(const struct log_text *t, const char *const *word)
{
    while (*word != NULL && !text_is(t, *word, strlen(*word)))
        word++;
    return *word != NULL;
}

/* T (true) or F before the action in brackets. rspamd says T of each action that is not "no
 * action", but to greylist is no verdict; actions of the administrator's own are as it says. */
static bool rspamd_calls_spam(struct log_text verdict)
{
    static const char *const spam[] = {"reject",     "add header", "rewrite subject",
                                       "quarantine", "discard",    NULL};
    static const char *const later[] = {"greylist", "soft reject", NULL};
    struct log_text action;
    bool said = text_begins(&verdict, LIT("T"));

    text_until(&verdict, '(');
    action = text_until(&verdict, ')');
    return is_one_of(&action, spam) || (said && !is_one_of(&action, later));
}

/* "...rspamd_task_write_log: id: <m>, qid: <ABC>, ip: 192.0.2.1, ..., (default: T (reject): [" */
static void read_rspamd(struct log_event *e, struct log_text t)
{
    size_t at = text_find(&t, LIT("rspamd_task_write_log: "));
    struct log_text verdict, ip, sender;

    t = text_from(&t, at);
    verdict = text_from(&t, text_find(&t, LIT(" from: <")) + 7);
    if (!text_bracketed(&verdict, &sender)) /* what it is, the client wrote */
        verdict = t;
    verdict = text_from(&verdict, text_find(&verdict, LIT("(default: ")) + 10);
    if (verdict.n == 0)
        return;
    e->kind = LOG_SPAM;
    e->spam = rspamd_calls_spam(verdict);
    keep_qid(e, text_value(&t, LIT(" qid: <"), '>'));
    ip = text_value(&t, LIT(" ip: "), ',');
    if (ip.s != NULL)
        text_addr(&e->client, ip.s, ip.n);
    e->message_id = text_value(&t, LIT(" id: "), ',');
}

/* "spamd: result: Y 12 - RULES scantime=1.2,...,mid=<m>,..." */
static void read_spamd(struct log_event *e, struct log_text t)
{
    text_skip(&t, LIT("spamd: "));
    if (!text_skip(&t, LIT("result: ")) || t.n == 0 || (t.s[0] != 'Y' && t.s[0] != '.'))
        return;
    e->message_id = text_value(&t, LIT(",mid="), ',');
    if (e->message_id.s == NULL)
        return;
    e->kind = LOG_SPAM;
    e->spam = t.s[0] == 'Y';
}

void log_filter(struct log_event *e, const struct log_text *program, struct log_text message)
{
    if (text_begins(program, LIT("amavis")))
        read_amavis(e, message);
    else if (text_begins(program, LIT("rspamd")))
        read_rspamd(e, message);
    else if (text_begins(program, LIT("spamd")))
        read_spamd(e, message);
}
