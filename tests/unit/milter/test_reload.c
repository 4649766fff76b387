/* reload: what is read again, what is in force afterwards, and what is said of it.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "milter/reload.h"

#include "tests/unit/milter/session_shared.h"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

Test(reload, the_command_line_goes_before_the_file)
{
    static const struct {
        const char *conf, *socket; /* of -p */
        const char *taken;         /* NULL: refused */
        const char *told;
    } row[] = {
        {"", NULL, "inet:8891@localhost", ""},
        {"socket = \"unix:/run/a\";", NULL, "unix:/run/a", ""},
        {"socket = \"unix:/run/a\";", "unix:/run/b", "unix:/run/b", ""},
        {"socket = \"unix:/run/a\";", "/run/b", "unix:/run/b", ""},
        {"socket = \"unix:/run/a\";", "run/b", NULL, "-p run/b: is not inet:PORT@HOST"},
        {"socket = \"run/a\";", "unix:/run/b", NULL, ":1: socket: "},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct dns_files f;
        struct reload_source from = {.socket = row[i].socket};
        char *text = NULL;
        size_t n = 0;
        FILE *err = open_memstream(&text, &n);
        struct settings *s;

        files_make(&f, "conf", row[i].conf);
        from.config = f.file;
        errno = 0;
        s = reload_read(&from, err);
        cr_expect(row[i].taken != NULL || errno == EINVAL, "%zu", i);
        fclose(err);
        cr_expect_eq(s != NULL, row[i].taken != NULL, "%zu: %s", i, text);
        if (s != NULL && row[i].taken != NULL)
            cr_expect_str_eq(s->socket, row[i].taken, "%zu", i);
        cr_expect(strstr(text, row[i].told) != NULL, "%zu: %s", i, text);
        cr_expect(row[i].told[0] != '\0' || text[0] == '\0', "%zu: %s", i, text);
        settings_free(s);
        free(text);
        files_remove(&f);
    }
}

Test(reload, verbose_stays_verbose)
{
    struct reload_source quiet = {0}, verbose = {.verbose = true};
    struct settings *s = settings_read(NULL, stderr);

    s->log.level = LOG_ERR;
    cr_expect_eq(reload_log_level(&quiet, s), LOG_ERR);
    cr_expect_eq(reload_log_level(&verbose, s), LOG_DEBUG);
    settings_free(s);
}

/* Read once more as the daemon's user: what is wrong then is said, and only that. */
static void try_as(const char *user, mode_t mode, const char *told)
{
    char dir[] = "/tmp/test-reload-XXXXXX", file[64], *text = NULL;
    struct reload_source from = {.config = file};
    const struct passwd *pw;
    size_t n = 0;
    FILE *out, *err = open_memstream(&text, &n);

    if (geteuid() != 0)
        cr_skip_test("needs root");
    pw = getpwnam("nobody"); /* who can remove it afterwards */
    cr_assert(mkdtemp(dir) != NULL && pw != NULL && chown(dir, pw->pw_uid, pw->pw_gid) == 0);
    snprintf(file, sizeof file, "%s/conf", dir);
    out = fopen(file, "w");
    cr_assert(out != NULL);
    fputs("rules: { old: { when = [\"ptr-many\"] action = \"tag\" expires = \"2020-01-31\" }; };",
          out);
    fclose(out);
    cr_assert(chmod(file, mode) == 0);
    reload_try_as(&from, user, err);
    fclose(err);
    if (told == NULL)
        cr_expect_str_empty(text, "%s", text);
    else
        cr_expect(strstr(text, told) == text && text[strlen(text) - 1] == '\n', "%s", text);
    free(text);
    cr_expect(unlink(file) == 0 && rmdir(dir) == 0);
}

Test(reload, tried_as_nobody_in_particular)
{
    try_as(NULL, 0600, NULL);
    cr_expect(geteuid() == 0);
}

Test(reload, tried_as_a_user_who_can_read_it)
{
    try_as("nobody", 0644, NULL); /* a note about a rule has been made when root read it */
}

Test(reload, tried_as_a_user_who_cannot)
{
    try_as("nobody", 0600, "iprev-milter: note: read as user nobody: ");
}

/* ---- taking over ---- */

#define HEAD                                                                                       \
    "user = \"\"; resolver: { forward = [\"127.0.0.1@9\"]; zone = \"%s\"; }; "                     \
    "log: { destination = \"stderr\"; };\n"
#define RESTART "needs a restart"

/* first is in force; then comes second, in the same file. */
static const struct {
    const char *first, *second; /* behind HEAD; NULL: the file is empty */
    bool taken;
    const char *told; /* beside the lines that every reload has */
    const char *why;
} rows[] = {
    {"", "", true, NULL, "nothing new"},
    {"", "mode = \"enforce\";", true, NULL, "a new mode"},
    {"", "socket = \"unix:/run/b\";", true,
     "reload: a new socket needs a restart; still on inet:8891@localhost", ""},
    {"", "socket-mode = \"0600\";", true, "reload: a new socket-mode needs a restart", ""},
    {"", "metrics: { listen = \"127.0.0.1:9\"; };", true,
     "reload: a new metrics.listen needs a restart", "a page, where there was none"},
    {"metrics: { listen = \"127.0.0.1:9\"; };", "", true,
     "reload: a new metrics.listen needs a restart", "none, where there was a page"},
    {"metrics: { listen = \"127.0.0.1:9\"; };", "metrics: { listen = \"127.0.0.1:8\"; };", true,
     "reload: a new metrics.listen needs a restart", "another"},
    {"metrics: { listen = \"127.0.0.1:9\"; };", "metrics: { listen = \"127.0.0.1:9\"; };", true,
     NULL, "the same"},
    {"", "mode = \"enfarce\";", false, "conf:2: mode: ", "a fault"},
    {"", NULL, false, "conf is empty", "a disk that is full"},
};

static void write_conf(const struct dns_files *f, const char *zone, const char *more)
{
    FILE *out = fopen(f->file, "w");

    cr_assert(out != NULL);
    if (more != NULL) {
        fprintf(out, HEAD, zone);
        fprintf(out, "%s\n", more);
    }
    fclose(out);
}

static unsigned lines_with(const char *text, const char *part)
{
    unsigned n = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

Test(reload, what_is_in_force_afterwards)
{
    struct dns_files zone;
    size_t i;

    files_make(&zone, "zone", world_zone);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dns_files conf;
        struct reload_source from = {0};
        struct snapshot *first, *second;
        struct captured c;

        files_make(&conf, "conf", "");
        from.config = conf.file;
        write_conf(&conf, zone.file, rows[i].first);
        reload_run(&from, "inet:8891@localhost"); /* nothing is in force yet */
        first = snapshot_take();
        cr_assert(first != NULL, "%s", rows[i].why);
        write_conf(&conf, zone.file, rows[i].second);
        capture_begin(&c);
        reload_run(&from, "inet:8891@localhost");
        capture_end(&c);
        second = snapshot_take();
        cr_expect_eq(second != first, rows[i].taken, "%s: %s", rows[i].why, c.text);
        cr_expect_eq(has_text(c.text, "conf: mode "), rows[i].taken, "%s: %s", rows[i].why, c.text);
        cr_expect_eq(has_text(c.text, "reload failed; keeping the previous settings"),
                     !rows[i].taken, "%s: %s", rows[i].why, c.text);
        cr_expect_eq(has_text(c.text, "name servers: 127.0.0.1@9"), rows[i].taken, "%s: %s",
                     rows[i].why, c.text);
        cr_expect(rows[i].told == NULL || has_text(c.text, rows[i].told), "%s: %s", rows[i].why,
                  c.text);
        cr_expect_eq(lines_with(c.text, RESTART),
                     rows[i].told != NULL && has_text(rows[i].told, RESTART), "%s: %s", rows[i].why,
                     c.text);
        snapshot_release(first);
        snapshot_release(second);
        snapshot_put(NULL);
        files_remove(&conf);
    }
    cr_expect(resolver_wait_ended(5000));
    files_remove(&zone);
}

/* FILE.d alone is enough to start with; in the place of a file in force it is not. */
Test(reload, a_file_that_has_gone)
{
    struct dns_files zone, conf;
    char more[200], part[240];
    struct reload_source from = {0};
    struct snapshot *first, *second;
    struct captured c;
    FILE *out;

    files_make(&zone, "zone", world_zone);
    files_make(&conf, "conf", "");
    from.config = conf.file;
    snprintf(more, sizeof more, "%s.d", conf.file);
    cr_assert(mkdir(more, 0700) == 0);
    snprintf(part, sizeof part, "%s/a.conf", more);
    out = fopen(part, "w");
    fprintf(out, HEAD, zone.file);
    fclose(out);

    write_conf(&conf, zone.file, "");
    unlink(part);
    reload_run(&from, "inet:8891@localhost");
    first = snapshot_take();
    cr_assert(first != NULL);
    out = fopen(part, "w");
    fprintf(out, HEAD, zone.file);
    fclose(out);
    unlink(conf.file);
    capture_begin(&c);
    reload_run(&from, "inet:8891@localhost");
    capture_end(&c);
    second = snapshot_take();
    cr_expect(second == first, "%s", c.text);
    cr_expect(has_text(c.text, "conf: No such file or directory"), "%s", c.text);
    snapshot_release(second);
    snapshot_release(first);
    snapshot_put(NULL);

    capture_begin(&c);
    reload_run(&from, "inet:8891@localhost"); /* as at a start */
    reload_run(&from, "inet:8891@localhost"); /* it has not gone: it was not there */
    capture_end(&c);
    cr_expect_eq(lines_with(c.text, "conf: mode "), 2, "%s", c.text);
    snapshot_put(NULL);
    cr_expect(resolver_wait_ended(5000));
    unlink(part);
    rmdir(more);
    files_remove(&conf);
    files_remove(&zone);
}

/* Said as what it is, not as a file that an editor has left empty. */
Test(reload, no_file_in_the_place_of_one)
{
    struct reload_source from = {0};
    struct dns_files zone, conf;
    struct captured c;

    files_make(&zone, "zone", world_zone);
    files_make(&conf, "conf", "");
    from.config = conf.file;
    write_conf(&conf, zone.file, "");
    reload_run(&from, "inet:8891@localhost");
    unlink(conf.file);
    cr_assert(mkfifo(conf.file, 0600) == 0);
    capture_begin(&c);
    reload_run(&from, "inet:8891@localhost");
    capture_end(&c);
    cr_expect(has_text(c.text, "conf: is not a regular file"), "%s", c.text);
    cr_expect(has_text(c.text, "reload failed; keeping the previous settings\n"), "%s", c.text);
    snapshot_put(NULL);
    cr_expect(resolver_wait_ended(5000));
    files_remove(&conf);
    files_remove(&zone);
}

/* Looked at again and again: as long as the list of servers stays, nothing is done or said; and
 * with servers of its own the configuration does not care. */
Test(reload, servers_that_stay)
{
    static const char *const forward[] = {"forward = [\"127.0.0.1@9\"];", ""};
    struct dns_files zone, conf;
    struct reload_source from = {0};
    size_t i, k;

    files_make(&zone, "zone", world_zone);
    for (i = 0; i < 2; i++) {
        struct snapshot *first, *second;
        struct captured c;
        char text[400];

        snprintf(
            text, sizeof text,
            "user = \"\"; resolver: { %s zone = \"%s\"; };\nlog: { destination = \"stderr\"; };",
            forward[i], zone.file);
        files_make(&conf, "conf", text);
        from.config = conf.file;
        reload_run(&from, "inet:8891@localhost");
        first = snapshot_take();
        cr_assert(first != NULL || i == 1, "%s", text);
        capture_begin(&c);
        for (k = 0; k < 25 && first != NULL; k++)
            follow_servers();
        capture_end(&c);
        cr_expect_str_empty(c.text, "%s", c.text);
        second = snapshot_take();
        cr_expect(second == first);
        snapshot_release(first);
        snapshot_release(second);
        snapshot_put(NULL);
        files_remove(&conf);
    }
    cr_expect(resolver_wait_ended(5000));
    files_remove(&zone);
}
