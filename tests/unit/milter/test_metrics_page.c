/* metrics: what the page shows of the settings in force.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/milter/metrics_client.h"
#include "tests/unit/milter/session_shared.h"

/* Every decision that may come is there with 0 from the start, under the mode in which it would be
 * counted: a rate misses the step from absent to 1. A rule on trial refuses nothing. */
Test(metrics, rules_in_force)
{
    static const char conf[] =
        "mode = \"%s\" builtin-rules = false rules: {\n"
        "try: { when = [\"iprev-fail\"] action = \"reject\" mode = \"monitor\" };\n"
        "real: { when = [\"iprev-permerror\"] action = \"tempfail\" }; };";
    static const struct {
        const char *mode, *action, *rule, *shown; /* as enforced */
    } row[] = {
        {"enforce", "accept", "-", "0"},        {"enforce", "reject", "try", "absent"},
        {"enforce", "tempfail", "real", "0"},   {"monitor", "accept", "-", "absent"},
        {"monitor", "reject", "try", "absent"}, {"monitor", "tempfail", "real", "absent"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        char text[512], name[120];
        const char *body;
        struct world w;

        snprintf(text, sizeof text, conf, row[i].mode);
        world_begin(&w, text);
        serve();
        body = page();
        snprintf(name, sizeof name,
                 "iprev_actions_total{action=\"%s\",mode=\"enforce\",rule=\"%s\"}", row[i].action,
                 row[i].rule);
        expect_sample(body, name, row[i].shown);
        snprintf(name, sizeof name,
                 "iprev_actions_total{action=\"%s\",mode=\"monitor\",rule=\"%s\"}", row[i].action,
                 row[i].rule);
        expect_sample(body, name, row[i].shown[0] == '0' ? "absent" : "0");
        expect_sample(body, "iprev_dns_inflight", "0");
        metrics_stop();
        world_end(&w);
    }
}
