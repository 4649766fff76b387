/* record: any line of up to 200 octets, read as a record of ours.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "outcome/record.h"
#include "prove.h"

#define LINE 200

int main(void)
{
    char line[LINE];
    static struct record r;

    any_octets(line, sizeof(line));
    return record_read_log(&r, line, any_size(0, LINE));
}
