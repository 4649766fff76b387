/* Fuzz target: packets of a mail server into the running callbacks.
 *
 * The daemon without its main: the real libmilter listens on a unix socket, and each input
 * is one connection to it. DNS is a zone in memory, in which everything else does not exist,
 * so no question leaves the process.
 *
 * Input: an octet that chooses the settings, then packets: a command letter, two octets of
 * length, the data. Letters that are no commands send octets as they are, unframed. What
 * comes back must be well-formed packets of letters that a filter may send, with printable
 * fields; in monitor mode nothing is refused.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "conf/settings.h"
#include "milter/callbacks.h"
#include "milter/daemon.h"
#include "milter/log.h"
#include "milter/pool.h"
#include "milter/session.h"

#include "tests/fuzz/fuzz.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define SENT_MAX  32768
#define REPLY_MAX 262144

static const char zone_text[] = ". SOA . . 1 2 3 4 5\n"
                                "1.2.0.192.in-addr.arpa. PTR mail.good.example.\n"
                                "mail.good.example. A 192.0.2.1\n"
                                "2.2.0.192.in-addr.arpa. PTR wrong.example.net.\n"
                                "wrong.example.net. A 198.51.100.2\n"
                                "3.2.0.192.in-addr.arpa. PTR host-192-0-2-3.isp.example.\n"
                                "host-192-0-2-3.isp.example. A 192.0.2.3\n"
                                "4.2.0.192.in-addr.arpa. PTR loop.example.net.\n"
                                "loop.example.net. CNAME loop2.example.net.\n"
                                "loop2.example.net. CNAME loop.example.net.\n"
                                "5.2.0.192.in-addr.arpa. PTR bad\\010name.example.net.\n"
                                "6.2.0.192.in-addr.arpa. PTR a.example.net.\n"
                                "6.2.0.192.in-addr.arpa. PTR b.example.net.\n"
                                "b.example.net. A 192.0.2.6\n"
                                "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
                                "ip6.arpa. PTR six.example.net.\n"
                                "six.example.net. AAAA 2001:db8::1\n";

/* One for each choice of the first octet. */
static const char *const variant[] = {
    "mode = \"monitor\"\n",
    "mode = \"enforce\"\n",
    "mode = \"enforce\"\nreject-at = \"connect\"\nexempt: { networks = [] }\n",
    "mode = \"enforce\"\nreject-at = \"helo\"\nauthserv-id = \"mx.self.example\"\n",
    "mode = \"enforce\"\nreject-at = \"mail\"\nexempt: { hosts = [\".good.example\"] authenticated "
    "= false "
    "}\n",
    "mode = \"enforce\"\nbuiltin-rules = false rules: { q: { when = [\"ptr-generic\"] action = "
    "\"quarantine\" };\n"
    "t: { when = [\"iprev-temperror\"] action = \"tempfail\" reply = \"451 4.7.1 {ip} {ptr} "
    "{helo} {cause}\" };\n"
    "r: { when = [\"helo-mismatch\"] action = \"reject\" }; };\n",
    "mode = \"enforce\"\nheaders: { remove-forged = false }\nresolver: { helo = false }\n",
    "mode = \"monitor\"\nheaders: { authentication-results = false x-iprev = false }\n",
};

#define VARIANTS (sizeof variant / sizeof variant[0])

static struct snapshot *snapshot[VARIANTS];
static struct sockaddr_un listener = {.sun_family = AF_UNIX};

/* ---- the daemon ---- */

static int memory_file(const void *data, size_t n, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void make_snapshots(void)
{
    char zone[64], conf[64], err[512], text[2048];
    int zone_fd = memory_file(zone_text, strlen(zone_text), zone), fd;
    size_t i;

    for (i = 0; i < VARIANTS; i++) {
        const char *own = strstr(variant[i], "resolver: {");
        struct settings *s;
        int n =
            snprintf(text, sizeof text, "%s%s", variant[i], own == NULL ? "resolver: { }\n" : "");
        char *brace = strstr(text, "resolver: {") + strlen("resolver: {");
        char tail[1024];

        MUST(n > 0 && (size_t)n < sizeof tail);
        snprintf(tail, sizeof tail, "%s", brace);
        snprintf(brace, sizeof text - (size_t)(brace - text),
                 " zone = \"%s\" forward = [\"127.0.0.1@1\"] cache = 1000 %s", zone, tail);
        fd = memory_file(text, strlen(text), conf);
        s = settings_read(conf, stderr);
        close(fd);
        MUST(s != NULL);
        snapshot[i] = snapshot_new(s, i > 0 ? snapshot[0] : NULL, err, sizeof err);
        MUST(snapshot[i] != NULL);
    }
    close(zone_fd);
}

static void *run_milter(void *arg)
{
    (void)arg;
    smfi_main();
    return NULL;
}

/* libmilter's signal thread must leave libFuzzer's signals alone, as in main.c. */
int sigwait(const sigset_t *set, int *sig)
{
    (void)set;
    (void)sig;
    for (;;)
        pause();
}

static void remove_socket(void)
{
    unlink(listener.sun_path);
}

static void start_daemon(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    char conn[128];

    signal(SIGPIPE, SIG_IGN);
    log_set(true, LOG_EMERG);
    make_snapshots();
    snprintf(listener.sun_path, sizeof listener.sun_path, "/tmp/fuzz-milter-%ld", (long)getpid());
    snprintf(conn, sizeof conn, "unix:%s", listener.sun_path);
    MUST(smfi_setconn(conn) == MI_SUCCESS && smfi_register(callbacks_desc) == MI_SUCCESS);
    MUST(smfi_opensocket(true) == MI_SUCCESS);
    atexit(remove_socket);
    MUST(daemon_adopt_socket() == NULL);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    MUST(pthread_create(&thread, &attr, run_milter, NULL) == 0);
    pthread_attr_destroy(&attr);
}

/* ---- the mail server ---- */

struct octets {
    uint8_t at[REPLY_MAX];
    size_t n;
};

static void put(struct octets *o, const void *p, size_t n)
{
    if (o->n + n > SENT_MAX)
        return;
    if (n > 0)
        memcpy(o->at + o->n, p, n);
    o->n += n;
}

static void put_packet(struct octets *o, char letter, const void *data, size_t n)
{
    uint32_t len = (uint32_t)n + 1;
    uint8_t head[5] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                       (uint8_t)len, (uint8_t)letter};

    if (o->n + n + sizeof head > SENT_MAX)
        return;
    put(o, head, sizeof head);
    put(o, data, n);
}

/* Macros come in pairs: behind an odd number of texts smfi_getsymval of libmilter 8.17 runs
 * past its own list. Who may write to the socket is trusted that far. */
static void put_macros(struct octets *o, const struct feed *data)
{
    struct feed texts = *data;
    uint8_t copy[65536];
    size_t i, ends = 0;

    for (i = 1; i < data->left; i++)
        ends += data->at[i] == 0;
    if (data->left > 0)
        memcpy(copy, data->at, data->left);
    if (ends % 2 != 0 && data->left < sizeof copy) {
        copy[texts.left++] = 0;
        ends++;
    }
    if (ends % 2 == 0)
        put_packet(o, 'D', copy, texts.left);
}

static void make_packets(struct feed *in, struct octets *o)
{
    static const uint8_t negotiate[12] = {0, 0, 0, 6, 0, 0, 1, 0xff, 0, 0x1f, 0xff, 0xff};
    struct feed data;
    uint8_t letter;

    o->n = 0;
    while (in->left > 0) {
        letter = take(in);
        data = take_piece(in, letter == 'o' ? 0 : take16(in));
        if (letter == 'o') /* as Postfix and Sendmail do */
            put_packet(o, 'O', negotiate, sizeof negotiate);
        else if (letter == 'D')
            put_macros(o, &data);
        else if (letter >= 'A' && letter <= 'Z')
            put_packet(o, (char)letter, data.at, data.left);
        else
            put(o, data.at, data.left);
    }
}

/* All it has to say, up to its end of the connection. */
static void converse(const struct octets *sent, struct octets *got)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t done = 0;
    ssize_t n;

    got->n = 0;
    MUST(fd >= 0 && connect(fd, (const struct sockaddr *)&listener, sizeof listener) == 0);
    while (done < sent->n) {
        n = send(fd, sent->at + done, sent->n - done, MSG_NOSIGNAL);
        if (n <= 0)
            break; /* it has had enough */
        done += (size_t)n;
    }
    shutdown(fd, SHUT_WR);
    while (got->n < sizeof got->at && (n = read(fd, got->at + got->n, sizeof got->at - got->n)) > 0)
        got->n += (size_t)n;
    close(fd);
}

/* ---- what comes back ---- */

static void check_field(const char *data, size_t n)
{
    const char *name = data + 4, *value;

    MUST(n > 6 && data[n - 1] == '\0');
    value = name + strlen(name) + 1;
    MUST(value < data + n);
    MUST(strcmp(name, "X-IPRev") == 0 || strcmp(name, "Authentication-Results") == 0);
    MUST(is_folded(value));
}

static void check_reply(char letter, const char *data, size_t n, bool enforce)
{
    MUST(letter != '\0' && strchr("Ocratyimqp", letter) != NULL);
    if (letter == 'i' || letter == 'm')
        check_field(data, n);
    if (letter == 'y') {
        MUST(enforce && n > 4 && (data[0] == '4' || data[0] == '5') && data[n - 1] == '\0');
        MUST(is_printable(data, n - 1, ""));
    }
    if (letter == 'q')
        MUST(enforce && is_printable(data, n - 1, ""));
}

/* The last packet may be cut: libmilter ends a connection when it wants. */
static void check_replies(const struct octets *o, bool enforce)
{
    size_t at = 0, len;

    while (o->n - at >= 5) {
        const uint8_t *p = o->at + at;

        len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        MUST(len > 0 && len < 65536);
        if (o->n - at - 4 < len)
            return;
        check_reply((char)p[4], (const char *)p + 5, len - 1, enforce);
        at += 4 + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct octets sent, got;
    struct feed in = {data, size};
    static bool started;
    unsigned which;

    if (!started)
        start_daemon();
    started = true;
    which = take(&in) % VARIANTS;
    atomic_fetch_add(&snapshot[which]->refs, 1);
    snapshot_put(snapshot[which]);
    make_packets(&in, &sent);
    converse(&sent, &got);
    check_replies(&got, snapshot[which]->settings->judge.enforce);
    return 0;
}
