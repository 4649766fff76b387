/* One judged client on one line: the X-IPRev field, and the log line.
 *
 * What is written can be read back (iprev-check replay, tests). Values
 * are made visible, so no input can forge a field.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_RECORD_H
#define IPREV_RECORD_H

#include "judge/policy.h"
#include "value/checked.h"
#include "value/dname.h"

#define RECORD_HEADER_MAX 2048
#define RECORD_LOG_MAX    4096 /* every record fits, whatever its texts hold */

/* What memory had to say to a decision. */
enum record_memory {
    RECORD_NO_MEMORY, /* it was not asked, or does not know the client */
    RECORD_NEW,       /* put off: a first try, */
    RECORD_EARLY,     /* or one before the delay was over */
    RECORD_PASSED,    /* the greylist let it through */
    RECORD_KNOWN,     /* the client is known */
    RECORD_UNAVAILABLE,
};

struct record {
    findings found;
    struct addr client;
    struct dname ptr;  /* root: none to show */
    struct dname helo; /* root: none that is a host name */
    enum action action;
    bool enforce;              /* mode=enforce; else mode=monitor */
    char rule[RULE_NAME_MAX];  /* the rule that decided; empty: none */
    char why[128];             /* reason for the name shape; empty: none */
    enum record_memory memory; /* only in the log */
    bool trial;                /* only in the log: of a rule on trial, beside the decision */
    struct addr relay;         /* that named the client, ADDR_NONE: none; only in the log */
};

/* Value of X-IPRev (design of the field: see iprev-milter(8)):
 *   fail; ip=192.0.2.1; ptr=host.example.net; helo=mail.example.com;
 *   <LF TAB>findings=iprev-fail,...; rule=forged; action=reject; mode=monitor
 * ptr and helo are `-` unless host names. findings always begins a new line;
 * other lines longer than 110 characters are folded between fields. When the shape is
 * generic or provider, a last line says why the name is called so: name-why="address 192.0.2.1 in
 * the name, access word dsl". */
void record_put_header(struct sbuf *sb, const struct record *r);

/* What only the log tells. NULL: left out. A text longer than the log shows
 * is cut there and ends in `\...`. */
struct record_log {
    const char *helo_raw; /* the argument as it came; made visible as helo= */
    size_t helo_raw_len;
    unsigned questions; /* DNS questions asked for this client */
    unsigned dns_ms;    /* from first question to last answer */
    unsigned wait_ms;   /* that the MTA was kept waiting */
    const char *qid;
    const char *from_mta; /* the MTA's own view, when it differs */
    const char *stage;    /* connect, helo, mail, rcpt, eom; trial */
};

/* client= ptr= helo= findings= rule= action= mode= memory= dns=QUESTIONS/MS wait=MS
 * qid= from-mta= stage= relay= exempt-line= name-why="..."; l may be NULL. exempt-line= stands
 * beside every action but accept and tag: the line of an exempt list that lets this client through.
 * Printable ASCII on one line, no LF. */
void record_put_log(struct sbuf *sb, const struct record *r, const struct record_log *l);
/* Reads the fields of record from a line, from client= on: what a log service
 * puts before it and unknown keys are skipped. All but memory, relay and name-why must be there,
 * once. */
MUST_CHECK bool record_read_log(struct record *r, const char *s, size_t n);

/* Undoes sbuf_visible: how many octets it put, at most cap. What is not of that form stays as it
 * is, and *clean, if wanted, is false then. */
size_t record_unshow(char *out, size_t cap, const char *s, size_t n, bool *clean);

#endif
