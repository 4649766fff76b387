/* One run over the addresses of a sender: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include "check/commands.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

/* NULL with the exit code in *code. */
struct sender *sender_begin(const struct settings *s, const struct sender_options *o, int *code)
{
    struct sender *x = calloc(1, sizeof *x);

    *code = EX_SOFTWARE;
    if (x == NULL) {
        fputs("iprev-check: out of memory\n", stderr);
        return NULL;
    }
    if (!run_start(&x->run, s, true)) {
        *code = x->run.code;
        free(x);
        return NULL;
    }
    x->probed = o->probe && !o->ticket;
    x->ticket = o->ticket;
    x->run.text = true;
    x->run.explained = sender_explained;
    x->options = o;
    x->run.away = true;
    x->run.arg = x;
    return x;
}

/* Mail may come from these addresses, with this HELO; NULL: none is known. */
void sender_egresses(struct sender *x, const struct addr *list, unsigned n, const char *helo)
{
    unsigned i;

    for (i = 0; i < n && x->egresses < EGRESS_MAX; i++) {
        struct egress *g = &x->egress[x->egresses++];

        g->addr = list[i];
        g->helo = helo;
    }
}

static void ask_servers(struct sender *x)
{
    if (looks_ask(&x->looks, &x->run.settings->resolver)) {
        looks_judge(&x->looks, (int64_t)time(NULL));
        sender_drop_published(x);
    }
    x->broken |= x->looks.troubles > 0;
    if (x->broken)
        x->run.code = EXIT_TO_FIX;
}

/* Each address once, with its PTR name, or the host's, in TLS. */
static void probe(struct sender *x)
{
    struct probe_ask ask[PROBES_MAX];
    unsigned i, k, n = 0;
    struct sbuf sb;

    for (i = 0; i < x->egresses; i++) {
        struct egress *g = &x->egress[i];

        for (k = 0; k < n && !addr_equal(&ask[k].addr, &g->addr); k++)
            ;
        if (k < n || addr_is_private(&g->addr))
            continue;
        if (n == PROBES_MAX) {
            sender_note(x, "port 25 is looked at for the first 32 addresses only");
            break;
        }
        ask[n] = (struct probe_ask){.addr = g->addr, .probe = &g->probe};
        sbuf_init(&sb, ask[n].name, sizeof ask[n].name);
        if (g->ptr.len > 1)
            dname_put(&sb, &g->ptr);
        n++;
    }
    probe_all(ask, n);
}

static void ask_companions(struct sender *x)
{
    struct dname host;

    if (!x->ticket && dname_from_text(&host, x->host, strlen(x->host)) && dname_is_host(&host) &&
        !companions_ask(&x->companions, &host, &x->run.settings->resolver))
        x->companions.n = 0;
}

static void judge_all(struct sender *x)
{
    for (x->at = 0; x->at < x->egresses; x->at++)
        run_client(&x->run, &x->egress[x->at].addr, x->egress[x->at].helo);
}

/* The text about each address is kept: what is to fix stands before it. */
int sender_report(struct sender *x)
{
    char *details = NULL;
    size_t length;
    int code;

    if (sender_output_ready(x) && (x->run.term.out = open_memstream(&details, &length)) != NULL) {
        judge_all(x);
        sender_collect_fixes(x);
        fclose(x->run.term.out);
        x->run.term.out = stdout;
        ask_servers(x);
        ask_companions(x);
        if (x->probed)
            probe(x);
        sender_output(x, details);
    } else if (x->run.term.out == NULL) {
        fputs("iprev-check: out of memory\n", stderr);
        x->run.code = EX_SOFTWARE;
    }
    free(details);
    json_decref(x->old);
    code = run_end(&x->run);
    free(x->refused);
    free(x);
    return code;
}
