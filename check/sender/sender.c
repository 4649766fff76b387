/* HOST, self and refused: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include "check/commands.h"
#include "check/log/input.h"
#include "check/sender/addresses.h"
#include "check/sender/mynetworks.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define EXIT_TO_FIX 1

/* ---- what the addresses have shown ---- */

static void add_problem(struct sender *x, const char *who, const char *what, const char *text)
{
    struct sbuf sb;

    if (x->problems == PROBLEMS_MAX)
        return;
    sbuf_init(&sb, x->problem[x->problems++], PROBLEM_TEXT);
    sbuf_str(&sb, who);
    sbuf_str(&sb, what);
    sbuf_str(&sb, text);
}

/* Behind those that come first; each record once. */
static void add_fix(struct sender *x, const struct fix *fix)
{
    unsigned i, at = 0;

    for (i = 0; i < x->fixes; i++) {
        if (strcmp(x->fix[i].record, fix->record) == 0)
            return;
        at += x->fix[i].order <= fix->order;
    }
    if (x->fixes == FIXES_SHOWN)
        return;
    memmove(&x->fix[at + 1], &x->fix[at], (x->fixes - at) * sizeof *x->fix);
    x->fix[at] = *fix;
    x->fixes++;
    for (i = at; i < x->fixes; i++)
        x->fix[i].number = i + 1;
}

static void keep(struct egress *g, const struct explanation *e)
{
    g->checked = e->facts.skip == F_NONE;
    g->action = e->verdict.action;
    g->result = e->verdict.report.result;
    g->cause = e->verdict.report.cause;
    g->ptr = e->verdict.report.ptr;
    g->links = e->links;
}

/* One address has been judged. */
static void explained(void *arg, const struct explanation *e)
{
    struct sender *x = arg;
    const struct dname *ptr = &e->verdict.report.ptr;
    char address[ADDR_TEXT_MAX];
    struct sbuf sb;
    struct dname reverse;
    enum refused_now now = NOW_IN_ORDER;
    unsigned i, k;

    keep(&x->egress[x->at], e);
    sbuf_init(&sb, address, sizeof address);
    addr_put(&sb, &e->facts.client);
    if (e->facts.skip != F_NONE) {
        add_problem(x, address, ": ", "not checked: it is private, or in exempt.networks");
        return;
    }
    dname_reverse(&reverse, &e->facts.client);
    looks_add(&x->looks, &reverse, RR_PTR);
    if (ptr->len > 1)
        looks_add(&x->looks, ptr, (uint16_t)fcrdns_type(&e->facts.client));
    for (i = 0; i < e->links.n; i++) {
        const struct link *l = &e->links.link[i];

        if (l->fixes == 0)
            continue;
        x->broken |= l->state != LINK_UNKNOWN;
        now = l->state != LINK_UNKNOWN ? NOW_TO_FIX : now == NOW_TO_FIX ? now : NOW_UNKNOWN;
        add_problem(x, address, strcmp(l->title, "HELO") == 0 ? ": HELO: " : ": ", l->text);
        for (k = 0; k < l->fixes; k++)
            add_fix(x, &l->fix[k]);
    }
    if (x->refused != NULL)
        refused_checked(x->refused, &e->facts.client, now);
}

/* ---- one run ---- */

/* NULL with the exit code in *code. */
static struct sender *begin(const struct settings *s, const struct explain_options *o, int *code)
{
    struct sender *x = calloc(1, sizeof *x);

    *code = EX_SOFTWARE;
    if (x == NULL) {
        fputs("iprev-check: out of memory\n", stderr);
        return NULL;
    }
    if (!run_start(&x->run, s, o->json)) {
        *code = x->run.code;
        free(x);
        return NULL;
    }
    x->run.explained = explained;
    x->run.away = true;
    x->run.arg = x;
    return x;
}

/* The name servers have this record, though the resolver does not know yet. */
static bool is_published(const struct look *k, const char *record)
{
    const struct said *usual = look_usual(k);
    char text[sizeof((struct fix *)0)->record];
    struct sbuf sb;
    unsigned i;

    for (i = 0; i < usual->n; i++) {
        sbuf_init(&sb, text, sizeof text);
        dname_put_query(&sb, k->behind ? &k->alias : &k->name);
        sbuf_byte(&sb, ' ');
        sbuf_str(&sb, type_word(k->type));
        sbuf_byte(&sb, ' ');
        if (usual->record[i].addr.family != ADDR_NONE)
            addr_put(&sb, &usual->record[i].addr);
        else
            dname_put_query(&sb, &usual->record[i].name);
        if (strcmp(text, record) == 0)
            return true;
    }
    return false;
}

/* Nobody is to create what is there: then the cache is what to wait for. */
static void drop_published(struct sender *x)
{
    unsigned i, f;

    for (i = 0; i < x->looks.n; i++)
        for (f = 0; look_stale(&x->looks.look[i]) && f < x->fixes; f++) {
            struct fix *fix = &x->fix[f];

            if (!is_published(&x->looks.look[i], fix->record))
                continue;
            memmove(fix, fix + 1, (--x->fixes - f) * sizeof *fix);
            f--;
        }
    for (f = 0; f < x->fixes; f++)
        x->fix[f].number = f + 1;
}

static void ask_servers(struct sender *x)
{
    if (looks_ask(&x->looks, &x->run.settings->resolver)) {
        looks_judge(&x->looks, (int64_t)time(NULL));
        drop_published(x);
    }
    x->broken |= x->looks.troubles > 0;
    if (x->broken)
        x->run.code = EXIT_TO_FIX;
}

static void print(struct sender *x, const char *details)
{
    json_t *all;

    if (x->run.list == NULL) {
        sender_text(x, details);
        return;
    }
    all = sender_json(x);
    run_print_json(all);
    json_decref(all);
}

/* Mail may come from these addresses, with this HELO; NULL: none is known. */
static void add_egresses(struct sender *x, const struct addr *list, unsigned n, const char *helo)
{
    unsigned i;

    for (i = 0; i < n && x->egresses < EGRESS_MAX; i++) {
        struct egress *g = &x->egress[x->egresses++];

        g->addr = list[i];
        g->helo = helo;
    }
}

static void judge_all(struct sender *x)
{
    for (x->at = 0; x->at < x->egresses; x->at++)
        run_client(&x->run, &x->egress[x->at].addr, x->egress[x->at].helo);
}

/* The text about each address is kept: what is to fix stands before it. */
static int report(struct sender *x)
{
    char *details = NULL;
    size_t length;
    int code;

    x->run.term.out = open_memstream(&details, &length);
    if (x->run.term.out != NULL) {
        judge_all(x);
        fclose(x->run.term.out);
        x->run.term.out = stdout;
        ask_servers(x);
        print(x, details);
    } else {
        fputs("iprev-check: out of memory\n", stderr);
        x->run.code = EX_SOFTWARE;
    }
    free(details);
    code = run_end(&x->run);
    free(x->refused);
    free(x);
    return code;
}

/* The name of this machine, and whether it can be a HELO. */
static bool own_name(char name[256])
{
    if (gethostname(name, 256) != 0)
        name[0] = '\0';
    name[255] = '\0';
    return strchr(name, '.') != NULL;
}

int sender_host(const struct settings *s, const struct dname *host, const struct explain_options *o)
{
    struct addr list[QUESTION_ADDRS_MAX];
    char name[DNAME_TEXT_MAX];
    const char *missing;
    struct sbuf sb;
    unsigned n;
    bool transient;
    int code;
    struct sender *x = begin(s, o, &code);

    if (x == NULL)
        return code;
    sbuf_init(&sb, name, sizeof name);
    dname_put(&sb, host);
    x->host = name;
    n = addresses_of_host(&x->run, host, list, &transient);
    missing = n > 0       ? "A or AAAA gave no answer: addresses may be missing"
              : transient ? "its addresses could not be looked up"
                          : "no such host, or it has no address: create an A or AAAA record";
    if (n == 0 || transient) {
        fprintf(stderr, "iprev-check: %s: %s\n", name, missing);
        add_problem(x, "", "", missing);
    }
    x->broken = n == 0 && !transient;
    x->run.code = transient ? EX_TEMPFAIL : n == 0 ? EXIT_TO_FIX : 0;
    looks_add(&x->looks, host, RR_A);
    looks_add(&x->looks, host, RR_AAAA);
    add_egresses(x, list, n, o->helo != NULL ? o->helo : name);
    return report(x);
}

int sender_self(const struct settings *s, const struct explain_options *o)
{
    struct addr list[QUESTION_ADDRS_MAX];
    unsigned n = addresses_of_self(list);
    char host[256];
    bool full;
    int code;
    struct sender *x;

    mynetworks_note(s, stderr);
    if (n == 0) {
        fputs("iprev-check: this machine has no public address (behind NAT?): give the address or "
              "host name that others see\n",
              stderr);
        return EX_UNAVAILABLE;
    }
    x = begin(s, o, &code);
    if (x == NULL)
        return code;
    full = own_name(host);
    x->host = host;
    add_egresses(x, list, n, o->helo != NULL ? o->helo : full ? host : NULL);
    return report(x);
}

/* ---- refused ---- */

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
    bool full = own_name(host);
    int code;
    struct sender *x = begin(s, &o, &code);

    if (x == NULL) {
        free(r);
        return code;
    }
    refused_sort(r);
    x->refused = r;
    x->host = host;
    if (n == 0) {
        add_problem(x, "", "",
                    "no public address is known: give the one that others see to iprev-check");
        x->broken = true;
    }
    add_egresses(x, list, n, full ? host : NULL);
    return report(x);
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
