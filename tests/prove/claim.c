/* claim: who any field of up to 120 octets claims to come from; the id is ours.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "outcome/authres.h"
#include "prove.h"

#define FIELD 120

int main(void)
{
    char field[FIELD];

    any_octets(field, sizeof(field));
    return (int)authres_claim(field, any_size(0, FIELD),
                              any_bool() ? "xn--mx.example" : "mx.example.com");
}
