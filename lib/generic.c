/* The verdict on a name. See generic.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "generic.h"

#include "generic_parts.h"

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

void generic_judge(struct generic *out, const struct dname *name, const struct addr *client)
{
    struct view v;
    struct evidence e;
    struct sbuf why;
    int32_t score;

    view_make(&v, name);
    evidence_collect(&e, &v, client);
    score = evidence_score(&e, &generic_weights);
    sbuf_init(&why, out->why, sizeof(out->why));
    if (evidence_sender(&e, &v)) {
        out->kind = GENERIC_PROVIDER;
        sbuf_str(&why, "host of a known mail sender");
    } else if (score <= 0 && ((e.words | e.words_rest) & WORD_SENDING) != 0 &&
               largest_number(&v) >= SENDER_LEAST) {
        out->kind = GENERIC_PROVIDER;
        sbuf_str(&why, "numbered outbound host");
    } else {
        out->kind = score > 0 ? GENERIC_YES : GENERIC_NAMED;
        evidence_explain(&why, &e, &v, client, score > 0);
    }
}

const char *generic_word(enum generic_kind kind)
{
    return kind == GENERIC_YES ? "generic" : kind == GENERIC_PROVIDER ? "provider" : "named";
}
