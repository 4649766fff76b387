/* received: any field of up to 120 octets.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "judge/received.h"
#include "prove.h"

#define FIELD 120

int main(void)
{
    char field[FIELD];
    struct received out;

    any_octets(field, sizeof(field));
    return received_read(&out, field, any_size(0, FIELD));
}
