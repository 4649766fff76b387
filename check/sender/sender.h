/* HOST and self, see commands.h: is this mail server's name in order, and what is to fix?
 *
 * Every address is judged as a client of its own; then the name servers of the reverse zones and of
 * the names are asked beside the resolver. struct sender has all that text, page and JSON show.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_H
#define IPREV_SENDER_H

#include "check/commands.h"
#include "check/explain/run.h"
#include "check/sender/companions.h"
#include "check/sender/looks.h"
#include "check/sender/mta.h"
#include "check/sender/probe.h"
#include "check/sender/refused.h"

#define PROBLEMS_MAX 64
#define FIXES_SHOWN  64
#define PROBLEM_TEXT 1024
#define EGRESS_MAX   QUESTION_ADDRS_MAX
#define EGRESS_NAMES (TRANSPORTS_MAX * 66)
#define NOTES_MAX    16

/* An address that mail comes from, and the HELO name that goes with it. One address has several
 * when transports say different names. */
struct egress {
    struct addr addr;
    bool temporary;                /* IPv6 of this machine: it changes by itself (RFC 8981) */
    const char *helo;              /* NULL: none is known */
    char transports[EGRESS_NAMES]; /* of the mail server here: "smtp, relay"; "": not known */
    /* what was found */
    bool checked; /* false: private, or in exempt.networks */
    enum action action;
    enum finding result, cause;
    struct dname ptr;   /* the PTR name judged; the root: none */
    struct links links; /* the chain, link by link, with what to fix */
    struct probe probe;
};

/* What was found, of all addresses. */
struct sender {
    struct run run;
    const struct sender_options *options;
    json_t *old;             /* the report to compare with; or NULL */
    const char *host;        /* as text */
    struct refused *refused; /* of the command refused; or NULL */
    struct mta mta;          /* of self */
    unsigned egresses;
    struct egress egress[EGRESS_MAX];
    unsigned at; /* the egress that is being judged */
    struct looks looks;
    struct companions companions;
    bool probed; /* each egress has its probe */
    bool ticket; /* only the text to the owner is wanted */
    bool broken; /* there is something to fix, not only something that DNS did not tell */
    unsigned notes, problems, fixes;
    char note[NOTES_MAX][PROBLEM_TEXT];       /* nothing to fix, but to know: one sentence each */
    char problem[PROBLEMS_MAX][PROBLEM_TEXT]; /* of the chains: one sentence each */
    struct fix fix[FIXES_SHOWN];              /* in the right order */
};

#define EXIT_TO_FIX 1

/* ---- a run ---- */

struct sender_options;

/* NULL with the exit code in *code. */
MUST_CHECK struct sender *sender_begin(const struct settings *s, const struct sender_options *o,
                                       int *code);

/* Mail may come from these addresses, with this HELO; NULL: none is known. */
void sender_egresses(struct sender *x, const struct addr *list, unsigned n, const char *helo);

/* Judges all, asks the name servers, prints, and frees x. Returns the exit code. */
int sender_report(struct sender *x);

/* ---- what was found ---- */

void sender_problem(struct sender *x, const char *who, const char *what, const char *text);

/* Nothing to fix, but to know. */
void sender_note(struct sender *x, const char *text);

/* For struct run: the egress that is being judged. arg is a struct sender. */
void sender_explained(void *arg, const struct explanation *e);

/* What to fix, when all are judged. */
void sender_collect_fixes(struct sender *x);

/* What the name servers have though the resolver does not know it yet is no longer to fix. */
void sender_drop_published(struct sender *x);

/* ---- how it is shown ---- */

/* details: what was written about each address. */
void sender_text(const struct sender *x, const char *details);

/* --ticket: what the owner of the addresses should do, as a text to send, one for each owner; what
 * comes first, or is in the way, goes to err. now: seconds since 1970. */
void sender_ticket(const struct sender *x, FILE *out, FILE *err, int64_t now);

json_t *sender_json(const struct sender *x);

/* Before any work: can the page be written and the old report be read? False with the reason on
 * standard error and the exit code in x->run.code, when not. */
bool sender_output_ready(struct sender *x);

/* As text or JSON, or what has changed, and as a page. Sets x->run.code where this decides it. */
void sender_output(struct sender *x, const char *details);

/* The page of a report. False, with the reason on standard error, when it is not written. */
MUST_CHECK bool sender_write_page(const json_t *report, const char *file);

#endif
