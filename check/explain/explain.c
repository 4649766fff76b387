/* Clients explained: see commands.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/commands.h"

#include "check/explain/explanation.h"
#include "check/start.h"
#include "dns/inquiry.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define EXIT_REFUSED 1

/* One line of what several clients come to. */
struct summary {
    struct addr client;
    enum action action;
    enum finding result, cause;
};

/* One run: a resolver whose questions are noted, and what it prints. */
struct run {
    const struct settings *settings;
    struct resolver *resolver;
    struct questions *questions;
    char id[AUTHRES_ID_MAX];
    struct term term;
    json_t *list; /* NULL: text */
    struct summary summary[QUESTION_ADDRS_MAX];
    unsigned clients;
    int code;
};

static bool refused(enum action action)
{
    return action == ACTION_REJECT || action == ACTION_TEMPFAIL;
}

static bool run_start(struct run *r, const struct settings *s, const struct explain_options *o)
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
    r->list = o->json ? json_array() : NULL;
    return true;
}

/* The questions go last: a resolver thread may still note an answer. */
static int run_end(struct run *r)
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
    else if (refused(v->action))
        r->code = EXIT_REFUSED;
    r->summary[r->clients++ % QUESTION_ADDRS_MAX] =
        (struct summary){v->client, v->action, v->report.result, v->report.cause};
}

static void print(struct run *r, const struct explanation *e)
{
    if (r->list != NULL) {
        json_array_append_new(r->list, explain_json(e));
    } else {
        if (r->clients > 0)
            fputc('\n', stdout);
        explain_text(e, &r->term);
    }
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

static void one(struct run *r, const struct addr *client, const char *helo)
{
    const struct resolver_settings *dns = &r->settings->resolver;
    struct explanation e = {
        .settings = r->settings, .id = r->id, .questions = r->questions, .helo = helo};
    struct self self = own_self(r->id);
    struct inquiry_options o = {
        .resolver = r->resolver, .settings = dns, .shapes = &r->settings->shapes, .self = &self};
    struct inquiry q = {.skip = F_NONE};

    e.anchored = dns->trust_anchor != NULL && dns->trust_anchor[0] != '\0';
    ask(r, &q, &o, client, helo);
    inquiry_facts(&q, true, &e.facts);
    if (e.facts.skip == F_NONE)
        note_silence(r->questions, &e.facts, dns->deadline_ms);
    report_make(&e.verdict.report, &e.facts);
    verdict_reach(&e.verdict, &r->settings->judge, &e.facts, (int64_t)time(NULL));
    pthread_mutex_lock(&r->questions->lock);
    links_judge(&e.links, &e.facts, &e.verdict, r->questions, helo);
    print(r, &e);
    pthread_mutex_unlock(&r->questions->lock);
    count(r, &e.verdict);
    inquiry_clear(&q);
}

static void print_json(json_t *value)
{
    if (value != NULL && json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0)
        fputc('\n', stdout);
}

int explain_client(const struct settings *s, const struct addr *client,
                   const struct explain_options *o)
{
    struct run r;

    if (!run_start(&r, s, o))
        return r.code;
    one(&r, client, o->helo);
    print_json(json_array_get(r.list, 0));
    return run_end(&r);
}

/* ---- several addresses ---- */

/* One line for each address, after the texts about each. */
static void print_summary(const struct run *r)
{
    unsigned i;

    if (r->clients < 2)
        return;
    fputc('\n', stdout);
    term_put(&r->term, TONE_HEAD, "All addresses");
    for (i = 0; i < r->clients; i++) {
        const struct summary *o = &r->summary[i];

        fprintf(stdout, "\n  %-40s", ADDR_TEXT(&o->client));
        term_cell(&r->term, refused(o->action) ? TONE_BAD : TONE_GOOD, action_word(o->action), 11);
        fputs(finding_word(o->cause < F_COUNT ? o->cause : o->result), stdout);
    }
    fputc('\n', stdout);
}

static void print_list(struct run *r, const char *name)
{
    json_t *all;

    if (r->list == NULL) {
        print_summary(r);
        return;
    }
    all = json_pack("{s:s, s:O}", "host", name, "clients", r->list);
    print_json(all);
    json_decref(all);
}

/* The addresses of a name, by two questions whose answers are noted. */
static unsigned host_addresses(struct run *r, const struct dname *host, struct addr *list,
                               bool *transient)
{
    static const uint8_t zero[16];
    int64_t deadline = resolver_now() + r->settings->resolver.deadline_ms;
    struct lookup *l[2];
    unsigned i, n;

    for (i = 0; i < 2; i++) {
        struct addr any = addr_from_bytes(i == 0 ? ADDR_IPV4 : ADDR_IPV6, zero);

        l[i] = resolver_ask_helo(r->resolver, &any, host, deadline, NULL);
    }
    *transient = false;
    for (i = 0; i < 2; i++) {
        lookup_wait(l[i], deadline + INQUIRY_SLACK_MS);
        *transient |= !lookup_done(l[i]) || name_state_open(lookup_forward(l[i]));
        lookup_release(l[i]);
    }
    pthread_mutex_lock(&r->questions->lock);
    n = r->questions->addrs;
    memcpy(list, r->questions->addr, n * sizeof *list);
    if (r->questions->addrs_capped)
        fprintf(stderr,
                "iprev-check: the host has more than %u addresses; the others are not looked at\n",
                n);
    pthread_mutex_unlock(&r->questions->lock);
    return n;
}

static int by_address(const void *a, const void *b)
{
    return addr_compare(a, b);
}

int explain_host(const struct settings *s, const struct dname *host,
                 const struct explain_options *o)
{
    struct addr list[QUESTION_ADDRS_MAX];
    char name[DNAME_TEXT_MAX];
    struct sbuf sb;
    struct run r;
    unsigned i, n;
    bool transient;

    if (!run_start(&r, s, o))
        return r.code;
    sbuf_init(&sb, name, sizeof name);
    dname_put(&sb, host);
    n = host_addresses(&r, host, list, &transient);
    qsort(list, n, sizeof *list, by_address);
    if (n == 0 || transient)
        fprintf(stderr, "iprev-check: %s: %s\n", name,
                n > 0       ? "A or AAAA gave no answer: addresses may be missing"
                : transient ? "its addresses could not be looked up"
                            : "no such host, or it has no address: create an A or AAAA record");
    r.code = transient ? EX_TEMPFAIL : n == 0 ? EXIT_REFUSED : 0;
    for (i = 0; i < n; i++)
        one(&r, &list[i], o->helo != NULL ? o->helo : name);
    print_list(&r, name);
    return run_end(&r);
}

static bool interface_address(const struct ifaddrs *i, struct addr *a)
{
    *a = (struct addr){.family = ADDR_NONE};
    if (i->ifa_addr == NULL || !(i->ifa_flags & IFF_UP))
        return false;
    if (i->ifa_addr->sa_family == AF_INET)
        *a = addr_from_bytes(ADDR_IPV4,
                             &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr);
    if (i->ifa_addr->sa_family == AF_INET6)
        *a = addr_from_bytes(ADDR_IPV6,
                             &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr);
    return a->family != ADDR_NONE && !addr_is_private(a);
}

static unsigned own_addresses(struct addr list[QUESTION_ADDRS_MAX])
{
    struct ifaddrs *all = NULL;
    const struct ifaddrs *i;
    unsigned n = 0, k;

    if (getifaddrs(&all) != 0)
        return 0;
    for (i = all; i != NULL && n < QUESTION_ADDRS_MAX; i = i->ifa_next) {
        if (!interface_address(i, &list[n]))
            continue;
        for (k = 0; k < n && !addr_equal(&list[k], &list[n]); k++)
            ;
        n += k == n;
    }
    freeifaddrs(all);
    qsort(list, n, sizeof *list, by_address);
    return n;
}

int explain_self(const struct settings *s, const struct explain_options *o)
{
    struct addr list[QUESTION_ADDRS_MAX];
    char host[256];
    struct run r;
    unsigned i, n = own_addresses(list);

    if (n == 0) {
        fputs("iprev-check: this machine has no public address (behind NAT?): give the address or "
              "host name that others see\n",
              stderr);
        return EX_UNAVAILABLE;
    }
    if (gethostname(host, sizeof host) != 0)
        host[0] = '\0';
    host[sizeof host - 1] = '\0';
    if (!run_start(&r, s, o))
        return r.code;
    for (i = 0; i < n; i++)
        one(&r, &list[i], o->helo != NULL ? o->helo : strchr(host, '.') != NULL ? host : NULL);
    print_list(&r, host);
    return run_end(&r);
}
