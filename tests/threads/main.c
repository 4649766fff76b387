/* Runs the tests of threaded code without Criterion: unit_threads [WORD]
 *
 * WORD picks tests by a part of their name. The last line counts.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "criterion/criterion.h"

#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

static struct threads_test *first;
static int failed;

void threads_register(struct threads_test *t)
{
    t->next = first;
    first = t;
}

void threads_fail(const char *file, int line, const char *what, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: not so: %s ", file, line, what);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    failed = 1;
}

static bool passes(const struct threads_test *t)
{
    int status = 1;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        t->run();
        exit(failed);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv)
{
    unsigned good = 0, bad = 0;
    const struct threads_test *t;

    for (t = first; t != NULL; t = t->next) {
        bool ok;

        if (argc > 1 && strstr(t->name, argv[1]) == NULL)
            continue;
        ok = passes(t);
        good += ok;
        bad += !ok;
        printf("%s %s::%s\n", ok ? "ok  " : "FAIL", t->suite, t->name);
    }
    printf("%u passed, %u failed\n", good, bad);
    return bad != 0 || good == 0;
}
