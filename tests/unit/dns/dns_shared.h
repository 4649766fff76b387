/* What the tests of the resolver and of sessions share: a DNS server that does what a
 * table says, zone files in a directory of their own, and resolvers for them.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TEST_DNS_SHARED_H
#define IPREV_TEST_DNS_SHARED_H

#include "dns/resolver.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- the server ---- */

enum dns_manner {
    DNS_PLAIN,
    DNS_SILENT,
    DNS_TRUNCATED, /* TC, and nobody listens on TCP */
    DNS_DECOY      /* first a forged answer with another id, then the true one */
};

#define DNS_SERVFAIL 2
#define DNS_NXDOMAIN 3
#define DNS_NOTIMP   4
#define DNS_REFUSED  5

/* data: addresses, or names where \DDD is any octet, with blanks between; or "CNAME
 * NAME" followed by such; empty: none. The name "*" is every one not named before;
 * what is not in the table does not exist. */
struct dns_row {
    const char *name; /* without final dot, as dname_put_visible shows it */
    enum rrtype type;
    const char *data;
    uint32_t ttl;
    unsigned delay; /* ms */
    unsigned rcode;
    enum dns_manner manner;
};

#define DNS_ROWS_MAX  64
#define DNS_REPLY_MAX 1400
#define DNS_LATE_MAX  1024

struct dns_late {
    int64_t due;
    struct sockaddr_in to;
    size_t len, question_end;
    uint8_t msg[DNS_REPLY_MAX];
};

struct dns_server {
    int fd;
    atomic_bool stop;
    pthread_t thread;
    const struct dns_row *row;
    size_t rows;
    atomic_uint asked[DNS_ROWS_MAX]; /* how often each row was */
    atomic_uint unknown;             /* and what no row knows */
    atomic_bool mute;                /* hears nothing */
    char address[40];                /* for resolver_settings.forward */
    size_t late;
    struct dns_late queue[DNS_LATE_MAX];
};

static inline void dns_put16(uint8_t **p, unsigned v)
{
    *(*p)++ = (uint8_t)(v >> 8);
    *(*p)++ = (uint8_t)v;
}

/* One name of a row's data, up to a blank or the end. */
static inline const char *dns_put_name(uint8_t **p, const char *s)
{
    uint8_t *len = (*p)++;

    *len = 0;
    for (; *s != '\0' && *s != ' '; s++) {
        if (*s == '.') {
            len = (*p)++;
            *len = 0;
        } else if (*s == '\\') {
            *(*p)++ = (uint8_t)((s[1] - '0') * 100 + (s[2] - '0') * 10 + s[3] - '0');
            s += 3;
            ++*len;
        } else {
            *(*p)++ = (uint8_t)*s;
            ++*len;
        }
    }
    if (*len != 0)
        *(*p)++ = 0;
    return s;
}

static inline const char *dns_put_rdata(uint8_t **p, enum rrtype type, const char *s)
{
    uint8_t *len = *p;
    char text[64];
    size_t n = strcspn(s, " ");

    *p += 2;
    if (type == RR_PTR || type == RR_CNAME) {
        s = dns_put_name(p, s);
    } else {
        snprintf(text, sizeof text, "%.*s", (int)n, s);
        inet_pton(type == RR_A ? AF_INET : AF_INET6, text, *p);
        *p += type == RR_A ? 4 : 16;
        s += n;
    }
    len[0] = (uint8_t)((size_t)(*p - len - 2) >> 8);
    len[1] = (uint8_t)(*p - len - 2);
    return s;
}

/* The answer section behind the question, which stands at 12. Returns the count. */
static inline unsigned dns_put_answers(uint8_t **p, const uint8_t *msg, const struct dns_row *r)
{
    const char *s = r->data == NULL ? "" : r->data;
    unsigned owner = 12, count = 0;

    while (*s != '\0') {
        bool alias = strncmp(s, "CNAME ", 6) == 0;
        enum rrtype type = alias ? RR_CNAME : r->type;
        const uint8_t *rdata;

        dns_put16(p, 0xc000 | owner);
        dns_put16(p, type);
        dns_put16(p, 1);
        dns_put16(p, r->ttl >> 16);
        dns_put16(p, r->ttl & 0xffff);
        rdata = *p + 2;
        s = dns_put_rdata(p, type, alias ? s + 6 : s);
        if (alias)
            owner = (unsigned)(rdata - msg);
        s += strspn(s, " ");
        count++;
    }
    return count;
}

static inline const struct dns_row *dns_find(struct dns_server *v, const char *name, unsigned type)
{
    size_t i;

    for (i = 0; i < v->rows; i++)
        if (v->row[i].type == type &&
            (strcmp(v->row[i].name, "*") == 0 || strcasecmp(v->row[i].name, name) == 0)) {
            atomic_fetch_add(&v->asked[i], 1);
            return &v->row[i];
        }
    atomic_fetch_add(&v->unknown, 1);
    return NULL;
}

static inline void dns_send(struct dns_server *v, const struct dns_late *l)
{
    (void)!sendto(v->fd, l->msg, l->len, 0, (const struct sockaddr *)&l->to, sizeof l->to);
}

/* When a late answer is there: whoever asks meanwhile gets it at the same time, as from a
 * resolver that looks for it once. */
static inline int64_t dns_due(const struct dns_server *v, const struct dns_late *l, unsigned delay)
{
    size_t i, n = l->question_end - 12;

    for (i = 0; i < v->late; i++)
        if (v->queue[i].question_end == l->question_end &&
            memcmp(v->queue[i].msg + 12, l->msg + 12, n) == 0)
            return v->queue[i].due;
    return resolver_now() + delay;
}

static inline void dns_reply(struct dns_server *v, struct dns_late *l, size_t question_end,
                             const struct dns_row *r)
{
    unsigned rcode = r == NULL ? DNS_NXDOMAIN : r->rcode;
    uint8_t *p = l->msg + question_end;

    if (r != NULL && r->manner == DNS_SILENT)
        return;
    l->msg[2] = (uint8_t)(0x81 | (r != NULL && r->manner == DNS_TRUNCATED ? 0x02 : 0));
    l->msg[3] = (uint8_t)(0x80 | rcode);
    memset(l->msg + 6, 0, 6);
    if (r != NULL && rcode == 0 && r->manner != DNS_TRUNCATED)
        l->msg[7] = (uint8_t)dns_put_answers(&p, l->msg, r);
    l->len = (size_t)(p - l->msg);
    if (r != NULL && r->manner == DNS_DECOY) {
        l->msg[0] ^= 0x55;
        dns_send(v, l);
        l->msg[0] ^= 0x55;
    }
    if (r == NULL || r->delay == 0) {
        dns_send(v, l);
    } else if (v->late < DNS_LATE_MAX) {
        l->question_end = question_end;
        l->due = dns_due(v, l, r->delay);
        v->queue[v->late++] = *l;
    }
}

static inline void dns_question(struct dns_server *v)
{
    struct dns_late l = {.due = 0};
    socklen_t n = sizeof l.to;
    ssize_t got = recvfrom(v->fd, l.msg, 512, MSG_DONTWAIT, (struct sockaddr *)&l.to, &n);
    char name[DNAME_VISIBLE_MAX];
    struct dname d;
    struct sbuf sb;
    size_t at = 12;

    if (got < 17 || !dname_from_message(&d, l.msg, (size_t)got, &at) || at + 4 > (size_t)got)
        return;
    sbuf_init(&sb, name, sizeof name);
    dname_put_visible(&sb, &d);
    dns_reply(v, &l, at + 4, dns_find(v, name, (unsigned)(l.msg[at] << 8 | l.msg[at + 1])));
}

static inline void dns_send_due(struct dns_server *v)
{
    int64_t now = resolver_now();
    size_t i;

    for (i = 0; i < v->late;)
        if (v->queue[i].due <= now) {
            dns_send(v, &v->queue[i]);
            v->queue[i] = v->queue[--v->late];
        } else {
            i++;
        }
}

static inline void dns_ignore(struct dns_server *v)
{
    char octet;

    (void)!recv(v->fd, &octet, 1, MSG_DONTWAIT);
}

static inline void *dns_main(void *arg)
{
    struct dns_server *v = arg;
    struct pollfd p = {.fd = v->fd, .events = POLLIN};

    while (!atomic_load(&v->stop)) {
        if (poll(&p, 1, v->late > 0 ? 2 : 20) > 0)
            atomic_load(&v->mute) ? dns_ignore(v) : dns_question(v);
        dns_send_due(v);
    }
    return NULL;
}

/* The rows must outlive the server. */
static inline struct dns_server *dns_start(const struct dns_row *row, size_t rows)
{
    struct dns_server *v = calloc(1, sizeof *v);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;

    if (v == NULL || rows > DNS_ROWS_MAX)
        abort();
    v->row = row;
    v->rows = rows;
    v->fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (v->fd < 0 || bind(v->fd, (const struct sockaddr *)&sa, n) != 0 ||
        getsockname(v->fd, (struct sockaddr *)&sa, &n) != 0 ||
        pthread_create(&v->thread, NULL, dns_main, v) != 0)
        abort();
    snprintf(v->address, sizeof v->address, "127.0.0.1@%u", ntohs(sa.sin_port));
    return v;
}

static inline void dns_stop(struct dns_server *v)
{
    atomic_store(&v->stop, true);
    pthread_join(v->thread, NULL);
    close(v->fd);
    free(v);
}

#define DNS_START(rows) dns_start(rows, sizeof(rows) / sizeof(rows)[0])

static inline unsigned dns_asked(struct dns_server *v, size_t row)
{
    return atomic_load(&v->asked[row]);
}

/* ---- files ---- */

struct dns_files {
    char dir[32];
    char file[64];
};

/* A directory with one file in it. */
static inline void files_make(struct dns_files *f, const char *name, const char *text)
{
    FILE *fp;

    strncpy(f->dir, "/tmp/test-dns-XXXXXX", sizeof f->dir);
    if (mkdtemp(f->dir) == NULL)
        abort();
    snprintf(f->file, sizeof f->file, "%s/%s", f->dir, name);
    fp = fopen(f->file, "w");
    if (fp == NULL || fputs(text, fp) < 0 || fclose(fp) != 0)
        abort();
}

static inline void files_remove(struct dns_files *f)
{
    unlink(f->file);
    rmdir(f->dir);
}

/* ---- asking ---- */

static inline void sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

static inline struct addr client_of(const char *text)
{
    struct addr a;

    if (!addr_parse(&a, text, strlen(text)))
        abort();
    return a;
}

static inline struct dname name_of(const char *text)
{
    struct dname d;

    if (!dname_from_text(&d, text, strlen(text)))
        abort();
    return d;
}

/* A resolver that asks the server. zone: a file, or NULL. */
static inline struct resolver *start_like(struct dns_server *v, unsigned cache, unsigned inflight,
                                          const struct resolver_trace *trace, char *zone)
{
    char *forward[] = {v->address};
    struct resolver_settings s = {.forwards = 1,
                                  .forward = forward,
                                  .deadline_ms = 2000,
                                  .helo = true,
                                  .threads = 1,
                                  .max_inflight = inflight,
                                  .cache = cache,
                                  .zone = zone};
    char err[512] = "";
    struct resolver *r = resolver_start(&s, trace, err, sizeof err);

    if (r == NULL) {
        fprintf(stderr, "%s\n", err);
        abort();
    }
    return r;
}

static inline struct resolver *start_traced(struct dns_server *v, unsigned cache, unsigned inflight,
                                            const struct resolver_trace *trace)
{
    return start_like(v, cache, inflight, trace, NULL);
}

static inline struct resolver *start_at(struct dns_server *v)
{
    return start_traced(v, 1000, 1000, NULL);
}

static inline struct resolver *start_with_zone(struct dns_server *v, char *zone)
{
    return start_like(v, 1000, 1000, NULL, zone);
}

static inline void end_both(struct resolver *r, struct dns_server *v)
{
    resolver_release(r);
    if (!resolver_wait_ended(5000))
        abort();
    dns_stop(v);
}

/* Asks and waits; the caller releases. */
static inline struct lookup *ask_client(struct resolver *r, const char *client, unsigned ms)
{
    struct addr a = client_of(client);
    int64_t deadline = resolver_now() + ms;
    struct lookup *l = resolver_ask_client(r, &a, deadline, NULL);

    lookup_wait(l, deadline + 2000);
    return l;
}

#endif
