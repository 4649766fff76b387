/* Puts the findings of one client together, with what is still open.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/report.h"

#include <string.h>

#define RESULTS_OPEN ((FINDINGS_RESULT | FINDINGS_CAUSE) & ~(FINDINGS_SKIP | FINDING(F_IPREV_SKIP)))

/* What the judged name decides; F_PTR_MANY rests on the PTR answer alone. */
#define SHAPE_OF_NAME (FINDINGS_SHAPE & ~FINDING(F_PTR_MANY))

/* Kind and reason are the list's; the rest is as without one. */
static void listed(struct shape *out, enum shape_kind kind)
{
    struct sbuf sb;

    out->kind = kind;
    out->weak = false;
    sbuf_init(&sb, out->why, sizeof out->why);
    sbuf_str(&sb, "listed as ");
    sbuf_str(&sb, shape_word(kind));
    sbuf_str(&sb, " in the configuration");
}

/* judged: what shape_judge says of it, or NULL. */
static void find_shape(struct shape *out, const struct dname *name, const struct addr *client,
                       const struct shape_lists *shapes, const struct shape *judged)
{
    if (judged != NULL)
        memcpy(out, judged, shape_size(judged));
    else
        shape_judge(out, name, client);
    if (shapes != NULL && name_list_has(&shapes->named, name))
        listed(out, SHAPE_NAMED);
    else if (shapes != NULL && name_list_has(&shapes->generic, name))
        listed(out, SHAPE_GENERIC);
}

void report_shape(struct shape *out, const struct dname *name, const struct addr *client,
                  const struct shape_lists *shapes)
{
    find_shape(out, name, client, shapes, NULL);
}

static enum finding shape_finding(enum shape_kind kind)
{
    switch (kind) {
    case SHAPE_GENERIC:
        return F_PTR_GENERIC;
    case SHAPE_PROVIDER:
        return F_PTR_PROVIDER;
    case SHAPE_NAMED:
        break;
    }
    return F_PTR_NAMED;
}

/* Some name's addresses could not be had. */
static bool chain_open(const struct chain *c)
{
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    while (chain_next(c, &cursor, &name, &state))
        if (name_state_open(state))
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
        if (name_state_open(state))
            return false;
        if (state == NAME_CONFIRMED)
            return true;
    }
    return true;
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

/* Of r->ptr. judged: its shape, or NULL. many: one of several names. settled: no later answer puts
 * another in its place. */
static void add_shape(struct report *r, const struct addr *client, const struct shape_lists *shapes,
                      const struct shape *judged, bool many, bool settled)
{
    struct shape shape;

    if (r->ptr.len <= 1) {
        if (r->result == F_IPREV_TEMPERROR)
            r->unsure |= FINDINGS_SHAPE;
        return;
    }
    find_shape(&shape, &r->ptr, client, shapes, judged);
    memcpy(r->why, shape.why, strlen(shape.why) + 1);
    r->found |= FINDING(shape_finding(shape.kind));
    if (shape.weak)
        r->found |= FINDING(F_PTR_WEAK);
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
    add_shape(r, &f->client, f->shapes, f->ptr_shape, c != NULL && (c->names > 1 || c->capped),
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
    if (f->forward == NAME_PENDING)
        return helo_must_ask(f->helo, &f->self, f->chain);
    return name_state_open(f->forward);
}

static void add_helo_shape(struct report *r, const struct addr *client,
                           const struct shape_lists *shapes, const struct shape *judged)
{
    struct shape shape;

    if (r->helo.len <= 1)
        return;
    if (dname_equal(&r->helo, &r->ptr)) {
        if ((r->found & FINDING(F_PTR_GENERIC)) != 0)
            r->found |= FINDING(F_HELO_GENERIC);
        return;
    }
    find_shape(&shape, &r->helo, client, shapes, judged);
    if (shape.kind == SHAPE_GENERIC)
        r->found |= FINDING(F_HELO_GENERIC);
}

static void add_helo(struct report *r, const struct facts *f)
{
    enum finding word;

    if (!f->helo_known || f->helo == NULL) {
        r->unsure |= f->helo_lost ? 0 : FINDINGS_HELO;
        return;
    }
    word = helo_judge(f->helo, &f->client, &f->self, f->chain, f->forward, f->helo_asked);
    r->found |= FINDING(word);
    if (relation_open(f, word) || word == F_HELO_TEMPERROR)
        r->unsure |= FINDINGS_RELATION;
    add_helo_shape(r, &f->client, f->shapes, f->helo_shape);
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

void report_make(struct report *r, const struct facts *f)
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

void report_remember(struct report *r, enum remembered what)
{
    r->found &= ~FINDING(F_CLIENT_KNOWN);
    r->unsure &= ~FINDING(F_CLIENT_KNOWN);
    if (what == REMEMBERED)
        r->found |= FINDING(F_CLIENT_KNOWN);
    if (what == MEMORY_FAILED)
        r->unsure |= FINDING(F_CLIENT_KNOWN);
}

static bool recalls(const struct recalled *w, enum finding word)
{
    return (w->found & FINDING(word)) != 0;
}

void report_recall(struct report *r, const struct recalled *w)
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
    add_shape(r, &w->client, w->shapes, NULL, many, !(open && many));
    if ((w->found & FINDINGS_HELO) == 0)
        r->unsure |= FINDINGS_HELO;
    else if ((w->found & FINDINGS_RELATION) != 0 && (open || recalls(w, F_HELO_TEMPERROR)))
        r->unsure |= FINDINGS_RELATION;
    add_helo_shape(r, &w->client, w->shapes, NULL);
}

bool recalled_exempt(const struct recalled *w, const struct name_list *hosts)
{
    return recalls(w, F_IPREV_PASS) && name_list_has(hosts, &w->ptr);
}

/* Another name than the one shown may be the one that is listed. */
static bool other_names(const struct recalled *w)
{
    return w->ptr.len <= 1 || recalls(w, F_PTR_MANY);
}

bool recalled_exempt_open(const struct recalled *w, const struct name_list *hosts)
{
    return hosts->n > 0 && recalls(w, F_IPREV_TEMPERROR) &&
           (other_names(w) || name_list_has(hosts, &w->ptr));
}

bool recalled_listed(const struct recalled *w, const struct exempt_list *list, int64_t now)
{
    return listed_has_address(list, &w->client, now) ||
           (recalls(w, F_IPREV_PASS) && listed_has_name(list, &w->ptr, now));
}

bool recalled_listed_open(const struct recalled *w, const struct exempt_list *list, int64_t now)
{
    return now < list->names_end && recalls(w, F_IPREV_TEMPERROR) &&
           (other_names(w) || listed_has_name(list, &w->ptr, now));
}
