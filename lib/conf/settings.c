/* Reads a configuration with libconfuse and puts its values into place.
 *
 * To libconfuse every option is a text with its line; the rows of the table
 * give the texts their meaning, so that one bad value does not hide the next.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/impl.h"

#include <confuse.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* libconfuse's scanner has global state, and its callbacks get no argument of ours. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static struct reader *reading;

static void parse_text(struct reader *rd, char *text, size_t n);

static int take_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
    const char *file = settings_present(reading);
    size_t n = strlen(text);
    struct value *v = malloc(sizeof *v + n + 1);

    (void)opt;
    *(void **)result = v;
    if (v == NULL) { /* no failure to libconfuse: it aborts the process over a default */
        reading->out_of_memory = true;
        return 0;
    }
    v->file = file;
    v->line = file == NULL ? 0 : cfg->line;
    memcpy(v->text, text, n + 1);
    return 0;
}

/* settings_scan has seen to it that there is one argument. */
static int take_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
    int line = cfg->line;

    (void)opt;
    (void)argc;
    settings_include(reading, argv[0], line, parse_text);
    cfg->line = line;
    return 0;
}

__attribute__((format(printf, 2, 0))) static void take_error(cfg_t *cfg, const char *fmt,
                                                             va_list ap)
{
    char text[256];

    /* What settings_scan could not blank, it has reported. */
    if (strncmp(fmt, "no such option", 14) == 0 && reading->faults > 0)
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    settings_fault(reading, settings_present(reading), cfg->line, NULL, "%s", text);
}

static void parse_text(struct reader *rd, char *text, size_t n)
{
    unsigned before = rd->faults;
    FILE *in;

    if (!settings_scan(rd, settings_present(rd), text, n) || text[0] == '\0')
        return;
    in = fmemopen(text, strlen(text), "r");
    if (in == NULL) {
        rd->out_of_memory = true;
        return;
    }
    if (cfg_parse_fp(rd->tree, in) != CFG_SUCCESS) {
        rd->broken = true;
        if (rd->faults == before && !rd->out_of_memory)
            settings_fault(rd, settings_present(rd), 0, NULL, "cannot be read");
    }
    fclose(in);
}

/* libconfuse copies what it is given. Returns the number of options before the end. */
static size_t tree_options(cfg_opt_t *to, const char *section)
{
    const cfg_opt_t end = CFG_END();
    size_t i, n = 0;

    for (i = 0; i < settings_options && n + 1 < SETTINGS_SECTION_MAX; i++) {
        const struct option *o = &settings_option[i];
        cfg_opt_t list =
            CFG_PTR_LIST_CB(o->key, (char *)(uintptr_t)o->def, CFGF_NONE, take_value, free);
        cfg_opt_t single = CFG_PTR_CB(o->key, NULL, CFGF_NODEFAULT, take_value, free);

        if (strcmp(o->section, section) == 0)
            to[n++] = o->kind->list ? list : single;
    }
    to[n] = end;
    return n;
}

static cfg_t *tree_new(void)
{
    cfg_opt_t top[2 * SETTINGS_SECTION_MAX];
    cfg_opt_t inner[SETTINGS_SECTION_MAX][SETTINGS_SECTION_MAX];
    cfg_opt_t include = CFG_FUNC("include", take_include), end = CFG_END();
    size_t i, n = tree_options(top, ""), sections = 0;
    const char *section = "";
    cfg_t *tree;

    for (i = 0; i < settings_options && sections < SETTINGS_SECTION_MAX - 2; i++)
        if (strcmp(settings_option[i].section, section) != 0) {
            cfg_opt_t plain = CFG_SEC(settings_option[i].section, inner[sections], CFGF_NONE);

            section = plain.name;
            if (strcmp(section, "rule") == 0)
                plain.flags = CFGF_MULTI | CFGF_TITLE;
            tree_options(inner[sections++], section);
            top[n++] = plain;
        }
    top[n++] = include;
    top[n] = end;
    tree = cfg_init(top, CFGF_NONE);
    if (tree != NULL)
        cfg_set_error_function(tree, take_error);
    return tree;
}

/* Values of one option as an array, to be freed; n is at least 1 for single values. */
static const struct value **values(struct reader *rd, cfg_opt_t *opt, struct value *def, size_t *n)
{
    const struct value **v;
    unsigned i;

    *n = cfg_opt_size(opt);
    v = malloc((*n + 1) * sizeof *v);
    if (v == NULL) {
        rd->out_of_memory = true;
        return NULL;
    }
    for (i = 0; i < *n; i++)
        v[i] = cfg_opt_getnptr(opt, i);
    if (*n == 0 && def != NULL)
        v[(*n)++] = def;
    return v;
}

static void take_option(struct reader *rd, cfg_t *section, const struct option *o, void *base,
                        const char *prefix)
{
    char shown[SETTINGS_SHOWN_MAX];
    struct input in = {.rd = rd, .shown = shown};
    size_t n = o->def == NULL || o->kind->list ? 0 : strlen(o->def) + 1;
    struct value *def = n == 0 ? NULL : malloc(sizeof *def + n);
    const struct value **v = values(rd, cfg_getopt(section, o->key), def, &in.n);

    snprintf(shown, sizeof shown, "%s%s", prefix, o->key);
    in.v = v;
    if (n > 0 && def == NULL)
        rd->out_of_memory = true;
    if (def != NULL) {
        def->file = NULL;
        def->line = 0;
        memcpy(def->text, o->def, n);
    }
    if (v != NULL && (in.n > 0 || o->kind->list))
        o->kind->read((char *)base + o->at, o, &in);
    free(v);
    free(def);
}

static void take_section(struct reader *rd, cfg_t *section, const char *name, void *base,
                         const char *prefix)
{
    size_t i;

    for (i = 0; i < settings_options; i++)
        if (strcmp(settings_option[i].section, name) == 0)
            take_option(rd, section, &settings_option[i], base, prefix);
}

/* Clients that meet the later rule have all met the earlier one. */
static bool never_reached(const struct rule *later, const struct rule *earlier)
{
    return rule_same_condition(later, earlier) && later->percent <= earlier->percent &&
           (earlier->expires == 0 || (later->expires != 0 && later->expires <= earlier->expires));
}

static void rule_check(struct reader *rd, const struct policy *p, cfg_t *section,
                       const struct seen *at)
{
    const struct rule *r = &p->rule[p->rules - 1];
    const char *fault = rule_fault(r);
    unsigned i;

    if (cfg_size(section, "action") == 0)
        settings_fault(rd, at->file, at->line, at->shown,
                       "action is missing: accept, tag, quarantine, tempfail or reject");
    else if (fault != NULL)
        settings_fault(rd, at->file, at->line, at->shown, "%s", fault);
    if (fault == NULL && (r->all & (FINDINGS_SKIP | FINDING(F_IPREV_SKIP))) != 0)
        settings_note(rd, at->file, at->line, at->shown,
                      "note: clients that are exempt from the check are judged by no rule, so "
                      "this one never holds");
    for (i = 0; fault == NULL && i + 1 < p->rules; i++)
        if (never_reached(r, &p->rule[i])) {
            settings_fault(rd, at->file, at->line, at->shown,
                           "has the condition of rule \"%s\" and can never decide",
                           p->rule[i].name);
            return;
        }
}

static void take_rule(struct reader *rd, cfg_t *section, struct policy *p)
{
    struct rule *r = &p->rule[p->rules];
    char shown[SETTINGS_SHOWN_MAX], prefix[SETTINGS_SHOWN_MAX];
    const struct seen *at;
    unsigned before = rd->faults;

    snprintf(shown, sizeof shown, "rule \"%.32s\"", section->title);
    snprintf(prefix, sizeof prefix, "%.48s: ", shown);
    at = settings_seen(rd, shown);
    if (at == NULL || p->rules == RULES_MAX)
        return; /* settings_scan has reported it */
    p->rules++;
    snprintf(r->name, sizeof r->name, "%.32s", section->title);
    take_section(rd, section, "rule", r, prefix);
    if (rd->faults == before && !rd->broken)
        rule_check(rd, p, section, at);
}

static void take_all(struct reader *rd, struct settings *s)
{
    const char *section = "";
    char prefix[SETTINGS_SHOWN_MAX];
    unsigned i;

    take_section(rd, rd->tree, "", s, "");
    for (i = 0; i < settings_options; i++) {
        if (strcmp(settings_option[i].section, section) == 0)
            continue;
        section = settings_option[i].section;
        if (strcmp(section, "rule") == 0)
            continue;
        snprintf(prefix, sizeof prefix, "%s.", section);
        take_section(rd, cfg_getsec(rd->tree, section), section, s, prefix);
    }
    for (i = 0; i < cfg_size(rd->tree, "rule"); i++)
        take_rule(rd, cfg_getnsec(rd->tree, "rule", i), &s->judge.policy);
    if (s->judge.policy.rules == 0)
        policy_defaults(&s->judge.policy);
}

static void reader_end(struct reader *rd)
{
    size_t i;

    if (rd->tree != NULL)
        cfg_free(rd->tree);
    for (i = 0; i < rd->files; i++)
        free(rd->file[i]);
    for (i = 0; i < rd->seens; i++)
        free(rd->seen[i].shown);
    free(rd->seen);
}

static bool read_into(struct reader *rd, struct settings *s, const char *file)
{
    reading = rd;
    rd->tree = tree_new();
    if (file != NULL)
        s->file = strdup(file);
    if (rd->tree == NULL || (file != NULL && s->file == NULL)) {
        rd->out_of_memory = true;
        return false;
    }
    if (file != NULL)
        settings_file(rd, file, NULL, 0, parse_text);
    if (!rd->out_of_memory)
        take_all(rd, s);
    return rd->faults == 0 && !rd->out_of_memory;
}

struct settings *settings_read(const char *file, FILE *err)
{
    struct settings *s = calloc(1, sizeof *s);
    struct reader rd = {.err = err, .out_of_memory = s == NULL};

    pthread_mutex_lock(&one_at_a_time);
    if (s != NULL && !read_into(&rd, s, file)) {
        settings_free(s);
        s = NULL;
    }
    if (rd.out_of_memory)
        settings_fault(&rd, file, 0, NULL, "out of memory");
    reader_end(&rd);
    pthread_mutex_unlock(&one_at_a_time);
    if (s == NULL)
        errno = rd.out_of_memory ? ENOMEM : EINVAL;
    return s;
}

bool settings_to_blame(int error)
{
    return error != ENOMEM && error != EAGAIN && error != EMFILE && error != ENFILE;
}
