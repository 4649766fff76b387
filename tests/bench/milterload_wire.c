/* The milter protocol, version 6, as Postfix speaks it: see milterload.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/bench/milterload.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION    6
#define ACTIONS    0x1ffu    /* every change, and SETSYMLIST */
#define PROTOCOL   0x1fffffu /* every step may be asked away or left unanswered */
#define PACKET_MAX (1u << 20)

/* Bits by which a filter asks a step away, or to leave it unanswered. */
enum {
    NO_CONNECT = 0x1,
    NO_HELO = 0x2,
    NO_MAIL = 0x4,
    NO_RCPT = 0x8,
    NO_BODY = 0x10,
    NO_HEADERS = 0x20,
    NO_EOH = 0x40,
    NR_HEADERS = 0x80,
    NO_DATA = 0x200,
    NR_CONNECT = 0x1000,
    NR_HELO = 0x2000,
    NR_MAIL = 0x4000,
    NR_RCPT = 0x8000,
    NR_DATA = 0x10000,
    NR_EOH = 0x40000,
    NR_BODY = 0x80000
};

/* Macro stages as SETSYMLIST numbers them. */
enum stage { M_CONNECT, M_HELO, M_MAIL, M_RCPT, M_DATA, M_EOM, M_EOH, STAGES };

static const struct {
    const char *name, *value;
    uint8_t stages; /* sent without being asked for */
} macro[] = {
    {"j", "mx.example.net", 1 << M_CONNECT},
    {"{daemon_name}", "mx.example.net", 1 << M_CONNECT},
    {"{daemon_addr}", "192.0.2.25", 1 << M_CONNECT},
    {"v", "Postfix 3.7.11", 1 << M_CONNECT},
    {"_", "unknown [192.0.2.1]", 1 << M_CONNECT},
    {"{client_resolve}", "OK", 0},
    {"{mail_addr}", "sender@example.com", 1 << M_MAIL},
    {"{mail_host}", "example.com", 1 << M_MAIL},
    {"{mail_mailer}", "smtp", 1 << M_MAIL},
    {"{rcpt_addr}", "user@example.net", 1 << M_RCPT},
    {"{rcpt_host}", "example.net", 1 << M_RCPT},
    {"{rcpt_mailer}", "local", 1 << M_RCPT},
    {"i", "4XyZ1234567", 1 << M_DATA | 1 << M_EOM | 1 << M_EOH},
};

#define MACROS (sizeof macro / sizeof macro[0])

/* ---- writing ---- */

void buffer_add(struct buffer *b, const void *p, size_t n)
{
    if (b->len + n > b->cap) {
        b->cap = (b->len + n) * 2;
        b->data = realloc(b->data, b->cap);
        if (b->data == NULL)
            abort();
    }
    memcpy(b->data + b->len, p, n);
    b->len += n;
}

static void add_u32(struct buffer *b, uint32_t v)
{
    v = htonl(v);
    buffer_add(b, &v, sizeof v);
}

static void add_text(struct buffer *b, const char *s)
{
    buffer_add(b, s, strlen(s) + 1);
}

/* A packet's length is set when it is complete. */
static size_t begin(struct buffer *b, char command)
{
    size_t at = b->len;

    add_u32(b, 0);
    buffer_add(b, &command, 1);
    return at;
}

static void end(struct buffer *b, size_t at)
{
    uint32_t n = htonl((uint32_t)(b->len - at - 4));

    memcpy(b->data + at, &n, sizeof n);
}

static void add_macros(struct buffer *b, const struct terms *t, enum stage stage, char command)
{
    size_t at = begin(b, 'D'), i;

    buffer_add(b, &command, 1);
    for (i = 0; i < MACROS; i++)
        if (t->macros_given[stage] ? t->macros[stage] >> i & 1 : macro[i].stages >> stage & 1) {
            add_text(b, macro[i].name);
            add_text(b, macro[i].value);
        }
    end(b, at);
}

void wire_negotiate(struct buffer *out)
{
    size_t at = begin(out, 'O');

    add_u32(out, VERSION);
    add_u32(out, ACTIONS);
    add_u32(out, PROTOCOL);
    end(out, at);
}

void wire_quit(struct buffer *out, bool abort_first)
{
    if (abort_first)
        end(out, begin(out, 'A'));
    end(out, begin(out, 'Q'));
}

/* Macros go out even for a step the filter does not want, as Postfix does. The
 * packet that follows is begun only when it does; false when not. */
static bool begin_step(struct buffer *b, const struct terms *t, enum stage stage, char command,
                       uint32_t unwanted, size_t *at)
{
    add_macros(b, t, stage, command);
    if ((t->protocol & unwanted) != 0)
        return false;
    *at = begin(b, command);
    return true;
}

static bool replies(const struct terms *t, uint32_t no_reply)
{
    return (t->protocol & no_reply) == 0;
}

static bool add_connect(struct buffer *b, const struct terms *t, const struct client *c)
{
    static const uint16_t port = 0x1234;
    char name[64];
    size_t at;

    if (!begin_step(b, t, M_CONNECT, 'C', NO_CONNECT, &at))
        return false;
    snprintf(name, sizeof name, "[%s]", c->ip);
    add_text(b, name);
    buffer_add(b, c->v6 ? "6" : "4", 1);
    buffer_add(b, &port, sizeof port);
    add_text(b, c->ip);
    end(b, at);
    return replies(t, NR_CONNECT);
}

static bool add_arguments(struct buffer *b, const struct terms *t, enum step step,
                          const struct client *c)
{
    static const struct {
        enum stage stage;
        char command;
        uint32_t unwanted, no_reply;
    } row[STEPS] = {
        [S_HELO] = {M_HELO, 'H', NO_HELO, NR_HELO},
        [S_MAIL] = {M_MAIL, 'M', NO_MAIL, NR_MAIL},
        [S_RCPT] = {M_RCPT, 'R', NO_RCPT, NR_RCPT},
        [S_DATA] = {M_DATA, 'T', NO_DATA, NR_DATA},
    };
    size_t at;

    if (!begin_step(b, t, row[step].stage, row[step].command, row[step].unwanted, &at))
        return false;
    if (step == S_HELO)
        add_text(b, c->helo);
    else if (step == S_MAIL)
        add_text(b, "<sender@example.com>");
    else if (step == S_RCPT)
        add_text(b, "<user@example.net>");
    end(b, at);
    return replies(t, row[step].no_reply);
}

static bool add_header(struct buffer *b, const struct terms *t, unsigned i)
{
    static const char *const name[] = {"Received", "From",         "To",         "Subject",
                                       "Date",     "MIME-Version", "Message-ID", "Content-Type"};
    size_t at;

    if ((t->protocol & NO_HEADERS) != 0)
        return false;
    at = begin(b, 'L');
    add_text(b, name[i % 8]);
    add_text(b, "a value of a field as long as most are, 0123456789 abcdefgh");
    end(b, at);
    return replies(t, NR_HEADERS);
}

static bool add_body(struct buffer *b, const struct terms *t, unsigned n)
{
    static const uint8_t line[78] = "a line of a body";
    size_t at;

    if ((t->protocol & NO_BODY) != 0 || n == 0)
        return false;
    at = begin(b, 'B');
    for (; n > 0; n -= n < sizeof line ? n : sizeof line)
        buffer_add(b, line, n < sizeof line ? n : sizeof line);
    end(b, at);
    return replies(t, NR_BODY);
}

/* Part by part, since the MTA waits for each reply it is owed. */
static bool add_message_part(struct buffer *b, const struct terms *t, const struct mail *mail,
                             unsigned part)
{
    size_t at;

    if (part < mail->headers)
        return add_header(b, t, part);
    if (part == mail->headers) {
        if (!begin_step(b, t, M_EOH, 'N', NO_EOH, &at))
            return false;
        end(b, at);
        return replies(t, NR_EOH);
    }
    if (part == mail->headers + 1)
        return add_body(b, t, mail->body);
    add_macros(b, t, M_EOM, 'E');
    end(b, begin(b, 'E'));
    return true;
}

bool wire_step(struct buffer *out, enum step step, unsigned *part, const struct terms *t,
               const struct client *c, const struct mail *mail)
{
    bool owed = false;

    if (step != S_EOM) {
        *part = 1;
        return step == S_CONNECT ? add_connect(out, t, c) : add_arguments(out, t, step, c);
    }
    while (!owed && *part < mail->headers + 3)
        owed = add_message_part(out, t, mail, (*part)++);
    return owed;
}

bool wire_step_over(enum step step, unsigned part, const struct mail *mail)
{
    return part >= (step == S_EOM ? mail->headers + 3 : 1);
}

/* ---- reading ---- */

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return ntohl(v);
}

static void read_symlist(struct terms *t, uint32_t stage, const char *list, size_t n)
{
    size_t i, from, to = 0;

    if (stage >= STAGES)
        return;
    t->macros_given[stage] = true;
    t->macros[stage] = 0;
    while (to < n) {
        for (from = to; from < n && list[from] == ' '; from++)
            ;
        for (to = from; to < n && list[to] != ' '; to++)
            ;
        for (i = 0; i < MACROS; i++)
            if (strlen(macro[i].name) == to - from &&
                memcmp(macro[i].name, list + from, to - from) == 0)
                t->macros[stage] |= 1u << i;
    }
}

static enum reply read_terms(struct terms *t, const uint8_t *p, size_t n)
{
    const uint8_t *nul;

    if (n < 12)
        return REPLY_GARBAGE;
    memset(t, 0, sizeof *t);
    t->protocol = get_u32(p + 8);
    for (p += 12, n -= 12; n > 4; n -= (size_t)(nul + 1 - p), p = nul + 1) {
        nul = memchr(p + 4, '\0', n - 4);
        if (nul == NULL)
            return REPLY_GARBAGE;
        read_symlist(t, get_u32(p), (const char *)p + 4, (size_t)(nul - p) - 4);
    }
    return REPLY_TERMS;
}

const char *wire_outcome;

/* Index, name and value of a field that is put in. */
static void count_insert(const uint8_t *p, size_t n, size_t skip)
{
    static const char name[] = "Authentication-Results";
    static const struct {
        const char *word;
        uint64_t *count;
    } word[] = {{"iprev=pass", &stats.pass},
                {"iprev=fail", &stats.fail},
                {"iprev=permerror", &stats.permerror},
                {"iprev=temperror", &stats.temperror}};
    size_t i;

    stats.inserted++;
    stats.inserted_bytes += n;
    if (n < skip + sizeof name || memcmp(p + skip, name, sizeof name) != 0)
        return;
    for (i = 0; i < sizeof word / sizeof word[0]; i++)
        if (memmem(p, n, word[i].word, strlen(word[i].word)) != NULL) {
            ++*word[i].count;
            wire_outcome = word[i].word + sizeof "iprev=" - 1;
            return;
        }
    stats.none++;
}

static enum reply refused(bool permanent)
{
    ++*(permanent ? &stats.reject : &stats.tempfail);
    wire_outcome = permanent ? "reject" : "tempfail";
    return REPLY_REFUSE;
}

enum reply wire_read(const uint8_t *p, size_t n, size_t *used, struct terms *t)
{
    uint32_t len;

    wire_outcome = NULL;
    if (n < 4)
        return REPLY_MORE;
    len = get_u32(p);
    if (len == 0 || len > PACKET_MAX)
        return REPLY_GARBAGE;
    if (n - 4 < len)
        return REPLY_MORE;
    *used = 4 + len;
    switch (p[4]) {
    case 'O':
        return read_terms(t, p + 5, len - 1);
    case 'i':
        count_insert(p + 5, len - 1, 4);
        return REPLY_CHANGE;
    case 'h':
        count_insert(p + 5, len - 1, 0);
        return REPLY_CHANGE;
    case 'm':
    case '+':
    case '2':
    case '-':
    case 'b':
    case 'e':
    case 'q':
        stats.changed++;
        return REPLY_CHANGE;
    case 'p':
        return REPLY_CHANGE;
    case 'c':
    case 's':
        return REPLY_GO;
    case 'a':
    case 'd':
        return REPLY_ACCEPT;
    case 'r':
        return refused(true);
    case 't':
        return refused(false);
    case 'y':
        return refused(len > 1 && p[5] == '5');
    default:
        return REPLY_GARBAGE;
    }
}
