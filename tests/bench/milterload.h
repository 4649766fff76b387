/* milterload's parts: what one session of an MTA with a filter is made of.
 *
 * Inner header of milterload*.c. One thread, no locks; times are nanoseconds of
 * the monotonic clock.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef MILTERLOAD_H
#define MILTERLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- clients ---- */

struct client {
    char ip[46];
    char helo[256];
    char expect[48]; /* what may come of it, with commas between; empty: anything */
    bool v6;
};

/* Sequential from `base`, `count` different ones (0: no end). In the HELO template
 * `#` becomes the number of the address: its last 32 bits, with a key mixed in so that
 * the name does not hold the address. */
bool clients_sequence(const char *base, uint64_t count, const char *helo);
/* Lines of address, HELO name and, if wanted, what may come of it: `reject`, `tempfail`,
 * `none` (let in without a field), or the result that the field tells, such as `pass`. */
bool clients_file(const char *path);
void clients_next(struct client *out);

/* ---- statistics ---- */

/* The steps of a session, in order; SUM is all waits of a session together. */
enum step { S_NEGOTIATE, S_CONNECT, S_HELO, S_MAIL, S_RCPT, S_DATA, S_EOM, S_SUM, STEPS };

#define BUCKETS (64 * 40)

struct histogram {
    uint64_t n, max, bucket[BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);
double histogram_ms(const struct histogram *h, double quantile);

struct stats {
    uint64_t opened, done, broken, timeouts, connect_errors, protocol_errors;
    uint64_t accepted, tempfail, reject, inserted, inserted_bytes, changed;
    uint64_t pass, fail, permerror, temperror, none; /* iprev= of the field inserted */
    uint64_t wrong; /* came out as the client's line does not allow */
    struct histogram step[STEPS];
    uint64_t first_ns, last_ns; /* of the measured part */
};

extern struct stats stats;

/* The filter's processes. */
#define PIDS_MAX 64

struct process_stats {
    double cpu_s;
    uint64_t rss_kib, rss_peak_kib;
    unsigned threads;
};

bool processes_add(const char *list); /* "PID[,PID...]", -1 on a bad one */
unsigned processes_count(void);
void processes_read(struct process_stats *out);

void stats_print(const char *label, const struct process_stats *before,
                 const struct process_stats *after, uint64_t rss_idle_kib);

uint64_t now_ns(void);

/* ---- the wire ---- */

struct buffer {
    uint8_t *data;
    size_t len, cap;
};

void buffer_add(struct buffer *b, const void *p, size_t n);

struct mail {
    unsigned headers, body;
};

/* What a filter asked away, and which macros it wants. */
struct terms {
    uint32_t protocol;
    uint32_t macros[7]; /* bit set of the macro table, per stage */
    bool macros_given[7];
};

void wire_negotiate(struct buffer *out);
/* Adds packets of a step up to the first that owes a reply; false when none does.
 * *part starts at 0; wire_step_over tells when the step is complete. */
bool wire_step(struct buffer *out, enum step step, unsigned *part, const struct terms *t,
               const struct client *c, const struct mail *mail);
bool wire_step_over(enum step step, unsigned part, const struct mail *mail);
void wire_quit(struct buffer *out, bool abort);

enum reply {
    REPLY_MORE,   /* the packet is not there yet */
    REPLY_CHANGE, /* a change of the message, or progress: the verdict follows */
    REPLY_GO,     /* continue */
    REPLY_ACCEPT, /* no more of this connection or message */
    REPLY_REFUSE, /* counted in stats */
    REPLY_TERMS,  /* negotiated */
    REPLY_GARBAGE
};

/* What the packet read last says of the client: the result in the field put in, `reject`,
 * `tempfail`, or NULL. */
extern const char *wire_outcome;

/* Reads one packet at p[0..n); *used is its length. */
enum reply wire_read(const uint8_t *p, size_t n, size_t *used, struct terms *t);

#endif
