/* iprev-check IP [HELO]: see explain.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "explain.h"

#include "resolve.h"
#include "verdict.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXIT_REFUSED   1
#define EXIT_INTERNAL  70
#define EXIT_TEMPERROR 75

#define SHOWN_MAX 4 /* records of one answer */

/* ---- DNS questions as they are answered ---- */

struct questions {
    pthread_mutex_t lock;
    FILE *out;
};

static const char *kind_word(enum answer_kind kind)
{
    switch (kind) {
    case ANSWER_NXDOMAIN:
        return "no such name";
    case ANSWER_NODATA:
        return "no record of this type";
    case ANSWER_SERVFAIL:
        return "SERVFAIL";
    case ANSWER_TIMEOUT:
        return "no answer";
    case ANSWER_BOGUS:
        return "DNSSEC bogus";
    case ANSWER_OVERLOAD:
        return "not asked: overload";
    case ANSWER_ALIAS:
        return "alias of ";
    case ANSWER_DATA:
        break;
    }
    return "";
}

static void put_records(struct sbuf *sb, const struct answer *a)
{
    size_t cursor = 0;
    unsigned shown = 0;
    struct dname name;
    struct addr addr;

    while (shown < SHOWN_MAX && (a->type == RR_PTR ? answer_next_name(a, &cursor, &name)
                                                   : answer_next_addr(a, &cursor, &addr))) {
        sbuf_str(sb, shown++ > 0 ? ", " : "");
        if (a->type == RR_PTR)
            dname_put_visible(sb, &name);
        else
            addr_put(sb, &addr);
    }
    if (a->good > shown) {
        sbuf_str(sb, " and ");
        sbuf_uint(sb, a->good - shown);
        sbuf_str(sb, " more");
    }
    if (a->bad > 0) {
        sbuf_str(sb, shown > 0 ? " and " : "");
        sbuf_uint(sb, a->bad);
        sbuf_str(sb, " damaged");
    }
}

static const char *type_word(enum rrtype type)
{
    return type == RR_PTR ? "PTR" : type == RR_A ? "A" : type == RR_AAAA ? "AAAA" : "?";
}

static void on_question(void *arg, const struct dname *name, enum rrtype type,
                        const struct answer *a, unsigned ms)
{
    struct questions *q = arg;
    char asked[DNAME_VISIBLE_MAX], got[(SHOWN_MAX + 1) * DNAME_VISIBLE_MAX];
    struct sbuf sb;

    sbuf_init(&sb, asked, sizeof asked);
    dname_put_visible(&sb, name);
    sbuf_init(&sb, got, sizeof got);
    sbuf_str(&sb, kind_word(a->kind));
    if (a->kind == ANSWER_DATA)
        put_records(&sb, a);
    if (a->kind == ANSWER_ALIAS)
        dname_put_visible(&sb, &a->name);
    pthread_mutex_lock(&q->lock);
    fprintf(q->out, "  %s %s: %s (%u ms, TTL %u%s)\n", asked, type_word(type), got, ms,
            (unsigned)a->ttl, a->secure ? ", DNSSEC secure" : "");
    pthread_mutex_unlock(&q->lock);
}

/* ---- the chain ---- */

static const char *state_word(enum name_state state)
{
    switch (state) {
    case NAME_CONFIRMED:
        return "leads back to the client: confirmed";
    case NAME_ELSEWHERE:
        return "leads to other addresses";
    case NAME_CAPPED:
        return "has too many addresses, none of the first is the client's";
    case NAME_NOWHERE:
        return "has no address";
    case NAME_SERVFAIL:
        return "its addresses could not be had (SERVFAIL)";
    case NAME_BOGUS:
        return "its addresses fail DNSSEC validation";
    case NAME_OVERLOAD:
        return "its addresses were not asked (overload)";
    case NAME_PENDING:
    case NAME_TIMEOUT:
        break;
    }
    return "its addresses did not come in time";
}

static void print_chain(const struct chain *c, FILE *out)
{
    char text[DNAME_TEXT_MAX];
    enum name_state state;
    struct dname name;
    struct sbuf sb;
    size_t cursor = 0;

    fprintf(out, "Chain\n");
    if (c->names == 0)
        fprintf(out, "  %s\n",
                c->cause == F_PTR_MISSING   ? "the address has no PTR record"
                : c->cause == F_PTR_INVALID ? "no PTR record holds a usable host name"
                                            : "the PTR records could not be had");
    while (chain_next(c, &cursor, &name, &state)) {
        sbuf_init(&sb, text, sizeof text);
        dname_put(&sb, &name);
        fprintf(out, "  PTR %s %s\n", text, state_word(state));
    }
    if (c->capped)
        fprintf(out, "  more PTR names exist; only the first %d by order are looked at\n",
                FCRDNS_NAMES_MAX);
}

/* ---- the outcome ---- */

static void print_field(FILE *out, const char *name, const char *value)
{
    if (value[0] != '\0')
        fprintf(out, "  %s: %s\n", name, value);
}

static void print_verdict(const struct verdict *v, const struct settings *s, const char *id,
                          FILE *out)
{
    char words[1024], authres[AUTHRES_VALUE_MAX], x_iprev[RECORD_HEADER_MAX];
    enum action action = v->record.action;
    struct reply reply;
    struct sbuf sb;

    sbuf_init(&sb, words, sizeof words);
    findings_put(&sb, v->report.found);
    fprintf(out, "Findings\n  %s\n", words);
    if (v->report.why[0] != '\0')
        fprintf(out, "  name shape: %s\n", v->report.why);
    fprintf(out, "Outcome\n  rule: %s\n  action: %s\n  mode: %s\n",
            v->record.rule[0] != '\0' ? v->record.rule : "none holds", action_word(action),
            s->enforce ? "enforce" : "monitor: headers and log only, nothing is refused");
    if (action == ACTION_REJECT || action == ACTION_TEMPFAIL) {
        verdict_reply(v, &reply);
        fprintf(out, "  reply%s: %u %s %s\n", s->enforce ? "" : " in enforce mode", reply.code,
                reply.xcode, reply.text);
    }
    verdict_authres(v, s, id, authres);
    verdict_x_iprev(v, s, x_iprev);
    print_field(out, "Authentication-Results", authres);
    print_field(out, "X-IPRev", x_iprev);
}

/* ---- together ---- */

static void own_id(const struct settings *s, char id[AUTHRES_ID_MAX])
{
    if (s->authserv_id != NULL) {
        memcpy(id, s->authserv_id, strlen(s->authserv_id) + 1);
        return;
    }
    if (gethostname(id, AUTHRES_ID_MAX) != 0)
        id[0] = '\0';
    id[AUTHRES_ID_MAX - 1] = '\0';
    if (!authres_id_valid(id, strlen(id)))
        memcpy(id, "localhost", sizeof "localhost");
}

static void print_client(const struct addr *client, const char *helo, FILE *out)
{
    char text[4 * HELO_MAX + 8];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    addr_put(&sb, client);
    fprintf(out, "Client\n  address: %s\n", text);
    if (helo == NULL)
        return;
    sbuf_init(&sb, text, sizeof text);
    sbuf_visible(&sb, helo, strlen(helo) < HELO_MAX ? strlen(helo) : HELO_MAX);
    fprintf(out, "  HELO: %s\n", text);
}

static int exit_code(const struct verdict *v)
{
    if (v->report.result == F_IPREV_TEMPERROR)
        return EXIT_TEMPERROR;
    return v->record.action == ACTION_REJECT || v->record.action == ACTION_TEMPFAIL ? EXIT_REFUSED
                                                                                    : 0;
}

int explain(const struct settings *s, const struct addr *client, const char *helo, FILE *out)
{
    struct questions q = {.lock = PTHREAD_MUTEX_INITIALIZER, .out = out};
    struct resolver_trace trace = {.question = on_question, .arg = &q};
    struct lookup *chain = NULL, *forward = NULL;
    struct facts f = {.client = *client, .skip = F_NONE, .chain_cause = F_DNS_TIMEOUT};
    char id[AUTHRES_ID_MAX], err[512];
    struct helo h;
    struct verdict v;
    struct resolver *r = resolver_start(&s->resolver, &trace, err, sizeof err);
    int64_t deadline = resolver_now() + s->resolver.deadline_ms;

    if (r == NULL) {
        fprintf(stderr, "iprev-check: resolver: %s\n", err);
        return EXIT_INTERNAL;
    }
    own_id(s, id);
    dname_from_text(&f.self.name, id, strlen(id));
    helo_parse(&h, helo, helo != NULL ? strlen(helo) : 0);
    print_client(client, helo, out);
    fprintf(out, "DNS\n");
    if (settings_network_exempt(s, client)) {
        f.skip = F_SKIP_NETWORK;
        fprintf(out, "  not asked: the address is in exempt.networks\n");
    } else {
        chain = resolver_ask_client(r, client, deadline);
        lookup_wait(chain, deadline + 200);
        if (lookup_done(chain))
            f.chain = lookup_chain(chain);
        if (s->resolver.helo && helo_must_ask(&h, &f.self, f.chain)) {
            forward = resolver_ask_helo(r, client, &h.name, deadline);
            lookup_wait(forward, deadline + 200);
            f.forward = lookup_done(forward) ? lookup_forward(forward) : HELO_TRANSIENT;
        }
    }
    f.helo_known = true;
    f.helo = &h;
    f.helo_asked = s->resolver.helo;
    f.shapes = &s->shapes;
    verdict_reach(&v, s, &f, (int64_t)time(NULL));
    pthread_mutex_lock(&q.lock);
    if (f.chain != NULL)
        print_chain(f.chain, out);
    print_verdict(&v, s, id, out);
    pthread_mutex_unlock(&q.lock);
    lookup_release(chain);
    lookup_release(forward);
    resolver_release(r);
    resolver_wait_ended(5000);
    return exit_code(&v);
}
