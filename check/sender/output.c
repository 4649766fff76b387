/* The report in its forms: see sender.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/sender.h"

#include "check/html.h"
#include "check/outfile.h"
#include "check/sender/compare.h"
#include "check/sender/page.h"

#include <sysexits.h>
#include <time.h>

#define EXIT_CHANGED 1

bool sender_output_ready(struct sender *x)
{
    const struct sender_options *o = x->options;

    if (o->html != NULL && !outfile_allowed(o->html, PAGE_MARK)) {
        x->run.code = EX_CANTCREAT;
        return false;
    }
    if (o->compare == NULL)
        return true;
    x->old = compare_read(o->compare, x->host, &x->run.code);
    return x->old != NULL;
}

bool sender_write_page(const json_t *report, const char *file)
{
    struct outfile page;

    return outfile_open(&page, file, PAGE_MARK) &&
           outfile_close(&page, sender_page(report, (int64_t)time(NULL), page.out));
}

/* Without answers from DNS nothing is said to have changed. */
static void print_changes(struct sender *x, const json_t *all)
{
    json_t *changes = x->run.code == EX_TEMPFAIL ? json_array() : compare_reports(x->old, all),
           *object;

    if (x->options->json) {
        object = json_pack("{s:O}", "changes", changes);
        run_print_json(object);
        json_decref(object);
    } else {
        compare_text(changes, stdout);
    }
    if (x->run.code != EX_TEMPFAIL)
        x->run.code = json_array_size(changes) > 0 ? EXIT_CHANGED : 0;
    json_decref(changes);
}

void sender_output(struct sender *x, const char *details)
{
    const struct sender_options *o = x->options;
    json_t *all = sender_json(x);

    if (x->ticket)
        sender_ticket(x, stdout, stderr, (int64_t)time(NULL));
    else if (x->old != NULL)
        print_changes(x, all);
    else if (o->json)
        run_print_json(all);
    else
        sender_text(x, details);
    if (o->html != NULL && !sender_write_page(all, o->html))
        x->run.code = EX_CANTCREAT;
    json_decref(all);
}
