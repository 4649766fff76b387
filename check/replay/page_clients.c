/* Tables of clients on the page: see html.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/replay/html.h"
#include "check/replay/words.h"

#include <string.h>

#define ROWS_MAX 2000 /* clients in the table; the rest is counted */
#define TOP_MAX  200  /* in each of the lists before it */

/* Columns behind client, sender domains and names. */
enum {
    COLUMN_FATE = 1 << 0,
    COLUMN_THERE = 1 << 1,
    COLUMN_WHY = 1 << 2,
    COLUMN_COUNTS = 1 << 3,  /* messages, delivered */
    COLUMN_RETURNS = 1 << 4, /* put off, came back */
    COLUMN_REST = 1 << 5,    /* spam, refused */
    COLUMN_LINE = 1 << 6
};

struct rows {
    const struct judged *j;
    FILE *out;
    unsigned columns;
};

/* ---- cells ---- */

void cell_number(FILE *out, uint64_t n)
{
    fprintf(out, "<td class=\"n\" data-v=\"%llu\">", (unsigned long long)n);
    html_number(out, n);
    fputs("</td>", out);
}

void cell_fate(FILE *out, unsigned kind)
{
    fprintf(out, "<td><span class=\"fate t%u\">%s</span></td>", kind, fate_word(kind));
}

static void cell_text(const struct rows *r, const struct client *k, const char *class,
                      client_text *put)
{
    char text[CLIENT_TEXT_MAX];
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    put(k, r->j->settings, &sb);
    fprintf(r->out, "<td class=\"%s\">", class);
    (strcmp(class, "code") == 0 ? html_text : html_breaking)(r->out, text);
    fputs("</td>", r->out);
}

/* With its octets as the key to sort by, IPv4 before IPv6. */
static void cell_address(const struct rows *r, const struct client *k)
{
    size_t i;

    fprintf(r->out, "<td class=\"a\" data-k=\"%u", k->addr.family == ADDR_IPV6 ? 6u : 4u);
    for (i = 0; i < sizeof k->addr.bytes; i++)
        fprintf(r->out, "%02x", k->addr.bytes[i]);
    fputs("\">", r->out);
    html_text(r->out, ADDR_TEXT(&k->addr));
    fputs("</td>", r->out);
}

static void cell_senders(const struct rows *r, const struct client *k)
{
    const struct client *base = &r->j->tally->clients.list[k->base];
    const struct client_senders *s = base->senders;
    unsigned i;

    fputs("<td class=\"w\">", r->out);
    for (i = 0; s != NULL && i < SENDERS_MAX && s->domain[i] != NULL; i++) {
        fputs(i > 0 ? ", " : "", r->out);
        if (s->domain[i][0] == '\0')
            fputs("&lt;&gt;", r->out);
        else
            html_visible(r->out, s->domain[i], strlen(s->domain[i]));
    }
    fputs(base->senders_more ? ", &hellip;</td>" : "</td>", r->out);
}

static void cell_names(const struct rows *r, const struct client *k)
{
    fputs("<td class=\"w\">", r->out);
    html_breaking(r->out, k->ptr != NULL ? k->ptr : "-");
    if (k->helo != NULL) {
        fputs("<div class=\"helo\">", r->out);
        html_visible(r->out, k->helo, k->helo_len);
        fputs("</div>", r->out);
    }
    fputs("</td>", r->out);
}

static void row(const struct rows *r, const struct client *k)
{
    fputs("<tr>", r->out);
    cell_address(r, k);
    cell_senders(r, k);
    cell_names(r, k);
    if (r->columns & COLUMN_FATE)
        cell_fate(r->out, k->fate.kind);
    if (r->columns & COLUMN_THERE)
        cell_fate(r->out, k->against.kind);
    if (r->columns & COLUMN_WHY)
        cell_text(r, k, "w why", client_reason);
    if (r->columns & COLUMN_COUNTS) {
        cell_number(r->out, client_messages(k));
        cell_number(r->out, k->count[OUT_DELIVERED]);
    }
    if (r->columns & COLUMN_RETURNS) {
        cell_number(r->out, k->put_off);
        fprintf(r->out, "<td>%s</td>", k->put_off == 0 ? "-" : k->came_back > 0 ? "yes" : "no");
    }
    if (r->columns & COLUMN_REST) {
        cell_number(r->out, k->count[OUT_SPAM]);
        cell_number(r->out, client_refused(k));
    }
    if (r->columns & COLUMN_LINE)
        cell_text(r, k, "code", client_exempt_line);
    fputs("</tr>\n", r->out);
}

/* ---- tables ---- */

static void heads(const struct rows *r)
{
    static const struct {
        unsigned column;
        const char *html;
    } head[] = {
        {COLUMN_FATE, "<th>Action</th>"},
        {COLUMN_THERE, "<th>There</th>"},
        {COLUMN_WHY, "<th>Why</th>"},
        {COLUMN_COUNTS, "<th class=\"n\">Messages</th><th class=\"n\">Delivered</th>"},
        {COLUMN_RETURNS, "<th class=\"n\">Put off</th><th>Came back</th>"},
        {COLUMN_REST, "<th class=\"n\">Spam</th><th class=\"n\">Refused</th>"},
        {COLUMN_LINE, "<th>Exempt line</th>"},
    };
    size_t i;

    fputs("<thead><tr><th>Client</th><th>Sender domains</th><th>PTR name, HELO</th>", r->out);
    for (i = 0; i < sizeof head / sizeof head[0]; i++)
        if (r->columns & head[i].column)
            fputs(head[i].html, r->out);
    fputs("</tr></thead>", r->out);
}

static void left_out(FILE *out, uint64_t n)
{
    if (n == 0)
        return;
    fputs("<p class=\"note\">", out);
    html_number(out, n);
    fputs(" more are not shown here; <code>--json</code> has up to 10&#8239;000.</p>\n", out);
}

/* id: of the table, or NULL. */
static void table(const struct rows *r, enum list_kind kind, uint32_t max, const char *id)
{
    const struct judged_list *l = &r->j->list[kind];
    uint32_t i, n = l->n < max ? l->n : max;

    fputs("<div class=\"scroll\"><table class=\"sort\"", r->out);
    if (id != NULL)
        fprintf(r->out, " id=\"%s\"", id);
    fputs(">", r->out);
    heads(r);
    fputs("<tbody>\n", r->out);
    for (i = 0; i < n; i++)
        row(r, &r->j->tally->clients.list[l->at[i]]);
    fputs("</tbody></table></div>\n", r->out);
    left_out(r->out, l->n - n);
}

void page_lost(const struct judged *j, FILE *out)
{
    const struct rows r = {j, out, COLUMN_WHY | COLUMN_COUNTS | COLUMN_LINE};

    if (j->clients == 0)
        return; /* without a message, none is no good news */
    fputs("<section><h2>Refused by the policy, but delivered then</h2>\n", out);
    if (j->list[LIST_LOST].n == 0) {
        fputs("<p>None: every client that would be refused delivered nothing, or only what a "
              "filter called spam.</p></section>\n",
              out);
        return;
    }
    fputs("<p>Perhaps wanted mail. Look at these first; the last column is the line that exempts a "
          "client, for a file of <code>exempt.lists</code>.</p>\n",
          out);
    table(&r, LIST_LOST, TOP_MAX, NULL);
    fputs("<details><summary>All of these lines</summary><pre class=\"code\">", out);
    put_exempt_lines(j, &j->list[LIST_LOST], TOP_MAX, out);
    fputs("</pre></details>\n</section>\n", out);
}

void page_put_off(const struct judged *j, FILE *out)
{
    const struct rows r = {j, out, COLUMN_WHY | COLUMN_COUNTS | COLUMN_RETURNS};
    const struct grey_sum *g = &j->grey;

    if (j->list[LIST_PUT_OFF].n == 0)
        return;
    fputs("<section><h2>Put off by the greylist</h2>\n<p>", out);
    if (g->clients == 0) {
        fputs("These lines do not name sender and recipient: who came back is not known.", out);
    } else {
        html_number(out, g->back);
        fputs(" of ", out);
        html_number(out, g->clients);
        fputs(g->clients == 1 ? " client" : " clients", out);
        html_share(out, g->back, g->clients);
        fputs(
            " came back in time in this log, from the same network with the same sender domain and "
            "recipient. " GREY_HINT,
            out);
    }
    fputs(g->incomplete ? " <b>Incomplete: out of memory or disk space.</b></p>\n" : "</p>\n", out);
    table(&r, LIST_PUT_OFF, TOP_MAX, NULL);
    fputs("</section>\n", out);
}

void page_clients(const struct judged *j, FILE *out)
{
    const struct rows r = {j, out,
                           COLUMN_FATE | COLUMN_WHY | COLUMN_COUNTS | COLUMN_REST |
                               (j->against != NULL ? COLUMN_THERE : 0)};

    fputs("<section><h2>Clients</h2>\n<p class=\"paper\">The table of all clients is not printed; "
          "the "
          "page on the screen has it.</p>\n<div class=\"screen\"><p><input id=\"filter\" "
          "type=\"search\" "
          "placeholder=\"Show only rows with ...\" aria-label=\"Filter\"> <output "
          "id=\"shown\"></output></p>\n",
          out);
    table(&r, LIST_ALL, ROWS_MAX, "clients");
    fputs("</div></section>\n", out);
}
