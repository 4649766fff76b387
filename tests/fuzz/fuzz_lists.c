/* Fuzz target: exempt lists, through the real reader.
 *
 * What is wrong is explained in printable lines. What is taken is sorted, each client once, and is
 * found again until its end, and not from then on.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/lists.h"

#include "tests/fuzz/fuzz.h"

#define NOW 1700000000

/* Both kinds of look-up, of the client itself: `.domain` is found by a name below it. */
static bool found(const struct exempt_list *l, const struct listed *c, int64_t now)
{
    uint8_t wire[DNAME_MAX + 2] = {1, 'a'};
    bool below = c->key[0] == '.';
    struct dname name;
    struct addr a;

    if (c->key[0] == '4' || c->key[0] == '6') {
        a = addr_from_bytes(c->key[0] == '4' ? ADDR_IPV4 : ADDR_IPV6, c->key + 2);
        return listed_has_address(l, &a, now);
    }
    memcpy(wire + 2 * below, c->key + 1, c->len - 1);
    return dname_from_wire(&name, wire, c->len - 1 + 2 * below) && listed_has_name(l, &name, now);
}

static void check_list(const struct exempt_list *l)
{
    size_t i;

    for (i = 0; i < l->n; i++) {
        const struct listed *c = &l->client[i];

        MUST(c->len > 1 && c->len <= LISTED_KEY_MAX && c->end > 0);
        MUST(i == 0 || listed_compare(c - 1, c) < 0);
        MUST(found(l, c, c->end - 1));
        MUST(c->end == LISTED_FOR_EVER || l->n > 1 || !found(l, c, c->end));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exempt_list l = {0};
    struct faults rd = {.faults = 0};
    char *said = NULL;
    size_t n;
    FILE *in = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

    rd.err = open_memstream(&said, &n);
    MUST(rd.err != NULL);
    if (in != NULL) {
        lists_read_from(&rd, "list", in, NOW, &l);
        fclose(in);
    }
    lists_sort(&l);
    fclose(rd.err);
    MUST(is_printable(said, n, "\n") && (n > 0 || rd.faults == 0));
    check_list(&l);
    lists_free(&l);
    free(said);
    return 0;
}
