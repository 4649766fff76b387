/* Fuzz target: from answers to a verdict.
 *
 * Input: a client, a policy, and what DNS says of it, as answers to PTR, to the addresses
 * of each name and to the HELO name. The same answers in any order, and records in any
 * order within them, give the same chain and the same header fields. Where some answers
 * are missing or transient, a permanent refusal, and every verdict called certain, stays
 * what it is when those answers come.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/settings.h"

#include "tests/fuzz/fuzz.h"
#include "tests/readers/x_iprev.h"

#define NOW      1795000000
#define PTRS_MAX 14
#define MSG_MAX  8192

/* Names that are related, generic, bare, numbered, not hosts. */
static const char *const pool[] = {
    "mail.example.com",
    "mx.example.com",
    "example.com",
    "example.net",
    "host-192-0-2-1.isp.example",
    "192-0-2-1.dyn.example.net",
    "o1.sendgrid.net",
    "a.b.c.d.example.org",
    "m.example.org",
    "static.example.co.uk",
    "mail.example.co.uk",
    "1.2.0.192.in-addr.arpa",
    "localhost",
    "mx.self.example",
};

#define POOL (sizeof pool / sizeof pool[0])

struct addresses {
    enum answer_kind kind;
    uint8_t bits;   /* what the records are */
    uint8_t many;   /* further addresses below and above the client's */
    bool transient; /* not there at first */
    enum answer_kind trouble;
};

/* All there is to know. */
struct world {
    struct settings set;
    struct addr client;
    struct self self;
    struct helo helo;
    bool helo_known, helo_asked, ptr_transient;
    enum answer_kind ptr;
    enum answer_kind ptr_trouble;
    uint8_t ptrs, which[PTRS_MAX];
    struct addresses of[POOL];
    const char *host[1];
};

/* ---- messages ---- */

struct message {
    uint8_t octets[MSG_MAX];
    size_t len;
};

static void put(struct message *m, const void *p, size_t n)
{
    MUST(m->len + n <= sizeof m->octets);
    memcpy(m->octets + m->len, p, n);
    m->len += n;
}

static void put16(struct message *m, unsigned v)
{
    uint8_t octets[2] = {(uint8_t)(v >> 8), (uint8_t)v};

    put(m, octets, 2);
}

static void start(struct message *m, const struct dname *name, enum rrtype type)
{
    static const uint8_t head[12] = {0x12, 0x34, 0x81, 0x80, 0, 1};

    m->len = 0;
    put(m, head, sizeof head);
    put(m, name->wire, name->len);
    put16(m, type);
    put16(m, 1);
}

static void add(struct message *m, enum rrtype type, const void *rdata, size_t n)
{
    put16(m, 0xc00c);
    put16(m, type);
    put16(m, 1);
    put16(m, 0);
    put16(m, 300);
    put16(m, (unsigned)n);
    put(m, rdata, n);
    m->octets[7]++;
}

static struct dname pool_name[POOL];

static void fill_pool(void)
{
    unsigned i;

    for (i = 0; i < POOL; i++)
        MUST(dname_from_text(&pool_name[i], pool[i], strlen(pool[i])));
}

static struct dname name_of(unsigned i)
{
    return pool_name[i % POOL];
}

/* Borrows m. reverse: the records the other way round. */
static struct answer ptr_answer(const struct world *w, struct message *m, bool reverse)
{
    struct dname asked, name;
    struct answer a;
    unsigned i;

    if (w->ptr != ANSWER_DATA)
        return answer_none(w->ptr);
    dname_reverse(&asked, &w->client);
    start(m, &asked, RR_PTR);
    for (i = 0; i < w->ptrs; i++) {
        name = name_of(w->which[reverse ? w->ptrs - 1 - i : i]);
        add(m, RR_PTR, name.wire, name.len);
    }
    answer_read(&a, m->octets, m->len, &asked, RR_PTR);
    a.secure = w->set.socket_mode & 1; /* any bit of the input */
    return a;
}

/* The k-th address of a name: the client's, one that is near it, or junk. */
static void add_address(const struct world *w, struct message *m, const struct addresses *as,
                        unsigned k)
{
    size_t n = w->client.family == ADDR_IPV6 ? 16 : 4;
    uint8_t octets[16];

    memcpy(octets, w->client.bytes, sizeof octets);
    if (k != 0 || (as->bits & 1) == 0) {
        octets[0] = (uint8_t)(octets[0] + (as->bits & 2 ? 1 : -1));
        octets[n - 1] = (uint8_t)k;
    }
    add(m, fcrdns_type(&w->client), octets, k % 7 == 6 ? n - 1 : n);
}

static struct answer address_answer(const struct world *w, struct message *m, unsigned i,
                                    bool reverse)
{
    const struct addresses *as = &w->of[i % POOL];
    struct dname name = name_of(i);
    enum rrtype type = fcrdns_type(&w->client);
    unsigned k, n = 1u + (as->many < 240 ? as->many % 4 : as->many % 250);
    struct answer a;

    if (as->kind != ANSWER_DATA)
        return answer_none(as->kind);
    start(m, &name, type);
    for (k = 0; k < n; k++)
        add_address(w, m, as, reverse ? n - 1 - k : k);
    answer_read(&a, m->octets, m->len, &name, type);
    a.secure = as->bits & 4;
    return a;
}

/* ---- the chain ---- */

static unsigned pool_index(const struct dname *name)
{
    unsigned i;

    for (i = 0; i < POOL; i++)
        if (dname_equal(&pool_name[i], name))
            return i;
    MUST(!"a name that nobody published");
    return 0;
}

/* One way of asking: which order, and whether what is transient is answered. */
struct way {
    bool reverse_records, reverse_answers, missing;
};

static void feed_names(const struct world *w, struct fcrdns *f, const struct way *way)
{
    struct message m;
    unsigned i, at, which;
    struct answer a;

    for (i = 0; i < f->names; i++) {
        at = way->reverse_answers ? f->names - 1u - i : i;
        which = pool_index(&f->name[at].name);
        a = address_answer(w, &m, which, way->reverse_records);
        if (way->missing && w->of[which].transient) {
            if (w->of[which].trouble == ANSWER_DATA)
                continue; /* not answered at all */
            a = answer_none(w->of[which].trouble);
        }
        fcrdns_address(f, at, &a);
    }
}

static void make_chain(const struct world *w, const struct way *way, struct chain *c)
{
    struct message m;
    struct answer a = ptr_answer(w, &m, way->reverse_records);
    struct fcrdns f;

    fcrdns_start(&f, &w->client);
    if (way->missing && w->ptr_transient)
        a = answer_none(w->ptr_trouble);
    fcrdns_ptr(&f, &a);
    feed_names(w, &f, way);
    fcrdns_chain(&f, c);
}

static enum name_state forward_of(const struct world *w, const struct way *way)
{
    struct dname name = w->helo.name;
    struct message m;
    unsigned i;
    struct answer a;

    if (!w->helo_asked || !helo_must_ask(&w->helo, &w->self, NULL))
        return NAME_PENDING;
    i = pool_index(&name);
    if (way->missing && w->of[i].transient)
        return w->of[i].bits & 8 ? NAME_TIMEOUT : NAME_PENDING;
    a = address_answer(w, &m, i, way->reverse_records);
    return helo_match(&a, &w->client);
}

/* ---- the verdict ---- */

static void reach(const struct world *w, const struct way *way, const struct chain *c,
                  struct verdict *v)
{
    struct facts f = {
        .client = w->client,
        .skip = F_NONE,
        .chain = c,
        .chain_cause = F_DNS_TIMEOUT,
        .helo_known = w->helo_known || !way->missing,
        .helo = &w->helo,
        .forward = forward_of(w, way),
        .helo_asked = w->helo_asked,
        .self = w->self,
    };

    if (way->missing && w->ptr_transient && w->ptr_trouble == ANSWER_TIMEOUT)
        f.chain = NULL; /* the session gave up before the resolver did */
    report_make(&v->report, &f);
    verdict_reach(v, &w->set.judge, &f, NOW);
}

static void check_words(const struct verdict *v)
{
    findings found = v->report.found;
    findings result = found & FINDINGS_RESULT, cause = found & FINDINGS_CAUSE;

    MUST(result != 0 && (result & (result - 1)) == 0);
    MUST((cause & (cause - 1)) == 0 && (cause == 0) == ((result & FINDING(F_IPREV_PASS)) != 0));
    MUST((found & ~(FINDING(F_COUNT) - 1)) == 0);
}

static void check_texts(const struct verdict *v, const struct settings *s)
{
    char authres[AUTHRES_VALUE_MAX], x_iprev[RECORD_HEADER_MAX];
    struct record back;
    struct reply r;

    authres_field(authres, "mx.self.example", &v->report, &v->client);
    verdict_x_iprev(v, &s->judge, x_iprev);
    MUST(authres[0] != '\0' && is_folded(authres));
    MUST(x_iprev[0] != '\0' && is_folded(x_iprev));
    MUST(record_read_header(&back, x_iprev, strlen(x_iprev)) && back.found == v->report.found);
    if (!verdict_refuses(v))
        return;
    verdict_reply(v, &s->judge, &r);
    MUST(r.code / 100 == (v->action == ACTION_REJECT ? 5 : 4));
    MUST(r.xcode[0] == (v->action == ACTION_REJECT ? '5' : '4'));
    MUST(r.text[0] != '\0' && is_printable(r.text, strlen(r.text), "") &&
         strchr(r.text, '%') == NULL);
}

static void check_orders(const struct world *w, const struct way *first, struct verdict *v)
{
    char text[2][RECORD_HEADER_MAX];
    struct chain c, other;
    struct verdict again;
    struct way way;
    unsigned i;

    make_chain(w, first, &c);
    reach(w, first, &c, v);
    check_words(v);
    check_texts(v, &w->set);
    verdict_x_iprev(v, &w->set.judge, text[0]);
    for (i = 1; i < 4; i++) {
        way = *first;
        way.reverse_records = i & 1;
        way.reverse_answers = i & 2;
        make_chain(w, &way, &other);
        MUST(chain_size(&c) == chain_size(&other) && memcmp(&c, &other, chain_size(&c)) == 0);
        reach(w, &way, &other, &again);
        verdict_x_iprev(&again, &w->set.judge, text[1]);
        MUST(strcmp(text[0], text[1]) == 0 && again.certain == v->certain);
    }
}

/* ---- the input ---- */

static void take_rule(struct feed *in, struct policy *p)
{
    struct rule r = {.percent = 100};
    unsigned i, words = 1 + take(in) % 3;
    uint8_t word;

    for (i = 0; i < words; i++) {
        word = take(in);
        *(word & 0x80   ? word & 0x40 ? &r.lacks : &r.none
          : word & 0x40 ? &r.any
                        : &r.all) |= FINDING(word % F_COUNT);
    }
    r.action = take(in) % (ACTION_REJECT + 1);
    snprintf(r.name, sizeof r.name, "rule%u", p->rules);
    if (rule_fault(&r) == NULL)
        p->rule[p->rules++] = r;
}

static void take_policy(struct feed *in, struct world *w, uint8_t rules)
{
    unsigned i;

    if (rules % 8 == 0)
        policy_defaults(&w->set.judge.policy);
    else
        for (i = 0; i < rules % 8; i++)
            take_rule(in, &w->set.judge.policy);
    w->host[0] = pool[take(in) % POOL];
    w->set.judge.exempt_hosts.n = rules >= 0xc0 && name_list_valid(w->host[0]);
    w->set.judge.exempt_hosts.entry = w->host;
}

static enum answer_kind take_kind(uint8_t octet)
{
    static const enum answer_kind kind[] = {ANSWER_DATA,     ANSWER_DATA,    ANSWER_DATA,
                                            ANSWER_NXDOMAIN, ANSWER_NODATA,  ANSWER_SERVFAIL,
                                            ANSWER_TIMEOUT,  ANSWER_OVERLOAD};

    return octet >= 0xf0 ? ANSWER_BOGUS : kind[octet % 8];
}

/* ANSWER_DATA: none at all. */
static enum answer_kind take_trouble(uint8_t octet)
{
    static const enum answer_kind kind[] = {ANSWER_DATA, ANSWER_TIMEOUT, ANSWER_SERVFAIL,
                                            ANSWER_BOGUS, ANSWER_OVERLOAD};

    return kind[octet % 5];
}

static void take_answers(struct feed *in, struct world *w)
{
    unsigned i;
    uint8_t octet = take(in);

    w->ptr = take_kind(octet >> 2);
    w->ptr_transient = octet & 1;
    w->ptr_trouble = take_trouble(1 + take(in) % 4);
    w->ptrs = 1 + take(in) % PTRS_MAX;
    for (i = 0; i < w->ptrs; i++)
        w->which[i] = take(in) % POOL;
    for (i = 0; i < POOL; i++) {
        octet = take(in);
        w->of[i].kind = take_kind(octet);
        w->of[i].bits = take(in);
        w->of[i].many = take(in);
        w->of[i].transient = w->of[i].bits & 0x10;
        w->of[i].trouble = take_trouble(w->of[i].bits >> 5);
    }
}

static void take_helo(struct feed *in, struct world *w)
{
    uint8_t which = take(in);
    struct feed text;

    if (which % 4 != 0) {
        helo_parse(&w->helo, pool[which / 4 % POOL], strlen(pool[which / 4 % POOL]));
        return;
    }
    text = take_piece(in, 32);
    helo_parse(&w->helo, (const char *)text.at, text.left);
    if (w->helo.form == HELO_HOST) /* of which DNS knows nothing here */
        helo_parse(&w->helo, NULL, 0);
}

static void take_world(struct feed *in, struct world *w)
{
    uint8_t bits = take(in), octets[16] = {192, 0, 2, 1};

    memset(w, 0, sizeof *w);
    if (bits & 2)
        take_into(in, octets, sizeof octets);
    w->client = addr_from_bytes(bits & 1 ? ADDR_IPV6 : ADDR_IPV4, octets);
    w->helo_known = bits & 4 || bits & 8;
    w->helo_asked = bits & 16 || bits & 32;
    w->set.socket_mode = bits >> 6;
    w->set.judge.enforce = true;
    w->set.judge.authentication_results = w->set.judge.x_iprev = true;
    w->self.name = name_of(POOL - 1);
    w->self.mta.len = 1;
    take_policy(in, w, take(in));
    take_answers(in, w);
    take_helo(in, w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct way all = {0}, some = {.missing = true};
    struct feed in = {data, size};
    struct verdict before, after;
    struct world w;

    if (pool_name[0].len == 0)
        fill_pool();
    take_world(&in, &w);
    check_orders(&w, &all, &after);
    check_orders(&w, &some, &before);
    if (before.certain || before.action == ACTION_REJECT)
        MUST(before.action == after.action);
    return 0;
}
