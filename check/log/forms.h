/* The programs whose lines are known: message is the line behind the program's name.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_LOG_FORMS_H
#define IPREV_LOG_FORMS_H

#include "check/log/event.h"

/* smtpd, postscreen, cleanup, qmgr and the delivery agents, under any syslog name. */
void log_postfix(struct log_event *e, const struct log_text *program, struct log_text message);
void log_sendmail(struct log_event *e, struct log_text message);
/* The spam verdicts of amavis, rspamd and spamd. */
void log_filter(struct log_event *e, const struct log_text *program, struct log_text message);

#endif
