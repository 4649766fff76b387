/* daemon: limits, privileges and what systemd wants of the process.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include <criterion/criterion.h>

#include "milter/daemon.h"

#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A thread for each session that waits: of the megabytes that are usual, none is needed. */
Test(daemon, F7_limits)
{
    struct rlimit lim = {1 << 20, 1 << 20};
    pthread_attr_t attr;
    size_t stack = 0;

    setrlimit(RLIMIT_CORE, &lim); /* root may; there is none to take away here, perhaps */
    daemon_limits();
    cr_assert(pthread_getattr_default_np(&attr) == 0);
    cr_expect(pthread_attr_getstacksize(&attr, &stack) == 0 && stack == 256 * 1024, "%zu", stack);
    cr_expect(getrlimit(RLIMIT_CORE, &lim) == 0 && lim.rlim_cur == 0 && lim.rlim_max == 0);
    cr_expect(getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur == lim.rlim_max);
}

#ifdef HAVE_SYSTEMD
/* Twice within the time that systemd allows, and only for this process. */
Test(daemon, watchdog_of_systemd)
{
    char pid[20];

    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    cr_expect_eq(daemon_watchdog_ms(), 0, "none");
    setenv("WATCHDOG_USEC", "30000000", 1);
    cr_expect_eq(daemon_watchdog_ms(), 15000);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    cr_expect_eq(daemon_watchdog_ms(), 15000);
    setenv("WATCHDOG_PID", "1", 1);
    cr_expect_eq(daemon_watchdog_ms(), 0, "of another process");
}
#endif

Test(daemon, E16_privileges)
{
    const struct passwd *pw = getpwnam("nobody");
    const gid_t other[2] = {1, 2};
    gid_t left[64];
    const char *fault;
    int n;

    cr_expect(daemon_drop_privileges(NULL) == NULL, "stays what it is");
    if (geteuid() != 0 || pw == NULL)
        return;
    fault = daemon_drop_privileges("no-such-user-here");
    cr_assert(fault != NULL);
    cr_expect(strstr(fault, "no-such-user-here") != NULL, "%s", fault);
    cr_expect(geteuid() == 0);
    cr_assert(setgroups(2, other) == 0);
    fault = daemon_drop_privileges("nobody");
    cr_expect(fault == NULL, "%s", fault);
    cr_expect(geteuid() == pw->pw_uid && getuid() == pw->pw_uid && getegid() == pw->pw_gid);
    cr_expect(setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0);
    for (n = getgroups(64, left); n > 0; n--)
        cr_expect(left[n - 1] != 1 && left[n - 1] != 2, "the groups before are kept");
}
