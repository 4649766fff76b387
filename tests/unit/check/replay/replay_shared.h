/* What the tests of replay share: a tally that is fed lines, and the lines.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_TEST_REPLAY_SHARED_H
#define IPREV_TEST_REPLAY_SHARED_H

#include "check/replay/tally.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NOW 1795256142 /* 2026-11-21 10:15:42 */
#define AT  "Nov 20 10:00:00 mx1 "

static inline struct settings *defaults(void)
{
    struct settings *s = settings_read(NULL, stderr);

    cr_assert_not_null(s);
    return s;
}

static inline void start(struct tally *t)
{
    cr_assert(tally_init(t, defaults(), NULL, NOW));
}

static inline void stop(struct tally *t)
{
    struct settings *s = (struct settings *)(uintptr_t)t->settings;

    tally_free(t);
    settings_free(s);
}

static inline void feed(struct tally *t, const char *const *line)
{
    for (; *line != NULL; line++)
        tally_line(t, *line, strlen(*line));
}

/* The entry with messages of an address; of several, the first. */
static inline const struct client *entry(const struct tally *t, const char *address)
{
    struct addr a;
    uint32_t i;

    cr_assert(addr_parse(&a, address, strlen(address)));
    for (i = 1; i < t->clients.n; i++)
        if (addr_equal(&t->clients.list[i].addr, &a) && !t->clients.list[i].gone &&
            client_messages(&t->clients.list[i]) > 0)
            return &t->clients.list[i];
    return NULL;
}

#define MESSAGE(id, from)  AT "postfix/smtpd[1]: " id ": client=x[" from "]"
#define SENT(id)           AT "postfix/lmtp[1]: " id ": to=<u@example.org>, dsn=2.0.0, status=sent (ok)"
#define QUEUED(id)         AT "postfix/qmgr[1]: " id ": from=<a@b>, size=900, nrcpt=1 (queue active)"
#define GONE(id)           AT "postfix/qmgr[1]: " id ": removed"
#define REJECT(what, text) AT "postfix/smtpd[1]: NOQUEUE: " what " from x[192.0.2.1]: " text
#define REFUSED_AT(stage, text)                                                                    \
    AT "postfix/smtpd[1]: AAAA1: milter-reject: " stage " from x[192.0.2.1]: " text                \
       "; from=<a@b> to=<c@d> proto=ESMTP helo=<h.example>"
#define BACK(id, origin)                                                                           \
    AT "postfix/smtpd[1]: " id ": client=localhost[127.0.0.1], orig_queue_id=" origin              \
       ", orig_client=x[192.0.2.1]"
#define OWN(client, found, id)                                                                     \
    AT "iprev-milter[1]: client=" client " ptr=- helo=h findings=" found                           \
       " rule=- action=accept mode=enforce qid=" id
#define VERDICT(id)                                                                                \
    "2026-11-20 10:00:01 #12(rspamd_proxy) <ab>; proxy; rspamd_task_write_log: id: <m>, qid: "     \
    "<" id ">, ip: 192.0.2.1, from: <a@b>, (default: F (add header): [8.00/15.00] [])"
#define PRINT(line, form, number) (size_t) snprintf(line, sizeof line, form, number)

#endif
