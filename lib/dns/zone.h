/* A zone file answered from memory: read into libunbound's local data.
 *
 * The file is in master format (RFC 1035 5), read by
 * libldns: $ORIGIN, $TTL, comments, parentheses, escapes. Only A, AAAA, CNAME,
 * PTR, SOA, NS, MX and TXT records are taken.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#ifndef IPREV_DNS_ZONE_H
#define IPREV_DNS_ZONE_H

#include "value/checked.h"

#include <stdbool.h>
#include <stddef.h>

/* Records as presentation text, SOA owners apart. */
struct zonefile {
    size_t records;
    char **record; /* "owner TTL IN TYPE rdata" */
    size_t apexes;
    char **apex; /* owners of SOA records: all below them is answered from here */
    size_t owners;
    char **owner; /* of all records, sorted; as apex, in the form of dname_put_query */
};

/* False, with "FILE:LINE: what is wrong" in err, when it cannot be read. errno is that of
 * opening the file, ENOMEM, or EINVAL for what is in it. */
MUST_CHECK bool zonefile_read(struct zonefile *z, const char *file, char *err, size_t errlen);
void zonefile_free(struct zonefile *z);

/* Questions for this name are answered from the file, whatever their type: it is an owner,
 * or at or below an apex. name: as dname_put_query writes it. */
bool zonefile_answers(const struct zonefile *z, const char *name);

/* The file, read to its end without a fault, contains neither a DS nor a DNSKEY record: as a
 * trust anchor it would prove nothing. What has a fault is for libunbound to refuse. */
bool zonefile_lacks_keys(const char *file);

#endif
