/* Lists of names and recipients: see exempt.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/exempt.h"

#include "value/ascii.h"

#include <string.h>

/* Some name below it can be the name of a host; else the entry would never match. */
static bool has_hosts(const struct dname *domain)
{
    uint8_t wire[2 + DNAME_MAX] = {1, 'a'};
    struct dname host;

    memcpy(wire + 2, domain->wire, domain->len);
    return dname_from_wire(&host, wire, 2u + domain->len) && dname_is_host(&host);
}

bool name_list_valid(const char *entry)
{
    struct dname d;
    bool below = entry[0] == '.';
    size_t i, n = strlen(entry);

    for (i = 0; i < n; i++)
        if ((unsigned char)entry[i] != ascii_lower((unsigned char)entry[i]))
            return false;
    return dname_from_text(&d, entry + below, n - below) &&
           (below ? has_hosts(&d) : dname_is_host(&d));
}

bool name_list_has(const struct name_list *l, const struct dname *name)
{
    char text[DNAME_TEXT_MAX];
    struct sbuf sb;
    size_t i;

    if (l->n == 0 || !dname_is_host(name))
        return false;
    sbuf_init(&sb, text, sizeof text);
    dname_put(&sb, name);
    for (i = 0; i < l->n; i++) {
        const char *entry = l->entry[i];
        size_t n = strlen(entry);

        if (n > 1 && entry[n - 1] == '.')
            n--;
        if ((entry[0] == '.' ? sb.len > n : sb.len == n) &&
            memcmp(text + sb.len - n, entry, n) == 0)
            return true;
    }
    return false;
}

/* On a list of either kind; `list` is a struct name_list or exempt_list. */
typedef bool on_list(const void *list, const struct dname *name, int64_t now);

static bool on_hosts(const void *list, const struct dname *name, int64_t now)
{
    (void)now;
    return name_list_has(list, name);
}

static bool on_lists(const void *list, const struct dname *name, int64_t now)
{
    return listed_has_name(list, name, now);
}

/* Some name of the chain, confirmed or still open, is on the list. */
static bool some_name(const struct chain *chain, bool open, on_list *has, const void *list,
                      int64_t now)
{
    struct dname name;
    enum name_state state;
    size_t cursor = 0;

    while (chain != NULL && chain_next(chain, &cursor, &name, &state))
        if ((open ? name_state_open(state) : state == NAME_CONFIRMED) && has(list, &name, now))
            return true;
    return false;
}

static bool no_name_yet(const struct chain *chain)
{
    return chain == NULL || (chain->result == F_IPREV_TEMPERROR && chain->names == 0);
}

bool exempt_host(const struct chain *chain, const struct name_list *hosts)
{
    return hosts->n > 0 && some_name(chain, false, on_hosts, hosts, 0);
}

bool exempt_host_open(const struct chain *chain, const struct name_list *hosts)
{
    return hosts->n > 0 && (no_name_yet(chain) || some_name(chain, true, on_hosts, hosts, 0));
}

bool exempt_listed(const struct chain *chain, const struct addr *client,
                   const struct exempt_list *list, int64_t now)
{
    return listed_has_address(list, client, now) ||
           (now < list->names_end && some_name(chain, false, on_lists, list, now));
}

bool exempt_listed_open(const struct chain *chain, const struct exempt_list *list, int64_t now)
{
    return now < list->names_end &&
           (no_name_yet(chain) || some_name(chain, true, on_lists, list, now));
}

void exempt_put_line(struct sbuf *sb, const struct addr *client, findings found,
                     const struct dname *ptr)
{
    if (found & FINDING(F_IPREV_PASS) && dname_is_host(ptr))
        dname_put(sb, ptr);
    else
        addr_put(sb, client);
}

/* RFC 5321 4.1.2 allows 64 octets; more than this is nobody we know. */
#define LOCAL_MAX 128

struct mailbox {
    char local[LOCAL_MAX]; /* without quotes */
    size_t local_len;
    const char *domain; /* NULL: none */
    size_t domain_len;
};

/* Takes <> and a source route off. False when the brackets do not match. */
static bool unwrap(const char **s, size_t *n)
{
    const char *p = *s, *end = p + *n;
    bool literal = false;

    while (p < end && ascii_blank((unsigned char)end[-1]))
        end--;
    if (p < end && *p == '<') {
        if (end[-1] != '>')
            return false;
        p++;
        end--;
    }
    if (p < end && *p == '@') {
        for (; p < end && (literal || *p != ':'); p++)
            literal = *p == '[' || (literal && *p != ']');
        if (p == end)
            return false;
        p++;
    }
    *s = p;
    *n = (size_t)(end - p);
    return true;
}

/* The local part up to a bare `@` or the end, quotes and back-slashes resolved.
 * Octets read, or 0. */
static size_t local_read(struct mailbox *m, const char *s, size_t n)
{
    bool quoted = false;
    size_t i;

    m->local_len = 0;
    for (i = 0; i < n && (quoted || s[i] != '@'); i++) {
        if (s[i] == '"') {
            quoted = !quoted;
            continue;
        }
        if (s[i] == '\\' && ++i == n)
            return 0;
        if (m->local_len == LOCAL_MAX)
            return 0;
        m->local[m->local_len++] = s[i];
    }
    return quoted ? 0 : i;
}

/* Reads an address strictly: whatever is odd is no address, so exempts nobody. */
static bool mailbox_read(struct mailbox *m, const char *s, size_t n)
{
    size_t at, i;

    if (!unwrap(&s, &n))
        return false;
    at = local_read(m, s, n);
    if (at == 0 || m->local_len == 0)
        return false;
    m->domain = NULL;
    m->domain_len = 0;
    if (at == n)
        return true;
    m->domain = s + at + 1;
    m->domain_len = n - at - 1;
    if (m->domain_len > 0 && m->domain[m->domain_len - 1] == '.')
        m->domain_len--;
    for (i = 0; i < m->domain_len; i++)
        if (memchr("@<>\" ", m->domain[i], 5) != NULL)
            return false;
    return m->domain_len > 0;
}

static bool same_text(const char *a, size_t an, const char *b, size_t bn)
{
    size_t i;

    if (an != bn)
        return false;
    for (i = 0; i < an; i++)
        if (ascii_lower((unsigned char)a[i]) != ascii_lower((unsigned char)b[i]))
            return false;
    return true;
}

static bool recipient_is(const struct mailbox *m, const char *entry)
{
    struct mailbox want;
    size_t n = strlen(entry);

    if (entry[0] == '@')
        return m->domain != NULL && same_text(m->domain, m->domain_len, entry + 1, n - 1);
    if (!mailbox_read(&want, entry, n) ||
        !same_text(m->local, m->local_len, want.local, want.local_len))
        return false;
    return want.domain == NULL ||
           (m->domain != NULL && same_text(m->domain, m->domain_len, want.domain, want.domain_len));
}

bool exempt_recipient(const char *address, const struct name_list *recipients)
{
    struct mailbox m;
    size_t i;

    if (address == NULL || !mailbox_read(&m, address, strlen(address)))
        return false;
    for (i = 0; i < recipients->n; i++)
        if (recipient_is(&m, recipients->entry[i]))
            return true;
    return false;
}

void sender_domain(const char *address, char out[SENDER_DOMAIN_MAX])
{
    const char *s = address == NULL ? "" : address, *at;
    size_t i, n = strcspn(s, ">");

    for (at = s + n; at > s && at[-1] != '@' && at[-1] != '<'; at--)
        ;
    n -= (size_t)(at - s);
    if (n > 0 && at[n - 1] == '.')
        n--;
    n = n < SENDER_DOMAIN_MAX ? n : SENDER_DOMAIN_MAX - 1;
    for (i = 0; i < n; i++)
        out[i] = (char)ascii_lower((unsigned char)at[i]);
    out[n] = '\0';
}
