/* The commands of iprev-check. Each prints to standard output, or to out, and returns the exit
 * code; 70 or 78 when the resolver cannot start.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_COMMANDS_H
#define IPREV_COMMANDS_H

#include "conf/settings.h"

/* IP [HELO]: one client link by link, judged by the daemon's own code. 0 accepted or tagged, 1
 * tempfail or reject, 75 when DNS gave no answer. */
struct explain_options {
    bool json;
    const char *helo; /* NULL: none given */
};

int explain_client(const struct settings *s, const struct addr *client,
                   const struct explain_options *o);

#define ADDRESSES_MAX 32 /* that can be given */

struct sender_options {
    bool json;
    bool probe;          /* ask port 25 of each address what it calls itself */
    bool ticket;         /* print only the text for the owner of the addresses */
    const char *helo;    /* NULL: the host's own name, what the mail server here says */
    const char *html;    /* file of the page, or NULL; see outfile.h */
    const char *compare; /* file with an earlier report of --json, or NULL */
    unsigned addrs;      /* public addresses of this machine, instead of its interfaces' */
    struct addr addr[ADDRESSES_MAX];
};

/* Every address of the host, IPv4 and IPv6, each as a client of its own, and what the name servers
 * of its zones say. 0 in order, 1 something to fix, 73 when the page cannot be written, 75 when DNS
 * gave no answer; the worst counts (1, 75, 0). With compare only what has changed is printed: 0
 * nothing, 1 something, 65 and 66 for a file that is no such report or cannot be read. */
int sender_host(const struct settings *s, const struct dname *host, const struct sender_options *o);

/* The same for one address. */
int sender_address(const struct settings *s, const struct addr *client,
                   const struct sender_options *o);

/* The same for every public address that mail of this machine comes from, with the HELO that
 * Postfix or Sendmail say over it. 69 when it has none; 0 when all mail goes through a relay.
 * Networks of Postfix's mynetworks that are not exempt are noted on standard error. */
int sender_self(const struct settings *s, const struct sender_options *o);

/* Which receivers refused or deferred mail because of this server's name, by its own delivery logs ("-":
 * standard input), and the same about the addresses that they name and this machine's. 0 when there
 * is none or all is in order, 65 when no line is of a known log, 66 when a log cannot be read. */
int sender_refused(const struct settings *s, const struct sender_options *o, int logs, char **log);

/* Reads `ip[TAB]helo` lines of a file ("-": standard input), writes for each, in order, a record as
 * iprev-milter logs it, or a JSON object. A bad line gets `line=N error="..."` in its place, and is
 * reported on standard error. 0, 65 when lines were bad, 66 when the list cannot be read to its
 * end. */
int batch(const struct settings *s, char *file, FILE *out, bool json);

/* Reads `ip<TAB>name` lines, writes `name<TAB>generic|named|provider<TAB>why` for each, in order,
 * without DNS. A line that cannot be judged gets `-` for the shape and says why. 0, 1 when there
 * were such lines, which are counted on standard error, 66 when the list cannot be read to its
 * end. */
int classify(const char *file, FILE *out, const struct shape_lists *shapes);

/* What the filter remembers: counts, or of one client, which may be forgotten. 0, 1 when nothing is
 * remembered of the client, 75 when the store cannot be asked, 78 when the configuration names
 * none. As root it becomes the user of the daemon first. */
int recall(const struct settings *s, const struct addr *client, bool forget, bool json);

struct replay_options {
    bool json, no_dns;
    bool digest;      /* only what is new since `since`, which is 7 days ago when it is not given */
    const char *html; /* file of the page, or NULL; see outfile.h */
    const char *against;       /* another configuration, or NULL */
    unsigned top;              /* clients in a list of the text */
    const char *since, *until; /* YYYY-MM-DD[THH:MM], or "7d" ago; NULL: all */
    const char *write_exempt;  /* an exempt list that gets the clients to exempt, or NULL */
    unsigned min_messages;     /* of a client that is to be exempted */
    bool no_verdicts;          /* it may be written without a spam verdict in the logs */
};

/* What a policy would have done to the mail of logs ("-": standard input; gzip is seen by its first
 * octets): each client is looked up once. Logs that are files are read, and put, in the order of
 * their first stamps. 0, 65 when no line is of a known log, 66 when a log cannot be read, 73 when
 * the page or the exempt list cannot be written, 78 for a fault in `against` or in the exempt
 * list. */
int replay(const struct settings *s, const struct replay_options *o, int logs, char **log);

#endif
