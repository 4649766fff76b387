/* What can be wrong with a single text of the configuration: a constant sentence, or NULL.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_CONF_FIT_H
#define IPREV_CONF_FIT_H

const char *fit_user(const char *text);
const char *fit_authserv_id(const char *text);
const char *fit_file(const char *text);
const char *fit_list(const char *text);
const char *fit_anchor(const char *text);
const char *fit_listen(const char *text);
const char *fit_help_url(const char *text);
const char *fit_host(const char *text);
const char *fit_relays(const char *text);
const char *fit_recipient(const char *text);
const char *fit_store(const char *text);
const char *fit_path(const char *text);
const char *fit_forward(const char *text);

#endif
