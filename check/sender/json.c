/* HOST and self as JSON: see sender.h; the schema is in iprev-check(1).
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/json.h"
#include "check/sender/sender.h"

#include <string.h>

static json_t *json_name(const struct dname *name)
{
    char text[DNAME_VISIBLE_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    dname_put_visible(&sb, name);
    return json_string(text);
}

static json_t *json_reply(const struct said *r)
{
    json_t *records = json_array();
    unsigned i;

    for (i = 0; i < r->n; i++)
        json_array_append_new(records, r->record[i].addr.family != ADDR_NONE
                                           ? json_addr(&r->record[i].addr)
                                           : json_name(&r->record[i].name));
    return json_pack("{s:s, s:o, s:I}", "answer", said_word(r->kind), "records", records, "ttl",
                     (json_int_t)(said_is_answer(r) ? r->ttl : 0));
}

static json_t *json_server(const struct server *s)
{
    static const char *const word[] = {"ok", "differs", "failed", "unknown"};

    return json_pack("{s:o, s:o, s:s, s:o, s:o}", "name", json_name(&s->name), "address",
                     s->addr.family != ADDR_NONE ? json_addr(&s->addr) : json_null(), "state",
                     word[s->state], "udp", json_reply(&s->udp), "tcp", json_reply(&s->tcp));
}

static json_t *json_look(const struct look *k)
{
    char mailbox[2 * DNAME_VISIBLE_MAX];
    struct sbuf sb;
    json_t *servers = json_array();
    unsigned i;

    sbuf_init(&sb, mailbox, sizeof mailbox);
    mailbox_put(&sb, &k->soa.mailbox);
    for (i = 0; i < k->servers; i++)
        json_array_append_new(servers, json_server(&k->server[i]));
    return json_pack("{s:o, s:s, s:o, s:o, s:b, s:o, s:b, s:o}", "name", json_name(&k->name),
                     "type", type_word(k->type), "zone",
                     k->soa.zoned ? json_name(&k->soa.zone) : json_null(), "mailbox",
                     k->soa.zoned ? json_string(mailbox) : json_null(), "local", (int)look_local(k),
                     "resolver", json_reply(&k->cached), "own", (int)k->own, "servers", servers);
}

static json_t *json_problems(const struct sender *x)
{
    json_t *list = json_array();
    unsigned i;

    for (i = 0; i < x->problems; i++)
        json_array_append_new(list, json_string(x->problem[i]));
    for (i = 0; i < x->looks.troubles; i++)
        json_array_append_new(list, json_string(x->looks.trouble[i]));
    return list;
}

static json_t *json_notes(const struct sender *x)
{
    json_t *list = json_array();
    unsigned i;

    for (i = 0; i < x->notes; i++)
        json_array_append_new(list, json_string(x->note[i]));
    return list;
}

/* null: not asked for, or the address stands in the list before. */
static json_t *json_probe(const struct probe *p)
{
    json_t *names = json_array();
    unsigned i;

    if (p->state == PROBE_NONE) {
        json_decref(names);
        return json_null();
    }
    for (i = 0; i < p->certificate.n; i++)
        json_array_append_new(names, json_string(p->certificate.name[i]));
    return json_pack("{s:s, s:s, s:s, s:o, s:i, s:s}", "state", probe_word(p->state), "banner",
                     p->banner, "ehlo", p->ehlo, "certificate", names, "more",
                     (int)p->certificate.left_out, "error", p->error);
}

static json_t *json_egresses(const struct sender *x)
{
    json_t *list = json_array();
    unsigned i;

    for (i = 0; i < x->egresses; i++) {
        const struct egress *g = &x->egress[i];

        json_array_append_new(
            list, json_pack("{s:o, s:o, s:s, s:b, s:o}", "address", json_addr(&g->addr), "helo",
                            json_visible(g->helo, g->helo != NULL ? strlen(g->helo) : 0),
                            "transports", g->transports, "temporary", (int)g->temporary, "probe",
                            json_probe(&g->probe)));
    }
    return list;
}

static json_t *json_companions(const struct companions *c)
{
    json_t *list = json_array();
    unsigned i, k;

    for (i = 0; i < c->n; i++) {
        json_t *records = json_array();

        for (k = 0; k < c->companion[i].n; k++)
            json_array_append_new(records, json_string(c->companion[i].record[k]));
        json_array_append_new(
            list, json_pack("{s:o, s:s, s:s, s:o, s:i}", "name", json_name(&c->companion[i].name),
                            "what", c->companion[i].what, "answer", said_word(c->companion[i].kind),
                            "records", records, "more", (int)c->companion[i].left_out));
    }
    return list;
}

json_t *sender_json(const struct sender *x)
{
    json_t *fixes = json_array(), *looks = json_array(), *all;
    unsigned i;

    for (i = 0; i < x->fixes; i++)
        json_array_append_new(
            fixes, json_pack("{s:s, s:s}", "how", x->fix[i].how, "record", x->fix[i].record));
    for (i = 0; i < x->looks.n; i++)
        json_array_append_new(looks, json_look(&x->looks.look[i]));
    all = json_pack("{s:s, s:o, s:o, s:o, s:s?, s:s?, s:o, s:o, s:b, s:O}", "host", x->host,
                    "problems", json_problems(x), "notes", json_notes(x), "fixes", fixes,
                    "mail_server", x->mta.program, "relay",
                    x->mta.relay[0] != '\0' ? x->mta.relay : NULL, "addresses", json_egresses(x),
                    "zones", looks, "unheard", (int)x->looks.deaf, "clients", x->run.list);
    json_object_set_new(all, "companions", json_companions(&x->companions));
    if (x->refused != NULL)
        json_object_set_new(all, "receivers", refused_json(x->refused));
    return all;
}
