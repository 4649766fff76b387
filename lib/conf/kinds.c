/* Kinds of options: see kinds.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/kinds.h"

#include "conf/fit.h"
#include "conf/settings.h"
#include "value/nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void kind_fault_at(const struct input *in, const config_setting_t *v, const char *what)
{
    conf_fault(in->rd, in->file, config_setting_source_line(v), in->shown, "%s", what);
}

void kind_fault(const struct input *in, const config_setting_t *v, const char *what)
{
    bool sentence = strncmp(what, "is ", 3) == 0 || strncmp(what, "names ", 6) == 0;

    conf_fault(in->rd, in->file, config_setting_source_line(v), in->shown, "\"%.80s\"%s %s",
               config_setting_get_string(v), sentence ? "" : ":", what);
}

const char *kind_string(const struct input *in, const config_setting_t *v)
{
    if (config_setting_type(v) == CONFIG_TYPE_STRING)
        return config_setting_get_string(v);
    kind_fault_at(in, v, "must be a text in double quotes");
    return NULL;
}

int kind_length(const struct input *in)
{
    if (config_setting_type(in->node) == CONFIG_TYPE_ARRAY)
        return config_setting_length(in->node);
    kind_fault_at(in, in->node, "must be a list, such as [\"one\", \"two\"] or []");
    return 0;
}

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

/* ---- single values ---- */

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
    if (config_setting_type(in->node) == CONFIG_TYPE_BOOL)
        put_integer(where, o->size, config_setting_get_bool(in->node) != 0);
    else
        kind_fault_at(in, in->node, "must be true or false");
}

static void flag_print(const void *where, const struct option *o, FILE *out)
{
    fputs(get_integer(where, o->size) ? "true" : "false", out);
}

static void number_read(void *where, const struct option *o, const struct input *in)
{
    bool number = config_setting_type(in->node) == CONFIG_TYPE_INT;
    int v = number ? config_setting_get_int(in->node) : -1;
    char what[160], shown[32] = "must be";

    if (v >= 0 && (unsigned)v >= o->min && (unsigned)v <= o->max) {
        put_integer(where, o->size, (unsigned)v);
        return;
    }
    if (number)
        snprintf(shown, sizeof shown, "%d is not", v);
    snprintf(what, sizeof what, "%s a whole number from %u to %u%s%s%s", shown, o->min, o->max,
             o->note == NULL ? "" : " (", o->note == NULL ? "" : o->note,
             o->note == NULL ? "" : ")");
    kind_fault_at(in, in->node, what);
}

static void number_print(const void *where, const struct option *o, FILE *out)
{
    fprintf(out, "%u", get_integer(where, o->size));
}

static void octal_read(void *where, const struct option *o, const struct input *in)
{
    const char *text = kind_string(in, in->node);
    size_t n = text == NULL ? 0 : strlen(text);

    if (text == NULL)
        return;
    if (n > 0 && n <= 4 && strspn(text, "01234567") == n && strtoul(text, NULL, 8) <= o->max)
        put_integer(where, o->size, (unsigned)strtoul(text, NULL, 8));
    else
        kind_fault(in, in->node, "is not an octal mode from \"0000\" to \"0777\"");
}

static void octal_print(const void *where, const struct option *o, FILE *out)
{
    fprintf(out, "\"%04o\"", get_integer(where, o->size));
}

static void word_read(void *where, const struct option *o, const struct input *in)
{
    const char *text = kind_string(in, in->node);
    struct nearest near = {.word = text, .n = text != NULL ? strlen(text) : 0};
    char what[240] = "is none of:";
    size_t i, n = strlen(what);

    for (i = 0; text != NULL && o->words[i].word != NULL; i++) {
        if (strcmp(text, o->words[i].word) == 0) {
            put_integer(where, o->size, (unsigned)o->words[i].value);
            return;
        }
        n += (size_t)snprintf(what + n, sizeof what - n, "%s %s", i == 0 ? "" : ",",
                              o->words[i].word);
        nearest_consider(&near, o->words[i].word);
    }
    if (near.best != NULL)
        snprintf(what + n, sizeof what - n, "; did you mean %s?", near.best);
    if (text != NULL)
        kind_fault(in, in->node, what);
}

static void word_print(const void *where, const struct option *o, FILE *out)
{
    unsigned v = get_integer(where, o->size);
    size_t i;

    for (i = 0; o->words[i].word != NULL; i++)
        if ((unsigned)o->words[i].value == v)
            kind_quote(o->words[i].word, out);
}

static void text_set(void *where, char *text)
{
    char *old;

    memcpy(&old, where, sizeof old);
    free(old);
    memcpy(where, &text, sizeof text);
}

static void text_drop(void *where)
{
    text_set(where, NULL);
}

/* NULL stands for the empty text. */
static void text_read(void *where, const struct option *o, const struct input *in)
{
    const char *text = kind_string(in, in->node);
    const char *fault = text == NULL ? NULL : o->fit(text);
    char *copy;

    if (fault != NULL)
        kind_fault(in, in->node, fault);
    if (text == NULL || fault != NULL)
        return;
    copy = text[0] == '\0' ? NULL : strdup(text);
    in->rd->out_of_memory |= copy == NULL && text[0] != '\0';
    text_set(where, copy);
}

static void text_print(const void *where, const struct option *o, FILE *out)
{
    char *text;

    (void)o;
    memcpy(&text, where, sizeof text);
    kind_quote(text == NULL ? "" : text, out);
}

static void socket_read(void *where, const struct option *o, const struct input *in)
{
    const char *text = kind_string(in, in->node), *fault;
    char *checked;

    (void)o;
    if (text == NULL)
        return;
    fault = settings_socket(text, &checked);
    if (fault != NULL && errno == ENOMEM)
        in->rd->out_of_memory = true;
    else if (fault != NULL)
        kind_fault(in, in->node, fault);
    text_set(where, checked);
}

const struct kind kind_flag = {flag_read, flag_print, NULL, NULL};
const struct kind kind_number = {number_read, number_print, NULL, NULL};
const struct kind kind_octal = {octal_read, octal_print, NULL, NULL};
const struct kind kind_word = {word_read, word_print, NULL, NULL};
const struct kind kind_text = {text_read, text_print, text_drop, NULL};
const struct kind kind_socket = {socket_read, text_print, text_drop, NULL};
