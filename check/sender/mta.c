/* What Postfix does when it sends mail: see mta.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/mta.h"

#include "check/sender/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mta_keep(char to[MTA_TEXT], const char *value)
{
    size_t n = strlen(value), i;

    for (i = 0; i < n && value[i] >= ' ' && value[i] <= '~'; i++)
        ;
    if (i < n || n >= MTA_TEXT)
        return false;
    memcpy(to, value, n + 1);
    return true;
}

/* The address, in brackets or not; ADDR_NONE for none, 0.0.0.0, :: and names. */
static struct addr read_addr(const char *value)
{
    static const uint8_t any[16];
    bool bracket = value[0] == '[';
    size_t n = strcspn(value + bracket, "] ");
    struct addr a;

    if (!addr_parse(&a, value + bracket, n) || memcmp(a.bytes, any, sizeof any) == 0)
        a.family = ADDR_NONE;
    return a;
}

void transport_bind(struct transport *t, const char *value)
{
    struct addr a = read_addr(value);

    if (a.family != ADDR_NONE)
        t->bind[a.family == ADDR_IPV6] = a;
}

/* ---- one setting ---- */

/* What the transports have if master.cf says nothing else. */
struct main_cf {
    struct transport usual;
    char helo_text[MTA_TEXT]; /* smtp_helo_name as it is written */
    char interfaces[MTA_TEXT];
};

static void take_protocols(struct transport *t, const char *value)
{
    bool all = strstr(value, "all") != NULL;

    t->ipv4 = all || strstr(value, "ipv4") != NULL;
    t->ipv6 = all || strstr(value, "ipv6") != NULL;
}

/* Without a value the address is free again. */
static void take_bind(struct transport *t, unsigned six, const char *value)
{
    t->bind[six].family = ADDR_NONE;
    transport_bind(t, value);
}

/* The HELO name is written as $myhostname unless somebody has changed it. */
static bool helo_is_hostname(const char *text)
{
    return strcmp(text, "$myhostname") == 0 || strcmp(text, "${myhostname}") == 0 ||
           strcmp(text, "$(myhostname)") == 0;
}

/* postconf sorts by name: smtp_helo_name comes behind myhostname. */
static void take(struct transport *t, char *line, const struct main_cf *cf)
{
    char *value;

    if ((value = line_value(line, "smtp_helo_name")) != NULL) {
        (void)mta_keep(t->helo, value);
    } else if ((value = line_value(line, "myhostname")) != NULL) {
        if (helo_is_hostname(cf->helo_text))
            (void)mta_keep(t->helo, value);
    } else if ((value = line_value(line, "smtp_bind_address")) != NULL) {
        take_bind(t, 0, value);
    } else if ((value = line_value(line, "smtp_bind_address6")) != NULL) {
        take_bind(t, 1, value);
    } else if ((value = line_value(line, "inet_protocols")) != NULL) {
        take_protocols(t, value);
    }
}

/* ---- main.cf ---- */

/* Postfix binds to the one address of inet_interfaces, unless it is a loopback address. */
static void bind_to_interface(struct transport *t, const char *interfaces)
{
    static const char between[] = ", \t";
    struct addr only[2] = {{.family = ADDR_NONE}, {.family = ADDR_NONE}}, a;
    unsigned count[2] = {0, 0}, six;
    size_t n;

    for (interfaces += strspn(interfaces, between); *interfaces != '\0';
         interfaces += n, interfaces += strspn(interfaces, between)) {
        n = strcspn(interfaces, between);
        a = read_addr(interfaces);
        if (a.family == ADDR_NONE)
            return; /* all, or a name that may have any number */
        count[a.family == ADDR_IPV6]++;
        only[a.family == ADDR_IPV6] = a;
    }
    for (six = 0; six < 2; six++)
        if (count[six] == 1 && t->bind[six].family == ADDR_NONE && !addr_is_loopback(&only[six]))
            t->bind[six] = only[six];
}

/* "smtp:[relay.example.net]:587", "relay.example.net", "[192.0.2.1]"; a transport alone is none. */
static void take_relay(struct mta *m, const char *value, bool transport)
{
    const char *colon = strchr(value, ':');

    if (!transport)
        (void)mta_keep(m->relay, value);
    else if (colon != NULL && colon[1] != '\0' && m->relay[0] == '\0')
        (void)mta_keep(m->relay, colon + 1);
}

/* Tables that choose another way for some destinations or senders. What is in them is not read. */
static void take_maps(struct mta *m, char *line)
{
    static const char *const name[] = {"transport_maps", "sender_dependent_relayhost_maps",
                                       "sender_dependent_default_transport_maps"};
    size_t i, n = strlen(m->maps);
    const char *value;

    for (i = 0; i < sizeof name / sizeof *name; i++)
        if ((value = line_value(line, name[i])) != NULL && value[0] != '\0')
            snprintf(m->maps + n, sizeof m->maps - n, "%s%s", n > 0 ? ", " : "", name[i]);
}

static bool read_main(struct mta *m, struct main_cf *cf, char *text)
{
    static const char *const values[] = {"postconf",
                                         "-x",
                                         "mail_version",
                                         "smtp_helo_name",
                                         "smtp_bind_address",
                                         "smtp_bind_address6",
                                         "inet_protocols",
                                         "relayhost",
                                         "default_transport",
                                         "inet_interfaces",
                                         "transport_maps",
                                         "sender_dependent_relayhost_maps",
                                         "sender_dependent_default_transport_maps",
                                         NULL};
    static const char *const raw[] = {"postconf", "-h", "smtp_helo_name", NULL};
    char *line, *value;

    if (program_says(text, "", raw) && (line = next_line(&text)) != NULL)
        (void)mta_keep(cf->helo_text, line);
    if (!program_says(text, "", values))
        return false;
    while ((line = next_line(&text)) != NULL) {
        if ((value = line_value(line, "mail_version")) != NULL && value[0] != '\0')
            m->program = "Postfix";
        if ((value = line_value(line, "relayhost")) != NULL)
            take_relay(m, value, false);
        if ((value = line_value(line, "default_transport")) != NULL)
            take_relay(m, value, true);
        if ((value = line_value(line, "inet_interfaces")) != NULL)
            (void)mta_keep(cf->interfaces, value);
        take_maps(m, line);
        take(&cf->usual, line, cf);
    }
    return m->program != NULL;
}

/* ---- master.cf ---- */

/* "smtp unix - - y - - smtp -o ...": the services that run smtp(8). */
static void read_services(struct mta *m, const struct main_cf *cf, char *text)
{
    static const char *const argv[] = {"postconf", "-M", NULL};
    char *line, name[64], type[16], command[16];

    if (!program_says(text, "", argv))
        return;
    while ((line = next_line(&text)) != NULL) {
        if (sscanf(line, "%63s %15s %*s %*s %*s %*s %*s %15s", name, type, command) != 3 ||
            strcmp(type, "unix") != 0 || strcmp(command, "smtp") != 0)
            continue;
        if (m->n == TRANSPORTS_MAX) {
            m->left_out++;
            continue;
        }
        m->transport[m->n] = cf->usual;
        memcpy(m->transport[m->n++].name, name, sizeof name);
    }
}

/* "bulk/unix/smtp_helo_name = bulk.example.com" */
static void read_overrides(struct mta *m, const struct main_cf *cf, char *text)
{
    static const char *const argv[] = {"postconf", "-P", "-x", NULL};
    char *line;
    unsigned i;

    if (!program_says(text, "", argv))
        return;
    while ((line = next_line(&text)) != NULL)
        for (i = 0; i < m->n; i++) {
            size_t n = strlen(m->transport[i].name);

            if (strncmp(line, m->transport[i].name, n) == 0 && strncmp(line + n, "/unix/", 6) == 0)
                take(&m->transport[i], line + n + 6, cf);
        }
}

static bool ask_postfix(struct mta *m, char *text)
{
    struct main_cf cf = {.helo_text = ""};
    unsigned i;

    if (!read_main(m, &cf, text))
        return false;
    read_services(m, &cf, text);
    read_overrides(m, &cf, text);
    for (i = 0; i < m->n; i++)
        bind_to_interface(&m->transport[i], cf.interfaces);
    return true;
}

void mta_ask(struct mta *m)
{
    char *text = malloc(PROGRAM_TEXT);

    memset(m, 0, sizeof *m);
    if (text != NULL && !ask_postfix(m, text))
        mta_ask_sendmail(m, text);
    free(text);
}
