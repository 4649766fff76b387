/* session: what is remembered of clients decides, and what of a session is remembered.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "tests/unit/memory/memory_shared.h"
#include "tests/unit/milter/session_shared.h"

#include <malloc.h>
#include <sys/stat.h>
#include <time.h>

#define NAMELESS "192.0.2.3" /* no PTR: the greylist puts it off */
#define FORGED   "192.0.2.2" /* refused, unless it is known */

/* The first %s is more configuration, the second the store. */
static const char conf[] =
    "%s\nreject-at = \"rcpt\" builtin-rules = false rules: {\n"
    "known: { when = [\"iprev-fail\", \"client-known\"] action = \"tag\" };\n"
    "forged: { when = [\"iprev-fail\", \"!client-known\"] action = \"reject\" };\n"
    "suspects: { when = [\"iprev-permerror\", \"!client-known\"] action = \"greylist\" }; };\n"
    "memory: { store = \"%s\" greylist-delay-seconds = 1 %s };";

#define ENFORCE "mode = \"enforce\""

/* Until its thread has opened the store. */
static void wait_for_store(void)
{
    struct snapshot *s = snapshot_take();
    const struct addr nobody = client_of("203.0.113.250");
    unsigned i;

    for (i = 0; i < 600; i++) {
        if (memory_client(s->memory, &nobody, MEMORY_WAIT_MS) != MEMORY_KNOWN_UNAVAILABLE)
            break;
        sleep_ms(50);
    }
    cr_assert(i < 600, "the store does not answer");
    snapshot_release(s);
}

static void begin(struct world *w, struct place *p, const char *more)
{
    char text[1024];

    world_deadline = 5000;
    place_make(p, false);
    snprintf(text, sizeof text, conf, more, p->text, "");
    world_begin(w, text);
    wait_for_store();
}

static void end(struct world *w, struct place *p)
{
    world_end(w);
    cr_expect(memory_wait_ended(10000));
    place_remove(p);
}

/* How many entries the store has; the snapshot is gone then. */
static uint64_t left(struct place *p, unsigned table)
{
    struct store *s;
    struct store_counts n = {{0}};

    snapshot_put(NULL);
    cr_assert(memory_wait_ended(10000));
    s = place_open(p);
    cr_expect_eq(s->kind->count(s, &n), STORE_OK);
    s->kind->close(s);
    return n.entries[table];
}

/* Has sent mail yesterday and today. */
static void make_known(struct place *p, const char *client)
{
    struct store *s = place_open(p);
    const struct addr a = client_of(client);
    int64_t now = (int64_t)time(NULL);

    cr_assert_eq(ledger_note(s, &a, now - LEDGER_DAY_S), STORE_OK);
    cr_assert_eq(ledger_note(s, &a, now), STORE_OK);
    s->kind->close(s);
}

static struct session *greeted(const char *client)
{
    struct session *s = connected(client);

    session_helo(s, "mail.elsewhere.example");
    return s;
}

/* MAIL and its recipients, up to a NULL; the codes of the replies, 250 for one that is taken. */
static void envelope(struct session *s, const char *sender, const char *const *to, unsigned *code)
{
    struct outcome o;

    session_mail(s, false);
    session_sender(s, sender);
    session_decide(s, STAGE_MAIL, NULL, "Q1", &o);
    cr_expect(!o.refuse);
    for (; *to != NULL; to++, code++) {
        session_decide(s, STAGE_RCPT, *to, "Q1", &o);
        *code = o.refuse ? o.reply.code : 250;
    }
}

#define USER  "<user@example.org>"
#define OTHER "<other@example.org>"
#define POST  "<postmaster@example.org>"

/* ---- the greylist ---- */

/* One after the other, of the same store. Where a code at RCPT is 250, the message is sent. */
static const struct step {
    unsigned pause_ms;
    const char *sender;
    const char *to[3];
    unsigned code[2], end; /* at RCPT, and at the end of the message */
    const char *told;      /* in the log; NULL: nothing of memory is */
    const char *field;     /* in X-IPRev, where the message is taken */
} steps[] = {
    {0, "<a@one.example>", {USER}, {451}, 0, " memory=new", NULL},
    {0, "<a@one.example>", {USER}, {451}, 0, " memory=early", NULL},
    {1100, "<a@one.example>", {USER}, {250}, 250, " memory=passed", "rule=suspects; action=tag"},
    {0, "<a@one.example>", {OTHER}, {250}, 250, " memory=passed", "rule=suspects; action=tag"},
    {0, "<a@two.example>", {USER, OTHER}, {451, 451}, 0, " memory=new", NULL},
    {0, "<a@two.example>", {POST}, {250}, 250, NULL, "rule=exempt.recipients; action=accept"},
    {0, "<a@three.example>", {POST}, {250}, 250, NULL, "rule=exempt.recipients; action=accept"},
    {0, "<>", {USER, OTHER}, {250, 250}, 451, " memory=new", NULL},
    {0, "<>", {USER}, {250}, 451, " memory=early", NULL},
    {0, "<>", {OTHER}, {250}, 451, " memory=new", NULL},
    {0, "<>", {USER, POST}, {250, 250}, 250, NULL, "rule=exempt.recipients; action=accept"},
    {1100, "<>", {USER}, {250}, 250, " memory=passed", "rule=suspects; action=tag"},
};

static void take_step(const struct step *t, size_t i)
{
    struct session *s = greeted(NAMELESS);
    struct captured c;
    struct message m;
    unsigned code[3] = {0};
    size_t k;

    sleep_ms(t->pause_ms);
    capture_begin(&c);
    envelope(s, t->sender, t->to, code);
    for (k = 0; k < 2 && t->to[k] != NULL; k++)
        cr_expect_eq(code[k], t->code[k], "%zu: %u to %s", i, code[k], t->to[k]);
    if (t->end != 0) {
        session_eom(s, "Q1", &m);
        cr_expect_eq(m.outcome.refuse ? m.outcome.reply.code : 250, t->end, "%zu", i);
        cr_expect(t->field == NULL || has_text(m.x_iprev_value, t->field), "%zu: %s", i,
                  m.x_iprev_value);
    }
    capture_end(&c);
    cr_expect_eq(has_text(c.text, " memory="), t->told != NULL, "%zu: %s", i, c.text);
    cr_expect(t->told == NULL || has_text(c.text, t->told), "%zu: %s", i, c.text);
    cr_expect(strchr(c.text, '\n') == NULL || strchr(c.text, '\n')[1] == '\0',
              "%zu: each decision is told once: %s", i, c.text);
    session_free(s);
}

Test(session_memory, greylist)
{
    struct world w;
    struct place p;
    size_t i;
    uint64_t n;

    begin(&w, &p, ENFORCE);
    for (i = 0; i < sizeof steps / sizeof steps[0]; i++)
        take_step(&steps[i], i);
    n = left(&p, TABLE_WAITING);
    cr_expect_eq(n, 4, "two.example and the null sender, twice each: %ju", (uintmax_t)n);
    end(&w, &p);
}

/* A probe of a sender's address goes away behind RCPT. However many recipients a message has, and
 * however often it comes, the session keeps nothing of it. */
Test(session_memory, callouts_cost_no_memory)
{
    static const char *const to[] = {USER, OTHER, USER, OTHER, NULL};
    struct mallinfo2 before, after;
    unsigned code[4], i;
    struct session *s;
    struct world w;
    struct place p;

    begin(&w, &p, ENFORCE);
    s = greeted(NAMELESS);
    envelope(s, "<>", to, code);
    session_reset(s);
    before = mallinfo2();
    for (i = 0; i < 500; i++) {
        envelope(s, "<>", to, code);
        session_reset(s);
    }
    after = mallinfo2();
    cr_expect(after.uordblks < before.uordblks + 8192, "%zu octets",
              after.uordblks - before.uordblks);
    envelope(s, "<>", to, code);
    session_free(s);
    for (i = 0; i < 500; i++) {
        s = greeted(NAMELESS);
        envelope(s, "<>", to, code);
        session_free(s);
    }
    after = mallinfo2();
    cr_expect(after.uordblks < before.uordblks + 8192, "%zu octets",
              after.uordblks - before.uordblks);
    cr_expect_eq(left(&p, TABLE_WAITING), 0);
    end(&w, &p);
}

/* The page of metrics as one text. */
static char *page(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    metrics_put_page(f);
    fclose(f);
    return text;
}

static uint64_t figure(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    cr_assert(at != NULL, "no %s in %s", name, text);
    return strtoull(at + strlen(name), NULL, 10);
}

/* Each bound has its line, and none counts less than the one before. */
static void check_waits(const char *text, uint64_t all)
{
    static const char *const le[] = {"0.0001", "0.00025", "0.001", "0.005",
                                     "0.01",   "0.025",   "0.05",  "+Inf"};
    uint64_t before = 0, n = 0;
    char name[80];
    size_t i;

    for (i = 0; i < sizeof le / sizeof le[0]; i++) {
        snprintf(name, sizeof name, "\niprev_memory_seconds_bucket{le=\"%s\"} ", le[i]);
        n = figure(text, name);
        cr_expect_geq(n, before, "%s", le[i]);
        before = n;
    }
    cr_expect_eq(n, all);
    cr_expect_eq(figure(text, "\niprev_memory_seconds_count "), all);
}

Test(session_memory, told_on_the_page_of_metrics)
{
    static const struct {
        const char *line;
        unsigned n;
    } row[] = {
        {"\niprev_greylist_total{outcome=\"new\"} ", 2},
        {"\niprev_greylist_total{outcome=\"early\"} ", 1},
        {"\niprev_greylist_total{outcome=\"passed\"} ", 0},
        {"\niprev_greylist_total{outcome=\"unavailable\"} ", 0},
        {"\niprev_known_total{outcome=\"known\"} ", 0},
        {"\niprev_memory_up ", 1},
        {"\niprev_settings_info{mode=\"enforce\",rules=\"known, forged, suspects\","
         "name_servers=\"127.0.0.1@9\"} ",
         1},
    };
    static const char *const to[] = {USER, OTHER, USER, NULL};
    unsigned code[3];
    struct session *s;
    struct world w;
    struct place p;
    uint64_t all;
    char *text;
    size_t i;

    begin(&w, &p, ENFORCE);
    s = greeted(NAMELESS);
    envelope(s, "<a@one.example>", to, code);
    session_free(s);
    text = page();
    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_expect_eq(figure(text, row[i].line), row[i].n, "%s: %s", row[i].line, text);
    all = figure(text, "\niprev_known_total{outcome=\"unknown\"} ");
    cr_expect_geq(all, 2, "that the store was waited for, and the client, once for its message");
    all += figure(text, "\niprev_known_total{outcome=\"unavailable\"} ");
    check_waits(text, all + 3);
    free(text);
    snapshot_put(NULL);
    text = page();
    cr_expect(!has_text(text, "iprev_memory") && !has_text(text, "iprev_greylist"), "%s", text);
    free(text);
    end(&w, &p);
}

/* Where nothing is refused, the greylist is only looked at. */
Test(session_memory, only_looked_at)
{
    static const char *const row[] = {"mode = \"monitor\"",
                                      "mode = \"monitor\" exempt: { recipients = []; };"};
    static const char *const to[] = {USER, NULL};
    unsigned code[1], i;

    for (i = 0; i < 2; i++) {
        struct captured c;
        struct session *s;
        struct message m;
        struct world w;
        struct place p;

        begin(&w, &p, row[i]);
        s = greeted(NAMELESS);
        capture_begin(&c);
        envelope(s, "<a@one.example>", to, code);
        session_eom(s, "Q1", &m);
        capture_end(&c);
        cr_expect(code[0] == 250 && !m.outcome.refuse);
        cr_expect(has_text(m.x_iprev_value, "rule=suspects; action=greylist"), "%s",
                  m.x_iprev_value);
        cr_expect(has_text(c.text, " memory=new"), "%s", c.text);
        session_free(s);
        cr_expect_eq(left(&p, TABLE_WAITING), 0);
        end(&w, &p);
    }
}

/* ---- known clients ---- */

Test(session_memory, a_known_client_is_not_refused)
{
    static const char *const to[] = {USER, OTHER, NULL};
    unsigned known, code[2];

    for (known = 0; known < 2; known++) {
        struct captured c;
        struct session *s;
        struct message m;
        struct world w;
        struct place p;

        begin(&w, &p, ENFORCE);
        if (known)
            make_known(&p, FORGED);
        s = greeted(FORGED);
        capture_begin(&c);
        envelope(s, "<a@one.example>", to, code);
        if (known)
            session_eom(s, "Q1", &m);
        capture_end(&c);
        cr_expect_eq(code[0], known ? 250 : 550);
        cr_expect_eq(code[1], known ? 250 : 550);
        cr_expect(!known || has_text(m.x_iprev_value, "rule=known; action=tag"), "%s",
                  m.x_iprev_value);
        cr_expect(has_text(c.text, known ? " memory=known" : "rule=forged"), "%s", c.text);
        cr_expect_eq(has_text(c.text, " memory="), known, "%s", c.text);
        session_free(s);
        end(&w, &p);
    }
}

/* Who becomes known: mail that nothing but the rules let through, with a name of its own. */
Test(session_memory, whose_mail_is_noted)
{
    static const struct {
        const char *more, *client, *helo, *to;
        bool authenticated, noted;
        const char *why;
    } row[] = {
        {ENFORCE, "192.0.2.1", "mail.good.example", USER, false, true, "a good client"},
        {"mode = \"monitor\"", "192.0.2.1", "mail.good.example", USER, false, true,
         "nothing is refused, but who comes is learnt"},
        {ENFORCE, "192.0.2.4", "host-192-0-2-4.pool.example", USER, false, false,
         "its name is machine-made"},
        {ENFORCE, NAMELESS, "mail.good.example", USER, false, false, "no name"},
        {"mode = \"monitor\"", FORGED, "mail.good.example", USER, false, false, "a forged one"},
        {ENFORCE, "192.0.2.1", "mail.good.example", USER, true, false,
         "a customer, by whatever host"},
        {ENFORCE " exempt: { hosts = [\"mail.good.example\"]; };", "192.0.2.1", "mail.good.example",
         USER, false, false, "let through by a list"},
        {ENFORCE " trusted-relays = [\"192.0.2.1\"];", "192.0.2.1", "mail.good.example", USER,
         false, false, "a relay: it is not the client"},
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct outcome o;
        struct session *s;
        struct message m;
        struct world w;
        struct place p;

        begin(&w, &p, row[i].more);
        s = connected(row[i].client);
        session_helo(s, row[i].helo);
        session_mail(s, row[i].authenticated);
        session_sender(s, "<a@one.example>");
        session_decide(s, STAGE_MAIL, NULL, "Q1", &o);
        session_decide(s, STAGE_RCPT, row[i].to, "Q1", &o);
        if (!o.refuse)
            session_eom(s, "Q1", &m);
        session_free(s);
        cr_expect_eq(left(&p, TABLE_SEEN), row[i].noted, "%s", row[i].why);
        end(&w, &p);
    }
}

/* ---- a store that does not answer ---- */

/* Takes connections, and says nothing. */
static int silent_server(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(fd, 100) == 0);
    return fd;
}

/* However many recipients it has, a message waits for a silent store once, and passes. */
Test(session_memory, a_message_waits_once_for_a_silent_store)
{
    static const char *const to[] = {USER, OTHER, NULL};
    char text[1400], path[80], more[160];
    struct memory_stats stats;
    struct snapshot *now;
    struct captured c;
    struct session *s;
    struct message m;
    struct world w;
    struct place p;
    unsigned code[2];
    FILE *key;
    int fd;

    world_deadline = 5000;
    place_make(&p, false);
    snprintf(path, sizeof path, "%s/sock", p.dir);
    fd = silent_server(path);
    snprintf(p.text, sizeof p.text, "redis+unix:%s", path);
    snprintf(path, sizeof path, "%s/key", p.dir);
    key = fopen(path, "w");
    cr_assert(key != NULL && fputs("00112233445566778899aabbccddeeff\n", key) >= 0);
    fclose(key);
    chmod(path, 0600);
    snprintf(more, sizeof more, "key-file = \"%s\"", path);
    snprintf(text, sizeof text, conf, ENFORCE, p.text, more);
    world_begin(&w, text);
    s = greeted(NAMELESS);
    capture_begin(&c);
    envelope(s, "<a@one.example>", to, code);
    session_eom(s, "Q1", &m);
    capture_end(&c);
    cr_expect(code[0] == 250 && code[1] == 250 && !m.outcome.refuse, "%u %u", code[0], code[1]);
    cr_expect(has_text(c.text, " memory=unavailable"), "%s", c.text);
    now = snapshot_take();
    memory_stats(now->memory, &stats);
    snapshot_release(now);
    cr_expect_eq(stats.bucket[MEMORY_BUCKETS - 1] + stats.bucket[MEMORY_BUCKETS], 1, "%ju %ju",
                 (uintmax_t)stats.bucket[MEMORY_BUCKETS - 1],
                 (uintmax_t)stats.bucket[MEMORY_BUCKETS]);
    session_free(s);
    close(fd);
    end(&w, &p);
}
