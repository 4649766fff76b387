/* The words of the vocabulary, and sets of them as text: see findings.h.
 *
 * The table below is the only place where a word is spelled.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "value/findings.h"

#include <string.h>

static const char *const words[] = {
    [F_IPREV_PASS] = "iprev-pass",
    [F_IPREV_FAIL] = "iprev-fail",
    [F_IPREV_PERMERROR] = "iprev-permerror",
    [F_IPREV_TEMPERROR] = "iprev-temperror",
    [F_IPREV_SKIP] = "iprev-skip",
    [F_PTR_MISSING] = "ptr-missing",
    [F_FORWARD_MISSING] = "forward-missing",
    [F_FORWARD_MISMATCH] = "forward-mismatch",
    [F_PTR_INVALID] = "ptr-invalid",
    [F_PTR_LIMIT] = "ptr-limit",
    [F_DNS_TIMEOUT] = "dns-timeout",
    [F_DNS_SERVFAIL] = "dns-servfail",
    [F_DNS_BOGUS] = "dns-bogus",
    [F_DNS_OVERLOAD] = "dns-overload",
    [F_SKIP_LOCAL] = "skip-local",
    [F_SKIP_NETWORK] = "skip-network",
    [F_SKIP_AUTHENTICATED] = "skip-authenticated",
    [F_SKIP_NO_ADDRESS] = "skip-no-address",
    [F_PTR_GENERIC] = "ptr-generic",
    [F_PTR_NAMED] = "ptr-named",
    [F_PTR_PROVIDER] = "ptr-provider",
    [F_PTR_WEAK] = "ptr-weak",
    [F_PTR_MANY] = "ptr-many",
    [F_PTR_BARE_DOMAIN] = "ptr-bare-domain",
    [F_HELO_VERIFIED] = "helo-verified",
    [F_HELO_FORWARD] = "helo-forward",
    [F_HELO_ALIGNED] = "helo-aligned",
    [F_HELO_MISMATCH] = "helo-mismatch",
    [F_HELO_UNRESOLVED] = "helo-unresolved",
    [F_HELO_TEMPERROR] = "helo-temperror",
    [F_HELO_LITERAL] = "helo-literal",
    [F_HELO_LITERAL_MISMATCH] = "helo-literal-mismatch",
    [F_HELO_BARE_ADDRESS] = "helo-bare-address",
    [F_HELO_UNQUALIFIED] = "helo-unqualified",
    [F_HELO_SELF] = "helo-self",
    [F_HELO_INVALID] = "helo-invalid",
    [F_HELO_MISSING] = "helo-missing",
    [F_HELO_GENERIC] = "helo-generic",
    [F_DNSSEC_SECURE] = "dnssec-secure",
    [F_CLIENT_KNOWN] = "client-known",
};

_Static_assert(sizeof(words) / sizeof(words[0]) == F_COUNT, "one word for each finding");
_Static_assert(F_COUNT < 64, "a set of findings is one 64-bit word");

const char *finding_word(enum finding f)
{
    return (unsigned)f < F_COUNT ? words[f] : "-";
}

enum finding finding_from_word(const char *s, size_t n)
{
    unsigned f;

    for (f = 0; f < F_COUNT; f++)
        if (strlen(words[f]) == n && memcmp(words[f], s, n) == 0)
            break;
    return (enum finding)f;
}

enum finding finding_pick(findings set, findings within)
{
    unsigned f;

    for (f = 0; f < F_COUNT; f++)
        if (set & within & FINDING(f))
            break;
    return (enum finding)f;
}

void findings_put(struct sbuf *sb, findings set)
{
    const char *separator = "";
    unsigned f;

    if (finding_pick(set, ~(findings)0) == F_NONE)
        sbuf_byte(sb, '-');
    for (f = 0; f < F_COUNT; f++) {
        if (!(set & FINDING(f)))
            continue;
        sbuf_str(sb, separator);
        sbuf_str(sb, words[f]);
        separator = ",";
    }
}

bool findings_read(findings *set, const char *s, size_t n)
{
    findings seen = 0;
    size_t start = 0;
    size_t i;

    *set = 0;
    if (n == 0)
        return false;
    if (n == 1 && s[0] == '-')
        return true;
    for (i = 0; i <= n; i++) {
        enum finding f;

        if (i < n && s[i] != ',')
            continue;
        f = finding_from_word(s + start, i - start);
        if (f == F_NONE || (seen & FINDING(f)))
            return false;
        seen |= FINDING(f);
        start = i + 1;
    }
    *set = seen;
    return true;
}
