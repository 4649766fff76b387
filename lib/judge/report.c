/* Puts the findings of one client together, with what is still open.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/report.h"

#include "value/ascii.h"

#include <string.h>

#define RESULTS_OPEN ((FINDINGS_RESULT | FINDINGS_CAUSE) & ~(FINDINGS_SKIP | FINDING(F_IPREV_SKIP)))

/* What the judged name decides; F_PTR_MANY rests on the PTR answer alone. */
#define SHAPE_OF_NAME (FINDINGS_SHAPE & ~FINDING(F_PTR_MANY))

bool name_list_valid(const char *entry)
{
    struct dname d;
    bool below = entry[0] == '.';
    size_t i, n = strlen(entry);

    for (i = 0; i < n; i++)
        if ((unsigned char)entry[i] != ascii_lower((unsigned char)entry[i]))
            return false;
    return dname_from_text(&d, entry + below, n - below) && (below || dname_is_host(&d));
}

bool name_list_has(const struct name_list *l, const struct dname *name)
{
    char text[DNAME_TEXT_MAX];
    struct sbuf sb;
    size_t i;

    if (l->n == 0 || !dname_is_host(name))
        return false;
    sbuf_init(&sb, text, sizeof text);
    dname_put(&sb, name);
    for (i = 0; i < l->n; i++) {
        const char *entry = l->entry[i];
        size_t n = strlen(entry);

        if (n > 1 && entry[n - 1] == '.')
            n--;
        if ((entry[0] == '.' ? sb.len > n : sb.len == n) &&
            memcmp(text + sb.len - n, entry, n) == 0)
            return true;
    }
    return false;
}

bool check_host_exempt(const struct chain *chain, const struct name_list *hosts)
{
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    while (chain != NULL && chain_next(chain, &cursor, &name, &state))
        if (state == NAME_CONFIRMED && name_list_has(hosts, &name))
            return true;
    return false;
}

/* RFC 5321 4.1.2 allows 64 octets; more than this is nobody we know. */
#define LOCAL_MAX 128

struct mailbox {
    char local[LOCAL_MAX]; /* without quotes */
    size_t local_len;
    const char *domain; /* NULL: none */
    size_t domain_len;
};

/* Takes <> and a source route off. False when the brackets do not match. */
static bool unwrap(const char **s, size_t *n)
{
    const char *p = *s, *end = p + *n;
    bool literal = false;

    while (p < end && ascii_blank((unsigned char)end[-1]))
        end--;
    if (p < end && *p == '<') {
        if (end[-1] != '>')
            return false;
        p++;
        end--;
    }
    if (p < end && *p == '@') {
        for (; p < end && (literal || *p != ':'); p++)
            literal = *p == '[' || (literal && *p != ']');
        if (p == end)
            return false;
        p++;
    }
    *s = p;
    *n = (size_t)(end - p);
    return true;
}

/* The local part up to a bare `@` or the end, quotes and back-slashes resolved.
 * Octets read, or 0. */
static size_t local_read(struct mailbox *m, const char *s, size_t n)
{
    bool quoted = false;
    size_t i;

    m->local_len = 0;
    for (i = 0; i < n && (quoted || s[i] != '@'); i++) {
        if (s[i] == '"') {
            quoted = !quoted;
            continue;
        }
        if (s[i] == '\\' && ++i == n)
            return 0;
        if (m->local_len == LOCAL_MAX)
            return 0;
        m->local[m->local_len++] = s[i];
    }
    return quoted ? 0 : i;
}

/* Reads an address strictly: whatever is odd is no address, so exempts nobody. */
static bool mailbox_read(struct mailbox *m, const char *s, size_t n)
{
    size_t at, i;

    if (!unwrap(&s, &n))
        return false;
    at = local_read(m, s, n);
    if (at == 0 || m->local_len == 0)
        return false;
    m->domain = NULL;
    m->domain_len = 0;
    if (at == n)
        return true;
    m->domain = s + at + 1;
    m->domain_len = n - at - 1;
    if (m->domain_len > 0 && m->domain[m->domain_len - 1] == '.')
        m->domain_len--;
    for (i = 0; i < m->domain_len; i++)
        if (memchr("@<>\" ", m->domain[i], 5) != NULL)
            return false;
    return m->domain_len > 0;
}

static bool same_text(const char *a, size_t an, const char *b, size_t bn)
{
    size_t i;

    if (an != bn)
        return false;
    for (i = 0; i < an; i++)
        if (ascii_lower((unsigned char)a[i]) != ascii_lower((unsigned char)b[i]))
            return false;
    return true;
}

static bool recipient_is(const struct mailbox *m, const char *entry)
{
    struct mailbox want;
    size_t n = strlen(entry);

    if (entry[0] == '@')
        return m->domain != NULL && same_text(m->domain, m->domain_len, entry + 1, n - 1);
    if (!mailbox_read(&want, entry, n) ||
        !same_text(m->local, m->local_len, want.local, want.local_len))
        return false;
    return want.domain == NULL ||
           (m->domain != NULL && same_text(m->domain, m->domain_len, want.domain, want.domain_len));
}

bool check_recipient_exempt(const char *address, const struct name_list *recipients)
{
    struct mailbox m;
    size_t i;

    if (address == NULL || !mailbox_read(&m, address, strlen(address)))
        return false;
    for (i = 0; i < recipients->n; i++)
        if (recipient_is(&m, recipients->entry[i]))
            return true;
    return false;
}

/* Kind and reason are the list's; the rest is as without one. */
static void listed(struct generic *out, enum generic_kind kind)
{
    struct sbuf sb;

    out->kind = kind;
    sbuf_init(&sb, out->why, sizeof out->why);
    sbuf_str(&sb, "listed as ");
    sbuf_str(&sb, generic_word(kind));
    sbuf_str(&sb, " in the configuration");
}

void check_shape(struct generic *out, const struct dname *name, const struct addr *client,
                 const struct shape_lists *shapes)
{
    generic_judge(out, name, client);
    if (shapes != NULL && name_list_has(&shapes->named, name))
        listed(out, GENERIC_NAMED);
    else if (shapes != NULL && name_list_has(&shapes->generic, name))
        listed(out, GENERIC_YES);
}

static enum finding shape_finding(enum generic_kind kind)
{
    switch (kind) {
    case GENERIC_YES:
        return F_PTR_GENERIC;
    case GENERIC_PROVIDER:
        return F_PTR_PROVIDER;
    case GENERIC_NAMED:
        break;
    }
    return F_PTR_NAMED;
}

static bool is_open(enum name_state state)
{
    return state == NAME_PENDING || state == NAME_TIMEOUT || state == NAME_SERVFAIL ||
           state == NAME_BOGUS || state == NAME_OVERLOAD;
}

/* Some name's addresses could not be had. */
static bool chain_open(const struct chain *c)
{
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    while (chain_next(c, &cursor, &name, &state))
        if (is_open(state))
            return true;
    return false;
}

/* No later answer can put another name in the place of chain_name(). */
static bool name_settled(const struct chain *c)
{
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    if (c->names == 1)
        return true;
    while (chain_next(c, &cursor, &name, &state)) {
        if (is_open(state))
            return false;
        if (state == NAME_CONFIRMED)
            return true;
    }
    return true;
}

bool check_host_exempt_open(const struct chain *chain, const struct name_list *hosts)
{
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    if (hosts->n == 0)
        return false;
    if (chain == NULL || (chain->result == F_IPREV_TEMPERROR && chain->names == 0))
        return true; /* no name is known yet */
    while (chain_next(chain, &cursor, &name, &state))
        if (is_open(state) && name_list_has(hosts, &name))
            return true;
    return false;
}

static void add_result(struct report *r, enum finding result, enum finding cause)
{
    r->result = result;
    r->cause = cause;
    if (result < F_COUNT)
        r->found |= FINDING(result);
    if (cause < F_COUNT)
        r->found |= FINDING(cause);
    if (result == F_IPREV_TEMPERROR)
        r->unsure |= RESULTS_OPEN | FINDING(F_DNSSEC_SECURE);
}

static void add_dnssec(struct report *r, const struct chain *c)
{
    if (c->secure)
        r->found |= FINDING(F_DNSSEC_SECURE);
    else if (chain_open(c))
        r->unsure |= FINDING(F_DNSSEC_SECURE);
}

/* Of r->ptr. many: one of several names. settled: no later answer puts another in its place. */
static void add_shape(struct report *r, const struct addr *client, const struct shape_lists *shapes,
                      bool many, bool settled)
{
    struct generic shape;

    if (r->ptr.len <= 1) {
        if (r->result == F_IPREV_TEMPERROR)
            r->unsure |= FINDINGS_SHAPE;
        return;
    }
    check_shape(&shape, &r->ptr, client, shapes);
    memcpy(r->why, shape.why, sizeof r->why);
    r->found |= FINDING(shape_finding(shape.kind));
    if (many)
        r->found |= FINDING(F_PTR_MANY);
    if (shape.bare)
        r->found |= FINDING(F_PTR_BARE_DOMAIN);
    if (!settled)
        r->unsure |= SHAPE_OF_NAME;
}

static void add_shape_of_chain(struct report *r, const struct facts *f)
{
    const struct chain *c = f->chain;

    if (c == NULL || !chain_name(c, &r->ptr))
        r->ptr.len = 1;
    add_shape(r, &f->client, f->shapes, c != NULL && (c->names > 1 || c->capped),
              c == NULL || name_settled(c));
}

/* Only a host name's relation needs DNS, and "verified" is the last word on it. */
static bool relation_open(const struct facts *f, enum finding word)
{
    if (f->helo->form != HELO_HOST || word == F_HELO_SELF || word == F_HELO_VERIFIED)
        return false;
    if (f->chain == NULL || f->chain->result == F_IPREV_TEMPERROR || chain_open(f->chain))
        return true;
    if (!f->helo_asked)
        return false;
    return f->forward == HELO_TRANSIENT ||
           (f->forward == HELO_UNASKED && helo_must_ask(f->helo, &f->self, f->chain));
}

static void add_helo_shape(struct report *r, const struct addr *client,
                           const struct shape_lists *shapes)
{
    struct generic shape;

    if (r->helo.len <= 1)
        return;
    if (dname_equal(&r->helo, &r->ptr)) {
        if ((r->found & FINDING(F_PTR_GENERIC)) != 0)
            r->found |= FINDING(F_HELO_GENERIC);
        return;
    }
    check_shape(&shape, &r->helo, client, shapes);
    if (shape.kind == GENERIC_YES)
        r->found |= FINDING(F_HELO_GENERIC);
}

static void add_helo(struct report *r, const struct facts *f)
{
    enum finding word;

    if (!f->helo_known || f->helo == NULL) {
        r->unsure |= FINDINGS_HELO;
        return;
    }
    word = helo_judge(f->helo, &f->client, &f->self, f->chain, f->forward, f->helo_asked);
    r->found |= FINDING(word);
    if (relation_open(f, word) || word == F_HELO_TEMPERROR)
        r->unsure |= FINDINGS_RELATION;
    add_helo_shape(r, &f->client, f->shapes);
}

static void report_start(struct report *r)
{
    memset(r, 0, sizeof *r);
    r->ptr.len = r->helo.len = 1;
}

static void report_skip(struct report *r, enum finding why)
{
    r->result = F_IPREV_SKIP;
    r->cause = why;
    r->found = FINDING(F_IPREV_SKIP) | FINDING(why);
}

void check_report(struct report *r, const struct facts *f)
{
    const struct chain *c = f->chain;

    report_start(r);
    if (f->helo_known && f->helo != NULL && f->helo->form == HELO_HOST)
        r->helo = f->helo->name;
    if (f->skip != F_NONE) {
        report_skip(r, f->skip);
        return;
    }
    if (c == NULL)
        add_result(r, F_IPREV_TEMPERROR, f->chain_cause);
    else
        add_result(r, (enum finding)c->result, (enum finding)c->cause);
    if (r->result == F_IPREV_PASS)
        add_dnssec(r, c);
    add_shape_of_chain(r, f);
    add_helo(r, f);
}

static bool recalls(const struct recalled *w, enum finding word)
{
    return (w->found & FINDING(word)) != 0;
}

void check_recall(struct report *r, const struct recalled *w)
{
    const bool many = recalls(w, F_PTR_MANY), open = recalls(w, F_IPREV_TEMPERROR);

    report_start(r);
    r->helo = w->helo;
    if (w->skip != F_NONE) {
        report_skip(r, w->skip);
        return;
    }
    r->found = w->found & ~(FINDINGS_SHAPE | FINDING(F_HELO_GENERIC));
    add_result(r, finding_pick(w->found, FINDINGS_RESULT), finding_pick(w->found, FINDINGS_CAUSE));
    r->ptr = w->ptr;
    add_shape(r, &w->client, w->shapes, many, !(open && many));
    if ((w->found & FINDINGS_HELO) == 0)
        r->unsure |= FINDINGS_HELO;
    else if ((w->found & FINDINGS_RELATION) != 0 && (open || recalls(w, F_HELO_TEMPERROR)))
        r->unsure |= FINDINGS_RELATION;
    add_helo_shape(r, &w->client, w->shapes);
}

bool check_recall_exempt(const struct recalled *w, const struct name_list *hosts)
{
    return recalls(w, F_IPREV_PASS) && name_list_has(hosts, &w->ptr);
}

bool check_recall_exempt_open(const struct recalled *w, const struct name_list *hosts)
{
    return hosts->n > 0 && recalls(w, F_IPREV_TEMPERROR) &&
           (w->ptr.len <= 1 || recalls(w, F_PTR_MANY) || name_list_has(hosts, &w->ptr));
}
