/* Learning of the weights of the generic-name judge from labelled names.
 *
 * A file of rows (tab separated: ip, name, label, source; the first line names
 * the columns) becomes a struct data; learn() makes weights from the rows that
 * a mask selects. Everything is deterministic.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LEARN_H
#define IPREV_LEARN_H

#include "shape/parts.h"

enum label { LABEL_GENERIC, LABEL_NAMED, LABEL_PROVIDER };

struct row {
    struct addr client;
    struct dname name;
    enum label label;
    bool made_up;          /* a made-up sample: learned from, never part of a score */
    bool own;              /* one of tools/samples.tsv */
    bool test_only;        /* the licence of the source forbids learning from it */
    uint64_t org;          /* same value: same organisation */
    uint32_t first, count; /* its features: struct data.feature[first..] */
    /* For tables: */
    uint32_t words; /* classes of words in the host part */
    uint8_t form;   /* enum form */
    bool numbers, opaque;
};

struct feature {
    uint32_t index; /* clue, or CLUE_COUNT + slot */
    float value;
};

struct data {
    struct row *row;
    size_t nrow, cap;
    struct feature *feature;
    size_t nfeature, fcap;
};

#define FEATURES (CLUE_COUNT + GRAM_SLOTS)

struct tuning {
    double ridge;    /* strength of the penalty on large weights */
    double gram;     /* value of one letter group of the host part beside a clue of 1 */
    double domain;   /* the same of the domain */
    double made_up;  /* weight of a made-up sample of a published pattern */
    double own;      /* weight of a row of samples.tsv */
    double provider; /* weight of a row of a provider */
    double named;    /* weight of a chosen name */
    /* Shares of provider hosts and of chosen names that may be called default names: */
    double most_provider, most_named;
};

extern const struct tuning learn_default;

/* Appends the rows of the file; *d is all zero at first. */
bool data_read(struct data *d, const char *path, const struct tuning *t);
void data_free(struct data *d);

/* use[i]: row i may be learned from. The margin is zero. */
void learn(struct weights *out, const struct data *d, const bool *use, const struct tuning *t);

/* The least margin with which weights that never saw an organisation keep the shares of the tuning,
 * by cross-validation within the rows of use. The table of senders is not used. */
int16_t learn_margin(const struct data *d, const bool *use, const struct tuning *t);

/* A number of 0 to n - 1 for each organisation, another one for each split. */
size_t fold_of(const struct row *r, uint64_t split, size_t n);

#endif
