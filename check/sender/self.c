/* The command self: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include "check/commands.h"
#include "check/sender/addresses.h"
#include "check/sender/mynetworks.h"
#include "check/sender/own.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

void own_find(struct own *m, const struct sender_options *o)
{
    char host[MTA_TEXT] = "";

    memset(m, 0, sizeof *m);
    mta_ask(&m->mta);
    if (gethostname(host, sizeof host - 1) == 0)
        (void)mta_keep(m->host, host);
    m->given = o->addrs > 0;
    m->n = m->given ? o->addrs : addresses_of_self(m->addr);
    if (m->given)
        memcpy(m->addr, o->addr, o->addrs * sizeof *o->addr);
    memcpy(m->temporary, m->addr, m->n * sizeof *m->addr);
    m->temporaries = m->given ? 0 : addresses_temporary(m->temporary, m->n);
}

/* ---- from where, with which HELO ---- */

static bool is_temporary(const struct own *m, const struct addr *a)
{
    unsigned i = 0;

    while (i < m->temporaries && !addr_equal(&m->temporary[i], a))
        i++;
    return i < m->temporaries;
}

/* The same address with the same HELO is there once; NULL: no room. */
static struct egress *egress_of(struct sender *x, const struct own *m, const struct addr *a,
                                const char *helo)
{
    unsigned i;

    for (i = 0; i < x->egresses; i++)
        if (addr_equal(&x->egress[i].addr, a) && strcmp(x->egress[i].helo, helo) == 0)
            return &x->egress[i];
    sender_egresses(x, a, 1, helo);
    if (i == x->egresses)
        return NULL;
    x->egress[i].temporary = is_temporary(m, a);
    return &x->egress[i];
}

static void add(struct sender *x, const struct own *m, const struct addr *a,
                const struct transport *t, const char *helo)
{
    struct egress *g = egress_of(x, m, a, helo);
    struct sbuf sb;
    size_t used;

    if (g == NULL || t->name[0] == '\0')
        return;
    used = strlen(g->transports);
    sbuf_init(&sb, g->transports + used, sizeof g->transports - used);
    sbuf_str(&sb, used > 0 ? ", " : "");
    sbuf_str(&sb, t->name);
}

static void note_private(struct sender *x, const struct transport *t, const struct addr *bind)
{
    char text[PROBLEM_TEXT];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, x->mta.program);
    sbuf_str(&sb, t->name[0] != '\0' ? " (transport " : "");
    sbuf_str(&sb, t->name);
    sbuf_str(&sb, t->name[0] != '\0' ? ")" : "");
    sbuf_str(&sb, " sends from ");
    addr_put(&sb, bind);
    sbuf_str(&sb, ", a private address: name the public one with --address");
    sender_note(x, text);
}

/* It binds to an address, or sends from any that the machine has. */
static void add_family(struct sender *x, const struct own *m, const struct transport *t,
                       const char *helo, enum addr_family family)
{
    const struct addr *bind = &t->bind[family == ADDR_IPV6];
    unsigned i;

    if (bind->family != ADDR_NONE && !addr_is_private(bind)) {
        add(x, m, bind, t, helo);
        return;
    }
    if (bind->family != ADDR_NONE && !m->given) {
        note_private(x, t, bind);
        return;
    }
    for (i = 0; i < m->n; i++)
        if (m->addr[i].family == family)
            add(x, m, &m->addr[i], t, helo);
}

static void note_unused(struct sender *x, const struct own *m)
{
    char text[PROBLEM_TEXT];
    struct sbuf sb;
    unsigned i, k;

    for (i = 0; i < m->n; i++) {
        for (k = 0; k < x->egresses && !addr_equal(&x->egress[k].addr, &m->addr[i]); k++)
            ;
        if (k < x->egresses)
            continue;
        sbuf_init(&sb, text, sizeof text);
        sbuf_str(&sb, x->mta.program);
        sbuf_str(&sb, " sends no mail from ");
        addr_put(&sb, &m->addr[i]);
        sbuf_str(&sb, ", which is not checked");
        sender_note(x, text);
    }
}

void own_egresses(struct sender *x, const struct own *m, const char *helo)
{
    unsigned i;

    x->mta = m->mta; /* whose texts last as long as x */
    if (helo == NULL && m->mta.n == 0 && strchr(x->host, '.') != NULL)
        helo = x->host;
    for (i = 0; i < x->mta.n; i++) {
        const struct transport *t = &x->mta.transport[i];
        const char *says = helo != NULL ? helo : t->helo;

        if (t->ipv4)
            add_family(x, m, t, says, ADDR_IPV4);
        if (t->ipv6)
            add_family(x, m, t, says, ADDR_IPV6);
    }
    if (x->mta.n > 0)
        note_unused(x, m);
    else
        sender_egresses(x, m->addr, m->n, helo);
    for (i = 0; i < x->egresses; i++)
        x->egress[i].temporary = is_temporary(m, &x->egress[i].addr);
    if (x->mta.left_out > 0)
        sender_note(x, "more transports of master.cf run smtp(8) than are looked at");
}

/* ---- the command ---- */

static void note_relay(struct sender *x)
{
    char text[PROBLEM_TEXT];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, x->mta.program);
    sbuf_str(&sb, " sends all mail through the relay ");
    sbuf_str(&sb, x->mta.relay);
    sbuf_str(&sb, ": receivers see the relay's address and name, and those of this machine do not "
                  "matter. To check one all the same, name it with --address");
    sender_note(x, text);
}

static void note_maps(struct sender *x)
{
    char text[PROBLEM_TEXT];
    struct sbuf sb;

    if (x->mta.maps[0] == '\0')
        return;
    sbuf_init(&sb, text, sizeof text);
    sbuf_str(&sb, x->mta.program);
    sbuf_str(&sb, " may send some mail through other relays, which are not looked at: see ");
    sbuf_str(&sb, x->mta.maps);
    sender_note(x, text);
}

int sender_self(const struct settings *s, const struct sender_options *o)
{
    struct own m;
    bool relay;
    int code;
    struct sender *x;

    mynetworks_note(s, stderr);
    own_find(&m, o);
    relay = m.mta.relay[0] != '\0' && !m.given;
    if (m.n == 0 && !relay) {
        fputs(
            "iprev-check: this machine has no public address (behind NAT?): name those that others "
            "see with --address\n",
            stderr);
        return EX_UNAVAILABLE;
    }
    x = sender_begin(s, o, &code);
    if (x == NULL)
        return code;
    x->host = m.mta.n > 0 ? m.mta.transport[0].helo : m.host;
    if (relay) {
        x->mta = m.mta;
        note_relay(x);
    } else {
        own_egresses(x, &m, o->helo);
        x->run.code = x->egresses == 0 ? EX_UNAVAILABLE : 0;
    }
    note_maps(x);
    return sender_report(x);
}
