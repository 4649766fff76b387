/* Logistic regression with a ridge penalty, by L-BFGS. See learn.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tools/learn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY     8
#define ITERATIONS 150

const struct tuning learn_default = {.ridge = 1.2,
                                     .gram = 0.5,
                                     .domain = 0.45,
                                     .made_up = 0.15,
                                     .own = 0.3,
                                     .provider = 3,
                                     .named = 1.5,
                                     .most_provider = 0.0165,
                                     .most_named = 0.0036};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void add_feature(struct data *d, uint32_t index, float value)
{
    if (d->nfeature == d->fcap) {
        d->fcap = d->fcap ? 2 * d->fcap : 1 << 20;
        d->feature = realloc(d->feature, d->fcap * sizeof(*d->feature));
        if (d->feature == NULL)
            die("memory");
    }
    d->feature[d->nfeature].index = index;
    d->feature[d->nfeature++].value = value;
}

static uint64_t hash_text(const char *s, size_t n)
{
    uint64_t h = 14695981039346656037u;

    while (n-- > 0)
        h = (h ^ (unsigned char)*s++) * 1099511628211u;
    return h ^ h >> 29;
}

/* What a group of this slot is worth. */
static double gram_value(size_t slot, const struct tuning *t)
{
    return slot < HOST_GRAMS ? t->gram : t->domain;
}

static void add_features(struct data *d, struct row *r, const struct tuning *t)
{
    static struct evidence e;
    struct view v;
    uint32_t i;

    view_make(&v, &r->name);
    evidence_collect(&e, &v, &r->client);
    r->org = hash_text(v.text + v.org, v.org_len);
    r->form = e.trace.form;
    r->words = e.words | e.words_rest;
    r->numbers = v.numbers;
    r->opaque = e.clue[CLUE_HASH] || e.clue[CLUE_HEX];
    r->first = (uint32_t)d->nfeature;
    for (i = 0; i < CLUE_COUNT; i++)
        if (e.clue[i])
            add_feature(d, i, 1);
    for (i = 0; i < e.ngram; i++)
        add_feature(d, CLUE_COUNT + e.gram[i], (float)gram_value(e.gram[i], t));
    r->count = (uint32_t)d->nfeature - r->first;
}

static bool read_row(struct row *r, char *line)
{
    static const char *const labels[] = {"generic", "named", "provider-mta"};
    char *field[4], *save = line;
    size_t i;

    line[strcspn(line, "\r\n")] = '\0';
    for (i = 0; i < 4; i++)
        if ((field[i] = strsep(&save, "\t")) == NULL)
            return false;
    memset(r, 0, sizeof(*r));
    for (i = 0; i < 3 && strcmp(field[2], labels[i]) != 0;)
        i++;
    if (i == 3 || !addr_parse(&r->client, field[0], strlen(field[0])) ||
        !dname_from_text(&r->name, field[1], strlen(field[1])) || !dname_is_host(&r->name))
        return false;
    r->label = (enum label)i;
    r->own = strcmp(field[3], "own") == 0;
    r->made_up = r->own || strstr(field[3], "(expanded)") != NULL;
    r->test_only = strstr(field[3], "phishing_pot") != NULL;
    return true;
}

bool data_read(struct data *d, const char *path, const struct tuning *t)
{
    char line[1024];
    FILE *f = fopen(path, "r");

    if (f == NULL)
        return false;
    if (fgets(line, sizeof(line), f) == NULL)
        line[0] = '\0';
    while (fgets(line, sizeof(line), f) != NULL) {
        if (d->nrow == d->cap) {
            d->cap = d->cap ? 2 * d->cap : 4096;
            d->row = realloc(d->row, d->cap * sizeof(*d->row));
            if (d->row == NULL)
                die("memory");
        }
        if (read_row(&d->row[d->nrow], line))
            add_features(d, &d->row[d->nrow++], t);
    }
    fclose(f);
    return true;
}

void data_free(struct data *d)
{
    free(d->row);
    free(d->feature);
}

static double row_weight(const struct row *r, const struct tuning *t)
{
    double w = r->label == LABEL_PROVIDER ? t->provider : r->label == LABEL_NAMED ? t->named : 1;

    return r->own ? w * t->own : r->made_up ? w * t->made_up : w;
}

/* The loss at x, its gradient into g. */
static double loss(const struct data *d, const bool *use, const struct tuning *t, const double *x,
                   double *g)
{
    double sum = 0, s, y, w, slope;
    size_t i, k;

    for (i = 0; i < FEATURES; i++) {
        sum += 0.5 * t->ridge * x[i] * x[i];
        g[i] = t->ridge * x[i];
    }
    for (i = 0; i < d->nrow; i++) {
        const struct feature *f = d->feature + d->row[i].first;

        w = use[i] ? row_weight(&d->row[i], t) : 0;
        if (w <= 0)
            continue;
        for (s = 0, k = 0; k < d->row[i].count; k++)
            s += x[f[k].index] * f[k].value;
        y = d->row[i].label == LABEL_GENERIC ? 1 : -1;
        sum += w * (y * s > 0 ? log1p(exp(-y * s)) : -y * s + log1p(exp(y * s)));
        slope = -w * y / (1 + exp(y * s));
        for (k = 0; k < d->row[i].count; k++)
            g[f[k].index] += slope * f[k].value;
    }
    return sum;
}

struct history {
    double *s[MEMORY], *y[MEMORY], rho[MEMORY];
    size_t used;
};

static double dot(const double *a, const double *b)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < FEATURES; i++)
        sum += a[i] * b[i];
    return sum;
}

/* q becomes the direction of descent from the gradient in it. */
static void direction(double *q, const struct history *h)
{
    double alpha[MEMORY], scale, beta;
    size_t k, i, j;

    for (k = h->used; k-- > 0;) {
        alpha[k] = h->rho[k] * dot(h->s[k], q);
        for (i = 0; i < FEATURES; i++)
            q[i] -= alpha[k] * h->y[k][i];
    }
    scale = h->used ? 1 / (h->rho[h->used - 1] * dot(h->y[h->used - 1], h->y[h->used - 1])) : 1e-3;
    for (i = 0; i < FEATURES; i++)
        q[i] *= scale;
    for (j = 0; j < h->used; j++) {
        beta = h->rho[j] * dot(h->y[j], q);
        for (i = 0; i < FEATURES; i++)
            q[i] += h->s[j][i] * (alpha[j] - beta);
    }
    for (i = 0; i < FEATURES; i++)
        q[i] = -q[i];
}

static void remember(struct history *h, const double *dx, const double *g0, const double *g1)
{
    size_t k = h->used, i;
    double *s, *y, sy;

    if (k == MEMORY) {
        s = h->s[0];
        y = h->y[0];
        memmove(h->s, h->s + 1, (MEMORY - 1) * sizeof(*h->s));
        memmove(h->y, h->y + 1, (MEMORY - 1) * sizeof(*h->y));
        memmove(h->rho, h->rho + 1, (MEMORY - 1) * sizeof(*h->rho));
        h->s[--k] = s;
        h->y[k] = y;
    }
    for (i = 0; i < FEATURES; i++) {
        h->s[k][i] = dx[i];
        h->y[k][i] = g1[i] - g0[i];
    }
    sy = dot(h->s[k], h->y[k]);
    h->used = k;
    if (sy > 1e-12) {
        h->rho[k] = 1 / sy;
        h->used = k + 1;
    }
}

static double *vector(void)
{
    double *p = calloc(FEATURES, sizeof(*p));

    if (p == NULL)
        die("memory");
    return p;
}

static void minimise(double *x, const struct data *d, const bool *use, const struct tuning *t)
{
    struct history h = {.used = 0};
    double *g = vector(), *g1 = vector(), *p = vector(), *x1 = vector(), *dx = vector();
    double f = loss(d, use, t, x, g), f1, step, slope;
    size_t i, k;

    for (k = 0; k < MEMORY; k++) {
        h.s[k] = vector();
        h.y[k] = vector();
    }
    for (k = 0; k < ITERATIONS; k++) {
        memcpy(p, g, FEATURES * sizeof(*p));
        direction(p, &h);
        slope = dot(p, g);
        for (step = 1, f1 = f; step > 1e-10; step /= 2) {
            for (i = 0; i < FEATURES; i++)
                x1[i] = x[i] + step * p[i];
            f1 = loss(d, use, t, x1, g1);
            if (f1 <= f + 1e-4 * step * slope)
                break;
        }
        for (i = 0; i < FEATURES; i++)
            dx[i] = x1[i] - x[i];
        remember(&h, dx, g, g1);
        memcpy(x, x1, FEATURES * sizeof(*x));
        memcpy(g, g1, FEATURES * sizeof(*g));
        if (f - f1 < 1e-7 * f)
            break;
        f = f1;
    }
    for (k = 0; k < MEMORY; k++) {
        free(h.s[k]);
        free(h.y[k]);
    }
    free(g);
    free(g1);
    free(p);
    free(x1);
    free(dx);
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

size_t fold_of(const struct row *r, uint64_t split, size_t n)
{
    return mix(r->org ^ mix(split)) % n;
}

static long limited(double v, long most)
{
    long n = lround(v);

    return n > most ? most : n < -most ? -most : n;
}

void learn(struct weights *out, const struct data *d, const bool *use, const struct tuning *t)
{
    double *x = vector();
    size_t i;

    minimise(x, d, use, t);
    out->margin = 0;
    for (i = 0; i < CLUE_COUNT; i++)
        out->clue[i] = (int16_t)limited(x[i] * 256, INT16_MAX);
    for (i = 0; i < GRAM_SLOTS; i++)
        out->gram[i] =
            (int8_t)limited(x[CLUE_COUNT + i] * gram_value(i, t) * 256 / GRAM_SCALE, INT8_MAX);
    free(x);
}

#define INNER_FOLDS  10
#define INNER_SPLITS 2
#define MARGIN_STEP  4
#define MARGIN_STEPS 100

/* Called default names with each margin, and how many rows there were, by label. */
struct count {
    double called[3][MARGIN_STEPS], rows[3];
};

static void count_row(struct count *c, const struct row *r, struct weights *w)
{
    static struct evidence e;
    struct view v;
    int32_t score;
    size_t i;

    view_make(&v, &r->name);
    evidence_collect(&e, &v, &r->client);
    score = evidence_score(&e, w);
    c->rows[r->label]++;
    for (i = 0; i < MARGIN_STEPS; i++) {
        w->margin = (int16_t)(i * MARGIN_STEP);
        c->called[r->label][i] += evidence_generic(&e, w, score);
    }
}

int16_t learn_margin(const struct data *d, const bool *use, const struct tuning *t)
{
    static struct weights w;
    struct count c = {.rows = {0}};
    bool *inner = calloc(d->nrow + 1, sizeof(*inner));
    size_t f, i;

    if (inner == NULL)
        die("memory");
    for (f = 0; f < INNER_SPLITS * INNER_FOLDS; f++) {
        for (i = 0; i < d->nrow; i++)
            inner[i] = use[i] &&
                       fold_of(&d->row[i], 1000 + f / INNER_FOLDS, INNER_FOLDS) != f % INNER_FOLDS;
        learn(&w, d, inner, t);
        for (i = 0; i < d->nrow; i++)
            if (use[i] && !inner[i] && !d->row[i].made_up)
                count_row(&c, &d->row[i], &w);
    }
    free(inner);
    for (i = 1; i + 1 < MARGIN_STEPS; i++) /* an accusation needs more than a guess */
        if (c.called[LABEL_PROVIDER][i] <= t->most_provider * c.rows[LABEL_PROVIDER] &&
            c.called[LABEL_NAMED][i] <= t->most_named * c.rows[LABEL_NAMED])
            break;
    return (int16_t)(i * MARGIN_STEP);
}
