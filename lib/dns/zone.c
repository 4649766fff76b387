/* A zone file answered from memory: see zone.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "dns/zone.h"

#include "value/dname.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_TTL 3600

static const char out_of_memory[] = "out of memory";

static bool append(char ***list, size_t *n, char *text)
{
    char **grown;

    if (text == NULL)
        return false;
    if ((*n & (*n + 1)) == 0) { /* room for the next power of two minus one */
        grown = realloc(*list, (*n * 2 + 2) * sizeof *grown);
        if (grown == NULL) {
            free(text);
            return false;
        }
        *list = grown;
    }
    (*list)[(*n)++] = text;
    return true;
}

static bool wanted(ldns_rr_type type)
{
    switch (type) {
    case LDNS_RR_TYPE_A:
    case LDNS_RR_TYPE_AAAA:
    case LDNS_RR_TYPE_CNAME:
    case LDNS_RR_TYPE_PTR:
    case LDNS_RR_TYPE_SOA:
    case LDNS_RR_TYPE_NS:
    case LDNS_RR_TYPE_MX:
    case LDNS_RR_TYPE_TXT:
        return true;
    default:
        return false;
    }
}

/* As questions are asked; NULL without memory. */
static char *name_text(const ldns_rdf *rdf)
{
    char text[DNAME_QUERY_MAX];
    struct dname name;
    struct sbuf sb;

    if (!dname_from_wire(&name, ldns_rdf_data(rdf), ldns_rdf_size(rdf)))
        return NULL;
    sbuf_init(&sb, text, sizeof text);
    dname_put_query(&sb, &name);
    return strdup(text);
}

/* What is wrong with the record, or NULL when it has been taken. */
static const char *take(struct zonefile *z, const ldns_rr *rr)
{
    ldns_rr_type type = ldns_rr_get_type(rr);
    char *text;

    if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
        return "the class must be IN";
    if (!wanted(type))
        return "this record type is not served (A, AAAA, CNAME, PTR, SOA, NS, MX, TXT are)";
    text = ldns_rr2str(rr);
    if (text != NULL)
        text[strcspn(text, "\n")] = '\0';
    if (!append(&z->record, &z->records, text) ||
        !append(&z->owner, &z->owners, name_text(ldns_rr_owner(rr))))
        return out_of_memory;
    if (type == LDNS_RR_TYPE_SOA && !append(&z->apex, &z->apexes, name_text(ldns_rr_owner(rr))))
        return out_of_memory;
    return NULL;
}

/* ---- reading ---- */

struct zone_reader {
    FILE *fp;
    ldns_rdf *origin, *prev;
    uint32_t ttl;
    int line;
    int at; /* the line where the latest record begins */
};

static void reading_start(struct zone_reader *in, FILE *fp)
{
    *in = (struct zone_reader){.fp = fp, .ttl = DEFAULT_TTL, .line = 1, .at = 1};
    in->origin = ldns_dname_new_frm_str(".");
}

static void reading_end(struct zone_reader *in)
{
    ldns_rdf_deep_free(in->origin);
    ldns_rdf_deep_free(in->prev);
}

static bool reading_goes_on(const struct zone_reader *in)
{
    return !feof(in->fp) && !ferror(in->fp);
}

/* libldns takes empty lines for the beginning of the record after them. */
static void skip_empty_lines(FILE *fp, int *line)
{
    int c;

    while ((c = getc(fp)) == '\n')
        ++*line;
    ungetc(c, fp); /* EOF changes nothing */
}

/* What is wrong, or NULL; *rr is the record, or NULL when there is none in the line. */
static const char *read_record(struct zone_reader *in, ldns_rr **rr)
{
    ldns_status st;

    skip_empty_lines(in->fp, &in->line);
    in->at = in->line;
    st = ldns_rr_new_frm_fp_l(rr, in->fp, &in->ttl, &in->origin, &in->prev, &in->line);
    if (st != LDNS_STATUS_OK)
        *rr = NULL;
    return st == LDNS_STATUS_OK || st == LDNS_STATUS_SYNTAX_TTL ||
                   st == LDNS_STATUS_SYNTAX_ORIGIN || st == LDNS_STATUS_SYNTAX_EMPTY
               ? NULL
               : ldns_get_errorstr_by_id(st);
}

static bool read_records(struct zonefile *z, FILE *fp, const char *file, int *why, char *err,
                         size_t errlen)
{
    const char *fault = NULL;
    struct zone_reader in;

    reading_start(&in, fp);
    while (fault == NULL && reading_goes_on(&in)) {
        ldns_rr *rr = NULL;

        fault = read_record(&in, &rr);
        if (rr != NULL) {
            fault = take(z, rr);
            ldns_rr_free(rr);
        }
    }
    if (fault == NULL && ferror(fp))
        fault = "cannot be read";
    if (fault != NULL)
        snprintf(err, errlen, "%s:%d: %s", file, in.at, fault);
    reading_end(&in);
    *why = fault == out_of_memory ? ENOMEM : EINVAL;
    return fault == NULL;
}

/* ---- trust anchors ---- */

bool zonefile_lacks_keys(const char *file)
{
    FILE *fp = fopen(file, "re");
    struct zone_reader in;
    bool lacks = true;

    if (fp == NULL)
        return false;
    reading_start(&in, fp);
    while (lacks && reading_goes_on(&in)) {
        ldns_rr *rr = NULL;

        lacks = read_record(&in, &rr) == NULL;
        if (rr != NULL) {
            lacks = ldns_rr_get_type(rr) != LDNS_RR_TYPE_DS &&
                    ldns_rr_get_type(rr) != LDNS_RR_TYPE_DNSKEY;
            ldns_rr_free(rr);
        }
    }
    lacks = lacks && !ferror(fp);
    reading_end(&in);
    fclose(fp);
    return lacks;
}

/* ---- what it answers ---- */

static int compare_owners(const void *a, const void *b)
{
    return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static bool below(const char *name, const char *apex)
{
    size_t n = strlen(name), k = strlen(apex);

    if (strcmp(apex, ".") == 0)
        return true;
    return n >= k && strcasecmp(name + n - k, apex) == 0 && (n == k || name[n - k - 1] == '.');
}

bool zonefile_answers(const struct zonefile *z, const char *name)
{
    size_t i;

    if (z->records == 0)
        return false;
    if (bsearch(&name, z->owner, z->owners, sizeof *z->owner, compare_owners) != NULL)
        return true;
    for (i = 0; i < z->apexes; i++)
        if (below(name, z->apex[i]))
            return true;
    return false;
}

/* ---- the whole ---- */

bool zonefile_read(struct zonefile *z, const char *file, char *err, size_t errlen)
{
    FILE *fp = fopen(file, "r");
    bool ok;
    int why;

    memset(z, 0, sizeof *z);
    if (fp == NULL) {
        snprintf(err, errlen, "%s: %s", file, strerror(errno));
        return false;
    }
    ok = read_records(z, fp, file, &why, err, errlen);
    fclose(fp);
    if (ok && z->owners > 0)
        qsort(z->owner, z->owners, sizeof *z->owner, compare_owners);
    if (!ok) {
        zonefile_free(z);
        errno = why;
    }
    return ok;
}

void zonefile_free(struct zonefile *z)
{
    size_t i;

    for (i = 0; i < z->records; i++)
        free(z->record[i]);
    for (i = 0; i < z->owners; i++)
        free(z->owner[i]);
    for (i = 0; i < z->apexes; i++)
        free(z->apex[i]);
    free(z->record);
    free(z->apex);
    free(z->owner);
    memset(z, 0, sizeof *z);
}
