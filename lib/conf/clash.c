/* Settings that do not go together: see clash.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/clash.h"

const char *clash_rule(const struct settings *s, const struct rule *rule)
{
    if (rule->action == ACTION_GREYLIST && s->memory.store == NULL)
        return "greylist needs memory.store";
    if (rule->action == ACTION_GREYLIST && s->reject_at != STAGE_RCPT)
        return "greylist needs reject-at = \"rcpt\"";
    if (rule->to.n > 0 && s->reject_at != STAGE_RCPT)
        return "to needs reject-at = \"rcpt\"";
    return NULL;
}

void clash_set(struct clash_places *at, const void *value, const char *file, int line)
{
    size_t i = 0;

    while (i < at->n && at->place[i].value != value)
        i++;
    if (i == CLASH_PLACES)
        return;
    at->place[i] = (struct clash_place){value, file, line};
    at->n = i == at->n ? i + 1 : at->n;
}

/* Where the value was set, or without a line. */
static struct clash_place place_of(const struct clash_places *at, const struct settings *s,
                                   const void *value)
{
    size_t i;

    for (i = 0; i < at->n; i++)
        if (at->place[i].value == value)
            return at->place[i];
    return (struct clash_place){value, s->file, 0};
}

static void clash_delay(struct faults *rd, const struct settings *s, const struct clash_places *at)
{
    struct clash_place delay = place_of(at, s, &s->memory.greylist_delay_s);
    struct clash_place retry = place_of(at, s, &s->memory.greylist_retry_h);

    if (s->memory.greylist_delay_s < s->memory.greylist_retry_h * 3600)
        return;
    if (delay.line == 0)
        conf_fault(rd, retry.file, retry.line, "memory.greylist-retry-hours",
                   "must be more than memory.greylist-delay-seconds");
    else
        conf_fault(rd, delay.file, delay.line, "memory.greylist-delay-seconds",
                   "must be less than memory.greylist-retry-hours");
}

void clash_memory(struct faults *rd, const struct settings *s, const struct clash_places *at)
{
    const struct memory_options *m = &s->memory;
    struct clash_place store_at = place_of(at, s, &m->store);
    struct clash_place password_at = place_of(at, s, &m->password_file);
    struct memory_endpoint e;
    bool store = m->store != NULL && memory_endpoint(&e, m->store);
    bool redis = store && e.sqlite_path[0] == '\0';

    if (redis && m->key_file == NULL)
        conf_fault(rd, store_at.file, store_at.line, "memory.store",
                   "Redis needs memory.key-file: the same key on all machines");
    if (store && !redis && m->password_file != NULL)
        conf_fault(rd, password_at.file, password_at.line, "memory.password-file",
                   "is for Redis only");
    clash_delay(rd, s, at);
}
