/* One session of milterload with the filter, driven by events.
 *
 * Inner header of milterload.c.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef MILTERLOAD_SESSION_H
#define MILTERLOAD_SESSION_H

#include "tests/bench/milterload.h"

struct session;

extern struct session_settings {
    uint64_t think_ns;
    uint64_t patience_ns; /* for a reply */
    unsigned messages;
    struct mail mail;
    bool nodelay;
} session_settings;

/* unix:PATH or inet:PORT@ADDRESS. */
bool session_target(const char *text);
bool session_targeted(void);

/* `concurrent` sessions that are free, followed by `idle` that are not counted so. */
struct session **sessions_new(int epoll, unsigned concurrent, unsigned idle);
void sessions_free(void);

unsigned session_free_count(void);
struct session *session_take_free(void);
unsigned session_idle_count(void);

/* hold: stops after HELO and stays. */
void session_open(struct session *s, bool hold);
void session_event(struct session *s, uint32_t events);
void session_close(struct session *s);

/* When the next think time or patience is over; UINT64_MAX: none is running. */
uint64_t session_next_timer(void);
void session_timers(uint64_t now);

#endif
