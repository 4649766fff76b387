/* The chain link by link: see links.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/explain/links.h"

#include <stdio.h>
#include <string.h>

#define PROVIDER "The provider of the address should "
#define ADMIN    "The sender's administrator should "
#define NAMER    "Whoever runs DNS for that name should add"

#define HELO_SHOWN  64
#define ADDRS_SHOWN 4

struct judge {
    struct links *l;
    const struct facts *f;
    const struct verdict *v;
    const struct questions *qs;
    const char *helo;
    struct link *now;
    struct sbuf text, record;
};

/* ---- building one link ---- */

static void begin(struct judge *j, enum link_state state, enum finding finding, const char *title,
                  const char *text)
{
    j->now = &j->l->link[j->l->n < LINKS_MAX ? j->l->n++ : LINKS_MAX - 1];
    j->now->state = state;
    j->now->finding = finding;
    j->now->title = title;
    sbuf_init(&j->text, j->now->text, sizeof j->now->text);
    sbuf_str(&j->text, text);
}

/* Who fixes the link; the record follows. example: its name is made up. */
static void fix(struct judge *j, enum fix_order order, const char *how, bool example)
{
    struct link *l = j->now;
    struct fix *x = &l->fix[l->fixes < FIXES_MAX ? l->fixes++ : FIXES_MAX - 1];

    x->order = order;
    x->example = example;
    snprintf(x->how, sizeof x->how, "%s%s:", how, example ? ", such as" : "");
    sbuf_init(&j->record, x->record, sizeof x->record);
}

static enum rrtype type_of(const struct judge *j)
{
    return fcrdns_type(&j->f->client);
}

/* "7.2.0.192.in-addr.arpa. PTR mail.example.com."; at the end of an alias (RFC 2317), beside which
 * there can be no PTR record. */
static void record_ptr(struct judge *j, const struct dname *to)
{
    const struct question *q;
    struct dname reverse;

    dname_reverse(&reverse, &j->f->client);
    q = questions_find(j->qs, &reverse, RR_PTR);
    dname_put_query(&j->record, q != NULL && q->aliased ? &q->target : &reverse);
    sbuf_str(&j->record, " PTR ");
    dname_put_query(&j->record, to);
}

static void record_address(struct judge *j, const struct dname *name)
{
    dname_put_query(&j->record, name);
    sbuf_byte(&j->record, ' ');
    sbuf_str(&j->record, rrtype_word(type_of(j)));
    sbuf_byte(&j->record, ' ');
    addr_put(&j->record, &j->f->client);
}

static void record_try(struct judge *j, const struct dname *name, enum rrtype type)
{
    sbuf_str(&j->record, "dig +trace ");
    dname_put_query(&j->record, name);
    sbuf_byte(&j->record, ' ');
    sbuf_str(&j->record, rrtype_word(type));
}

static bool has(const struct judge *j, enum finding f)
{
    return f < F_COUNT && (j->v->report.found & FINDING(f)) != 0;
}

/* ---- names worth proposing ---- */

/* A HELO name with so many addresses says nothing of the client, though its own may be there. */
static bool helo_is_capped(const struct judge *j)
{
    const struct question *q = questions_find(j->qs, &j->f->helo->name, type_of(j));

    return q != NULL && q->good > HELO_ADDRS_MAX;
}

static bool helo_is_good_name(const struct judge *j)
{
    return j->f->helo_known && j->f->helo->form == HELO_HOST && !has(j, F_HELO_GENERIC) &&
           !has(j, F_HELO_SELF) && !helo_is_capped(j);
}

/* The name the sender should have: what it calls itself, unless that is the bare domain that
 * the PTR names; then an example below that domain; else an example. Is it one? */
static bool propose(const struct judge *j, struct dname *name)
{
    static const char example[] = "mail.example.com", mail[] = "\4mail";
    const struct dname *ptr = &j->v->report.ptr;
    bool bare = has(j, F_PTR_BARE_DOMAIN) && ptr->len + 5u <= DNAME_MAX;
    uint8_t wire[DNAME_MAX + 5];

    if (helo_is_good_name(j) && !(bare && dname_equal(ptr, &j->f->helo->name))) {
        *name = j->f->helo->name;
        return false;
    }
    memcpy(wire, mail, 5);
    memcpy(wire + 5, ptr->wire, ptr->len);
    if (!bare || !dname_from_wire(name, wire, 5u + ptr->len))
        dname_from_text(name, example, sizeof example - 1);
    return true;
}

/* The PTR record to create, and the address record unless the name resolves back already. */
static void fix_ptr(struct judge *j, const char *how)
{
    struct dname name;
    bool example = propose(j, &name);

    fix(j, FIX_REVERSE, how, example);
    record_ptr(j, &name);
    if (!example && (has(j, F_HELO_FORWARD) || has(j, F_HELO_VERIFIED)))
        return;
    fix(j, FIX_FORWARD, NAMER, false);
    j->now->fix[j->now->fixes - 1].example = example;
    record_address(j, &name);
}

/* ---- the PTR record ---- */

static void put_ptr_names(struct judge *j)
{
    struct dname name;
    enum name_state state;
    size_t cursor = 0;
    unsigned n = 0;

    while (n < 3 && chain_next(j->f->chain, &cursor, &name, &state)) {
        sbuf_str(&j->text, n++ > 0 ? ", " : "");
        dname_put(&j->text, &name);
    }
    if (j->f->chain->names > n) {
        sbuf_str(&j->text, " and ");
        sbuf_uint(&j->text, j->f->chain->names - n);
        sbuf_str(&j->text, " more");
    }
}

static void put_trouble(struct judge *j, enum finding cause, const struct dname *name,
                        enum rrtype type)
{
    static const struct {
        enum finding cause;
        const char *text, *how;
    } trouble[] = {
        {F_DNS_BOGUS, "the DNS answer fails DNSSEC validation",
         "Whoever signs the zone should fix its signatures; to see where"},
        {F_DNS_SERVFAIL,
         "the name servers failed (SERVFAIL), or DNSSEC validation at your resolver",
         "The zone's name servers or your resolver fail; to see which"},
        {F_DNS_OVERLOAD, "not asked: too many DNS questions at once",
         "Raise resolver.max-inflight or resolver.threads, or try again"},
        {F_DNS_TIMEOUT, "no answer from DNS in time",
         "The zone's name servers or your resolver do not answer; to see which"},
    };
    unsigned i = 0;

    while (trouble[i].cause != cause && trouble[i].cause != F_DNS_TIMEOUT)
        i++;
    sbuf_str(&j->text, trouble[i].text);
    fix(j, FIX_LOOK, trouble[i].how, false);
    record_try(j, name, type);
}

static void ptr_link(struct judge *j)
{
    static const char title[] = "PTR record";
    const struct chain *c = j->f->chain;
    enum finding cause = j->v->report.cause;
    struct dname reverse;

    if (c != NULL && c->names > 0) {
        begin(j, LINK_OK, F_NONE, title, "");
        addr_put(&j->text, &j->f->client);
        sbuf_str(&j->text, " -> ");
        put_ptr_names(j);
    } else if (cause == F_PTR_MISSING) {
        begin(j, LINK_BROKEN, cause, title, "the address has no PTR record");
        fix_ptr(j, PROVIDER "publish a PTR record");
    } else if (cause == F_PTR_INVALID) {
        begin(j, LINK_BROKEN, cause, title, "the PTR record contains no valid host name");
        fix_ptr(j, PROVIDER "correct the PTR record");
    } else {
        begin(j, LINK_UNKNOWN, cause, title, "");
        dname_reverse(&reverse, &j->f->client);
        put_trouble(j, cause, &reverse, RR_PTR);
    }
}

/* ---- each name back to the address ---- */

const char *name_state_word(enum name_state state)
{
    static const char *const word[] = {
        [NAME_PENDING] = "timeout",     [NAME_CONFIRMED] = "confirmed",
        [NAME_ELSEWHERE] = "elsewhere", [NAME_CAPPED] = "too-many-addresses",
        [NAME_NOWHERE] = "no-address",  [NAME_TIMEOUT] = "timeout",
        [NAME_SERVFAIL] = "servfail",   [NAME_BOGUS] = "bogus",
        [NAME_OVERLOAD] = "overload",
    };

    return word[state];
}

static void put_addresses(struct judge *j, const struct dname *name, enum name_state state)
{
    const struct question *q = questions_find(j->qs, name, type_of(j));

    if (state == NAME_NOWHERE) {
        sbuf_str(&j->text, " has no ");
        sbuf_str(&j->text, rrtype_word(type_of(j)));
        sbuf_str(&j->text, " record");
        return;
    }
    if (q != NULL && q->shown > 0) {
        sbuf_str(&j->text, " -> ");
        question_put_records(&j->text, q, ADDRS_SHOWN);
    }
    if (state == NAME_ELSEWHERE) {
        sbuf_str(&j->text, ", not ");
        addr_put(&j->text, &j->f->client);
    }
}

static void fix_name(struct judge *j, const struct dname *name, bool passed)
{
    if (has(j, F_PTR_LIMIT))
        return; /* the right name may be one that was not looked at: see many_link() */
    if (!passed && (has(j, F_PTR_GENERIC) || has(j, F_HELO_FORWARD))) {
        fix_ptr(j, PROVIDER "set a PTR name that resolves back");
    } else {
        fix(j, FIX_FORWARD,
            passed ? "Remove this PTR record, or add to the DNS of that name"
                   : NAMER " (or correct the PTR record)",
            false);
        record_address(j, name);
    }
}

static void name_link(struct judge *j, const struct dname *name, enum name_state state)
{
    bool passed = has(j, F_IPREV_PASS);
    enum finding trouble = name_trouble(state);
    enum link_state link = state == NAME_CONFIRMED ? LINK_OK
                           : trouble != F_NONE     ? LINK_UNKNOWN
                           : passed                ? LINK_WEAK
                                                   : LINK_BROKEN;
    enum finding finding = trouble != F_NONE      ? trouble
                           : has(j, F_IPREV_FAIL) ? j->v->report.cause
                                                  : F_NONE;

    begin(j, link, link != LINK_OK && has(j, finding) ? finding : F_NONE, "resolves back", "");
    dname_put(&j->text, name);
    if (trouble == F_NONE) {
        put_addresses(j, name, state);
        if (link != LINK_OK)
            fix_name(j, name, passed);
    } else {
        sbuf_str(&j->text, ": ");
        put_trouble(j, trouble, name, type_of(j));
    }
}

static void name_links(struct judge *j)
{
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    while (j->f->chain != NULL && chain_next(j->f->chain, &cursor, &name, &state))
        name_link(j, &name, state);
}

/* ---- the name itself ---- */

static void shape_links(struct judge *j)
{
    bool generic = has(j, F_PTR_GENERIC), bare = has(j, F_PTR_BARE_DOMAIN);

    if (j->v->report.ptr.len <= 1)
        return;
    begin(j, generic ? LINK_WEAK : LINK_OK,
          finding_pick(j->v->report.found, FINDINGS_RANGE(F_PTR_GENERIC, F_PTR_PROVIDER)),
          "not generic", "");
    dname_put(&j->text, &j->v->report.ptr);
    sbuf_str(&j->text, generic                  ? " looks machine-generated: "
                       : has(j, F_PTR_PROVIDER) ? ", outbound pool of a provider: "
                                                : ": ");
    sbuf_str(&j->text, j->v->report.why);
    if (generic)
        fix_ptr(j, PROVIDER "set the sender's own name");
    begin(j, bare ? LINK_WEAK : LINK_OK, bare ? F_PTR_BARE_DOMAIN : F_NONE, "host name",
          bare ? "no, a bare domain" : "yes, not a bare domain");
    if (bare)
        fix_ptr(j, PROVIDER "set the name of a host");
}

static void many_link(struct judge *j)
{
    bool limit = has(j, F_PTR_LIMIT);
    struct dname name = j->v->report.ptr;

    if (!has(j, F_PTR_MANY))
        return;
    begin(j, limit ? LINK_BROKEN : LINK_WEAK, limit ? F_PTR_LIMIT : F_PTR_MANY, "one PTR name", "");
    sbuf_uint(&j->text, j->f->chain->published);
    sbuf_str(&j->text, " PTR records are published; ");
    if (limit) {
        sbuf_str(&j->text, "the names that were looked at do not resolve back to the address");
        fix_ptr(j, PROVIDER "keep only one, the sender's own name");
        return;
    }
    sbuf_str(&j->text, "many receivers look at only one of them");
    fix(j, FIX_REVERSE, PROVIDER "keep only one PTR record",
        (has(j, F_PTR_GENERIC) || has(j, F_PTR_BARE_DOMAIN)) && propose(j, &name));
    record_ptr(j, &name);
}

/* ---- HELO ---- */

struct helo_text {
    enum link_state state;
    const char *text; /* follows the name that was given */
    bool address;     /* an address record fixes it */
};

static const struct helo_text helo_texts[F_COUNT] = {
    [F_HELO_VERIFIED] = {LINK_OK, " is the confirmed PTR name", false},
    [F_HELO_FORWARD] = {LINK_OK, " resolves to the client", false},
    [F_HELO_ALIGNED] = {LINK_OK, " is in the domain of the confirmed PTR name", false},
    [F_HELO_MISMATCH] = {LINK_BROKEN, " resolves elsewhere, not to the client", true},
    [F_HELO_UNRESOLVED] = {LINK_BROKEN, " does not resolve to an address", true},
    [F_HELO_LITERAL] = {LINK_WEAK, " is valid, but a host name is expected", false},
    [F_HELO_LITERAL_MISMATCH] = {LINK_BROKEN, " is not the client's address", false},
    [F_HELO_BARE_ADDRESS] = {LINK_BROKEN, " is an address without brackets", false},
    [F_HELO_UNQUALIFIED] = {LINK_BROKEN, " is not a fully qualified name", false},
    [F_HELO_SELF] = {LINK_BROKEN, " is the name of this server, or localhost", false},
    [F_HELO_INVALID] = {LINK_BROKEN, " is not a valid host name", false},
    [F_HELO_MISSING] = {LINK_BROKEN, "none was sent", false},
};

static const struct helo_text helo_nowhere = {
    LINK_WEAK,
    " is in the domain of the confirmed PTR name, but does not resolve: receivers that look it up "
    "refuse it",
    false};
static const struct helo_text helo_capped = {
    LINK_BROKEN, "it has more than 100 addresses, and such a name proves nothing", false};

/* A line for each mail server. */
static void record_helo(struct judge *j, const struct dname *name)
{
    static const char *const line[][2] = {
        {"Postfix   smtp_helo_name = ", "\n"},
        {"Sendmail  define(`confHELO_NAME', `", "')dnl\n"},
        {"Exim      primary_hostname = ", ""},
    };
    size_t i;

    for (i = 0; i < sizeof line / sizeof line[0]; i++) {
        sbuf_str(&j->record, line[i][0]);
        dname_put(&j->record, name);
        sbuf_str(&j->record, line[i][1]);
    }
}

/* The sender greets with its confirmed name; without one, its HELO name gets the address. */
static void fix_helo(struct judge *j, const struct helo_text *t)
{
    struct dname name = j->v->report.ptr;
    bool own = has(j, F_IPREV_PASS) && !has(j, F_PTR_GENERIC) && !has(j, F_PTR_BARE_DOMAIN);

    if (!own && t->address && helo_is_good_name(j)) {
        fix(j, FIX_FORWARD, ADMIN "add this address to the HELO name", false);
        record_address(j, &j->f->helo->name);
        return;
    }
    fix(j, FIX_HELO, ADMIN "set the HELO name", !own && propose(j, &name));
    record_helo(j, &name);
}

/* What was said, when it is short enough to be worth a look. */
static void put_helo(struct judge *j)
{
    size_t n = j->helo == NULL ? 0 : strlen(j->helo);

    if (j->v->report.helo.len > 1)
        dname_put(&j->text, &j->v->report.helo);
    else if (n > 0 && n <= HELO_SHOWN)
        sbuf_visible(&j->text, j->helo, n);
    else
        sbuf_str(&j->text, "the name");
}

static void helo_link(struct judge *j)
{
    static const char title[] = "HELO";
    enum finding word =
        finding_pick(j->v->report.found, FINDINGS_RANGE(F_HELO_VERIFIED, F_HELO_MISSING));
    bool generic = has(j, F_HELO_GENERIC);
    const struct helo_text *t;

    if (word == F_NONE)
        return;
    if (j->helo == NULL && word == F_HELO_MISSING) {
        begin(j, LINK_UNKNOWN, word, title,
              "no HELO given here: judged as if the client had sent none");
    } else if (word == F_HELO_TEMPERROR) {
        begin(j, LINK_UNKNOWN, word, title, "");
        put_helo(j);
        sbuf_str(&j->text, " or a related PTR name could not be looked up");
        fix(j, FIX_LOOK, "Its name servers or your resolver fail to answer; to see which", false);
        record_try(j, &j->f->helo->name, type_of(j));
    } else {
        t = word == F_HELO_MISMATCH && helo_is_capped(j)              ? &helo_capped
            : word == F_HELO_ALIGNED && j->f->forward == NAME_NOWHERE ? &helo_nowhere
                                                                      : &helo_texts[word];
        begin(j, t->state == LINK_OK && generic ? LINK_WEAK : t->state, word, title, "");
        if (word != F_HELO_MISSING)
            put_helo(j);
        sbuf_str(&j->text, t->text);
        sbuf_str(&j->text, generic ? "; it looks machine-generated" : "");
        if (t->state != LINK_OK || generic)
            fix_helo(j, t);
    }
}

/* ---- together ---- */

static void number_fixes(struct links *l)
{
    const struct fix *seen[LINKS_MAX * FIXES_MAX];
    unsigned i, k, s, n = 0, order;

    for (order = 0; order < FIX_ORDERS; order++)
        for (i = 0; i < l->n * FIXES_MAX; i++) {
            struct link *link = &l->link[i / FIXES_MAX];
            struct fix *x = &link->fix[k = i % FIXES_MAX];

            if (k >= link->fixes || x->order != order)
                continue;
            for (s = 0; s < n && strcmp(seen[s]->record, x->record) != 0; s++)
                ;
            x->number = s + 1;
            x->repeated = s < n;
            if (s == n)
                seen[n++] = x;
        }
}

void links_judge(struct links *l, const struct facts *f, const struct verdict *v,
                 const struct questions *qs, const char *helo)
{
    struct judge j = {.l = l, .f = f, .v = v, .qs = qs, .helo = helo};

    memset(l, 0, sizeof *l);
    if (f->skip != F_NONE)
        return;
    ptr_link(&j);
    name_links(&j);
    shape_links(&j);
    many_link(&j);
    helo_link(&j);
    if (has(&j, F_DNSSEC_SECURE))
        begin(&j, LINK_OK, F_DNSSEC_SECURE, "DNSSEC", "PTR and address records are validated");
    number_fixes(l);
}

const char *link_word(enum link_state state)
{
    static const char *const word[] = {"ok", "broken", "weak", "unknown"};

    return word[state];
}
