/* The command refused: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include "check/commands.h"
#include "check/log/input.h"
#include "check/sender/addresses.h"

#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

static void on_line(void *arg, const char *s, size_t n)
{
    refused_line(arg, s, n);
}

/* The addresses to check: those that the receivers name, and this machine's. */
static unsigned addresses_of_refused(const struct refused *r, struct addr list[QUESTION_ADDRS_MAX])
{
    unsigned n = addresses_of_self(list), i, k;

    for (i = 0; i < r->addrs && n < QUESTION_ADDRS_MAX; i++) {
        for (k = 0; k < n && !addr_equal(&list[k], &r->addr[i]); k++)
            ;
        if (k == n)
            list[n++] = r->addr[i];
    }
    return n;
}

/* Nobody refuses: nothing is asked. */
static int nobody(struct refused *r, bool json)
{
    int code = r->lines > 0 && r->known == 0 ? EX_DATAERR : 0;
    json_t *all = json ? json_pack("{s:[]}", "receivers") : NULL;

    if (!json)
        puts("No receiver refused or deferred mail for this server's name.");
    run_print_json(all);
    json_decref(all);
    free(r);
    return code;
}

static int check_refused(const struct settings *s, struct refused *r, bool json)
{
    const struct explain_options o = {.json = json};
    struct addr list[QUESTION_ADDRS_MAX];
    unsigned n = addresses_of_refused(r, list);
    char host[256];
    bool full = sender_own_name(host);
    int code;
    struct sender *x = sender_begin(s, &o, &code);

    if (x == NULL) {
        free(r);
        return code;
    }
    refused_sort(r);
    x->refused = r;
    x->host = host;
    if (n == 0) {
        sender_problem(x, "", "",
                       "no public address is known: give the one that others see to iprev-check");
        x->broken = true;
    }
    sender_egresses(x, list, n, full ? host : NULL);
    return sender_report(x);
}

int sender_refused(const struct settings *s, bool json, int logs, char **log)
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
    code = r->n == 0 ? nobody(r, json) : check_refused(s, r, json);
    return code == 0 && !whole ? EX_NOINPUT : code;
}
