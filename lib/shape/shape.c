/* The verdict on a name. See shape.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/shape.h"

#include "shape/parts.h"

#include <stddef.h>
#include <string.h>

#define SENDER_LEAST 3 /* out1 and out2 are anybody's, out3 is a pool */

static uint32_t largest_number(const struct view *v)
{
    uint32_t largest = 0;
    size_t i;

    for (i = 0; i < v->nhost; i++)
        if (v->tok[i].digits && v->tok[i].value > largest)
            largest = v->tok[i].value;
    return largest;
}

/* A name below arpa is the question, given back as the answer. */
static bool reverse_zone(const struct view *v)
{
    return v->len > 5 && memcmp(v->text + v->len - 5, ".arpa", 5) == 0;
}

void shape_judge(struct shape *out, const struct dname *name, const struct addr *client)
{
    struct view v;
    struct evidence e;
    struct sbuf why;
    int32_t score;
    uint32_t words;
    bool machine;

    view_make(&v, name);
    evidence_collect(&e, &v, client);
    score = evidence_score(&e, &shape_weights);
    machine = evidence_generic(&e, &shape_weights, score);
    words = e.words | e.words_rest;
    out->bare = v.bare;
    out->weak = false;
    sbuf_init(&why, out->why, sizeof(out->why));
    if (reverse_zone(&v)) {
        out->kind = SHAPE_GENERIC;
        sbuf_str(&why, "name of a reverse zone");
    } else if (evidence_sender(&e, &v)) {
        out->kind = SHAPE_PROVIDER;
        sbuf_str(&why, "host of a known mail sender");
    } else if (!machine && (words & WORD_SENDING) != 0 && (words & WORD_ROLE) == 0 &&
               largest_number(&v) >= SENDER_LEAST) {
        out->kind = SHAPE_PROVIDER;
        sbuf_str(&why, "numbered outbound host");
    } else {
        out->kind = machine ? SHAPE_GENERIC : SHAPE_NAMED;
        out->weak = machine && e.trace.form == FORM_NONE && client->family != ADDR_NONE;
        evidence_explain(&why, &e, &v, client, machine, score);
    }
}

size_t shape_size(const struct shape *s)
{
    return offsetof(struct shape, why) + strlen(s->why) + 1;
}

const char *shape_word(enum shape_kind kind)
{
    return kind == SHAPE_GENERIC ? "generic" : kind == SHAPE_PROVIDER ? "provider" : "named";
}
