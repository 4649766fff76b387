/* session: calls on many threads, as libmilter's pool makes them; answers that come too late.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/settings.h"
#include "tests/unit/milter/session_shared.h"

struct hand_over {
    struct session *s;
    struct message first;
    unsigned step;
    bool same;
};

/* One call of a session, on a thread of its own. */
static void *one_call(void *arg)
{
    struct hand_over *h = arg;
    struct session_peer p = peer_of("192.0.2.1");
    struct outcome o = {.refuse = false};
    struct message m;

    switch (h->step % 6) {
    case 0:
        if (h->step == 0)
            session_connect(h->s, &p);
        break;
    case 1:
        session_helo(h->s, "mail.good.example");
        break;
    case 2:
        session_mail(h->s, false);
        break;
    case 3:
        session_decide(h->s, STAGE_RCPT, "<user@example.org>", NULL, &o);
        break;
    case 4:
        session_header(h->s, "Authentication-Results", "mx.example.org; iprev=pass");
        break;
    default:
        session_eom(h->s, NULL, &m);
        if (h->step == 5)
            h->first = m;
        h->same = memcmp(&m, &h->first, sizeof m) == 0 && session_forged(h->s, 1);
        session_reset(h->s);
    }
    h->same &= !o.refuse;
    return NULL;
}

/* libmilter's pool moves a session between threads: nothing may stick to one. */
Test(session, D10_each_call_on_another_thread)
{
    struct world w;
    unsigned i, k;

    world_begin(&w, "mode = \"enforce\"");
    for (k = 0; k < 8; k++) {
        struct hand_over h = {.s = session_new(NULL), .same = true};

        cr_assert(h.s != NULL);
        for (i = 0; i < 30; i++) {
            pthread_t t;

            h.step = i;
            cr_assert(pthread_create(&t, NULL, one_call, &h) == 0);
            pthread_join(t, NULL);
            cr_expect(h.same, "session %u, call %u", k, i);
        }
        cr_expect(has_text(h.first.x_iprev_value, "helo-verified"), "%s", h.first.x_iprev_value);
        session_free(h.s);
    }
    world_end(&w);
}

static const struct dns_row late_rows[] = {
    {"9.100.51.198.in-addr.arpa", RR_PTR, NULL, .delay = 700, .rcode = DNS_NXDOMAIN},
};

/* Proof that comes when RCPT has been answered is told, but not as what was done. */
Test(session, B18_what_is_known_too_late_refuses_nobody)
{
    struct dns_server *v = DNS_START(late_rows);
    struct addr client = client_of("198.51.100.9");
    struct snapshot *snapshot;
    struct lookup *patient;
    struct outcome o;
    struct message m;
    struct session *s;
    struct world w;

    world_begin(&w, "");
    world_config(&w, "mode = \"enforce\"", v->address);
    snapshot = snapshot_take();
    patient = resolver_ask_client(snapshot->resolver, &client, resolver_now() + 3000, NULL);
    s = connected("198.51.100.9"); /* joins it, with a deadline of 400 ms */
    session_helo(s, "mail.good.example");
    session_mail(s, false);
    session_decide(s, STAGE_RCPT, "<user@example.org>", NULL, &o);
    cr_expect(!o.refuse && !lookup_done(patient));
    cr_expect(lookup_wait(patient, resolver_now() + 3000));
    session_eom(s, NULL, &m);
    cr_expect(!m.outcome.refuse);
    cr_expect(has_text(m.x_iprev_value, "ptr-missing") &&
                  has_text(m.x_iprev_value, "rule=-; action=accept; mode=enforce"),
              "%s", m.x_iprev_value);
    session_free(s);
    lookup_release(patient);
    snapshot_release(snapshot);
    world_end(&w);
    dns_stop(v);
}
