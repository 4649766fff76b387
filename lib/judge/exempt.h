/* Clients and recipients that the configuration exempts by name.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_EXEMPT_H
#define IPREV_EXEMPT_H

#include "judge/fcrdns.h"
#include "judge/listed.h"

/* A name list by suffix: "mail.example.com" is that name; ".example.com" is
 * every name below it, not itself. Entries are lower case. */
struct name_list {
    size_t n;
    const char *const *entry;
};

bool name_list_valid(const char *entry);
bool name_list_has(const struct name_list *l, const struct dname *name);

/* Some confirmed name of the chain is on the list (exempt.hosts). */
bool exempt_host(const struct chain *chain, const struct name_list *hosts);

/* A later answer could put a confirmed name of the chain on the list: nothing may
 * refuse such a client for good. */
bool exempt_host_open(const struct chain *chain, const struct name_list *hosts);

/* The same of exempt lists, where the address itself may stand, too. now: seconds since 1970. */
bool exempt_listed(const struct chain *chain, const struct addr *client,
                   const struct exempt_list *list, int64_t now);
bool exempt_listed_open(const struct chain *chain, const struct exempt_list *list, int64_t now);

/* The line of a list that exempts such a client: its confirmed name, which stays when the address
 * changes, else its address. ptr: the root when there is none. */
void exempt_put_line(struct sbuf *sb, const struct addr *client, findings found,
                     const struct dname *ptr);

/* "postmaster" (any domain), "user@example.com", "@example.com"; without case.
 * address: as in RCPT TO, with or without angle brackets. */
bool exempt_recipient(const char *address, const struct name_list *recipients);

/* The domain of an address as in MAIL FROM, in lower case: empty for the null sender, the local
 * part where there is no domain. What is too long is cut. */
#define SENDER_DOMAIN_MAX 256
void sender_domain(const char *address, char out[SENDER_DOMAIN_MAX]);

#endif
