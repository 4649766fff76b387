/* resolve: what libunbound is told, and one that does not know an option.
 *
 * The library is stood in front of for two calls only: ub_ctx_set_option, which answers as
 * another version would, and ub_ctx_set_fwd. Else they are the real ones.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include <dlfcn.h>

#include "dns/context.h"
#include "tests/unit/dns/dns_shared.h"

#include <event2/event.h>
#include <unbound.h>

static const char *unknown_option; /* this one is refused; NULL: none */
static char seen[64][40];          /* all that were set */
static char value_of[64][40];      /* to these */
static unsigned options_seen;
static char servers[512]; /* that were set, a space behind each */

int ub_ctx_set_option(struct ub_ctx *ctx, const char *opt, const char *val)
{
    static int (*real)(struct ub_ctx *, const char *, const char *);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "ub_ctx_set_option");
    if (unknown_option != NULL && strcmp(opt, unknown_option) == 0)
        return UB_SYNTAX;
    if (unknown_option == NULL && options_seen < 64) {
        snprintf(value_of[options_seen], sizeof value_of[0], "%s", val);
        snprintf(seen[options_seen++], sizeof seen[0], "%s", opt);
    }
    return real(ctx, opt, val);
}

int ub_ctx_set_fwd(struct ub_ctx *ctx, const char *addr)
{
    static int (*real)(struct ub_ctx *, const char *);
    size_t n = strlen(servers);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "ub_ctx_set_fwd");
    snprintf(servers + n, sizeof servers - n, "%s ", addr);
    return real(ctx, addr);
}

/* Makes a context, and nothing more. */
static void make_context(const struct resolver_settings *s)
{
    struct event_base *base = event_base_new();
    struct zonefile zone = {0};
    char err[512] = "";
    struct ub_ctx *ctx;

    options_seen = 0;
    servers[0] = '\0';
    ctx = context_new(base, s, 64, &zone, err, sizeof err);
    cr_assert_not_null(ctx, "%s", err);
    context_delete(ctx);
    event_base_free(base);
}

static const char *value_given(const char *option)
{
    unsigned i;

    for (i = 0; i < options_seen; i++)
        if (strcmp(seen[i], option) == 0)
            return value_of[i];
    return "none";
}

/* All threads together keep 16 MB of messages and 32 of records, each at least one and two. */
Test(resolve, caches_are_divided_among_the_threads)
{
    static const struct {
        unsigned threads;
        const char *messages, *records;
    } row[] = {
        {1, "16m", "32m"}, {2, "8m", "16m"}, {3, "5m", "10m"},
        {15, "1m", "2m"},  {16, "1m", "2m"}, {64, "1m", "2m"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct resolver_settings s = {.root = true, .threads = row[i].threads};

        make_context(&s);
        cr_expect_str_eq(value_given("msg-cache-size:"), row[i].messages, "%u", row[i].threads);
        cr_expect_str_eq(value_given("rrset-cache-size:"), row[i].records, "%u", row[i].threads);
    }
}

/* A forwarder is asked until the client's deadline, a quarter of it for each try. */
Test(resolve, first_wait_at_its_bounds)
{
    static const struct {
        unsigned deadline_ms;
        const char *wait;
    } row[] = {{100, "376"}, {1504, "376"}, {1507, "376"}, {1508, "377"}, {10000, "2500"}};
    static char forwarder[] = "127.0.0.1@9";
    static char *forward[] = {forwarder};
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct resolver_settings s = {
            .forwards = 1, .forward = forward, .threads = 1, .deadline_ms = row[i].deadline_ms};

        make_context(&s);
        cr_expect_str_eq(value_given("infra-cache-min-rtt:"), row[i].wait, "%u",
                         row[i].deadline_ms);
        cr_expect_str_eq(value_given("infra-cache-max-rtt:"), "none", "never put aside as dead");
    }
}

/* Those of the settings; else those of the system; else this machine, as the C library does. */
Test(resolve, E10_servers_that_are_asked)
{
    static char one[] = "192.0.2.1", two[] = "192.0.2.2", none[] = "";
    static char both[] = "192.0.2.3 192.0.2.4", bad[] = "x 192.0.2.5";
    static char *forward[] = {one, two};
    char system[SERVERS_TEXT_MAX], expected[SERVERS_TEXT_MAX + 16];
    const struct {
        struct resolver_settings settings;
        const char *asked, *says;
    } row[] = {
        {{.forwards = 2, .forward = forward}, "192.0.2.1 192.0.2.2 ", "the settings"},
        {{.forwards = 1, .forward = forward, .system = both}, "192.0.2.1 ", "they come first"},
        {{.system = both}, "192.0.2.3 192.0.2.4 ", "the system"},
        {{.system = bad}, "x 192.0.2.5 ", "one that is refused leaves the other"},
        {{.system = none}, "127.0.0.1 ", "nobody"},
        {{.root = true, .system = both}, "", "from the root down"},
        {{0}, expected, "/etc/resolv.conf"},
    };
    size_t i;

    snprintf(expected, sizeof expected, "%s ",
             servers_read("/etc/resolv.conf", system) ? system : "127.0.0.1");
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct resolver_settings s = row[i].settings;

        s.threads = 1;
        make_context(&s);
        cr_expect_str_eq(servers, row[i].asked, "%s", row[i].says);
    }
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
