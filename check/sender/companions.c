/* MX, SPF and DMARC as published: see companions.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/companions.h"

#include "check/sender/batch.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char spf[] = "v=spf1", dmarc[] = "v=DMARC1";

/* ---- records as text ---- */

/* Printable ASCII as it is, spaces too; `\` and all else as \DDD. */
static void put_octets(struct sbuf *sb, const uint8_t *octet, size_t n)
{
    char text[8];
    size_t i;

    for (i = 0; i < n; i++)
        if (octet[i] >= ' ' && octet[i] <= '~' && octet[i] != '\\') {
            sbuf_byte(sb, (char)octet[i]);
        } else {
            snprintf(text, sizeof text, "\\%03u", octet[i]);
            sbuf_str(sb, text);
        }
}

/* The strings of a TXT record belong together (RFC 7208 3.3). */
static void put_txt(struct sbuf *sb, const ldns_rr *rr)
{
    size_t i;

    for (i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
        const uint8_t *data = ldns_rdf_data(rdf);

        if (ldns_rdf_size(rdf) > 0 && ldns_rdf_size(rdf) > data[0])
            put_octets(sb, data + 1, data[0]);
    }
}

/* "10 mail.example.com" */
static void put_mx(struct sbuf *sb, const ldns_rr *rr)
{
    struct dname name;
    const ldns_rdf *to = ldns_rr_rdf(rr, 1);

    if (ldns_rr_rd_count(rr) != 2 || !dname_from_wire(&name, ldns_rdf_data(to), ldns_rdf_size(to)))
        return;
    sbuf_uint(sb, ldns_rdf2native_int16(ldns_rr_rdf(rr, 0)));
    sbuf_byte(sb, ' ');
    dname_put_visible(sb, &name);
}

/* The version, then the end or no letter that would make it another (RFC 7208 4.5, RFC 7489 6.6.3).
 */
static bool has_version(const char *text, const char *version)
{
    size_t n = strlen(version);

    return strncasecmp(text, version, n) == 0 && (text[n] == '\0' || strchr(" ;", text[n]) != NULL);
}

static void take(struct companion *c, const ldns_rr *rr)
{
    const char *version = strcmp(c->what, "SPF") == 0     ? spf
                          : strcmp(c->what, "DMARC") == 0 ? dmarc
                                                          : "";
    char text[COMPANION_TEXT];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    if (version[0] != '\0')
        put_txt(&sb, rr);
    else
        put_mx(&sb, rr);
    if (version[0] != '\0' ? !has_version(text, version) : text[0] == '\0')
        return;
    if (sb.overflow || c->n == COMPANION_RECORDS)
        c->left_out++;
    else
        memcpy(c->record[c->n++], text, sb.len + 1);
}

static int by_number(const void *a, const void *b)
{
    long x = strtol(a, NULL, 10), y = strtol(b, NULL, 10);

    return x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

void companion_read(struct companion *c, const struct ask *ask)
{
    struct said *said = calloc(1, sizeof *said);
    ldns_pkt *pkt = NULL;
    size_t i;

    if (said == NULL)
        return;
    said_read(said, ask, false);
    c->kind = said->kind;
    free(said);
    if (c->kind != SAID_DATA || ldns_wire2pkt(&pkt, ask->msg, ask->len) != LDNS_STATUS_OK)
        return;
    for (i = 0; i < ldns_rr_list_rr_count(ldns_pkt_answer(pkt)); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_answer(pkt), i);

        if (ldns_rr_get_type(rr) == (ldns_rr_type)ask->type)
            take(c, rr);
    }
    ldns_pkt_free(pkt);
    qsort(c->record, c->n, sizeof c->record[0], by_number);
    if (c->n + c->left_out == 0)
        c->kind = SAID_NODATA;
}

/* ---- the questions ---- */

static void add(struct companions *c, const struct dname *name, const char *what)
{
    c->companion[c->n++] = (struct companion){.name = *name, .what = what};
}

/* A name of the domain: "_dmarc" before it; false when it is too long. */
static bool below(struct dname *to, const char *label, const struct dname *domain)
{
    uint8_t wire[DNAME_MAX + 64];
    size_t n = strlen(label);

    wire[0] = (uint8_t)n;
    memcpy(wire + 1, label, n);
    memcpy(wire + 1 + n, domain->wire, domain->len);
    return 1 + n + domain->len <= DNAME_MAX && dname_from_wire(to, wire, 1 + n + domain->len);
}

static void choose(struct companions *c, const struct dname *host)
{
    size_t left = dname_left_of_registrable(host);
    struct dname domain = *host, policy;

    memset(c, 0, sizeof *c);
    if (left > 0 && !dname_from_wire(&domain, host->wire + left, host->len - left))
        domain = *host;
    add(c, &domain, "MX");
    add(c, &domain, "SPF");
    if (below(&policy, "_dmarc", &domain))
        add(c, &policy, "DMARC");
    if (!dname_equal(&domain, host))
        add(c, host, "SPF");
}

bool companions_ask(struct companions *c, const struct dname *host,
                    const struct resolver_settings *s)
{
    struct companion *last;
    struct batch b;
    unsigned i;

    choose(c, host);
    if (!batch_start(&b, s, COMPANIONS_MAX))
        return false;
    for (i = 0; i < c->n; i++)
        batch_resolver(&b, &c->companion[i].name,
                       strcmp(c->companion[i].what, "MX") == 0 ? TYPE_MX : TYPE_TXT);
    batch_run(&b);
    for (i = 0; i < c->n; i++)
        companion_read(&c->companion[i], &b.ask[i]);
    batch_free(&b);
    last = &c->companion[c->n - 1];
    if (c->n > 1 && strcmp(last->what, "SPF") == 0 && dname_equal(&last->name, host) &&
        last->n + last->left_out == 0)
        c->n--; /* few hosts have one of their own */
    return true;
}
