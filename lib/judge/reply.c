/* What a rule answers: the reply as configured, the default texts, and the names filled in.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/reply.h"

#include "value/ascii.h"

#include <string.h>

/* What may stand between braces. {rr} is for the texts below alone: the type of
 * address record that would lead to the client. */
enum field { FIELD_IP, FIELD_PTR, FIELD_HELO, FIELD_CAUSE, FIELD_SECONDS, FIELD_RR, FIELD_NONE };

static const char *const field_words[] = {"ip", "ptr", "helo", "cause", "seconds", "rr"};

/* The field in braces at s[*at]; *at is moved behind it. */
static enum field field_read(const char *s, size_t n, size_t *at)
{
    const char *word = s + *at + 1;
    const char *end = memchr(word, '}', n - *at - 1);
    unsigned i;

    if (end == NULL)
        return FIELD_NONE;
    *at = (size_t)(end + 1 - s);
    for (i = 0; i < FIELD_NONE; i++)
        if (strlen(field_words[i]) == (size_t)(end - word) &&
            memcmp(field_words[i], word, (size_t)(end - word)) == 0)
            return (enum field)i;
    return FIELD_NONE;
}

static const char *text_fault(const char *s, size_t n)
{
    size_t i = 0;

    if (n == 0)
        return "the reply has no text";
    if (n >= REPLY_TEXT_MAX)
        return "the reply text is longer than 400 characters";
    while (i < n) {
        if (s[i] < ' ' || s[i] > '~')
            return "the reply text must be printable ASCII";
        if (s[i] == '%')
            return "the reply text must not contain %, which mail servers take as a command";
        if (s[i] == '}')
            return "the reply text contains } without {";
        if (s[i] != '{')
            i++;
        else if (field_read(s, n, &i) >= FIELD_RR)
            return "braces may contain only ip, ptr, helo, cause or seconds";
    }
    return NULL;
}

const char *reply_help_fault(const char *s)
{
    size_t i = 0, n = strlen(s);
    enum field field;

    if (strncmp(s, "https://", 8) != 0 && strncmp(s, "http://", 7) != 0)
        return "is not a page that begins with https:// or http://";
    if (n > REPLY_HELP_MAX)
        return "is longer than 100 characters";
    while (i < n) {
        if (s[i] <= ' ' || s[i] > '~' || strchr("%\"<>\\^`|}", s[i]) != NULL)
            return "must be printable ASCII without spaces, quotes, %, <, >, \\, ^, ` and |";
        if (s[i] != '{') {
            i++;
            continue;
        }
        field = field_read(s, n, &i);
        if (field != FIELD_IP && field != FIELD_CAUSE)
            return "braces may contain only ip or cause";
    }
    return NULL;
}

/* 1 to 3 digits, no leading zero (RFC 3463 2). Octets read, or 0. */
static size_t status_number(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && i < 4 && ascii_digit((unsigned char)s[i]))
        i++;
    return i > 3 || (i > 1 && s[0] == '0') ? 0 : i;
}

/* "X.Y.Z" and the blank behind it: octets of X.Y.Z, or 0. */
static size_t xcode_length(const char *s, size_t n)
{
    size_t at, part;

    if (n < 2 || (s[0] != '4' && s[0] != '5') || s[1] != '.')
        return 0;
    at = 2;
    part = status_number(s + at, n - at);
    at += part;
    if (part == 0 || at == n || s[at] != '.')
        return 0;
    at++;
    part = status_number(s + at, n - at);
    at += part;
    return part == 0 || at == n || s[at] != ' ' ? 0 : at;
}

static size_t skip_blanks(const char *s, size_t n, size_t at)
{
    while (at < n && s[at] == ' ')
        at++;
    return at;
}

const char *reply_read(struct reply *r, const char *s, size_t n)
{
    size_t at, len;
    const char *fault;

    memset(r, 0, sizeof *r);
    while (n > 0 && s[n - 1] == ' ')
        n--;
    /* RFC 5321 4.2: the second digit is 0 to 5. */
    if (n < 4 || (s[0] != '4' && s[0] != '5') || s[1] < '0' || s[1] > '5' ||
        !ascii_digit((unsigned char)s[2]) || s[3] != ' ')
        return "a reply begins with a code from 400 to 559, such as 550";
    at = skip_blanks(s, n, 3);
    len = xcode_length(s + at, n - at);
    if (len == 0)
        return "the code is followed by an enhanced status code, such as 5.7.25, and a text";
    if (s[at] != s[0])
        return "code and enhanced status code differ in class";
    memcpy(r->xcode, s + at, len);
    at = skip_blanks(s, n, at + len);
    fault = text_fault(s + at, n - at);
    if (fault != NULL) {
        memset(r, 0, sizeof *r);
        return fault;
    }
    memcpy(r->text, s + at, n - at);
    r->code = (uint16_t)((s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0'));
    return NULL;
}

/* The default texts: `named` when the PTR or HELO name is known and fits, else `plain`.
 * Each begins with a letter, so no mail server can take it for a status code. */
struct text {
    const char *named, *plain;
};

#define PROVIDER "The owner of the address, usually the hosting or network provider, can "
#define SENDER   "The administrator of the sending server can "
#define MATCH    "Either the {rr} record or the PTR record must be corrected so that they match."
#define LATER    "Please try again later; if this goes on, "

#define NO_HOST_NAME "Client {ip} does not say HELO with a full host name. " SENDER "set it."

static const struct text texts[F_COUNT] = {
    [F_PTR_MISSING] = {NULL, "Client address {ip} has no PTR record (reverse DNS). " PROVIDER
                             "publish one."},
    [F_PTR_INVALID] = {NULL,
                       "The PTR record (reverse DNS) of {ip} contains no valid host name. " PROVIDER
                       "correct it."},
    [F_PTR_LIMIT] = {NULL, "Client address {ip} has too many PTR records (reverse DNS), and those "
                           "checked do not resolve back to it. The owner of the address can remove "
                           "all but one."},
    [F_FORWARD_MISSING] = {"The PTR record (reverse DNS) of {ip} names {ptr}, which has no {rr} "
                           "record. Whoever runs DNS for that name can add one.",
                           "The name in the PTR record (reverse DNS) of {ip} has no {rr} record. "
                           "Whoever runs DNS for that name can add one."},
    [F_FORWARD_MISMATCH] =
        {"The PTR record of {ip} names {ptr}, but that name does not resolve "
         "back to this address. " MATCH,
         "The name in the PTR record of {ip} does not resolve back to it. " MATCH},
    [F_DNS_TIMEOUT] = {NULL, "The reverse DNS of {ip} gave no answer in time. " LATER
                             "the owner of the address can check its name servers."},
    [F_DNS_SERVFAIL] = {NULL, "The name servers for the reverse DNS of {ip} failed. " LATER
                              "the owner of the address can check them."},
    [F_DNS_BOGUS] = {NULL, "The reverse DNS of {ip} has bad DNSSEC signatures. " LATER
                           "the owner of the address can correct them."},
    [F_DNS_OVERLOAD] = {NULL, "This server is too busy to check the reverse DNS of {ip}. " LATER
                              "its administrator can help."},
    [F_PTR_GENERIC] = {"The PTR record (reverse DNS) of {ip} names {ptr}, which looks like a "
                       "provider's default. " PROVIDER "give the host a name of its own.",
                       "The PTR name of {ip} looks like a provider's default. " PROVIDER
                       "give the host a name of its own."},
    [F_HELO_MISMATCH] = {"The HELO name {helo} does not resolve back to client {ip}. " SENDER
                         "correct the name or its {rr} record.",
                         "The HELO name of client {ip} does not resolve back to it. " SENDER
                         "correct the name or its {rr} record."},
    [F_HELO_UNRESOLVED] = {"The HELO name {helo} of client {ip} has no {rr} record. " SENDER
                           "correct the name, or add the record.",
                           "The HELO name of client {ip} has no {rr} record. " SENDER
                           "correct the name, or add the record."},
    [F_HELO_LITERAL] = {NULL, NO_HOST_NAME},
    [F_HELO_LITERAL_MISMATCH] = {NULL, NO_HOST_NAME},
    [F_HELO_BARE_ADDRESS] = {NULL, NO_HOST_NAME},
    [F_HELO_UNQUALIFIED] = {NULL, NO_HOST_NAME},
    [F_HELO_SELF] = {NULL, "Client {ip} says HELO with a name or address of this server. " SENDER
                           "set its own host name."},
    [F_HELO_INVALID] = {NULL, NO_HOST_NAME},
    [F_HELO_MISSING] = {NULL, NO_HOST_NAME},
    [F_HELO_GENERIC] =
        {"The HELO name {helo} of client {ip} looks like a provider's default. " SENDER
         "set a host name of its own.",
         "The HELO name of client {ip} looks like a provider's default. " SENDER
         "set a host name of its own."},
};

static const struct text refused = {
    NULL, "Client {ip} does not meet what this server asks of host names and HELO. The "
          "administrator of the sending server can correct them."};
static const struct text deferred = {
    NULL, "Client {ip} does not meet what this server asks of host names and HELO. " LATER
          "the administrator of the sending server can help."};

static void put_name(struct sbuf *sb, const struct dname *name)
{
    if (name != NULL && name->len > 1)
        dname_put(sb, name);
    else
        sbuf_byte(sb, '-');
}

static void field_put(struct sbuf *sb, enum field field, const struct reply_facts *facts)
{
    switch (field) {
    case FIELD_IP:
        addr_put(sb, facts->client);
        break;
    case FIELD_PTR:
        put_name(sb, facts->ptr);
        break;
    case FIELD_HELO:
        put_name(sb, facts->helo);
        break;
    case FIELD_CAUSE:
        sbuf_str(sb, facts->cause < F_COUNT ? finding_word(facts->cause) : "-");
        break;
    case FIELD_SECONDS:
        sbuf_uint(sb, facts->seconds);
        break;
    case FIELD_RR:
        sbuf_str(sb, facts->client->family == ADDR_IPV6 ? "AAAA" : "A");
        break;
    case FIELD_NONE:
        break;
    }
}

/* Fills the names in; false when there is no template or the result does not fit. */
static bool expand(char out[REPLY_TEXT_MAX], const char *template, const struct reply_facts *facts)
{
    struct sbuf sb;
    size_t i, n;

    if (template == NULL)
        return false;
    sbuf_init(&sb, out, REPLY_TEXT_MAX);
    n = strlen(template);
    for (i = 0; i < n;)
        if (template[i] == '{')
            field_put(&sb, field_read(template, n, &i), facts);
        else
            sbuf_byte(&sb, template[i++]);
    return !sb.overflow;
}

/* The first word of a rule that tells what is wrong, when it rests on no result. */
static enum finding cause_of_words(findings all)
{
    unsigned f;

    for (f = F_PTR_GENERIC; f < F_COUNT; f++)
        if ((all & FINDING(f)) != 0 && texts[f].plain != NULL)
            break;
    return (enum finding)f;
}

/* What the text is about, or F_COUNT. The cause does not tell why when the rule rests on
 * other words alone, and a permanent refusal is never explained by what may pass. */
static enum finding default_cause(const struct rule *r, enum action action,
                                  const struct reply_facts *facts)
{
    findings words = r == NULL ? FINDINGS_CAUSE : r->all | r->none | r->any | r->lacks;
    enum finding cause = facts->cause;
    bool transient = cause < F_COUNT && (FINDING(cause) & FINDINGS_TRANSIENT);

    if ((words & (FINDINGS_RESULT | FINDINGS_CAUSE)) == 0)
        return cause_of_words(r->all | (r->any & facts->found));
    if (cause < F_COUNT && texts[cause].plain != NULL && !(transient && action == ACTION_REJECT))
        return cause;
    return F_COUNT;
}

static bool names_known(const char *template, const struct reply_facts *facts)
{
    const struct dname *name;

    if (template == NULL)
        return false;
    name = strstr(template, "{helo}") != NULL ? facts->helo : facts->ptr;
    return name != NULL && dname_is_host(name);
}

/* The text behind what a greylist says first, and the page of help behind it. */
static bool expand_default(struct reply *out, const char *template, enum action action,
                           const char *help, const struct reply_facts *facts)
{
    char all[2 * REPLY_TEXT_MAX];
    struct sbuf sb;

    sbuf_init(&sb, all, sizeof all);
    sbuf_str(&sb, action == ACTION_GREYLIST ? "Please try again in {seconds} seconds. " : "");
    sbuf_str(&sb, template);
    sbuf_str(&sb, help == NULL ? "" : " See ");
    sbuf_str(&sb, help == NULL ? "" : help);
    return !sb.overflow && expand(out->text, all, facts);
}

static void default_reply(struct reply *out, const struct rule *r, enum action action,
                          const struct reply_facts *facts)
{
    struct reply_facts about = *facts; /* so that {cause} of the page is what the text tells */
    const struct text *text;

    about.cause = default_cause(r, action, facts);
    if (about.cause < F_COUNT)
        text = &texts[about.cause];
    else
        text = action == ACTION_REJECT ? &refused : &deferred;
    if (!(names_known(text->named, facts) &&
          expand_default(out, text->named, action, facts->help, &about)) &&
        !expand_default(out, text->plain, action, facts->help, &about))
        expand_default(out, text->plain, action, NULL, &about);
}

void policy_reply(struct reply *out, const struct rule *r, enum action action,
                  const struct reply_facts *facts)
{
    bool own = r != NULL && r->reply.code != 0 && reply_fits(&r->reply, action);
    const char *xcode = action == ACTION_REJECT     ? "5.7.25"
                        : action == ACTION_GREYLIST ? "4.7.1"
                                                    : "4.7.25";

    memset(out, 0, sizeof *out);
    out->code = action == ACTION_REJECT ? 550 : 451;
    memcpy(out->xcode, xcode, strlen(xcode));
    if (own) {
        out->code = r->reply.code;
        memcpy(out->xcode, r->reply.xcode, sizeof out->xcode);
        if (text_fault(r->reply.text, strlen(r->reply.text)) == NULL &&
            expand(out->text, r->reply.text, facts))
            return;
    }
    default_reply(out, r, action, facts);
}
