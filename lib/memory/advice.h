/* What to do about a store that cannot be used, behind the reason.
 *
 * Inner header of lib/memory.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_MEMORY_ADVICE_H
#define IPREV_MEMORY_ADVICE_H

/* ": free some space" for ENOSPC; "" where nothing is to be said. */
const char *memory_advice(int error);

/* ": raise its maxmemory" for "OOM command not allowed ...": what Redis or hiredis has said. */
const char *redis_advice(const char *said);

#endif
