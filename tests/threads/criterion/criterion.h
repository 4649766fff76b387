/* As much of Criterion's interface as our tests use where Criterion is not to be had.
 *
 * Criterion itself does not start under ThreadSanitizer, nor has everybody one for another
 * architecture. With this header in its place the same test files are built into
 * tests/unit_threads and by tests/arch: one fork per test.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_THREADS_CRITERION_H
#define IPREV_THREADS_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct threads_test {
    const char *suite, *name;
    void (*run)(void);
    struct threads_test *next;
};

void threads_register(struct threads_test *t);
void threads_fail(const char *file, int line, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Options such as .timeout are Criterion's alone. */
#define Test(SUITE, NAME, ...)                                                                     \
    static void SUITE##_##NAME##_body(void);                                                       \
    static struct threads_test SUITE##_##NAME##_test = {#SUITE, #NAME, SUITE##_##NAME##_body,      \
                                                        NULL};                                     \
    __attribute__((constructor)) static void SUITE##_##NAME##_register(void)                       \
    {                                                                                              \
        threads_register(&SUITE##_##NAME##_test);                                                  \
    }                                                                                              \
    static void SUITE##_##NAME##_body(void)

#define threads_check(COND, STOP, ...)                                                             \
    do {                                                                                           \
        if (!(COND)) {                                                                             \
            threads_fail(__FILE__, __LINE__, #COND, " " __VA_ARGS__);                              \
            if (STOP)                                                                              \
                exit(1);                                                                           \
        }                                                                                          \
    } while (0)

#define cr_expect(COND, ...)            threads_check(COND, false, ##__VA_ARGS__)
#define cr_assert(COND, ...)            threads_check(COND, true, ##__VA_ARGS__)
#define cr_assert_fail(...)             threads_check(false, true, ##__VA_ARGS__)
#define cr_skip_test(...)               return
#define cr_expect_str_eq(A, B, ...)     cr_expect(strcmp(A, B) == 0, ##__VA_ARGS__)
#define cr_assert_str_eq(A, B, ...)     cr_assert(strcmp(A, B) == 0, ##__VA_ARGS__)
#define cr_expect_str_neq(A, B, ...)    cr_expect(strcmp(A, B) != 0, ##__VA_ARGS__)
#define cr_expect_str_not_empty(A, ...) cr_expect((A)[0] != '\0', ##__VA_ARGS__)
#define cr_expect_str_empty(A, ...)     cr_expect((A)[0] == '\0', ##__VA_ARGS__)
#define cr_expect_not(A, ...)           cr_expect(!(A), ##__VA_ARGS__)
#define cr_assert_not(A, ...)           cr_assert(!(A), ##__VA_ARGS__)
#define cr_expect_null(A, ...)          cr_expect((A) == NULL, ##__VA_ARGS__)
#define cr_expect_not_null(A, ...)      cr_expect((A) != NULL, ##__VA_ARGS__)
#define cr_assert_not_null(A, ...)      cr_assert((A) != NULL, ##__VA_ARGS__)
#define cr_expect_eq(A, B, ...)         cr_expect((A) == (B), ##__VA_ARGS__)
#define cr_assert_eq(A, B, ...)         cr_assert((A) == (B), ##__VA_ARGS__)
#define cr_expect_neq(A, B, ...)        cr_expect((A) != (B), ##__VA_ARGS__)
#define cr_assert_neq(A, B, ...)        cr_assert((A) != (B), ##__VA_ARGS__)
#define cr_expect_gt(A, B, ...)         cr_expect((A) > (B), ##__VA_ARGS__)
#define cr_assert_gt(A, B, ...)         cr_assert((A) > (B), ##__VA_ARGS__)
#define cr_expect_geq(A, B, ...)        cr_expect((A) >= (B), ##__VA_ARGS__)
#define cr_assert_geq(A, B, ...)        cr_assert((A) >= (B), ##__VA_ARGS__)
#define cr_expect_lt(A, B, ...)         cr_expect((A) < (B), ##__VA_ARGS__)
#define cr_assert_lt(A, B, ...)         cr_assert((A) < (B), ##__VA_ARGS__)
#define cr_expect_leq(A, B, ...)        cr_expect((A) <= (B), ##__VA_ARGS__)
#define cr_assert_leq(A, B, ...)        cr_assert((A) <= (B), ##__VA_ARGS__)

#endif
