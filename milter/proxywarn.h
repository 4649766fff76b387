/* Does the MTA see the real clients? When most of them in an hour come from one private
 * address, it sees a proxy or a NAT gateway, and every verdict is about that.
 *
 * Constant memory: the address is found by counting in a few slots (Misra and Gries 1982),
 * which never counts more than was there. May be called on any thread.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_PROXYWARN_H
#define IPREV_PROXYWARN_H

#include "judge/helo.h"

#include <pthread.h>

#define PROXYWARN_HOUR_MS 3600000
#define PROXYWARN_MIN     100 /* clients in the hour, before anything is said */
#define PROXYWARN_SLOTS   4

struct proxywarn {
    pthread_mutex_t lock;
    int64_t begun; /* the hour */
    unsigned clients;
    bool told;
    struct {
        struct addr addr;
        unsigned count;
        uint64_t helo; /* the last that was said */
    } slot[PROXYWARN_SLOTS];
};

#define PROXYWARN_START                                                                            \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }

struct proxywarn_client {
    struct addr addr;
    bool expected; /* the settings exempt it: counts only when it says another HELO than before */
    uint64_t helo; /* hash of a foreign host name; 0: none */
};

struct proxywarn_notice {
    struct addr addr;
    unsigned clients; /* from it, at least */
    unsigned all;
};

/* Counts a client that sends mail. now: milliseconds of a monotonic clock. True, and
 * *out filled, when the administrator must be told: once an hour at most. */
bool proxywarn_count(struct proxywarn *w, const struct proxywarn_client *c, int64_t now,
                     struct proxywarn_notice *out);

/* Counts a client of this process, and logs what is wrong and what to set. expected: as
 * above. */
void proxywarn_watch(const struct addr *client, bool expected, const struct helo *helo,
                     const struct self *self);

#endif
