/* Values as JSON: see json.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/json.h"

#define VISIBLE_MAX 256

json_t *json_findings(findings found)
{
    json_t *list = json_array();
    unsigned f;

    for (f = 0; f < F_COUNT; f++)
        if (found & FINDING(f))
            json_array_append_new(list, json_string(finding_word((enum finding)f)));
    return list;
}

json_t *json_addr(const struct addr *a)
{
    return json_string(ADDR_TEXT(a));
}

json_t *json_visible(const char *s, size_t n)
{
    char text[4 * VISIBLE_MAX + 8] = "";
    struct sbuf sb;

    if (s == NULL)
        return json_null();
    sbuf_init(&sb, text, sizeof text);
    sbuf_visible(&sb, s, n < VISIBLE_MAX ? n : VISIBLE_MAX);
    return json_string(n > 0 ? text : "");
}
