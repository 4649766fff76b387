/* Kinds of options: see kinds.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/kinds.h"

#include "conf/fit.h"
#include "conf/settings.h"
#include "value/ascii.h"
#include "value/nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers, flags and words ---- */

/* Members are bool, uint8_t, unsigned or an enum. */
static const char *put(void *where, size_t size, unsigned v)
{
    if (size == 1)
        *(uint8_t *)where = (uint8_t)v;
    else
        memcpy(where, &v, sizeof v);
    return NULL;
}

static unsigned get(const void *where, size_t size)
{
    unsigned v;

    if (size == 1)
        return *(const uint8_t *)where;
    memcpy(&v, where, sizeof v);
    return v;
}

static const char *number_take(void *where, const struct option *o, struct value *v)
{
    return put(where, o->size, (unsigned)v->number);
}

static void flag_print(const void *where, const struct option *o, FILE *out)
{
    fputs(get(where, o->size) ? "true" : "false", out);
}

static void number_print(const void *where, const struct option *o, FILE *out)
{
    fprintf(out, "%u", get(where, o->size));
}

static const char *octal_take(void *where, const struct option *o, struct value *v)
{
    size_t n = strlen(v->text);

    if (n == 0 || n > 4 || strspn(v->text, "01234567") != n || strtoul(v->text, NULL, 8) > o->max)
        return "is not an octal mode from \"0000\" to \"0777\"";
    return put(where, o->size, (unsigned)strtoul(v->text, NULL, 8));
}

static void octal_print(const void *where, const struct option *o, FILE *out)
{
    fprintf(out, "\"%04o\"", get(where, o->size));
}

static const char *word_take(void *where, const struct option *o, struct value *v)
{
    struct nearest near = {.word = v->text, .n = strlen(v->text)};
    const struct choice *w;
    struct sbuf sb;

    sbuf_init(&sb, v->what, sizeof v->what);
    sbuf_str(&sb, "is not one of:");
    for (w = o->words; w->word != NULL; w++) {
        if (strcmp(v->text, w->word) == 0)
            return put(where, o->size, (unsigned)w->value);
        sbuf_str(&sb, w == o->words ? " " : ", ");
        sbuf_str(&sb, w->word);
        nearest_consider(&near, w->word);
    }
    if (near.best != NULL) {
        sbuf_str(&sb, "; did you mean ");
        sbuf_str(&sb, near.best);
        sbuf_str(&sb, "?");
    }
    return v->what;
}

static void word_print(const void *where, const struct option *o, FILE *out)
{
    const struct choice *w;

    for (w = o->words; w->word != NULL; w++)
        if ((unsigned)w->value == get(where, o->size))
            kind_quote(w->word, out);
}

/* ---- texts: NULL stands for the empty one ---- */

void kind_quote(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static const char *text_take(void *where, const struct option *o, struct value *v)
{
    char **text = where;
    const char *fault = o->fit(v->text);

    if (fault != NULL)
        return fault;
    free(*text);
    *text = v->text[0] == '\0' ? NULL : strdup(v->text);
    v->out_of_memory |= *text == NULL && v->text[0] != '\0';
    return NULL;
}

static void text_print(const void *where, const struct option *o, FILE *out)
{
    char *const *text = where;

    (void)o;
    kind_quote(*text == NULL ? "" : *text, out);
}

static void text_drop(void *where)
{
    free(*(char **)where);
}

static const char *socket_take(void *where, const struct option *o, struct value *v)
{
    char **text = where, *checked;
    const char *fault = settings_socket(v->text, &checked);

    (void)o;
    v->out_of_memory |= fault != NULL && errno == ENOMEM;
    if (fault != NULL)
        return fault;
    free(*text);
    *text = checked;
    return NULL;
}

/* ---- lists of texts ---- */

static char *list_add(char ***list, size_t *n, struct value *v)
{
    char **more = realloc(*list, (*n + 1) * sizeof **list);

    v->out_of_memory |= more == NULL;
    if (more == NULL)
        return NULL;
    *list = more;
    more[*n] = strdup(v->text);
    v->out_of_memory |= more[*n] == NULL;
    return more[*n] == NULL ? NULL : more[(*n)++];
}

static const char *list_take(char ***list, size_t *n, const struct option *o, struct value *v)
{
    char *text = list_add(list, n, v);

    if (text == NULL)
        return NULL;
    ascii_lower_text(text);
    return o->fit(text);
}

static void list_print(const char *const *list, size_t n, FILE *out)
{
    size_t i;

    fputc('[', out);
    for (i = 0; i < n; i++) {
        fputs(i == 0 ? "" : ", ", out);
        kind_quote(list[i], out);
    }
    fputc(']', out);
}

static void list_drop(char **list, size_t n)
{
    while (n > 0)
        free(list[--n]);
    free(list);
}

static const char *names_take(void *where, const struct option *o, struct value *v)
{
    struct name_list *l = where;
    char **list = (char **)(uintptr_t)l->entry;
    const char *fault = list_take(&list, &l->n, o, v);

    l->entry = (const char *const *)list;
    return fault;
}

/* Paths stay as they are, and only good ones are kept: they are read later. */
static const char *files_take(void *where, const struct option *o, struct value *v)
{
    struct name_list *l = where;
    char **list = (char **)(uintptr_t)l->entry;
    const char *fault = o->fit(v->text);

    if (fault == NULL)
        list_add(&list, &l->n, v);
    l->entry = (const char *const *)list;
    return fault;
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

    list_drop((char **)(uintptr_t)l->entry, l->n);
    *l = (struct name_list){0};
}

static const char *forward_take(void *where, const struct option *o, struct value *v)
{
    struct resolver_settings *r = where;
    bool root = strcmp(v->text, "root") == 0;

    if ((root && r->forwards > 0) || r->root)
        return "\"root\" cannot be combined with other servers";
    r->root = root;
    return root ? NULL : list_take(&r->forward, &r->forwards, o, v);
}

static void forward_print(const void *where, const struct option *o, FILE *out)
{
    static const char *const root[] = {"root"};
    const struct resolver_settings *r = where;

    (void)o;
    list_print(r->root ? root : (const char *const *)r->forward, r->root ? 1 : r->forwards, out);
}

static void forward_drop(void *where)
{
    struct resolver_settings *r = where;

    list_drop(r->forward, r->forwards);
    r->forward = NULL;
    r->forwards = 0;
    r->root = false;
}

const char *settings_ask_only(struct settings *s, const char *server)
{
    static const struct option o = {.fit = fit_forward};
    struct value v = {.text = server};
    const char *fault = fit_forward(server);

    if (fault != NULL)
        return fault;
    forward_drop(&s->resolver);
    list_take(&s->resolver.forward, &s->resolver.forwards, &o, &v);
    return v.out_of_memory ? "out of memory" : NULL;
}

/* ---- networks ---- */

/* The network that is left when the host bits of a text are cleared. */
static bool network_meant(const char *text, struct addr_net *net)
{
    const char *slash = strchr(text, '/');
    size_t i, n = slash == NULL ? 0 : strlen(slash + 1);
    unsigned long bits = n == 0 ? 0 : strtoul(slash + 1, NULL, 10);

    if (n == 0 || n > 3 || strspn(slash + 1, "0123456789") != n ||
        !addr_parse(&net->base, text, (size_t)(slash - text)) ||
        bits > (net->base.family == ADDR_IPV4 ? 32 : 128))
        return false;
    for (i = bits; i < 128; i++)
        net->base.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    net->bits = (uint8_t)bits;
    return true;
}

const char *kind_network(const char *text, struct addr_net *net, struct value *v)
{
    struct addr_net meant;
    struct sbuf sb;

    if (addr_net_parse(net, text, strlen(text)))
        return NULL;
    sbuf_init(&sb, v->what, sizeof v->what);
    if (!network_meant(text, &meant))
        return "is not ADDRESS or ADDRESS/BITS";
    sbuf_str(&sb, "host bits are set; did you mean ");
    addr_net_put(&sb, &meant);
    sbuf_str(&sb, "?");
    return v->what;
}

static const char *networks_take(void *where, const struct option *o, struct value *v)
{
    struct networks *l = where;
    struct addr_net *more = realloc(l->net, (l->n + 1) * sizeof *more);
    const char *fault;

    v->out_of_memory |= more == NULL;
    if (more == NULL)
        return NULL;
    l->net = more;
    fault = kind_network(v->text, &more[l->n], v);
    if (fault != NULL)
        return fault;
    l->n++;
    return o->fit == NULL ? NULL : o->fit(v->text);
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
    *l = (struct networks){0};
}

/* Keys of rules that are shown only where they are set. */
static bool trial_unset(const void *where)
{
    return !*(const bool *)where;
}

static bool to_unset(const void *where)
{
    return ((const struct name_list *)where)->n == 0;
}

const struct kind kind_trial = {TAKES_TEXT, word_take, word_print, NULL, trial_unset};
const struct kind kind_to = {TAKES_LIST, names_take, names_print, names_drop, to_unset};
const struct kind kind_flag = {TAKES_FLAG, number_take, flag_print, NULL, NULL};
const struct kind kind_number = {TAKES_NUMBER, number_take, number_print, NULL, NULL};
const struct kind kind_octal = {TAKES_TEXT, octal_take, octal_print, NULL, NULL};
const struct kind kind_word = {TAKES_TEXT, word_take, word_print, NULL, NULL};
const struct kind kind_text = {TAKES_TEXT, text_take, text_print, text_drop, NULL};
const struct kind kind_socket = {TAKES_TEXT, socket_take, text_print, text_drop, NULL};
const struct kind kind_names = {TAKES_LIST, names_take, names_print, names_drop, NULL};
const struct kind kind_files = {TAKES_LIST, files_take, names_print, names_drop, NULL};
const struct kind kind_networks = {TAKES_LIST, networks_take, networks_print, networks_drop, NULL};
const struct kind kind_forward = {TAKES_LIST, forward_take, forward_print, forward_drop, NULL};
