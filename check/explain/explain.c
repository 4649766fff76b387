/* One client explained: see commands.h and run.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/commands.h"

#include "check/explain/run.h"
#include "check/start.h"
#include "dns/inquiry.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define EXIT_REFUSED 1

bool run_refused(enum action action)
{
    return action >= ACTION_GREYLIST;
}

bool run_start(struct run *r, const struct settings *s, bool json)
{
    struct resolver_trace trace = {.question = questions_note};

    memset(r, 0, sizeof *r);
    r->settings = s;
    r->questions = trace.arg = questions_new();
    if (r->questions == NULL) {
        fprintf(stderr, "iprev-check: out of memory\n");
        r->code = EX_SOFTWARE;
        return false;
    }
    r->resolver = start_resolver(s, &trace, &r->code);
    if (r->resolver == NULL) {
        questions_free(r->questions);
        return false;
    }
    own_id(r->id, s->authserv_id, NULL);
    term_init(&r->term, stdout);
    r->text = !json;
    r->list = json ? json_array() : NULL;
    return true;
}

/* The questions go last: a resolver thread may still note an answer. */
int run_end(struct run *r)
{
    resolver_release(r->resolver);
    if (resolver_wait_ended(5000))
        questions_free(r->questions);
    json_decref(r->list);
    return r->code;
}

/* Questions that were asked but not answered by the deadline have left no note. */
static void note_silence(struct questions *qs, const struct facts *f, unsigned ms)
{
    enum rrtype type = fcrdns_type(&f->client);
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    dname_reverse(&name, &f->client);
    if (f->chain == NULL || f->chain->cause == F_DNS_TIMEOUT)
        questions_note_silence(qs, &name, RR_PTR, ms);
    while (f->chain != NULL && chain_next(f->chain, &cursor, &name, &state))
        if (state == NAME_TIMEOUT || state == NAME_PENDING)
            questions_note_silence(qs, &name, type, ms);
    if (f->forward == NAME_TIMEOUT)
        questions_note_silence(qs, &f->helo->name, type, ms);
}

/* Of several clients the worst counts: refused, then not known. */
static void count(struct run *r, const struct verdict *v)
{
    if (v->report.result == F_IPREV_TEMPERROR)
        r->code = r->code == 0 ? EX_TEMPFAIL : r->code;
    else if (run_refused(v->action))
        r->code = EXIT_REFUSED;
    r->summary[r->clients++ % QUESTION_ADDRS_MAX] =
        (struct summary){v->client, v->action, v->report.result, v->report.cause};
}

static void print(struct run *r, const struct explanation *e)
{
    if (r->list != NULL)
        json_array_append_new(r->list, explain_json(e));
    if (!r->text)
        return;
    if (r->clients > 0)
        fputc('\n', r->term.out);
    explain_text(e, &r->term);
}

static void ask(struct run *r, struct inquiry *q, const struct inquiry_options *o,
                const struct addr *client, const char *helo)
{
    bool exempt = settings_network_exempt(r->settings, client);

    questions_clear(r->questions);
    inquiry_start(q, o, client, exempt ? F_SKIP_NETWORK : F_NONE);
    inquiry_wait(q, false, NULL); /* its answer may spare the question for the HELO name */
    inquiry_helo(q, helo, helo != NULL ? strlen(helo) : 0);
    inquiry_wait(q, true, NULL);
}

/* As the daemon does, and only when it matters. Where this user may not look, the client is judged
 * as not known; the text says so. */
static void ask_memory(struct explanation *e, const struct settings *s, int64_t now)
{
    static const enum remembered means[] = {[RECALL_DONE] = NOT_REMEMBERED,
                                            [RECALL_NONE] = NOT_REMEMBERED,
                                            [RECALL_DENIED] = NOT_REMEMBERED,
                                            [RECALL_FAILED] = MEMORY_FAILED};
    struct verdict *v = &e->verdict;
    bool wanted = verdict_wants_memory(v, &s->judge, 0, now);

    if (s->memory.store == NULL || (!wanted && v->action != ACTION_GREYLIST))
        return;
    e->memory.asked = true;
    e->memory.result = recall_client(s, &v->client, &e->memory.client, e->memory.why);
    if (wanted) {
        report_remember(&v->report,
                        e->memory.client.known_s != 0 ? REMEMBERED : means[e->memory.result]);
        verdict_reach(v, &s->judge, &e->facts, now);
    }
    if (v->action == ACTION_GREYLIST && e->memory.result == RECALL_FAILED)
        verdict_let_through(v, RECORD_UNAVAILABLE);
}

void run_client(struct run *r, const struct addr *client, const char *helo)
{
    const struct resolver_settings *dns = &r->settings->resolver;
    struct explanation e = {
        .settings = r->settings, .id = r->id, .questions = r->questions, .helo = helo};
    struct self self = own_self(r->away ? "" : r->id);
    struct inquiry_options o = {
        .resolver = r->resolver, .settings = dns, .shapes = &r->settings->shapes, .self = &self};
    struct inquiry q = {.skip = F_NONE};
    int64_t now = (int64_t)time(NULL);

    e.fixes_apart = r->explained != NULL;
    e.anchored = dns->trust_anchor != NULL && dns->trust_anchor[0] != '\0';
    ask(r, &q, &o, client, helo);
    inquiry_facts(&q, true, &e.facts);
    if (e.facts.skip == F_NONE)
        note_silence(r->questions, &e.facts, dns->deadline_ms);
    report_make(&e.verdict.report, &e.facts);
    verdict_reach(&e.verdict, &r->settings->judge, &e.facts, now);
    if (!r->away)
        ask_memory(&e, r->settings, now);
    if (e.verdict.action == ACTION_GREYLIST)
        e.verdict.seconds = r->settings->memory.greylist_delay_s; /* as on its first try */
    pthread_mutex_lock(&r->questions->lock);
    links_judge(&e.links, &e.facts, &e.verdict, r->questions, helo);
    print(r, &e);
    if (r->explained != NULL)
        r->explained(r->arg, &e);
    pthread_mutex_unlock(&r->questions->lock);
    count(r, &e.verdict);
    inquiry_clear(&q);
}

void run_print_json(json_t *value)
{
    if (value != NULL && json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0)
        fputc('\n', stdout);
}

int explain_client(const struct settings *s, const struct addr *client,
                   const struct explain_options *o)
{
    struct run r;

    if (!run_start(&r, s, o->json))
        return r.code;
    run_client(&r, client, o->helo);
    run_print_json(json_array_get(r.list, 0));
    return run_end(&r);
}
