/* Kinds of lists: texts, networks, name servers.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/fit.h"
#include "conf/kinds.h"
#include "conf/settings.h"
#include "value/ascii.h"

#include <stdlib.h>
#include <string.h>

/* The old texts and, in lower case, the new ones in one block of memory behind their pointers;
 * NULL for none. */
static char **pack(const struct input *in, char *const *old, size_t olds, int n)
{
    size_t i, all = olds + (size_t)n, bytes = 0;
    char **list, *to;

#define ITEM(i) ((i) < olds ? old[i] : config_setting_get_string_elem(in->node, (int)((i)-olds)))
    for (i = 0; i < all; i++)
        bytes += strlen(ITEM(i)) + 1;
    list = all == 0 ? NULL : malloc(all * sizeof *list + bytes);
    in->rd->out_of_memory |= list == NULL && all > 0;
    if (list == NULL)
        return NULL;
    to = (char *)(list + all);
    for (i = 0; i < all; i++) {
        const char *from = ITEM(i);

        list[i] = to;
        do
            *to++ = (char)ascii_lower((unsigned char)*from);
        while (*from++ != '\0');
    }
#undef ITEM
    return list;
}

/* Replaces a list of texts, or adds to it. */
static void list_read(char ***list, size_t *n, const struct option *o, const struct input *in)
{
    unsigned before = in->rd->faults;
    int i, more = kind_length(in);
    size_t olds = in->add ? *n : 0;
    char **all;

    for (i = 0; i < more; i++)
        kind_string(in, config_setting_get_elem(in->node, (unsigned)i));
    if (in->rd->faults != before)
        return;
    all = pack(in, *list, olds, more);
    free(*list);
    *list = all;
    *n = all == NULL ? 0 : olds + (size_t)more;
    for (i = 0; all != NULL && i < more; i++) {
        const char *fault = o->fit(all[olds + (size_t)i]);

        if (fault != NULL)
            kind_fault(in, config_setting_get_elem(in->node, (unsigned)i), fault);
    }
}

static void names_read(void *where, const struct option *o, const struct input *in)
{
    struct name_list *l = where;
    char **list = (char **)(uintptr_t)l->entry;

    list_read(&list, &l->n, o, in);
    l->entry = (const char *const *)list;
}

static void list_print(const char *const *entry, size_t n, FILE *out)
{
    size_t i;

    fputc('[', out);
    for (i = 0; i < n; i++) {
        fputs(i == 0 ? "" : ", ", out);
        kind_quote(entry[i], out);
    }
    fputc(']', out);
}

static void names_print(const void *where, const struct option *o, FILE *out)
{
    const struct name_list *l = where;

    (void)o;
    list_print(l->entry, l->n, out);
}

static void names_drop(void *where)
{
    struct name_list *l = where;

    free((void *)(uintptr_t)l->entry);
}

static void forward_read(void *where, const struct option *o, const struct input *in)
{
    struct resolver_settings *r = where;
    unsigned before = in->rd->faults;
    int i, n = kind_length(in);
    bool root = r->root && in->add && n > 0;

    for (i = 0; i < n; i++) {
        const char *text = config_setting_get_string_elem(in->node, i);

        root |= text != NULL && strcmp(text, "root") == 0;
    }
    if (!root) {
        list_read(&r->forward, &r->forwards, o, in);
        r->root &= in->add || in->rd->faults != before;
    } else if (n == 1 && !r->root && (!in->add || r->forwards == 0)) {
        free(r->forward);
        r->forward = NULL;
        r->forwards = 0;
        r->root = true;
    } else
        kind_fault_at(in, in->node, "\"root\" names no server: it stands alone or not at all");
}

static void forward_print(const void *where, const struct option *o, FILE *out)
{
    const struct resolver_settings *r = where;

    (void)o;
    if (r->root)
        fputs("[\"root\"]", out);
    else
        list_print((const char *const *)r->forward, r->forwards, out);
}

static void forward_drop(void *where)
{
    struct resolver_settings *r = where;

    free(r->forward);
}

const char *settings_ask_only(struct settings *s, const char *server)
{
    size_t n = strlen(server) + 1;
    const char *fault = fit_forward(server);
    char **list;

    if (fault != NULL)
        return fault;
    list = malloc(sizeof *list + n); /* one block, as pack() makes it */
    if (list == NULL)
        return "out of memory";
    list[0] = (char *)(list + 1);
    memcpy(list[0], server, n);
    free(s->resolver.forward);
    s->resolver.forward = list;
    s->resolver.forwards = 1;
    s->resolver.root = false;
    return NULL;
}

/* ---- networks ---- */

/* The network that is left when the host bits of a text are cleared. */
static bool network_meant(const char *text, struct addr_net *net)
{
    const char *slash = strchr(text, '/');
    size_t i, n = slash == NULL ? 0 : strlen(slash + 1);
    unsigned long bits;

    if (n == 0 || n > 3 || strspn(slash + 1, "0123456789") != n ||
        !addr_parse(&net->base, text, (size_t)(slash - text)))
        return false;
    bits = strtoul(slash + 1, NULL, 10);
    if (bits > (net->base.family == ADDR_IPV4 ? 32 : 128))
        return false;
    for (i = bits; i < 128; i++)
        net->base.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    net->bits = (uint8_t)bits;
    return true;
}

static void network_fault(const struct input *in, const config_setting_t *v)
{
    char what[160], text[ADDR_NET_TEXT_MAX];
    struct addr_net meant;
    struct sbuf sb;

    if (!network_meant(config_setting_get_string(v), &meant)) {
        kind_fault(in, v, "is not ADDRESS or ADDRESS/BITS");
        return;
    }
    sbuf_init(&sb, text, sizeof text);
    addr_net_put(&sb, &meant);
    snprintf(what, sizeof what, "host bits are set; did you mean %s?", text);
    kind_fault(in, v, what);
}

static void network_read(struct addr_net *net, const struct option *o, const struct input *in,
                         const config_setting_t *v)
{
    const char *text = kind_string(in, v), *fault;

    if (text == NULL)
        return;
    if (!addr_net_parse(net, text, strlen(text)))
        network_fault(in, v);
    else if (o->fit != NULL && (fault = o->fit(text)) != NULL)
        kind_fault(in, v, fault);
}

static void networks_read(void *where, const struct option *o, const struct input *in)
{
    struct networks *l = where;
    int i, n = kind_length(in);
    size_t old = in->add ? l->n : 0;
    struct addr_net *all = old + (size_t)n == 0 ? NULL : calloc(old + (size_t)n, sizeof *all);

    in->rd->out_of_memory |= all == NULL && old + (size_t)n > 0;
    if (all != NULL && old > 0)
        memcpy(all, l->net, old * sizeof *all);
    free(l->net);
    l->net = all;
    l->n = all == NULL ? 0 : old + (size_t)n;
    for (i = 0; all != NULL && i < n; i++)
        network_read(&all[old + (size_t)i], o, in, config_setting_get_elem(in->node, (unsigned)i));
}

static void networks_print(const void *where, const struct option *o, FILE *out)
{
    const struct networks *l = where;
    char text[ADDR_NET_TEXT_MAX];
    struct sbuf sb;
    size_t i;

    (void)o;
    fputc('[', out);
    for (i = 0; i < l->n; i++) {
        sbuf_init(&sb, text, sizeof text);
        addr_net_put(&sb, &l->net[i]);
        fprintf(out, "%s\"%s\"", i == 0 ? "" : ", ", text);
    }
    fputc(']', out);
}

static void networks_drop(void *where)
{
    struct networks *l = where;

    free(l->net);
}

const struct kind kind_names = {names_read, names_print, names_drop, NULL};
const struct kind kind_networks = {networks_read, networks_print, networks_drop, NULL};
const struct kind kind_forward = {forward_read, forward_print, forward_drop, NULL};
