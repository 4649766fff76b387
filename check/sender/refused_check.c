/* The command refused: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include "check/commands.h"
#include "check/log/input.h"
#include "check/sender/own.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

static void on_line(void *arg, const char *s, size_t n)
{
    refused_line(arg, s, n);
}

/* Nobody refuses: nothing is asked. whole: all logs were read to their ends. What could not be read
 * says nothing of receivers. */
static int nobody(struct refused *r, const struct sender_options *o, bool whole)
{
    bool strange = r->lines > 0 && r->known == 0;
    bool read = r->known > 0 || (whole && !strange);
    int code = strange ? EX_DATAERR : 0;
    json_t *all = json_pack("{s:[]}", "receivers");

    if (strange)
        fputs("iprev-check: no line of a known log format was found\n", stderr);
    if (o->json)
        run_print_json(all);
    else if (read)
        puts("No receiver refused or deferred mail because of this server's name.");
    if (read && o->html != NULL && !sender_write_page(all, o->html))
        code = EX_CANTCREAT;
    json_decref(all);
    free(r);
    return code;
}

/* The receivers may name addresses that this machine does not have: NAT, another server. */
static void add_named(struct sender *x, const struct refused *r, const char *helo)
{
    unsigned i, k;

    for (i = 0; i < r->addrs; i++) {
        for (k = 0; k < x->egresses && !addr_equal(&x->egress[k].addr, &r->addr[i]); k++)
            ;
        if (k == x->egresses)
            sender_egresses(x, &r->addr[i], 1, helo);
    }
}

static int check_refused(const struct settings *s, struct refused *r,
                         const struct sender_options *o)
{
    struct own m;
    int code;
    struct sender *x;

    own_find(&m, o);
    x = sender_begin(s, o, &code);
    if (x == NULL) {
        free(r);
        return code;
    }
    refused_sort(r);
    x->refused = r;
    x->host = m.mta.n > 0 ? m.mta.transport[0].helo : m.host;
    own_egresses(x, &m, NULL);
    add_named(x, r, strchr(x->host, '.') != NULL ? x->host : NULL);
    if (x->egresses == 0) {
        sender_problem(x, "", "",
                       "no public address is known: name the one that others see with --address");
        x->broken = true;
    }
    return sender_report(x);
}

int sender_refused(const struct settings *s, const struct sender_options *o, int logs, char **log)
{
    struct refused *r = calloc(1, sizeof *r);
    struct log_file file = {.line = on_line, .arg = r};
    bool whole = true;
    int i, code;

    if (r == NULL) {
        fputs("iprev-check: out of memory\n", stderr);
        return EX_SOFTWARE;
    }
    r->now = (int64_t)time(NULL);
    for (i = 0; i < logs; i++) {
        file.what = log[i];
        whole &= log_file_lines(&file);
    }
    code = r->n == 0 ? nobody(r, o, whole) : check_refused(s, r, o);
    return code == 0 && !whole ? EX_NOINPUT : code;
}
