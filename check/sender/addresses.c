/* The addresses of a sender: see addresses.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/addresses.h"

#include "dns/inquiry.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static int by_address(const void *a, const void *b)
{
    return addr_compare(a, b);
}

unsigned addresses_of_host(struct run *r, const struct dname *host,
                           struct addr list[QUESTION_ADDRS_MAX], bool *transient)
{
    static const uint8_t zero[16];
    int64_t deadline = resolver_now() + r->settings->resolver.deadline_ms;
    struct lookup *l[2];
    unsigned i, n;

    for (i = 0; i < 2; i++) {
        struct addr any = addr_from_bytes(i == 0 ? ADDR_IPV4 : ADDR_IPV6, zero);

        l[i] = resolver_ask_helo(r->resolver, &any, host, deadline, NULL);
    }
    *transient = false;
    for (i = 0; i < 2; i++) {
        lookup_wait(l[i], deadline + INQUIRY_SLACK_MS);
        *transient |= !lookup_done(l[i]) || name_state_open(lookup_forward(l[i]));
        lookup_release(l[i]);
    }
    pthread_mutex_lock(&r->questions->lock);
    n = r->questions->addrs;
    memcpy(list, r->questions->addr, n * sizeof *list);
    if (r->questions->addrs_capped)
        fprintf(stderr,
                "iprev-check: the host has more than %u addresses; the others are not looked at\n",
                n);
    pthread_mutex_unlock(&r->questions->lock);
    qsort(list, n, sizeof *list, by_address);
    return n;
}

static bool interface_address(const struct ifaddrs *i, struct addr *a)
{
    *a = (struct addr){.family = ADDR_NONE};
    if (i->ifa_addr == NULL || !(i->ifa_flags & IFF_UP))
        return false;
    if (i->ifa_addr->sa_family == AF_INET)
        *a = addr_from_bytes(ADDR_IPV4,
                             &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr);
    if (i->ifa_addr->sa_family == AF_INET6)
        *a = addr_from_bytes(ADDR_IPV6,
                             &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr);
    return a->family != ADDR_NONE && !addr_is_private(a);
}

unsigned addresses_of_self(struct addr list[QUESTION_ADDRS_MAX])
{
    struct ifaddrs *all = NULL;
    const struct ifaddrs *i;
    unsigned n = 0, k;

    if (getifaddrs(&all) != 0)
        return 0;
    for (i = all; i != NULL && n < QUESTION_ADDRS_MAX; i = i->ifa_next) {
        if (!interface_address(i, &list[n]))
            continue;
        for (k = 0; k < n && !addr_equal(&list[k], &list[n]); k++)
            ;
        n += k == n;
    }
    freeifaddrs(all);
    qsort(list, n, sizeof *list, by_address);
    return n;
}
