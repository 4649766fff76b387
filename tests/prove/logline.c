/* logline: any line of up to 120 octets of a mail log.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/log/event.h"
#include "prove.h"

#define LINE 120

int main(void)
{
    char line[LINE];
    struct log_event e;

    any_octets(line, sizeof(line));
    return logline_read(&e, line, any_size(0, LINE));
}
