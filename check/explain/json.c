/* One explanation as JSON: see explanation.h; the schema is in iprev-check(1).
 *
 * All texts are made visible or are host names, so they are ASCII.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/json.h"
#include "check/explain/explanation.h"

#include <string.h>

static json_t *json_shown(const char *s)
{
    return s == NULL || s[0] == '\0' ? json_null() : json_visible(s, strnlen(s, HELO_MAX));
}

static json_t *json_dname(const struct dname *name)
{
    char text[DNAME_VISIBLE_MAX];
    struct sbuf sb;

    if (name->len <= 1)
        return json_null();
    sbuf_init(&sb, text, sizeof text);
    dname_put_visible(&sb, name);
    return json_string(text);
}

static const char *kind_word(enum answer_kind kind)
{
    static const char *const word[] = {
        [ANSWER_DATA] = "data",   [ANSWER_NXDOMAIN] = "nxdomain", [ANSWER_NODATA] = "nodata",
        [ANSWER_ALIAS] = "alias", [ANSWER_SERVFAIL] = "servfail", [ANSWER_TIMEOUT] = "timeout",
        [ANSWER_BOGUS] = "bogus", [ANSWER_OVERLOAD] = "overload",
    };

    return word[kind];
}

static json_t *json_question(const struct explanation *e, const struct question *q)
{
    json_t *records = json_array();
    unsigned i;

    for (i = 0; i < q->shown; i++)
        json_array_append_new(records,
                              q->type == RR_PTR ? json_dname(&q->ptr[i]) : json_addr(&q->addr[i]));
    return json_pack("{s:o, s:s, s:s, s:o, s:i, s:i, s:o, s:i, s:I, s:s}", "name",
                     json_dname(&q->name), "type", rrtype_word(q->type), "answer",
                     kind_word(q->kind), "records", records, "more",
                     (int)(q->good > q->shown ? q->good - q->shown : 0), "damaged", (int)q->bad,
                     "alias", q->aliased ? json_dname(&q->target) : json_null(), "ms", (int)q->ms,
                     "ttl", (json_int_t)q->ttl, "dnssec", question_dnssec(q, e->anchored));
}

static json_t *json_questions(const struct explanation *e)
{
    const struct questions *qs = e->questions;
    json_t *list = json_array();
    unsigned i;

    for (i = 0; i < qs->n; i++)
        json_array_append_new(list, json_question(e, &qs->q[i]));
    return list;
}

static json_t *json_name(const struct explanation *e, const struct dname *name,
                         enum name_state state)
{
    const struct question *q = questions_find(e->questions, name, fcrdns_type(&e->facts.client));
    json_t *addresses = json_array();
    unsigned i;

    for (i = 0; q != NULL && i < q->shown; i++)
        json_array_append_new(addresses, json_addr(&q->addr[i]));
    return json_pack("{s:o, s:s, s:o}", "name", json_dname(name), "state", name_state_word(state),
                     "addresses", addresses);
}

static json_t *json_chain(const struct explanation *e)
{
    const struct chain *c = e->facts.chain;
    json_t *names = json_array();
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    if (c == NULL) {
        json_decref(names);
        return json_null();
    }
    while (chain_next(c, &cursor, &name, &state))
        json_array_append_new(names, json_name(e, &name, state));
    return json_pack("{s:i, s:b, s:o}", "published", (int)c->published, "capped", (int)c->capped,
                     "names", names);
}

static json_t *json_fixes(const struct link *k)
{
    json_t *list = json_array();
    unsigned i;

    for (i = 0; i < k->fixes; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "how", k->fix[i].how, "record", k->fix[i].record));
    return list;
}

static json_t *json_links(const struct links *l)
{
    json_t *list = json_array();
    unsigned i;

    for (i = 0; i < l->n; i++) {
        const struct link *k = &l->link[i];

        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s?, s:o}", "link", k->title, "state",
                                        link_word(k->state), "text", k->text, "finding",
                                        k->finding < F_COUNT ? finding_word(k->finding) : NULL,
                                        "fix", json_fixes(k)));
    }
    return list;
}

json_t *verdict_json(const struct verdict *v)
{
    const struct report *r = &v->report;

    return json_pack("{s:o, s:s, s:s?, s:o, s:o, s:s?, s:o, s:s?, s:s, s:s}", "client",
                     json_addr(&v->client), "result", finding_word(r->result) + 6, "cause",
                     r->cause < F_COUNT ? finding_word(r->cause) : NULL, "ptr", json_dname(&r->ptr),
                     "helo_name", json_dname(&r->helo), "why", r->why[0] != '\0' ? r->why : NULL,
                     "findings", json_findings(r->found), "rule",
                     v->rule_name[0] != '\0' ? v->rule_name : NULL, "action",
                     action_word(v->action), "mode", v->enforce ? "enforce" : "monitor");
}

static json_t *json_exempt_line(const struct verdict *v)
{
    char line[DNAME_TEXT_MAX];
    struct sbuf sb;

    sbuf_init(&sb, line, sizeof line);
    exempt_put_line(&sb, &v->client, v->report.found, &v->report.ptr);
    return v->action > ACTION_TAG ? json_string(line) : json_null();
}

static json_t *json_reply(const struct verdict *v, const struct verdict_options *o)
{
    struct reply reply;

    if (v->action < ACTION_GREYLIST)
        return json_null();
    verdict_reply(v, o, &reply);
    return json_pack("{s:i, s:s, s:s}", "code", (int)reply.code, "xcode", reply.xcode, "text",
                     reply.text);
}

static json_t *json_memory(const struct explanation *e)
{
    const struct memory_client *c = &e->memory.client;
    char until[16] = "";
    struct sbuf sb;

    if (!e->memory.asked)
        return json_null();
    sbuf_init(&sb, until, sizeof until);
    if (c->known_s != 0)
        recall_put_last_day(&sb, c->known_end_s);
    return json_pack("{s:s, s:s?}", "client",
                     e->memory.result == RECALL_DENIED   ? "unreadable"
                     : e->memory.result == RECALL_FAILED ? "unavailable"
                     : c->known_s != 0                   ? "known"
                                                         : "unknown",
                     "until", until[0] != '\0' ? until : NULL);
}

static json_t *json_headers(const struct explanation *e)
{
    char authres[AUTHRES_VALUE_MAX] = "", x_iprev[RECORD_HEADER_MAX];
    json_t *o = json_object();

    if (e->settings->judge.authentication_results)
        authres_field(authres, e->id, &e->verdict.report, &e->verdict.client);
    verdict_x_iprev(&e->verdict, &e->settings->judge, x_iprev);
    if (authres[0] != '\0')
        json_object_set_new(o, "Authentication-Results", json_string(authres));
    if (x_iprev[0] != '\0')
        json_object_set_new(o, "X-IPRev", json_string(x_iprev));
    return o;
}

json_t *explain_json(const struct explanation *e)
{
    json_t *o = verdict_json(&e->verdict);

    json_object_set_new(o, "helo", json_shown(e->helo));
    json_object_set_new(o, "questions", json_questions(e));
    json_object_set_new(o, "chain", json_chain(e));
    json_object_set_new(o, "links", json_links(&e->links));
    json_object_set_new(o, "reply", json_reply(&e->verdict, &e->settings->judge));
    json_object_set_new(o, "exempt_line", json_exempt_line(&e->verdict));
    json_object_set_new(o, "headers", json_headers(e));
    json_object_set_new(o, "memory", json_memory(e));
    return o;
}
