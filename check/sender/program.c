/* What another program says: see program.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/sender/program.h"

#include "dns/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_MS 10000

/* In the child. cron's PATH has no sbin. */
static void become(const char *const argv[], const int in[2], const int out[2])
{
    const char *path = getenv("PATH");
    char wider[4096];
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    snprintf(wider, sizeof wider, "%s:/usr/sbin:/usr/local/sbin", path != NULL ? path : "/usr/bin");
    if (dup2(in[0], STDIN_FILENO) >= 0 && dup2(out[1], STDOUT_FILENO) >= 0 &&
        dup2(null, STDERR_FILENO) >= 0 && setenv("PATH", wider, 1) == 0)
        execvp(argv[0], (char *const *)(const void *)argv);
    _exit(127);
}

/* All that comes until the end; false when it is too much or too late. */
static bool read_all(int fd, char text[PROGRAM_TEXT])
{
    int64_t end = resolver_now() + PROGRAM_MS, left;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t n = 0;
    ssize_t got;

    while (n < PROGRAM_TEXT - 1 && (left = end - resolver_now()) > 0) {
        if (poll(&p, 1, (int)left) <= 0)
            continue;
        got = read(fd, text + n, PROGRAM_TEXT - 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            text[n] = '\0';
            return got == 0 && strlen(text) == n;
        }
        n += (size_t)got;
    }
    return false;
}

static bool ended_well(pid_t pid, bool read)
{
    int status = 0;

    if (!read)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return read && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool program_says(char text[PROGRAM_TEXT], const char *input, const char *const argv[])
{
    int in[2], out[2];
    bool ok = false;
    pid_t pid;

    text[0] = '\0';
    if (pipe2(in, O_CLOEXEC) != 0)
        return false;
    if (pipe2(out, O_CLOEXEC) == 0) {
        /* What fits into a pipe is written before anybody reads. */
        ok = write(in[1], input, strlen(input)) == (ssize_t)strlen(input);
        pid = ok ? fork() : -1;
        if (pid == 0)
            become(argv, in, out);
        close(in[1]);
        in[1] = -1;
        close(out[1]);
        ok = pid > 0 && ended_well(pid, read_all(out[0], text));
        close(out[0]);
    }
    close(in[0]);
    if (in[1] >= 0)
        close(in[1]);
    if (!ok)
        text[0] = '\0';
    return ok;
}

char *next_line(char **text)
{
    char *line = *text;
    size_t n = strcspn(line, "\n");

    if (line[0] == '\0')
        return NULL;
    *text += n + (line[n] != '\0');
    line[n] = '\0';
    return line;
}

char *line_value(char *line, const char *name)
{
    size_t n = strlen(name);
    char *value, *end;

    if (strncmp(line, name, n) != 0)
        return NULL;
    value = line + n + strspn(line + n, " \t");
    if (*value++ != '=')
        return NULL;
    value += strspn(value, " \t");
    for (end = value + strlen(value); end > value && strchr(" \t\r", end[-1]) != NULL;)
        *--end = '\0';
    return value;
}
