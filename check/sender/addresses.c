/* The addresses of a sender: see addresses.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/addresses.h"

#include "dns/inquiry.h"

#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* ---- flags of IPv6 addresses, which getifaddrs does not tell ---- */

/* IPv6 addresses of this machine that have one of these flags. */
struct flagged {
    uint32_t flags;
    unsigned n;
    struct addr addr[QUESTION_ADDRS_MAX];
};

/* The kernel's macros want pointers to what may change. */
static void take_address(struct flagged *f, struct nlmsghdr *h)
{
    struct ifaddrmsg *m = NLMSG_DATA(h);
    struct rtattr *a = IFA_RTA(m);
    unsigned left = (unsigned)IFA_PAYLOAD(h);
    uint32_t flags = m->ifa_flags;
    struct addr addr = {.family = ADDR_NONE};

    for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == IFA_ADDRESS && RTA_PAYLOAD(a) == 16)
            addr = addr_from_bytes(ADDR_IPV6, RTA_DATA(a));
        if (a->rta_type == IFA_FLAGS && RTA_PAYLOAD(a) == sizeof flags)
            memcpy(&flags, RTA_DATA(a), sizeof flags);
    }
    if (addr.family != ADDR_NONE && flags & f->flags && f->n < QUESTION_ADDRS_MAX)
        f->addr[f->n++] = addr;
}

/* False at the end of the list. */
static bool take_part(struct flagged *f, void *part, size_t n)
{
    struct nlmsghdr *h;

    for (h = part; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
        if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
            return false;
        if (h->nlmsg_type == RTM_NEWADDR)
            take_address(f, h);
    }
    return true;
}

/* Without an answer of the kernel, none. */
static void find_flagged(struct flagged *f, uint32_t flags)
{
    struct {
        struct nlmsghdr head;
        struct ifaddrmsg body;
    } ask = {{.nlmsg_len = sizeof ask,
              .nlmsg_type = RTM_GETADDR,
              .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
             {.ifa_family = AF_INET6}};
    _Alignas(struct nlmsghdr) char part[32768];
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    ssize_t n;

    memset(f, 0, sizeof *f);
    f->flags = flags;
    if (fd < 0)
        return;
    if (send(fd, &ask, sizeof ask, 0) == sizeof ask)
        while ((n = recv(fd, part, sizeof part, 0)) > 0 && take_part(f, part, (size_t)n))
            ;
    close(fd);
}

static bool is_among(const struct addr *a, const struct addr *list, unsigned n)
{
    unsigned i = 0;

    while (i < n && !addr_equal(&list[i], a))
        i++;
    return i < n;
}

unsigned addresses_temporary(struct addr list[QUESTION_ADDRS_MAX], unsigned n)
{
    struct flagged f;
    unsigned i, kept = 0;

    find_flagged(&f, IFA_F_TEMPORARY);
    for (i = 0; i < n; i++)
        if (is_among(&list[i], f.addr, f.n))
            list[kept++] = list[i];
    return kept;
}

unsigned addresses_of_self(struct addr list[QUESTION_ADDRS_MAX])
{
    struct ifaddrs *all = NULL;
    const struct ifaddrs *i;
    struct flagged unused;
    unsigned n = 0;

    if (getifaddrs(&all) != 0)
        return 0;
    find_flagged(&unused, IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED);
    for (i = all; i != NULL && n < QUESTION_ADDRS_MAX; i = i->ifa_next)
        n += interface_address(i, &list[n]) && !is_among(&list[n], list, n) &&
             !is_among(&list[n], unused.addr, unused.n);
    freeifaddrs(all);
    qsort(list, n, sizeof *list, by_address);
    return n;
}
