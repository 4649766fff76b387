/* A place for stores, and both kinds of them: the same tables run on SQLite and on a real
 * redis-server of the test's own.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef MEMORY_SHARED_H
#define MEMORY_SHARED_H

#include "config.h"

#include "memory/ledger.h"
#include "memory/memory.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char dir[64];
    char text[128]; /* of the store */
    pid_t server;   /* redis-server, or 0 */
    struct memory_options options;
};

/* Lets memory go and waits for its thread. */
static inline void memory_end(struct memory *m)
{
    memory_release(m);
    cr_assert(memory_wait_ended(60000));
}

/* The redis-server that get-servers has unpacked, or that of the machine; NULL without one. */
static inline const char *redis_program(void)
{
    static char path[512];
    const char *servers = getenv("IPREV_SERVERS"), *home = getenv("HOME");

    if (servers != NULL)
        snprintf(path, sizeof path, "%s/redis/usr/bin/redis-server", servers);
    else
        snprintf(path, sizeof path, "%s/.cache/iprev-milter/redis/usr/bin/redis-server",
                 home != NULL ? home : "/root");
    if (access(path, X_OK) == 0)
        return path;
    snprintf(path, sizeof path, "/usr/bin/redis-server");
    return access(path, X_OK) == 0 ? path : NULL;
}

/* Where get-servers has put the libraries of an unpacked server: beside its usr/bin. */
static inline void find_libraries(const char *program)
{
    static const char *const below[] = {"lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "lib"};
    char paths[2048] = "";
    size_t i, n = strlen(program) - strlen("bin/redis-server"), used = 0;

    for (i = 0; i < sizeof below / sizeof *below; i++)
        used += (size_t)snprintf(paths + used, sizeof paths - used, "%s%.*s%s", i > 0 ? ":" : "",
                                 (int)n, program, below[i]);
    setenv("LD_LIBRARY_PATH", paths, 1);
}

static inline bool answers(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good;

    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    good = fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static inline void place_serve(struct place *p)
{
    char socket[80];
    int i;

    snprintf(socket, sizeof socket, "%s/redis.sock", p->dir);
    unlink(socket);
    p->server = fork();
    if (p->server == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* with a test that crashes, too */
        find_libraries(redis_program());
        execl(redis_program(), "redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
              "--appendonly", "no", "--dir", p->dir, (char *)NULL);
        _exit(127);
    }
    for (i = 0; i < 500 && !answers(socket); i++)
        usleep(10000);
    snprintf(p->text, sizeof p->text, "redis+unix:%s", socket);
}

static inline void place_make(struct place *p, bool redis)
{
    memset(p, 0, sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/iprev-memory-XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    snprintf(p->text, sizeof p->text, "sqlite:%s/memory.db", p->dir);
    if (redis)
        place_serve(p);
    p->options = (struct memory_options){.store = p->text,
                                         .known_days = 30,
                                         .greylist_delay_s = 290,
                                         .greylist_retry_h = 48,
                                         .greylist_pass_days = 36};
}

static inline void place_remove(struct place *p)
{
    char command[96];

    if (p->server > 0) {
        kill(p->server, SIGKILL);
        waitpid(p->server, NULL, 0);
    }
    snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    cr_assert_eq(system(command), 0);
}

/* With Redis patiently, however busy the machine is. */
static inline struct store *place_open(struct place *p)
{
    struct store_bounds bounds[TABLES];
    char err[300] = "";
    struct store *s;

    ledger_bounds(&p->options, bounds);
    s = store_open(&p->options, bounds, p->server > 0 ? STORE_CHANGE : STORE_SERVE, err,
                   sizeof err);
    cr_assert_not_null(s, "%s: %s", p->text, err);
    return s;
}

/* Clients whose mail has passed, on one day. */
static inline uint64_t place_seen(struct place *p)
{
    struct store *s = place_open(p);
    struct store_counts n;

    cr_expect_eq(s->kind->count(s, &n), STORE_OK);
    s->kind->close(s);
    return n.entries[TABLE_SEEN];
}

static inline struct addr address(const char *text)
{
    struct addr a;

    cr_assert(addr_parse(&a, text, strlen(text)), "%s", text);
    return a;
}

#endif
