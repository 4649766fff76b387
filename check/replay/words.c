/* What is said of one client in every view: see words.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/words.h"

#include "judge/reply.h"

#include <string.h>
#include <time.h>

#define LINES_MAX 1000 /* clients with a line each: finding doubles takes their square */

static bool has(const struct client *k, enum finding f)
{
    return (k->found & FINDING(f)) != 0;
}

void client_reason(const struct client *k, const struct settings *s, struct sbuf *sb)
{
    findings rest = k->found & (FINDINGS_SHAPE | FINDINGS_HELO) & ~FINDING(F_PTR_NAMED);
    unsigned f;

    if (k->fate.kind == FATE_UNKNOWN) {
        sbuf_str(sb, "no findings in the log");
        return;
    }
    if (settings_relay_trusted(s, &k->addr)) {
        sbuf_str(sb, "one of trusted-relays");
        return;
    }
    if (client_judged(k) == 0) {
        sbuf_str(sb, "logins or mail to exempt recipients only");
        return;
    }
    if (settings_network_exempt(s, &k->addr)) {
        sbuf_str(sb, settings_network_listed(s, &k->addr) ? "one of exempt.networks"
                                                          : "a private address");
        return;
    }
    sbuf_str(sb, k->fate.rule >= 0 ? s->judge.policy.rule[k->fate.rule].name
                 : k->spared       ? "exempt"
                                   : "no rule");
    sbuf_str(sb, ": ");
    sbuf_str(sb, k->cause < F_COUNT    ? finding_word((enum finding)k->cause)
                 : k->result < F_COUNT ? finding_word((enum finding)k->result)
                                       : "-");
    for (f = 0; f < F_COUNT; f++)
        if ((rest & FINDING(f)) != 0) {
            sbuf_str(sb, ", ");
            sbuf_str(sb, finding_word((enum finding)f));
        }
}

void client_exempt_line(const struct client *k, const struct settings *s, struct sbuf *sb)
{
    struct dname ptr;

    (void)s;
    dname_from_text(&ptr, k->ptr != NULL ? k->ptr : "", k->ptr != NULL ? strlen(k->ptr) : 0);
    exempt_put_line(sb, &k->addr, k->found, &ptr);
}

/* An address may be there with several HELOs, and a name with several addresses; the list is
 * sorted by messages, so each is compared with those before it. */
static bool is_again(const struct judged *j, const struct judged_list *l, uint32_t i)
{
    const struct client *list = j->tally->clients.list, *k = &list[l->at[i]];
    bool by_name = has(k, F_IPREV_PASS) && k->ptr != NULL;
    uint32_t n;

    for (n = 0; n < i; n++) {
        const struct client *o = &list[l->at[n]];

        if (addr_equal(&o->addr, &k->addr) ||
            (by_name && o->ptr != NULL && has(o, F_IPREV_PASS) && strcmp(o->ptr, k->ptr) == 0))
            return true;
    }
    return false;
}

void put_exempt_lines(const struct judged *j, const struct judged_list *l, uint32_t max, FILE *out)
{
    char text[CLIENT_TEXT_MAX];
    struct sbuf sb;
    uint32_t i;

    max = max < LINES_MAX ? max : LINES_MAX;
    for (i = 0; i < l->n && i < max; i++) {
        if (is_again(j, l, i))
            continue;
        sbuf_init(&sb, text, sizeof text);
        client_exempt_line(&j->tally->clients.list[l->at[i]], j->settings, &sb);
        fprintf(out, "%s\n", text);
    }
    if (l->n > max)
        fprintf(out, "# and %u clients more\n", (unsigned)(l->n - max));
}

static bool helo_name(const struct client *k, struct dname *name)
{
    struct helo h;

    helo_parse(&h, k->helo, k->helo_len);
    *name = h.name;
    return h.form == HELO_HOST;
}

void client_reply(const struct client *k, const struct settings *s, struct sbuf *sb)
{
    struct dname ptr = {.len = 1}, helo = {.len = 1};
    struct reply_facts facts = {
        .client = &k->addr,
        .cause = k->cause < F_COUNT ? (enum finding)k->cause : F_IPREV_PASS,
        .found = k->found,
        .ptr = &ptr,
        .helo = &helo,
        .seconds = s->memory.greylist_delay_s, /* what a newcomer is told */
        .help = s->judge.help_url,
    };
    struct reply reply;

    if (!fate_refuses(k->fate.kind) && k->fate.kind != ACTION_GREYLIST)
        return;
    if (k->ptr != NULL)
        dname_from_text(&ptr, k->ptr, strlen(k->ptr));
    if (!helo_name(k, &helo))
        helo = (struct dname){.len = 1};
    policy_reply(&reply, k->fate.rule >= 0 ? &s->judge.policy.rule[k->fate.rule] : NULL,
                 (enum action)k->fate.kind, &facts);
    sbuf_uint(sb, reply.code);
    sbuf_byte(sb, ' ');
    sbuf_str(sb, reply.xcode);
    sbuf_byte(sb, ' ');
    sbuf_str(sb, reply.text);
}

/* When n is not 0, the sentence with n in place of "#" and an "s" for "~" unless n is 1. */
static void count_note(uint64_t n, const char *text, note_sink *put, void *arg)
{
    char line[160];
    struct sbuf sb;

    if (n == 0)
        return;
    sbuf_init(&sb, line, sizeof line);
    for (; *text != '\0'; text++)
        if (*text == '#')
            sbuf_uint(&sb, n);
        else if (*text != '~')
            sbuf_byte(&sb, *text);
        else if (n != 1)
            sbuf_byte(&sb, 's');
    put(arg, false, line);
}

static void verdict_note(const struct tally *t, note_sink *put, void *arg)
{
    char line[160];

    snprintf(line, sizeof line, "%llu spam verdict%s read; %llu matched a message in these logs.",
             (unsigned long long)t->verdicts, t->verdicts == 1 ? "" : "s",
             (unsigned long long)t->live.verdicts_met);
    put(arg, false,
        t->verdicts > 0 ? line
                        : "No spam verdicts in these logs: delivered spam counts as delivered.");
}

static void memory_note(const struct judged *j, note_sink *put, void *arg)
{
    char line[200];

    if (j->settings->memory.store == NULL)
        return;
    if (j->tally->records == 0 && j->tally->known > 0)
        put(arg, false, "No line of iprev-milter in these logs: no client counts as known.");
    snprintf(line, sizeof line,
             "The log does not say whether memory knows %llu client%s: no rule with client-known "
             "refuses %s.",
             (unsigned long long)j->forgotten, j->forgotten == 1 ? "" : "s",
             j->forgotten == 1 ? "it" : "them");
    if (j->forgotten > 0)
        put(arg, false, line);
}

void put_notes(const struct judged *j, note_sink *put, void *arg)
{
    const struct tally *t = j->tally;
    char line[160];

    if (j->clients > j->addresses)
        count_note(j->clients, "An address counts as a client for each HELO: # client~.", put, arg);
    if (j->mixed)
        put(arg, false, "A message counts once for each decision about its recipients.");
    snprintf(line, sizeof line, "Incomplete: %u of %u logs could not be read to the end.",
             j->unread, j->files);
    if (j->unread > 0)
        put(arg, true, line);
    if (t->known > 0)
        verdict_note(t, put, arg);
    else if (t->lines > 0 || j->unread > 0)
        put(arg, true, "No line of a known log format was found.");
    else
        put(arg, false, "The log is empty.");
    memory_note(j, put, arg);
    count_note(t->damaged, "Skipped # damaged iprev-milter record~.", put, arg);
    if (t->clients.failed)
        put(arg, true, "Out of memory: later clients are not counted.");
    count_note(j->temperror, "No DNS answer for # client~.", put, arg);
}

void put_minute(FILE *out, int64_t at)
{
    char text[32] = "";
    time_t clock = (time_t)at;
    struct tm tm;

    gmtime_r(&clock, &tm);
    if (strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm) > 0)
        fputs(text, out);
}
