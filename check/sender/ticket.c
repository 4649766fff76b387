/* The text to the owner of the address: see sender.h.
 *
 * It must make sense to somebody who does not know this program, its resolver or its configuration.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include <string.h>
#include <time.h>

#define WIDTH 72

/* One owner: who runs the zone in which the PTR record is. */
struct owner {
    const struct look *zone; /* NULL: not known */
    unsigned n;              /* what it should set */
    const struct fix *fix[FIXES_SHOWN];
    const struct look *look[FIXES_SHOWN];
};

/* ---- what belongs to whom ---- */

/* The question for the name that the record is to be at; NULL: none was asked. */
static const struct look *look_of(const struct sender *x, const struct fix *fix)
{
    char name[DNAME_QUERY_MAX];
    struct sbuf sb;
    unsigned i;

    for (i = 0; i < x->looks.n; i++) {
        const struct look *k = &x->looks.look[i];

        sbuf_init(&sb, name, sizeof name);
        dname_put_query(&sb, &k->name);
        sbuf_byte(&sb, ' ');
        if (k->type == RR_PTR && strncmp(fix->record, name, sb.len) == 0)
            return k;
    }
    return NULL;
}

static bool same_owner(const struct look *a, const struct look *b)
{
    if (a == NULL || b == NULL || !a->soa.zoned || !b->soa.zoned)
        return a == b;
    return dname_equal(&a->soa.mailbox, &b->soa.mailbox);
}

static unsigned find_owners(const struct sender *x, struct owner owner[FIXES_SHOWN])
{
    unsigned f, i, n = 0;

    for (f = 0; f < x->fixes; f++) {
        const struct fix *fix = &x->fix[f];
        const struct look *k = look_of(x, fix);

        if (fix->order != FIX_REVERSE || fix->example)
            continue;
        for (i = 0; i < n && !same_owner(owner[i].zone, k); i++)
            ;
        if (i == n)
            owner[n++] = (struct owner){.zone = k};
        owner[i].look[owner[i].n] = k;
        owner[i].fix[owner[i].n++] = fix;
    }
    return n;
}

/* ---- the text ---- */

static void paragraph(const struct term *t, const char *text)
{
    fputc('\n', t->out);
    term_wrap(t, text, 0, 0);
}

static const char *name_text(char text[DNAME_VISIBLE_MAX], const struct dname *name)
{
    struct sbuf sb;

    sbuf_init(&sb, text, DNAME_VISIBLE_MAX);
    dname_put_visible(&sb, name);
    return text;
}

/* The address that a reverse name stands for, as a text, from the egress that has it. */
static const struct addr *address_of(const struct sender *x, const struct look *k)
{
    struct dname reverse;
    unsigned i;

    for (i = 0; k != NULL && i < x->egresses; i++) {
        dname_reverse(&reverse, &x->egress[i].addr);
        if (dname_equal(&reverse, k->behind ? &k->alias : &k->name))
            return &x->egress[i].addr;
    }
    return NULL;
}

static void put_header(const struct sender *x, const struct owner *o, FILE *out)
{
    char text[2 * DNAME_VISIBLE_MAX];
    struct sbuf sb;
    unsigned i;

    sbuf_init(&sb, text, sizeof text);
    if (o->zone != NULL && o->zone->soa.zoned && !look_local(o->zone)) {
        mailbox_put(&sb, &o->zone->soa.mailbox);
        if (text[0] != '-')
            fprintf(out, "To: %s\n", text);
    }
    fputs("Subject: Reverse DNS (PTR) of", out);
    for (i = 0; i < o->n && i < 4; i++) {
        const struct addr *a = address_of(x, o->look[i]);

        if (a != NULL)
            fprintf(out, "%s %s", i > 0 ? "," : "", ADDR_TEXT(a));
    }
    fputs(o->n > 4 ? " and others\n" : "\n", out);
}

static void put_records(const struct owner *o, const struct term *t)
{
    unsigned i;

    paragraph(t,
              o->n == 1
                  ? "please set the reverse DNS of the address of our mail server, with this PTR "
                    "record:"
                  : "please set the reverse DNS of the addresses of our mail servers, with these "
                    "PTR records:");
    fputc('\n', t->out);
    for (i = 0; i < o->n; i++)
        fprintf(t->out, "    %s\n", o->fix[i]->record);
    paragraph(
        t, o->n == 1
               ? "There should be no other PTR record for the address. The name resolves to it."
               : "There should be no other PTR record for these addresses. Each name resolves to "
                 "its address.");
}

/* "Now: 20.2.0.192.in-addr.arpa PTR: no such name" */
static void put_state(const struct owner *o, const struct term *t, int64_t now)
{
    char text[SAID_RECORDS * DNAME_VISIBLE_MAX], when[32] = "", name[DNAME_VISIBLE_MAX];
    time_t clock = (time_t)now;
    struct tm tm;
    struct sbuf sb;
    unsigned i;

    if (gmtime_r(&clock, &tm) != NULL)
        strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &tm);
    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, "What DNS said on ");
    sbuf_str(&sb, when);
    sbuf_byte(&sb, ':');
    paragraph(t, text);
    fputc('\n', t->out);
    for (i = 0; i < o->n; i++) {
        const struct look *k = o->look[i];

        if (k == NULL)
            continue;
        sbuf_init(&sb, text, sizeof text);
        sbuf_str(&sb, name_text(name, &k->name));
        if (k->behind) {
            sbuf_str(&sb, ", of which ");
            sbuf_str(&sb, name_text(name, &k->alias));
            sbuf_str(&sb, " is an alias,");
        }
        sbuf_str(&sb, " PTR: ");
        said_put(&sb, look_usual(k) != NULL ? look_usual(k) : &k->cached);
        fputs("    ", t->out);
        term_wrap(t, text, 6, 4);
    }
}

/* What is wrong with the servers of the zone; nothing about our own resolver. */
static void put_servers(const struct sender *x, const struct owner *o, const struct term *t)
{
    char zone[DNAME_VISIBLE_MAX];
    bool first = true;
    unsigned i;

    if (o->zone == NULL || !o->zone->soa.zoned)
        return;
    name_text(zone, &o->zone->soa.zone);
    for (i = 0; i < x->looks.troubles; i++) {
        const char *text = x->looks.trouble[i];

        if (strstr(text, zone) == NULL || strstr(text, "your resolver") != NULL ||
            strstr(text, " is an alias of ") != NULL)
            continue;
        if (first)
            paragraph(t, "Please also check the name servers of that zone:");
        fputs(first ? "\n    " : "    ", t->out);
        term_wrap(t, text, 6, 4);
        first = false;
    }
}

static void put_ticket(const struct sender *x, const struct owner *o, const struct term *t,
                       int64_t now)
{
    put_header(x, o, t->out);
    fputs("\nHello,\n", t->out);
    put_records(o, t);
    put_state(o, t, now);
    put_servers(x, o, t);
    paragraph(t,
              "Many mail servers refuse mail from an address whose PTR record is missing, does not "
              "resolve back to the address, or contains a name that looks machine-generated (RFC "
              "1912 section 2.1, RFC 8601 section 2.7.3).");
    fputs("\nThank you.\n", t->out);
}

/* ---- what comes first ---- */

/* For the sender, not for the owner. */
static void put_before(const struct sender *x, unsigned owners, FILE *err)
{
    bool chosen = true;
    unsigned f;

    for (f = 0; f < x->fixes; f++) {
        const struct fix *fix = &x->fix[f];
        const struct addr *a = address_of(x, look_of(x, fix));

        if (fix->order == FIX_REVERSE && fix->example) {
            fprintf(err, "iprev-check: which name should %s have? Give it as HELO.\n",
                    a != NULL ? ADDR_TEXT(a) : "the server");
            chosen = false;
        } else if (fix->order == FIX_FORWARD && !fix->example && owners > 0) {
            fprintf(err, "iprev-check: before sending the text, create: %s\n", fix->record);
        }
    }
    if (owners == 0 && chosen)
        fputs("iprev-check: nothing to ask of the owner of the address\n", err);
}

void sender_ticket(const struct sender *x, FILE *out, FILE *err, int64_t now)
{
    struct owner owner[FIXES_SHOWN];
    struct term t = {.out = out, .columns = WIDTH};
    unsigned n = find_owners(x, owner), i;

    put_before(x, n, err);
    for (i = 0; i < n; i++) {
        fputs(i > 0
                  ? "\n------------------------------------------------------------------------\n\n"
                  : "",
              out);
        put_ticket(x, &owner[i], &t, now);
    }
}
