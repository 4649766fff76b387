/* Settings as text.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "conf/kinds.h"
#include "conf/settings.h"

#include <string.h>

static void print_group(const char *section, const char *indent, const void *base, FILE *out)
{
    size_t i;

    for (i = 0; i < settings_options; i++) {
        const struct option *o = &settings_option[i];
        const void *where = (const char *)base + o->at;

        if (strcmp(o->section, section) != 0 || (o->kind->unset != NULL && o->kind->unset(where)))
            continue;
        fprintf(out, "%s%s = ", indent, o->key);
        o->kind->print(where, o, out);
        fputs(";\n", out);
    }
}

static void print_rules(const struct policy *p, FILE *out)
{
    unsigned i;

    for (i = 0; i < p->rules; i++) {
        fprintf(out, "    %s: {\n", p->rule[i].name);
        print_group("rules", "        ", &p->rule[i], out);
        fputs("    };\n", out);
    }
}

void settings_print(const struct settings *s, FILE *out)
{
    const char *section = "";
    size_t i;

    print_group("", "", s, out);
    for (i = 0; i < settings_options; i++) {
        if (strcmp(settings_option[i].section, section) == 0)
            continue;
        section = settings_option[i].section;
        fprintf(out, "%s: {\n", section);
        if (strcmp(section, "rules") == 0)
            print_rules(&s->judge.policy, out);
        else
            print_group(section, "    ", s, out);
        fputs("};\n", out);
    }
}
