/* Received fields of relays: see received.h.
 *
 * Words end at spaces and comments. What is in the place of HELO can contain neither, so
 * the comment after it is the relay's; and should a relay ever let one through, the real
 * clauses still follow and there are two of them, which is refused.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/received.h"

#include "value/ascii.h"

#include <string.h>

#define FOLDED 900 /* octets: an SMTP client folds so long a word, in its midst if need be */

struct scanner {
    const char *s;
    size_t n;
    size_t at;
    const char *why; /* the first fault */
};

static void fail(struct scanner *r, const char *why)
{
    if (r->why == NULL)
        r->why = why;
    r->at = r->n;
}

static int peek(const struct scanner *r)
{
    return r->at < r->n ? (unsigned char)r->s[r->at] : -1;
}

static void skip_blanks(struct scanner *r)
{
    while (r->at < r->n && ascii_blank((unsigned char)r->s[r->at]))
        r->at++;
}

static bool starts(struct received_text t, const char *word)
{
    size_t n = strlen(word);

    return t.n >= n && memcmp(t.s, word, n) == 0;
}

static struct received_text behind(struct received_text t, size_t n)
{
    return (struct received_text){t.s + n, t.n - n};
}

static struct received_text trimmed(struct received_text t)
{
    while (t.n > 0 && ascii_blank((unsigned char)t.s[0]))
        t = behind(t, 1);
    while (t.n > 0 && ascii_blank((unsigned char)t.s[t.n - 1]))
        t.n--;
    return t;
}

/* Octets before the first space. */
static size_t word_length(struct received_text t)
{
    size_t n = 0;

    while (n < t.n && !ascii_blank((unsigned char)t.s[n]))
        n++;
    return n;
}

/* ---- words and comments ---- */

/* Skips a quoted string, from its first quote on. */
static void skip_quoted(struct scanner *r)
{
    for (r->at++; r->at < r->n && r->s[r->at] != '"'; r->at++)
        if (r->s[r->at] == '\\')
            r->at++;
    if (r->at < r->n)
        r->at++;
    else
        fail(r, "a quoted string does not end");
}

/* The sender's address, any part of which may be quoted, is in Exim's "(envelope-from <...>)".
 */
static bool holds_sender(const struct scanner *r)
{
    return starts((struct received_text){r->s + r->at, r->n - r->at}, "(envelope-from <");
}

/* A comment without its parentheses. They nest, and a quoted pair hides one. */
static struct received_text take_comment(struct scanner *r)
{
    bool sender = holds_sender(r);
    size_t from = r->at + 1, depth = 0;

    while (r->at < r->n) {
        char c = r->s[r->at];

        if (c == '"' && sender) {
            skip_quoted(r);
            continue;
        }
        r->at += c == '\\' ? 2 : 1;
        depth += c == '(';
        if (c == ')' && --depth == 0)
            return trimmed((struct received_text){r->s + from, r->at - 1 - from});
    }
    fail(r, "a comment does not end");
    return (struct received_text){NULL, 0};
}

/* Up to a space or a comment. */
static struct received_text take_word(struct scanner *r)
{
    size_t from = r->at;

    while (r->at < r->n && !ascii_blank((unsigned char)r->s[r->at]) && r->s[r->at] != '(') {
        unsigned char c = (unsigned char)r->s[r->at];

        if (c < ' ' || c == 0x7F || c == ')' || c == '"' || c == '\\')
            fail(r, "an octet is not allowed here");
        else
            r->at++;
    }
    return r->why != NULL ? (struct received_text){NULL, 0}
                          : (struct received_text){r->s + from, r->at - from};
}

/* ---- the client ---- */

/* The octets of an address literal at the start of t, brackets included; 0: there is none. */
static size_t read_literal(struct addr *a, struct received_text t)
{
    const char *end = t.n > 0 && t.s[0] == '[' ? memchr(t.s, ']', t.n) : NULL;
    const size_t tag = 6; /* [IPv6: */
    size_t n;
    bool six;

    if (end == NULL)
        return 0;
    n = (size_t)(end - t.s);
    six = n > tag && ascii_is_word(t.s, tag, "[ipv6:");
    if (six && memchr(t.s + tag, ':', n - tag) == NULL)
        return 0; /* an IPv4 address under the tag */
    if (!addr_parse(a, t.s + (six ? tag : 1), n - (six ? tag : 1)))
        return 0;
    return n + 1;
}

static bool name_text(struct received_text t)
{
    size_t i;

    for (i = 0; i < t.n; i++)
        if (!ascii_alnum((unsigned char)t.s[i]) && t.s[i] != '.' && t.s[i] != '-' && t.s[i] != '_')
            return false;
    return t.n > 0;
}

/* What RFC 1413 calls a user id, as Sendmail cleans it. */
static bool user_text(struct received_text t)
{
    size_t i;

    for (i = 0; i < t.n; i++)
        if (t.s[i] <= ' ' || t.s[i] > '~' || strchr("()<>[]@,;\\\"=", t.s[i]) != NULL)
            return false;
    return true;
}

/* What the from clause says. */
struct origin {
    struct received_text first; /* its first word */
    struct addr client;
    struct received_text helo, name;
    bool exim; /* only Exim writes it so */
};

/* The rest of Exim's comment: port=, helo=, ident= in this order. */
static bool read_exim_keys(struct origin *o, struct received_text t)
{
    static const char *const keys[] = {"port=", "helo=", "ident="};
    size_t i, n;

    for (i = 0; i < sizeof keys / sizeof keys[0] && t.n > 0; i++) {
        if (!starts(t, keys[i]))
            continue;
        o->exim = true;
        t = behind(t, strlen(keys[i]));
        n = word_length(t);
        if (i == 1)
            o->helo = (struct received_text){t.s, n};
        t = trimmed(behind(t, n));
    }
    return t.n == 0;
}

/* ([IP] ...) */
static bool read_address_first(struct origin *o, struct received_text t, size_t literal)
{
    t = behind(t, literal);
    if (t.n > 0 && t.s[0] == ':') {
        size_t n = 1;

        while (n < t.n && ascii_digit((unsigned char)t.s[n]))
            n++;
        o->exim = true;
        t = behind(t, n);
        if (n == 1)
            return false;
    }
    if (t.n > 0 && !ascii_blank((unsigned char)t.s[0]))
        return false;
    t = trimmed(t);
    return (!o->exim && ascii_is_word(t.s, t.n, "(may be forged)")) || read_exim_keys(o, t);
}

/* (NAME [IP]), with USER@ before NAME or before [IP] */
static bool read_name_first(struct origin *o, struct received_text t)
{
    size_t n = word_length(t), literal;
    const char *at = memchr(t.s, '@', n);

    if (at != NULL) {
        size_t user = (size_t)(at - t.s);

        if (!user_text((struct received_text){t.s, user}))
            return false;
        t = behind(t, user + 1);
        n -= user + 1;
    }
    if (at == NULL || t.n == 0 || t.s[0] != '[') {
        o->name = (struct received_text){t.s, n};
        if (!name_text(o->name))
            return false;
        t = trimmed(behind(t, n));
    }
    literal = read_literal(&o->client, t);
    if (literal == 0)
        return false;
    t = trimmed(behind(t, literal));
    return t.n == 0 || ascii_is_word(t.s, t.n, "(may be forged)");
}

static bool read_comment(struct origin *o, struct received_text t)
{
    size_t literal = read_literal(&o->client, t);

    if (memchr(t.s, '\\', t.n) != NULL)
        return false;
    if (literal > 0)
        return read_address_first(o, t, literal);
    if (!starts(t, "port=") && !starts(t, "helo=") && !starts(t, "ident="))
        return read_name_first(o, t);
    return read_exim_keys(o, t) && read_literal(&o->client, o->first) == o->first.n;
}

/* (NAME [IP]) of a line so long that an SMTP client has folded it, in its midst if need be: the
 * address without the fold. Nothing comes before it that a client could have written. */
static bool read_folded(struct origin *o, struct received_text t)
{
    size_t before = 0, n = 0, i;
    char text[ADDR_TEXT_MAX + 8];

    while (before < t.n && (ascii_blank((unsigned char)t.s[before]) ||
                            name_text((struct received_text){t.s + before, 1})))
        before++;
    for (i = before; i < t.n && n < sizeof text; i++)
        if (!ascii_blank((unsigned char)t.s[i]))
            text[n++] = t.s[i];
    *o = (struct origin){.first = o->first, .client = {.family = ADDR_NONE}};
    return n > 0 && i == t.n && read_literal(&o->client, (struct received_text){text, n}) == n;
}

static void read_origin(struct scanner *r, struct origin *o)
{
    skip_blanks(r);
    o->first = take_word(r);
    skip_blanks(r);
    while (o->first.n > FOLDED && peek(r) >= 0 && peek(r) != '(') {
        if (take_word(r).n == 0)
            break;
        skip_blanks(r);
    }
    if (r->why == NULL && (o->first.n == 0 || memchr(o->first.s, '<', o->first.n) != NULL ||
                           memchr(o->first.s, '>', o->first.n) != NULL ||
                           memchr(o->first.s, ';', o->first.n) != NULL))
        fail(r, "no host name follows from");
    if (r->why != NULL)
        return;
    if (peek(r) == '(') {
        struct received_text t = take_comment(r);

        if (r->why == NULL &&
            (t.n == 0 || (!read_comment(o, t) && (r->at <= FOLDED || !read_folded(o, t)))))
            fail(r, "the comment after the first name shows no client");
        return;
    }
    o->exim = true;
    if (read_literal(&o->client, o->first) != o->first.n)
        fail(r, "no address is shown");
}

/* ---- the rest ---- */

/* Of the clauses after the client. */
struct rest {
    bool remarks, exim, with, authenticated;
};

/* Comments between the client and `by`. One that could itself show a client is refused,
 * but for that of a certificate. */
static void read_remark(struct scanner *r, struct rest *rest)
{
    struct received_text t = take_comment(r);

    rest->remarks = true;
    if (r->why != NULL)
        return;
    if (starts(t, "Authenticated sender: ") ||
        (starts(t, "authenticated") && (t.n == 13 || t.s[13] == ' ')))
        rest->authenticated = true;
    else if (!starts(t, "Client CN \"") && memchr(t.s, '[', t.n) != NULL)
        fail(r, "two clients are shown");
}

/* RFC 3848, RFC 6531, and what Exim wrote before. */
static bool login_protocol(struct received_text t)
{
    static const char *const words[] = {"esmtpa",    "esmtpsa",    "lmtpa",
                                        "lmtpsa",    "utf8smtpa",  "utf8smtpsa",
                                        "utf8lmtpa", "utf8lmtpsa", "asmtp"};
    size_t i;

    for (i = 0; i < sizeof words / sizeof words[0]; i++)
        if (ascii_is_word(t.s, t.n, words[i]))
            return true;
    return false;
}

/* A recipient, of which any part may be quoted: <"any text"@DOMAIN>, or without brackets. Up to a
 * space or a comment. */
static void skip_path(struct scanner *r)
{
    skip_blanks(r);
    while (peek(r) > ' ' && peek(r) != '(' && peek(r) != ')' && peek(r) != 0x7F)
        if (peek(r) == '"')
            skip_quoted(r);
        else
            r->at += peek(r) == '\\' && r->n - r->at > 1 ? 2 : 1;
}

static void read_clause(struct scanner *r, struct rest *rest)
{
    struct received_text t;

    if (peek(r) == '(') {
        rest->exim |= starts(take_comment(r), "Exim ");
        return;
    }
    t = take_word(r);
    if (ascii_is_word(t.s, t.n, "by") || ascii_is_word(t.s, t.n, "from") ||
        (rest->with && ascii_is_word(t.s, t.n, "with"))) {
        fail(r, "there are two clauses of a kind");
    } else if (ascii_is_word(t.s, t.n, "with")) {
        skip_blanks(r);
        t = take_word(r);
        rest->with = true;
        rest->authenticated |= login_protocol(t);
    } else if (ascii_is_word(t.s, t.n, "for")) {
        skip_path(r);
    }
}

static void read_rest(struct scanner *r, struct rest *rest)
{
    struct received_text by;

    for (skip_blanks(r); peek(r) == '('; skip_blanks(r))
        read_remark(r, rest);
    by = take_word(r);
    if (!ascii_is_word(by.s, by.n, "by"))
        fail(r, "no by clause follows the client");
    skip_blanks(r);
    if (take_word(r).n == 0)
        fail(r, "the by clause is empty");
    for (skip_blanks(r); peek(r) >= 0; skip_blanks(r))
        read_clause(r, rest);
}

static void take_over(struct received *out, const struct origin *o, const struct rest *rest)
{
    bool literal = o->first.s[0] == '[';

    out->client = o->client;
    out->helo = o->helo;
    out->name = o->name;
    out->authenticated = rest->authenticated;
    if (o->helo.n == 0 && !(o->exim && literal))
        out->helo = o->first;
    if (rest->exim && o->name.n == 0 && !literal)
        out->name = o->first;
    if (ascii_is_word(out->name.s, out->name.n, "unknown"))
        out->name = (struct received_text){NULL, 0};
}

bool received_read(struct received *out, const char *value, size_t n)
{
    struct scanner r = {.s = value, .n = n};
    struct origin o = {.client = {.family = ADDR_NONE}};
    struct rest rest = {.exim = false};
    struct received_text from;

    memset(out, 0, sizeof *out);
    skip_blanks(&r);
    from = take_word(&r);
    if (!ascii_is_word(from.s, from.n, "from"))
        fail(&r, "no client is named");
    else
        read_origin(&r, &o);
    if (r.why == NULL)
        read_rest(&r, &rest);
    if (r.why == NULL && o.exim && (!rest.exim || rest.remarks)) /* which may be an ident reply */
        fail(&r, "the form is Exim's, and Exim does not write so");
    out->why = r.why;
    if (r.why == NULL)
        take_over(out, &o, &rest);
    return r.why == NULL;
}
