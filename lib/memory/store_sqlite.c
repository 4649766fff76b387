/* The store in a file of its own: SQLite in WAL mode.
 *
 * One connection works inside a transaction, which ends with each question: so nobody is put off
 * by a store that cannot keep it. Committing does not wait for the disk (synchronous = NORMAL), but
 * for about every 1,000th page, when the log goes into the file. No other connection does
 * that, nor one of iprev-check: before SQLite 3.51.3 two that write or move the log at the same
 * moment can damage the file.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "memory/advice.h"
#include "memory/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS     20         /* for a lock of another process, below the wait of a caller */
#define PATIENT_MS  5000       /* of iprev-check, beside a daemon that writes */
#define EXPIRE_MAX  250        /* entries of each table that expire in one second */
#define APPLICATION 0x49505256 /* "IPRV" */
#define SCHEMA      2
#define TEXT_(x)    #x
#define TEXT(x)     TEXT_(x)

/* Not results of SQLite here: see check_owner. */
#define NOT_OURS      SQLITE_MISMATCH
#define OTHER_VERSION SQLITE_SCHEMA

enum statement { GET, UPDATE, INSERT, FULL, OLDEST, DROP, TOTAL, OLDEST_OF_ALL, LIST, STATEMENTS };

/* "+at": by the primary key, not by the index over all ages. */
static const char *const sql[STATEMENTS] = {
    [GET] = "SELECT at FROM entry WHERE tab = ?1 AND grp = ?2 AND member = ?3",
    [UPDATE] = "UPDATE entry SET at = ?4 WHERE tab = ?1 AND grp = ?2 AND member = ?3",
    [INSERT] = "INSERT INTO entry (tab, grp, member, at) VALUES (?1, ?2, ?3, ?4)",
    [FULL] = "SELECT 1 FROM entry WHERE tab = ?1 AND grp = ?2 LIMIT 1 OFFSET ?4",
    [OLDEST] = "DELETE FROM entry WHERE tab = ?1 AND grp = ?2 AND member = (SELECT member FROM "
               "entry WHERE tab = ?1 AND grp = ?2 ORDER BY +at LIMIT 1)",
    [DROP] = "DELETE FROM entry WHERE tab = ?1 AND grp = ?2 AND member = ?3",
    [TOTAL] = "SELECT n FROM total WHERE tab = ?1",
    [OLDEST_OF_ALL] = "DELETE FROM entry WHERE tab = ?1 AND (grp, member) = (SELECT grp, member "
                      "FROM entry WHERE tab = ?1 AND at < ?2 ORDER BY at LIMIT 1)",
    [LIST] = "SELECT member, at FROM entry WHERE tab = ?1 AND grp = ?2 LIMIT ?4",
};

struct sqlite_store {
    struct store base;
    sqlite3 *db;
    sqlite3_stmt *stmt[STATEMENTS];
    char *path;
    enum store_use use;
    bool writing; /* inside a transaction */
};

static struct sqlite_store *of(struct store *s)
{
    return (struct sqlite_store *)s;
}

/* ---- errors ---- */

/* A damaged file is put aside, with its log, so that the next opening begins an empty one. */
static void put_aside(const char *path)
{
    static const char *const suffix[] = {"", "-wal", "-shm"};
    char from[4096], to[4096];
    size_t i;

    for (i = 0; i < sizeof suffix / sizeof *suffix; i++)
        if ((size_t)snprintf(from, sizeof from, "%s%s", path, suffix[i]) < sizeof from &&
            (size_t)snprintf(to, sizeof to, "%s.damaged%s", path, suffix[i]) < sizeof to)
            rename(from, to);
}

/* What to do, behind the reason. */
static const char *advice(int primary, int error)
{
    switch (primary) {
    case SQLITE_FULL:
        return ": free some space";
    case SQLITE_READONLY:
        return ": make the file and its directory writable for the user of iprev-milter";
    case SQLITE_BUSY:
        return ": another program is using it";
    case NOT_OURS:
        return ": set memory.store to another file";
    case OTHER_VERSION:
        return ": move it away to start empty";
    default:
        return memory_advice(error);
    }
}

/* What a result says, or errno of the call that failed below SQLite. */
static const char *reason(int rc, int error)
{
    if (rc == NOT_OURS)
        return "is a database of another program";
    if (rc == OTHER_VERSION)
        return "was made by another version of iprev-milter";
    return error != 0 ? strerror(error) : sqlite3_errstr(rc);
}

static enum store_result trouble(struct sqlite_store *s, int rc)
{
    int primary = rc & 0xff;
    bool system = primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR;
    int error = system && s->db != NULL ? sqlite3_system_errno(s->db) : 0;

    snprintf(s->base.trouble, sizeof s->base.trouble, "%s: %s%s", s->path, reason(rc, error),
             advice(primary, error));
    if ((primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) && s->use == STORE_SERVE) {
        snprintf(s->base.trouble, sizeof s->base.trouble,
                 "%s is damaged: kept as %s.damaged, starting empty", s->path, s->path);
        put_aside(s->path);
        s->base.put_aside = true;
    }
    return STORE_BROKEN;
}

/* ---- statements ---- */

static void bind_key(sqlite3_stmt *t, int at, const struct store_key *k)
{
    sqlite3_bind_int(t, at, (int)k->table);
    sqlite3_bind_blob(t, at + 1, k->group, k->group_len, SQLITE_STATIC);
    sqlite3_bind_blob(t, at + 2, k->member, k->member_len, SQLITE_STATIC);
}

/* Runs a statement to its end. *rows: how many rows it gave. */
static int run(sqlite3_stmt *t, unsigned *rows)
{
    unsigned n = 0;
    int rc;

    while ((rc = sqlite3_step(t)) == SQLITE_ROW)
        n++;
    if (rows != NULL)
        *rows = n;
    sqlite3_reset(t);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run_key(struct sqlite_store *s, enum statement which, const struct store_key *k,
                   unsigned *rows)
{
    bind_key(s->stmt[which], 1, k);
    return run(s->stmt[which], rows);
}

static enum store_result sqlite_get(struct store *base, const struct store_key *key, size_t n,
                                    int64_t at[])
{
    struct sqlite_store *s = of(base);
    sqlite3_stmt *t = s->stmt[GET];
    size_t i;
    int rc;

    for (i = 0; i < n; i++) {
        bind_key(t, 1, &key[i]);
        rc = sqlite3_step(t);
        at[i] = rc == SQLITE_ROW ? sqlite3_column_int64(t, 0) : STORE_ABSENT;
        sqlite3_reset(t);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            return trouble(s, rc);
    }
    return STORE_OK;
}

/* ---- writing ---- */

static int begin(struct sqlite_store *s)
{
    int rc = s->writing ? SQLITE_OK : sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    s->writing = s->writing || rc == SQLITE_OK;
    return rc;
}

static int commit(struct sqlite_store *s)
{
    int rc = s->writing ? sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) : SQLITE_OK;

    if (rc == SQLITE_OK)
        s->writing = false;
    return rc;
}

static enum store_result sqlite_keep(struct store *base)
{
    int rc = commit(of(base));

    return rc == SQLITE_OK ? STORE_OK : trouble(of(base), rc);
}

/* Drops the oldest entry of a table that is older than that. */
static int drop_oldest(struct sqlite_store *s, enum memory_table table, int64_t older_than)
{
    sqlite3_stmt *t = s->stmt[OLDEST_OF_ALL];

    sqlite3_bind_int(t, 1, (int)table);
    sqlite3_bind_int64(t, 2, older_than);
    return run(t, NULL);
}

/* Room for one more in its group. */
static int make_room(struct sqlite_store *s, const struct store_key *k)
{
    unsigned full;
    int rc;

    sqlite3_bind_int64(s->stmt[FULL], 4, (sqlite3_int64)s->base.bounds[k->table].group - 1);
    rc = run_key(s, FULL, k, &full);
    return rc == SQLITE_OK && full > 0 ? run_key(s, OLDEST, k, NULL) : rc;
}

static int count_table(struct sqlite_store *s, enum memory_table table, uint64_t *n)
{
    sqlite3_stmt *t = s->stmt[TOTAL];
    int rc;

    sqlite3_bind_int(t, 1, (int)table);
    rc = sqlite3_step(t);
    *n = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(t, 0) : 0;
    sqlite3_reset(t);
    return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int insert(struct sqlite_store *s, const struct store_key *k, int64_t at)
{
    const struct store_bounds *b = &s->base.bounds[k->table];
    uint64_t n;
    int rc = make_room(s, k);

    if (rc == SQLITE_OK)
        rc = count_table(s, k->table, &n);
    if (rc != SQLITE_OK || (n >= b->total && !b->oldest_goes))
        return rc;
    if (n >= b->total)
        rc = drop_oldest(s, k->table, INT64_MAX);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(s->stmt[INSERT], 4, at);
    return run_key(s, INSERT, k, NULL);
}

static enum store_result sqlite_put(struct store *base, const struct store_key *key, int64_t at,
                                    int64_t now)
{
    struct sqlite_store *s = of(base);
    int rc = begin(s);

    (void)now;
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(s->stmt[UPDATE], 4, at);
        rc = run_key(s, UPDATE, key, NULL);
        if (rc == SQLITE_OK && sqlite3_changes(s->db) == 0)
            rc = insert(s, key, at);
    }
    return rc == SQLITE_OK ? STORE_OK : trouble(s, rc);
}

static enum store_result sqlite_drop(struct store *base, const struct store_key *key)
{
    struct sqlite_store *s = of(base);
    int rc = begin(s);

    if (rc == SQLITE_OK)
        rc = run_key(s, DROP, key, NULL);
    return rc == SQLITE_OK ? STORE_OK : trouble(s, rc);
}

/* ---- once a second ---- */

static int expire_table(struct sqlite_store *s, enum memory_table table, int64_t now_s)
{
    const struct store_bounds *b = &s->base.bounds[table];
    int n, rc = SQLITE_OK;

    for (n = 0; n < EXPIRE_MAX && rc == SQLITE_OK; n++) {
        rc = drop_oldest(s, table, now_s / b->unit_s - b->lifetime);
        if (sqlite3_changes(s->db) == 0)
            break;
    }
    return rc;
}

static int expire(struct sqlite_store *s, int64_t now_s)
{
    int i, rc = begin(s);

    for (i = 0; i < TABLES && rc == SQLITE_OK; i++)
        rc = expire_table(s, (enum memory_table)i, now_s);
    return rc == SQLITE_OK ? commit(s) : rc;
}

static enum store_result sqlite_tick(struct store *base, int64_t now_s)
{
    struct sqlite_store *s = of(base);
    int moved = 0, rc = now_s > 0 ? expire(s, now_s) : SQLITE_OK;

    if (rc != SQLITE_OK)
        return trouble(s, rc);
    /* Writes to a file that was removed succeed, and go nowhere. */
    if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved) {
        snprintf(base->trouble, sizeof base->trouble, "%s was removed or replaced: starting empty",
                 s->path);
        return STORE_BROKEN;
    }
    return STORE_OK;
}

static enum store_result sqlite_count(struct store *base, struct store_counts *out)
{
    struct sqlite_store *s = of(base);
    int i, rc = SQLITE_OK;

    for (i = 0; i < TABLES && rc == SQLITE_OK; i++)
        rc = count_table(s, (enum memory_table)i, &out->entries[i]);
    return rc == SQLITE_OK ? STORE_OK : trouble(s, rc);
}

static void take_column(uint8_t out[STORE_OCTETS_MAX], uint8_t *len, sqlite3_stmt *t, int column)
{
    int n = sqlite3_column_bytes(t, column);

    *len = (uint8_t)(n <= STORE_OCTETS_MAX ? n : STORE_OCTETS_MAX);
    if (*len > 0)
        memcpy(out, sqlite3_column_blob(t, column), *len);
}

static enum store_result sqlite_list(struct store *base, const struct store_key *group,
                                     struct store_entry out[], size_t max, size_t *n)
{
    struct sqlite_store *s = of(base);
    sqlite3_stmt *t = s->stmt[LIST];
    int rc;

    bind_key(t, 1, group);
    sqlite3_bind_int64(t, 4, (sqlite3_int64)max);
    for (*n = 0; (rc = sqlite3_step(t)) == SQLITE_ROW && *n < max; (*n)++) {
        out[*n].key = *group;
        take_column(out[*n].key.member, &out[*n].key.member_len, t, 0);
        out[*n].at = sqlite3_column_int64(t, 1);
    }
    sqlite3_reset(t);
    return rc == SQLITE_DONE ? STORE_OK : trouble(s, rc);
}

static void sqlite_close(struct store *base)
{
    struct sqlite_store *s = of(base);
    size_t i;

    if (s->db != NULL)
        commit(s);
    for (i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->stmt[i]);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

/* ---- opening ---- */

static const struct store_kind sqlite_kind = {sqlite_get,  sqlite_put,   sqlite_drop, sqlite_keep,
                                              sqlite_tick, sqlite_count, sqlite_list, sqlite_close};

/* The file with 0600 before SQLite sees it: it gives the same mode to its log. The directory
 * is made when only its last part is missing. */
static bool make_file(const char *path, char *err, size_t errlen)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    int fd;

    if (slash != NULL && slash != path && (size_t)(slash - path) < sizeof dir) {
        memcpy(dir, path, (size_t)(slash - path));
        dir[slash - path] = '\0';
        if (mkdir(dir, 0700) != 0 && errno != EEXIST)
            return snprintf(err, errlen, "%s: %s%s", dir, strerror(errno), memory_advice(errno)),
                   false;
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST || access(path, R_OK | W_OK) != 0)
        return snprintf(err, errlen, "%s: %s%s", path, strerror(errno), memory_advice(errno)),
               false;
    return true;
}

static int prepare(struct sqlite_store *s)
{
    int i, rc = SQLITE_OK;

    for (i = 0; i < STATEMENTS && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL);
    return rc;
}

/* Is it ours, or still empty? The database of another program is left alone. */
static int check_owner(struct sqlite_store *s)
{
    static const char query[] =
        "SELECT application_id, user_version, EXISTS (SELECT 1 FROM sqlite_master) "
        "FROM pragma_application_id, pragma_user_version";
    sqlite3_stmt *t;
    bool ours, empty;
    int rc = sqlite3_prepare_v2(s->db, query, -1, &t, NULL);

    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(t);
    if (rc == SQLITE_ROW) {
        ours = sqlite3_column_int(t, 0) == APPLICATION;
        empty = sqlite3_column_int(t, 0) == 0 && sqlite3_column_int(t, 2) == 0;
        if (ours)
            rc = sqlite3_column_int(t, 1) == SCHEMA ? SQLITE_OK : OTHER_VERSION;
        else
            rc = empty && s->use == STORE_SERVE ? SQLITE_OK : NOT_OURS;
    }
    sqlite3_finalize(t);
    return rc;
}

static int set_up(struct sqlite_store *s)
{
    static const char *const pragma =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
        "PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -256;"
        "BEGIN; CREATE TABLE IF NOT EXISTS entry (tab INTEGER NOT NULL, grp BLOB NOT NULL, "
        "member BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (tab, grp, member)) WITHOUT ROWID;"
        "CREATE INDEX IF NOT EXISTS age ON entry (tab, at);"
        "CREATE TABLE IF NOT EXISTS total (tab INTEGER PRIMARY KEY, n INTEGER NOT NULL);"
        "INSERT OR IGNORE INTO total VALUES (0, 0), (1, 0), (2, 0), (3, 0);"
        "CREATE TRIGGER IF NOT EXISTS came AFTER INSERT ON entry "
        "BEGIN UPDATE total SET n = n + 1 WHERE tab = NEW.tab; END;"
        "CREATE TRIGGER IF NOT EXISTS went AFTER DELETE ON entry "
        "BEGIN UPDATE total SET n = n - 1 WHERE tab = OLD.tab; END;"
        "PRAGMA application_id = " TEXT(APPLICATION) "; PRAGMA user_version = " TEXT(
            SCHEMA) "; COMMIT;";
    int rc;

    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, s->use == STORE_SERVE ? BUSY_MS : PATIENT_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (s->use != STORE_SERVE) { /* the daemon alone moves the log into the file */
        sqlite3_wal_autocheckpoint(s->db, 0);
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    rc = check_owner(s);
    if (rc == SQLITE_OK && s->use == STORE_SERVE)
        rc = sqlite3_exec(s->db, pragma, NULL, NULL, NULL);
    return rc == SQLITE_OK ? prepare(s) : rc;
}

struct store *store_open_sqlite(const char *path, enum store_use use, char *err, size_t errlen)
{
    struct sqlite_store *s;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                (use == STORE_LOOK ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    int rc;

    if (use == STORE_SERVE && !make_file(path, err, errlen))
        return NULL;
    s = calloc(1, sizeof *s);
    if (s == NULL || (s->path = strdup(path)) == NULL) {
        free(s);
        return snprintf(err, errlen, "out of memory"), NULL;
    }
    s->base.kind = &sqlite_kind;
    s->use = use;
    rc = sqlite3_open_v2(path, &s->db, flags, NULL);
    if (rc == SQLITE_OK)
        rc = set_up(s);
    if (rc != SQLITE_OK) {
        trouble(s, rc);
        snprintf(err, errlen, "%s", s->base.trouble);
        sqlite_close(&s->base);
        return NULL;
    }
    return &s->base;
}
