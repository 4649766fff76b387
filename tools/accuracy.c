/* accuracy CORPUS-DIR [SEEDS]: how well the judge does on names of
 * organisations it never learned from.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn.h"

#define FOLDS 5

struct tally {
    size_t rows[3], hit[3];
};

static const char *const kinds[] = {"full address, in order", "full address, reversed",
                                    "full address, permuted", "address run together or number",
                                    "address in hex",         "IPv6 address",
                                    "three octets",           "neighbouring address",
                                    "two octets",             "one octet, with a word",
                                    "one octet alone",        "access word and number",
                                    "hoster word and number", "opaque text",
                                    "words without number",   "number alone"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t kind_of_form(const struct row *r)
{
    switch (r->form) {
    case FORM_FULL:
        return 0;
    case FORM_REVERSED:
        return 1;
    case FORM_PERMUTED:
        return 2;
    case FORM_RUN:
    case FORM_RUN3:
    case FORM_RUN2:
    case FORM_NUMBER:
        return 3;
    case FORM_HEX:
    case FORM_HEX3:
    case FORM_HEX2:
        return 4;
    case FORM_SIX:
    case FORM_SIX_PART:
        return 5;
    case FORM_THREE:
        return 6;
    case FORM_NEAR:
    case FORM_QUAD:
        return 7;
    case FORM_TAIL:
    case FORM_TAIL_REV:
    case FORM_PAIR:
        return 8;
    default:
        return KINDS;
    }
}

static size_t kind_of(const struct row *r)
{
    size_t k = kind_of_form(r);
    bool access = (r->words & (WORD_ACCESS | WORD_BLOCK)) != 0;

    if (k != KINDS)
        return k;
    if (r->clues & 1)
        return 14;
    if (r->form == FORM_LAST2 || r->form == FORM_LAST3)
        return access ? 9 : 10;
    if (r->words & WORD_MACHINE)
        return 12;
    return access ? 11 : r->clues & 2 ? 13 : 15;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

static double score(const struct row *r, const struct weights *w)
{
    static struct evidence e;
    struct view v;

    view_make(&v, &r->name);
    evidence_collect(&e, &v, &r->client);
    return evidence_score(&e, w) / 256.0;
}

static void cross(double *out, const struct data *d, const struct tuning *t, uint64_t seed)
{
    bool *use = calloc(d->nrow, sizeof(*use));
    struct weights *w = calloc(1, sizeof(*w));
    size_t i, f;

    for (f = 0; use != NULL && w != NULL && f < FOLDS; f++) {
        for (i = 0; i < d->nrow; i++)
            use[i] = !d->row[i].test_only && mix(d->row[i].org ^ mix(seed)) % FOLDS != f;
        learn(w, d, use, t);
        for (i = 0; i < d->nrow; i++)
            if (mix(d->row[i].org ^ mix(seed)) % FOLDS == f)
                out[i] = score(&d->row[i], w);
    }
    free(use);
    free(w);
}

struct rates {
    double recall, named, provider, f1;
};

static struct rates rate(const struct data *d, const double *s, double limit, bool table)
{
    struct tally t = {{0}, {0}};
    struct rates r;
    double precision;
    size_t i;

    for (i = 0; i < d->nrow; i++) {
        const struct row *w = &d->row[i];

        if (w->made_up)
            continue;
        t.rows[w->label]++;
        t.hit[w->label] += s[i] > limit && !(table && w->sender);
    }
    r.recall = (double)t.hit[0] / (double)t.rows[0];
    r.named = (double)t.hit[1] / (double)t.rows[1];
    r.provider = (double)t.hit[2] / (double)t.rows[2];
    precision = (double)t.hit[0] / (double)(t.hit[0] + t.hit[1] + t.hit[2]);
    r.f1 = 2 * r.recall * precision / (r.recall + precision);
    return r;
}

static int cmpd(const void *a, const void *b) { double x=*(const double*)a,y=*(const double*)b; return x<y?1:x>y?-1:0; }
/* recall at 0.3 % named */
static double at_named(const struct data *d, const double *s, double want)
{
    double *v = calloc(d->nrow, sizeof *v); size_t n=0,i,hit=0,tot=0; double lim;
    for (i=0;i<d->nrow;i++) if (!d->row[i].made_up && d->row[i].label==LABEL_NAMED && !d->row[i].sender) v[n++]=s[i];
    qsort(v,n,sizeof *v,cmpd); lim=v[(size_t)(want*3128)];
    for (i=0;i<d->nrow;i++) if (!d->row[i].made_up && d->row[i].label==LABEL_GENERIC) {tot++; hit+= s[i]>lim && !d->row[i].sender;}
    free(v); return (double)hit/(double)tot;
}

int main(int argc, char **argv)
{
    struct tuning t = learn_default;
    struct data d;
    char path[4096];
    double *s;
    size_t i, seed, k, n[KINDS] = {0}, hit[KINDS] = {0}, seeds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
    static const char *const labels[] = {"generic", "named", "provider"};
    struct rates sum[2] = {{0,0,0,0},{0,0,0,0}}; double an1=0,an3=0,macro=0; 

    if (getenv("TUNE"))
        sscanf(getenv("TUNE"), "%lf,%lf,%lf,%lf,%lf", &t.ridge, &t.gram, &t.made_up, &t.provider, &t.named);
    snprintf(path, sizeof(path), "%s/ptr-dev.tsv", argv[1]);
    if (!data_read(&d, path, &t))
        return 1;
    s = calloc(d.nrow, sizeof(*s));
    for (seed = 1; seed <= seeds; seed++) {
        cross(s, &d, &t, seed);
        for (k=0;k<2;k++) { struct rates r = rate(&d,s,0,k); sum[k].recall+=r.recall; sum[k].named+=r.named; sum[k].provider+=r.provider; sum[k].f1+=r.f1;
          if (getenv("V")) printf("seed %zu table %zu %.4f %.4f %.4f %.4f\n",seed,k,r.recall,r.named,r.provider,r.f1);}
        an1+=at_named(&d,s,0.001); an3+=at_named(&d,s,0.003);
    for (i = 0; i < d.nrow; i++) {
        const struct row *r = &d.row[i];
        if (r->made_up)
            continue;
        if (r->label == LABEL_GENERIC) {
            n[kind_of(r)]++;
            hit[kind_of(r)] += s[i] > 0 && !r->sender;
        }
        if (getenv("MISS") && seed==1 && (r->label == LABEL_GENERIC) != (s[i] > 0))
            printf("MISS %-8s %6.2f %s %s %s\n", labels[r->label], s[i], r->ip, r->text, r->sender ? "(sender)" : "");
    }
    }
    for (k = 0; k < KINDS; k++) macro+=(double)hit[k] / (double)n[k]/KINDS;
    for (k = 0; k < 2; k++) printf("%s: recall %.4f named %.5f provider %.4f F1 %.4f\n", k?"table":"plain", sum[k].recall/seeds,sum[k].named/seeds,sum[k].provider/seeds,sum[k].f1/seeds);
    printf("recall at named .001 %.4f .003 %.4f macro %.4f\n", an1/seeds,an3/seeds,macro);
    if (getenv("KINDS")) for (k = 0; k < KINDS; k++)
        printf("%-32s %5zu %.3f\n", kinds[k], n[k]/seeds, (double)hit[k] / (double)n[k]);
    return 0;
}
