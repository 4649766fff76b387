/* Two reports compared: see compare.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/compare.h"

#include "check/sender/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* What a report says, in a form that can be compared. */
struct facts {
    json_t *there; /* what exists: the key says it all */
    json_t *says;  /* key: what is said about it */
};

json_t *compare_read(const char *file, const char *host, int *code)
{
    json_error_t error;
    json_t *old = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    const char *about = page_string(old, "host");

    if (old != NULL && strcmp(about, host) == 0)
        return old;
    *code = EX_DATAERR;
    if (old == NULL && json_error_code(&error) == json_error_cannot_open_file) {
        fprintf(stderr, "iprev-check: %s: %s\n", file, strerror(errno));
        *code = EX_NOINPUT;
    } else if (about[0] == '\0') {
        fprintf(stderr, "iprev-check: %s: not a report of iprev-check --json about a host\n", file);
    } else {
        fprintf(stderr, "iprev-check: %s: a report about another host\n", file);
    }
    json_decref(old);
    return NULL;
}

/* ---- what a report says ---- */

/* Takes key and value; without memory the fact is left out. */
static void add(json_t *object, json_t *key, json_t *value)
{
    if (key != NULL)
        json_object_set(object, json_string_value(key), value);
    json_decref(key);
    json_decref(value);
}

/* Without the time at which a cached answer ends: " until 14:05 UTC (in 300 s)". */
static void read_problem(struct facts *f, const char *text)
{
    const char *from = strstr(text, " until "), *to = from != NULL ? strchr(from, ')') : NULL;
    int n = to != NULL ? (int)(from - text) : (int)strlen(text);

    add(f->there, json_sprintf("problem: %.*s%s", n, text, to != NULL ? to + 1 : ""), json_true());
}

/* The HELO link tells what the name comes to. */
static const char *helo_finding(const json_t *client)
{
    const json_t *links = json_object_get(client, "links");
    size_t i;

    for (i = 0; i < json_array_size(links); i++)
        if (strcmp(page_string(json_array_get(links, i), "link"), "HELO") == 0 &&
            strcmp(page_string(json_array_get(links, i), "state"), "unknown") != 0)
            return page_string(json_array_get(links, i), "finding");
    return "";
}

/* "192.0.2.10, 192.0.2.11"; NULL: none. */
static json_t *read_names(const json_t *list)
{
    json_t *all = json_string(""), *more;
    size_t i;

    for (i = 0; i < json_array_size(list); i++) {
        if (!json_is_string(json_array_get(list, i)))
            continue; /* not of ours */
        more = json_sprintf("%s%s%s", json_string_value(all), i > 0 ? ", " : "",
                            json_string_value(json_array_get(list, i)));
        json_decref(all);
        all = more;
    }
    if (json_string_length(all) > 0)
        return all;
    json_decref(all);
    return NULL;
}

/* What port 25 says, when both reports have asked it and it answered. */
static void read_probe(struct facts *f, const json_t *egress)
{
    const json_t *probe = json_object_get(egress, "probe");
    const char *address = page_string(egress, "address");
    json_t *names;

    if (page_string(probe, "banner")[0] != '\0')
        add(f->says, json_sprintf("%s banner", address), json_string(page_string(probe, "banner")));
    if (page_string(probe, "ehlo")[0] != '\0')
        add(f->says, json_sprintf("%s EHLO", address), json_string(page_string(probe, "ehlo")));
    names = read_names(json_object_get(probe, "certificate"));
    if (names != NULL)
        add(f->says, json_sprintf("%s certificate", address), names);
}

static void read_client(struct facts *f, const json_t *client)
{
    const char *address = page_string(client, "client"), *result = page_string(client, "result");
    const char *helo = helo_finding(client);

    add(f->there, json_sprintf("address %s", address), json_true());
    if (strcmp(result, "temperror") != 0)
        add(f->says, json_sprintf("%s reverse DNS", address),
            json_sprintf("%s %s", result,
                         page_string(client, strcmp(result, "pass") == 0 ? "ptr" : "cause")));
    if (helo[0] != '\0')
        add(f->says, json_sprintf("%s HELO", address),
            json_sprintf("%s %s", page_string(client, "helo"), helo));
}

/* NULL when it is no answer, which cannot be compared. */
static json_t *read_reply(const json_t *reply)
{
    const char *answer = page_string(reply, "answer");

    if (strcmp(answer, "nxdomain") == 0 || strcmp(answer, "nodata") == 0)
        return json_string("no record");
    return read_names(json_object_get(reply, "records"));
}

static void read_server(struct facts *f, const json_t *zone, const json_t *s)
{
    const char *name = page_string(s, "name"), *address = page_string(s, "address");
    json_t *said = read_reply(json_object_get(s, "udp"));

    if (said == NULL)
        said = read_reply(json_object_get(s, "tcp"));
    if (said != NULL)
        add(f->says,
            json_sprintf("%s %s at %s (%s)", page_string(zone, "name"), page_string(zone, "type"),
                         name, address),
            said);
    add(f->there,
        json_sprintf("name server %s (%s) of %s", name, address, page_string(zone, "zone")),
        json_true());
}

static void read_zone(struct facts *f, const json_t *zone)
{
    const json_t *servers = json_object_get(zone, "servers");
    json_t *said = read_reply(json_object_get(zone, "resolver"));
    size_t i;

    if (said != NULL)
        add(f->says,
            json_sprintf("%s %s in the resolver", page_string(zone, "name"),
                         page_string(zone, "type")),
            said);
    if (page_string(zone, "mailbox")[0] != '\0')
        add(f->says, json_sprintf("zone %s, run by", page_string(zone, "zone")),
            json_string(page_string(zone, "mailbox")));
    for (i = 0; i < json_array_size(servers); i++)
        read_server(f, zone, json_array_get(servers, i));
}

static struct facts read_report(const json_t *report)
{
    struct facts f = {json_object(), json_object()};
    const json_t *list = json_object_get(report, "problems");
    size_t i;

    for (i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)))
            read_problem(&f, json_string_value(json_array_get(list, i)));
    list = json_object_get(report, "clients");
    for (i = 0; i < json_array_size(list); i++)
        read_client(&f, json_array_get(list, i));
    list = json_object_get(report, "addresses");
    for (i = 0; i < json_array_size(list); i++)
        read_probe(&f, json_array_get(list, i));
    list = json_object_get(report, "zones");
    for (i = 0; i < json_array_size(list); i++)
        read_zone(&f, json_array_get(list, i));
    return f;
}

/* ---- what differs ---- */

static void add_change(json_t *changes, const char *what, const char *was, const char *is)
{
    json_array_append_new(changes,
                          json_pack("{s:s, s:s?, s:s?}", "what", what, "was", was, "is", is));
}

/* What is there now and was not, or the other way round. */
static void find_missing(json_t *changes, json_t *here, const json_t *there, bool is_new)
{
    const char *key;
    json_t *value;

    json_object_foreach(here, key, value) if (json_object_get(there, key) == NULL)
        add_change(changes, key, is_new ? NULL : "there", is_new ? "there" : NULL);
}

json_t *compare_reports(const json_t *old, const json_t *now)
{
    struct facts before = read_report(old), after = read_report(now);
    json_t *changes = json_array(), *value;
    const char *key;

    find_missing(changes, after.there, before.there, true);
    find_missing(changes, before.there, after.there, false);
    json_object_foreach(after.says, key, value)
    {
        const char *was = page_string(before.says, key), *is = json_string_value(value);

        if (json_object_get(before.says, key) != NULL && strcmp(was, is) != 0)
            add_change(changes, key, was, is);
    }
    json_decref(before.there);
    json_decref(before.says);
    json_decref(after.there);
    json_decref(after.says);
    return changes;
}

static json_t *sentence(const json_t *change)
{
    const char *what = page_string(change, "what");

    if (json_is_null(json_object_get(change, "was")))
        return json_sprintf("new %s", what);
    if (json_is_null(json_object_get(change, "is")))
        return json_sprintf("gone %s", what);
    return json_sprintf("%s: was %s, is %s", what, page_string(change, "was"),
                        page_string(change, "is"));
}

/* The old report may be anybody's: only printable ASCII reaches the terminal. */
void compare_text(const json_t *changes, FILE *out)
{
    size_t i;
    char *c;

    for (i = 0; i < json_array_size(changes); i++) {
        json_t *line = sentence(json_array_get(changes, i));
        char *text = line != NULL ? strdup(json_string_value(line)) : NULL;

        for (c = text; c != NULL && *c != '\0'; c++)
            *c = *c < ' ' || *c > '~' ? '?' : *c;
        if (text != NULL)
            fprintf(out, "%s\n", text);
        free(text);
        json_decref(line);
    }
}
