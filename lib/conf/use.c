/* Settings asked, compared and freed; who we are.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/kinds.h"
#include "conf/lists.h"
#include "conf/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool in_networks(const struct addr *a, const struct networks *l)
{
    size_t i;

    for (i = 0; i < l->n; i++)
        if (addr_in_net(a, &l->net[i]))
            return true;
    return false;
}

bool settings_network_listed(const struct settings *s, const struct addr *client)
{
    return in_networks(client, &s->exempt.networks);
}

bool settings_network_exempt(const struct settings *s, const struct addr *client)
{
    return (s->exempt.private_ && addr_is_private(client)) || settings_network_listed(s, client);
}

bool settings_relay_trusted(const struct settings *s, const struct addr *client)
{
    return in_networks(client, &s->trusted_relays);
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
           same_text(a->zone, b->zone) && a->deadline_ms == b->deadline_ms &&
           a->relay_deadline_ms == b->relay_deadline_ms && a->helo == b->helo &&
           a->threads == b->threads && a->max_inflight == b->max_inflight && a->cache == b->cache;
}

void settings_free(struct settings *s)
{
    size_t i;

    if (s == NULL)
        return;
    for (i = 0; i < s->judge.policy.rules; i++)
        kind_to.drop(&s->judge.policy.rule[i].to);
    for (i = 0; i < settings_options; i++)
        if (settings_option[i].kind->drop != NULL &&
            strcmp(settings_option[i].section, "rules") != 0)
            settings_option[i].kind->drop((char *)s + settings_option[i].at);
    lists_free(&s->judge.exempt_list);
    free(s->file);
    free(s);
}

void own_id(char id[AUTHRES_ID_MAX], const char *authserv_id, const char *mta_name)
{
    const char *chosen = authserv_id != NULL ? authserv_id : mta_name;
    char host[AUTHRES_ID_MAX];

    if (chosen == NULL || !authres_id_valid(chosen, strlen(chosen))) {
        if (gethostname(host, sizeof host) != 0)
            host[0] = '\0';
        host[sizeof host - 1] = '\0';
        chosen = authres_id_valid(host, strlen(host)) ? host : "localhost";
    }
    memcpy(id, chosen, strlen(chosen) + 1);
}

struct self own_self(const char *id)
{
    struct self self = {.mta = {.len = 1}};

    dname_from_text(&self.name, id, strlen(id));
    return self;
}
