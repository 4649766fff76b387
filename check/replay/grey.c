/* A greylist played over a log: see grey.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/grey.h"

#include "memory/ledger.h"
#include "value/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SLOTS 1024 /* a power of two */

/* ---- the tries ---- */

/* Below TMPDIR, or /var/tmp: /tmp is often in memory. */
static FILE *nameless_file(void)
{
    const char *dir = getenv("TMPDIR");
    char name[512];
    FILE *file = NULL;
    int fd;

    dir = dir != NULL && dir[0] == '/' ? dir : "/var/tmp";
    if (snprintf(name, sizeof name, "%s/iprev-check.XXXXXX", dir) >= (int)sizeof name)
        return NULL;
    fd = mkstemp(name);
    if (fd < 0)
        return NULL;
    unlink(name);
    file = fdopen(fd, "w+");
    if (file == NULL)
        close(fd);
    return file;
}

bool grey_begin(struct grey_tries *g, bool wanted)
{
    *g = (struct grey_tries){.file = NULL};
    if (!wanted)
        return true;
    g->file = nameless_file();
    if (g->file == NULL)
        fprintf(stderr, "iprev-check: no temporary file: %s\n", strerror(errno));
    return g->file != NULL;
}

void grey_add(struct grey_tries *g, const struct grey_try *one)
{
    if (g->file == NULL || one->client == 0 || one->at == 0 || g->failed)
        return;
    g->failed = fwrite(one, sizeof *one, 1, g->file) != 1;
    g->n += !g->failed;
}

void grey_end(struct grey_tries *g)
{
    if (g->file != NULL)
        fclose(g->file);
    g->file = NULL;
}

/* ---- an empty store ---- */

struct held {
    struct store_key key;
    int64_t at;
    uint32_t owner; /* entry of the client whose try it was; 0: the slot is free */
    bool back;      /* it has been seen again in time */
};

struct plain_store {
    struct store store; /* the first member: a store is one of these */
    struct held *slot;
    uint32_t slots, n;
    uint32_t current; /* whose try is played */
};

static struct held *find(const struct plain_store *p, const struct store_key *key)
{
    uint32_t i = (uint32_t)hash_octets(&hash_fixed, key, sizeof *key) & (p->slots - 1);

    while (p->slot[i].owner != 0 && memcmp(&p->slot[i].key, key, sizeof *key) != 0)
        i = (i + 1) & (p->slots - 1);
    return &p->slot[i];
}

static bool grow(struct plain_store *p)
{
    struct plain_store larger = *p;
    uint32_t i;

    if (p->n < p->slots / 2)
        return true;
    larger.slots = p->slots * 2;
    larger.slot = calloc(larger.slots, sizeof *larger.slot);
    if (larger.slot == NULL)
        return false;
    for (i = 0; i < p->slots; i++)
        if (p->slot[i].owner != 0)
            *find(&larger, &p->slot[i].key) = p->slot[i];
    free(p->slot);
    *p = larger;
    return true;
}

static enum store_result plain_get(struct store *s, const struct store_key *key, size_t n,
                                   int64_t at[])
{
    struct plain_store *p = (struct plain_store *)(void *)s;
    size_t i;

    for (i = 0; i < n; i++) {
        const struct held *h = find(p, &key[i]);

        at[i] = h->owner != 0 ? h->at : STORE_ABSENT;
    }
    return STORE_OK;
}

static enum store_result plain_put(struct store *s, const struct store_key *key, int64_t at,
                                   int64_t now)
{
    struct plain_store *p = (struct plain_store *)(void *)s;
    struct held *h;

    (void)now;
    if (!grow(p))
        return STORE_BROKEN;
    h = find(p, key);
    p->n += h->owner == 0;
    *h = (struct held){.key = *key, .at = at, .owner = p->current};
    return STORE_OK;
}

static enum store_result plain_drop(struct store *s, const struct store_key *key)
{
    struct held *h = find((struct plain_store *)(void *)s, key);

    h->at = STORE_ABSENT;
    return STORE_OK;
}

static const struct store_kind plain_kind = {
    .get = plain_get, .put = plain_put, .drop = plain_drop};

/* ---- playing ---- */

/* The entry whose counts the try is among, if it is put off; else 0. */
static uint32_t suspect(struct clients *c, const struct grey_try *one)
{
    const struct client *k;
    uint32_t i = one->client;

    while (c->list[i].gone)
        i = c->list[i].into;
    k = &c->list[i];
    for (i = clients_get(c, &k->addr, k->helo, k->helo_len); i != 0; i = c->list[i].other)
        if (c->list[i].judged && !c->list[i].gone && (c->list[i].to >> one->kind & 1) != 0)
            return c->list[i].fate.kind == ACTION_GREYLIST ? i : 0;
    return 0;
}

/* Their tries, with the entry that suspect gives. False without memory or when the file cannot be
 * read. */
static bool load(struct clients *c, struct grey_tries *g, struct grey_try **list, size_t *n)
{
    struct grey_try *more, one;
    size_t cap = 0;

    rewind(g->file);
    while (fread(&one, sizeof one, 1, g->file) == 1) {
        one.client = suspect(c, &one);
        if (one.client == 0)
            continue;
        if (*n == cap) {
            cap = cap == 0 ? 1024 : 2 * cap;
            more = realloc(*list, cap * sizeof **list);
            if (more == NULL)
                return false;
            *list = more;
        }
        (*list)[(*n)++] = one;
    }
    return !ferror(g->file);
}

static int by_time(const void *a, const void *b)
{
    const struct grey_try *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->recipient < y->recipient ? -1 : x->recipient > y->recipient;
}

/* The recipient waits for a try that is not seen again yet, and this one is not too late. */
static bool is_awaited(const struct plain_store *p, const struct store_key *waiting, int64_t now)
{
    const struct held *h = find(p, waiting);

    return h->owner != 0 && h->at != STORE_ABSENT && !h->back &&
           now - h->at <= p->store.bounds[TABLE_WAITING].lifetime;
}

static bool play_one(struct plain_store *p, struct clients *c, const struct settings *s,
                     const struct grey_try *one, struct grey_sum *sum)
{
    struct ledger_triple t = {.client = c->list[one->client].addr,
                              .domain = one->domain,
                              .recipient = one->recipient,
                              .lasting = one->domain != 0};
    struct store_key waiting;
    enum memory_grey what;
    unsigned seconds;
    bool awaited;

    ledger_waiting_key(&t, &waiting);
    awaited = is_awaited(p, &waiting, one->at);
    p->current = one->client;
    if (ledger_greylist(&p->store, &t, &s->memory, one->at, &what, &seconds) != STORE_OK)
        return false;
    if (what == GREY_PASSED && awaited) {
        struct held *h = find(p, &waiting); /* which stays when it is dropped */

        h->back = true;
        c->list[h->owner].came_back++;
    }
    sum->passed += what == GREY_PASSED;
    sum->put_off += what != GREY_PASSED;
    c->list[one->client].put_off += what != GREY_PASSED;
    c->list[one->client].firsts += what == GREY_NEW;
    return true;
}

static void add_up(const struct clients *c, struct grey_sum *sum)
{
    uint32_t i;

    for (i = 1; i < c->n; i++) {
        const struct client *k = &c->list[i];

        sum->clients += k->put_off > 0;
        sum->back += k->came_back > 0;
        sum->firsts += k->firsts;
        sum->firsts_back += k->came_back;
    }
}

void grey_play(struct clients *c, const struct settings *s, struct grey_tries *g,
               struct grey_sum *sum)
{
    struct plain_store p = {.store.kind = &plain_kind, .slots = FIRST_SLOTS};
    struct grey_try *list = NULL;
    size_t n = 0, i;

    *sum = (struct grey_sum){.incomplete = g->failed};
    if (g->file == NULL)
        return;
    ledger_bounds(&s->memory, p.store.bounds);
    p.slot = calloc(p.slots, sizeof *p.slot);
    sum->incomplete |= !load(c, g, &list, &n) || p.slot == NULL;
    if (n > 0)
        qsort(list, n, sizeof *list, by_time);
    for (i = 0; p.slot != NULL && i < n; i++)
        if (i == 0 || by_time(&list[i - 1], &list[i]) != 0)
            sum->incomplete |= !play_one(&p, c, s, &list[i], sum);
    add_up(c, sum);
    free(list);
    free(p.slot);
}
