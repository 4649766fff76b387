/* Settings: faults with their lines, hostile files, and that the shipped file and
 * the manual agree with the table.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/conf/settings_shared.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <sys/stat.h>

/* ---- faults ---- */

/* expected with @FILE@ and @DIR@ filled in. */
static char *fill_in(const char *text, const char *dir)
{
    char *out = NULL;
    size_t n;
    FILE *to = open_memstream(&out, &n);

    for (; *text != '\0'; text++)
        if (strncmp(text, "@FILE@", 6) == 0) {
            fprintf(to, "%s/conf", dir);
            text += 5;
        } else if (strncmp(text, "@DIR@", 5) == 0) {
            fputs(dir, to);
            text += 4;
        } else
            fputc(*text, to);
    fclose(to);
    return out;
}

static void bad_config(const char *dir)
{
    char path[600], *err, *text, *expected;
    struct settings *s;

    snprintf(path, sizeof path, "%s/expected", dir);
    text = slurp(path);
    cr_assert(text != NULL, "%s", path);
    expected = fill_in(text, dir);
    snprintf(path, sizeof path, "%s/conf", dir);
    s = read_file(path, &err);
    cr_expect(s == NULL, "%s is taken", path);
    cr_expect_str_eq(err, expected, "%s\ngives:\n%sexpected:\n%s", path, err, expected);
    settings_free(s);
    free(err);
    free(text);
    free(expected);
}

Test(settings, bad_configs_C16_E20)
{
    char root[256], dir[512];
    struct dirent *e;
    unsigned n = 0;
    DIR *d;

    snprintf(root, sizeof root, "%s/bad-configs", from_env("GOLDEN_DIR", "tests/golden"));
    d = opendir(root);
    cr_assert(d != NULL, "%s", root);
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] != '.') {
            snprintf(dir, sizeof dir, "%s/%.200s", root, e->d_name);
            bad_config(dir);
            n++;
        }
    closedir(d);
    cr_expect(n >= 35, "only %u bad configurations in %s", n, root);
}

static void refuses(const char *bytes, size_t n, const char *report)
{
    char *err;
    struct settings *s = read_bytes(bytes, n, &err);

    cr_expect(s == NULL, "%s", report);
    cr_expect(strstr(err, report) != NULL, "%s does not say: %s", err, report);
    settings_free(s);
    free(err);
}

Test(settings, long_line_and_long_file_E20)
{
    size_t n = SETTINGS_BYTES_MAX;
    char *text = malloc(n + 1);

    memset(text, 'x', n + 1);
    memcpy(text, "mode = ", 7);
    refuses(text, n, ":1: the line is longer than 4096 octets\n");
    refuses(text, n + 1, ": the file is larger than 1 MiB\n");
    memset(text, '\n', n + 1);
    refuses(text, n + 1, ": the file is larger than 1 MiB\n");
    memcpy(text + n - 5, "a = b", 5);
    refuses(text, n, ":1048572: a: no such key\n");
    free(text);
}

Test(settings, nul_anywhere_E20)
{
    static const char text[] = "user = \"abc\" # x\nmode = monitor\n";
    char copy[sizeof text];
    size_t i;

    for (i = 0; i < sizeof text - 1; i++) {
        memcpy(copy, text, sizeof text);
        copy[i] = '\0';
        refuses(copy, sizeof text - 1, "there is a NUL octet");
    }
}

Test(settings, files_that_are_none_E10_E20)
{
    char dir[] = "/tmp/test-settings-XXXXXX", path[64], *err;

    cr_assert(mkdtemp(dir) != NULL);
    cr_expect(read_file(dir, &err) == NULL);
    cr_expect(strstr(err, ": is a directory\n") != NULL, "%s", err);
    free(err);
    snprintf(path, sizeof path, "%s/x", dir);
    cr_expect(read_file(path, &err) == NULL);
    cr_expect(strstr(err, ": No such file or directory\n") != NULL, "%s", err);
    free(err);
    cr_assert(mkfifo(path, 0600) == 0);
    cr_expect(read_file(path, &err) == NULL, "a FIFO must not block");
    cr_expect(strstr(err, ": is not a regular file\n") != NULL, "%s", err);
    free(err);
    unlink(path);
    rmdir(dir);
}

/* libunbound takes a file without a key, and then validates nothing. */
Test(settings, E19_trust_anchor_without_a_key)
{
    static const struct {
        const char *anchor;
        bool taken;
    } row[] = {
        {"", false},
        {"\n\n", false},
        {"; no key is in here", false},
        {"; nor\n  \n;; here\n", false},
        {"$TTL 3600\n$ORIGIN example.\n", false},
        {"example. IN NS ns.example.\n", false},
        {"; a key\n\nexample. 3600 IN DS 20326 8 2 "
         "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n",
         true},
        {". IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJz ; keytag 1", true},
        {"this is no key\n", true}, /* libunbound refuses it at the start */
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        char path[] = "/tmp/test-anchor-XXXXXX", conf[128], told[128], *err;
        FILE *out = fdopen(mkstemp(path), "w");
        struct settings *s;

        fputs(row[i].anchor, out);
        fclose(out);
        snprintf(conf, sizeof conf, "# one\nresolver { trust-anchor = \"%s\" }\n", path);
        snprintf(told, sizeof told, ":2: resolver.trust-anchor: \"%s\": holds no DS or DNSKEY",
                 path);
        s = read_text(conf, &err);
        cr_expect((s != NULL) == row[i].taken, "row %zu: %s", i, err);
        cr_expect(row[i].taken || strstr(err, told) != NULL, "row %zu: %s", i, err);
        settings_free(s);
        free(err);
        unlink(path);
    }
}

/* libconfuse's scanner keeps its state: after an open quote or comment it would take the
 * next file for the rest of it, and find nothing there. */
Test(settings, good_file_after_a_bad_one_E10)
{
    const char *const bad[] = {
        "mode = \"enforce\n",
        "mode = 'enforce\n",
        "/* mode",
        "mode = \"a\\0\"",
        "log { level = ",
        "log {",
        "mode =",
        "}",
        "a { b { c { ",
        "rule \"a",
        "mode monitor\nuser = \"x\n",
        "mode monitor /* x",
        "mode = a b c d {{{ ' \"",
        "include(\"",
    };
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *err1, *err2;
        struct settings *a = read_text(bad[i], &err1);
        struct settings *b = read_text("mode = enforce", &err2);

        cr_expect(a == NULL, "%s", bad[i]);
        cr_expect(err1[0] != '\0', "no word about: %s", bad[i]);
        cr_assert(b != NULL, "after %s: %s", bad[i], err2);
        cr_expect(b->judge.enforce, "after %s", bad[i]);
        settings_free(b);
        free(err1);
        free(err2);
    }
}

/* After text that cannot be followed, lines are still right and open quotes are found. */
Test(settings, lines_behind_lost_structure)
{
    static const char *const rows[][2] = {
        {"mode monitor\n/* 2\n */ user = \"x\n", ":3: a quote is not closed"},
        {"# 1\n# 2\n/* 3\n*/ mode\n= { a\n", ":5: unexpected token"},
        {"# 1\n\n\nlog { level level }\n", ":4: missing equal sign"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        refuses(rows[i][0], strlen(rows[i][0]), rows[i][1]);
}

/* ---- include ---- */

static void put(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    out = fopen(path, "w");
    cr_assert(out != NULL, "%s", path);
    fputs(text, out);
    fclose(out);
}

Test(settings, include_order_and_odd_directory)
{
    char dir[] = "/tmp/test-settings-[*]-XXXXXX", path[256], command[320], *err;
    struct settings *s;

    cr_assert(mkdtemp(dir) != NULL);
    put(dir, "main.conf", "include(\"r*.conf\")\nrule last { when = {\"ptr-many\"} action = tag }");
    put(dir, "r2.conf", "rule two { when = {\"iprev-fail\"} action = tag }");
    put(dir, "r1.conf", "include(r3)\nrule one { when = {\"iprev-pass\"} action = tag }");
    put(dir, "r3", "rule three { when = {\"ptr-named\"} action = tag }");
    snprintf(path, sizeof path, "%s/main.conf", dir);
    s = read_file(path, &err);
    cr_assert(s != NULL, "%s", err);
    cr_assert_eq(s->judge.policy.rules, 4);
    cr_expect_str_eq(s->judge.policy.rule[0].name, "three");
    cr_expect_str_eq(s->judge.policy.rule[1].name, "one");
    cr_expect_str_eq(s->judge.policy.rule[2].name, "two");
    cr_expect_str_eq(s->judge.policy.rule[3].name, "last");
    cr_expect_str_eq(s->file, path);
    settings_free(s);
    free(err);
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    cr_expect_eq(system(command), 0);
}

/* ---- the table, the shipped file, the manual ---- */

static char *source_file(const char *name)
{
    char path[512];
    char *text;

    snprintf(path, sizeof path, "%s/%s", from_env("SRC_DIR", "."), name);
    text = slurp(path);
    cr_assert(text != NULL, "%s", path);
    return text;
}

/* Takes the # away from keys and rules: those of comments have a blank behind them. */
static void take_marks_away(char *text)
{
    for (; (text = strchr(text, '#')) != NULL; text++)
        if (text[1] != ' ' && text[1] != '\n')
            *text = ' ';
        else if (strncmp(text, "#    when", 9) == 0 || strncmp(text, "#    action", 11) == 0)
            *text = ' ';
        else
            text += strcspn(text, "\n") - 1;
}

/* As it is, and with every key and rule in force. */
Test(settings, shipped_file_equals_defaults)
{
    char *text = source_file("packaging/iprev-milter.conf"), *err, *err2;
    struct settings *defaults = read_file(NULL, &err2);
    int marked;

    for (marked = 1; marked >= 0; marked--) {
        struct settings *s = read_text(text, &err);

        cr_assert(s != NULL, "%s", err);
        cr_expect_str_eq(err, "");
        cr_expect(same(s, defaults));
        settings_free(s);
        free(err);
        take_marks_away(text);
        cr_expect(strstr(text, "\n mode = monitor\n") != NULL &&
                  strstr(text, "\n     action = tag\n") != NULL);
    }
    settings_free(defaults);
    free(err2);
    free(text);
}

/* The line sets `key`, maybe in a comment. */
static bool line_sets(const char *line, const char *key)
{
    size_t n = strlen(key);

    line += strspn(line, "# ");
    return strncmp(line, key, n) == 0 && strspn(line + n, " ") > 0 &&
           line[n + strspn(line + n, " ")] == '=';
}

Test(settings, shipped_file_names_every_key)
{
    char *text = source_file("packaging/iprev-milter.conf");
    size_t i;

    for (i = 0; i < settings_options; i++) {
        const char *line = text;
        bool found = false;

        while (line != NULL && !found) {
            line += *line == '\n';
            found = line_sets(line, settings_option[i].key);
            line = strchr(line, '\n');
        }
        cr_expect(found, "%s.%s", settings_option[i].section, settings_option[i].key);
    }
    free(text);
}

/* Sets the section at ".Ss NAME" lines; the text of an ".It Ic KEY" line, or NULL. */
static const char *manual_key(char *line, char *section, size_t size)
{
    if (strncmp(line, ".Ss ", 4) == 0)
        snprintf(section, size, "%s", strcmp(line + 4, "Top level") == 0 ? "" : line + 4);
    if (strncmp(line, ".It Ic ", 7) != 0)
        return NULL;
    line[7 + strcspn(line + 7, " ")] = '\0';
    return line + 7;
}

Test(settings, manual_has_exactly_the_keys)
{
    char *text = source_file("man/iprev-milter.conf.5"), section[64] = "", *line, *save = NULL;
    bool seen[64] = {false};
    size_t i;

    cr_assert(settings_options < 64);
    for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        const char *key = manual_key(line, section, sizeof section);
        const struct option *o = key == NULL ? NULL : settings_find(section, key);

        cr_expect(key == NULL || o != NULL, "the manual has %s in \"%s\"", key, section);
        if (o != NULL)
            seen[o - settings_option] = true;
    }
    for (i = 0; i < settings_options; i++)
        cr_expect(seen[i], "the manual lacks %s in \"%s\"", settings_option[i].key,
                  settings_option[i].section);
    free(text);
}

Test(settings, manual_explains_every_finding)
{
    char *text = source_file("man/iprev-milter.conf.5"), item[64];
    int f;

    for (f = 0; f < F_COUNT; f++) {
        snprintf(item, sizeof item, "\n.It Li %s\n", finding_word((enum finding)f));
        cr_expect(strstr(text, item) != NULL, "%s", finding_word((enum finding)f));
    }
    free(text);
}

/* libconfuse gets tables of a fixed size. */
Test(settings, table_fits)
{
    size_t i, j;

    for (i = 0; i < settings_options; i++) {
        size_t n = 0;

        for (j = 0; j < settings_options; j++)
            n += strcmp(settings_option[i].section, settings_option[j].section) == 0;
        cr_expect(n + 1 < SETTINGS_SECTION_MAX, "%s", settings_option[i].section);
        cr_expect(settings_find(settings_option[i].section, settings_option[i].key) ==
                      &settings_option[i],
                  "%s is there twice", settings_option[i].key);
    }
}
