/* The sender's page: see page.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/sender/page.h"

#include "check/html.h"

#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

const char *page_string(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}

static const json_t *list_of(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

/* ---- pieces ---- */

/* A state in words, with its sign: "&#10003; ok", "&#10007; to fix". */
static void put_mark(FILE *out, const char *state)
{
    static const struct {
        const char *state, *words, *class, *sign;
    } marks[] = {
        {"ok", "ok", "ok", "&#10003;"},
        {"broken", "broken", "broken", "&#10007;"},
        {"differs", "differs", "broken", "&#10007;"},
        {"failed", "failed", "broken", "&#10007;"},
        {"to-fix", "to fix", "broken", "&#10007;"},
        {"in-order", "in order", "ok", "&#10003;"},
        {"weak", "weak", "weak", "!"},
        {"not-checked", "not checked", "unknown", "?"},
        {"unknown", "unknown", "unknown", "?"},
    };
    size_t i = 0;

    while (i + 1 < sizeof marks / sizeof *marks && strcmp(marks[i].state, state) != 0)
        i++;
    fprintf(out, "<span class=\"mark %s\">%s %s</span>", marks[i].class, marks[i].sign,
            marks[i].words);
}

static void put_time(FILE *out, int64_t at)
{
    time_t clock = (time_t)at;
    char text[32] = "-";
    struct tm tm;

    if (at != 0 && gmtime_r(&clock, &tm) != NULL)
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
    fputs(text, out);
}

/* ---- the answer ---- */

static void put_title(const json_t *r, int64_t now, FILE *out)
{
    size_t n = json_array_size(list_of(r, "problems"));
    char host[256] = "";

    fputs("<header><h1>", out);
    if (page_string(r, "host")[0] == '\0') {
        fputs("No receiver refused or deferred mail because of this server's name</h1></header>\n",
              out);
        return;
    }
    html_breaking(out, page_string(r, "host"));
    if (n == 0 && json_array_size(list_of(r, "addresses")) == 0)
        fputs(": no address to check", out);
    else if (n == 0)
        fputs(": <span class=\"ok\">&#10003; in order</span>", out);
    else
        fprintf(out, ": <span class=\"broken\">&#10007; %zu problem%s</span>", n,
                n == 1 ? "" : "s");
    fputs("</h1>\n<p>Reverse DNS and HELO of this mail server as others see it; checked ", out);
    put_time(out, now);
    fputs(" UTC", out);
    if (gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') {
        fputs(" on ", out);
        html_text(out, host);
    }
    fputs(".</p></header>\n", out);
}

static void put_problems(const json_t *r, FILE *out)
{
    const json_t *list = list_of(r, "problems");
    size_t i;

    if (json_array_size(list) > 0)
        fputs("<section><h2>What is wrong</h2>\n<ol>", out);
    for (i = 0; i < json_array_size(list); i++) {
        fputs("<li>", out);
        html_text(out, json_string_value(json_array_get(list, i)));
        fputs("</li>\n", out);
    }
    if (json_array_size(list) > 0)
        fputs("</ol></section>\n", out);
    if (json_is_true(json_object_get(r, "unheard")))
        fputs("<section><p>None of the name servers answered the machine that checked: they are "
              "down, or DNS to the Internet is blocked there. Only its resolver was "
              "heard.</p></section>\n",
              out);
}

static void put_fixes(const json_t *r, FILE *out)
{
    const json_t *list = list_of(r, "fixes");
    size_t i;

    if (json_array_size(list) > 0)
        fputs("<section><h2>What to do, in this order</h2>\n<ol>", out);
    for (i = 0; i < json_array_size(list); i++) {
        const json_t *fix = json_array_get(list, i);

        fputs("<li>", out);
        html_text(out, page_string(fix, "how"));
        fputs("<pre>", out);
        html_text(out, page_string(fix, "record"));
        fputs("</pre></li>\n", out);
    }
    if (json_array_size(list) > 0)
        fputs("</ol></section>\n", out);
}

static void put_notes(const json_t *r, FILE *out)
{
    const json_t *list = list_of(r, "notes");
    size_t i;

    if (json_array_size(list) > 0)
        fputs("<section><h2>To know</h2>\n<ul>", out);
    for (i = 0; i < json_array_size(list); i++) {
        fputs("<li>", out);
        html_text(out, json_string_value(json_array_get(list, i)));
        fputs("</li>\n", out);
    }
    if (json_array_size(list) > 0)
        fputs("</ul></section>\n", out);
}

/* ---- receivers ---- */

static void put_receiver(const json_t *x, FILE *out)
{
    fputs("<tr><td>", out);
    html_breaking(out, page_string(x, "receiver"));
    fputs("</td><td>", out);
    put_mark(out, page_string(x, "now"));
    fputs(" <span class=\"ip\">", out);
    html_text(out, page_string(x, "address"));
    fprintf(out, "</span></td><td>%lld refused, %lld deferred, ",
            (long long)json_integer_value(json_object_get(x, "refused")),
            (long long)json_integer_value(json_object_get(x, "deferred")));
    put_time(out, json_integer_value(json_object_get(x, "first")));
    fputs(" to ", out);
    put_time(out, json_integer_value(json_object_get(x, "last")));
    fputs("</td><td>", out);
    html_text(out, page_string(x, "words"));
    fputs("</td></tr>\n", out);
}

static void put_receivers(const json_t *r, FILE *out)
{
    const json_t *list = list_of(r, "receivers");
    size_t i;

    if (list == NULL)
        return;
    fputs("<section><h2>Who refused mail because of this server's name</h2>\n<div "
          "class=\"scroll\"><table class=\"receivers\">"
          "<thead><tr><th>Receiver</th><th>The address now</th><th>Tries</th><th>Its last words"
          "</th></tr></thead><tbody>\n",
          out);
    for (i = 0; i < json_array_size(list); i++)
        put_receiver(json_array_get(list, i), out);
    fputs("</tbody></table></div></section>\n", out);
}

/* ---- addresses ---- */

static void put_links(const json_t *client, FILE *out)
{
    const json_t *list = list_of(client, "links");
    size_t i;

    fputs("<ul class=\"links\">", out);
    for (i = 0; i < json_array_size(list); i++) {
        const json_t *link = json_array_get(list, i);

        fputs("<li>", out);
        put_mark(out, page_string(link, "state"));
        fputs("<span>", out);
        html_text(out, page_string(link, "link"));
        fputs(": ", out);
        html_text(out, page_string(link, "text"));
        fputs("</span></li>\n", out);
    }
    fputs("</ul>", out);
}

/* "Postfix (transport bulk) says mail.example.com" */
static void put_egress(const json_t *r, const json_t *egress, FILE *out)
{
    const char *program = page_string(r, "mail_server");

    if (program[0] == '\0' || page_string(egress, "helo")[0] == '\0')
        return;
    fputs("<p class=\"note\">", out);
    html_text(out, program);
    fputs(" (", out);
    html_text(out, page_string(egress, "transports"));
    fputs(") says ", out);
    html_breaking(out, page_string(egress, "helo"));
    fputs(json_is_true(json_object_get(egress, "temporary")) ? " from this temporary address</p>\n"
                                                             : "</p>\n",
          out);
}

/* "banner mail.example.com (not the PTR name)" */
static void put_said(const char *title, const char *name, const char *ptr, FILE *out)
{
    fprintf(out, "%s ", title);
    html_breaking(out, name[0] != '\0' ? name : "-");
    fputs(name[0] == '\0' || strcasecmp(name, ptr) == 0 ? "; " : " (not the PTR name); ", out);
}

/* What port 25 says; not judged. */
static void put_probe(const json_t *probe, const char *ptr, FILE *out)
{
    const json_t *names = list_of(probe, "certificate");
    size_t i;

    if (!json_is_object(probe))
        return;
    fputs("<p class=\"note\">Port 25: ", out);
    put_said("banner", page_string(probe, "banner"), ptr, out);
    put_said("EHLO", page_string(probe, "ehlo"), ptr, out);
    fputs(json_array_size(names) > 0 ? "certificate for " : "no name in a certificate", out);
    for (i = 0; i < json_array_size(names); i++) {
        fputs(i > 0 ? ", " : "", out);
        html_breaking(out, json_string_value(json_array_get(names, i)));
    }
    fputs(page_string(probe, "error")[0] != '\0' ? "; " : "", out);
    html_text(out, page_string(probe, "error"));
    fputs("</p>\n", out);
}

/* One card for each; addresses and clients are in the same order. */
static void put_clients(const json_t *r, FILE *out)
{
    const json_t *list = list_of(r, "clients");
    size_t i;

    fputs("<div class=\"cards\">\n", out);
    for (i = 0; i < json_array_size(list); i++) {
        const json_t *client = json_array_get(list, i);
        const json_t *egress = json_array_get(list_of(r, "addresses"), i);

        fputs("<section><h2>", out);
        html_breaking(out, page_string(client, "client"));
        fputs("</h2>\n", out);
        put_egress(r, egress, out);
        picture_draw(client, out);
        put_links(client, out);
        put_probe(json_object_get(egress, "probe"), page_string(client, "ptr"), out);
        fputs("</section>\n", out);
    }
    fputs("</div>\n", out);
}

/* ---- name servers ---- */

/* "mail.example.com, www.example.com", or why not. */
static void put_reply(const json_t *reply, FILE *out)
{
    static const struct {
        const char *answer, *text;
    } texts[] = {
        {"data", "no valid record"},
        {"nodata", "no record of this type"},
        {"nxdomain", "no such name"},
        {"truncated", "a cut answer"},
        {"refused", "refuses to answer"},
        {"servfail", "failed (SERVFAIL, or a damaged answer)"},
        {"bogus", "DNSSEC validation failed"},
        {"lame", "does not serve this zone (lame)"},
        {"timeout", "does not answer"},
        {"closed", "nothing listens at port 53"},
        {"unreachable", "cannot be reached from there"},
        {"not-asked", "not asked"},
    };
    const json_t *records = list_of(reply, "records");
    size_t i = 0;

    for (i = 0; i < json_array_size(records); i++) {
        fputs(i > 0 ? ", " : "", out);
        html_breaking(out, json_string_value(json_array_get(records, i)));
    }
    if (i > 0)
        return;
    while (i + 1 < sizeof texts / sizeof *texts &&
           strcmp(texts[i].answer, page_string(reply, "answer")) != 0)
        i++;
    html_text(out, texts[i].text);
}

static bool same_reply(const json_t *a, const json_t *b)
{
    return strcmp(page_string(a, "answer"), page_string(b, "answer")) == 0 &&
           json_equal(list_of(a, "records"), list_of(b, "records"));
}

static void put_server(const json_t *s, FILE *out)
{
    const json_t *udp = json_object_get(s, "udp"), *tcp = json_object_get(s, "tcp");

    fputs("<tr><td>", out);
    put_mark(out, page_string(s, "state"));
    fputs("</td><td>", out);
    html_breaking(out, page_string(s, "name"));
    fputs("</td><td class=\"a\">", out);
    html_breaking(out,
                  page_string(s, "address")[0] != '\0' ? page_string(s, "address") : "no address");
    fputs("</td><td>", out);
    put_reply(udp, out);
    if (!same_reply(udp, tcp)) {
        fputs("; by TCP: ", out);
        put_reply(tcp, out);
    }
    fputs("</td></tr>\n", out);
}

static void put_zone(const json_t *z, FILE *out)
{
    const json_t *servers = list_of(z, "servers"), *resolver = json_object_get(z, "resolver");
    size_t i;

    fputs("<h3>", out);
    html_breaking(out, page_string(z, "name"));
    fprintf(out, " %s</h3>\n<p class=\"note\">", page_string(z, "type"));
    if (page_string(z, "zone")[0] != '\0') {
        fputs("zone ", out);
        html_breaking(out, page_string(z, "zone"));
        fputs(", run by ", out);
        html_breaking(out, page_string(z, "mailbox"));
    } else {
        fputs("zone unknown", out);
    }
    fputs(json_is_true(json_object_get(z, "local")) ? "; a zone that only the resolver has</p>\n"
                                                    : "</p>\n",
          out);
    fputs("<div class=\"scroll\"><table "
          "class=\"servers\"><thead><tr><th>State</th><th>Server</th><th>Address</th>"
          "<th>Says</th></tr></thead><tbody>\n<tr><td></td><td>the resolver</td><td></td><td>",
          out);
    put_reply(resolver, out);
    if (json_integer_value(json_object_get(resolver, "ttl")) > 0)
        fprintf(out, " (for %lld s)",
                (long long)json_integer_value(json_object_get(resolver, "ttl")));
    fputs("</td></tr>\n", out);
    for (i = 0; i < json_array_size(servers); i++)
        put_server(json_array_get(servers, i), out);
    fputs("</tbody></table></div>\n", out);
}

static void put_zones(const json_t *r, FILE *out)
{
    const json_t *list = list_of(r, "zones");
    size_t i;

    if (json_array_size(list) == 0)
        return;
    fputs("<section><h2>What the name servers say</h2>\n", out);
    for (i = 0; i < json_array_size(list); i++)
        put_zone(json_array_get(list, i), out);
    fputs("</section>\n", out);
}

/* ---- other records ---- */

static void put_companion(const json_t *c, FILE *out)
{
    const json_t *records = list_of(c, "records");
    size_t i;

    fputs("<tr><td>", out);
    html_text(out, page_string(c, "what"));
    fputs("</td><td>", out);
    html_breaking(out, page_string(c, "name"));
    fputs("</td><td>", out);
    for (i = 0; i < json_array_size(records); i++) {
        fputs(i > 0 ? ", " : "", out);
        html_text(out, json_string_value(json_array_get(records, i)));
    }
    if (i == 0)
        put_reply(c, out);
    fputs("</td></tr>\n", out);
}

static void put_companions(const json_t *r, FILE *out)
{
    const json_t *list = list_of(r, "companions");
    size_t i;

    if (json_array_size(list) == 0)
        return;
    fputs(
        "<section><h2>Other records, as published (not judged)</h2>\n<div class=\"scroll\"><table>"
        "<thead><tr><th>What</th><th>Name</th><th>Published</th></tr></thead><tbody>\n",
        out);
    for (i = 0; i < json_array_size(list); i++)
        put_companion(json_array_get(list, i), out);
    fputs("</tbody></table></div></section>\n", out);
}

bool sender_page(const json_t *r, int64_t now, FILE *out)
{
    html_head(out, "sender", "iprev-check: a mail server as others see it", &sender_style, NULL);
    put_title(r, now, out);
    put_problems(r, out);
    put_fixes(r, out);
    put_notes(r, out);
    put_receivers(r, out);
    put_clients(r, out);
    put_zones(r, out);
    put_companions(r, out);
    fputs("<footer>iprev-check " PACKAGE_VERSION "</footer>\n</body>\n</html>\n", out);
    return !ferror(out);
}
