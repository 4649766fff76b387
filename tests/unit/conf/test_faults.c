/* Settings: faults with their lines, hostile files, and that the shipped file and
 * the manual agree with the table.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/conf/settings_shared.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <sys/stat.h>
#include <syslog.h>

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

/* A report that ends with a newline is the last one. */
static void refuses(const char *bytes, size_t n, const char *report)
{
    char *err;
    struct settings *s = read_bytes(bytes, n, &err);
    const char *said = strstr(err, report);

    cr_expect(s == NULL, "%s", report);
    cr_expect(said != NULL, "%s does not say: %s", err, report);
    cr_expect(said == NULL || report[strlen(report) - 1] != '\n' || strcmp(said, report) == 0,
              "%s says more than: %s", err, report);
    settings_free(s);
    free(err);
}

/* 1 MiB at most; and a text that long is no trouble. */
Test(settings, long_text_and_long_file_E20)
{
    size_t n = FILE_BYTES_MAX;
    char *text = malloc(n + 1);

    memset(text, 'x', n + 1);
    memcpy(text, "mode = \"", 8);
    text[n - 1] = '"';
    refuses(text, n, ":1: mode: \"xxxxxxxxxx");
    refuses(text, n + 1, ": the file is larger than 1 MiB\n");
    memset(text, '\n', n + 1);
    refuses(text, n + 1, ": the file is larger than 1 MiB\n");
    memcpy(text + n - 5, "a = 1", 5);
    refuses(text, n, ":1048572: a: no such key\n");
    free(text);
}

/* What the scan bounds: one below and at the bound only the key is wrong, one above it gives up. */
Test(settings, bounds_of_the_scan_E20)
{
    char *text = malloc(16384);
    int n, i, len;

    for (n = SCAN_NAMES_MAX - 1; n <= SCAN_NAMES_MAX + 1; n++) {
        for (i = len = 0; i < n; i++)
            len += sprintf(text + len, "%c%c%c=1;", 'a' + i / 676, 'a' + i / 26 % 26, 'a' + i % 26);
        refuses(text, (size_t)len,
                n <= SCAN_NAMES_MAX ? ":1: aaa: no such key"
                                    : ":1: there are more than 2000 names");
    }
    for (n = SCAN_DEPTH_MAX - 1; n <= SCAN_DEPTH_MAX + 1; n++) {
        for (i = len = 0; i < n; i++)
            len += sprintf(text + len, "a:{");
        for (i = 0; i < n; i++)
            text[len++] = '}';
        refuses(text, (size_t)len,
                n <= SCAN_DEPTH_MAX ? ":1: a: no such key" : ":1: brackets are more than 16 deep");
    }
    free(text);
}

/* Numbers that libconfig makes others of. */
Test(settings, numbers)
{
    static const struct {
        const char *text;
        bool taken;
    } row[] = {
        {"0", true},
        {"10000000", true},
        {"10000001", false},
        {"-1", false},
        {"-0", true},
        {"00", false},
        {"01", false},
        {"2147483647", false},
        {"2147483648", false},
        {"4294967296", false},
        {"4294967297", false},
        {"18446744073709551616", false},
        {"18446744073709551617", false},
        {"1e3", false},
        {"1.0", false},
        {"0x10", false},
        {"0b1", false},
        {"1L", false},
        {"+1", false},
        {"1 000", false},
        {"1_000", false},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        char text[80], *err;
        struct settings *s;

        snprintf(text, sizeof text, "resolver: { cache = %s; };", row[i].text);
        s = read_text(text, &err);
        cr_expect_eq(s != NULL, row[i].taken, "%s: %s", row[i].text, err);
        settings_free(s);
        free(err);
    }
}

Test(settings, nul_anywhere_E20)
{
    static const char text[] = "user = \"abc\"; # x\nmode = \"monitor\";\n";
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
        snprintf(conf, sizeof conf, "# one\nresolver: { trust-anchor = \"%s\"; };\n", path);
        snprintf(told, sizeof told, ":2: resolver.trust-anchor: \"%s\": contains no DS or DNSKEY",
                 path);
        s = read_text(conf, &err);
        cr_expect((s != NULL) == row[i].taken, "row %zu: %s", i, err);
        cr_expect(row[i].taken || strstr(err, told) != NULL, "row %zu: %s", i, err);
        settings_free(s);
        free(err);
        unlink(path);
    }
}

/* Nothing of one file is left for the next. */
Test(settings, good_file_after_a_bad_one_E10)
{
    const char *const bad[] = {
        "mode = \"enforce\n",
        "mode = 'enforce\n",
        "/* mode",
        "mode = \"a\\0\"",
        "log: { level = ",
        "log: {",
        "mode =",
        "}",
        "a: { b: { c: { ",
        "rules: { a",
        "mode monitor\nuser = \"x\n",
        "mode monitor /* x",
        "mode = a b c d {{{ ' \"",
        "@include \"",
        "mode",
        "=",
        "mode = ;",
        "mode = [",
        "mode = (",
        "mode = [(]",
        "\"",
        "\\",
        "*",
        "-",
        "0",
        ",",
        "; mode = \"monitor\"",
    };
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *err1, *err2;
        struct settings *a = read_text(bad[i], &err1);
        struct settings *b = read_text("mode = \"enforce\";", &err2);

        cr_expect(a == NULL, "%s", bad[i]);
        cr_expect(err1[0] != '\0', "nothing reported: %s", bad[i]);
        cr_assert(b != NULL, "after %s: %s", bad[i], err2);
        cr_expect(b->judge.enforce, "after %s", bad[i]);
        settings_free(b);
        free(err1);
        free(err2);
    }
}

/* Each line is that of the file, also behind comments and where names were marked. */
Test(settings, lines_behind_comments_and_doubles)
{
    static const char *const rows[][2] = {
        {"mode = \"monitor\"\n/* 2\n */ user = \"x\n", ":3: user: a quote is not closed"},
        {"# 1\n# 2\n/* 3\n*/ mode\n= { a\n", ":5: mode.a: = is missing after the name"},
        {"# 1\n# 2\n/* 3\n*/ mode\n= { a = 1", ":5: syntax error; the { of mode, opened in line 5"},
        {"mode = \"monitor\";\nmode = \"monitor\"; mode\n= \"monitor\";\nlevel = 1;\n",
         ":4: level: no such key"},
        {"mode = \"monitor\";\nmode = \"monitor\"; x = 1 /*\n*/ mode = 5;\n",
         ":3: mode: set twice, first in line 1"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        refuses(rows[i][0], strlen(rows[i][0]), rows[i][1]);
}

/* ---- FILE.d ---- */

static void put(const char *path, const char *name, const char *text)
{
    char full[512];
    FILE *out;

    snprintf(full, sizeof full, "%s%s", path, name);
    out = fopen(full, "w");
    cr_assert(out != NULL, "%s", full);
    fputs(text, out);
    fclose(out);
}

/* FILE and FILE.d in a directory of their own. */
struct place {
    char dir[32], file[64], more[80];
};

static void place_begin(struct place *p)
{
    snprintf(p->dir, sizeof p->dir, "/tmp/test-settings-XXXXXX");
    cr_assert(mkdtemp(p->dir) != NULL);
    snprintf(p->file, sizeof p->file, "%s/[*]", p->dir);
    snprintf(p->more, sizeof p->more, "%s.d/", p->file);
    cr_assert(mkdir(p->more, 0700) == 0);
}

static void place_end(const struct place *p)
{
    char command[64];

    snprintf(command, sizeof command, "rm -r '%s'", p->dir);
    cr_expect_eq(system(command), 0);
}

static void expect_rules(const struct settings *s, const char *names)
{
    char got[512] = "";
    unsigned i, n = 0;

    for (i = 0; i < s->judge.policy.rules; i++)
        n += (unsigned)snprintf(got + n, sizeof got - n, "%s ", s->judge.policy.rule[i].name);
    cr_expect_str_eq(got, names);
}

static struct settings *read_place(const struct place *p)
{
    char *err;
    struct settings *s = read_file(p->file, &err);

    cr_assert(s != NULL, "%s", err);
    cr_expect_str_eq(err, "");
    cr_expect_str_eq(s->file, p->file);
    free(err);
    return s;
}

/* A later value replaces, a list is added to, rules stand in front, in the order of names. */
Test(settings, directory_beside_the_file)
{
    struct place p;
    struct settings *s;
    const char *const *hosts;

    place_begin(&p);
    put(p.file, "",
        "mode = \"enforce\"; log: { level = \"debug\"; };\n"
        "exempt: { hosts = [\"a.example\"]; networks = [\"192.0.2.0/24\"]; };\n"
        "rules: { last: { when = [\"ptr-many\"]; action = \"tag\"; }; };");
    put(p.more, "20.conf",
        "log: { level = \"error\"; };\nexempt: { hosts = [\"c.example\"]; };\n"
        "rules: { three: { when = [\"iprev-fail\"]; action = \"tag\"; }; };");
    put(p.more, "10.conf",
        "log: { level = \"info\"; };\nexempt: { hosts = [\"b.example\"];\n"
        " networks = [\"198.51.100.0/24\"]; recipients = [\"help\"]; };\n"
        "rules: { one: { when = [\"iprev-pass\"]; action = \"tag\"; };\n"
        "two: { when = [\"ptr-named\"]; action = \"tag\"; }; };");
    put(p.more, "30.conf", "resolver: { forward = [\"192.0.2.1\"]; };");
    put(p.more, "40.conf", "resolver: { forward = [\"192.0.2.2\"]; };");
    put(p.more, ".hidden.conf", "mode = \"x\";");
    put(p.more, "50.conf~", "mode = \"x\";");
    put(p.more, ".conf", "mode = \"x\";");
    s = read_place(&p);
    cr_expect(!s->missing && s->judge.enforce, "not set again");
    cr_expect_eq(s->log.level, LOG_ERR, "the last one");
    cr_assert_eq(s->judge.exempt_hosts.n, 3);
    hosts = s->judge.exempt_hosts.entry;
    cr_expect(strcmp(hosts[0], "a.example") == 0 && strcmp(hosts[1], "b.example") == 0 &&
              strcmp(hosts[2], "c.example") == 0);
    cr_assert_eq(s->exempt.networks.n, 2);
    cr_assert_eq(s->exempt.recipients.n, 3, "added to the default");
    cr_expect_str_eq(s->exempt.recipients.entry[2], "help");
    cr_assert_eq(s->resolver.forwards, 2);
    cr_expect_str_eq(s->resolver.forward[1], "192.0.2.2");
    expect_rules(s, "one two three last no-ptr forged botlike bothelo ");
    settings_free(s);
    place_end(&p);
}

/* What clashes is told at the line that set it last, in whichever file. */
Test(settings, clashes_of_memory_name_their_lines)
{
    static const struct {
        const char *file, *first, *second, *fault;
    } rows[] = {
        {"memory: { store = \"redis://127.0.0.1\"; };", "", "", "[*]:1: memory.store: Redis needs"},
        {"", "\nmemory: { store = \"redis://127.0.0.1\"; };", "",
         "[*].d/a.conf:2: memory.store: Redis needs"},
        {"memory: { store = \"sqlite:/m.db\"; };", "memory: {\n\npassword-file = \"/p\"; };", "",
         "[*].d/a.conf:3: memory.password-file: is for Redis only"},
        {"memory: { greylist-delay-seconds = 3599;\ngreylist-retry-hours = 2; };", "",
         "\n\nmemory: { greylist-delay-seconds = 7200; };",
         "[*].d/b.conf:3: memory.greylist-delay-seconds: must be less"},
        {"memory: { greylist-delay-seconds = 3599; };", "memory: { greylist-delay-seconds = 1; };",
         "memory: { greylist-delay-seconds = 3600;\n greylist-retry-hours = 1; };",
         "[*].d/b.conf:1: memory.greylist-delay-seconds: must be less"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct place p;
        char *err;

        place_begin(&p);
        put(p.file, "", rows[i].file);
        put(p.more, "a.conf", rows[i].first);
        put(p.more, "b.conf", rows[i].second);
        cr_expect(read_file(p.file, &err) == NULL, "%zu", i);
        cr_expect(strstr(err, rows[i].fault) != NULL, "%s: %s", rows[i].fault, err);
        free(err);
        place_end(&p);
    }
}

Test(settings, memory_settings_that_go_together)
{
    static const char *const text[] = {
        "memory: { password-file = \"/etc/passwd\"; };",
        "memory: { key-file = \"/etc/passwd\"; };",
        "memory: { store = \"sqlite:/m.db\"; key-file = \"/etc/passwd\"; };",
        ("memory: { store = \"redis://127.0.0.1\"; key-file = \"/etc/passwd\";\n"
         "password-file = \"/etc/passwd\"; };"),
        "memory: { greylist-delay-seconds = 3599; greylist-retry-hours = 1; };",
    };
    size_t i;

    for (i = 0; i < sizeof text / sizeof text[0]; i++) {
        char *err;
        struct settings *s = read_text(text[i], &err);

        cr_expect(s != NULL && err[0] == '\0', "%s: %s", text[i], err);
        settings_free(s);
        free(err);
    }
}

/* FILE may be missing; without FILE.d that is a fault. */
Test(settings, directory_without_the_file)
{
    struct place p;
    struct settings *s;
    char *err;

    place_begin(&p);
    cr_expect(settings_exist(p.file));
    settings_free(read_place(&p)); /* empty */
    put(p.more, "a.conf", "mode = \"enforce\";");
    s = read_place(&p);
    cr_expect(s->missing && s->judge.enforce);
    settings_free(s);
    put(p.more, "b.conf", "mode = \"enfarce\";");
    cr_expect(read_file(p.file, &err) == NULL);
    cr_expect(strstr(err, "[*].d/b.conf:1: mode: \"enfarce\" is not one of") != NULL, "%s", err);
    free(err);
    strcat(p.file, "x"); /* no FILE, no FILE.d */
    cr_expect(!settings_exist(p.file));
    cr_expect(read_file(p.file, &err) == NULL);
    cr_expect(strstr(err, "[*]x: No such file or directory\n") != NULL, "%s", err);
    free(err);
    strcat(strcpy(p.more, p.file), ".d"); /* FILE.d is a file */
    put(p.more, "", "");
    cr_expect(read_file(p.file, &err) == NULL);
    cr_expect(strstr(err, "[*]x.d: Not a directory\n") != NULL, "%s", err);
    free(err);
    place_end(&p);
}

/* 256 files are read, more are a fault. */
Test(settings, directory_at_its_bound)
{
    struct place p;
    char name[16], *err;
    int i;

    place_begin(&p);
    for (i = 0; i <= FILE_MORE_MAX; i++) {
        if (i == FILE_MORE_MAX)
            settings_free(read_place(&p));
        snprintf(name, sizeof name, "%d.conf", i);
        put(p.more, name, "");
    }
    cr_expect(read_file(p.file, &err) == NULL);
    cr_expect(strstr(err, "[*].d: there are more than 256 files\n") != NULL, "%s", err);
    free(err);
    place_end(&p);
}

/* ---- rules of one's own and built-in ones ---- */

Test(settings, own_rules_before_the_built_in_ones)
{
    static const struct {
        const char *text, *rules, *why;
    } rows[] = {
        {"", "no-ptr forged botlike bothelo ", "none of one's own"},
        {"builtin-rules = false;", "", "none at all"},
        {"rules: { a: { when = [\"ptr-many\"]; action = \"tag\"; }; };",
         "a no-ptr forged botlike bothelo ", "one's own first"},
        {"rules: { forged: { when = [\"ptr-many\"]; action = \"tag\"; };\n"
         "a: { when = [\"ptr-named\"]; action = \"tag\"; }; };",
         "forged a no-ptr botlike bothelo ", "replaced, and at its own place"},
        {"builtin-rules = false; rules: { bothelo: { when = [\"ptr-many\"]; action = \"tag\"; }; "
         "};",
         "bothelo ", "the name alone is nothing"},
        {"rules: { a: { when = [\"iprev-permerror\", \"!client-known\"]; any = [\"!helo-forward\", "
         "\"helo-generic\"]; action = \"tag\"; }; };",
         "a no-ptr forged botlike bothelo ", "a built-in rule may be hidden by one's own"},
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *err;
        struct settings *s = read_text(rows[i].text, &err);

        cr_assert(s != NULL, "%s: %s", rows[i].why, err);
        expect_rules(s, rows[i].rules);
        settings_free(s);
        free(err);
    }
}

/* 64 rules with the built-in ones; those that are replaced do not count twice. */
Test(settings, rules_at_their_bound)
{
    static const struct {
        int own;
        const char *more;
        bool taken;
    } rows[] = {{60, "", true},
                {61, "", false},
                {60, "no-ptr: { when = [\"ptr-many\"]; action = \"tag\"; };", true},
                {64, "}; builtin-rules = false; log: {", true},
                {65, "}; builtin-rules = false; log: {", false}};
    size_t i;
    int k;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[8192], *err;
        int n = snprintf(text, sizeof text, "rules: {");
        struct settings *s;

        for (k = 1; k <= rows[i].own; k++)
            n += snprintf(text + n, sizeof text - (size_t)n,
                          "r%d: { when = [\"ptr-generic\"]; action = \"tag\"; percent = %d; };", k,
                          k);
        snprintf(text + n, sizeof text - (size_t)n, "%s };", rows[i].more);
        s = read_text(text, &err);
        cr_expect_eq(s != NULL, rows[i].taken, "%zu: %s", i, err);
        cr_expect(s == NULL || s->judge.policy.rules == 64, "%zu", i);
        settings_free(s);
        free(err);
    }
}

/* A rule that needs HELO or memory waits for MAIL; -t notes it. */
Test(settings, rules_that_are_late_at_connect)
{
    char *err;
    struct settings *s =
        read_text("reject-at = \"connect\"; rules: {\n"
                  "a: { when = [\"iprev-fail\"]; action = \"reject\"; };\n"
                  "b: { when = [\"ptr-many\", \"!client-known\"]; action = \"tempfail\"; };\n"
                  "c: { when = [\"helo-generic\"]; action = \"tag\"; };\n"
                  "no-ptr: { when = [\"iprev-permerror\"]; action = \"reject\"; }; };",
                  &err);

    cr_assert(s != NULL, "%s", err);
    cr_expect(strstr(err, "rules.b: note: names HELO or client-known, so it acts at MAIL") != NULL);
    cr_expect(strstr(err, "rules.forged: note:") != NULL, "%s", err);
    cr_expect(strstr(err, "rules.a") == NULL && strstr(err, "rules.c") == NULL &&
                  strstr(err, "no-ptr") == NULL,
              "%s", err);
    settings_free(s);
    free(err);
    s = read_text("reject-at = \"helo\";", &err);
    cr_expect_str_eq(err, "");
    settings_free(s);
    free(err);
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

/* Takes the # away from keys and rules: those of comments have a space behind them. */
static void take_marks_away(char *text)
{
    char *mark, *rules = strstr(text, "\nrules: {");

    for (; (mark = strchr(text, '#')) != NULL; text = mark + 1)
        if (mark[1] != ' ' && mark[1] != '\n')
            *mark = ' ';
        else if (mark > rules && strncmp(mark, "#    ", 5) == 0 && mark[-1] == ' ')
            *mark = ' ';
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
        cr_expect(strstr(text, "\n mode = \"monitor\";\n") != NULL &&
                  strstr(text, "\n         action = \"tag\";\n") != NULL);
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

Test(settings, every_key_is_there_once)
{
    size_t i;

    for (i = 0; i < settings_options; i++)
        cr_expect(settings_find(settings_option[i].section, settings_option[i].key) ==
                      &settings_option[i],
                  "%s is there twice", settings_option[i].key);
}
