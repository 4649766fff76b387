/* Settings as text, compared, and freed.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/impl.h"

#include <stdlib.h>
#include <string.h>

void settings_quote(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || (*text == '$' && text[1] == '{'))
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* Left out in a rule: an option that was left out. */
static bool unset(const struct option *o, const char *where)
{
    size_t i;

    if (strcmp(o->section, "rule") != 0 || o->def == NULL || o->def[0] != '\0')
        return false;
    for (i = 0; i < o->size; i++)
        if (where[i] != '\0')
            return false;
    return true;
}

static void print_section(const char *section, const char *indent, const void *base, FILE *out)
{
    size_t i;

    for (i = 0; i < settings_options; i++) {
        const struct option *o = &settings_option[i];

        if (strcmp(o->section, section) != 0 || unset(o, (const char *)base + o->at))
            continue;
        fprintf(out, "%s%s = ", indent, o->key);
        o->kind->print((const char *)base + o->at, o, out);
        fputc('\n', out);
    }
}

static void print_rules(const struct policy *p, FILE *out)
{
    unsigned i;

    for (i = 0; i < p->rules; i++) {
        fprintf(out, "rule \"%s\" {\n", p->rule[i].name);
        print_section("rule", "    ", &p->rule[i], out);
        fputs("}\n", out);
    }
}

void settings_print(const struct settings *s, FILE *out)
{
    const char *section = "";
    size_t i;

    print_section("", "", s, out);
    for (i = 0; i < settings_options; i++) {
        if (strcmp(settings_option[i].section, section) == 0)
            continue;
        section = settings_option[i].section;
        if (strcmp(section, "rule") == 0) {
            print_rules(&s->judge.policy, out);
            continue;
        }
        fprintf(out, "%s {\n", section);
        print_section(section, "    ", s, out);
        fputs("}\n", out);
    }
}

static bool in_networks(const struct addr *a, const struct addr_net *net, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (addr_in_net(a, &net[i]))
            return true;
    return false;
}

bool settings_network_exempt(const struct settings *s, const struct addr *client)
{
    return in_networks(client, s->exempt.network, s->exempt.networks);
}

bool settings_relay_trusted(const struct settings *s, const struct addr *client)
{
    return in_networks(client, s->trusted_relays.net, s->trusted_relays.n);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool resolver_settings_equal(const struct resolver_settings *a, const struct resolver_settings *b)
{
    size_t i;

    if (a->forwards != b->forwards)
        return false;
    for (i = 0; i < a->forwards; i++)
        if (strcmp(a->forward[i], b->forward[i]) != 0)
            return false;
    return a->root == b->root && same_text(a->trust_anchor, b->trust_anchor) &&
           same_text(a->zone, b->zone) && a->deadline_ms == b->deadline_ms && a->helo == b->helo &&
           a->threads == b->threads && a->max_inflight == b->max_inflight && a->cache == b->cache;
}

void settings_free(struct settings *s)
{
    size_t i;

    if (s == NULL)
        return;
    for (i = 0; i < settings_options; i++)
        if (settings_option[i].kind->drop != NULL)
            settings_option[i].kind->drop((char *)s + settings_option[i].at);
    free(s->file);
    free(s);
}
