/* iprev-check IP [HELO], HOST and self: clients link by link.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_EXPLAIN_H
#define IPREV_EXPLAIN_H

#include "check/explain/links.h"
#include "check/term.h"
#include "conf/settings.h"
#include "dns/inquiry.h"

#include <jansson.h>

/* All that is known of one client. */
struct explanation {
    const struct settings *settings;
    const char *id; /* authserv-id */
    struct inquiry inquiry;
    struct facts facts;
    struct verdict verdict;
    struct links links;
    struct questions *questions;
    const char *helo; /* as given; NULL: none */
};

struct explain_options {
    bool json;
    const char *helo; /* NULL: none given; for a host: its own name */
};

/* Each asks, judges with the daemon's own code and prints to standard output. Returns the
 * exit code: 0 accepted or tagged, 1 tempfail or reject, 75 when DNS did not tell, 70 or
 * 78 when the resolver cannot start. Of several clients the worst counts
 * (1, 75, 0). */
int explain_client(const struct settings *s, const struct addr *client,
                   const struct explain_options *o);

/* Every address of the host, IPv4 and IPv6, each as a client of its own. */
int explain_host(const struct settings *s, const struct dname *host,
                 const struct explain_options *o);

/* Every public address of this machine. 69 when it has none. */
int explain_self(const struct settings *s, const struct explain_options *o);

/* ---- inside ---- */

int explain_code(const struct verdict *v);

/* "secure", "insecure", "bogus"; "unchecked" without a trust anchor, "unknown" without an answer.
 */
const char *explain_dnssec(const struct explanation *e, const struct question *q);
void explain_text(const struct explanation *e, const struct term *t);
json_t *explain_json(const struct explanation *e);

/* The judgement itself, for batch too: findings, names, rule, action, mode. */
json_t *verdict_json(const struct verdict *v);
json_t *json_findings(findings found);

#endif
