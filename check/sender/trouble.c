/* What is wrong with the servers of a zone, and with what the resolver remembers: see looks.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/looks.h"

#include <string.h>
#include <time.h>

const struct said *server_best(const struct server *s)
{
    return !said_is_answer(&s->udp) && said_is_answer(&s->tcp) ? &s->tcp : &s->udp;
}

/* ---- sentences ---- */

/* The next sentence; the same one is not said twice. */
static void say(struct looks *l, const struct sbuf *sb)
{
    unsigned i;

    if (sb->overflow)
        return;
    for (i = 0; i < l->troubles; i++)
        if (strcmp(l->trouble[i], sb->text) == 0)
            return;
    if (l->troubles < TROUBLES_MAX)
        memcpy(l->trouble[l->troubles++], sb->text, sb->len + 1);
}

static void put_question(struct sbuf *sb, const struct look *k)
{
    dname_put_visible(sb, &k->name);
    sbuf_byte(sb, ' ');
    sbuf_str(sb, type_word(k->type));
}

static void put_server(struct sbuf *sb, const struct server *s)
{
    dname_put_visible(sb, &s->name);
    if (s->addr.family == ADDR_NONE)
        return;
    sbuf_str(sb, " (");
    addr_put(sb, &s->addr);
    sbuf_byte(sb, ')');
}

/* " until 14:05 UTC (in 300 s)" */
static void put_end(struct sbuf *sb, uint32_t ttl, int64_t now)
{
    time_t end = (time_t)(now + ttl);
    struct tm tm;
    char text[64] = "";

    if (gmtime_r(&end, &tm) != NULL)
        strftime(text, sizeof text, ttl < 43200 ? " until %H:%M UTC" : " until %Y-%m-%d %H:%M UTC",
                 &tm);
    sbuf_str(sb, text);
    sbuf_str(sb, " (in ");
    sbuf_uint(sb, ttl);
    sbuf_str(sb, " s)");
}

/* ---- each server ---- */

static bool is_trouble(enum said_kind kind)
{
    return kind != SAID_NONE && kind != SAID_UNREACHABLE && kind != SAID_CUT &&
           kind > SAID_NXDOMAIN;
}

/* What is wrong with it whatever the others say, or NULL; *r is what shows it. */
static const char *fault(const struct server *s, const struct said **r)
{
    bool tcp = said_is_answer(&s->tcp), udp = said_is_answer(&s->udp);

    *r = server_best(s);
    if (s->addr.family == ADDR_NONE)
        return " has no address";
    if (tcp && is_trouble(s->udp.kind))
        return " does not answer by UDP";
    if ((udp || s->udp.kind == SAID_CUT) && is_trouble(s->tcp.kind))
        return udp ? " does not answer by TCP" : " cuts its answer and does not answer by TCP";
    return is_trouble((*r)->kind) ? "" : NULL;
}

static void judge_server(struct looks *l, const struct look *k, struct server *s)
{
    char text[TROUBLE_TEXT];
    struct sbuf sb;
    const struct said *r;
    const char *what = fault(s, &r);

    s->state = what != NULL ? SERVER_TROUBLE : said_is_answer(r) ? SERVER_SAME : SERVER_UNKNOWN;
    if (what == NULL || l->deaf)
        return;
    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, "name server ");
    put_server(&sb, s);
    sbuf_str(&sb, " of ");
    dname_put_visible(&sb, &k->soa.zone);
    sbuf_str(&sb, what);
    if (what[0] == '\0') {
        sbuf_str(&sb, ": ");
        said_put(&sb, r);
    }
    say(l, &sb);
}

/* ---- the servers of a zone, together ---- */

const struct said *look_usual(const struct look *k)
{
    const struct said *best = NULL;
    unsigned i, j, most = 0;

    for (i = 0; i < k->servers; i++) {
        unsigned n = 0;

        for (j = 0; j < k->servers; j++)
            n += said_same(server_best(&k->server[i]), server_best(&k->server[j]));
        if (n > most)
            best = server_best(&k->server[i]);
        most = n > most ? n : most;
    }
    return best;
}

/* The first server that gives another answer than most; NULL when all agree. */
static const struct server *dissenter(struct look *k, const struct said *usual)
{
    const struct server *first = NULL;
    unsigned i;

    for (i = 0; i < k->servers; i++) {
        struct server *s = &k->server[i];

        if (!said_is_answer(server_best(s)) || said_same(server_best(s), usual))
            continue;
        s->state = SERVER_OTHER;
        first = first == NULL ? s : first;
    }
    return first;
}

static void say_dissent(struct looks *l, const struct look *k, const struct server *other,
                        const struct said *usual)
{
    char text[TROUBLE_TEXT];
    struct sbuf sb;
    unsigned i = 0;

    while (server_best(&k->server[i]) != usual)
        i++;
    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, "the name servers disagree about ");
    put_question(&sb, k);
    sbuf_str(&sb, ": ");
    put_server(&sb, &k->server[i]);
    sbuf_str(&sb, " says ");
    said_put(&sb, usual);
    sbuf_str(&sb, "; ");
    put_server(&sb, other);
    sbuf_str(&sb, " says ");
    said_put(&sb, server_best(other));
    say(l, &sb);
}

/* ---- the resolver ---- */

static void say_stale(struct looks *l, const struct look *k, const struct said *now_there,
                      int64_t now)
{
    char text[TROUBLE_TEXT];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    if (k->own) {
        sbuf_str(&sb, "your resolver has an entry of its own for ");
        put_question(&sb, k);
        sbuf_str(&sb, ", which the world does not see: ");
    } else if (said_is_answer(&k->cached)) {
        sbuf_str(&sb, "your resolver still has the old answer for ");
        put_question(&sb, k);
        put_end(&sb, k->cached.ttl, now);
        sbuf_str(&sb, ": ");
    } else {
        sbuf_str(&sb, "your resolver has no answer for ");
        put_question(&sb, k);
        sbuf_str(&sb, ": ");
    }
    said_put(&sb, &k->cached);
    sbuf_str(&sb, "; the name servers say ");
    said_put(&sb, now_there);
    if (!k->own && said_is_answer(&k->cached))
        sbuf_str(&sb, ". Wait until then, or flush your resolver's cache");
    say(l, &sb);
}

/* A zone that is not known is left out. */
static void say_bogus(struct looks *l, const struct look *k)
{
    char text[TROUBLE_TEXT];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, "DNSSEC validation fails for ");
    put_question(&sb, k);
    sbuf_str(&sb, ": resolvers that validate have no answer. The owner of ");
    if (k->soa.zoned) {
        sbuf_str(&sb, "the zone ");
        dname_put_visible(&sb, &k->soa.zone);
    } else {
        sbuf_str(&sb, "its zone");
    }
    sbuf_str(&sb, " must sign it again, or have its DS record removed from the zone above");
    say(l, &sb);
}

static void say_dead_alias(struct looks *l, const struct look *k)
{
    char text[TROUBLE_TEXT];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    dname_put_visible(&sb, &k->alias);
    sbuf_str(&sb, " is an alias of ");
    dname_put_visible(&sb, &k->name);
    sbuf_str(&sb, ", which has no ");
    sbuf_str(&sb, type_word(k->type));
    sbuf_str(&sb, " record");
    say(l, &sb);
}

/* ---- the zone above ---- */

static bool shares_server(const struct said *a, const struct said *b)
{
    unsigned i, j;

    for (i = 0; i < a->n; i++)
        for (j = 0; j < b->n; j++)
            if (dname_equal(&a->record[i].name, &b->record[j].name))
                return true;
    return a->more || b->more;
}

bool look_local(const struct look *k)
{
    if (!k->soa.zoned || !said_is_answer(&k->ns))
        return false;
    if (k->ns.n == 0)
        return true;
    return said_is_answer(&k->parent) && !shares_server(&k->ns, &k->parent);
}

/* "sender.example is a zone of your resolver's own: the servers of example do not know it; ..." */
static void say_local(struct looks *l, const struct look *k)
{
    char text[TROUBLE_TEXT];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    dname_put_visible(&sb, &k->soa.zone);
    sbuf_str(&sb, " is a zone of your resolver's own: ");
    if (k->ns.n == 0 || k->parent.kind == SAID_NONE) {
        sbuf_str(&sb, "it has no name servers");
    } else {
        sbuf_str(&sb, "the servers of ");
        dname_put_visible(&sb, &k->above);
        sbuf_str(&sb, k->parent.n > 0 ? " name others, " : " do not have it");
        if (k->parent.n > 0)
            said_put(&sb, &k->parent);
    }
    sbuf_str(&sb, ". To see what the world sees, ask another resolver (--server)");
    say(l, &sb);
}

bool look_stale(const struct look *k)
{
    const struct said *usual = look_usual(k);
    unsigned i;

    for (i = 0; usual != NULL && i < k->servers; i++) {
        const struct said *r = server_best(&k->server[i]);

        if (said_is_answer(r) && !said_same(r, usual))
            return false;
    }
    return usual != NULL && !said_same(&k->cached, usual);
}

static void judge(struct looks *l, struct look *k, int64_t now)
{
    const struct said *usual = look_usual(k);
    const struct server *other;
    unsigned i;

    for (i = 0; i < k->servers; i++)
        judge_server(l, k, &k->server[i]);
    if (k->behind && (k->cached.kind == SAID_NXDOMAIN || k->cached.kind == SAID_NODATA) &&
        k->type == RR_PTR)
        say_dead_alias(l, k);
    if (k->cached.kind == SAID_BOGUS)
        say_bogus(l, k);
    if (look_local(k) && !(l->zone_file && k->ns.n == 0))
        say_local(l, k);
    if (usual == NULL)
        return;
    other = dissenter(k, usual);
    if (other != NULL)
        say_dissent(l, k, other, usual);
    else if (k->cached.kind != SAID_BOGUS && look_stale(k))
        say_stale(l, k, usual, now);
}

/* Has any server of any zone answered, of those that were asked? */
static bool deaf(const struct looks *l)
{
    bool asked = false;
    unsigned i, s;

    for (i = 0; i < l->n; i++)
        for (s = 0; s < l->look[i].servers; s++) {
            const struct server *server = &l->look[i].server[s];

            if (server->addr.family == ADDR_NONE)
                continue;
            asked = true;
            if (server->udp.kind < SAID_SILENT && server->udp.kind != SAID_NONE)
                return false;
            if (server->tcp.kind < SAID_SILENT && server->tcp.kind != SAID_NONE)
                return false;
        }
    return asked;
}

void looks_judge(struct looks *l, int64_t now)
{
    unsigned i;

    l->deaf = deaf(l);
    for (i = 0; i < l->n; i++)
        judge(l, &l->look[i], now);
}
