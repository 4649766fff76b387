/* What receivers say about a client's name: see refusal.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/refusal.h"

#include "value/ascii.h"

#include <string.h>

/* Each text must occur, in lower case; all that begin or end with a letter or digit do so as whole
 * words, so that a short code is none inside another word. The first row that fits counts. */
struct saying {
    enum refusal is;
    const char *text, *and;
};

static const struct saying sayings[] = {
    /* several reasons in one sentence: Gmail, policyd-weight */
    {REFUSAL_PERHAPS, "ipv6 sending guidelines", NULL},
    {REFUSAL_PERHAPS, "correct helo and dns mx settings", NULL},
    /* AOL; Mail.ru; Haraka; spamdyke; Virgin Media */
    {REFUSAL_GENERIC, "rtr:rd", NULL},
    {REFUSAL_GENERIC, "generic dns ptr", NULL},
    {REFUSAL_GENERIC, "generic rdns", NULL},
    {REFUSAL_GENERIC, "reverse dns entry contains", NULL},
    {REFUSAL_GENERIC, "host names prohibited", NULL},
    /* codes: GMX and web.de; Cox; Spectrum; GoDaddy; Facebook; AOL; Libero; 163.com */
    {REFUSAL_PTR, "c=rdns", NULL},
    {REFUSAL_PTR, "cxdns", NULL},
    {REFUSAL_PTR, "aup#i-1100", NULL},
    {REFUSAL_PTR, "aup#i-1110", NULL},
    {REFUSAL_PTR, "aup#i-1120", NULL},
    {REFUSAL_PTR, "aup#i-1130", NULL},
    {REFUSAL_PTR, "aup#i-1140", NULL},
    {REFUSAL_PTR, "aup#i-1150", NULL},
    {REFUSAL_PTR, "ib108", NULL},
    {REFUSAL_PTR, "dns-p3", NULL},
    {REFUSAL_PTR, "dns-t2", NULL},
    {REFUSAL_PTR, "dns:nr", NULL},
    {REFUSAL_PTR, "lib_120", NULL},
    {REFUSAL_PTR, "vir_120", NULL},
    {REFUSAL_PTR, "rp:rdn", NULL},
    /* Postfix; sendmail */
    {REFUSAL_PTR, "cannot find your hostname", NULL},
    {REFUSAL_PTR, "cannot find your reverse hostname", NULL},
    {REFUSAL_PTR, "ip name", "access denied"},
    {REFUSAL_PTR, "ip name lookup failed", NULL},
    {REFUSAL_PTR, "sender ip must resolve", NULL},
    /* who names reverse DNS while refusing means it */
    {REFUSAL_PTR, "reverse dns", NULL},
    {REFUSAL_PTR, "rdns", NULL},
    {REFUSAL_PTR, "fcrdns", NULL},
    {REFUSAL_PTR, "dns reverse", NULL},
    {REFUSAL_PTR, "reverse lookup", NULL},
    {REFUSAL_PTR, "reverse lookups", NULL},
    {REFUSAL_PTR, "reverse mapping", NULL},
    {REFUSAL_PTR, "reverse name", NULL},
    {REFUSAL_PTR, "reverse ptr", NULL},
    {REFUSAL_PTR, "ptr record", NULL},
    {REFUSAL_PTR, "ptr records", NULL},
    {REFUSAL_PTR, "dns ptr", NULL},
    {REFUSAL_PTR, "(ptr)", NULL},
    {REFUSAL_PTR, "requires ptr", NULL},
    {REFUSAL_PTR, "invalid ptr", NULL},
    {REFUSAL_PTR, "ptr error", NULL},
    {REFUSAL_PTR, "has no ptr", NULL},
    /* and so with HELO; GoDaddy, qmail and i.ua do not say the word */
    {REFUSAL_HELO, "helo", NULL},
    {REFUSAL_HELO, "ehlo", NULL},
    {REFUSAL_HELO, "ib301", NULL},
    {REFUSAL_HELO, "my name was rejected", NULL},
    {REFUSAL_HELO, "i.ua/err/7/", NULL},
};

/* With one of these it is about something else, unless the sentence names both. */
static const char *const others[] = {
    "spf",        "dkim",       "dmarc",    "blocked using",
    "listed",     "ib106",      "relaying", "sender address rejected",
    "greylisted", "blacklisted"};

/* With one of these it is the order of the commands, not the name in HELO. */
static const char *const orders[] = {
    "first",    "required", "syntax:",   "wrong state", "duplicate", "not allowed from",
    "callback", "callout",  "verifying", "for relay",
};

/* ---- folding ---- */

static bool digit(char c)
{
    return ascii_digit((unsigned char)c);
}

/* Octets of a reply code at s, "550", "550-5.7.25" or "550 5.7.25"; 0 when there is none. */
static size_t code(const char *s, size_t n)
{
    size_t i = 4, k;

    if (n < 4 || (s[0] != '4' && s[0] != '5') || !digit(s[1]) || !digit(s[2]) ||
        (s[3] != ' ' && s[3] != '-'))
        return 0;
    for (k = i; k < n && (digit(s[k]) || s[k] == '.'); k++)
        ;
    return k > i + 4 && s[i] == s[0] && s[i + 1] == '.' ? k : i;
}

/* Octets of "<user@host>" or "user@host" at s; 0 when there is none. */
static size_t address(const char *s, size_t n)
{
    size_t i = 0, at = 0;

    while (i < n && s[i] > ' ' && s[i] < 127 && strchr("(),;\"", s[i]) == NULL &&
           (s[i] != '>' || (i > 0 && s[0] != '<'))) {
        at = s[i] == '@' && i > 0 ? i : at;
        i++;
    }
    i += i < n && s[0] == '<' && s[i] == '>';
    return at > 0 && at + 1 < i ? i : 0;
}

void refusal_fold(char out[REFUSAL_TEXT], const char *s, size_t n)
{
    size_t i = 0, to = 0, skip;
    bool begin = true; /* of a word */

    while (i < n && to < REFUSAL_TEXT - 1) {
        char c = s[i];

        skip = begin ? code(s + i, n - i) : 0;
        if (skip == 0 && begin)
            skip = address(s + i, n - i);
        if (skip > 0) {
            i += skip;
            continue;
        }
        begin = c == ' ' || c == '\t' || c == '(' || c == ',' || c == ';';
        i++;
        if (c == '\t')
            c = ' ';
        if (c == ' ' && (to == 0 || out[to - 1] == ' '))
            continue;
        out[to++] = (char)(c < ' ' || c > '~' ? '?' : c);
    }
    while (to > 0 && out[to - 1] == ' ')
        to--;
    out[to] = '\0';
}

/* ---- the class ---- */

static bool part_of_word(char c)
{
    return ascii_digit((unsigned char)c) || (c >= 'a' && c <= 'z');
}

/* The text occurs, and neither begins nor ends inside a word. */
static bool says(const char *all, const char *text)
{
    size_t n = strlen(text);
    const char *at = all;

    for (; (at = strstr(at, text)) != NULL; at++)
        if ((at == all || !part_of_word(at[-1]) || !part_of_word(text[0])) &&
            (!part_of_word(at[n]) || !part_of_word(text[n - 1])))
            return true;
    return false;
}

static bool says_one(const char *all, const char *const *texts, size_t n)
{
    while (n > 0 && !says(all, texts[n - 1]))
        n--;
    return n > 0;
}

/* "5.7.25" and "4.7.25" were made for this (RFC 7372 3.2). */
static bool has_code(const char *s, size_t n)
{
    size_t i;

    for (i = 0; i + 6 <= n; i++)
        if ((s[i] == '4' || s[i] == '5') && memcmp(s + i + 1, ".7.25", 5) == 0 &&
            (i + 6 == n || !digit(s[i + 6])) && (i == 0 || s[i - 1] == ' ' || s[i - 1] == '-'))
            return true;
    return false;
}

enum refusal refusal_class(const char *s, size_t n)
{
    char text[REFUSAL_TEXT];
    enum refusal is = REFUSAL_NONE;
    size_t i;

    refusal_fold(text, s, n);
    for (i = 0; text[i] != '\0'; i++)
        text[i] = (char)ascii_lower((unsigned char)text[i]);
    for (i = 0; is == REFUSAL_NONE && i < sizeof sayings / sizeof *sayings; i++)
        if (says(text, sayings[i].text) && (sayings[i].and == NULL || says(text, sayings[i].and)))
            is = sayings[i].is;
    if (is == REFUSAL_HELO && says_one(text, orders, sizeof orders / sizeof *orders))
        is = REFUSAL_NONE;
    if (is == REFUSAL_NONE && has_code(s, n))
        is = REFUSAL_PTR;
    if (is != REFUSAL_PERHAPS && says_one(text, others, sizeof others / sizeof *others))
        is = REFUSAL_NONE;
    return is;
}

const char *refusal_word(enum refusal r)
{
    static const char *const word[] = {"none", "ptr", "generic", "helo", "perhaps"};

    return word[r];
}

const char *refusal_text(enum refusal r)
{
    static const char *const text[] = {"something else",
                                       "no PTR record, or none that resolves back",
                                       "a name that looks machine-generated", "the HELO name",
                                       "perhaps the name: the reply names several reasons"};

    return text[r];
}
