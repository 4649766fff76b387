/* The hand-over between callbacks, resolver threads, reload, drain and the thread of memory: see run.
 *
 * Each inline is the function of its name, and each of its steps one access to what threads share: an
 * atomic, a descriptor, a condition, or all that is done while a mutex is held. (No function takes a
 * second mutex while it holds one, so they cannot block each other.) All sessions ask about one client, as only then do they
 * share anything. Time is left out: a deadline may pass at any moment, or never; so a wake-up that is
 * lost leaves a session that waits for ever, which Spin reports as an invalid end state.
 *
 * Left out: the names of a chain (a work is open until it is finished, by its last answer or by its timer),
 * how the cache chooses what to drop (anything finished may go), allocations that fail.
 *
 * FAULT=1 to 3 are seeded faults, to see that the properties can fail.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */

#ifndef FAULT
#define FAULT 0
#endif
#ifndef PART
#define PART 1 /* the resolver; 2: memory. They meet in the life of a snapshot alone, and each has that. */
#endif
#ifndef RELOAD
#define RELOAD 1
#endif
#ifndef DRAIN
#define DRAIN 1
#endif
#ifndef SESSIONS
#define SESSIONS 2
#endif
#define RESOLVERS 2 /* before and after the reload */
#define LOOKUPS   4
#define NONE      9

/* ---- lib/dns/lookup_impl.h: struct lookup, and the one entry of each table ---- */

typedef Lookup {
    byte refs;
    bool done, freed, listed;
    bool waits[SESSIONS]; /* the list of waiters */
    byte owner;           /* whose table */
}
Lookup lookup[LOOKUPS];
byte lookups;                /* made so far */
byte entry[RESOLVERS] = NONE;

/* ---- lib/milter/session: what a waiting session has on its stack ---- */

bool woken[SESSIONS], waiting[SESSIONS];

/* ---- lib/dns/resolver_impl.h: struct resolver, with one worker ---- */

typedef Resolver {
    byte refs, holders;
    bool draining, quit, living, freed;
    bool poked;       /* the descriptor can be read */
    byte inbox[2];    /* the list of requests: a client has one new lookup after another */
    byte requests;
    byte open[3];     /* works */
    byte works;
}
Resolver resolver[RESOLVERS];

/* ---- milter/snapshot.c: snapshot i has resolver i ---- */

byte snapshot_refs[RESOLVERS];
byte current = NONE;

/* ---- lib/memory: one memory, held by both snapshots ---- */

typedef Request {
    byte refs;
    bool done, left, freed;
}
Request request[SESSIONS]; /* each asks once */
byte queue[SESSIONS], queued;
byte memory_holders, memory_refs;
bool memory_end, memory_freed, memory_thread_ended;
bool memory_work; /* the condition was signalled */

/* ---- lib/dns/lookup.c ---- */

inline lookup_release(l)
{
    atomic {
        assert(!lookup[l].freed && lookup[l].refs > 0);
        lookup[l].refs--;
        if
        :: lookup[l].refs == 0 -> lookup[l].freed = true
        :: else
        fi
    }
}

/* lookup_finish_chain, lookup_finish_helo and lookup_finish_failed end here. */
inline lookup_publish(l)
{
    atomic {
    d_step {
        assert(!lookup[l].freed);
        assert(!resolver[lookup[l].owner].freed);
        assert(!lookup[l].done); /* answered once */
        lookup[l].done = true;
        /* lookup_wake */
        k = 0;
        do
        :: k < SESSIONS ->
            if
            :: lookup[l].waits[k] ->
                assert(waiting[k]); /* its stack is still there */
                woken[k] = true;
                lookup[l].waits[k] = false
            :: else
            fi;
            k++
        :: else -> break
        od;
        k = 0
    }
    /* No room, or its time to live is 0: table_remove */
    if
    :: lookup[l].listed -> table_remove(l)
    :: true
    fi;
    }
    lookup_release(l)
}

/* With the lock of the shard held. */
inline table_remove(l)
{
    t = l;
    d_step {
        k = lookup[t].owner;
        assert(entry[k] == t);
        entry[k] = NONE;
        lookup[t].listed = false;
        k = 0
    }
    atomic {
        lookup_release(t);
        t = 0
    }
}

/* True in `found`: it is not new. */
inline lookup_table_get(r, l, found)
{
    atomic {
    assert(!resolver[r].freed);
    /* Its time to live is over. */
    if
    :: entry[r] != NONE && lookup[entry[r]].done -> l = entry[r]; table_remove(l)
    :: true
    fi;
    d_step {
        if
        :: entry[r] != NONE ->
            l = entry[r];
            assert(!lookup[l].freed);
            lookup[l].refs++;
            found = true
        :: else ->
            assert(lookups < LOOKUPS);
            l = lookups;
            lookups++;
            lookup[l].refs = 3; /* table_add: the table, who finishes it, the caller */
            lookup[l].owner = r;
            lookup[l].listed = true;
            entry[r] = l;
            found = false
        fi
    }
    }
}

inline lookup_wait(l)
{
    atomic {
    d_step {
        assert(!lookup[l].freed && !resolver[lookup[l].owner].freed);
        if
        :: !lookup[l].done ->
            woken[me] = false;
            waiting[me] = true;
            lookup[l].waits[me] = true
        :: else
        fi
    }
    }
    if
    :: waiting[me] ->
        /* pthread_cond_timedwait: woken, or a deadline that has passed */
        if
        :: woken[me]
        :: deadline
        fi;
        atomic {
        d_step {
#if FAULT != 2
            if
            :: !woken[me] -> lookup[l].waits[me] = false /* unlink_waiter */
            :: else
            fi;
#endif
            waiting[me] = false;
            woken[me] = false
        }
        }
    :: else
    fi;
    assert(deadline || lookup[l].done) /* who waits without a deadline has an answer */
}

/* ---- lib/dns/resolver.c ---- */

inline poke(r)
{
    d_step {
        assert(!resolver[r].freed); /* the descriptor is open */
        resolver[r].poked = true
    }
}

inline hand_over(r, l)
{
#if FAULT == 1
    poke(r);
#endif
    d_step {
        assert(!resolver[r].freed && resolver[r].requests < 2);
        head = resolver[r].requests;
        resolver[r].inbox[head] = l;
        resolver[r].requests++
    }
#if FAULT != 1
    if
    :: head == 0 -> poke(r)
    :: else -> head = 0 /* somebody has poked, or is about to */
    fi
#endif
}

inline resolver_ask_client(r, l)
{
    lookup_table_get(r, l, found);
    if
    :: !found ->
        if
        :: resolver[r].draining -> lookup_publish(l)
        :: else -> hand_over(r, l)
        fi
    :: else -> found = false
    fi
}

inline drop_holders(r)
{
    d_step {
        assert(!resolver[r].freed && resolver[r].holders > 0);
        resolver[r].holders--;
        last = (resolver[r].holders == 0)
    }
    if
    :: last ->
        resolver[r].living = false;
        /* lookup_table_free */
        if
        :: entry[r] != NONE -> l = entry[r]; table_remove(l)
        :: else
        fi;
        resolver[r].freed = true
    :: else
    fi
}

/* resolver_release, and resolver_end */
inline resolver_release(r)
{
    d_step {
        assert(!resolver[r].freed && resolver[r].refs > 0);
        resolver[r].refs--;
        last = (resolver[r].refs == 0)
    }
    if
    :: last ->
        resolver[r].draining = true;
        resolver[r].quit = true;
        poke(r);
        drop_holders(r)
    :: else
    fi
}

inline resolver_drain()
{
    atomic {
    r = 0;
    do
    :: r < RESOLVERS ->
        if
        :: resolver[r].living ->
            assert(!resolver[r].freed);
            resolver[r].draining = true;
            poke(r)
        :: else
        fi;
        r++
    :: else -> break
    od
    }
}

/* work_start: turned away, as the breaker is open or there are too many questions; or open from now on */
inline work_start(l)
{
    if
    :: lookup_publish(l)
    :: d_step {
            resolver[r].open[resolver[r].works] = l;
            resolver[r].works++
        }
    fi
}

inline take_requests()
{
    /* inbox_take */
    d_step {
        taken = resolver[r].requests;
        list[0] = resolver[r].inbox[0];
        list[1] = resolver[r].inbox[1];
        resolver[r].requests = 0
    }
    i = 0;
    do
    :: i < taken -> work_start(list[i]); i++
    :: else -> break
    od;
    skip;
    d_step {
        i = 0;
        taken = 0;
        list[0] = 0;
        list[1] = 0
    }
}

/* work_close, and what finishes the lookup */
inline finish_one()
{
#if FAULT == 3
    l = resolver[r].open[resolver[r].works - 1];
    if
    :: true -> resolver[r].works-- /* a timer that stays armed finishes it once more */
    :: !again -> again = true
    fi;
#else
    d_step {
        resolver[r].works--;
        l = resolver[r].open[resolver[r].works]
    }
#endif
    lookup_publish(l);
    l = 0
}

inline work_finish_all()
{
    do
    :: resolver[r].works > 0 -> finish_one()
    :: else -> break
    od
}

/* worker_main: event_base_loop with on_wake, on_reply and on_timer. on_beat is left out: it hides what a lost poke does. */
proctype worker(byte r)
{
    byte l, k, t, i, taken, list[2];
    bool last, again;

    do
    :: resolver[r].poked ->
        /* on_wake */
        resolver[r].poked = false;
        take_requests();
        if
        :: resolver[r].draining -> work_finish_all()
        :: else
        fi;
        if
        :: resolver[r].quit -> break
        :: else
        fi
    :: resolver[r].works > 0 -> finish_one()
    od;
    take_requests();
    work_finish_all();
    drop_holders(r)
}

/* ---- lib/memory/memory.c and thread.c ---- */

inline memory_request_release(q)
{
    d_step {
        assert(!request[q].freed && request[q].refs > 0);
        request[q].refs--;
        if
        :: request[q].refs == 0 -> request[q].freed = true
        :: else
        fi
    }
}

inline memory_unref()
{
    d_step {
        assert(memory_refs > 0 && !memory_freed);
        memory_refs--;
        if
        :: memory_refs == 0 -> memory_freed = true
        :: else
        fi
    }
}

/* memory_client and memory_greylist, with ask and enqueue */
inline memory_ask()
{
    atomic {
        assert(!memory_freed);
        if
        :: !memory_end -> /* admitted; the breaker of memory may say no: then nothing is asked */
            request[me].refs = 2;
            queue[queued] = me;
            queued++;
            memory_work = true
        :: else
        fi
    }
    if
    :: request[me].refs > 0 ->
        if
        :: request[me].done
        :: true -> deadline = true /* at most 50 ms */
        fi;
        request[me].left = !request[me].done;
        memory_request_release(me)
    :: else
    fi
}

inline memory_release()
{
    d_step {
        assert(memory_holders > 0 && !memory_freed);
        memory_holders--;
        last = (memory_holders == 0)
    }
    if
    :: last ->
        d_step { /* memory_stop */
            memory_end = true;
            memory_work = true
        }
        memory_unref()
    :: else
    fi
}

/* take_first */
inline take_first()
{
    d_step {
        q = queue[0];
        k = 1;
        do
        :: k < queued -> queue[k - 1] = queue[k]; k++
        :: else -> break
        od;
        k = 0;
        queued--
    }
}

proctype memory_thread()
{
    byte q, k;

    do
    :: atomic {
        queued > 0 ->
        take_first();
        if
        :: request[q].left -> memory_request_release(q); q = NONE
        :: else
        fi
       }
       if
       :: q != NONE ->
            /* do_request asks the store without the lock; then finish */
            atomic {
                assert(!request[q].freed && !request[q].done);
                request[q].done = true;
                memory_request_release(q)
            }
       :: else
       fi
    :: atomic { queued == 0 && memory_end -> break }
    :: atomic {
        queued == 0 && !memory_end ->
        memory_work = false; /* pthread_cond_timedwait; the tick of a second would hide a lost signal */
        q = 0
       }
       memory_work
    od;
    memory_unref();
    memory_thread_ended = true
}

/* ---- milter/snapshot.c ---- */

inline snapshot_release(s)
{
    d_step {
        assert(snapshot_refs[s] > 0);
        snapshot_refs[s]--;
        last = (snapshot_refs[s] == 0)
    }
    if
    :: last ->
#if PART == 1
        resolver_release(s)
#else
        memory_release()
#endif
    :: else
    fi
}

inline snapshot_put(s)
{
    d_step {
        old = current;
        current = s
    }
    if
    :: old != NONE -> snapshot_release(old)
    :: else
    fi
}

/* ---- who runs ---- */

/* milter/callbacks.c: connect asks, a later callback waits or the client goes, close releases. */
proctype session(byte me)
{
    byte s = NONE, l = NONE, k, t, head;
    bool found, last, deadline;

    /* snapshot_take */
    d_step {
        if
        :: current != NONE -> s = current; snapshot_refs[s]++
        :: else
        fi
    }
    if
    :: s == NONE -> goto ended
    :: else
    fi;
#if PART == 1
    resolver_ask_client(s, l);
    if
    :: lookup_wait(l)                    /* inquiry_wait */
    :: deadline = true; lookup_wait(l)   /* with a deadline that passes */
    :: true                              /* the client has gone */
    fi;
    lookup_release(l);
    l = NONE;
    deadline = false;
#else
    memory_ask();
#endif
    snapshot_release(s);
ended:
    skip
}

inline resolver_start(r)
{
    d_step {
        resolver[r].refs = 1;
        resolver[r].holders = 2; /* its thread, and who ends it */
        snapshot_refs[r] = 1
    }
#if PART == 1
    run worker(r);
#endif
    resolver[r].living = true
}

/* milter/reload.c, then the end of the daemon as in a test: all is released */
proctype reloader()
{
    byte old, k, l, t;
    bool last;

#if RELOAD
    memory_holders++; /* memory_hold */
    resolver_start(1);
    snapshot_put(1);
#endif
    snapshot_put(NONE)
}

/* milter/main.c: a signal, at any moment */
proctype drainer()
{
    byte r;

    resolver_drain()
}

init
{
    byte old, n, k, l, t;
    bool last;

    memory_holders = 1;
    memory_refs = 2; /* memory_new: the caller and the thread */
#if PART == 2
    run memory_thread();
#endif
    resolver_start(0);
    snapshot_put(0);
    n = 0;
    do
    :: n < SESSIONS -> run session(n); n++
    :: else -> break
    od;
    run reloader();
#if DRAIN
    run drainer();
#endif
    /* All have ended, init alone is left: nothing leaks. */
    (_nr_pr == 1);
    n = 0;
    do
    :: n < lookups -> assert(lookup[n].freed); n++
    :: else -> break
    od;
#if PART == 1
    assert(resolver[0].freed && (resolver[1].freed || !RELOAD))
#else
    assert(memory_freed && memory_thread_ended)
#endif
}
