/* The secret of the hashes: see key.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "memory/key.h"

#include "memory/advice.h"

#include "value/ascii.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS 32

/* "sqlite:/DIR/NAME.db" keeps its key in /DIR/NAME.key. */
static bool key_path(const struct memory_options *o, char path[PATH_MAX])
{
    struct memory_endpoint e;
    const char *store = e.sqlite_path;
    size_t n;

    if (o->key_file != NULL)
        return (size_t)snprintf(path, PATH_MAX, "%s", o->key_file) < PATH_MAX;
    if (!memory_endpoint(&e, o->store) || e.sqlite_path[0] == '\0')
        return false;
    n = strlen(store);
    if (n > 3 && strcmp(store + n - 3, ".db") == 0)
        n -= 3;
    return (size_t)snprintf(path, PATH_MAX, "%.*s.key", (int)n, store) < PATH_MAX;
}

static bool parse(const char *text, struct hash_key *key)
{
    char half[DIGITS / 2 + 1] = "";
    size_t i;

    if (strspn(text, "0123456789abcdefABCDEF") != DIGITS || strcspn(text, "\r\n") != DIGITS)
        return false;
    for (i = 0; i < 2; i++) {
        memcpy(half, text + i * DIGITS / 2, DIGITS / 2);
        key->word[i] = strtoull(half, NULL, 16);
    }
    return true;
}

/* A new key, written beside its place and linked there, so that nobody reads half of it. */
static bool make(const char *path)
{
    char beside[PATH_MAX], text[DIGITS + 2];
    struct hash_key key;
    int fd;
    bool good;

    if (getrandom(&key, sizeof key, 0) != sizeof key ||
        (size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside)
        return false;
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64 "\n", key.word[0], key.word[1]);
    unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    good = write(fd, text, DIGITS + 1) == DIGITS + 1 && fsync(fd) == 0;
    good = close(fd) == 0 && good && (link(beside, path) == 0 || errno == EEXIST);
    unlink(beside);
    return good;
}

bool memory_key_load(const struct memory_options *o, struct hash_key *key, char *err, size_t errlen)
{
    char path[PATH_MAX], text[DIGITS + 3] = "";
    ssize_t n = -1;
    int fd;

    if (!key_path(o, path))
        return snprintf(err, errlen, "memory.key-file is needed: the same on all machines"), false;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT && make(path))
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd >= 0)
        n = read(fd, text, sizeof text - 1);
    if (n < 0)
        snprintf(err, errlen, "%s: %s%s", path, strerror(errno), memory_advice(errno));
    if (fd >= 0)
        close(fd);
    if (n >= 0 && parse(text, key))
        return true;
    if (n >= 0)
        snprintf(err, errlen, "%s: must contain %d hexadecimal digits", path, DIGITS);
    return false;
}
