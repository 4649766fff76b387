/* Kinds of options: how each is read into place, printed and freed.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/impl.h"

#include "value/ascii.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void value_fault(const struct input *in, const struct value *v, const char *what)
{
    settings_fault(in->rd, v->file, v->line, in->shown, "\"%.80s\"%s %s", v->text,
                   strncmp(what, "is ", 3) == 0 || strncmp(what, "names ", 6) == 0 ? "" : ":",
                   what);
}

/* Members are bool, uint8_t, unsigned or an enum. */
static void put_integer(void *where, size_t size, unsigned v)
{
    uint8_t small = (uint8_t)v;

    memcpy(where, size == 1 ? (const void *)&small : (const void *)&v, size == 1 ? 1 : sizeof v);
}

static unsigned get_integer(const void *where, size_t size)
{
    unsigned v = 0;
    uint8_t small;

    if (size != 1) {
        memcpy(&v, where, sizeof v);
        return v;
    }
    memcpy(&small, where, 1);
    return small;
}

static void flag_read(void *where, const struct option *o, const struct input *in)
{
    static const struct word words[] = {{"true", 1}, {"yes", 1}, {"on", 1}, {"false", 0},
                                        {"no", 0},   {"off", 0}, {NULL, 0}};
    const char *text = in->v[0]->text;
    size_t i;

    for (i = 0; words[i].word != NULL; i++)
        if (ascii_is_word(text, strlen(text), words[i].word)) {
            put_integer(where, o->size, (unsigned)words[i].value);
            return;
        }
    value_fault(in, in->v[0], "is not true or false");
}

static void flag_print(const void *where, const struct option *o, FILE *out)
{
    fputs(get_integer(where, o->size) ? "true" : "false", out);
}

/* Digits of the base only, no sign, no blank; false beyond max as well. */
static bool digits(const char *s, unsigned base, unsigned max, unsigned *v)
{
    *v = 0;
    if (s[0] == '\0')
        return false;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s >= (char)('0' + base))
            return false;
        *v = *v * base + (unsigned)(*s - '0');
        if (*v > max)
            return false;
    }
    return true;
}

static void number_read(void *where, const struct option *o, const struct input *in)
{
    char what[160];
    unsigned v;

    if (digits(in->v[0]->text, 10, o->max, &v) && v >= o->min) {
        put_integer(where, o->size, v);
        return;
    }
    snprintf(what, sizeof what, "is not a whole number from %u to %u%s%s%s", o->min, o->max,
             o->note == NULL ? "" : " (", o->note == NULL ? "" : o->note,
             o->note == NULL ? "" : ")");
    value_fault(in, in->v[0], what);
}

static void number_print(const void *where, const struct option *o, FILE *out)
{
    fprintf(out, "%u", get_integer(where, o->size));
}

static void octal_read(void *where, const struct option *o, const struct input *in)
{
    unsigned v;

    if (digits(in->v[0]->text, 8, o->max, &v))
        put_integer(where, o->size, v);
    else
        value_fault(in, in->v[0], "is not an octal mode from 0000 to 0777");
}

static void octal_print(const void *where, const struct option *o, FILE *out)
{
    fprintf(out, "\"%04o\"", get_integer(where, o->size));
}

static void words_fault(const struct option *o, const struct input *in)
{
    const char *text = in->v[0]->text, *best = NULL;
    unsigned distance = SETTINGS_FAR;
    char all[160];
    size_t i, n = 0;

    for (i = 0; o->words[i].word != NULL && n < sizeof all; i++) {
        unsigned d = settings_distance(text, o->words[i].word);

        n +=
            (size_t)snprintf(all + n, sizeof all - n, "%s%s", i == 0 ? "" : ", ", o->words[i].word);
        if (d < distance) {
            distance = d;
            best = o->words[i].word;
        }
    }
    settings_fault(in->rd, in->v[0]->file, in->v[0]->line, in->shown,
                   "\"%.80s\" is none of: %s%s%s%s", text, all,
                   best == NULL ? "" : "; did you mean ", best == NULL ? "" : best,
                   best == NULL ? "" : "?");
}

static void word_read(void *where, const struct option *o, const struct input *in)
{
    size_t i;

    for (i = 0; o->words[i].word != NULL; i++)
        if (strcmp(in->v[0]->text, o->words[i].word) == 0) {
            put_integer(where, o->size, (unsigned)o->words[i].value);
            return;
        }
    words_fault(o, in);
}

static void word_print(const void *where, const struct option *o, FILE *out)
{
    unsigned v = get_integer(where, o->size);
    size_t i;

    for (i = 0; o->words[i].word != NULL; i++)
        if ((unsigned)o->words[i].value == v)
            fputs(o->words[i].word, out);
}

/* NULL stands for the empty text. */
static void text_read(void *where, const struct option *o, const struct input *in)
{
    const struct value *v = in->v[0];
    const char *fault = o->fit(v->text);
    char *text;

    if (fault != NULL) {
        value_fault(in, v, fault);
        return;
    }
    text = v->text[0] == '\0' ? NULL : strdup(v->text);
    if (text == NULL && v->text[0] != '\0')
        in->rd->out_of_memory = true;
    memcpy(where, &text, sizeof text);
}

static void text_print(const void *where, const struct option *o, FILE *out)
{
    char *text;

    (void)o;
    memcpy(&text, where, sizeof text);
    settings_quote(text == NULL ? "" : text, out);
}

static void text_drop(void *where)
{
    char *text;

    memcpy(&text, where, sizeof text);
    free(text);
}

static void socket_read(void *where, const struct option *o, const struct input *in)
{
    char *text;
    const char *fault = settings_socket(in->v[0]->text, &text);

    (void)o;
    if (fault != NULL && errno == ENOMEM)
        in->rd->out_of_memory = true;
    else if (fault != NULL)
        value_fault(in, in->v[0], fault);
    memcpy(where, &text, sizeof text);
}

/* The texts in one block of memory behind their pointers; NULL for none. */
static char **pack(const struct input *in)
{
    size_t i, bytes = 0;
    char **list, *to;

    for (i = 0; i < in->n; i++)
        bytes += strlen(in->v[i]->text) + 1;
    list = in->n == 0 ? NULL : malloc(in->n * sizeof *list + bytes);
    if (list == NULL) {
        in->rd->out_of_memory |= in->n > 0;
        return NULL;
    }
    to = (char *)(list + in->n);
    for (i = 0; i < in->n; i++) {
        const char *from = in->v[i]->text;

        list[i] = to;
        do
            *to++ = (char)ascii_lower((unsigned char)*from);
        while (*from++ != '\0');
    }
    return list;
}

static void items_fit(char **list, const struct option *o, const struct input *in)
{
    size_t i;

    for (i = 0; list != NULL && i < in->n; i++) {
        const char *fault = o->fit(list[i]);

        if (fault != NULL)
            value_fault(in, in->v[i], fault);
    }
}

static void names_read(void *where, const struct option *o, const struct input *in)
{
    struct name_list *l = where;
    char **list = pack(in);

    items_fit(list, o, in);
    l->entry = (const char *const *)list;
    l->n = list == NULL ? 0 : in->n;
}

static void list_print(const char *const *entry, size_t n, FILE *out)
{
    size_t i;

    fputc('{', out);
    for (i = 0; i < n; i++) {
        fputs(i == 0 ? "" : ", ", out);
        settings_quote(entry[i], out);
    }
    fputc('}', out);
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
    size_t i;

    if (in->n == 1 && strcmp(in->v[0]->text, "root") == 0) {
        r->root = true;
        return;
    }
    for (i = 0; i < in->n; i++)
        if (strcmp(in->v[i]->text, "root") == 0)
            value_fault(in, in->v[i], "names no server: it stands alone or not at all");
        else if (o->fit(in->v[i]->text) != NULL)
            value_fault(in, in->v[i], o->fit(in->v[i]->text));
    r->forward = pack(in);
    r->forwards = r->forward == NULL ? 0 : in->n;
}

static void forward_print(const void *where, const struct option *o, FILE *out)
{
    const struct resolver_settings *r = where;

    (void)o;
    if (r->root)
        fputs("{\"root\"}", out);
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

struct networks {
    size_t n;
    struct addr_net *net;
};

/* The network that is left when the host bits of a text are cleared. */
static bool network_meant(const char *text, struct addr_net *net)
{
    const char *slash = strchr(text, '/');
    size_t i;
    unsigned bits;

    if (slash == NULL || !addr_parse(&net->base, text, (size_t)(slash - text)) ||
        !digits(slash + 1, 10, net->base.family == ADDR_IPV4 ? 32 : 128, &bits))
        return false;
    for (i = bits; i < 128; i++)
        net->base.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    net->bits = (uint8_t)bits;
    return true;
}

static void network_fault(const struct input *in, const struct value *v)
{
    char what[160], text[ADDR_NET_TEXT_MAX];
    struct addr_net meant;
    struct sbuf sb;

    if (!network_meant(v->text, &meant)) {
        value_fault(in, v, "is not ADDRESS or ADDRESS/BITS");
        return;
    }
    sbuf_init(&sb, text, sizeof text);
    addr_net_put(&sb, &meant);
    snprintf(what, sizeof what, "bits are set behind the network part; did you mean %s?", text);
    value_fault(in, v, what);
}

static void networks_read(void *where, const struct option *o, const struct input *in)
{
    struct networks *l = where;
    const char *fault;
    size_t i;

    l->net = in->n == 0 ? NULL : calloc(in->n, sizeof *l->net);
    l->n = l->net == NULL ? 0 : in->n;
    in->rd->out_of_memory |= l->n != in->n;
    for (i = 0; i < l->n; i++)
        if (!addr_net_parse(&l->net[i], in->v[i]->text, strlen(in->v[i]->text)))
            network_fault(in, in->v[i]);
        else if (o->fit != NULL && (fault = o->fit(in->v[i]->text)) != NULL)
            value_fault(in, in->v[i], fault);
}

static void networks_print(const void *where, const struct option *o, FILE *out)
{
    const struct networks *l = where;
    char text[ADDR_NET_TEXT_MAX];
    struct sbuf sb;
    size_t i;

    (void)o;
    fputc('{', out);
    for (i = 0; i < l->n; i++) {
        sbuf_init(&sb, text, sizeof text);
        addr_net_put(&sb, &l->net[i]);
        fprintf(out, "%s\"%s\"", i == 0 ? "" : ", ", text);
    }
    fputc('}', out);
}

static void networks_drop(void *where)
{
    struct networks *l = where;

    free(l->net);
}

const struct kind kind_flag = {false, flag_read, flag_print, NULL};
const struct kind kind_number = {false, number_read, number_print, NULL};
const struct kind kind_octal = {false, octal_read, octal_print, NULL};
const struct kind kind_word = {false, word_read, word_print, NULL};
const struct kind kind_text = {false, text_read, text_print, text_drop};
const struct kind kind_socket = {false, socket_read, text_print, text_drop};
const struct kind kind_names = {true, names_read, names_print, names_drop};
const struct kind kind_networks = {true, networks_read, networks_print, networks_drop};
const struct kind kind_forward = {true, forward_read, forward_print, forward_drop};
