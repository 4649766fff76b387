/* Authentication-Results read back, by the whole grammar: for tests only. Nothing of the
 * product's code is used, so that a fault of its own cannot hide itself.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/readers/authres_read.h"

#include "value/ascii.h"

#include <string.h>

#define IPREV_PREFIX 6 /* octets of "iprev-" in the words of the results */

/* RFC 2045 5.1 token; RFC 8601 2.2 lets UTF-8 stand in it (RFC 6532). */
static bool is_token_char(unsigned char c)
{
    static const char specials[] = "()<>@,;:\\\"/[]?=";

    return c > ' ' && c != 0x7F && memchr(specials, c, sizeof specials - 1) == NULL;
}

struct reader {
    const char *s;
    size_t n;
    size_t at;
    bool bad;
};

/* What a word of the field means, quotes and escapes undone. */
struct word {
    char text[AUTHRES_ID_MAX + 1]; /* an id and a final dot */
    size_t len;
    bool cut; /* longer than text */
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

static void expect(struct reader *r, int c)
{
    if (peek(r) == c && c >= 0)
        r->at++;
    else
        fail(r);
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

static void word_add(struct word *w, int c)
{
    if (w->len < sizeof w->text)
        w->text[w->len++] = (char)c;
    else
        w->cut = true;
}

static bool word_is(const struct word *w, const char *text)
{
    return !w->cut && ascii_is_word(w->text, w->len, text);
}

static void read_quoted(struct reader *r, struct word *w)
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
static void read_value(struct reader *r, struct word *w, bool slash)
{
    size_t from = r->at;
    int c = peek(r);

    *w = (struct word){.len = 0};
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

/* RFC 5321 4.1.2 Keyword: letters, digits and hyphens, the last no hyphen. */
static void read_keyword(struct reader *r, struct word *w)
{
    int c;

    *w = (struct word){.len = 0};
    for (c = peek(r); c >= 0 && (ascii_alnum((unsigned char)c) || c == '-'); c = peek(r)) {
        word_add(w, c);
        r->at++;
    }
    if (w->len == 0 || r->s[r->at - 1] == '-')
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

/* Up to the `;` or the end behind id and version. True: version 1, or none. */
static bool read_head(struct reader *r, struct word *id, bool slash)
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

/* Domain of a pvalue, behind its `@`. */
static void read_domain(struct reader *r)
{
    size_t from = r->at;
    int c;

    for (c = peek(r); c >= 0; c = peek(r)) {
        if (!ascii_alnum((unsigned char)c) && c != '-' && c != '_' && c != '.' && c < 0x80)
            break;
        r->at++;
    }
    if (r->at == from)
        fail(r);
}

/* value, or [[local-part] "@"] domain-name. The octets `/`, `?` and `=` are of a
 * local-part (RFC 5322 3.2.3), not of a token. w: the value or local-part. */
static void read_pvalue(struct reader *r, struct word *w)
{
    bool token = true;
    int c;

    skip_cfws(r);
    *w = (struct word){.len = 0};
    if (peek(r) == '"') {
        read_quoted(r, w);
    } else {
        for (c = peek(r);
             c == '/' || c == '?' || c == '=' || (c >= 0 && is_token_char((unsigned char)c));
             c = peek(r)) {
            token = token && is_token_char((unsigned char)c);
            word_add(w, c);
            r->at++;
        }
        token = token && w->len > 0;
    }
    if (peek(r) == '@') {
        r->at++;
        read_domain(r);
    } else if (!token) {
        fail(r);
    }
    skip_cfws(r);
}

static void take_reason(struct reader *r, struct authres *out, const struct word *w)
{
    if (w->len >= sizeof out->reason) {
        fail(r);
        return;
    }
    memcpy(out->reason, w->text, w->len);
    out->reason[w->len] = '\0';
}

static enum finding result_of(const struct word *w)
{
    unsigned f;

    for (f = F_IPREV_PASS; f <= F_IPREV_TEMPERROR; f++)
        if (word_is(w, finding_word((enum finding)f) + IPREV_PREFIX))
            return (enum finding)f;
    return F_NONE;
}

/* One ptype.property=pvalue, its ptype read already. out: NULL to skip it. */
static void read_property(struct reader *r, struct authres *out, bool policy)
{
    struct word w;
    bool iprev;

    expect(r, '.');
    skip_cfws(r);
    read_keyword(r, &w);
    iprev = policy && word_is(&w, "iprev");
    skip_cfws(r);
    expect(r, '=');
    read_pvalue(r, &w);
    if (out != NULL && iprev && !addr_parse(&out->client, w.text, w.len))
        fail(r);
}

/* [CFWS reasonspec] [CFWS 1*propspec], up to the next `;` or the end. */
static void read_details(struct reader *r, struct authres *out)
{
    bool gap = skip_cfws(r);
    bool first = true;
    struct word w;

    while (peek(r) >= 0 && peek(r) != ';') {
        if (!gap)
            fail(r);
        read_keyword(r, &w);
        skip_cfws(r);
        if (first && word_is(&w, "reason") && peek(r) == '=') {
            r->at++;
            skip_cfws(r);
            read_value(r, &w, false);
            if (out != NULL)
                take_reason(r, out, &w);
            gap = skip_cfws(r);
        } else {
            read_property(r, out, word_is(&w, "policy"));
        }
        first = false;
    }
}

/* One resinfo behind its `;`, or "none" when it is all there is. out: NULL once
 * iprev has been seen. True when this was iprev. */
static bool read_resinfo(struct reader *r, struct authres *out, bool first)
{
    bool one = true;
    bool iprev;
    struct word w;

    skip_cfws(r);
    read_keyword(r, &w);
    skip_cfws(r);
    if (first && word_is(&w, "none") && peek(r) < 0)
        return false;
    iprev = out != NULL && word_is(&w, "iprev");
    if (peek(r) == '/') {
        r->at++;
        skip_cfws(r);
        one = read_version(r);
        skip_cfws(r);
    }
    iprev = iprev && one;
    expect(r, '=');
    skip_cfws(r);
    read_keyword(r, &w);
    if (iprev)
        out->result = result_of(&w);
    read_details(r, iprev ? out : NULL);
    return iprev;
}

bool authres_read(struct authres *out, const char *value, size_t n)
{
    struct reader r = {.s = value, .n = n};
    bool first = true;
    bool seen = false;
    struct word id;

    *out = (struct authres){.result = F_NONE};
    if (!read_head(&r, &id, false) || id.cut || id.len >= sizeof out->id)
        fail(&r);
    memcpy(out->id, id.text, r.bad ? 0 : id.len);
    do {
        expect(&r, ';');
        seen |= read_resinfo(&r, seen ? NULL : out, first);
        first = false;
    } while (peek(&r) == ';');
    if (r.bad)
        *out = (struct authres){.result = F_NONE};
    return !r.bad;
}
