/* Memory as the daemon uses it: what a sick store costs, and that it comes back.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/memory/memory_asked.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

static void on_both(void (*test)(struct place *p))
{
    struct place p;
    int redis;

    for (redis = 0; redis < 2; redis++) {
        if (redis && redis_program() == NULL) {
            printf("skip: no redis-server here (tests/system/get-servers redis)\n");
            continue;
        }
        place_make(&p, redis);
        if (redis) {
            static char key[96];

            snprintf(key, sizeof key, "%s/key", p.dir);
            p.options.key_file = key;
        }
        test(&p);
        place_remove(&p);
    }
}

/* ---- it works ---- */

static void play(struct place *p)
{
    struct memory *m;

    p->options.greylist_delay_s = 1;
    m = start(p);
    CHECK(comes_back(m, 30), "a store that is just being made");
    CHECK(look(m, "192.0.2.1") == MEMORY_UNKNOWN, "");
    CHECK(knock(m, "192.0.2.1", "Example.ORG", "Someone@Example.net") == GREY_NEW, "");
    CHECK(knock(m, "192.0.2.1", "example.org", "someone@example.net") == GREY_EARLY,
          "case does not matter");
    sleep(2);
    memory_end(m);
    m = start(p);
    CHECK(comes_back(m, 10), "a store that is just being opened");
    CHECK(knock(m, "192.0.2.1", "example.org", "someone@example.net") == GREY_PASSED,
          "it outlives the daemon");
    CHECK(knock(m, "192.0.2.1", "example.org", "other@example.net") == GREY_PASSED, "");
    CHECK(knock(m, "192.0.2.1", NULL, "other@example.net") == GREY_NEW, "the null sender");
    CHECK(atomic_load(&complaints) == 0, "%s", said[0]);
    memory_end(m);
}

static void play_on_both(void)
{
    on_both(play);
}

Test(memory, asked_by_the_daemon)
{
    when_steady(play_on_both);
}

Test(memory, sender_and_recipient_are_only_hashes)
{
    struct place p;
    struct memory *m;
    char command[300];
    struct stat st;

    place_make(&p, false);
    m = start(&p);
    knock(m, "192.0.2.1", "secret-sender.example", "secret-recipient@example.net");
    memory_end(m);
    snprintf(command, sizeof command, "cat %s/* | grep -qaiE 'secret-sender|secret-recipient'",
             p.dir);
    cr_expect_neq(system(command), 0);
    snprintf(command, sizeof command, "%s/memory.db", p.dir);
    cr_expect(stat(command, &st) == 0 && (st.st_mode & 07777) == 0600, "%o", st.st_mode);
    snprintf(command, sizeof command, "%s/memory.key", p.dir);
    cr_expect(stat(command, &st) == 0 && (st.st_mode & 07777) == 0600, "%o", st.st_mode);
    place_remove(&p);
}

/* ---- a store that cannot be opened ---- */

static void damage_directory(struct place *p)
{
    char command[200];

    snprintf(command, sizeof command, "rm -rf %s && touch %s", p->dir,
             p->dir); /* a file in its place */
    cr_assert_eq(system(command), 0);
}

static void damage_link(struct place *p)
{
    char command[300];

    snprintf(command, sizeof command, "touch %s/else && ln -s %s/else %s/memory.db", p->dir, p->dir,
             p->dir);
    cr_assert_eq(system(command), 0);
}

static void damage_key(struct place *p)
{
    char command[300];

    snprintf(command, sizeof command, "echo nonsense > %s/memory.key", p->dir);
    cr_assert_eq(system(command), 0);
}

/* On a busy machine nobody has waited long enough to hear it. */
static void wait_for_complaint(void)
{
    int64_t until = now_ms() + 10000;

    while (atomic_load(&complaints) == 0 && now_ms() < until)
        usleep(10000);
}

/* A file of ours, made by another version: the first statement tells which one. */
static void make_version(struct place *p, const char *version)
{
    char path[96];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/memory.db", p->dir);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, version, NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "PRAGMA application_id = 0x49505256", NULL, NULL, NULL),
                 SQLITE_OK);
    sqlite3_close(db);
}

static void damage_older(struct place *p)
{
    make_version(p, "PRAGMA user_version = 1");
}

static void damage_newer(struct place *p)
{
    make_version(p, "PRAGMA user_version = 3");
}

Test(memory, H5_a_store_that_cannot_be_opened)
{
    static const struct {
        void (*damage)(struct place *p);
        const char *says, *complaint;
    } row[] = {
        {damage_directory, "no directory", "memory.db"},
        {damage_link, "a link", "memory.db"},
        {damage_older, "an older version", "memory.db: was made by another version"},
        {damage_newer, "a newer version", "move it away to start empty"},
        {damage_key, "a key that is none", "must contain 32 hexadecimal digits"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct place p;
        struct memory *m;

        place_make(&p, false);
        row[i].damage(&p);
        m = start(&p);
        cr_expect_eq(look(m, "192.0.2.1"), MEMORY_KNOWN_UNAVAILABLE, "%s", row[i].says);
        cr_expect_eq(knock(m, "192.0.2.1", "a.example", "b@c.example"), GREY_UNAVAILABLE, "%s",
                     row[i].says);
        wait_for_complaint();
        cr_expect_eq(atomic_load(&complaints), 1, "%s: told once", row[i].says);
        cr_expect_not_null(strstr(said[0], row[i].complaint), "%s: %s", row[i].says, said[0]);
        memory_end(m);
        place_remove(&p);
    }
}

/* ---- a store that falls ill ---- */

static void locked(void)
{
    struct place p;
    struct memory *m;
    sqlite3 *other;
    char path[96];

    alarm(60);
    place_make(&p, false);
    m = start(&p);
    CHECK(comes_back(m, 30), "a store that is just being made");
    sleep(2); /* nothing is owed */
    snprintf(path, sizeof path, "%s/memory.db", p.dir);
    cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    is_left_alone(m, "locked");
    cr_assert_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    CHECK(comes_back(m, 30), "%s", said[0]);
    memory_end(m);
    place_remove(&p);
}

Test(memory, a_file_that_another_process_has_locked)
{
    when_steady(locked);
}

static void removed(void)
{
    static const char *const how[] = {"rm memory.db*", "mv memory.db elsewhere"};
    size_t i;

    alarm(60);
    for (i = 0; i < sizeof how / sizeof *how; i++) {
        struct place p;
        struct memory *m;
        char command[200];

        place_make(&p, false);
        m = start(&p);
        CHECK(comes_back(m, 30), "a store that is just being made");
        CHECK(knock(m, "192.0.2.1", "a.example", "b@c.example") == GREY_NEW, "");
        sleep(2);
        snprintf(command, sizeof command, "cd %s && %s", p.dir, how[i]);
        cr_assert_eq(system(command), 0);
        sleep(2);
        CHECK(comes_back(m, 30), "%s: %s", how[i], said[0]);
        CHECK(knock(m, "192.0.2.1", "a.example", "b@c.example") == GREY_NEW, "%s: begun anew",
              how[i]);
        CHECK(atomic_load(&complaints) >= 1, "%s", how[i]);
        memory_end(m);
        place_remove(&p);
    }
}

Test(memory, a_file_that_is_removed)
{
    when_steady(removed);
}

static void damaged(void)
{
    static const char *const how[] = {
        "head -c 40000 /dev/zero > memory.db", "echo nonsense > memory.db",
        "dd if=/dev/urandom of=memory.db bs=1 seek=100 count=8000 conv=notrunc 2>&1 | true",
        "dd if=/dev/urandom of=memory.db bs=1 seek=4096 count=8192 conv=notrunc 2>&1 | true",
        "truncate -s 9000 memory.db"};
    size_t i;

    for (i = 0; i < sizeof how / sizeof *how; i++) {
        struct place p;
        struct memory *m;
        char command[200];

        place_make(&p, false);
        m = start(&p);
        CHECK(comes_back(m, 30), "a store that is just being made");
        CHECK(knock(m, "192.0.2.1", "a.example", "b@c.example") == GREY_NEW, "");
        memory_end(m);
        snprintf(command, sizeof command, "cd %s && %s", p.dir, how[i]);
        cr_assert_eq(system(command), 0);
        m = start(&p);
        CHECK(comes_back(m, 30), "%s: %s", how[i], said[0]);
        CHECK(knock(m, "192.0.2.1", "a.example", "b@c.example") == GREY_NEW, "%s: begun anew",
              how[i]);
        CHECK(atomic_load(&complaints) == 1, "%s: %s %u", how[i], said[0],
              atomic_load(&complaints));
        CHECK(strstr(said[0], "memory.db.damaged") != NULL, "%s: %s", how[i], said[0]);
        memory_end(m);
        snprintf(command, sizeof command, "test -s %s/memory.db.damaged", p.dir);
        CHECK(system(command) == 0, "%s", how[i]);
        place_remove(&p);
    }
}

Test(memory, H5_a_damaged_file_is_put_aside)
{
    when_steady(damaged);
}

/* ---- callers by the dozen ---- */

static void *crowd(void *arg)
{
    char rcpt[40];
    int i;

    for (i = 0; i < 300; i++) {
        snprintf(rcpt, sizeof rcpt, "r%d@c.example", i);
        knock(arg, i % 2 ? "192.0.2.1" : "2001:db8::1", "a.example", rcpt);
        if (i % 7 == 0) {
            struct addr a = address("203.0.113.9");

            memory_note(arg, &a);
        }
    }
    return NULL;
}

Test(memory, sixteen_threads_at_once)
{
    struct place p;
    struct memory *m;
    struct memory_stats stats;
    pthread_t thread[16];
    size_t i;

    place_make(&p, false);
    m = start(&p);
    for (i = 0; i < 16; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, crowd, m), 0);
    for (i = 0; i < 16; i++)
        pthread_join(thread[i], NULL);
    memory_stats(m, &stats);
    cr_expect_eq(stats.greylist[GREY_NEW] + stats.greylist[GREY_EARLY] +
                     stats.greylist[GREY_UNAVAILABLE],
                 16 * 300);
    cr_expect_leq(stats.greylist[GREY_NEW], 300, "one thread is the first for each key");
    memory_end(m);
    place_remove(&p);
}

/* ---- the text of a store ---- */

Test(memory, the_text_of_a_store)
{
    static const struct {
        const char *text;
        bool good;
        const char *host;
        unsigned port, database;
    } row[] = {
        {"sqlite:/var/lib/iprev-milter/memory.db", true, "", 0, 0},
        {"sqlite:memory.db", false, "", 0, 0},
        {"sqlite:", false, "", 0, 0},
        {"redis://127.0.0.1", true, "127.0.0.1", 6379, 0},
        {"redis://cache.example:7000/3", true, "cache.example", 7000, 3},
        {"redis://[2001:db8::1]:7000", true, "2001:db8::1", 7000, 0},
        {"redis://[2001:db8::1", false, "", 0, 0},
        {"redis://host:0", false, "", 0, 0},
        {"redis://host:65535", true, "host", 65535, 0},
        {"redis://host:65536", false, "", 0, 0},
        {"redis://host/", false, "", 0, 0},
        {"redis://host/1x", false, "", 0, 0},
        {"redis://user:secret@host", false, "", 0, 0},
        {"redis://", false, "", 0, 0},
        {"redis+unix:/run/redis.sock", true, "", 0, 0},
        {"redis+unix:run/redis.sock", false, "", 0, 0},
        {"memcache://host", false, "", 0, 0},
        {"", false, "", 0, 0},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct memory_endpoint e;
        bool good = memory_endpoint(&e, row[i].text);

        cr_expect_eq(good, row[i].good, "%s", row[i].text);
        if (good)
            cr_expect(strcmp(e.host, row[i].host) == 0 && e.port == row[i].port &&
                          e.database == row[i].database,
                      "%s: %s %u %u", row[i].text, e.host, e.port, e.database);
    }
}
