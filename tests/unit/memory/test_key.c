/* The secret of the hashes: how it is read, and made. And what a store that fails means.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/key.h"

#include "tests/unit/memory/memory_shared.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define DIGITS "00112233445566778899aAbBcCdDeEfF"

static void put_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    cr_assert_not_null(out);
    fputs(text, out);
    fclose(out);
}

Test(memory, texts_of_a_key)
{
    static const struct {
        const char *text;
        bool good;
    } row[] = {
        {DIGITS "\n", true},
        {DIGITS, true},
        {DIGITS "\r\n", true},
        {DIGITS "0\n", false},
        {DIGITS " \n", false},
        {" " DIGITS "\n", false},
        {"", false},
        {"\n", false},
        {"00112233445566778899aAbBcCdDeEf\n", false},
        {"0x112233445566778899aAbBcCdDeEfF\n", false},
        {"00112233445566778899aAbBcCdDeEfg\n", false},
    };
    char path[] = "/tmp/test-key-XXXXXX";
    char store[] = "redis://127.0.0.1";
    struct memory_options o = {.store = store, .key_file = path};
    size_t i;

    close(mkstemp(path));
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct hash_key key = {{0, 0}};
        char err[300] = "";

        put_file(path, row[i].text);
        cr_expect_eq(memory_key_load(&o, &key, err, sizeof err), row[i].good, "%zu: %s", i, err);
        cr_expect(row[i].good == (key.word[0] == 0x0011223344556677u), "%zu", i);
        cr_expect(row[i].good == (key.word[1] == 0x8899aabbccddeeffu), "%zu", i);
        cr_expect(row[i].good || strstr(err, path) != NULL, "%zu: %s", i, err);
    }
    unlink(path);
}

/* Beside the store, for its owner alone, and the same from then on. */
Test(memory, a_key_is_made_once)
{
    static const struct {
        const char *store, *key;
    } row[] = {
        {"memory.db", "memory.key"},
        {"memory", "memory.key"},
        {".db", ".key"},
        {"a.db.x", "a.db.x.key"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct place p;
        struct hash_key first, again;
        char err[300] = "", store[160], path[160];
        struct stat st;

        place_make(&p, false);
        snprintf(store, sizeof store, "sqlite:%s/%s", p.dir, row[i].store);
        snprintf(path, sizeof path, "%s/%s", p.dir, row[i].key);
        p.options.store = store;
        cr_assert(memory_key_load(&p.options, &first, err, sizeof err), "%s", err);
        cr_expect(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_size == 33, "%s",
                  path);
        cr_assert(memory_key_load(&p.options, &again, err, sizeof err), "%s", err);
        cr_expect(first.word[0] == again.word[0] && first.word[1] == again.word[1]);
        cr_expect(first.word[0] != 0 && first.word[1] != 0 && first.word[0] != first.word[1]);
        snprintf(path, sizeof path, "%s/%s.new", p.dir, row[i].key);
        cr_expect(stat(path, &st) != 0, "nothing is left beside it");
        place_remove(&p);
    }
}

/* A disk that is full: no key, rather than half of one. */
Test(memory, half_of_a_key_is_none)
{
    struct rlimit small = {.rlim_cur = 20, .rlim_max = RLIM_INFINITY};
    struct place p;
    struct hash_key key;
    char err[300] = "", path[160];

    place_make(&p, false);
    snprintf(path, sizeof path, "%s/memory.key", p.dir);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert(setrlimit(RLIMIT_FSIZE, &small) == 0);
    cr_expect(!memory_key_load(&p.options, &key, err, sizeof err));
    small.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &small);
    cr_expect(access(path, F_OK) != 0, "%s", err);
    cr_expect(memory_key_load(&p.options, &key, err, sizeof err), "and with room: %s", err);
    place_remove(&p);
}

/* ---- a store that fails ---- */

static unsigned puts_;

/* What it leaves in the room for numbers looks like a client that is known. */
static enum store_result get_fails(struct store *s, const struct store_key *key, size_t n,
                                   int64_t at[])
{
    (void)s;
    (void)key;
    while (n > 0)
        at[--n] = 20000;
    return STORE_BROKEN;
}

static enum store_result put_counts(struct store *s, const struct store_key *key, int64_t at,
                                    int64_t now)
{
    (void)s;
    (void)key;
    (void)at;
    (void)now;
    puts_++;
    return STORE_OK;
}

static enum store_result drop_counts(struct store *s, const struct store_key *key)
{
    (void)s;
    (void)key;
    puts_++;
    return STORE_OK;
}

Test(memory, a_store_that_fails_says_nothing)
{
    static const struct store_kind fails = {
        .get = get_fails, .put = put_counts, .drop = drop_counts};
    struct memory_options o = {.known_days = 30,
                               .greylist_delay_s = 290,
                               .greylist_retry_h = 48,
                               .greylist_pass_days = 36};
    struct store s = {.kind = &fails};
    struct addr a = address("192.0.2.1");
    struct ledger_triple t = {.client = a, .domain = 1, .recipient = 2, .lasting = true};
    enum memory_grey grey = GREY_UNAVAILABLE;
    int64_t now = 20000 * (int64_t)LEDGER_DAY_S;
    unsigned seconds = 9;
    bool known = true;

    ledger_bounds(&o, s.bounds);
    cr_expect_eq(ledger_known(&s, &a, now, &known), STORE_BROKEN);
    cr_expect(!known, "nobody is known by what could not be read");
    cr_expect_eq(ledger_note(&s, &a, now), STORE_BROKEN);
    cr_expect_eq(ledger_greylist(&s, &t, &o, now, &grey, &seconds), STORE_BROKEN);
    cr_expect(grey == GREY_UNAVAILABLE && seconds == 0);
    cr_expect_eq(puts_, 0, "nor is anything written");
}

/* The groups of a network have no member. */
Test(memory, groups_of_a_client)
{
    struct store_key group[TABLES];
    struct addr a = address("192.0.2.1");

    ledger_groups(&a, group);
    cr_expect_eq(group[TABLE_WAITING].member_len, 0);
    cr_expect_eq(group[TABLE_PASSED].member_len, 0);
    cr_expect_eq(group[TABLE_SEEN].member_len, 5);
    cr_expect_eq(group[TABLE_KNOWN].member_len, 5);
}
