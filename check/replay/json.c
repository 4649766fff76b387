/* The report of a replay as JSON: see words.h; the schema is in iprev-check(1).
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/json.h"
#include "check/replay/words.h"

#include <string.h>

#define CLIENTS_MAX 10000 /* in one report; the rest is counted */

static json_t *json_sum(const struct judged_sum *s)
{
    json_t *o = json_object();
    unsigned k;

    json_object_set_new(o, "clients", json_integer((json_int_t)s->clients));
    json_object_set_new(o, "messages", json_integer((json_int_t)sum_messages(s)));
    for (k = 0; k < OUT_COUNT; k++)
        json_object_set_new(o, outcome_word(k), json_integer((json_int_t)s->count[k]));
    return o;
}

static json_t *json_text_of(const struct client *k, const struct settings *s, client_text *put)
{
    char text[CLIENT_TEXT_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    put(k, s, &sb);
    return text[0] != '\0' ? json_string(text) : json_null();
}

/* "" is the null sender; a last null says that there were more. */
static json_t *json_senders(const struct judged *j, const struct client *k)
{
    const struct client *base = &j->tally->clients.list[k->base];
    const struct client_senders *s = base->senders;
    json_t *list = json_array();
    unsigned i;

    for (i = 0; s != NULL && i < SENDERS_MAX && s->domain[i] != NULL; i++)
        json_array_append_new(list, json_visible(s->domain[i], strlen(s->domain[i])));
    if (base->senders_more)
        json_array_append_new(list, json_null());
    return list;
}

static json_t *json_client(const struct judged *j, const struct client *k)
{
    const struct settings *s = j->settings;
    json_t *o = json_pack(
        "{s:o, s:o, s:s?, s:s?, s:o, s:s, s:s?, s:o, s:o, s:o, s:I}", "client", json_addr(&k->addr),
        "helo", json_visible(k->helo, k->helo_len), "ptr", k->ptr, "why", k->why, "findings",
        json_findings(k->found), "action", fate_word(k->fate.kind), "rule",
        k->fate.rule >= 0 ? s->judge.policy.rule[k->fate.rule].name : NULL, "reason",
        json_text_of(k, s, client_reason), "reply", json_text_of(k, s, client_reply), "exempt_line",
        json_text_of(k, s, client_exempt_line), "messages", (json_int_t)client_messages(k));
    unsigned n;

    json_object_set_new(o, "sender_domains", json_senders(j, k));
    if (k->put_off > 0)
        json_object_set_new(o, "greylist",
                            json_pack("{s:I, s:I, s:I}", "put_off", (json_int_t)k->put_off,
                                      "firsts", (json_int_t)k->firsts, "came_back",
                                      (json_int_t)k->came_back));
    if (j->against != NULL)
        json_object_set_new(o, "against", json_string(fate_word(k->against.kind)));
    for (n = 0; n < OUT_COUNT; n++)
        if (k->count[n] > 0)
            json_object_set_new(o, outcome_word(n), json_integer((json_int_t)k->count[n]));
    return o;
}

static json_t *json_list(const struct judged *j, const struct judged_list *l)
{
    json_t *list = json_array();
    uint32_t i;

    for (i = 0; i < l->n && i < CLIENTS_MAX; i++)
        json_array_append_new(list, json_client(j, &j->tally->clients.list[l->at[i]]));
    return json_pack("{s:I, s:o}", "count", (json_int_t)l->n, "clients", list);
}

static json_t *json_log(const struct judged *j)
{
    const struct tally *t = j->tally;

    return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "files",
                     (int)j->files, "octets", (json_int_t)j->octets, "lines", (json_int_t)t->lines,
                     "known_lines", (json_int_t)t->known, "damaged_records", (json_int_t)t->damaged,
                     "connects", (json_int_t)t->connects, "spam_verdicts", (json_int_t)t->verdicts,
                     "spam_verdicts_met", (json_int_t)t->live.verdicts_met, "addresses",
                     (json_int_t)j->addresses, "temperror_clients", (json_int_t)j->temperror,
                     "begin", (json_int_t)t->begin, "end", (json_int_t)t->end, "incomplete",
                     t->clients.failed || j->unread > 0);
}

static json_t *json_actions(const struct judged *j)
{
    json_t *o = json_object();
    unsigned i;

    for (i = 0; i < FATE_COUNT; i++)
        json_object_set_new(o, fate_word(i), json_sum(&j->fate[i]));
    return o;
}

static json_t *json_rules(const struct judged *j)
{
    json_t *list = json_array();
    unsigned i;

    for (i = 0; i < j->settings->judge.policy.rules; i++) {
        const struct rule *r = &j->settings->judge.policy.rule[i];
        json_t *o = json_sum(&j->rule[i]);

        json_object_set_new(o, "rule", json_string(r->name));
        json_object_set_new(o, "action", json_string(action_word((enum action)r->action)));
        json_object_set_new(o, "trial", json_boolean(r->trial));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *json_findings_sums(const struct judged *j)
{
    json_t *o = json_object();
    unsigned f;

    for (f = 0; f < F_COUNT; f++)
        if (j->word[f].clients > 0)
            json_object_set_new(o, finding_word((enum finding)f), json_sum(&j->word[f]));
    return o;
}

static json_t *json_grey(const struct judged *j)
{
    const struct grey_sum *g = &j->grey;

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "clients", (json_int_t)g->clients,
                     "clients_back", (json_int_t)g->back, "put_off", (json_int_t)g->put_off,
                     "firsts", (json_int_t)g->firsts, "came_back", (json_int_t)g->firsts_back,
                     "passed", (json_int_t)g->passed);
}

static json_t *json_changes(const struct judged *j)
{
    json_t *list = json_array();
    unsigned from, to;

    for (from = 0; from < FATE_COUNT; from++)
        for (to = 0; to < FATE_COUNT; to++)
            if (from != to && j->change[from][to] > 0)
                json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "against", fate_word(from),
                                                      "action", fate_word(to), "messages",
                                                      (json_int_t)j->change[from][to]));
    return list;
}

static json_t *json_timeline(const struct judged *j)
{
    const struct clients *c = &j->tally->clients;
    json_t *list = json_array();
    unsigned i, k;

    for (i = 0; c->last >= 0 && i <= (unsigned)(c->last - c->first); i++) {
        json_t *o = json_pack("{s:I}", "from", (json_int_t)clients_bucket(c, i));

        for (k = 0; k < FATE_COUNT; k++)
            json_object_set_new(o, fate_word(k), json_integer((json_int_t)j->buckets[i][k]));
        json_array_append_new(list, o);
    }
    return json_pack("{s:I, s:o}", "seconds", (json_int_t)c->width, "buckets", list);
}

bool judged_json(const struct judged *j, FILE *out)
{
    json_t *o = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "log", json_log(j), "actions", json_actions(j),
        "rules", json_rules(j), "findings", json_findings_sums(j), "timeline", json_timeline(j),
        "refused_but_delivered", json_list(j, &j->list[LIST_LOST]), "refused_anyway",
        json_list(j, &j->list[LIST_CAUGHT]), "tagged", json_list(j, &j->list[LIST_TAGGED]));
    bool ok;

    if (j->tally->tries.file != NULL) {
        json_object_set_new(o, "greylist", json_grey(j));
        json_object_set_new(o, "put_off", json_list(j, &j->list[LIST_PUT_OFF]));
    }
    if (j->against != NULL) {
        json_object_set_new(o, "changes", json_changes(j));
        json_object_set_new(o, "changed", json_list(j, &j->list[LIST_CHANGED]));
    }
    ok = json_dumpf(o, out, JSON_INDENT(1) | JSON_ENSURE_ASCII) == 0 && fputc('\n', out) != EOF;
    json_decref(o);
    return ok;
}
