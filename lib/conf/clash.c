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

void clash_memory(struct faults *rd, const struct settings *s)
{
    const struct memory_options *m = &s->memory;
    struct memory_endpoint e;
    bool store = m->store != NULL && memory_endpoint(&e, m->store);
    bool redis = store && e.sqlite_path[0] == '\0';

    if (redis && m->key_file == NULL)
        conf_fault(rd, s->file, 0, "memory.key-file",
                   "must be set with Redis: the same key on all machines");
    if (store && !redis && m->password_file != NULL)
        conf_fault(rd, s->file, 0, "memory.password-file", "goes with Redis only");
    if (m->greylist_delay_s >= m->greylist_retry_h * 3600)
        conf_fault(rd, s->file, 0, "memory.greylist-delay-seconds",
                   "must be less than memory.greylist-retry-hours");
}
