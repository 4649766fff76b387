/* Fuzz target: lines of mail logs, read and counted.
 *
 * Input: a log. Every line is read; what the event borrows must lie in the line. Then the
 * lines are counted as iprev-check replay and refused do.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/event.h"
#include "check/replay/tally.h"
#include "check/sender/refused.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct refused refused;

static void check_inside(const struct log_text *t, const char *s, size_t n)
{
    if (t->s != NULL && (t->s < s || t->n > n || (size_t)(t->s - s) > n - t->n))
        abort();
}

static void check_event(const char *s, size_t n)
{
    struct log_event e;

    if (!logline_read(&e, s, n))
        return;
    check_inside(&e.qid, s, n);
    check_inside(&e.helo, s, n);
    check_inside(&e.recipient, s, n);
    check_inside(&e.message_id, s, n);
    check_inside(&e.record, s, n);
    check_inside(&e.origin, s, n);
    check_inside(&e.more, s, n);
    check_inside(&e.relay, s, n);
    check_inside(&e.reply, s, n);
    while (text_next_address(&e.more, &e.recipient))
        check_inside(&e.recipient, s, n);
    if (e.kind == LOG_CONNECT && e.client.family == ADDR_NONE)
        abort();
    if (e.stamp.month > 12 || e.stamp.hour > 23 || stamp_seconds(&e.stamp) < 0)
        abort();
}

/* A line of its very size, so that the sanitizer sees a read behind it. */
static void feed(struct tally *t, const char *s, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);

    if (copy == NULL)
        return;
    memcpy(copy, s, n);
    check_event(copy, n);
    tally_line(t, copy, n);
    refused_line(&refused, copy, n);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings *s;
    const char *at = (const char *)data, *end = at + size, *hit;
    struct tally t;

    if (s == NULL)
        s = settings_read(NULL, stderr);
    if (s == NULL || !tally_init(&t, s, NULL, 1795000000))
        abort();
    while (at < end && (hit = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        feed(&t, at, (size_t)(hit - at));
        at = hit + 1;
    }
    if (at < end)
        feed(&t, at, (size_t)(end - at));
    tally_end(&t);
    tally_free(&t);
    return 0;
}
