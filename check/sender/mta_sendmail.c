/* What Sendmail does when it sends mail: see mta.h.
 *
 * In its test mode Sendmail prints macros, and with this debugging level the options that it reads.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/sender/mta.h"

#include "check/sender/program.h"

#include <string.h>

/* "setoption HeloName (0xd8)=out.example.org": the value, or NULL. */
static const char *option(const char *line, const char *name)
{
    static const char word[] = "setoption ";
    size_t n = strlen(name);

    line = strstr(line, word);
    if (line == NULL || strncmp(line + sizeof word - 1, name, n) != 0 ||
        line[sizeof word - 1 + n] != ' ')
        return NULL;
    line = strchr(line, '=');
    return line != NULL ? line + 1 : NULL;
}

/* "Family=inet6, Addr=2001:db8::1": Sendmail takes the first letter of a key. */
static void take_port(struct transport *t, const char *value)
{
    static const char between[] = ", \t";
    char addr[MTA_TEXT];
    size_t n, key;

    for (value += strspn(value, between); *value != '\0';
         value += n, value += strspn(value, between)) {
        n = strcspn(value, between);
        key = strcspn(value, "=");
        if ((value[0] != 'A' && value[0] != 'a') || key >= n || n - key >= sizeof addr)
            continue;
        memcpy(addr, value + key + 1, n - key - 1);
        addr[n - key - 1] = '\0';
        transport_bind(t, addr);
    }
}

/* The answers stand behind a prompt: that of $j first, then that of $S. */
static void take_macro(struct mta *m, const char *value, unsigned number, bool named)
{
    if (number == 1 && !named)
        (void)mta_keep(m->transport[0].helo, value);
    if (number == 2)
        (void)mta_keep(m->relay, value);
}

void mta_ask_sendmail(struct mta *m, char *text)
{
    static const char *const argv[] = {"sendmail", "-bt", "-d37.1", NULL};
    struct transport *t = &m->transport[0];
    unsigned prompts = 0;
    bool named = false;
    const char *value;
    char *line;

    if (!program_says(text, "$j\n$S\n", argv) || strstr(text, "ADDRESS TEST MODE") == NULL)
        return;
    *t = (struct transport){.ipv4 = true, .ipv6 = true};
    while ((line = next_line(&text)) != NULL) {
        if (strncmp(line, "> ", 2) == 0)
            take_macro(m, line + 2, ++prompts, named);
        if ((value = option(line, "HeloName")) != NULL) {
            named |= mta_keep(t->helo, value);
        }
        if ((value = option(line, "ClientPortOptions")) != NULL)
            take_port(t, value);
    }
    if (t->helo[0] == '\0')
        return;
    m->program = "Sendmail";
    m->n = 1;
}
