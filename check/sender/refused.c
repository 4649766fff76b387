/* Who refuses this server's mail: see refused.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/refused.h"

#include "check/json.h"
#include "check/log/event.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY 86400

/* A stamp without a year is of the last year in which it is not to come. */
static int64_t seconds(const struct refused *r, struct log_stamp stamp)
{
    time_t clock = (time_t)r->now;
    struct tm now;

    if (stamp.month == 0 || gmtime_r(&clock, &now) == NULL)
        return 0;
    if (stamp.year == 0) {
        stamp.year = (uint16_t)(now.tm_year + 1901);
        while (stamp_seconds(&stamp) > r->now + DAY)
            stamp.year--;
    }
    return stamp_seconds(&stamp);
}

/* ---- the receiver ---- */

/* "mx.example.net[192.0.2.1]:25" or "mx.example.net. [192.0.2.1]" */
static void read_relay(struct receiver *to, struct addr *address, const struct log_text *relay)
{
    struct log_text t = *relay, name = text_until(&t, '[');
    size_t n = text_find(&t, LIT("]"));
    struct sbuf sb;

    *address = (struct addr){.family = ADDR_NONE};
    if (n < t.n && text_addr(address, t.s, n))
        to->family = address->family;
    while (name.n > 0 && (name.s[name.n - 1] == ' ' || name.s[name.n - 1] == '.'))
        name.n--;
    sbuf_init(&sb, to->host, sizeof to->host);
    sbuf_visible(&sb, name.s, name.n);
    if (sb.overflow)
        memcpy(to->host, "-", 2);
}

static struct receiver *find(struct refused *r, const struct receiver *like)
{
    unsigned i;

    for (i = 0; i < r->n; i++)
        if (r->receiver[i].family == like->family && r->receiver[i].is == like->is &&
            strcmp(r->receiver[i].host, like->host) == 0)
            return &r->receiver[i];
    if (r->n == RECEIVERS_MAX)
        return NULL;
    r->receiver[r->n] = *like;
    return &r->receiver[r->n++];
}

/* ---- the addresses ---- */

static bool in_address(char c)
{
    return c != '\0' && strchr("0123456789abcdefABCDEF:.", c) != NULL;
}

/* Public addresses in the reply: receivers name the client that they refuse. */
static void claim(struct refused *r, struct receiver *to, const struct addr *receiver)
{
    const char *words = to->words, *end;
    bool named = false;
    struct addr a;
    unsigned i;

    for (; *words != '\0'; words = end + (*end != '\0')) {
        for (end = words; in_address(*end); end++)
            ;
        if (end > words && end[-1] == '.')
            end--;
        if (end - words < 3 || !addr_parse(&a, words, (size_t)(end - words)) ||
            addr_is_private(&a) || addr_equal(&a, receiver))
            continue;
        if (!named)
            to->ours = a;
        named = true;
        for (i = 0; i < r->addrs && !addr_equal(&r->addr[i], &a); i++)
            ;
        if (i == r->addrs && i < CLAIMED_MAX)
            r->addr[r->addrs++] = a;
    }
}

/* ---- one line ---- */

static void count(struct refused *r, const struct log_event *e, enum refusal is)
{
    struct receiver like = {.is = is}, *to;
    struct addr address;
    int64_t at = seconds(r, e->stamp);

    read_relay(&like, &address, &e->relay);
    to = find(r, &like);
    if (to == NULL) {
        r->left_out++;
        return;
    }
    to->refused += e->state == STATE_BOUNCED;
    to->deferred += e->state == STATE_DEFERRED;
    to->first = to->first == 0 || (at != 0 && at < to->first) ? at : to->first;
    if (at >= to->last) {
        to->last = at;
        refusal_fold(to->words, e->reply.s, e->reply.n);
        claim(r, to, &address);
    }
}

void refused_line(struct refused *r, const char *s, size_t n)
{
    struct log_event e;
    enum refusal is;

    r->lines++;
    if (!logline_read(&e, s, n))
        return;
    r->known++;
    if (e.kind != LOG_DELIVERY || e.reply.n == 0 || e.relay.n == 0)
        return;
    is = refusal_class(e.reply.s, e.reply.n);
    if (is != REFUSAL_NONE)
        count(r, &e, is);
}

/* An address that the reply does not name may be any of the receiver's family. */
void refused_checked(struct refused *r, const struct addr *client, enum refused_now now)
{
    unsigned i;

    for (i = 0; i < r->n; i++) {
        struct receiver *x = &r->receiver[i];
        bool is = x->ours.family != ADDR_NONE
                      ? addr_equal(&x->ours, client)
                      : x->family == ADDR_NONE || x->family == client->family;

        if (is && now > x->now)
            x->now = now;
    }
}

static int by_last(const void *a, const void *b)
{
    const struct receiver *x = a, *y = b;

    return x->last != y->last ? (x->last < y->last ? 1 : -1) : strcmp(x->host, y->host);
}

void refused_sort(struct refused *r)
{
    qsort(r->receiver, r->n, sizeof *r->receiver, by_last);
}

/* ---- what comes out ---- */

static void put_time(char text[24], int64_t at)
{
    time_t clock = (time_t)at;
    struct tm tm;

    memcpy(text, "-", 2);
    if (at != 0 && gmtime_r(&clock, &tm) != NULL)
        strftime(text, 24, "%Y-%m-%d %H:%M", &tm);
}

static const char *family_word(uint8_t family)
{
    return family == ADDR_IPV6 ? " (IPv6)" : family == ADDR_IPV4 ? " (IPv4)" : "";
}

/* "now: 192.0.2.10 is in order" */
static void put_now(const struct receiver *x, const struct term *t)
{
    static const enum tone tone[] = {TONE_NOTE, TONE_GOOD, TONE_NOTE, TONE_BAD};
    static const char *const state[] = {
        [NOW_NOT_CHECKED] = "not checked: the reply names no address of this server",
        [NOW_IN_ORDER] = "in order: fixed since then, or DNS failed for the receiver",
        [NOW_UNKNOWN] = "not known: DNS gives no answer now",
        [NOW_TO_FIX] = "not in order: see below what to fix",
    };
    char text[256], address[ADDR_TEXT_MAX];
    struct sbuf sb;

    sbuf_init(&sb, address, sizeof address);
    if (x->ours.family != ADDR_NONE)
        addr_put(&sb, &x->ours);
    snprintf(text, sizeof text, "%s%s%s", x->ours.family != ADDR_NONE ? address : "",
             x->ours.family != ADDR_NONE ? " is " : "", state[x->now]);
    fputs("      ", t->out);
    term_put(t, tone[x->now], "now:");
    term_wrap(t, text, 6, 10);
}

void refused_text(const struct refused *r, const struct term *t)
{
    unsigned i;

    fprintf(t->out, "%u receiver%s refused or deferred mail because of this server's name\n", r->n,
            r->n == 1 ? "" : "s");
    for (i = 0; i < r->n; i++) {
        const struct receiver *x = &r->receiver[i];
        char first[24], last[24];

        put_time(first, x->first);
        put_time(last, x->last);
        fputs("\n  ", t->out);
        term_put(t, TONE_HEAD, x->host);
        fprintf(t->out, "%s: ", family_word(x->family));
        term_put(t, TONE_BAD, refusal_text(x->is));
        fprintf(t->out,
                "\n      refused %" PRIu64 ", deferred %" PRIu64 "; first %s, last %s\n      ",
                x->refused, x->deferred, first, last);
        term_wrap(t, x->words, 6, 6);
        put_now(x, t);
    }
    if (r->left_out > 0)
        fprintf(t->out, "\n  and %" PRIu64 " refusals of other receivers\n", r->left_out);
    if (r->n > 0)
        fputc('\n', t->out);
}

json_t *refused_json(const struct refused *r)
{
    static const char *const now[] = {"not-checked", "in-order", "unknown", "to-fix"};
    json_t *list = json_array();
    unsigned i;

    for (i = 0; i < r->n; i++) {
        const struct receiver *x = &r->receiver[i];

        json_array_append_new(
            list, json_pack("{s:s, s:s?, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:s}", "receiver",
                            x->host, "family",
                            x->family == ADDR_IPV6   ? "ipv6"
                            : x->family == ADDR_IPV4 ? "ipv4"
                                                     : NULL,
                            "about", refusal_word(x->is), "refused", (json_int_t)x->refused,
                            "deferred", (json_int_t)x->deferred, "first", (json_int_t)x->first,
                            "last", (json_int_t)x->last, "words", x->words, "address",
                            x->ours.family != ADDR_NONE ? json_addr(&x->ours) : json_null(), "now",
                            now[x->now]));
    }
    return list;
}
