/* The store that several machines share: Redis or Valkey, by hiredis.
 *
 * Each table is one sorted set of all its entries and one for each group, so that both
 * bounds are exact. Reading is one round trip; what is put runs as a script, and may be
 * repeated. Keys begin with "iprev:", then s, k, w or p for the table; addresses and hashes
 * are octets in hexadecimal.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#ifdef HAVE_HIREDIS

#include "memory/advice.h"
#include "memory/clock.h"
#include "memory/options.h"
#include "memory/store.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS    40   /* for a connection, and for a command: below the wait of a caller */
#define PATIENT_MS 5000 /* of iprev-check */
#define KEY_MAX    64
#define SECRET_MAX 512
#define SAID_MAX   500 /* of what Redis says, beside what to do */

/* KEYS: the group, all entries. ARGV: the member in its group, and among all; its number;
 * those below this number are over, and some are dropped; most of a group, most of all; seconds
 * until a group that nobody touches is over; 1: in a full table the oldest makes room, 0: a
 * newcomer is not kept. In a group the oldest makes room. */
static const char put_script[] =
    "for i = 1, 2 do "
    " local over = math.min(redis.call('ZCOUNT', KEYS[i], '-inf', '(' .. ARGV[4]), 1000) "
    " if over > 0 then redis.call('ZREMRANGEBYRANK', KEYS[i], 0, over - 1) end "
    "end "
    "if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then "
    " if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[5]) then "
    "  local old = redis.call('ZRANGE', KEYS[1], 0, 0) "
    "  redis.call('ZREM', KEYS[1], old[1]) "
    "  redis.call('ZREM', KEYS[2], string.sub(ARGV[2], 1, -1 - #ARGV[1]) .. old[1]) "
    " end "
    " if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[6]) then "
    "  if ARGV[8] == '0' then return 0 end "
    "  local old = redis.call('ZPOPMIN', KEYS[2])[1] "
    "  local group, member = string.match(old, '^(%x+):(%x+)$') "
    "  if group then redis.call('ZREM', KEYS[2] .. ':' .. group, member) end "
    " end "
    "end "
    "redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1]) "
    "redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2]) "
    "redis.call('EXPIRE', KEYS[1], ARGV[7]) "
    "return 1";

struct redis_store {
    struct store base;
    redisContext *c;
    unsigned patience_ms;
    unsigned pending; /* replies */
    int64_t begun_us; /* the first of these was asked for */
};

static struct redis_store *of(struct store *s)
{
    return (struct redis_store *)s;
}

static redisContext *context(struct store *s)
{
    return of(s)->c;
}

/* ---- names ---- */

static char *put_hex(char *out, const uint8_t *octets, size_t n)
{
    static const char digit[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < n; i++) {
        *out++ = digit[octets[i] >> 4];
        *out++ = digit[octets[i] & 15];
    }
    *out = '\0';
    return out;
}

struct names {
    char group[KEY_MAX + 16]; /* key of the group's set */
    char all[16];             /* key of the table's set */
    char member[KEY_MAX];     /* in the group's set */
    char whole[2 * KEY_MAX];  /* in the table's set: group, ':', member */
};

static void make_names(struct names *n, const struct store_key *k)
{
    static const char letter[TABLES] = {'s', 'k', 'w', 'p'};
    char hex[KEY_MAX];

    put_hex(hex, k->group, k->group_len);
    put_hex(n->member, k->member, k->member_len);
    snprintf(n->all, sizeof n->all, "iprev:%c", letter[k->table]);
    snprintf(n->group, sizeof n->group, "iprev:%c:%s", letter[k->table], hex);
    snprintf(n->whole, sizeof n->whole, "%s:%s", hex, n->member);
}

/* ---- replies ---- */

static enum store_result broken(struct store *s, const char *what)
{
    size_t n = strlen(what);

    n -= n > 0 && what[n - 1] == '.';
    snprintf(s->trouble, sizeof s->trouble, "Redis: %.*s%s", (int)(n > SAID_MAX ? SAID_MAX : n),
             what, redis_advice(what));
    return STORE_BROKEN;
}

/* hiredis counts its patience anew with each octet. When it has run out twice nobody waits any
 * more. */
static bool is_late(const struct redis_store *s)
{
    return clock_us() - s->begun_us > (int64_t)s->patience_ms * 2 * 1000;
}

/* The next reply, to be freed; NULL with the trouble written when it is none, late or an error. */
static redisReply *next_reply(struct store *s)
{
    redisContext *c = context(s);
    void *reply = NULL;

    of(s)->pending--;

    if (redisGetReply(c, &reply) != REDIS_OK || reply == NULL) {
        broken(s, c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK)
                      ? "no answer in time"
                      : c->errstr);
        return NULL;
    }
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR || is_late(of(s))) {
        broken(s, is_late(of(s)) ? "no answer in time" : ((redisReply *)reply)->str);
        freeReplyObject(reply);
        return NULL;
    }
    return reply;
}

/* Takes n replies whose content does not matter. */
static enum store_result skip_replies(struct store *s, size_t n)
{
    redisReply *reply;

    for (; n > 0; n--) {
        reply = next_reply(s);
        if (reply == NULL)
            return STORE_BROKEN;
        freeReplyObject(reply);
    }
    return STORE_OK;
}

static enum store_result append(struct store *s, const char *fmt, ...)
{
    va_list args;
    int rc;

    va_start(args, fmt);
    rc = redisvAppendCommand(context(s), fmt, args);
    va_end(args);
    if (rc != REDIS_OK)
        return broken(s, "out of memory");
    if (of(s)->pending++ == 0)
        of(s)->begun_us = clock_us();
    return STORE_OK;
}

/* ---- the store ---- */

static enum store_result redis_get(struct store *s, const struct store_key *key, size_t n,
                                   int64_t at[])
{
    struct names name;
    redisReply *reply;
    size_t i;

    for (i = 0; i < n; i++) {
        make_names(&name, &key[i]);
        if (append(s, "ZSCORE %s %s", name.group, name.member) != STORE_OK)
            return STORE_BROKEN;
    }
    for (i = 0; i < n; i++) {
        reply = next_reply(s);
        if (reply == NULL)
            return STORE_BROKEN;
        at[i] = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : STORE_ABSENT;
        freeReplyObject(reply);
    }
    return STORE_OK;
}

static enum store_result redis_put(struct store *s, const struct store_key *key, int64_t at,
                                   int64_t now)
{
    const struct store_bounds *b = &s->bounds[key->table];
    int64_t lowest = s->clock_doubted ? 0 : now - b->lifetime;
    struct names name;

    make_names(&name, key);
    if (append(s, "EVAL %s 2 %s %s %s %s %lld %lld %lu %lu %lld %d", put_script, name.group,
               name.all, name.member, name.whole, (long long)at, (long long)lowest,
               (unsigned long)b->group, (unsigned long)b->total,
               (long long)((b->lifetime + 1) * b->unit_s), b->oldest_goes) != STORE_OK)
        return STORE_BROKEN;
    return skip_replies(s, 1);
}

static enum store_result redis_drop(struct store *s, const struct store_key *key)
{
    struct names name;

    make_names(&name, key);
    if (append(s, "ZREM %s %s", name.group, name.member) != STORE_OK ||
        append(s, "ZREM %s %s", name.all, name.whole) != STORE_OK)
        return STORE_BROKEN;
    return skip_replies(s, 2);
}

/* What it has answered it has. */
static enum store_result redis_keep(struct store *s)
{
    (void)s;
    return STORE_OK;
}

/* Entries expire as others come. */
static enum store_result redis_tick(struct store *s, int64_t now_s)
{
    (void)s;
    (void)now_s;
    return STORE_OK;
}

static enum store_result redis_count(struct store *s, struct store_counts *out)
{
    struct store_key key = {.table = TABLE_SEEN};
    struct names name;
    redisReply *reply;
    int i;

    for (i = 0; i < TABLES; i++) {
        key.table = (enum memory_table)i;
        make_names(&name, &key);
        if (append(s, "ZCARD %s", name.all) != STORE_OK || (reply = next_reply(s)) == NULL)
            return STORE_BROKEN;
        out->entries[i] = reply->type == REDIS_REPLY_INTEGER ? (uint64_t)reply->integer : 0;
        freeReplyObject(reply);
    }
    return STORE_OK;
}

/* Octets in hexadecimal, as put_hex writes them; nothing of what is no such text. */
static uint8_t take_hex(uint8_t out[STORE_OCTETS_MAX], const char *hex)
{
    static const char digit[] = "0123456789abcdef";
    const char *high, *low;
    uint8_t n = 0;

    for (; hex[0] != '\0' && hex[1] != '\0' && n < STORE_OCTETS_MAX; hex += 2) {
        high = strchr(digit, hex[0]);
        low = strchr(digit, hex[1]);
        if (high == NULL || low == NULL)
            return 0;
        out[n++] = (uint8_t)((high - digit) << 4 | (low - digit));
    }
    return n;
}

static enum store_result redis_list(struct store *s, const struct store_key *group,
                                    struct store_entry out[], size_t max, size_t *n)
{
    struct names name;
    redisReply *reply;
    size_t i;

    *n = 0;
    make_names(&name, group);
    if (append(s, "ZRANGE %s 0 %lu WITHSCORES", name.group, (unsigned long)max - 1) != STORE_OK ||
        (reply = next_reply(s)) == NULL)
        return STORE_BROKEN;
    for (i = 0; i + 1 < reply->elements && *n < max; i += 2) {
        const redisReply *member = reply->element[i], *at = reply->element[i + 1];

        if (member->type != REDIS_REPLY_STRING || at->type != REDIS_REPLY_STRING)
            continue;
        out[*n].key = *group;
        out[*n].key.member_len = take_hex(out[*n].key.member, member->str);
        out[(*n)++].at = strtoll(at->str, NULL, 10);
    }
    freeReplyObject(reply);
    return STORE_OK;
}

static void redis_close(struct store *s)
{
    if (context(s) != NULL)
        redisFree(context(s));
    free(s);
}

/* ---- opening ---- */

static const struct store_kind redis_kind = {redis_get,  redis_put,   redis_drop, redis_keep,
                                             redis_tick, redis_count, redis_list, redis_close};

/* The first line of the password file. */
static bool read_secret(const char *path, char secret[SECRET_MAX], char *err, size_t errlen)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, secret, SECRET_MAX - 1) : -1;

    if (n < 0)
        snprintf(err, errlen, "%s: %s: %s", path, strerror(errno),
                 errno == ENOENT ? "create it, or correct memory.password-file"
                                 : "the user of iprev-milter must be able to read it");
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return false;
    secret[n] = '\0';
    secret[strcspn(secret, "\r\n")] = '\0';
    return true;
}

static redisContext *connect_to(const struct memory_endpoint *e, unsigned ms)
{
    struct timeval patience = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    redisContext *c = e->unix_path[0] != '\0' ? redisConnectUnixWithTimeout(e->unix_path, patience)
                                              : redisConnectWithTimeout(e->host, e->port, patience);

    if (c != NULL && c->err == 0)
        redisSetTimeout(c, patience);
    return c;
}

/* AUTH and SELECT, where the settings want them. */
static enum store_result greet(struct store *s, const struct memory_options *o,
                               const struct memory_endpoint *e)
{
    char secret[SECRET_MAX], err[sizeof s->trouble - 16];
    enum store_result result = STORE_OK;

    if (o->password_file != NULL) {
        if (!read_secret(o->password_file, secret, err, sizeof err))
            return broken(s, err);
        if (append(s, "AUTH %s", secret) != STORE_OK)
            return STORE_BROKEN;
        result = skip_replies(s, 1);
        explicit_bzero(secret, sizeof secret);
    }
    if (result != STORE_OK || append(s, "SELECT %u", e->database) != STORE_OK)
        return STORE_BROKEN;
    return skip_replies(s, 1);
}

/* Changes nothing, but fails where no entry could be added: in a replica, without memory, with
 * keys of another type. */
static enum store_result try_writing(struct store *s)
{
    struct store_key key = {.table = TABLE_SEEN};
    struct names name;
    int i;

    for (i = 0; i < TABLES; i++) {
        key.table = (enum memory_table)i;
        make_names(&name, &key);
        if (append(s, "ZADD %s XX 0 -", name.all) != STORE_OK)
            return STORE_BROKEN;
    }
    return skip_replies(s, TABLES);
}

struct store *store_open_redis(const struct memory_options *o, enum store_use use, char *err,
                               size_t errlen)
{
    struct redis_store *s = calloc(1, sizeof *s);
    struct memory_endpoint e;

    if (s == NULL || !memory_endpoint(&e, o->store)) {
        free(s);
        return snprintf(err, errlen, "out of memory"), NULL;
    }
    s->base.kind = &redis_kind;
    s->patience_ms = use == STORE_SERVE ? BUSY_MS : PATIENT_MS;
    s->c = connect_to(&e, s->patience_ms);
    if (s->c == NULL || s->c->err != 0)
        broken(&s->base, s->c == NULL ? "out of memory" : s->c->errstr);
    else if (greet(&s->base, o, &e) == STORE_OK &&
             (use == STORE_LOOK || try_writing(&s->base) == STORE_OK))
        return &s->base;
    snprintf(err, errlen, "%s", s->base.trouble);
    redis_close(&s->base);
    return NULL;
}

#endif
