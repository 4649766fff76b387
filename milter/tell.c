/* A decision told: see tell.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/tell.h"

#include "milter/log.h"
#include "milter/metrics.h"

#include <string.h>
#include <syslog.h>

/* The MTA's own view of the client's name, when it is not ours. */
static const char *other_view(const char *mta_resolve, enum finding result)
{
    static const struct {
        const char *word;
        enum finding same;
    } view[] = {{"OK", F_IPREV_PASS},
                {"FORGED", F_IPREV_FAIL},
                {"FAIL", F_IPREV_PERMERROR},
                {"TEMP", F_IPREV_TEMPERROR}};
    size_t i;

    for (i = 0; i < sizeof view / sizeof view[0]; i++)
        if (strcmp(view[i].word, mta_resolve) == 0 && view[i].same != result)
            return view[i].word;
    return NULL;
}

static void log_decision(const struct verdict *v, const struct record_log *log,
                         const struct addr *relay)
{
    char text[RECORD_LOG_MAX];
    struct record r;
    struct sbuf sb;

    verdict_record(v, &r);
    r.relay = *relay;
    sbuf_init(&sb, text, sizeof text);
    record_put_log(&sb, &r, log);
    log_line(LOG_INFO, "%s", sb.overflow ? "a log record did not fit" : text);
}

void tell_decision(const struct verdict *v, struct record_log *log, const struct addr *relay,
                   const char *mta_resolve)
{
    metrics_check(v->report.result, v->report.cause);
    metrics_action(v->action, v->enforce, v->rule_name);
    metrics_dns_ms(log->dns_ms);
    metrics_wait_ms(log->wait_ms);
    if (!log_wants(LOG_INFO))
        return;
    log->from_mta = other_view(mta_resolve, v->report.result);
    log_decision(v, log, relay);
}

void tell_trial(const struct verdict *v, struct record_log *log, const struct addr *relay)
{
    struct verdict trial;

    verdict_trial(&trial, v);
    log->stage = "trial";
    metrics_action(trial.action, false, trial.rule_name);
    if (log_wants(LOG_INFO))
        log_decision(&trial, log, relay);
}
