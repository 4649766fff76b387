/* Who we are, as one MTA names us: see identity.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/identity.h"

#include "conf/settings.h"
#include "value/ascii.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_MAX 8 /* an MTA has one for each address it listens on */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct identity *shared[SHARED_MAX];
static unsigned oldest; /* the next to be replaced */

static void choose(struct identity *i, const char *authserv_id, const char *mta_name,
                   const char *mta_addr)
{
    memset(i, 0, sizeof *i);
    own_id(i->id, authserv_id, mta_name);
    dname_from_text(&i->self.name, i->id, strlen(i->id));
    if (mta_name != NULL)
        dname_from_text(&i->self.mta, mta_name, strlen(mta_name));
    if (mta_addr != NULL && strlen(mta_addr) > 5 && ascii_is_word(mta_addr, 5, "ipv6:"))
        mta_addr += 5;
    if (mta_addr != NULL)
        addr_parse(&i->self.addr, mta_addr, strlen(mta_addr));
}

static bool same(const struct identity *a, const struct identity *b)
{
    return strcmp(a->id, b->id) == 0 && dname_equal(&a->self.name, &b->self.name) &&
           dname_equal(&a->self.mta, &b->self.mta) && addr_equal(&a->self.addr, &b->self.addr);
}

static struct identity *copy(const struct identity *i, unsigned refs)
{
    struct identity *new = malloc(sizeof *new);

    if (new != NULL) {
        memcpy(new->id, i->id, sizeof new->id);
        new->self = i->self;
        atomic_init(&new->refs, refs);
    }
    return new;
}

struct identity *identity_take(const char *authserv_id, const char *mta_name, const char *mta_addr)
{
    struct identity wanted, *found = NULL;
    unsigned i;

    choose(&wanted, authserv_id, mta_name, mta_addr);
    pthread_mutex_lock(&lock);
    for (i = 0; i < SHARED_MAX && found == NULL; i++)
        if (shared[i] != NULL && same(shared[i], &wanted))
            found = shared[i];
    if (found != NULL) {
        atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
    } else if ((found = copy(&wanted, 2)) != NULL) {
        identity_release(shared[oldest]);
        shared[oldest] = found;
        oldest = (oldest + 1) % SHARED_MAX;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void identity_release(struct identity *i)
{
    if (i != NULL && atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) == 1)
        free(i);
}
