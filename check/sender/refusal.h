/* Does a receiver's reply say that the client's name is wrong? The table of what they say.
 *
 * Pure: no memory, no files. Replies are foreign text.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_SENDER_REFUSAL_H
#define IPREV_SENDER_REFUSAL_H

#include "value/sbuf.h"

#define REFUSAL_TEXT 1024 /* of a longer reply only the beginning counts */

enum refusal {
    REFUSAL_NONE,    /* it is about something else */
    REFUSAL_PTR,     /* no PTR record, or none that resolves back */
    REFUSAL_GENERIC, /* the name looks machine-generated */
    REFUSAL_HELO,
    REFUSAL_PERHAPS /* the name, or something else that the same sentence names */
};

/* A reply in one line: reply codes, mail addresses and repeated spaces are taken out, wherever the
 * lines of the reply were joined. Octets outside 0x20 to 0x7E become `?`. */
void refusal_fold(char out[REFUSAL_TEXT], const char *s, size_t n);

enum refusal refusal_class(const char *s, size_t n);

const char *refusal_word(enum refusal r); /* "ptr", "generic", "helo", "perhaps" */
const char *refusal_text(enum refusal r); /* "no PTR record, or it does not resolve back" */

#endif
