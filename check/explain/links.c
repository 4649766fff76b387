/* The chain link by link: see links.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/explain/links.h"

#include <string.h>

#define OWNER "The owner of the address (provider) "
#define ADMIN "The sender's administrator "

#define HELO_SHOWN 64

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

static void begin(struct judge *j, enum link_state state, enum finding finding, const char *title)
{
    j->now = &j->l->link[j->l->n < LINKS_MAX ? j->l->n++ : LINKS_MAX - 1];
    j->now->state = state;
    j->now->finding = finding;
    j->now->title = title;
    sbuf_init(&j->text, j->now->text, sizeof j->now->text);
}

/* Who mends the link; the record follows. */
static void mend(struct judge *j, const char *how)
{
    struct link *l = j->now;
    struct mend *m = &l->mend[l->mends < MENDS_MAX ? l->mends++ : MENDS_MAX - 1];
    struct sbuf sb;

    sbuf_init(&sb, m->how, sizeof m->how);
    sbuf_str(&sb, how);
    sbuf_init(&j->record, m->record, sizeof m->record);
}

static const char *address_type(const struct judge *j)
{
    return j->f->client.family == ADDR_IPV6 ? "AAAA" : "A";
}

/* "7.2.0.192.in-addr.arpa. PTR mail.example.com." */
static void record_ptr(struct judge *j, const struct dname *to)
{
    struct dname reverse;

    dname_reverse(&reverse, &j->f->client);
    dname_put_query(&j->record, &reverse);
    sbuf_str(&j->record, " PTR ");
    dname_put_query(&j->record, to);
}

static void record_address(struct judge *j, const struct dname *name)
{
    dname_put_query(&j->record, name);
    sbuf_str(&j->record, j->f->client.family == ADDR_IPV6 ? " AAAA " : " A ");
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
    return (j->v->report.found & FINDING(f)) != 0;
}

/* ---- names worth proposing ---- */

/* A HELO name with so many addresses says nothing of the client, though its own may be there. */
static bool helo_is_capped(const struct judge *j)
{
    const struct question *q = questions_find(j->qs, &j->f->helo->name, fcrdns_type(&j->f->client));

    return q != NULL && q->good > HELO_ADDRS_MAX;
}

static bool helo_is_good_name(const struct judge *j)
{
    return j->f->helo_known && j->f->helo->form == HELO_HOST && !has(j, F_HELO_GENERIC) &&
           !has(j, F_HELO_SELF) && !helo_is_capped(j);
}

/* The name the sender should have: what it calls itself, unless that is the bare domain which
 * the PTR names; then an example below that domain; else an example. */
static void propose(const struct judge *j, struct dname *name)
{
    static const char example[] = "mail.example.com", mail[] = "\4mail";
    const struct dname *ptr = &j->v->report.ptr;
    bool bare = has(j, F_PTR_BARE_DOMAIN) && ptr->len + 5u <= DNAME_MAX;
    uint8_t wire[DNAME_MAX + 5];

    if (helo_is_good_name(j) && !(bare && dname_equal(ptr, &j->f->helo->name))) {
        *name = j->f->helo->name;
        return;
    }
    dname_from_text(name, example, sizeof example - 1);
    if (!bare)
        return;
    memcpy(wire, mail, 5);
    memcpy(wire + 5, ptr->wire, ptr->len);
    dname_from_wire(name, wire, 5u + ptr->len);
}

/* Does the proposed name lead back already? */
static bool leads_back(const struct judge *j, const struct dname *name)
{
    bool helo = has(j, F_HELO_FORWARD) || has(j, F_HELO_VERIFIED);

    return helo && dname_equal(name, &j->f->helo->name);
}

/* The PTR record to create, and the address record if the name does not lead back yet. */
static void mend_ptr(struct judge *j, const char *how)
{
    struct dname name;

    propose(j, &name);
    mend(j, how);
    record_ptr(j, &name);
    if (leads_back(j, &name))
        return;
    mend(j, "Who runs the DNS of that name lets it lead back to the address:");
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

static void trouble(struct judge *j, enum finding cause, const struct dname *name, enum rrtype type)
{
    switch (cause) {
    case F_DNS_BOGUS:
        sbuf_str(&j->text, "the answer fails DNSSEC validation");
        mend(j, "Who signs the zone mends its signatures; see where:");
        break;
    case F_DNS_SERVFAIL:
        sbuf_str(&j->text, "the name servers failed (SERVFAIL)");
        mend(j, "The zone's name servers or the resolver here fail; see which:");
        break;
    case F_DNS_OVERLOAD:
        sbuf_str(&j->text, "not asked: too many questions at once");
        mend(j, "Here: raise resolver.max-inflight or resolver.threads, or try again:");
        break;
    default:
        sbuf_str(&j->text, "no answer in time");
        mend(j, "The zone's name servers or the resolver here are silent; see which:");
        break;
    }
    record_try(j, name, type);
}

static void ptr_link(struct judge *j)
{
    const struct chain *c = j->f->chain;
    enum finding cause = j->v->report.cause;
    struct dname reverse;

    if (c != NULL && c->names > 0) {
        begin(j, LINK_HOLDS, F_NONE, "PTR record");
        addr_put(&j->text, &j->f->client);
        sbuf_str(&j->text, " -> ");
        put_ptr_names(j);
        return;
    }
    dname_reverse(&reverse, &j->f->client);
    if (cause != F_PTR_MISSING && cause != F_PTR_INVALID) {
        begin(j, LINK_UNKNOWN, cause, "PTR record");
        trouble(j, cause, &reverse, RR_PTR);
        return;
    }
    begin(j, LINK_BROKEN, cause, "PTR record");
    sbuf_str(&j->text, cause == F_PTR_MISSING ? "the address has none"
                                              : "there is one, but it holds no usable host name");
    mend_ptr(j, cause == F_PTR_MISSING ? OWNER "publishes a PTR record:"
                                       : OWNER "corrects the PTR record:");
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

static void put_addresses(struct judge *j, const struct dname *name)
{
    const struct question *q = questions_find(j->qs, name, fcrdns_type(&j->f->client));
    unsigned i;

    for (i = 0; q != NULL && i < q->shown && i < 4; i++) {
        sbuf_str(&j->text, i == 0 ? " -> " : ", ");
        addr_put(&j->text, &q->addr[i]);
    }
    if (q != NULL && q->good > i && i > 0) {
        sbuf_str(&j->text, " and ");
        sbuf_uint(&j->text, q->good - i);
        sbuf_str(&j->text, " more");
    }
}

static enum finding trouble_of(enum name_state state)
{
    return state == NAME_SERVFAIL   ? F_DNS_SERVFAIL
           : state == NAME_BOGUS    ? F_DNS_BOGUS
           : state == NAME_OVERLOAD ? F_DNS_OVERLOAD
                                    : F_DNS_TIMEOUT;
}

static void mend_name(struct judge *j, const struct dname *name, bool passed)
{
    if (has(j, F_PTR_LIMIT))
        return; /* the right name may be one that was not looked at: see many_link() */
    if (!passed && (has(j, F_PTR_GENERIC) || has(j, F_HELO_FORWARD))) {
        mend_ptr(j, OWNER "sets a PTR name that leads back:");
    } else {
        mend(j, passed ? "The owner of the address drops this PTR name, or its DNS adds:"
                       : "Who runs the DNS of that name adds (or the PTR is changed):");
        record_address(j, name);
    }
}

static void name_link(struct judge *j, const struct dname *name, enum name_state state)
{
    bool passed = has(j, F_IPREV_PASS);
    enum link_state link = state == NAME_CONFIRMED ? LINK_HOLDS
                           : state == NAME_ELSEWHERE || state == NAME_NOWHERE
                               ? (passed ? LINK_WEAK : LINK_BROKEN)
                               : LINK_UNKNOWN;

    begin(j, link, link == LINK_BROKEN ? j->v->report.cause : F_NONE, "name leads back");
    dname_put(&j->text, name);
    if (state == NAME_NOWHERE) {
        sbuf_str(&j->text, " has no ");
        sbuf_str(&j->text, address_type(j));
        sbuf_str(&j->text, " record");
    } else if (link == LINK_UNKNOWN) {
        sbuf_str(&j->text, ": ");
        trouble(j, trouble_of(state), name, fcrdns_type(&j->f->client));
        return;
    } else {
        put_addresses(j, name);
        if (state == NAME_ELSEWHERE) {
            sbuf_str(&j->text, ", not ");
            addr_put(&j->text, &j->f->client);
        }
    }
    if (link != LINK_HOLDS)
        mend_name(j, name, passed);
}

static void name_links(struct judge *j)
{
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    while (j->f->chain != NULL && chain_next(j->f->chain, &cursor, &name, &state))
        name_link(j, &name, state);
}

/* ---- the shape of the name ---- */

static void shape_links(struct judge *j)
{
    if (j->v->report.ptr.len <= 1)
        return;
    begin(j, has(j, F_PTR_GENERIC) ? LINK_WEAK : LINK_HOLDS,
          finding_pick(j->v->report.found, FINDINGS_RANGE(F_PTR_GENERIC, F_PTR_PROVIDER)),
          "name is chosen");
    sbuf_str(&j->text, has(j, F_PTR_GENERIC)    ? "it looks machine-assigned: "
                       : has(j, F_PTR_PROVIDER) ? "outbound pool of a provider: "
                                                : "");
    sbuf_str(&j->text, j->v->report.why);
    if (has(j, F_PTR_GENERIC))
        mend_ptr(j, OWNER "sets the sender's own name:");
    begin(j, has(j, F_PTR_BARE_DOMAIN) ? LINK_WEAK : LINK_HOLDS,
          has(j, F_PTR_BARE_DOMAIN) ? F_PTR_BARE_DOMAIN : F_NONE, "name of a host");
    sbuf_str(&j->text, has(j, F_PTR_BARE_DOMAIN) ? "it is the bare domain, not a host below it"
                                                 : "it is a host below its domain");
    if (has(j, F_PTR_BARE_DOMAIN))
        mend_ptr(j, OWNER "sets the name of a host:");
}

static void many_link(struct judge *j)
{
    bool limit = has(j, F_PTR_LIMIT);

    if (!has(j, F_PTR_MANY))
        return;
    begin(j, limit ? LINK_BROKEN : LINK_WEAK, limit ? F_PTR_LIMIT : F_PTR_MANY, "one PTR name");
    sbuf_uint(&j->text, j->f->chain->published);
    sbuf_str(&j->text, " PTR records are published; ");
    if (limit) {
        sbuf_str(&j->text, "the names that were looked at do not resolve back to the address");
        mend_ptr(j, OWNER "keeps only one, the sender's own name:");
        return;
    }
    sbuf_str(&j->text, "many receivers look at one, any one");
    mend(j, OWNER "keeps one:");
    record_ptr(j, &j->v->report.ptr);
}

/* ---- HELO ---- */

struct helo_text {
    enum link_state state;
    const char *text;
    bool address; /* an address record mends it */
};

static const struct helo_text helo_texts[F_COUNT] = {
    [F_HELO_VERIFIED] = {LINK_HOLDS, "it is the confirmed PTR name", false},
    [F_HELO_FORWARD] = {LINK_HOLDS, "its own addresses have the client", false},
    [F_HELO_ALIGNED] = {LINK_HOLDS, "same domain as the confirmed PTR name", false},
    [F_HELO_MISMATCH] = {LINK_BROKEN,
                         "its addresses are others, and no confirmed PTR name is related", true},
    [F_HELO_UNRESOLVED] = {LINK_BROKEN, "the name has no address", true},
    [F_HELO_LITERAL] = {LINK_WEAK, "an address literal: valid, but a host name is expected", false},
    [F_HELO_LITERAL_MISMATCH] = {LINK_BROKEN, "a literal of another address", false},
    [F_HELO_BARE_ADDRESS] = {LINK_BROKEN, "an address without brackets is no HELO", false},
    [F_HELO_UNQUALIFIED] = {LINK_BROKEN, "one label is no full host name", false},
    [F_HELO_SELF] = {LINK_BROKEN, "it claims to be this server, or localhost", false},
    [F_HELO_INVALID] = {LINK_BROKEN, "it breaks the grammar of host names", false},
    [F_HELO_MISSING] = {LINK_BROKEN, "none was sent", false},
};

static const struct helo_text helo_capped = {
    LINK_BROKEN, "it has more than 100 addresses, and such a name proves nothing", false};

/* The sender greets with its confirmed name; without one, its HELO name gets the address. */
static void mend_helo(struct judge *j, const struct helo_text *t)
{
    struct dname name = j->v->report.ptr;
    bool own = has(j, F_IPREV_PASS) && !has(j, F_PTR_GENERIC) && !has(j, F_PTR_BARE_DOMAIN);

    if (!own && t->address && helo_is_good_name(j)) {
        mend(j, ADMIN "gives the HELO name this address:");
        record_address(j, &j->f->helo->name);
        return;
    }
    if (!own)
        propose(j, &name);
    mend(j, ADMIN "sets the HELO name, in Postfix:");
    sbuf_str(&j->record, "smtp_helo_name = ");
    dname_put(&j->record, &name);
}

/* What was said, when it is short enough to be worth a look. */
static void put_helo(struct judge *j)
{
    size_t n = j->helo == NULL ? 0 : strlen(j->helo);

    if (j->v->report.helo.len > 1)
        dname_put(&j->text, &j->v->report.helo);
    else if (n > 0 && n <= HELO_SHOWN)
        sbuf_visible(&j->text, j->helo, n);
    sbuf_str(&j->text, j->text.len > 0 ? ": " : "");
}

static void helo_link(struct judge *j)
{
    enum finding word =
        finding_pick(j->v->report.found, FINDINGS_RANGE(F_HELO_VERIFIED, F_HELO_MISSING));
    const struct helo_text *t;

    if (word == F_NONE)
        return;
    if (j->helo == NULL && word == F_HELO_MISSING) {
        begin(j, LINK_UNKNOWN, word, "HELO agrees");
        sbuf_str(&j->text, "no HELO was named here; it is judged as if none had been sent");
        return;
    }
    if (word == F_HELO_TEMPERROR) {
        begin(j, LINK_UNKNOWN, word, "HELO agrees");
        sbuf_str(&j->text, "its addresses, or those of a related PTR name, could not be had");
        mend(j, "The name servers of that name, or the resolver here; see which:");
        record_try(j, &j->f->helo->name, fcrdns_type(&j->f->client));
        return;
    }
    t = &helo_texts[word];
    if (word == F_HELO_MISMATCH && helo_is_capped(j))
        t = &helo_capped;
    begin(j, t->state, word, "HELO agrees");
    put_helo(j);
    sbuf_str(&j->text, t->text);
    sbuf_str(&j->text, has(j, F_HELO_GENERIC) ? "; it looks machine-made" : "");
    if (t->state != LINK_HOLDS)
        mend_helo(j, t);
}

/* ---- together ---- */

static void dnssec_link(struct judge *j)
{
    if (!has(j, F_DNSSEC_SECURE))
        return;
    begin(j, LINK_HOLDS, F_DNSSEC_SECURE, "DNSSEC");
    sbuf_str(&j->text, "PTR and address are validated");
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
    dnssec_link(&j);
}

const char *link_word(enum link_state state)
{
    static const char *const word[] = {"ok", "broken", "weak", "unknown"};

    return word[state];
}
