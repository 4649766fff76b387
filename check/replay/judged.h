/* The report of a replay: clients of a log judged by one policy, or two.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_JUDGED_H
#define IPREV_JUDGED_H

#include "check/replay/tally.h"
#include "outcome/verdict.h"

struct judged_sum {
    uint64_t clients;
    uint64_t count[OUT_COUNT];
};

/* A list of clients by index, most telling first. */
struct judged_list {
    uint32_t n;
    uint32_t *at;
};

enum list_kind {
    LIST_LOST,    /* refused by the policy, but delivered: perhaps wrongly */
    LIST_CAUGHT,  /* refused by the policy, none of their mail was delivered */
    LIST_BROKEN,  /* passed before the time of a digest, and fail now */
    LIST_NEWLY,   /* LIST_LOST without those, and without clients that were refused before */
    LIST_WAITING, /* delivered, would be put off, did not come back; not those of before either */
    LIST_SPARED,  /* would be refused or put off, but for exempt.hosts or exempt.lists */
    LIST_PUT_OFF, /* the greylist's: those that delivered mail and did not come back first */
    LIST_TAGGED,  /* tagged or quarantined */
    LIST_CHANGED, /* fate differs between the policies */
    LIST_ALL,
    LIST_COUNT
};

struct judged {
    const struct settings *settings, *against; /* against: NULL without comparison */
    bool no_dns;                               /* judged by what our own records say */
    struct tally *tally;
    bool mixed; /* some message ends in several decisions, and counts once for each */
    uint64_t octets;
    unsigned files, unread;      /* given; of these not read to their end */
    uint64_t clients, addresses; /* pairs of address and HELO with messages; addresses of them */
    uint64_t refused_addresses;  /* of which the policy refuses a pair */
    uint64_t temperror;          /* clients without a DNS answer now */
    struct grey_sum grey;
    uint64_t forgotten; /* clients of which the log does not say whether memory knows them */
    struct judged_sum fate[FATE_COUNT];
    struct judged_sum rule[RULES_MAX];
    struct judged_sum word[F_COUNT];         /* clients with that finding */
    uint64_t change[FATE_COUNT][FATE_COUNT]; /* messages, [against][settings] */
    uint64_t buckets[TIMELINE][FATE_COUNT];
    struct judged_list list[LIST_COUNT];
};

/* Looks the clients up, or takes their logged findings, and judges them. False, with the reason on
 * standard error, when that cannot be done. */
bool judged_make(struct judged *j, int64_t now);
void judged_free(struct judged *j);

/* Its first step: a fate for each entry with messages. */
bool judge_clients(struct judged *j, int64_t now);

bool fate_refuses(unsigned kind);

/* Kinds from the hardest to none. */
extern const unsigned char fate_order[FATE_COUNT];

const char *fate_word(unsigned kind); /* action words, "exempt", "unknown" */
const char *outcome_word(enum outcome_kind o);

/* The messages that the policy decides about: not of authenticated clients, not to exempt
 * recipients. */
uint64_t client_judged(const struct client *k);

/* What became of messages from..to, both included. */
uint64_t sum_of(const struct judged_sum *s, enum outcome_kind from, enum outcome_kind to);
uint64_t sum_messages(const struct judged_sum *s);

#endif
