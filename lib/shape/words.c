/* Words and senders looked up in the tables of the build: see parts.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "shape/parts.h"

#include <string.h>

uint32_t word_class(const char *s, size_t n)
{
    const struct word *list = shape_words;
    size_t low, high, mid, pair;
    int order;

    if (n < 2 || n >= WORD_MAX || s[0] < 'a' || s[0] > 'z' || s[1] < 'a' || s[1] > 'z')
        return 0;
    pair = 26 * (size_t)(s[0] - 'a') + (size_t)(s[1] - 'a');
    low = shape_words_at[pair];
    high = shape_words_at[pair + 1];
    while (low < high) {
        mid = low + (high - low) / 2;
        order = memcmp(s, list[mid].text, n);
        if (order == 0 && list[mid].text[n] == '\0')
            return list[mid].classes;
        if (order <= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return 0;
}

uint32_t stem_class(const char *s, size_t n)
{
    unsigned a, b = n > 0 ? (unsigned char)s[0] - (unsigned)'a' : 0;
    uint32_t set = 0;
    size_t i, k, len;

    for (i = 0; i + 1 < n; i++) {
        a = b;
        b = (unsigned char)s[i + 1] - (unsigned)'a';
        if (a >= 26 || b >= 26 || (shape_stems_second[a] >> b & 1) == 0)
            continue;
        for (k = shape_stems_at[a]; k < shape_stems_at[a + 1]; k++) {
            len = shape_stems[k].len;
            if (len <= n - i && memcmp(s + i, shape_stems[k].text, len) == 0)
                set |= shape_stems[k].orgs;
        }
    }
    return set;
}

/* The host part is, or ends with, the zone. */
static bool lies_below(const struct view *v, const char *zone)
{
    size_t n = strlen(zone);

    if (n == 0)
        return true;
    return v->host >= n && memcmp(v->text + v->host - n, zone, n) == 0 &&
           (v->host == n || v->text[v->host - n - 1] == '.');
}

bool sender_known(const struct view *v)
{
    const char *domain = v->text + v->org;
    size_t low = 0, high = shape_senders_count, mid;
    int order;

    if (v->bare)
        return false;
    while (low < high) {
        mid = low + (high - low) / 2;
        order = domain[0] - shape_senders[mid].domain[0];
        if (order == 0)
            order = strcmp(domain, shape_senders[mid].domain);
        if (order <= 0)
            high = mid;
        else
            low = mid + 1;
    }
    for (; low < shape_senders_count && strcmp(domain, shape_senders[low].domain) == 0; low++)
        if (lies_below(v, shape_senders[low].below))
            return true;
    return false;
}

/* Schemes that a sender uses in domains of its customers, where # stands for
 * a number: o1.ptr8526 is SendGrid. */
static const char *const schemes[] = {"o#.ptr#"};

static bool fits(const struct view *v, const char *scheme)
{
    size_t i = 0;

    for (; *scheme != '\0'; scheme++)
        if (*scheme != '#') {
            if (i >= v->host || v->text[i++] != *scheme)
                return false;
        } else {
            if (i >= v->host || v->sort[i] != VIEW_DIGIT)
                return false;
            while (i < v->host && v->sort[i] == VIEW_DIGIT)
                i++;
        }
    return i == v->host || v->text[i] == '.';
}

bool sender_scheme(const struct view *v)
{
    size_t i;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && !v->bare; i++)
        if (fits(v, schemes[i]))
            return true;
    return false;
}
