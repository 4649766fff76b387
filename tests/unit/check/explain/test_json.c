/* One explanation as JSON: members and their types; the manual's rows are in tests/check.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/check/explain/explain_shared.h"

#include <stdlib.h>

Test(json, members)
{
    static const struct {
        const char *names, *helo, *member, *want, *why;
    } row[] = {
        {"C", NULL, "result", "\"pass\"", "the result without iprev-"},
        {"C", NULL, "cause", "null", "a pass needs none"},
        {"", NULL, "cause", "\"ptr-missing\"", "why"},
        {"", NULL, "rule", "\"no-ptr\"", "the rule"},
        {"C", NULL, "rule", "null", "none matched"},
        {"", NULL, "action", "\"reject\"", "the action"},
        {"", NULL, "mode", "\"monitor\"", "the mode"},
        {"C", NULL, "ptr", "\"h00000.example.net\"", "the name"},
        {"", NULL, "ptr", "null", "no name"},
        {"C", NULL, "helo", "null", "none was given"},
        {"C", "", "helo", "null", "nor by no octets"},
        {"C", "a \"b", "helo", "\"a\\\\x20\\\\x22b\"", "made visible"},
        {"C", "a \"b", "helo_name", "null", "no name"},
        {"C", NULL, "reply", "null", "nothing is refused"},
        {"-", NULL, "chain", "null", "DNS told nothing"},
        {"", NULL, "chain", "{\"published\":0,\"capped\":false,\"names\":[]}", "no PTR"},
        {"E", NULL, "chain",
         "{\"published\":1,\"capped\":false,\"names\":[{\"name\":\"h00000.example.net\","
         "\"state\":\"elsewhere\",\"addresses\":[]}]}",
         "a name"},
        {"x", NULL, "links", "[]", "nothing was looked at"},
        {"x", NULL, "headers", "{}", "and nothing is written"},
    };
    struct made m;
    size_t i;

    for (i = 0; i < ARRAY_LEN(row); i++) {
        json_t *o;
        char *text;

        make(&m, row[i].names, row[i].helo, NAME_PENDING);
        judge(&m);
        o = explain_json(&m.e);
        text = json_dumps(json_object_get(o, row[i].member), JSON_COMPACT | JSON_ENCODE_ANY);
        cr_expect_str_eq(text != NULL ? text : "-", row[i].want, "%s", row[i].why);
        free(text);
        json_decref(o);
        unmake(&m);
    }
}

Test(json, questions_and_fixes)
{
    struct dname name = nth_name(0);
    struct answer nine;
    json_t *o, *q, *k;
    struct made m;

    make(&m, "E", NULL, NAME_PENDING);
    nine = addresses(&name, 0, 9, false);
    questions_note(m.e.questions, &name, RR_A, &nine, 3);
    judge(&m);
    o = explain_json(&m.e);
    q = json_array_get(json_object_get(o, "questions"), 0);
    cr_expect_eq(json_array_size(json_object_get(q, "records")), 8);
    cr_expect_eq(json_integer_value(json_object_get(q, "more")), 1);
    cr_expect_str_eq(json_string_value(json_object_get(q, "dnssec")), "unchecked");
    k = json_array_get(json_object_get(o, "links"), 1);
    cr_expect_str_eq(json_string_value(json_object_get(k, "finding")), "forward-mismatch");
    k = json_array_get(json_object_get(k, "fix"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(k, "record")),
                     "h00000.example.net. A 100.0.1.244");
    json_decref(o);
    unmake(&m);
}
