/* Records as text, both ways.
 *
 * Values never hold a blank or a control, so a blank ends one in both texts; in the
 * header a `;` stands before it. Only name-why= is a sentence, and is quoted.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "outcome/record.h"

#include "judge/exempt.h"
#include "value/ascii.h"

#include <string.h>

#define LINE_MAX_OCTETS 110 /* the usual second line has 105 */
#define FINDINGS_TEXT   800
#define RESULT_PREFIX   6 /* octets of "iprev-" */

/* Octets of foreign text that a log line shows: with these, and all of them
 * escaped, the line still fits RECORD_LOG_MAX. */
#define SHOWN_NAME  255
#define SHOWN_QID   32
#define SHOWN_STAGE 16

static const char *const memory_words[] = {
    [RECORD_NO_MEMORY] = NULL,  [RECORD_NEW] = "new",     [RECORD_EARLY] = "early",
    [RECORD_PASSED] = "passed", [RECORD_KNOWN] = "known", [RECORD_UNAVAILABLE] = "unavailable",
};

static const char *result_word(findings found)
{
    enum finding result = finding_pick(found, FINDINGS_RESULT);

    return result == F_NONE ? "none" : finding_word(result) + RESULT_PREFIX;
}

/* Puts "; key=value", or folds behind the semicolon. */
static void put_field(struct sbuf *sb, size_t *line, bool fold, const char *key,
                      const struct sbuf *value)
{
    size_t grown = sb->len - *line + 2 + strlen(key) + value->len + 1; /* "; " and ";" */

    fold = fold || grown > LINE_MAX_OCTETS;
    sbuf_str(sb, fold ? ";\n\t" : "; ");
    if (fold)
        *line = sb->len - 1;
    sbuf_str(sb, key);
    sbuf_mem(sb, value->text, value->len);
    sb->overflow |= value->overflow;
}

static void put_name_field(struct sbuf *sb, size_t *line, const char *key, const struct dname *name)
{
    char text[DNAME_TEXT_MAX];
    struct sbuf value;

    sbuf_init(&value, text, sizeof text);
    dname_put(&value, name);
    put_field(sb, line, false, key, &value);
}

static void put_word_field(struct sbuf *sb, size_t *line, const char *key, const char *word)
{
    char text[4 * RULE_NAME_MAX];
    struct sbuf value;

    sbuf_init(&value, text, sizeof text);
    sbuf_visible(&value, word, strlen(word));
    put_field(sb, line, false, key, &value);
}

static void put_why(struct sbuf *sb, const char *why)
{
    sbuf_byte(sb, '"');
    for (; *why != '\0'; why++) {
        if (*why == ' ' || *why == '-')
            sbuf_byte(sb, *why);
        else if (*why == ';') /* would end the field in the header */
            sbuf_str(sb, "\\x3b");
        else
            sbuf_visible(sb, why, 1);
    }
    sbuf_byte(sb, '"');
}

/* Told where the shape of a name can cost the client something. */
static void put_why_field(struct sbuf *sb, size_t *line, const struct record *r)
{
    char text[4 * sizeof r->why + 2];
    struct sbuf value;

    if (r->why[0] == '\0' || (r->found & (FINDING(F_PTR_GENERIC) | FINDING(F_PTR_PROVIDER))) == 0)
        return;
    sbuf_init(&value, text, sizeof text);
    put_why(&value, r->why);
    put_field(sb, line, true, "name-why=", &value);
}

void record_put_header(struct sbuf *sb, const struct record *r)
{
    char text[FINDINGS_TEXT];
    struct sbuf value;
    size_t line = sb->len;

    sbuf_str(sb, result_word(r->found));
    sbuf_init(&value, text, sizeof text);
    addr_put(&value, &r->client);
    put_field(sb, &line, false, "ip=", &value);
    put_name_field(sb, &line, "ptr=", &r->ptr);
    put_name_field(sb, &line, "helo=", &r->helo);
    sbuf_init(&value, text, sizeof text);
    findings_put(&value, r->found);
    put_field(sb, &line, true, "findings=", &value);
    put_word_field(sb, &line, "rule=", r->rule);
    put_word_field(sb, &line, "action=", action_word(r->action));
    put_word_field(sb, &line, "mode=", r->enforce ? "enforce" : "monitor");
    put_why_field(sb, &line, r);
}

/* At most max octets of a foreign text; `\...` tells that there were more. */
static void put_shown(struct sbuf *sb, const char *s, size_t n, size_t max)
{
    sbuf_visible(sb, s, n < max ? n : max);
    if (n > max)
        sbuf_str(sb, "\\...");
}

static void put_shown_field(struct sbuf *sb, const char *key, const char *s, size_t max)
{
    if (s == NULL)
        return;
    sbuf_str(sb, key);
    put_shown(sb, s, strlen(s), max);
}

static bool read_host(struct dname *d, const char *s, size_t n)
{
    if (dname_from_text(d, s, n) && dname_is_host(d))
        return true;
    *d = (struct dname){.len = 1};
    return false;
}

/* The argument as it came, in a form that reads back as r->helo: a text that
 * looks like a host name but was none by RFC 5321 gets its first octet escaped. */
static void put_helo(struct sbuf *sb, const struct record *r, const struct record_log *l)
{
    static const char hex[] = "0123456789abcdef";
    struct dname raw;
    const char *s = l == NULL ? NULL : l->helo_raw;

    if (s == NULL) {
        dname_put(sb, &r->helo);
    } else if (!read_host(&raw, s, l->helo_raw_len)) {
        if (dname_is_host(&r->helo))
            dname_put(sb, &r->helo);
        else
            put_shown(sb, s, l->helo_raw_len, SHOWN_NAME);
    } else if (dname_is_host(&r->helo)) {
        if (dname_equal(&raw, &r->helo))
            sbuf_mem(sb, s, l->helo_raw_len);
        else
            dname_put(sb, &r->helo);
    } else {
        sbuf_str(sb, "\\x");
        sbuf_byte(sb, hex[(unsigned char)s[0] >> 4]);
        sbuf_byte(sb, hex[(unsigned char)s[0] & 15]);
        sbuf_mem(sb, s + 1, l->helo_raw_len - 1);
    }
}

static void put_circumstances(struct sbuf *sb, const struct record_log *l)
{
    sbuf_str(sb, " dns=");
    sbuf_uint(sb, l->questions);
    sbuf_byte(sb, '/');
    sbuf_uint(sb, l->dns_ms);
    sbuf_str(sb, " wait=");
    sbuf_uint(sb, l->wait_ms);
    put_shown_field(sb, " qid=", l->qid, SHOWN_QID);
    put_shown_field(sb, " from-mta=", l->from_mta, SHOWN_STAGE);
    put_shown_field(sb, " stage=", l->stage, SHOWN_STAGE);
}

void record_put_log(struct sbuf *sb, const struct record *r, const struct record_log *l)
{
    sbuf_str(sb, "client=");
    addr_put(sb, &r->client);
    sbuf_str(sb, " ptr=");
    dname_put(sb, &r->ptr);
    sbuf_str(sb, " helo=");
    put_helo(sb, r, l);
    sbuf_str(sb, " findings=");
    findings_put(sb, r->found);
    put_shown_field(sb, " rule=", r->rule, sizeof r->rule);
    put_shown_field(sb, " action=", action_word(r->action), SHOWN_STAGE);
    put_shown_field(sb, " mode=", r->enforce ? "enforce" : "monitor", SHOWN_STAGE);
    put_shown_field(sb, " memory=", memory_words[r->memory], SHOWN_STAGE);
    if (l != NULL)
        put_circumstances(sb, l);
    if (r->relay.family != ADDR_NONE) {
        sbuf_str(sb, " relay=");
        addr_put(sb, &r->relay);
    }
    if (r->action > ACTION_TAG) { /* what an exempt list prevents */
        sbuf_str(sb, " exempt-line=");
        exempt_put_line(sb, &r->client, r->found, &r->ptr);
    }
    if (r->why[0] != '\0') {
        sbuf_str(sb, " name-why=");
        put_why(sb, r->why);
    }
}

static int escaped(const char *s, size_t n)
{
    int high, low;

    if (n < 4 || s[0] != '\\' || s[1] != 'x' || (high = ascii_hex((unsigned char)s[2])) < 0 ||
        (low = ascii_hex((unsigned char)s[3])) < 0)
        return -1;
    return high << 4 | low;
}

size_t record_unshow(char *out, size_t cap, const char *s, size_t n, bool *clean)
{
    size_t len = 0, i;
    bool good = true;

    for (i = 0; i < n && len < cap; i++) {
        int c = escaped(s + i, n - i);

        good &= c > 0 || s[i] != '\\';
        out[len++] = c >= 0 ? (char)c : s[i];
        i += c >= 0 ? 3 : 0;
    }
    if (clean != NULL)
        *clean = good && i == n;
    return len;
}

/* False when it is not of that form or does not fit. */
static bool read_shown(char *text, size_t cap, const char *s, size_t n)
{
    bool clean;
    size_t len = record_unshow(text, cap - 1, s, n, &clean);

    text[len] = '\0';
    return clean && memchr(s, '"', n) == NULL && memchr(s, '=', n) == NULL;
}

static bool is_none(const char *s, size_t n)
{
    return n == 1 && s[0] == '-';
}

static bool take_client(struct record *r, const char *s, size_t n)
{
    return is_none(s, n) || addr_parse(&r->client, s, n);
}

static bool take_ptr(struct record *r, const char *s, size_t n)
{
    return is_none(s, n) || read_host(&r->ptr, s, n);
}

static bool take_helo(struct record *r, const char *s, size_t n)
{
    read_host(&r->helo, s, n);
    return true;
}

static bool take_findings(struct record *r, const char *s, size_t n)
{
    return findings_read(&r->found, s, n);
}

static bool take_rule(struct record *r, const char *s, size_t n)
{
    return is_none(s, n) || read_shown(r->rule, sizeof r->rule, s, n);
}

static bool take_action(struct record *r, const char *s, size_t n)
{
    return action_from_word(&r->action, s, n);
}

static bool take_mode(struct record *r, const char *s, size_t n)
{
    r->enforce = ascii_is_word(s, n, "enforce");
    return r->enforce || ascii_is_word(s, n, "monitor");
}

static bool take_memory(struct record *r, const char *s, size_t n)
{
    unsigned i;

    for (i = RECORD_NEW; i <= RECORD_UNAVAILABLE; i++)
        if (ascii_is_word(s, n, memory_words[i])) {
            r->memory = (enum record_memory)i;
            return true;
        }
    return false;
}

static bool take_stage(struct record *r, const char *s, size_t n)
{
    r->trial = ascii_is_word(s, n, "trial");
    return true;
}

static bool take_why(struct record *r, const char *s, size_t n)
{
    return n > 2 && s[0] == '"' && s[n - 1] == '"' &&
           read_shown(r->why, sizeof r->why, s + 1, n - 2);
}

static bool take_relay(struct record *r, const char *s, size_t n)
{
    return addr_parse(&r->relay, s, n);
}

struct field {
    const char *key;
    bool (*take)(struct record *r, const char *s, size_t n);
};

#define NEEDED   7 /* the first rows of a table; each field at most once */
#define ALL_SEEN ((1u << NEEDED) - 1)

static const struct field log_fields[] = {
    {"client", take_client},     {"ptr", take_ptr},      {"helo", take_helo},
    {"findings", take_findings}, {"rule", take_rule},    {"action", take_action},
    {"mode", take_mode},         {"name-why", take_why}, {"relay", take_relay},
    {"memory", take_memory},     {"stage", take_stage},  {NULL, NULL},
};

/* One key=value. Keys that are not in the table are passed over. */
static bool take_field(struct record *r, unsigned *seen, const struct field *fields, const char *s,
                       size_t n)
{
    const char *equals = memchr(s, '=', n);
    size_t len = equals == NULL ? n : (size_t)(equals - s);
    unsigned i;

    if (equals == NULL)
        return false;
    for (i = 0; fields[i].key != NULL; i++)
        if (strlen(fields[i].key) == len && memcmp(fields[i].key, s, len) == 0)
            break;
    if (fields[i].key == NULL)
        return true;
    if (*seen & 1u << i)
        return false;
    *seen |= 1u << i;
    return fields[i].take(r, equals + 1, n - len - 1);
}

static void record_clear(struct record *r)
{
    *r = (struct record){.ptr = {.len = 1}, .helo = {.len = 1}};
}

static void trim(const char **s, size_t *n)
{
    while (*n > 0 && ascii_blank((unsigned char)(*s)[*n - 1]))
        --*n;
    while (*n > 0 && ascii_blank((unsigned char)**s)) {
        ++*s;
        --*n;
    }
}

static bool is_plain(const char *s, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (s[i] < ' ' || s[i] > '~')
            return false;
    return true;
}

/* Octets of one word; a quoted value holds blanks. */
static size_t log_word(const char *s, size_t n)
{
    bool quoted = false;
    size_t i;

    for (i = 0; i < n && (quoted || s[i] != ' '); i++)
        if (s[i] == '"')
            quoted = !quoted;
    return i;
}

static bool read_log(struct record *r, const char *s, size_t n)
{
    unsigned seen = 0;
    size_t at = 0;
    size_t len;

    for (; at < n; at += len) {
        for (; at < n && s[at] == ' '; at++)
            ;
        len = log_word(s + at, n - at);
        if (len > 0 && !take_field(r, &seen, log_fields, s + at, len))
            return false;
    }
    return (seen & ALL_SEEN) == ALL_SEEN;
}

/* Where the record begins, behind what a log service puts before it. */
static size_t log_start(const char *s, size_t n)
{
    static const char first[] = "client=";
    size_t len = sizeof first - 1;
    size_t i;

    for (i = 0; i + len <= n; i++)
        if ((i == 0 || s[i - 1] == ' ') && memcmp(s + i, first, len) == 0)
            return i;
    return n;
}

bool record_read_log(struct record *r, const char *s, size_t n)
{
    size_t at;

    record_clear(r);
    trim(&s, &n);
    at = log_start(s, n);
    if (is_plain(s, n) && read_log(r, s + at, n - at))
        return true;
    record_clear(r);
    return false;
}
