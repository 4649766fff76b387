/* What iprev-check sees of a client, and that it forgets it, on both stores.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/memory/memory_shared.h"

#include "memory/view.h"

#include <fcntl.h>
#include <sys/stat.h>

#define DAY   LEDGER_DAY_S
#define NOON  (DAY / 2)
#define TODAY (20000 * (int64_t)DAY)

static struct memory_view *view_open(struct place *p, bool change)
{
    char err[300] = "";
    struct memory_view *v = memory_view_open(&p->options, change, err, sizeof err);

    cr_assert_not_null(v, "%s: %s", p->text, err);
    return v;
}

static struct memory_client see(struct place *p, const char *client, int64_t now_s)
{
    struct memory_view *v = view_open(p, false);
    struct addr a = address(client);
    struct memory_client c;

    cr_assert(memory_view_client(v, &a, now_s, &c), "%s", memory_view_trouble(v));
    memory_view_close(v);
    return c;
}

static void try(struct store *s, const struct place *p, const char *client, uint64_t domain,
                int64_t at)
{
    struct ledger_triple t = {
        .client = address(client), .domain = domain, .recipient = 7, .lasting = true};
    enum memory_grey grey;
    unsigned seconds;

    cr_assert_eq(ledger_greylist(s, &t, &p->options, at, &grey, &seconds), STORE_OK);
}

/* 192.0.2.1 is known and has passed, 192.0.2.2 was seen on one day; two tries of the network and
 * one of each of two others wait. */
static void furnish(struct place *p)
{
    struct store *s = place_open(p);
    struct addr known = address("192.0.2.1"), seen = address("192.0.2.2"),
                six = address("2001:db8:1:2::3");

    cr_assert_eq(ledger_note(s, &known, TODAY - DAY), STORE_OK);
    cr_assert_eq(ledger_note(s, &known, TODAY), STORE_OK);
    cr_assert_eq(ledger_note(s, &six, TODAY - DAY), STORE_OK);
    cr_assert_eq(ledger_note(s, &six, TODAY), STORE_OK);
    cr_assert_eq(ledger_note(s, &seen, TODAY), STORE_OK);
    try(s, p, "192.0.2.1", 1, TODAY);
    try(s, p, "192.0.2.1", 1, TODAY + 290);
    try(s, p, "192.0.2.1", 2, TODAY + 300);
    try(s, p, "192.0.2.9", 3, TODAY + 100);
    try(s, p, "198.51.100.1", 1, TODAY);
    try(s, p, "2001:db8:1:2::3", 1, TODAY);
    s->kind->close(s);
}

struct row {
    const char *says, *client;
    int64_t now_s;
    struct memory_client want;
};

static const struct row rows[] = {
    {"a known client: two tries of its network wait, one domain passes",
     "192.0.2.1",
     TODAY + NOON,
     {TODAY, TODAY + 31 * DAY, 0, 0, 2, TODAY + 300 + 2 * DAY + 1, 1, TODAY + 290 + 36 * DAY + 1}},
    {"the same a second before the first try is over",
     "192.0.2.1",
     TODAY + 100 + 2 * DAY,
     {TODAY, TODAY + 31 * DAY, 0, 0, 2, TODAY + 300 + 2 * DAY + 1, 1, TODAY + 290 + 36 * DAY + 1}},
    {"and when it is",
     "192.0.2.1",
     TODAY + 101 + 2 * DAY,
     {TODAY, TODAY + 31 * DAY, 0, 0, 1, TODAY + 300 + 2 * DAY + 1, 1, TODAY + 290 + 36 * DAY + 1}},
    {"the last second on which it is known",
     "192.0.2.1",
     TODAY + 31 * DAY - 1,
     {TODAY, TODAY + 31 * DAY, 0, 0, 0, 0, 1, TODAY + 290 + 36 * DAY + 1}},
    {"the first on which it is not",
     "192.0.2.1",
     TODAY + 31 * DAY,
     {0, 0, 0, 0, 0, 0, 1, TODAY + 290 + 36 * DAY + 1}},
    {"the last second of the pass",
     "192.0.2.1",
     TODAY + 290 + 36 * DAY,
     {0, 0, 0, 0, 0, 0, 1, TODAY + 290 + 36 * DAY + 1}},
    {"nothing is left", "192.0.2.1", TODAY + 291 + 36 * DAY, {0, 0, 0, 0, 0, 0, 0, 0}},
    {"seen on one day",
     "192.0.2.2",
     TODAY + NOON,
     {0, 0, TODAY, TODAY + 31 * DAY, 2, TODAY + 300 + 2 * DAY + 1, 0, 0}},
    {"only its network is waiting",
     "192.0.2.200",
     TODAY + NOON,
     {0, 0, 0, 0, 2, TODAY + 300 + 2 * DAY + 1, 0, 0}},
    {"the next network", "192.0.3.1", TODAY + NOON, {0, 0, 0, 0, 0, 0, 0, 0}},
    {"IPv6: a known address",
     "2001:db8:1:2::3",
     TODAY + NOON,
     {TODAY, TODAY + 31 * DAY, 0, 0, 1, TODAY + 2 * DAY + 1, 0, 0}},
    {"another address of the /48",
     "2001:db8:1:ffff::3",
     TODAY + NOON,
     {0, 0, 0, 0, 1, TODAY + 2 * DAY + 1, 0, 0}},
    {"the next /48", "2001:db8:2::3", TODAY + NOON, {0, 0, 0, 0, 0, 0, 0, 0}},
};

static void expect_same(const struct memory_client *got, const struct memory_client *want,
                        const char *says)
{
    cr_expect_eq(got->known_s, want->known_s, "%s: known", says);
    cr_expect_eq(got->known_end_s, want->known_end_s, "%s: known until", says);
    cr_expect_eq(got->seen_s, want->seen_s, "%s: seen", says);
    cr_expect_eq(got->seen_end_s, want->seen_end_s, "%s: seen until", says);
    cr_expect_eq(got->waiting, want->waiting, "%s: %u waiting", says, got->waiting);
    cr_expect_eq(got->waiting_end_s, want->waiting_end_s, "%s: waiting until", says);
    cr_expect_eq(got->passed, want->passed, "%s: %u passed", says, got->passed);
    cr_expect_eq(got->passed_end_s, want->passed_end_s, "%s: passed until", says);
}

static void expect_counts(struct place *p, const struct memory_counts *want, const char *says)
{
    struct memory_view *v = view_open(p, false);
    struct memory_counts got;

    cr_assert(memory_view_count(v, &got));
    cr_expect(got.known == want->known && got.seen == want->seen && got.waiting == want->waiting &&
                  got.passed == want->passed,
              "%s: %s: %d %d %d %d", p->text, says, (int)got.known, (int)got.seen, (int)got.waiting,
              (int)got.passed);
    memory_view_close(v);
}

static void forget(struct place *p, const char *client)
{
    struct memory_view *v = view_open(p, true);
    struct addr a = address(client);

    cr_assert(memory_view_forget(v, &a), "%s", memory_view_trouble(v));
    memory_view_close(v);
}

static void play(struct place *p)
{
    static const struct memory_client none = {.known_s = 0};
    struct memory_client got;
    size_t i;

    furnish(p);
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        got = see(p, rows[i].client, rows[i].now_s);
        expect_same(&got, &rows[i].want, rows[i].says);
    }
    expect_counts(p, &(struct memory_counts){2, 1, 4, 1}, "all");
    forget(p, "192.0.2.1");
    got = see(p, "192.0.2.1", TODAY);
    expect_same(&got, &none, "forgotten");
    expect_counts(p, &(struct memory_counts){1, 1, 2, 0}, "its entries, and the tries of its /24");
    forget(p, "192.0.2.2");
    forget(p, "2001:db8:1:2::3");
    expect_counts(p, &(struct memory_counts){0, 0, 1, 0}, "198.51.100.1 is left");
}

Test(memory, what_is_seen_and_forgotten_on_both_stores)
{
    struct place p;

    place_make(&p, false);
    play(&p);
    place_remove(&p);
    if (redis_program() == NULL)
        return;
    place_make(&p, true);
    play(&p);
    place_remove(&p);
}

/* The daemon may move the log into the file at the same moment: a view never does. */
Test(memory, a_view_leaves_the_log_alone)
{
    struct place p;
    struct stat file[2], log;
    char path[128];

    place_make(&p, false);
    furnish(&p);
    snprintf(path, sizeof path, "%s/memory.db", p.dir);
    cr_assert_eq(stat(path, &file[0]), 0);
    forget(&p, "192.0.2.1");
    cr_assert_eq(stat(path, &file[1]), 0);
    cr_expect(file[0].st_mtim.tv_sec == file[1].st_mtim.tv_sec &&
              file[0].st_mtim.tv_nsec == file[1].st_mtim.tv_nsec);
    snprintf(path, sizeof path, "%s/memory.db-wal", p.dir);
    cr_assert_eq(stat(path, &log), 0);
    cr_expect_gt(log.st_size, 0);
    cr_expect_eq(see(&p, "192.0.2.1", TODAY).known_s, 0);
    place_remove(&p);
}

/* A view makes nothing, and follows no link. */
Test(memory, a_view_of_no_store)
{
    struct place p;
    char err[300] = "", path[128];

    place_make(&p, false);
    cr_expect_null(memory_view_open(&p.options, false, err, sizeof err));
    cr_expect_null(memory_view_open(&p.options, true, err, sizeof err));
    snprintf(path, sizeof path, "%s/memory.db", p.dir);
    cr_expect_neq(access(path, F_OK), 0);
    cr_expect_str_not_empty(err);
    place_remove(&p);
}

/* One command to the redis-server, as text; its reply is read and left. */
static void tell_redis(const struct place *p, const char *command)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char reply[64];

    snprintf(sa.sun_path, sizeof sa.sun_path, "%s/redis.sock", p->dir);
    cr_assert(connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    cr_assert(write(fd, command, strlen(command)) == (ssize_t)strlen(command));
    cr_assert(read(fd, reply, sizeof reply) > 0 && reply[0] == ':', "%s", command);
    close(fd);
}

/* Somebody else may write to a shared Redis: what is no text of ours is read to its end, not
 * beyond. */
Test(memory, members_that_somebody_else_wrote)
{
    static const struct {
        const char *member;
        uint8_t len;
    } row[] = {
        {"ab", 1},
        {"abc", 1},
        {"a", 0},
        {"ag", 0},
        {"abxy", 0},
        {"000102030405060708090a0b0c0d0e0f1011", STORE_OCTETS_MAX}, /* one more than fits */
        {"000102030405060708090a0b0c0d0e0f10", STORE_OCTETS_MAX},
        {"000102030405060708090a0b0c0d0e0f", STORE_OCTETS_MAX - 1},
    };
    struct store_key group = {.table = TABLE_KNOWN, .group_len = 3, .group = {1, 2, 3}};
    struct store_entry entry[2];
    struct place p;
    size_t i, n;

    if (redis_program() == NULL) {
        printf("skip: no redis-server here (tests/system/get-servers redis)\n");
        return;
    }
    place_make(&p, true);
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct store *s = place_open(&p);
        char command[128];

        tell_redis(&p, i > 0 ? "DEL iprev:k:010203\r\n" : "DEL none\r\n");
        snprintf(command, sizeof command, "ZADD iprev:k:010203 7 %s\r\n", row[i].member);
        tell_redis(&p, command);
        cr_expect_eq(s->kind->list(s, &group, entry, 2, &n), STORE_OK, "%s", s->trouble);
        cr_assert_eq(n, 1, "%s", row[i].member);
        cr_expect_eq(entry[0].key.member_len, row[i].len, "%s: %d octets", row[i].member,
                     entry[0].key.member_len);
        cr_expect_eq(entry[0].at, 7);
        s->kind->close(s);
    }
    place_remove(&p);
}

/* A database with tables that is not ours is left alone, whether its program has marked it or not.
 */
Test(memory, the_database_of_another_program)
{
    static const char mark[][4] = {{0, 0, 0, 0},
                                   {1, 2, 3, 4}}; /* its application id: octets 68 to 71 */
    struct store_bounds bounds[TABLES];
    char path[128], err[300];
    size_t i;

    for (i = 0; i < 2; i++) {
        struct place p;
        int fd;

        place_make(&p, false);
        furnish(&p);
        snprintf(path, sizeof path, "%s/memory.db", p.dir);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        cr_assert(fd >= 0 && pwrite(fd, mark[i], 4, 68) == 4);
        close(fd);
        ledger_bounds(&p.options, bounds);
        err[0] = '\0';
        cr_expect_null(store_open(&p.options, bounds, STORE_SERVE, err, sizeof err), "%zu", i);
        cr_expect_not_null(strstr(err, path), "%zu: %s", i, err);
        cr_expect_null(store_open(&p.options, bounds, STORE_CHANGE, err, sizeof err), "%zu", i);
        place_remove(&p);
    }
}
