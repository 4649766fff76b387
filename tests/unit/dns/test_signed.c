/* resolve: a signed root, as a validating resolver sees it behind a forwarder.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <criterion/criterion.h>

#include "tests/unit/dns/dns_shared.h"

#include <ldns/ldns.h>

#define DNSKEY_KSK 257

/* The root has one name below it, "zzz.": its own NSEC record denies all before that, `test.` and
 * what is below included. */
static const char *const apex[] = {
    ". 3600 IN SOA ns.zzz. host.zzz. 1 3600 600 86400 3600",
    ". 3600 IN NS ns.zzz.",
    ". 3600 IN NSEC zzz. NS SOA RRSIG NSEC DNSKEY",
};

struct signed_root {
    int fd;
    atomic_bool stop;
    atomic_uint probes; /* names below probe.test. that were asked for */
    pthread_t thread;
    char address[40];
    ldns_rr_list *records; /* of the root, signatures included */
    struct dns_files anchor;
};

static void sign_root(struct signed_root *v)
{
    ldns_key *key = ldns_key_new_frm_algorithm(LDNS_SIGN_ECDSAP256SHA256, 256);
    ldns_key_list *keys = ldns_key_list_new();
    time_t now = time(NULL);
    ldns_rr *rr;
    size_t i;
    char *text;

    cr_assert(key != NULL && keys != NULL);
    ldns_key_set_pubkey_owner(key, ldns_dname_new_frm_str("."));
    ldns_key_set_flags(key, DNSKEY_KSK);
    ldns_key_set_inception(key, (uint32_t)now - 3600);
    ldns_key_set_expiration(key, (uint32_t)now + 86400);
    rr = ldns_key2rr(key);
    ldns_rr_set_ttl(rr, 3600);
    ldns_key_set_keytag(key, ldns_calc_keytag(rr));
    ldns_key_list_push_key(keys, key);
    text = ldns_rr2str(rr);
    files_make(&v->anchor, "root.key", text);
    free(text);
    v->records = ldns_rr_list_new();
    for (i = 0; i <= sizeof apex / sizeof apex[0]; i++) {
        ldns_rr_list *set = ldns_rr_list_new(), *signature;

        if (i > 0)
            cr_assert(ldns_rr_new_frm_str(&rr, apex[i - 1], 0, NULL, NULL) == LDNS_STATUS_OK);
        ldns_rr_list_push_rr(set, rr);
        signature = ldns_sign_public(set, keys);
        cr_assert(signature != NULL);
        ldns_rr_list_push_rr(v->records, rr);
        ldns_rr_list_cat(v->records, signature);
        ldns_rr_list_free(signature);
        ldns_rr_list_free(set);
    }
    ldns_key_list_free(keys);
}

/* The record of the type and its signature, as far as there is one. */
static void push_signed(const struct signed_root *v, ldns_pkt *reply, ldns_pkt_section section,
                        ldns_rr_type type)
{
    size_t i;

    for (i = 0; i < ldns_rr_list_rr_count(v->records); i++) {
        ldns_rr *rr = ldns_rr_list_rr(v->records, i);

        if (ldns_rr_get_type(rr) == type ||
            (ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG &&
             ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr)) == type))
            ldns_pkt_push_rr(reply, section, ldns_rr_clone(rr));
    }
}

/* NULL: silence, which is what all of in-addr.arpa. keeps. */
static ldns_pkt *reply_to(struct signed_root *v, const ldns_pkt *query)
{
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(query), 0);
    char *name = ldns_rdf2str(ldns_rr_owner(question));
    bool root = strcmp(name, ".") == 0;
    ldns_pkt *reply = ldns_pkt_new();

    atomic_fetch_add(&v->probes, strstr(name, ".probe.test.") != NULL);
    if (strstr(name, ".in-addr.arpa.") != NULL) {
        ldns_pkt_free(reply);
        reply = NULL;
    } else {
        ldns_pkt_set_id(reply, ldns_pkt_id(query));
        ldns_pkt_set_qr(reply, true);
        ldns_pkt_set_rd(reply, true);
        ldns_pkt_set_ra(reply, true);
        ldns_pkt_set_edns_udp_size(reply, 4096);
        ldns_pkt_set_edns_do(reply, true);
        ldns_pkt_push_rr(reply, LDNS_SECTION_QUESTION, ldns_rr_clone(question));
        if (root) {
            push_signed(v, reply, LDNS_SECTION_ANSWER, ldns_rr_get_type(question));
        } else {
            ldns_pkt_set_rcode(reply, LDNS_RCODE_NXDOMAIN);
            push_signed(v, reply, LDNS_SECTION_AUTHORITY, LDNS_RR_TYPE_SOA);
            push_signed(v, reply, LDNS_SECTION_AUTHORITY, LDNS_RR_TYPE_NSEC);
        }
    }
    free(name);
    return reply;
}

static void serve_one(struct signed_root *v)
{
    struct sockaddr_in from;
    socklen_t n = sizeof from;
    uint8_t octets[512], *wire = NULL;
    ssize_t got = recvfrom(v->fd, octets, sizeof octets, 0, (struct sockaddr *)&from, &n);
    ldns_pkt *query = NULL, *reply;
    size_t size;

    if (got <= 0 || ldns_wire2pkt(&query, octets, (size_t)got) != LDNS_STATUS_OK)
        return;
    reply = reply_to(v, query);
    if (reply != NULL && ldns_pkt2wire(&wire, reply, &size) == LDNS_STATUS_OK)
        (void)!sendto(v->fd, wire, size, 0, (struct sockaddr *)&from, n);
    free(wire);
    ldns_pkt_free(reply);
    ldns_pkt_free(query);
}

static void *serve(void *arg)
{
    struct signed_root *v = arg;
    struct pollfd p = {.fd = v->fd, .events = POLLIN};

    while (!atomic_load(&v->stop))
        if (poll(&p, 1, 20) > 0)
            serve_one(v);
    return NULL;
}

static void signed_start(struct signed_root *v)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;

    memset(v, 0, sizeof *v);
    sign_root(v);
    v->fd = socket(AF_INET, SOCK_DGRAM, 0);
    cr_assert(v->fd >= 0 && bind(v->fd, (const struct sockaddr *)&sa, n) == 0 &&
              getsockname(v->fd, (struct sockaddr *)&sa, &n) == 0);
    snprintf(v->address, sizeof v->address, "127.0.0.1@%u", ntohs(sa.sin_port));
    cr_assert(pthread_create(&v->thread, NULL, serve, v) == 0);
}

static void signed_stop(struct signed_root *v)
{
    atomic_store(&v->stop, true);
    pthread_join(v->thread, NULL);
    close(v->fd);
    ldns_rr_list_deep_free(v->records);
    files_remove(&v->anchor);
}

static struct resolver *start_validating(struct signed_root *v)
{
    char *forward[] = {v->address};
    struct resolver_settings s = {.forwards = 1,
                                  .forward = forward,
                                  .deadline_ms = 2000,
                                  .threads = 1,
                                  .max_inflight = 1000,
                                  .cache = 1000,
                                  .trust_anchor = v->anchor.file};
    char err[512] = "";
    struct resolver *r = resolver_start(&s, NULL, err, sizeof err);

    cr_assert(r != NULL, "%s", err);
    return r;
}

/* Once the root has proven that there is no test., libunbound could answer the breaker's own
 * question itself: servers that live would be taken for dead. */
Test(resolve, E18_dead_zones_open_nothing_with_dnssec)
{
    struct signed_root v;
    struct resolver *r;
    unsigned round, i, before;

    signed_start(&v);
    r = start_validating(&v);
    for (round = 0; round < 2; round++) {
        before = atomic_load(&v.probes);
        for (i = 1; i <= 20; i++) {
            uint8_t octets[16] = {198, 51, 100, (uint8_t)(round * 20 + i)};
            struct addr a = addr_from_bytes(ADDR_IPV4, octets);

            lookup_release(resolver_ask_client(r, &a, resolver_now() + 5000, NULL));
        }
        for (i = 0; i < 45; i++) {
            sleep_ms(100);
            cr_assert(resolver_answered(r), "round %u: nobody is dead but the zones", round);
        }
        cr_expect_gt(atomic_load(&v.probes), before, "round %u: our own question went out", round);
    }
    resolver_release(r);
    cr_assert(resolver_wait_ended(5000));
    signed_stop(&v);
}
