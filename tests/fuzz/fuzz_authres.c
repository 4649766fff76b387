/* Fuzz target: Authentication-Results, foreign and ours.
 *
 * Input: facts and an id for a field of ours, then a foreign field value. What is written
 * is read back, is recognised as ours in any dress a forger may give it, and is nobody
 * else's. A foreign field that the reader understands has the author that it names.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/fuzz/fuzz.h"
#include "tests/readers/authres_read.h"

#define ID "mx.example.org"

/* Ours stays ours behind comments and folds, with a final dot, a version, in capitals. */
static void check_dressed(const char *id, const char *rest)
{
    static const char *const before[] = {"", " ", "\t", "\n\t", "(a (b\\)) c)", "\r\n ((x))\n "};
    static const char *const after[] = {"", ".", " ", "(v)", " 1", " (c) 1 (d)", "\n 2"};
    char text[AUTHRES_VALUE_MAX + 64];
    size_t b, a;
    int n;

    if (id[strlen(id) - 1] == '.')
        return;
    for (b = 0; b < sizeof before / sizeof before[0]; b++)
        for (a = 0; a < sizeof after / sizeof after[0]; a++) {
            n = snprintf(text, sizeof text, "%s%s%s%s", before[b], id, after[a], rest);
            MUST(n > 0 && (size_t)n < sizeof text);
            MUST(authres_claim(text, (size_t)n, id) == AUTHRES_MINE);
        }
}

static bool is_bare(const char *id)
{
    return id[strcspn(id, "()<>@,;:\\\"[]?=")] == '\0';
}

static void check_written(const char *id, enum finding result, enum finding cause,
                          const struct addr *client, const struct dname *name)
{
    char text[AUTHRES_VALUE_MAX];
    struct authres back;
    struct sbuf sb;

    sbuf_init(&sb, text, sizeof text);
    authres_put(&sb, id, result, cause, client, name);
    if (!authres_id_valid(id, strlen(id))) {
        MUST(sb.overflow);
        return;
    }
    MUST(!sb.overflow && is_folded(text));
    MUST(authres_claim(text, sb.len, id) == AUTHRES_MINE);
    MUST(authres_claim(text, sb.len, "another.example") != AUTHRES_UNREADABLE);
    MUST(authres_read(&back, text, sb.len));
    MUST(strcmp(back.id, id) == 0 && back.result == result);
    MUST(strcmp(back.reason, cause == F_NONE ? "" : finding_word(cause)) == 0);
    MUST(addr_equal(&back.client, client));
    if (is_bare(id))
        check_dressed(id, strchr(text, ';'));
}

static void write_ours(struct feed *in)
{
    uint8_t kind = take(in), why = take(in), octets[16];
    struct feed id = take_piece(in, take(in) % 64), name = take_piece(in, take(in));
    char *text = text_of_piece(&id);
    struct addr client;
    struct dname d;

    take_into(in, octets, sizeof octets);
    client = addr_from_bytes((enum addr_family)(kind / 4 % 3), octets);
    if (!dname_from_wire(&d, name.at, name.left))
        dname_from_text(&d, (const char *)name.at, name.left);
    check_written(text, (enum finding)(F_IPREV_PASS + kind % 4),
                  why % 2 ? (enum finding)(F_PTR_MISSING + why / 2 % 9) : F_NONE, &client,
                  kind >= 128 ? NULL : &d);
    free(text);
}

static void read_foreign(const char *text, size_t n)
{
    enum authres_claim mine = authres_claim(text, n, ID), its;
    struct authres r;

    memset(&r, 0xa5, sizeof r);
    if (!authres_read(&r, text, n)) {
        MUST(r.id[0] == '\0' && r.result == F_NONE && r.client.family == ADDR_NONE);
        return;
    }
    MUST(memchr(r.id, '\0', sizeof r.id) != NULL &&
         memchr(r.reason, '\0', sizeof r.reason) != NULL);
    MUST(r.result == F_NONE || r.result <= F_IPREV_TEMPERROR);
    if (!authres_id_valid(r.id, strlen(r.id)))
        return;
    its = authres_claim(text, n, r.id);
    MUST(its == AUTHRES_MINE);
    if (strcmp(r.id, ID) == 0)
        MUST(mine == AUTHRES_MINE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed in = {data, size};
    char *text;

    write_ours(&in);
    text = copy_of(&in);
    read_foreign(text, in.left);
    free(text);
    return 0;
}
