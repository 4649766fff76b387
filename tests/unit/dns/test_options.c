/* resolve: a libunbound that does not know an option.
 *
 * The library is stood in front of for one call only: ub_ctx_set_option, which answers as
 * another version would, and else is the real one.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include <dlfcn.h>

#include "tests/unit/dns/dns_shared.h"

#include <unbound.h>

static const char *unknown_option; /* this one is refused; NULL: none */
static char seen[64][40];          /* all that were set */
static unsigned options_seen;

int ub_ctx_set_option(struct ub_ctx *ctx, const char *opt, const char *val)
{
    static int (*real)(struct ub_ctx *, const char *, const char *);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "ub_ctx_set_option");
    if (unknown_option != NULL && strcmp(opt, unknown_option) == 0)
        return UB_SYNTAX;
    if (unknown_option == NULL && options_seen < 64)
        snprintf(seen[options_seen++], sizeof seen[0], "%s", opt);
    return real(ctx, opt, val);
}

/* Starts a resolver; does it come up, and does it answer? */
static bool starts(const struct resolver_settings *s, char *err, size_t errlen)
{
    struct resolver *r = resolver_start(s, NULL, err, errlen);
    struct lookup *l;
    bool good;

    if (r == NULL)
        return false;
    l = ask_client(r, "192.0.2.1", 2000);
    good = lookup_done(l) && lookup_chain(l)->result == F_IPREV_PASS;
    lookup_release(l);
    resolver_release(r);
    cr_expect(resolver_wait_ended(5000));
    return good;
}

Test(resolve, E30_options_that_a_library_may_lack)
{
    static const char *const required[] = {
        "module-config:", "outgoing-range:", "unblock-lan-zones:", "insecure-lan-zones:"};
    static const struct dns_row rows[] = {
        {"1.2.0.192.in-addr.arpa", RR_PTR, "mail.good.example", .ttl = 300},
        {"mail.good.example", RR_A, "192.0.2.1", .ttl = 300},
    };
    struct dns_server *v = DNS_START(rows);
    char *forward[] = {v->address};
    struct resolver_settings s = {.forwards = 1,
                                  .forward = forward,
                                  .deadline_ms = 2000,
                                  .helo = true,
                                  .threads = 1,
                                  .max_inflight = 100,
                                  .cache = 10};
    char err[512] = "";
    unsigned i, k;

    cr_assert(starts(&s, err, sizeof err), "%s", err);
    cr_assert(options_seen > 8);
    for (i = 0; i < options_seen; i++) {
        bool must = false;

        unknown_option = seen[i];
        for (k = 0; k < sizeof required / sizeof required[0]; k++)
            must |= strcmp(seen[i], required[k]) == 0;
        err[0] = '\0';
        cr_expect(starts(&s, err, sizeof err) == !must, "%s", seen[i]);
        if (must)
            cr_expect(strstr(err, seen[i]) != NULL, "%s does not name %s", err, seen[i]);
    }
    unknown_option = NULL;
    dns_stop(v);
}
