/* The clients of a log, each with what became of its messages.
 *
 * One entry for each pair of address and HELO, at most CLIENT_HELOS pairs for an
 * address; most MTA lines do not show the HELO, so each address also has an entry
 * without one. Where rules name recipients, a pair has more entries: one for each set of kinds of
 * recipients (audience.h). Memory grows with distinct clients, not with messages.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CLIENTS_H
#define IPREV_CLIENTS_H

#include "conf/settings.h"
#include "value/checked.h"

#define CLIENT_HELOS    8
#define CLIENT_HELO_MAX 256 /* octets kept: one more than is judged */
#define CLIENT_SETS     16  /* sets of kinds of recipients; of more the last one counts */
#define TIMELINE        32

/* What became of a message. */
enum outcome_kind {
    OUT_DELIVERED, /* and no filter called it spam */
    OUT_SPAM,      /* accepted, and called spam */
    OUT_OTHER,     /* accepted, but bounced, put off, or its end is not in the log */
    OUT_MTA,       /* refused for good: by the mail server itself, */
    OUT_DNSBL,     /* by a block list it asked, */
    OUT_MILTER,    /* by another Milter */
    OUT_OWN,       /* refused by iprev-milter, for good or for now */
    OUT_LATER,     /* refused for now by others (greylisting and its like) */
    OUT_AUTH,      /* of an authenticated client, which the policy exempts */
    OUT_SPARED,    /* to a recipient that the policy exempts */
    OUT_COUNT
};

#define OUT_ACCEPTED_LAST OUT_OTHER
#define OUT_REFUSED_LAST  OUT_LATER

/* What our own records say about messages. */
enum own_kind { OWN_ACCEPTED, OWN_REFUSED, OWN_AUTH, OWN_SPARED, OWN_COUNT };

/* What the policy does: the actions, and two more. */
enum { FATE_EXEMPT = ACTION_REJECT + 1, FATE_UNKNOWN, FATE_COUNT };

enum { REFUSES_FOR_GOOD = 1, REFUSES_FOR_NOW = 2 };

/* A judgement of one policy. */
struct fate {
    uint8_t kind; /* enum action, FATE_EXEMPT or FATE_UNKNOWN */
    int8_t rule;  /* of its settings; -1: none */
};

/* Days since 1970 of the first and the last delivered message; last 0: none with a stamp. */
struct client_days {
    int32_t first, last;
};

/* What each line of the log reads comes first. */
struct client {
    struct addr addr;
    uint16_t helo_len;
    bool senders_more; /* it named more sender domains than are kept */
    uint8_t helos;     /* of the entry of the address without HELO: how many others it has */
    bool judged;
    bool gone;                      /* its counts were moved to another entry, */
    char *helo;                     /* CLIENT_HELO_MAX octets at most; NULL: not known */
    uint32_t base;                  /* the entry of the address without HELO: */
    uint32_t sender;                /* - hash of the sender domain that it named last */
    struct client_senders *senders; /* - NULL: none seen */
    uint32_t other;                 /* the next entry of the same pair, with another set; 0: end */
    uint32_t to;                    /* set of kinds of recipients, bit 0: all rules apply */
    struct client_days days;        /* delivered */
    uint32_t count[OUT_COUNT];
    uint32_t when[TIMELINE]; /* messages that the policy decides about */
    uint32_t into;           /* if it is gone: the other entry */
    uint32_t next;           /* entries of the same address, from the one without HELO; 0: end */
    uint8_t refuses;         /* of the entry without HELO: how iprev-milter refused it since it last
                              * accepted it, REFUSES_... */
    bool passed;             /* - our last record before `since` said iprev-pass, */
    bool turned;             /* - or told of a refusal */
    struct client_days passed_days; /* - our own records that make a client known */
    uint8_t known; /* of any entry: enum remembered, as the last of our own records says */
    bool recorded; /* there is one */
    bool first;    /* of its pair: clients_get finds it */
    bool logged;   /* found and ptr come from our own records, until it is judged */
    bool broken;   /* passed then, and fails now */
    uint32_t own[OWN_COUNT]; /* our own records */
    uint32_t own_when[TIMELINE];
    struct client_days own_days; /* accepted by our own records */
    uint32_t put_off;            /* tries for a recipient that the greylist puts off; of them */
    uint32_t firsts;             /* those that are the first, */
    uint32_t came_back;          /* and that came back in time */
    findings found;
    uint8_t result, cause; /* enum finding */
    struct fate fate, against;
    struct fate soon; /* in ENDS_SOON, when lines of exempt lists have ended */
    bool spared;      /* only exempt.hosts or exempt.lists keep it from being refused or put off */
    bool forgotten;   /* whether it is known mattered, and is not in the log */
    int8_t trial;     /* the rule on trial that would have decided otherwise; -1: none */
    char *ptr;        /* host name, or NULL */
    char *why;        /* of its shape, or NULL */
};

#define ENDS_SOON (14 * 86400) /* a line of an exempt list that ends within this time */

#define SENDERS_MAX 3

/* Domains of the senders that an address named, in lower case; "" is the null sender. */
struct client_senders {
    char *domain[SENDERS_MAX];
};

struct clients {
    struct client *list; /* entry 0 is not used */
    uint32_t n, cap;
    uint32_t *slot; /* hash table of indices; 0: free */
    uint32_t slots;
    struct hash_key key; /* clients choose addresses and names, but shall not choose slots */
    /* timeline: buckets first..first + TIMELINE - 1 of `width` seconds */
    int64_t width, first, last;
    unsigned step;
    bool failed; /* out of memory: what came later is not counted */
};

MUST_CHECK bool clients_init(struct clients *c);
void clients_free(struct clients *c);

/* The entry of the pair, made if need be; helo NULL: not known. 0 without memory. */
uint32_t clients_get(struct clients *c, const struct addr *addr, const char *helo, size_t n);

/* It will be asked for soon: its memory is fetched meanwhile. */
void clients_soon(const struct clients *c, const struct addr *addr);

/* The entry of the same pair for this set of kinds of recipients (0: that of bit 0), made if need
 * be. i: the first entry of the pair, as clients_get gives it. */
uint32_t clients_for(struct clients *c, uint32_t i, uint32_t to);

/* A new entry like entry i, with its counts: for another decision about the same messages. 0
 * without memory. */
uint32_t clients_split(struct clients *c, uint32_t i);

/* The counts of entry `from` go to entry `to`. */
void clients_merge(struct clients *c, uint32_t to, uint32_t from);

/* Counts n messages. at: seconds since 1970, or 0. */
void clients_add(struct clients *c, uint32_t i, enum outcome_kind o, int64_t at, uint32_t n);

/* The day of a time, in the count of client_days; at 0: none. */
void client_day_add(struct client_days *d, int64_t at);

/* The address of the entry has named a sender with this domain. hash: of the domain, not 0. */
void clients_add_sender(struct clients *c, uint32_t i, const char *domain, uint32_t hash);

/* Counts n of our own records. */
void clients_add_own(struct clients *c, uint32_t i, enum own_kind kind, int64_t at, uint32_t n);

/* A message that was counted has become something else; both are accepted. Before
 * clients_settle. */
void clients_move(struct clients *c, uint32_t i, enum outcome_kind from, enum outcome_kind to);

void client_days_add(struct client_days *d, const struct client_days *more);

/* After the last line: messages without a known HELO go to the HELO that the client used most;
 * our own records count for clients without a line of the MTA. */
void clients_settle(struct clients *c);

/* Without memory there is no text. "" and the root: none. */
void client_keep(char **kept, const char *text);
void client_keep_ptr(struct client *k, const struct dname *name);

uint64_t client_messages(const struct client *k);
uint64_t client_accepted(const struct client *k); /* delivered, spam and other */
uint64_t client_refused(const struct client *k);  /* by anybody, for good or for now */

/* Start of a bucket of the timeline, seconds since 1970. */
int64_t clients_bucket(const struct clients *c, unsigned i);

#endif
