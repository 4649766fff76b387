/* What makes the process a daemon: limits, the socket, privileges, readiness.
 *
 * Functions that return text return what is wrong, or NULL; the text lives until
 * the next call.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DAEMON_H
#define IPREV_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

/* First of all: a standard stream that is closed stays useless, but its descriptor is taken, so
 * that no socket gets it and is written to as a log. */
void daemon_standard_streams(void);

/* Descriptors up to the hard limit, small thread stacks (libmilter keeps one
 * thread for each callback that waits), no core dumps. */
void daemon_limits(void);

/* Makes the place for the socket free, for unix:PATH only: takes the lock
 * file PATH.lock, which an instance holds to its end, and removes a dead socket
 * of ours. Never touches a live one, nor anything that is no socket. Waits up to
 * 15 s for an instance that is on its way out: one that goes on listening for 4 s is not. */
const char *daemon_claim_socket(const char *socket);

/* After listening failed: is it to be tried again? Only when errno says that the address
 * is in use, which may be by an instance on its way out: then waits a while, and after 4 s
 * in all says no. tries: 0 before the first call. */
bool daemon_listen_again(unsigned *tries);

/* Before smfi_opensocket, which does not tell the descriptor: which sockets listen already. */
void daemon_before_socket(void);

/* After smfi_opensocket: TCP_NODELAY of an inet socket (Linux hands it down to accepted
 * connections), and the address for daemon_kick. */
const char *daemon_adopt_socket(void);

/* The MTA comes over a unix socket. After daemon_adopt_socket. */
bool daemon_listens_unix(void);

/* libmilter's socket is still open for new connections. */
bool daemon_listens(void);

/* Who may reach a unix socket, for the log: owner, group and mode of the socket and of its
 * directory. False: it is no unix socket. */
bool daemon_describe_socket(const char *socket, char *out, size_t cap);

/* Removes the unix socket at the end: libmilter does so only when not root. */
void daemon_remove_socket(const char *socket);

/* Connects to our own socket and closes. Debian's libmilter wakes or starts a thread
 * only when a connection comes in: while callbacks block, sessions that are
 * ready can be left without a thread until one of them returns. Call before
 * blocking. */
void daemon_kick(void);

/* Becomes the user when started as root; NULL stays what it is. */
const char *daemon_drop_privileges(const char *user);

/* systemd: READY=1, RELOADING=1, STOPPING=1, WATCHDOG=1. Without it, nothing. */
void daemon_notify(const char *state);

/* How often WATCHDOG=1 is due, in ms; 0 when nobody waits for it. */
unsigned daemon_watchdog_ms(void);

#endif
