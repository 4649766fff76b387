/* The text of a store at its bounds, and options that are compared and copied.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "memory/ledger.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(memory, a_store_on_the_network)
{
    static const struct {
        const char *text;
        const char *host; /* NULL: no store */
        unsigned port, database;
    } row[] = {
        {"redis://a", "a", 6379, 0},
        {"redis://a:1", "a", 1, 0},
        {"redis://a:09", "a", 9, 0},
        {"redis://a:00009", "a", 9, 0},
        {"redis://a:000009", "a", 9, 0},
        {"redis://a:0000009", NULL, 0, 0},
        {"redis://a:", NULL, 0, 0},
        {"redis://a:/1", NULL, 0, 0},
        {"redis://a:1x", NULL, 0, 0},
        {"redis://a:/", NULL, 0, 0},
        {"redis://a::", NULL, 0, 0},
        {"redis://a:65535/65535", "a", 65535, 65535},
        {"redis://a/0", "a", 6379, 0},
        {"redis://a/9", "a", 6379, 9},
        {"redis://a/65536", NULL, 0, 0},
        {"redis://a/4294967296", NULL, 0, 0},
        {"redis://a/-1", NULL, 0, 0},
        {"redis://a/1/", NULL, 0, 0},
        {"redis://a/1:1", NULL, 0, 0},
        {"redis://[::1]", "::1", 6379, 0},
        {"redis://[::1]/2", "::1", 6379, 2},
        {"redis://[::1]x", NULL, 0, 0},
        {"redis://[]", NULL, 0, 0},
        {"redis://[", NULL, 0, 0},
        {"redis://]", "]", 6379, 0},
        {"redis:///1", NULL, 0, 0},
        {"redis://:1", NULL, 0, 0},
        {"redis://a b", NULL, 0, 0},
        {"redis://a\tb", NULL, 0, 0},
        {"redis://user@a", NULL, 0, 0},
        {"redis:/a", NULL, 0, 0},
        {"Redis://a", NULL, 0, 0},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct memory_endpoint e;
        bool good = memory_endpoint(&e, row[i].text);

        cr_expect_eq(good, row[i].host != NULL, "%s", row[i].text);
        if (good && row[i].host != NULL)
            cr_expect(strcmp(e.host, row[i].host) == 0 && e.port == row[i].port &&
                          e.database == row[i].database,
                      "%s: %s %u %u", row[i].text, e.host, e.port, e.database);
        cr_expect(e.sqlite_path[0] == '\0' && e.unix_path[0] == '\0', "%s", row[i].text);
    }
}

/* One octet below the room for it, and as long as that. */
Test(memory, a_store_with_a_long_name)
{
    struct memory_endpoint e;
    const struct {
        const char *before;
        const char *field;
        size_t room;
    } row[] = {
        {"sqlite:/", e.sqlite_path, sizeof e.sqlite_path - 1},
        {"redis+unix:/", e.unix_path, sizeof e.unix_path - 1},
        {"redis://", e.host, sizeof e.host},
    };
    size_t i, n;

    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        for (n = row[i].room - 1; n <= row[i].room; n++) {
            char text[400], name[400];

            memset(name, 'a', sizeof name);
            name[n] = '\0';
            snprintf(text, sizeof text, "%s%s", row[i].before, name);
            cr_expect_eq(memory_endpoint(&e, text), n < row[i].room, "%s %zu", row[i].before, n);
            if (n < row[i].room)
                cr_expect_str_eq(row[i].field + (row[i].before[strlen(row[i].before) - 2] == ':'),
                                 name);
        }
    cr_expect(memory_endpoint(&e, "sqlite:/a"));
    cr_expect(!memory_endpoint(&e, "sqlite:/"));
    cr_expect(!memory_endpoint(&e, "sqlite:a/b"));
    cr_expect(memory_endpoint(&e, "redis+unix:/a"));
    cr_expect(!memory_endpoint(&e, "redis+unix:/"));
    cr_expect(!memory_endpoint(&e, "redis+unix:"));
}

Test(memory, what_is_no_store_is_named)
{
    char text[] = "memcache://a", err[100] = "";
    const struct memory_options o = {.store = text};
    struct store_bounds bounds[TABLES];

    ledger_bounds(&o, bounds);
    cr_expect_null(store_open(&o, bounds, STORE_SERVE, err, sizeof err));
    cr_expect_str_eq(err, "\"memcache://a\" is no store");
}

Test(memory, options_that_differ)
{
    char store[] = "sqlite:/a", other[] = "sqlite:/b", same[] = "sqlite:/a", key[] = "/k";
    const struct memory_options a = {.store = store,
                                     .known_days = 30,
                                     .greylist_delay_s = 290,
                                     .greylist_retry_h = 48,
                                     .greylist_pass_days = 36};
    struct memory_options b[8] = {a, a, a, a, a, a, a, a};
    size_t i;

    b[0].store = same;
    cr_expect(memory_options_same_store(&a, &b[0]), "another copy of the same text");
    b[0].store = other;
    b[1].store = NULL;
    b[2].key_file = key;
    b[3].password_file = key;
    b[4].known_days++;
    b[5].greylist_delay_s++;
    b[6].greylist_retry_h++;
    b[7].greylist_pass_days++;
    for (i = 4; i < 8; i++)
        cr_expect(memory_options_same_store(&a, &b[i]), "numbers change by memory_change, %zu", i);
    for (i = 0; i < 4; i++) {
        cr_expect(!memory_options_same_store(&a, &b[i]), "%zu", i);
        cr_expect(!memory_options_same_store(&b[i], &a), "%zu", i);
        cr_expect(memory_options_same_store(&b[i], &b[i]), "%zu", i);
    }
}

Test(memory, a_copy_has_its_own_texts)
{
    char store[] = "sqlite:/a", key[] = "/k", password[] = "/p";
    struct memory_options a = {.store = store,
                               .key_file = key,
                               .password_file = password,
                               .known_days = 1,
                               .greylist_delay_s = 2,
                               .greylist_retry_h = 3,
                               .greylist_pass_days = 4};
    struct memory_options b;

    cr_assert(memory_options_copy(&b, &a));
    cr_expect(memory_options_same_store(&a, &b));
    store[8] = key[1] = password[1] = 'x';
    cr_expect_str_eq(b.store, "sqlite:/a");
    cr_expect_str_eq(b.key_file, "/k");
    cr_expect_str_eq(b.password_file, "/p");
    memory_options_drop(&b);
    a.key_file = a.password_file = NULL;
    cr_assert(memory_options_copy(&b, &a));
    cr_expect(b.key_file == NULL && b.password_file == NULL);
    memory_options_drop(&b);
}
