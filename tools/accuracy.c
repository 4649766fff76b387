/* accuracy CORPUS-DIR [SAMPLES.tsv]: how well the generic-name judge does on
 * names of organisations that it never learned from.
 *
 * Five-fold cross-validation over CORPUS-DIR/ptr-dev.tsv, folds split by the
 * first label of the registrable domain, so that sister domains stay together;
 * repeated for several splits. Made-up rows are learned from but not scored;
 * rows whose licence forbids learning are scored only. The weights of the
 * program itself play no part. Exit status 1 if a mean misses its goal.
 *
 * The table of senders is held out like the rows: of a fold that is scored, no
 * domain of the table is used. An entry speaks of its own domain alone, so that
 * is the score without the table, and the goals are for it. Beside it stand the
 * false positives of provider hosts that are left when the whole table is used.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/learn.h"

#define FOLDS  5
#define SPLITS 10

struct rates {
    double recall, named, provider, f1;
    double table; /* provider with the table of senders */
};

static const struct rates goal = {0.97, 0.004, 0.025, 0.975, 0.02};

/* What a row is called by weights that never saw its organisation. */
struct call {
    bool generic, table; /* without the table of senders, and with it */
};

static const char *const kinds[] = {
    "full address, in order",
    "full address, reversed",
    "full address, permuted",
    "run together, or one number",
    "hexadecimal",
    "IPv6 address",
    "three octets",
    "another or a near address",
    "two octets",
    "one octet and an access word",
    "one octet",
    "access word and number",
    "hoster word and number",
    "opaque text",
    "no number (placeholder)",
    "another number",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const uint8_t kind_of_form[FORM_COUNT] = {
    [FORM_FULL] = 1, [FORM_REVERSED] = 2, [FORM_PERMUTED] = 3, [FORM_RUN] = 4,  [FORM_RUN3] = 4,
    [FORM_RUN2] = 4, [FORM_NUMBER] = 4,   [FORM_HEX] = 5,      [FORM_HEX3] = 5, [FORM_HEX2] = 5,
    [FORM_SIX] = 6,  [FORM_SIX_PART] = 6, [FORM_THREE] = 7,    [FORM_NEAR] = 8, [FORM_QUAD] = 8,
    [FORM_TAIL] = 9, [FORM_TAIL_REV] = 9, [FORM_PAIR] = 9};

static size_t kind_of(const struct row *r)
{
    bool access = (r->words & (WORD_ACCESS | WORD_BLOCK)) != 0;

    if (kind_of_form[r->form] != 0)
        return kind_of_form[r->form] - 1u;
    if (!r->numbers)
        return 14;
    if (r->form == FORM_LAST2 || r->form == FORM_LAST3)
        return access ? 9 : 10;
    if ((r->words & WORD_MACHINE) != 0)
        return 12;
    return access ? 11 : r->opaque ? 13 : 15;
}

static struct call call_of(const struct row *r, const struct weights *w)
{
    static struct evidence e;
    struct view v;
    struct call c;

    view_make(&v, &r->name);
    evidence_collect(&e, &v, &r->client);
    c.generic = evidence_generic(&e, w, evidence_score(&e, w));
    c.table = c.generic && !evidence_sender(&e, &v);
    return c;
}

static void cross(struct call *call, const struct data *d, uint64_t split)
{
    static struct weights w;
    bool *use = calloc(d->nrow, sizeof(*use));
    size_t i, f;

    for (f = 0; use != NULL && f < FOLDS; f++) {
        for (i = 0; i < d->nrow; i++)
            use[i] = !d->row[i].test_only && fold_of(&d->row[i], split, FOLDS) != f;
        learn(&w, d, use, &learn_default);
        w.margin = learn_margin(d, use, &learn_default);
        for (i = 0; i < d->nrow; i++)
            if (fold_of(&d->row[i], split, FOLDS) == f)
                call[i] = call_of(&d->row[i], &w);
    }
    free(use);
}

static struct rates rate(const struct data *d, const struct call *call)
{
    double rows[3] = {0}, hit[3] = {0}, table = 0, precision;
    struct rates r;
    size_t i;

    for (i = 0; i < d->nrow; i++)
        if (!d->row[i].made_up) {
            rows[d->row[i].label]++;
            hit[d->row[i].label] += call[i].generic;
            table += d->row[i].label == LABEL_PROVIDER && call[i].table;
        }
    r.recall = hit[LABEL_GENERIC] / rows[LABEL_GENERIC];
    r.named = hit[LABEL_NAMED] / rows[LABEL_NAMED];
    r.provider = hit[LABEL_PROVIDER] / rows[LABEL_PROVIDER];
    r.table = table / rows[LABEL_PROVIDER];
    precision = hit[LABEL_GENERIC] / (hit[0] + hit[1] + hit[2]);
    r.f1 = 2 * r.recall * precision / (r.recall + precision);
    return r;
}

static void add(struct rates *sum, const struct rates *r, double share)
{
    sum->recall += r->recall * share;
    sum->named += r->named * share;
    sum->provider += r->provider * share;
    sum->f1 += r->f1 * share;
    sum->table += r->table * share;
}

static void put_rates(const char *what, const struct rates *r)
{
    printf("%-10s %8.4f %10.4f %13.4f %8.4f %13.4f\n", what, r->recall, r->named, r->provider,
           r->f1, r->table);
}

static void count_kinds(double n[KINDS], double hit[KINDS], const struct data *d,
                        const struct call *call)
{
    size_t i;

    for (i = 0; i < d->nrow; i++)
        if (!d->row[i].made_up && d->row[i].label == LABEL_GENERIC) {
            n[kind_of(&d->row[i])]++;
            hit[kind_of(&d->row[i])] += call[i].generic;
        }
}

static void put_kinds(const double n[KINDS], const double hit[KINDS])
{
    double sum = 0, present = 0;
    size_t k;

    printf("\n%-30s %6s %7s\n", "kind of default name", "rows", "recall");
    for (k = 0; k < KINDS; k++) {
        if (n[k] <= 0)
            continue;
        printf("%-30s %6.0f %7.3f\n", kinds[k], n[k] / SPLITS, hit[k] / n[k]);
        sum += hit[k] / n[k];
        present++;
    }
    printf("%-30s %6s %7.3f\n", "mean over kinds", "", sum / present);
}

static struct rates validate(const struct data *d)
{
    double n[KINDS] = {0}, hit[KINDS] = {0};
    struct rates mean = {0, 0, 0, 0, 0}, r;
    struct call *call = calloc(d->nrow, sizeof(*call));
    char name[16];
    unsigned split;

    if (call == NULL)
        exit(1);
    printf("%-10s %8s %10s %13s %8s %13s\n", "split", "recall", "fpr named", "fpr provider", "F1",
           "with table");
    for (split = 1; split <= SPLITS; split++) {
        cross(call, d, split);
        r = rate(d, call);
        snprintf(name, sizeof(name), "%u", split);
        put_rates(name, &r);
        add(&mean, &r, 1.0 / SPLITS);
        count_kinds(n, hit, d, call);
    }
    put_rates("mean", &mean);
    put_rates("goal", &goal);
    put_kinds(n, hit);
    free(call);
    return mean;
}

int main(int argc, char **argv)
{
    struct data d = {.nrow = 0};
    struct rates mean;
    char path[4096];

    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: accuracy CORPUS-DIR [SAMPLES.tsv]\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/ptr-dev.tsv", argv[1]);
    if (!data_read(&d, path, &learn_default) ||
        !data_read(&d, argc == 3 ? argv[2] : "tools/samples.tsv", &learn_default)) {
        perror("accuracy");
        return 2;
    }
    mean = validate(&d);
    data_free(&d);
    return mean.recall < goal.recall || mean.named > goal.named || mean.provider > goal.provider ||
           mean.f1 < goal.f1 || mean.table > goal.table;
}
