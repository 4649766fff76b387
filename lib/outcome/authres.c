/* Authentication-Results: our field written, the author of any field read.
 *
 * The reader walks a value once, octet by octet, so its time is linear. A fault
 * sticks in the reader and is looked at once, at the end.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "outcome/authres.h"

#include "value/ascii.h"

#include <string.h>

#define LINE_MAX_OCTETS 90
#define PART_MAX        (DNAME_TEXT_MAX + 16)
#define IPREV_PREFIX    6 /* octets of "iprev-" in the words of the results */

static const char specials[] = "()<>@,;:\\\"/[]?=";

/* RFC 2045 5.1 token; RFC 8601 2.2 allows UTF-8 in it (RFC 6532). */
static bool is_token_char(unsigned char c)
{
    return c > ' ' && c != 0x7F && memchr(specials, c, sizeof specials - 1) == NULL;
}

bool authres_id_valid(const char *id, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (id[i] <= ' ' || id[i] > '~' || id[i] == '"' || id[i] == '\\')
            return false;
    return n > 0 && n < AUTHRES_ID_MAX;
}

/* It is valid. */
static void put_id(struct sbuf *sb, const char *id)
{
    bool token = strcspn(id, specials) == strlen(id);

    if (!token)
        sbuf_byte(sb, '"');
    sbuf_str(sb, id);
    if (!token)
        sbuf_byte(sb, '"');
}

/* A part on this line, or on a new one when this would get too long. */
static void put_part(struct sbuf *sb, size_t *line, const struct sbuf *part)
{
    bool fold = sb->len - *line + 1 + part->len > LINE_MAX_OCTETS;

    sbuf_str(sb, fold ? "\n\t" : " ");
    if (fold)
        *line = sb->len - 1;
    sbuf_mem(sb, part->text, part->len);
}

static void put_method(struct sbuf *part, enum finding result, enum finding cause)
{
    sbuf_str(part, "iprev=");
    sbuf_str(part, finding_word(result) + IPREV_PREFIX);
    if (cause >= F_COUNT)
        return;
    sbuf_str(part, " reason="); /* a token: rspamd and go-msgauth stumble over quotes */
    sbuf_str(part, finding_word(cause));
}

static void put_property(struct sbuf *part, const struct addr *client)
{
    const char *quote = client->family == ADDR_IPV6 ? "\"" : "";

    sbuf_str(part, "policy.iprev=");
    sbuf_str(part, quote);
    addr_put(part, client);
    sbuf_str(part, quote);
}

static void put_comment(struct sbuf *part, const struct dname *name)
{
    sbuf_byte(part, '(');
    dname_put(part, name);
    sbuf_byte(part, ')');
}

void authres_put(struct sbuf *sb, const char *id, enum finding result, enum finding cause,
                 const struct addr *client, const struct dname *name)
{
    char text[PART_MAX];
    struct sbuf part;
    size_t line = sb->len;

    if (!authres_id_valid(id, strlen(id)) || result > F_IPREV_TEMPERROR) {
        sb->overflow = true;
        return;
    }
    put_id(sb, id);
    sbuf_byte(sb, ';');
    sbuf_init(&part, text, sizeof text);
    put_method(&part, result, cause);
    put_part(sb, &line, &part);
    if (client->family != ADDR_NONE) {
        sbuf_init(&part, text, sizeof text);
        put_property(&part, client);
        put_part(sb, &line, &part);
    }
    if (name != NULL && dname_is_host(name)) {
        sbuf_init(&part, text, sizeof text);
        put_comment(&part, name);
        put_part(sb, &line, &part);
    }
}

void authres_field(char value[AUTHRES_VALUE_MAX], const char *id, const struct report *r,
                   const struct addr *client)
{
    struct sbuf sb;

    sbuf_init(&sb, value, AUTHRES_VALUE_MAX);
    authres_put(&sb, id, r->result, r->cause, client, r->result == F_IPREV_PASS ? &r->ptr : NULL);
    if (sb.overflow)
        value[0] = '\0';
}

struct reader {
    const char *s;
    size_t n;
    size_t at;
    bool bad;
};

/* What a word of the field means, quotes and escapes undone. */
struct claimed {
    char text[AUTHRES_ID_MAX + 1]; /* an id and a final dot */
    size_t len;
    bool cut;  /* longer than text */
    bool wide; /* contains octets above ASCII, or spaces */
};

static int peek(const struct reader *r)
{
    return r->at < r->n ? (unsigned char)r->s[r->at] : -1;
}

static void fail(struct reader *r)
{
    r->bad = true;
    r->at = r->n;
}

/* Comments nest, and a quoted pair hides its second octet (RFC 5322 3.2.2). */
static void skip_comment(struct reader *r)
{
    size_t depth = 0;

    for (; r->at < r->n; r->at++) {
        if (r->s[r->at] == '\\') {
            r->at++;
        } else if (r->s[r->at] == '(') {
            depth++;
        } else if (r->s[r->at] == ')' && --depth == 0) {
            r->at++;
            return;
        }
    }
    fail(r);
}

/* True when something was skipped. */
static bool skip_cfws(struct reader *r)
{
    size_t from = r->at;
    int c;

    for (c = peek(r); c == '(' || (c >= 0 && ascii_blank((unsigned char)c)); c = peek(r)) {
        if (c == '(')
            skip_comment(r);
        else
            r->at++;
    }
    return r->at > from;
}

static void word_add(struct claimed *w, int c)
{
    w->wide |= c >= 0x80 || c <= ' ';
    if (w->len < sizeof w->text)
        w->text[w->len++] = (char)c;
    else
        w->cut = true;
}

static void read_quoted(struct reader *r, struct claimed *w)
{
    int c;

    for (r->at++; (c = peek(r)) != '"'; r->at++) {
        if (c == '\r' || c == '\n')
            continue; /* of a fold: means nothing (RFC 5322 2.2.3) */
        if (c == '\\') {
            r->at++;
            c = peek(r);
        }
        if ((c < ' ' && c != '\t') || c == 0x7F) {
            fail(r); /* the end, or a control */
            return;
        }
        word_add(w, c);
    }
    r->at++;
}

/* RFC 2045 value. slash: take `/` too, which some filters leave unquoted
 * between their host name and a queue id. */
static void read_value(struct reader *r, struct claimed *w, bool slash)
{
    size_t from = r->at;
    int c = peek(r);

    *w = (struct claimed){.len = 0};
    if (c == '"') {
        read_quoted(r, w);
        return;
    }
    for (; c >= 0 && (is_token_char((unsigned char)c) || (slash && c == '/')); c = peek(r)) {
        word_add(w, c);
        r->at++;
    }
    if (r->at == from)
        fail(r);
}

/* A version number: is it 1? */
static bool read_version(struct reader *r)
{
    size_t from = r->at;
    unsigned value = 0;
    int c;

    for (c = peek(r); c >= 0 && ascii_digit((unsigned char)c); c = peek(r)) {
        value = value > 9 ? value : value * 10 + (unsigned)(c - '0');
        r->at++;
    }
    if (r->at == from)
        fail(r);
    return value == 1;
}

/* Up to the `;` or the end after id and version. True: version 1, or none. */
static bool read_head(struct reader *r, struct claimed *id, bool slash)
{
    bool one = true, gap;
    int c;

    skip_cfws(r);
    read_value(r, id, slash);
    if (id->len == 0)
        fail(r);
    gap = skip_cfws(r);
    c = peek(r);
    if (gap && c >= 0 && ascii_digit((unsigned char)c)) {
        one = read_version(r);
        skip_cfws(r);
    }
    if (peek(r) >= 0 && peek(r) != ';')
        fail(r);
    return one;
}

static size_t without_final_dot(const char *s, size_t n)
{
    return n > 0 && s[n - 1] == '.' ? n - 1 : n;
}

static bool same_id(const struct claimed *w, const char *id)
{
    size_t n = without_final_dot(id, strlen(id)), i;

    if (without_final_dot(w->text, w->len) != n)
        return false;
    for (i = 0; i < n; i++)
        if (ascii_lower((unsigned char)w->text[i]) != ascii_lower((unsigned char)id[i]))
            return false;
    return true;
}

/* Some readers drop spaces, U+00A0 and its like among them, or fold U+212A to k and U+017F to s:
 * what is left then must not be our id. */
static bool may_be_id(const struct claimed *w, const char *id)
{
    struct claimed left = {.len = 0};
    size_t i;

    for (i = 0; i < w->len && !w->cut; i++)
        if (w->text[i] > ' ' && (unsigned char)w->text[i] < 0x80)
            word_add(&left, w->text[i]);
        else if (w->len - i > 2 && memcmp(w->text + i, "\xe2\x84\xaa", 3) == 0)
            word_add(&left, 'k');
        else if (w->len - i > 1 && memcmp(w->text + i, "\xc5\xbf", 2) == 0)
            word_add(&left, 's');
    return same_id(&left, id);
}

static bool has_a_label(const char *id)
{
    size_t n = strlen(id), i;

    for (i = 0; i + 4 <= n; i++)
        if ((i == 0 || id[i - 1] == '.') && ascii_is_word(id + i, 4, "xn--"))
            return true;
    return false;
}

enum authres_claim authres_claim(const char *value, size_t n, const char *id)
{
    struct reader r = {.s = value, .n = n};
    struct claimed w;
    bool one = read_head(&r, &w, true);

    if (!r.bad && (may_be_id(&w, id) || (w.wide && (w.cut || has_a_label(id)))))
        return AUTHRES_MINE;
    return !r.bad && one ? AUTHRES_OTHER : AUTHRES_UNREADABLE;
}
