/* dnsdelay: a DNS server that makes up the answers, at once or later, and counts.
 *
 * Any IPv4 client has the PTR name mail.dN.example.com, and every name below
 * dN.example.com has its address, where N is the address with KEY mixed in. IPv6
 * (2001:db8::/96) likewise below v6.example.com. Exceptions by the first octet:
 * 20/8 is silent, 30/8 has three names. As `root` or `tld` it only refers to
 * the servers below, so that a resolver can recurse from the root to the leaf.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KEY        0x5a5a5a5au
#define TTL        3600
#define PACKET_MAX 512
#define BATCH      64
#define LABELS_MAX 40
#define SILENT_NET 20
#define THREE_NET  30

enum type { T_A = 1, T_NS = 2, T_SOA = 6, T_PTR = 12, T_AAAA = 28, T_OPT = 41 };
enum role { LEAF, TLD, ROOT };

static const char tld_address[] = "192.0.2.53", leaf_address[] = "192.0.2.54";

static struct {
    int fd;
    enum role role;
    uint64_t delay_ns;
} server;

static struct {
    uint64_t questions, ptr, a, aaaa, other, silent;
} counts;

static volatile sig_atomic_t show, stop;

/* A reply on its way; they leave in the order they were made. */
struct reply {
    struct reply *next;
    uint64_t due;
    struct sockaddr_storage to;
    socklen_t to_len;
    size_t len;
    uint8_t data[PACKET_MAX];
};

static struct reply *first, *last;

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct question {
    const uint8_t *label[LABELS_MAX]; /* length octet first */
    unsigned labels;
    uint16_t type;
    size_t end; /* octets of header and question */
    bool edns;
};

static bool read_question(struct question *q, const uint8_t *p, size_t n)
{
    size_t at = 12;

    q->labels = 0;
    if (n < 17 || (p[2] & 0x80) != 0 || p[4] != 0 || p[5] != 1)
        return false;
    while (at < n && p[at] != 0) {
        if (p[at] > 63 || at + p[at] + 1 >= n || q->labels == LABELS_MAX)
            return false;
        q->label[q->labels++] = p + at;
        at += p[at] + 1u;
    }
    if (at + 5 > n)
        return false;
    q->type = (uint16_t)(p[at + 1] << 8 | p[at + 2]);
    q->end = at + 5;
    q->edns = p[11] != 0;
    return true;
}

/* The i-th label from the end is this word. */
static bool is(const struct question *q, unsigned i, const char *word)
{
    const uint8_t *l;

    if (i >= q->labels)
        return false;
    l = q->label[q->labels - 1 - i];
    return l[0] == strlen(word) && strncasecmp((const char *)l + 1, word, l[0]) == 0;
}

static bool number(const uint8_t *label, unsigned skip, unsigned base, uint32_t *out)
{
    char text[16], *end;

    if (label[0] <= skip || label[0] - skip >= sizeof text)
        return false;
    memcpy(text, label + 1 + skip, label[0] - skip);
    text[label[0] - skip] = '\0';
    *out = (uint32_t)strtoul(text, &end, (int)base);
    return *end == '\0';
}

enum kind { K_OTHER, K_REVERSE4, K_REVERSE6, K_NAME4, K_NAME6 };

/* What is asked for, and the client it is about. */
static enum kind kind_of(const struct question *q, uint32_t *client)
{
    uint32_t part;
    int i;

    *client = 0;
    if (is(q, 0, "arpa") && is(q, 1, "in-addr") && q->labels == 6) {
        for (i = 3; i >= 0; i--) {
            if (!number(q->label[i], 0, 10, &part))
                return K_OTHER;
            *client = *client << 8 | (part & 0xff);
        }
        return K_REVERSE4;
    }
    if (is(q, 0, "arpa") && is(q, 1, "ip6") && q->labels == 34) {
        for (i = 7; i >= 0; i--) {
            if (!number(q->label[i], 0, 16, &part))
                return K_OTHER;
            *client = *client << 4 | (part & 0xf);
        }
        return K_REVERSE6;
    }
    if (is(q, 0, "com") && is(q, 1, "example")) {
        bool v6 = is(q, 2, "v6");
        unsigned at = v6 ? 3 : 2;

        if (q->labels > at && number(q->label[q->labels - 1 - at], 1, 10, client)) {
            *client ^= KEY;
            return v6 ? K_NAME6 : K_NAME4;
        }
    }
    return K_OTHER;
}

struct writer {
    uint8_t *p;
    size_t n;
};

static void put(struct writer *w, const void *p, size_t n)
{
    if (w->n + n <= PACKET_MAX) {
        memcpy(w->p + w->n, p, n);
        w->n += n;
    }
}

static void put16(struct writer *w, unsigned v)
{
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

    put(w, b, 2);
}

/* Text "a.b.c" as labels; tail: a compression pointer, or 0 for the root. */
static void put_name(struct writer *w, const char *text, unsigned tail)
{
    while (*text != '\0') {
        size_t n = strcspn(text, ".");
        uint8_t len = (uint8_t)n;

        put(w, &len, 1);
        put(w, text, n);
        text += n + (text[n] == '.');
    }
    if (tail != 0)
        put16(w, 0xc000 | tail);
    else
        put(w, "", 1);
}

/* Owner by compression pointer; returns where the length of the data goes. */
static size_t begin_record(struct writer *w, unsigned owner, unsigned type)
{
    put16(w, 0xc000 | owner);
    put16(w, type);
    put16(w, 1);
    put16(w, 0);
    put16(w, TTL);
    put16(w, 0);
    return w->n - 2;
}

static void end_record(struct writer *w, size_t at)
{
    size_t n = w->n - at - 2;

    w->p[at] = (uint8_t)(n >> 8);
    w->p[at + 1] = (uint8_t)n;
}

static void count_record(struct writer *w, unsigned section)
{
    w->p[7 + 2 * section]++;
}

static void put_ptr(struct writer *w, uint32_t client, bool v6)
{
    unsigned i, names = !v6 && client >> 24 == THREE_NET ? 3 : 1;
    char name[64];

    for (i = 0; i < names; i++) {
        size_t at = begin_record(w, 12, T_PTR);

        snprintf(name, sizeof name, "mail%.*s.d%" PRIu32 "%s.example.com", i > 0, i > 1 ? "2" : "1",
                 client ^ KEY, v6 ? ".v6" : "");
        put_name(w, name, 0);
        end_record(w, at);
        count_record(w, 0);
    }
}

/* A client with three names is behind the last of them. */
static uint32_t address_of(const struct question *q, uint32_t client)
{
    bool decoy = q->labels == 4 && client >> 24 == THREE_NET && !is(q, 3, "mail2");

    return decoy && strncasecmp((const char *)q->label[0] + 1, "mail", 4) == 0 ? client ^ 1
                                                                               : client;
}

static void put_address(struct writer *w, uint32_t client, bool v6)
{
    uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8};
    uint32_t net = htonl(client);
    size_t at = begin_record(w, 12, v6 ? T_AAAA : T_A);

    memcpy(b + 12, &net, 4);
    put(w, v6 ? b : b + 12, v6 ? 16 : 4);
    end_record(w, at);
    count_record(w, 0);
}

static void put_text_address(struct writer *w, const char *owner, unsigned tail, const char *text)
{
    struct in_addr a;

    inet_pton(AF_INET, text, &a);
    put_name(w, owner, tail);
    put16(w, T_A);
    put16(w, 1);
    put16(w, 0);
    put16(w, TTL);
    put16(w, 4);
    put(w, &a, 4);
    count_record(w, 2);
}

/* No data: a SOA in the authority section, owned by the last labels of the question. */
static void put_soa(struct writer *w, unsigned owner)
{
    static const uint8_t numbers[20] = {0,  0,  0, 1, 0,  0,  14, 16, 0, 0,
                                        14, 16, 0, 0, 14, 16, 0,  0,  0, 60};
    size_t at = begin_record(w, owner, T_SOA);

    put_name(w, "ns", 0);
    put_name(w, "root", 0);
    put(w, numbers, sizeof numbers);
    end_record(w, at);
    count_record(w, 1);
}

/* The offset of the last `keep` labels of the question. */
static unsigned suffix(const struct question *q, const uint8_t *p, unsigned keep)
{
    if (keep == 0 || q->labels == 0)
        return (unsigned)q->end - 5;
    return (unsigned)(q->label[q->labels - keep] - p);
}

/* Labels of the zone that a server below root or tld has: in-addr.arpa, com;
 * then 1.0.11.in-addr.arpa, dN.example.com and the /104 of ip6.arpa. */
static unsigned zone_labels(const struct question *q, enum role above)
{
    bool arpa = is(q, 0, "arpa");

    if (above == ROOT)
        return arpa ? 2 : 1;
    return arpa ? (is(q, 1, "ip6") ? 30 : 5) : 3;
}

/* Refers to the server below the cut, or says no data when the name lies above it. */
static void refer(struct writer *w, const struct question *q, const uint8_t *p)
{
    bool arpa = is(q, 0, "arpa");
    unsigned cut = zone_labels(q, server.role);
    const char *to = server.role == ROOT ? tld_address : leaf_address;
    size_t at;

    if (q->labels == 0 && q->type == T_NS) {
        w->p[2] |= 4;
        at = begin_record(w, 12, T_NS);
        put_name(w, "a.root-servers.net", 0);
        end_record(w, at);
        count_record(w, 0);
        put_text_address(w, "a.root-servers.net", 0, "198.41.0.4");
    } else if (q->labels < cut) {
        w->p[2] |= 4;
        put_soa(w, suffix(q, p, server.role == ROOT ? 0 : q->labels > 1 && arpa ? 2 : 1));
    } else {
        at = begin_record(w, suffix(q, p, cut), T_NS);
        put_name(w, "ns", suffix(q, p, cut));
        end_record(w, at);
        count_record(w, 1);
        put_text_address(w, "ns", suffix(q, p, cut), to);
    }
}

static void put_answer(struct writer *w, const struct question *q, const uint8_t *p, enum kind kind,
                       uint32_t client)
{
    unsigned zone = zone_labels(q, TLD);

    w->p[2] |= 4; /* AA */
    if ((kind == K_REVERSE4 || kind == K_REVERSE6) && q->type == T_PTR)
        put_ptr(w, client, kind == K_REVERSE6);
    else if (kind == K_NAME4 && q->type == T_A)
        put_address(w, address_of(q, client), false);
    else if (kind == K_NAME6 && q->type == T_AAAA)
        put_address(w, client, true);
    else
        put_soa(w, suffix(q, p, q->labels < zone ? q->labels : zone));
}

static size_t answer(uint8_t *out, const uint8_t *p, const struct question *q, enum kind kind,
                     uint32_t client)
{
    static const uint8_t opt[11] = {0, 0, T_OPT, 0x04, 0xd0};
    struct writer w = {out, q->end};

    memcpy(out, p, q->end);
    out[2] = 0x80 | (p[2] & 1);
    out[3] = server.role == LEAF ? 0x80 : 0;
    memset(out + 6, 0, 6);
    if (server.role == LEAF)
        put_answer(&w, q, p, kind, client);
    else
        refer(&w, q, p);
    if (q->edns) {
        put(&w, opt, sizeof opt);
        count_record(&w, 2);
    }
    return w.n;
}

/* ---- the server ---- */

static void count(const struct question *q)
{
    counts.questions++;
    counts.ptr += q->type == T_PTR;
    counts.a += q->type == T_A;
    counts.aaaa += q->type == T_AAAA;
    counts.other += q->type != T_PTR && q->type != T_A && q->type != T_AAAA;
}

static void handle(const uint8_t *p, size_t n, const struct sockaddr_storage *from, socklen_t len,
                   uint64_t now)
{
    struct question q;
    struct reply *r;
    uint32_t client;
    enum kind kind;

    if (!read_question(&q, p, n))
        return;
    count(&q);
    kind = kind_of(&q, &client);
    if (server.role == LEAF && (kind == K_REVERSE4 || kind == K_NAME4) &&
        client >> 24 == SILENT_NET) {
        counts.silent++;
        return;
    }
    r = malloc(sizeof *r);
    if (r == NULL)
        return;
    r->next = NULL;
    r->due = now + server.delay_ns;
    r->to = *from;
    r->to_len = len;
    r->len = answer(r->data, p, &q, kind, client);
    *(first != NULL ? &last->next : &first) = r;
    last = r;
}

static bool receive(void)
{
    static uint8_t data[BATCH][PACKET_MAX];
    static struct sockaddr_storage from[BATCH];
    struct mmsghdr m[BATCH];
    struct iovec v[BATCH];
    uint64_t now;
    int i, n;

    memset(m, 0, sizeof m);
    for (i = 0; i < BATCH; i++) {
        v[i].iov_base = data[i];
        v[i].iov_len = PACKET_MAX;
        m[i].msg_hdr.msg_iov = &v[i];
        m[i].msg_hdr.msg_iovlen = 1;
        m[i].msg_hdr.msg_name = &from[i];
        m[i].msg_hdr.msg_namelen = sizeof from[i];
    }
    n = recvmmsg(server.fd, m, BATCH, MSG_DONTWAIT, NULL);
    now = now_ns();
    for (i = 0; i < n; i++)
        handle(data[i], m[i].msg_len, &from[i], m[i].msg_hdr.msg_namelen, now);
    return n == BATCH;
}

static void send_due(uint64_t now)
{
    while (first != NULL && first->due <= now) {
        struct reply *r = first;

        first = r->next;
        (void)!sendto(server.fd, r->data, r->len, 0, (struct sockaddr *)&r->to, r->to_len);
        free(r);
    }
}

static void print_counts(void)
{
    printf("{\"questions\":%" PRIu64 ",\"ptr\":%" PRIu64 ",\"a\":%" PRIu64 ",\"aaaa\":%" PRIu64
           ",\"other\":%" PRIu64 ",\"silent\":%" PRIu64 "}\n",
           counts.questions, counts.ptr, counts.a, counts.aaaa, counts.other, counts.silent);
    fflush(stdout);
}

static void serve(void)
{
    while (!stop) {
        struct pollfd p = {.fd = server.fd, .events = POLLIN};
        struct timespec t = {.tv_sec = 1};
        uint64_t now = now_ns();

        if (first != NULL) {
            uint64_t left = first->due > now ? first->due - now : 0;

            t.tv_sec = (time_t)(left / 1000000000u);
            t.tv_nsec = (long)(left % 1000000000u);
        }
        if (ppoll(&p, 1, &t, NULL) > 0)
            while (receive())
                ;
        send_due(now_ns());
        if (show) {
            show = 0;
            print_counts();
        }
    }
    print_counts();
}

static void on_signal(int sig)
{
    *(sig == SIGUSR1 ? &show : &stop) = 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    int size = 8 << 20;

    if (argc < 4 || inet_pton(AF_INET, argv[1], &sa.sin_addr) != 1) {
        fputs("usage: dnsdelay ADDRESS PORT DELAY-MS [leaf|tld|root]\n"
              "USR1 prints what was asked so far as JSON; so does the end.\n",
              stderr);
        return 64;
    }
    sa.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    server.delay_ns = (uint64_t)(strtod(argv[3], NULL) * 1e6);
    if (argc > 4)
        server.role = strcmp(argv[4], "root") == 0  ? ROOT
                      : strcmp(argv[4], "tld") == 0 ? TLD
                                                    : LEAF;
    server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(server.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    setsockopt(server.fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    if (server.fd < 0 || bind(server.fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        perror(argv[1]);
        return 69;
    }
    signal(SIGUSR1, on_signal);
    signal(SIGTERM, on_signal);
    serve();
    send_due(UINT64_MAX);
    return 0;
}
