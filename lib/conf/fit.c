/* What can be wrong with a single text of the configuration.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "conf/fit.h"

#include "conf/settings.h"
#include "dns/zone.h"
#include "judge/reply.h"
#include "value/ascii.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const char *fit_user(const char *text)
{
    size_t i, n = strlen(text);

    if (n > 32)
        return "a user name has at most 32 characters";
    for (i = 0; i < n; i++)
        if (!ascii_alnum((unsigned char)text[i]) &&
            (text[i] != '_' && (i == 0 || strchr("-.", text[i]) == NULL)))
            return "is not a user name";
    return NULL;
}

const char *fit_authserv_id(const char *text)
{
    return text[0] == '\0' || authres_id_valid(text, strlen(text))
               ? NULL
               : "is not an authserv-id: 1 to 255 printable ASCII characters without space, "
                 "quote and backslash";
}

const char *fit_file(const char *text)
{
    struct stat st;
    int fd;

    if (text[0] == '\0')
        return NULL;
    fd = open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return "is not a regular file";
    }
    close(fd);
    return NULL;
}

/* The daemon and iprev-check run in different directories. */
const char *fit_list(const char *text)
{
    return text[0] != '/' ? "is not a path that begins with /" : fit_file(text);
}

/* libunbound takes a file without a key, and then validates nothing. */
const char *fit_anchor(const char *text)
{
    const char *fault = fit_file(text);

    if (fault == NULL && text[0] != '\0' && zonefile_lacks_keys(text))
        fault = "contains no DS or DNSKEY record, so nothing would be validated";
    return fault;
}

/* 1 to 65535, digits only. */
static bool port_fits(const char *s, size_t n)
{
    unsigned port = 0;
    size_t i;

    if (n == 0 || n > 5 || s[0] == '0')
        return false;
    for (i = 0; i < n; i++) {
        if (!ascii_digit((unsigned char)s[i]))
            return false;
        port = port * 10 + (unsigned)(s[i] - '0');
    }
    return port <= 65535;
}

/* ADDRESS, or [ADDRESS] for IPv6. */
static bool bracketed_fits(const char *s, size_t n)
{
    struct addr a;

    if (n > 2 && s[0] == '[' && s[n - 1] == ']')
        return addr_parse(&a, s + 1, n - 2) && memchr(s, ':', n) != NULL;
    return addr_parse(&a, s, n) && memchr(s, ':', n) == NULL;
}

const char *fit_listen(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (text[0] == '\0')
        return NULL;
    if (colon == NULL || !bracketed_fits(text, (size_t)(colon - text)))
        return "is not ADDRESS:PORT, such as 127.0.0.1:9817 or [::1]:9817";
    return port_fits(colon + 1, strlen(colon + 1)) ? NULL
                                                   : "the port is not a number from 1 to 65535";
}

const char *fit_help_url(const char *text)
{
    return text[0] == '\0' ? NULL : reply_help_fault(text);
}

const char *fit_host(const char *text)
{
    struct addr_net net;

    if (addr_net_parse(&net, text, strlen(text)))
        return "is an address, not a name; exempt.networks takes addresses";
    if (text[0] == '*' && name_list_valid(text + 1))
        return "has a *; names below a domain are written with a dot alone, as in .example.com";
    return name_list_valid(text) ? NULL : "is not a host name, or a dot and a domain";
}

/* Whoever is a trusted relay can name any client. */
const char *fit_relays(const char *text)
{
    struct addr_net net;

    return addr_net_parse(&net, text, strlen(text)) && net.bits == 0
               ? "would trust every host; name your own relays"
               : NULL;
}

static bool local_part_fits(const char *s, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] > '~' || strchr("()<>[]\\,;:@\"", s[i]) != NULL)
            return false;
    return n > 0 && n <= 64;
}

const char *fit_recipient(const char *text)
{
    const char *sign = strchr(text, '@');
    size_t n = strlen(text), local = sign == NULL ? n : (size_t)(sign - text);
    struct dname domain;

    if ((sign == text || local_part_fits(text, local)) &&
        (sign == NULL || (text[n - 1] != '.' && dname_from_text(&domain, sign + 1, n - local - 1))))
        return NULL;
    return "is not a local part, an address or @DOMAIN";
}

const char *fit_forward(const char *text)
{
    const char *sign = strchr(text, '@');
    size_t n = sign == NULL ? strlen(text) : (size_t)(sign - text);
    struct addr a;

    if (!addr_parse(&a, text, n))
        return "is not ADDRESS or ADDRESS@PORT";
    if (sign != NULL && !port_fits(sign + 1, strlen(sign + 1)))
        return "the port is not a number from 1 to 65535";
    return NULL;
}

const char *fit_store(const char *text)
{
    struct memory_endpoint e;

    if (text[0] == '\0')
        return NULL;
    if (!memory_endpoint(&e, text))
        return "is not sqlite:/PATH, redis://HOST[:PORT][/DB] or redis+unix:/PATH";
#ifndef HAVE_HIREDIS
    if (e.sqlite_path[0] == '\0')
        return "this build has no Redis: it was configured without hiredis";
#endif
    return NULL;
}

const char *fit_path(const char *text)
{
    return text[0] == '\0' || text[0] == '/' ? NULL : "is not an absolute path";
}

static const char *path_fault(const char *path)
{
    size_t i, n = strlen(path);

    if (path[0] != '/')
        return "the path of a unix socket begins with /";
    if (n >= sizeof((struct sockaddr_un *)0)->sun_path)
        return "the path of a unix socket has at most 107 octets";
    if (path[n - 1] == '/')
        return "the path of a unix socket is a file, not a directory";
    for (i = 0; i < n; i++)
        if (path[i] <= ' ' || path[i] > '~')
            return "the path of a unix socket is printable ASCII without spaces";
    return NULL;
}

static const char *unix_socket(const char *path, char **out)
{
    const char *fault = path_fault(path);
    char text[128];

    if (fault != NULL)
        return fault;
    snprintf(text, sizeof text, "unix:%.107s", path);
    *out = strdup(text);
    return *out == NULL ? "out of memory" : NULL;
}

/* An address of the family, or a host name. A bare IPv6 address gets brackets. */
static const char *inet_host(const char *host, size_t n, bool six, char *buf, size_t size)
{
    bool brackets = n > 2 && host[0] == '[' && host[n - 1] == ']';
    struct dname name;
    struct addr a;

    if (addr_parse(&a, host + brackets, n - 2 * brackets)) {
        if ((memchr(host, ':', n) != NULL) != six)
            return six ? "inet6 needs an IPv6 address" : "inet needs an IPv4 address, inet6 IPv6";
        snprintf(buf, size, six ? "[%.*s]" : "%.*s", (int)(n - 2 * brackets), host + brackets);
        return NULL;
    }
    if (brackets || n >= size || !dname_from_text(&name, host, n))
        return "what follows @ is not an address or a host name";
    snprintf(buf, size, "%.*s", (int)n, host);
    return NULL;
}

static const char *inet_socket(const char *rest, bool six, char **out)
{
    const char *sign = strchr(rest, '@');
    const char *colon = strchr(rest, ':');
    char host[DNAME_TEXT_MAX + 2], text[DNAME_TEXT_MAX + 32];
    const char *fault;

    if (sign == NULL && colon != NULL)
        return "is the mail server's form: here it is inet:PORT@HOST";
    if (!port_fits(rest, sign == NULL ? strlen(rest) : (size_t)(sign - rest)))
        return "the port is not a number from 1 to 65535";
    if (sign == NULL)
        return "names no host, so every address would be open: write inet:PORT@localhost";
    fault = inet_host(sign + 1, strlen(sign + 1), six, host, sizeof host);
    if (fault != NULL)
        return fault;
    snprintf(text, sizeof text, "inet%s:%.*s@%s", six ? "6" : "", (int)(sign - rest), rest, host);
    *out = strdup(text);
    return *out == NULL ? "out of memory" : NULL;
}

const char *settings_socket(const char *text, char **out)
{
    const char *fault;

    *out = NULL;
    errno = EINVAL;
    if (strncmp(text, "inet:", 5) == 0)
        fault = inet_socket(text + 5, false, out);
    else if (strncmp(text, "inet6:", 6) == 0)
        fault = inet_socket(text + 6, true, out);
    else if (strncmp(text, "unix:", 5) == 0)
        fault = unix_socket(text + 5, out);
    else if (strncmp(text, "local:", 6) == 0)
        fault = unix_socket(text + 6, out);
    else if (text[0] == '/')
        fault = unix_socket(text, out);
    else
        fault = "is not inet:PORT@HOST, inet6:PORT@HOST or unix:PATH";
    return fault;
}
