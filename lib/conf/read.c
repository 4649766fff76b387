/* Reads a configuration with libconfig and puts its values into place.
 *
 * The defaults are a text like any other, read first; then FILE, then FILE.d. Of libconfig's tree
 * only elements, types and lines are used: its look-ups take paths and convert types.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/clash.h"
#include "conf/file.h"
#include "conf/kinds.h"
#include "conf/lists.h"
#include "conf/scan.h"
#include "conf/settings.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

/* One run, and the file that is read just now. */
struct loader {
    struct faults rd;
    struct settings *s;
    struct scan *scan;
    const char *file;
    bool more;     /* it is in FILE.d */
    bool partial;  /* it is not read to its end */
    unsigned fore; /* rules of FILE.d: they come before the others */
    struct clash_places set;
    struct {
        const char *file;
        int line;
        bool whole; /* no fault so far */
    } origin[RULES_MAX];
};

static int line_of(const config_setting_t *node)
{
    return (int)config_setting_source_line(node);
}

static void unknown_key(struct loader *r, const char *section, const config_setting_t *node,
                        const char *shown)
{
    char hint[96];

    settings_meant(section, config_setting_name(node), hint, sizeof hint);
    conf_fault(&r->rd, r->file, line_of(node), shown, "no such key%s", hint);
}

/* Names with a mark are doubles, which were reported. A setting without a type is what a syntax
 * error has cut off. */
static bool passed_over(const struct loader *r, const config_setting_t *node, const char *shown)
{
    return config_setting_name(node)[0] == '*' || config_setting_type(node) == CONFIG_TYPE_NONE ||
           scan_told(r->scan, line_of(node), shown);
}

static void take_text(struct loader *r, const struct option *o, void *where,
                      const config_setting_t *node, const char *shown)
{
    struct value v = {.text = config_setting_get_string(node)};
    int line = line_of(node);
    const char *fault;

    if (v.text == NULL) {
        conf_fault(&r->rd, r->file, line, shown, "must be a text in double quotes");
        return;
    }
    fault = o->kind->take(where, o, &v);
    r->rd.out_of_memory |= v.out_of_memory;
    if (fault != NULL && !v.out_of_memory)
        conf_fault(&r->rd, r->file, line, shown, "\"%.80s\"%s %s", v.text,
                   strncmp(fault, "is ", 3) == 0 || strncmp(fault, "names ", 6) == 0 ? "" : ":",
                   fault);
    if (v.over)
        conf_fault(&r->rd, r->file, line, shown, "note: %s is over, so the rule no longer matches",
                   v.text);
}

static void take_list(struct loader *r, const struct option *o, void *where,
                      const config_setting_t *node, const char *shown)
{
    int i, n = config_setting_length(node);

    if (config_setting_type(node) != CONFIG_TYPE_ARRAY) {
        conf_fault(&r->rd, r->file, line_of(node), shown,
                   "must be a list, such as [\"one\", \"two\"] or []");
        return;
    }
    if (!r->more && o->kind->drop != NULL)
        o->kind->drop(where);
    for (i = 0; i < n; i++)
        take_text(r, o, where, config_setting_get_elem(node, (unsigned)i), shown);
}

static void take_number(struct loader *r, const struct option *o, void *where,
                        const config_setting_t *node, const char *shown)
{
    bool flag = o->kind->takes == TAKES_FLAG;
    int type = config_setting_type(node), line = line_of(node);
    struct value v = {.number =
                          flag ? config_setting_get_bool(node) : config_setting_get_int(node)};
    char text[32] = "must be";

    if (flag ? type == CONFIG_TYPE_BOOL
             : type == CONFIG_TYPE_INT && v.number >= (int)o->min && v.number <= (int)o->max) {
        o->kind->take(where, o, &v);
        return;
    }
    if (type == CONFIG_TYPE_INT)
        snprintf(text, sizeof text, "%d is not", v.number);
    if (flag)
        conf_fault(&r->rd, r->file, line, shown, "must be true or false");
    else
        conf_fault(&r->rd, r->file, line, shown, "%s a whole number from %u to %u%s", text, o->min,
                   o->max, o->note == NULL ? "" : o->note);
}

static void read_option(struct loader *r, const char *section, void *base,
                        const config_setting_t *node, const char *shown)
{
    const struct option *o = settings_find(section, config_setting_name(node));

    if (o == NULL)
        unknown_key(r, section, node, shown);
    else if (o->kind->takes == TAKES_TEXT)
        take_text(r, o, (char *)base + o->at, node, shown);
    else if (o->kind->takes == TAKES_LIST)
        take_list(r, o, (char *)base + o->at, node, shown);
    else
        take_number(r, o, (char *)base + o->at, node, shown);
    if (o != NULL && base == r->s && r->file != NULL)
        clash_set(&r->set, (char *)base + o->at, r->file, line_of(node));
}

static bool is_group(struct loader *r, const config_setting_t *node, const char *shown)
{
    if (config_setting_type(node) == CONFIG_TYPE_GROUP)
        return true;
    conf_fault(&r->rd, r->file, line_of(node), shown, "must be a group: %s: { ... };",
               config_setting_name(node));
    return false;
}

/* All keys of a group. */
static void read_group(struct loader *r, const char *section, void *base,
                       const config_setting_t *group, const char *prefix)
{
    char shown[KEY_SHOWN_MAX];
    int i, n = config_setting_length(group);

    for (i = 0; i < n; i++) {
        const config_setting_t *node = config_setting_get_elem(group, (unsigned)i);

        snprintf(shown, sizeof shown, "%.64s.%.60s", prefix, config_setting_name(node));
        if (!passed_over(r, node, shown))
            read_option(r, section, base, node, shown);
    }
}

/* ---- rules ---- */

/* Where the next rule goes: after those of FILE.d that are there, or at the end. */
static struct rule *add_rule(struct loader *r, int line)
{
    struct policy *p = &r->s->judge.policy;
    unsigned at = r->more ? r->fore++ : p->rules;

    memmove(&p->rule[at + 1], &p->rule[at], (p->rules - at) * sizeof p->rule[0]);
    memmove(&r->origin[at + 1], &r->origin[at], (p->rules - at) * sizeof r->origin[0]);
    memset(&p->rule[at], 0, sizeof p->rule[at]);
    p->rules++;
    p->rule[at].percent = 100;
    r->origin[at].file = r->file;
    r->origin[at].line = line;
    return &p->rule[at];
}

static int find_rule(const struct policy *p, const char *name)
{
    unsigned i;

    for (i = 0; i < p->rules; i++)
        if (strcmp(p->rule[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void read_rule(struct loader *r, const config_setting_t *node, const char *shown)
{
    struct policy *p = &r->s->judge.policy;
    const char *name = config_setting_name(node);
    int line = line_of(node), first = find_rule(p, name), i;
    unsigned before = r->rd.faults;
    struct rule *rule;

    if (first >= 0)
        conf_fault(&r->rd, r->file, line, shown, "set twice, first at %s:%d", r->origin[first].file,
                   r->origin[first].line);
    else if (strlen(name) >= RULE_NAME_MAX)
        conf_fault(&r->rd, r->file, line, shown, "a rule name has at most 32 characters");
    else if (p->rules == RULES_MAX)
        conf_fault(&r->rd, r->file, line, shown, "there are more than 64 rules");
    if (r->rd.faults != before)
        return;
    rule = add_rule(r, line);
    memcpy(rule->name, name, strlen(name) + 1);
    read_group(r, "rules", rule, node, shown);
    i = (int)(rule - p->rule);
    if (config_setting_get_member(node, "action") == NULL && !r->partial)
        conf_fault(&r->rd, r->file, line, shown,
                   "action is missing: accept, tag, quarantine, greylist, tempfail or reject");
    if (config_setting_get_member(node, "to") != NULL && rule->to.n == 0 && r->rd.faults == before)
        conf_fault(&r->rd, r->file, line, shown,
                   "to names no recipient; leave it out for a rule for all");
    r->origin[i].whole = r->rd.faults == before && !r->partial;
}

static void read_rules(struct loader *r, const config_setting_t *group)
{
    char shown[KEY_SHOWN_MAX];
    int i, n = config_setting_length(group);

    for (i = 0; i < n; i++) {
        const config_setting_t *node = config_setting_get_elem(group, (unsigned)i);

        snprintf(shown, sizeof shown, "rules.%.60s", config_setting_name(node));
        if (!passed_over(r, node, shown) && is_group(r, node, shown))
            read_rule(r, node, shown);
    }
}

/* Clients that match the later rule have all matched the earlier one. */
static bool never_reached(const struct rule *later, const struct rule *earlier)
{
    return rule_same_condition(later, earlier) && earlier->to.n == 0 && !earlier->trial &&
           later->percent <= earlier->percent &&
           (earlier->expires == 0 || (later->expires != 0 && later->expires <= earlier->expires));
}

static void check_rule(struct loader *r, unsigned i)
{
    const struct policy *p = &r->s->judge.policy;
    const struct rule *rule = &p->rule[i];
    const char *fault = rule_fault(rule), *file = r->origin[i].file;
    char shown[KEY_SHOWN_MAX];
    unsigned k;

    fault = fault != NULL ? fault : clash_rule(r->s, rule);
    snprintf(shown, sizeof shown, "rules.%s", rule->name);
    if (fault != NULL) {
        conf_fault(&r->rd, file, r->origin[i].line, shown, "%s", fault);
        return;
    }
    if (rule->all & (FINDINGS_SKIP | FINDING(F_IPREV_SKIP)))
        conf_fault(&r->rd, file, r->origin[i].line, shown,
                   "note: exempt clients are judged by no rule, so this one never matches");
    for (k = 0; k < i; k++)
        if (r->origin[k].whole && never_reached(rule, &p->rule[k])) {
            conf_fault(&r->rd, file, r->origin[i].line, shown,
                       "has the condition of rule %s and can never decide", p->rule[k].name);
            return;
        }
}

/* Only the DNS of the client is known at connect. */
static void note_late_rules(struct loader *r)
{
    const struct policy *p = &r->s->judge.policy;
    findings late = FINDINGS_HELO | FINDING(F_CLIENT_KNOWN);
    char shown[KEY_SHOWN_MAX];
    unsigned i;

    for (i = 0; r->s->reject_at == STAGE_CONNECT && i < p->rules; i++) {
        const struct rule *rule = &p->rule[i];

        if (rule->action != ACTION_REJECT && rule->action != ACTION_TEMPFAIL)
            continue;
        snprintf(shown, sizeof shown, "rules.%s", rule->name);
        if ((rule->all | rule->none | rule->any | rule->lacks) & late)
            conf_fault(&r->rd, r->s->file, 0, shown,
                       "note: names HELO or client-known, so it acts at MAIL, not at connect");
    }
}

/* The built-in rules go after the others, but for those that have been replaced. */
static void finish_rules(struct loader *r)
{
    struct policy *p = &r->s->judge.policy, built_in;
    unsigned i, own = p->rules;

    for (i = 0; i < own; i++)
        if (r->origin[i].whole)
            check_rule(r, i);
    policy_defaults(&built_in);
    for (i = 0; r->s->builtin_rules && i < built_in.rules; i++) {
        if (find_rule(p, built_in.rule[i].name) >= 0)
            continue;
        if (p->rules < RULES_MAX)
            p->rule[p->rules++] = built_in.rule[i];
        else {
            conf_fault(&r->rd, r->origin[own - 1].file, r->origin[own - 1].line, "rules",
                       "there are more than 64 rules with the built-in ones");
            return;
        }
    }
    clash_memory(&r->rd, r->s, &r->set);
    if (r->rd.faults == 0)
        note_late_rules(r);
}

/* ---- files ---- */

static void read_tree(struct loader *r, const config_setting_t *root)
{
    int i, n = config_setting_length(root);

    for (i = 0; i < n; i++) {
        const config_setting_t *node = config_setting_get_elem(root, (unsigned)i);
        const char *name = config_setting_name(node);

        if (passed_over(r, node, name))
            continue;
        if (!settings_is_section(name))
            read_option(r, "", r->s, node, name);
        else if (is_group(r, node, name) && strcmp(name, "rules") == 0)
            read_rules(r, node);
        else if (config_setting_type(node) == CONFIG_TYPE_GROUP)
            read_group(r, name, r->s, node, name);
    }
}

static void syntax_fault(struct loader *r, const config_t *c, int lines)
{
    int line = config_error_line(c) < lines ? config_error_line(c) : lines;
    char open[KEY_SHOWN_MAX + 64];

    if (scan_told(r->scan, line, NULL))
        return;
    scan_open_at(r->scan, line, open, sizeof open);
    conf_fault(&r->rd, r->file, line, NULL, "%s%s", config_error_text(c),
               strncmp(config_error_text(c), "syntax", 6) == 0 ? open : "");
}

/* libconfig ends the process when memory runs out. That there is some is as much as can be said
 * before. */
static bool memory_for(struct loader *r, size_t n)
{
    void *probe = malloc(8 * n + 131072);

    r->rd.out_of_memory |= probe == NULL;
    free(probe);
    return !r->rd.out_of_memory;
}

static void read_text(struct loader *r, char *text, size_t n)
{
    config_t c;

    scan_text(r->scan, &r->rd, r->file, text, n);
    if (r->scan->unfit || !memory_for(r, n))
        return;
    config_init(&c);
    r->partial = config_read_string(&c, text) != CONFIG_TRUE;
    read_tree(r, config_root_setting(&c));
    if (r->partial)
        syntax_fault(r, &c, r->scan->line - 1);
    config_destroy(&c);
}

static void read_file(struct loader *r, const char *file, bool may_miss)
{
    size_t n;
    char *text = file_text(&r->rd, file, may_miss, SCAN_ROOM, &n);

    r->file = file;
    r->s->missing |= text == NULL;
    if (text != NULL)
        read_text(r, text, n);
    free(text);
}

/* The table's defaults as a text. */
static void read_defaults(struct loader *r)
{
    const char *section = "";
    char *text = NULL;
    size_t i, n;
    FILE *out = open_memstream(&text, &n);

    for (i = 0; out != NULL && i < settings_options; i++) {
        const struct option *o = &settings_option[i];

        if (strcmp(o->section, "rules") == 0)
            continue;
        if (strcmp(o->section, section) != 0)
            fprintf(out, "%s %s: {", section[0] == '\0' ? "" : "};", o->section);
        section = o->section;
        fprintf(out, "%s = %s;", o->key, o->def);
    }
    if (out == NULL || fputs("};\n", out) < 0 || fclose(out) != 0)
        r->rd.out_of_memory = true;
    else
        read_text(r, text, n);
    free(text);
}

static void read_all(struct loader *r, const char *file)
{
    char **more = NULL;
    int i, n;

    read_defaults(r);
    if (file != NULL) {
        n = file_more(&r->rd, file, &more);
        read_file(r, file, n >= 0);
        r->more = true;
        for (i = 0; i < n && !r->rd.out_of_memory; i++)
            read_file(r, more[i], false);
        if (!r->rd.out_of_memory)
            finish_rules(r);
        file_more_free(more, n);
        if (!r->rd.out_of_memory)
            lists_read(&r->rd, &r->s->exempt.lists, &r->s->judge.exempt_list);
    } else
        finish_rules(r);
}

struct settings *settings_read(const char *file, FILE *err)
{
    struct settings *s = calloc(1, sizeof *s);
    struct loader r = {.rd = {.err = err}, .s = s, .scan = malloc(sizeof *r.scan)};
    bool good;

    if (s != NULL && file != NULL)
        s->file = strdup(file);
    r.rd.out_of_memory = s == NULL || r.scan == NULL || (file != NULL && s->file == NULL);
    if (!r.rd.out_of_memory)
        read_all(&r, file);
    if (r.rd.out_of_memory)
        conf_fault(&r.rd, file, 0, NULL, "out of memory");
    free(r.scan);
    good = r.rd.faults == 0;
    if (good)
        return s;
    settings_free(s);
    errno = r.rd.out_of_memory ? ENOMEM : EINVAL;
    return NULL;
}

bool settings_exist(const char *file)
{
    struct faults rd = {.err = stderr};
    FILE *in = fopen(file, "re");
    char **more;
    int n;

    if (in != NULL) {
        fclose(in);
        return true;
    }
    if (errno != ENOENT)
        return true;
    n = file_more(&rd, file, &more);
    file_more_free(more, n);
    return n >= 0;
}

bool settings_to_blame(int error)
{
    return error != ENOMEM && error != EAGAIN && error != EMFILE && error != ENFILE;
}
