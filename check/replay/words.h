/* What every view of a report says of one client, and the views.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_REPLAY_WORDS_H
#define IPREV_REPLAY_WORDS_H

#include "check/replay/judged.h"
#include "check/term.h"

/* Texts of one client; each fits CLIENT_TEXT_MAX. */
typedef void client_text(const struct client *k, const struct settings *s, struct sbuf *sb);
#define CLIENT_TEXT_MAX 1024

client_text client_reason;      /* what the decision rests on: rule and cause in words */
client_text client_exempt_line; /* of a file of exempt.lists */
client_text client_reply;       /* "550 5.7.25 text"; empty for clients that are let in */

/* The lines that exempt the first `max` clients of the list, each once. Their text needs no
 * escaping in HTML. */
void put_exempt_lines(const struct judged *j, const struct judged_list *l, uint32_t max, FILE *out);

/* What the reader must know of the figures, a sentence each; bad: they are not what they seem.
 * Plain ASCII without markup. */
typedef void note_sink(void *arg, bool bad, const char *text);
void put_notes(const struct judged *j, note_sink *put, void *arg);

/* Said wherever returns are shown. */
#define GREY_HINT                                                                                  \
    "Accepted mail is not sent again, so a log of accepted mail shows fewer returns than there "   \
    "would be."

/* "2026-11-21 10:15" */
void put_minute(FILE *out, int64_t at);

/* At most `top` clients of a list below its title, for the terminal or a mail; nothing when it is
 * empty. exemption: with the line that exempts each. */
void text_list(const struct judged *j, unsigned top, const struct term *t, const char *title,
               const struct judged_list *l, bool exemption);

/* top: clients in a list. */
void judged_text(const struct judged *j, unsigned top, FILE *out);
/* What is new, for a weekly mail; one line when nothing is. now: seconds since 1970. */
void judged_digest(const struct judged *j, unsigned top, int64_t now, FILE *out);
bool judged_json(const struct judged *j, FILE *out);
bool judged_html(const struct judged *j, FILE *out);

#endif
