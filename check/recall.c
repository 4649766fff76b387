/* iprev-check memory: see commands.h and recall.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/recall.h"

#include "check/commands.h"
#include "check/json.h"
#include "check/term.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define EXIT_NOTHING 1

/* ---- opening ---- */

/* What errno says of the store, with the reason. */
static enum recall fail(char why[RECALL_TROUBLE_MAX], const char *what)
{
    int error = errno;

    snprintf(why, RECALL_TROUBLE_MAX, "%s: %s", what, strerror(error));
    return error == ENOENT ? RECALL_NONE : error == EACCES ? RECALL_DENIED : RECALL_FAILED;
}

static enum recall become(uid_t uid, gid_t gid, char why[RECALL_TROUBLE_MAX])
{
    if (geteuid() != 0 || uid == 0)
        return RECALL_DONE;
    if (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
        return fail(why, "cannot leave root");
    return RECALL_DONE;
}

static enum recall become_owner(const char *path, bool change, char why[RECALL_TROUBLE_MAX])
{
    struct stat st;
    enum recall result;

    if (lstat(path, &st) != 0)
        return fail(why, path);
    if (!S_ISREG(st.st_mode)) {
        snprintf(why, RECALL_TROUBLE_MAX, "%s: not a file", path);
        return RECALL_FAILED;
    }
    result = become(st.st_uid, st.st_gid, why);
    if (result == RECALL_DONE && access(path, change ? R_OK | W_OK : R_OK) != 0)
        result = fail(why, path);
    return result;
}

static enum recall become_user(const struct settings *s, char why[RECALL_TROUBLE_MAX])
{
    const struct passwd *pw = s->user != NULL && geteuid() == 0 ? getpwnam(s->user) : NULL;
    const char *secret = s->memory.password_file;
    enum recall result = pw != NULL ? become(pw->pw_uid, pw->pw_gid, why) : RECALL_DONE;

    if (result == RECALL_DONE && secret != NULL && access(secret, R_OK) != 0 && errno == EACCES)
        result = fail(why, secret);
    return result;
}

/* *out: to be closed; NULL but for RECALL_DONE. */
static enum recall open_store(const struct settings *s, bool change, struct memory_view **out,
                              char why[RECALL_TROUBLE_MAX])
{
    struct memory_endpoint e = {.host = ""};
    bool file = memory_endpoint(&e, s->memory.store) && e.sqlite_path[0] != '\0';
    enum recall result = file ? become_owner(e.sqlite_path, change, why) : become_user(s, why);

    *out = NULL;
    if (result != RECALL_DONE)
        return result;
    *out = memory_view_open(&s->memory, change, why, RECALL_TROUBLE_MAX);
    return *out != NULL ? RECALL_DONE : RECALL_FAILED;
}

static enum recall look(struct memory_view *v, const struct addr *client, struct memory_client *out,
                        char why[RECALL_TROUBLE_MAX])
{
    if (memory_view_client(v, client, (int64_t)time(NULL), out))
        return RECALL_DONE;
    snprintf(why, RECALL_TROUBLE_MAX, "%s", memory_view_trouble(v));
    return RECALL_FAILED;
}

enum recall recall_client(const struct settings *s, const struct addr *client,
                          struct memory_client *out, char why[RECALL_TROUBLE_MAX])
{
    struct memory_view *v;
    enum recall result = open_store(s, false, &v, why);

    memset(out, 0, sizeof *out);
    if (result == RECALL_DONE)
        result = look(v, client, out, why);
    memory_view_close(v);
    return result;
}

/* ---- text ---- */

static void put_day(struct sbuf *sb, int64_t at_s)
{
    time_t t = (time_t)at_s;
    struct tm tm;
    char text[40];

    if (gmtime_r(&t, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%d", &tm) > 0)
        sbuf_str(sb, text);
}

void recall_put_last_day(struct sbuf *sb, int64_t end_s)
{
    put_day(sb, end_s - 1);
}

static void put_time(struct sbuf *sb, int64_t at_s)
{
    char text[16];
    int64_t minute = at_s % 86400 / 60;

    put_day(sb, at_s);
    snprintf(text, sizeof text, " %02d:%02d UTC", (int)(minute / 60), (int)(minute % 60));
    sbuf_str(sb, text);
}

struct page {
    const struct term *t;
    char text[256];
    struct sbuf sb;
};

static struct sbuf *begin(struct page *p)
{
    sbuf_init(&p->sb, p->text, sizeof p->text);
    return &p->sb;
}

static void end(struct page *p)
{
    fputs("  ", p->t->out);
    term_wrap(p->t, p->text, 4, 2);
}

static void put_count(struct sbuf *sb, unsigned n, const char *one, const char *many)
{
    sbuf_uint(sb, n);
    sbuf_byte(sb, ' ');
    sbuf_str(sb, n == 1 ? one : many);
}

/* The network whose greylisted tries are kept together. */
static void put_network(struct sbuf *sb, const struct addr *client)
{
    struct addr net = *client;
    unsigned kept = client->family == ADDR_IPV4 ? 3 : 6;

    memset(net.bytes + kept, 0, sizeof net.bytes - kept);
    addr_put(sb, &net);
    sbuf_str(sb, client->family == ADDR_IPV4 ? "/24" : "/48");
}

static void print_known(struct page *p, const struct memory_client *c)
{
    struct sbuf *sb = begin(p);

    if (c->known_s != 0) {
        sbuf_str(sb, "known client, until ");
        recall_put_last_day(sb, c->known_end_s);
        sbuf_str(sb, ": its last message passed on ");
        put_day(sb, c->known_s);
    } else {
        sbuf_str(sb, "not a known client yet: its mail passed on one day, ");
        put_day(sb, c->seen_s);
        sbuf_str(sb, "; a message on another day, at the latest on ");
        recall_put_last_day(sb, c->seen_end_s);
        sbuf_str(sb, ", makes it known");
    }
    end(p);
}

static void print_greylist(struct page *p, const struct addr *client, const struct memory_client *c)
{
    struct sbuf *sb;

    if (c->waiting > 0) {
        sb = begin(p);
        put_count(sb, c->waiting, "greylisted try", "greylisted tries");
        sbuf_str(sb, " of ");
        put_network(sb, client);
        sbuf_str(sb, c->waiting == 1 ? ", kept until " : ", the last until ");
        put_time(sb, c->waiting_end_s);
        end(p);
    }
    if (c->passed > 0) {
        sb = begin(p);
        sbuf_str(sb, "passes the greylist with ");
        put_count(sb, c->passed, "sender domain", "sender domains");
        sbuf_str(sb, c->passed == 1 ? ", until " : ", the last until ");
        put_time(sb, c->passed_end_s);
        end(p);
    }
}

static bool nothing(const struct memory_client *c)
{
    return c->known_s == 0 && c->seen_s == 0 && c->waiting == 0 && c->passed == 0;
}

static void print_client(const struct term *t, const struct addr *client,
                         const struct memory_client *c, bool forgotten)
{
    struct page p = {.t = t};

    term_put(t, TONE_HEAD, ADDR_TEXT(client));
    fputs(nothing(c) ? ": nothing is remembered\n" : forgotten ? ": forgotten\n" : "\n", t->out);
    if (c->known_s != 0 || c->seen_s != 0)
        print_known(&p, c);
    print_greylist(&p, client, c);
}

static void print_counts(const struct term *t, const char *store, const struct memory_counts *c)
{
    fprintf(t->out, "%s\n", store);
    fprintf(t->out, "  known clients             %" PRIu64 "\n", c->known);
    fprintf(t->out, "  mail passed on one day    %" PRIu64 "\n", c->seen);
    fprintf(t->out, "  greylisted, waiting       %" PRIu64 "\n", c->waiting);
    fprintf(t->out, "  passed the greylist       %" PRIu64 "\n", c->passed);
}

/* ---- JSON ---- */

static json_t *json_day(int64_t end_s)
{
    char text[16];
    struct sbuf sb;

    if (end_s == 0)
        return json_null();
    sbuf_init(&sb, text, sizeof text);
    recall_put_last_day(&sb, end_s);
    return json_string(text);
}

static json_t *json_time(int64_t at_s)
{
    return at_s == 0 ? json_null() : json_integer((json_int_t)at_s);
}

static json_t *json_client(const struct addr *client, const struct memory_client *c)
{
    return json_pack("{s:o, s:o, s:o, s:i, s:o, s:i, s:o}", "client", json_addr(client),
                     "known_until", json_day(c->known_end_s), "seen_on",
                     json_day(c->seen_s == 0 ? 0 : c->seen_s + 1), "waiting", (int)c->waiting,
                     "waiting_until", json_time(c->waiting_end_s), "passed", (int)c->passed,
                     "passed_until", json_time(c->passed_end_s));
}

static json_t *json_counts(const char *store, const struct memory_counts *c)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I}", "store", store, "known", (json_int_t)c->known,
                     "seen", (json_int_t)c->seen, "waiting", (json_int_t)c->waiting, "passed",
                     (json_int_t)c->passed);
}

static void print_json(json_t *value)
{
    if (value != NULL && json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0)
        fputc('\n', stdout);
    json_decref(value);
}

/* ---- the command ---- */

static int unavailable(enum recall result, const char *why)
{
    fprintf(stderr, "iprev-check: memory: %s%s\n", why,
            result == RECALL_DENIED ? "; run this as root"
            : result == RECALL_NONE ? "; the daemon creates it when it starts"
                                    : "");
    return EX_TEMPFAIL;
}

static int count_all(struct memory_view *v, const char *store, bool json)
{
    struct memory_counts c;
    struct term t;

    if (!memory_view_count(v, &c))
        return unavailable(RECALL_FAILED, memory_view_trouble(v));
    term_init(&t, stdout);
    if (json)
        print_json(json_counts(store, &c));
    else
        print_counts(&t, store, &c);
    return 0;
}

static int one_client(struct memory_view *v, const struct addr *client, bool forget, bool json)
{
    char why[RECALL_TROUBLE_MAX];
    struct memory_client c;
    struct term t;

    if (look(v, client, &c, why) != RECALL_DONE)
        return unavailable(RECALL_FAILED, why);
    if (forget && !memory_view_forget(v, client))
        return unavailable(RECALL_FAILED, memory_view_trouble(v));
    term_init(&t, stdout);
    if (json)
        print_json(json_client(client, &c));
    else
        print_client(&t, client, &c, forget);
    return nothing(&c) ? EXIT_NOTHING : 0;
}

int recall(const struct settings *s, const struct addr *client, bool forget, bool json)
{
    char why[RECALL_TROUBLE_MAX];
    struct memory_view *v;
    enum recall result;
    int code;

    if (s->memory.store == NULL || s->memory.store[0] == '\0') {
        fputs("iprev-check: memory.store is not set: nothing is remembered\n", stderr);
        return EX_CONFIG;
    }
    result = open_store(s, forget, &v, why);
    if (result != RECALL_DONE)
        return unavailable(result, why);
    code =
        client != NULL ? one_client(v, client, forget, json) : count_all(v, s->memory.store, json);
    memory_view_close(v);
    return code;
}
