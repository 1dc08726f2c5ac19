/* migrate, grants: the schema is applied once, in order, by one at a time; and each
 * program's database user may do what its program needs. */
#include "core/strbuf.h"
#include "core/xalloc.h"
#include "crypto/digest.h"
#include "database.h"
#include "scratch.h"
#include "store/account_tokens.h"
#include "store/db_priv.h"
#include "store/events.h"
#include "store/health.h"
#include "store/jobs.h"
#include "store/limits.h"
#include "store/media.h"
#include "store/migrate.h"
#include "store/notifications.h"
#include "store/publishers.h"
#include "store/stmt.h"
#include "store/tasks.h"
#include "store/uploads.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct db *db;
static struct err err;
static char dir[SCRATCH_SIZE];
static char applied[512]; /* names, each with a space behind it */
static char scratch[64];  /* the database that files are applied to */

static void note(void *ctx UNUSED, const char *name)
{
    (void)strncat(applied, name, sizeof(applied) - strlen(applied) - 2);
    (void)strncat(applied, " ", sizeof(applied) - strlen(applied) - 1);
}

static const struct migrate plan = {.dir = dir, .digest = digest_sha256, .applied = note};

static void put(const char *name, const char *sql)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(sql, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void take_away(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(unlink(path), 0);
}

/* A connection of its own, to an empty database beside the program's. */
static struct db *open_scratch(void)
{
    char url[1024];
    const char *mine = database_url(NULL, NULL);
    const char *slash = strstr(mine, "/t_");
    struct db *other = NULL;

    (void)snprintf(url, sizeof(url), "%.*s/%s%s", (int)(slash - mine), mine, scratch,
                   strchr(slash, '?'));
    ck_assert_int_eq(db_new(url, &other, &err), RC_OK);
    (void)database_patient(other);
    return other;
}

static void setup(void)
{
    struct db *admin = database_open();

    (void)snprintf(scratch, sizeof(scratch), "s_%ld", (long)getpid());
    database_run(admin, "CREATE DATABASE %s", scratch);
    db_free(admin);
    scratch_make(dir);
    db = open_scratch();
    put("0001_first.sql",
        "-- A comment; with a semicolon.\n"
        "CREATE TABLE IF NOT EXISTS connection_check (id INT PRIMARY KEY, n INT); # "
        "more;\n"
        "INSERT IGNORE INTO connection_check VALUES (1, 1);\n"
        "/* and ; another */ ;;\n"
        "CREATE TABLE IF NOT EXISTS a (t VARCHAR(30), `odd;name` INT);\n"
        "INSERT INTO a (t) VALUES ('it''s; \\'quoted'), (\"-- not a comment;\")");
}

static void teardown(void)
{
    struct db *admin = database_open();

    db_free(db);
    database_run(admin, "DROP DATABASE %s", scratch);
    db_free(admin);
    scratch_remove(dir);
}

static enum rc run(void)
{
    applied[0] = '\0';
    return migrate_run(db, &plan, &err);
}

START_TEST(files_are_applied_once_in_the_order_of_their_numbers)
{
    size_t n = 99;

    put("0003_third.sql", "INSERT INTO a (t) VALUES ('third')");
    put("0002_second.sql", "ALTER TABLE a ADD COLUMN n INT");
    put("README", "not SQL");
    ck_assert_int_eq(migrate_pending(db, &plan, &n, &err), RC_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_str_eq(applied, "0001_first.sql 0002_second.sql 0003_third.sql ");
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_str_eq(applied, "");
    ck_assert_int_eq(migrate_pending(db, &plan, &n, &err), RC_OK);
    ck_assert_uint_eq(n, 0);
    ck_assert_str_eq(database_text(db, "SELECT GROUP_CONCAT(t ORDER BY t) FROM a"),
                     "-- not a comment;,it's; 'quoted,third");
    put("0004_fourth.sql", "INSERT INTO a (t) VALUES ('4')");
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_str_eq(applied, "0004_fourth.sql ");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM schema_version"
                                         " WHERE applied_at > 1700000000000"),
                     4);
}
END_TEST

START_TEST(a_released_file_that_was_changed_is_refused_by_name)
{
    size_t n = 0;

    ck_assert_int_eq(run(), RC_OK);
    put("0001_first.sql", "SELECT 1");
    put("0002_second.sql", "CREATE TABLE b (n INT)");
    ck_assert_int_eq(run(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "schema_changed");
    ck_assert_ptr_nonnull(strstr(err.msg, "0001_first.sql"));
    ck_assert_int_eq(migrate_pending(db, &plan, &n, &err), RC_CONFLICT);
    ck_assert_str_eq(applied, "");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM information_schema.tables"
                                         " WHERE table_schema = DATABASE()"
                                         " AND table_name = 'b'"),
                     0);
}
END_TEST

START_TEST(a_renamed_file_is_refused_too)
{
    char from[256], to[256];

    ck_assert_int_eq(run(), RC_OK);
    (void)snprintf(from, sizeof(from), "%s/0001_first.sql", dir);
    (void)snprintf(to, sizeof(to), "%s/0001_other.sql", dir);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(run(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "schema_changed");
}
END_TEST

START_TEST(a_database_that_knows_more_is_refused)
{
    put("0002_second.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_OK);
    take_away("0002_second.sql");
    ck_assert_int_eq(run(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "schema_newer");
    ck_assert_ptr_nonnull(strstr(err.msg, "0002_second.sql"));
}
END_TEST

START_TEST(a_file_that_comes_late_is_refused)
{
    put("0003_third.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_OK);
    put("0002_second.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "schema_order");
}
END_TEST

START_TEST(names_and_numbers_that_are_not_proper_are_refused)
{
    static const char *const bad[] = {"1_x.sql",       "0002-x.sql", "0002_X.sql",
                                      "0000_zero.sql", "x.sql",      "0002_.sql",
                                      "0002_a b.sql"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        put(bad[i], "SET @a = 1");
        ck_assert_msg(run() == RC_INVALID, "%s", bad[i]);
        take_away(bad[i]);
    }
    put("0001_again.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_INVALID);
    ck_assert_str_eq(err.code, "migration_number");
}
END_TEST

START_TEST(a_file_that_fails_is_named_and_run_again)
{
    put("0002_second.sql",
        "CREATE TABLE IF NOT EXISTS b (n INT); INSERT INTO missing VALUES (1)");
    put("0003_third.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_REJECTED);
    ck_assert_str_eq(err.code, "migration_failed");
    ck_assert_ptr_nonnull(strstr(err.msg, "0002_second.sql: "));
    ck_assert_ptr_nonnull(strstr(err.msg, "missing"));
    ck_assert_str_eq(applied, "0001_first.sql ");
    put("0002_second.sql", "CREATE TABLE IF NOT EXISTS b (n INT)");
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_str_eq(applied, "0002_second.sql 0003_third.sql ");
}
END_TEST

START_TEST(two_at_once_take_turns)
{
    int status = 0;
    pid_t child;

    /* Not to be repeated: the second of two that overlap would fail. */
    put("0002_second.sql", "DO SLEEP(0.5); CREATE TABLE once (n INT)");
    child = fork();
    if (child == 0) {
        struct db *mine = open_scratch();
        enum rc rc = migrate_run(mine, &plan, &err);

        db_free(mine);
        _exit(rc == RC_OK ? 0 : 1);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM schema_version"), 2);
}
END_TEST

START_TEST(the_programs_own_schema_can_be_applied_twice)
{
    const struct migrate ours = {.dir = "schema", .digest = digest_sha256};
    struct db *mine = database_open();

    ck_assert_int_eq(migrate_run(mine, &ours, &err), RC_OK);
    /* As after a run that was cut off before it could be noted. */
    database_run(mine, "DELETE FROM schema_version");
    ck_assert_int_eq(migrate_run(mine, &ours, &err), RC_OK);
    ck_assert_int_gt(database_number(mine, "SELECT COUNT(*) FROM schema_version"), 3);
    db_free(mine);
}
END_TEST

/* --- users -------------------------------------------------------------------------- */

static struct db *mine; /* an administrator in the program's database */

static struct db *as(const char *user)
{
    struct db *d = NULL;

    ck_assert_int_eq(db_new(database_url(user, "a-password"), &d, &err), RC_OK);
    (void)database_patient(d);
    return d;
}

static bool may(struct db *d, const char *sql)
{
    enum rc rc = db_exec_once(d, sql, SQL_NONE, NULL, &err);

    if (rc == RC_OK)
        return true;
    ck_assert_msg(rc == RC_BUG && strstr(err.msg, "denied") != NULL, "%s: %s", sql,
                  err.msg);
    return false;
}

static void make_users(void)
{
    static const char *const names[] = {"tts_api", "tts_publisher", "tts_media"};
    size_t n = 0;

    mine = database_open();
    database_take_users(mine);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_int_eq(grants_user(mine, names[i], "localhost", "a-password", &err),
                         RC_OK);
    ck_assert_int_eq(grants_renew(mine, &n, &err), RC_OK);
    ck_assert_uint_eq(n, ARRAY_LEN(names));
}

static void drop_users(void)
{
    database_run(mine, "DROP USER tts_api@localhost, tts_publisher@localhost,"
                       " tts_media@localhost");
    db_free(mine);
}

START_TEST(each_program_may_do_what_it_needs_and_no_more)
{
    static const struct {
        const char *user, *sql;
        bool may;
    } rows[] = {
        {"tts_api", "SELECT access_tok FROM account_token", false},
        {"tts_api", "SELECT account_id FROM account_token", false},
        {"tts_api", "UPDATE account_token SET tok_ver = 1 WHERE 0", false},
        {"tts_api", "DELETE FROM account_token WHERE 0", false},
        {"tts_api", "INSERT INTO account_token SET account_id = 1", false},
        {"tts_api", "DELETE FROM job_event WHERE 0", false},
        {"tts_api", "UPDATE job_event SET at = 0 WHERE 0", false},
        {"tts_api", "DELETE FROM audit_log WHERE 0", false},
        {"tts_api", "DELETE FROM post WHERE 0", false},
        {"tts_api", "DELETE FROM job WHERE 0", false},
        {"tts_publisher", "DELETE FROM job WHERE 0", false},
        {"tts_publisher", "DELETE FROM attempt WHERE 0", false},
        {"tts_api", "INSERT INTO attempt SET post_id = 1", false},
        {"tts_api", "UPDATE publisher SET lease_until = 0 WHERE 0", false},
        {"tts_api", "UPDATE membership SET role = 1 WHERE 0", false},
        {"tts_api", "DROP TABLE session", false},
        {"tts_api", "SELECT 1 FROM mysql.user", false},
        {"tts_api", "SELECT 1 INTO OUTFILE '/tmp/none'", false},
        {"tts_api", "SELECT MAX(event_id) FROM job_event LOCK IN SHARE MODE", true},
        {"tts_api", "UPDATE job SET state = 6 WHERE 0", true},
        {"tts_api", "DELETE FROM session WHERE 0", true},
        {"tts_publisher", "SELECT refresh_tok FROM account_token", true},
        {"tts_publisher", "UPDATE job SET state = 3 WHERE 0", true},
        {"tts_publisher", "SELECT password_hash FROM user", false},
        {"tts_publisher", "SELECT token_hash FROM api_token", false},
        {"tts_publisher", "SELECT session_hash FROM session", false},
        {"tts_publisher", "UPDATE media SET state = 2 WHERE 0", false},
        {"tts_media", "UPDATE media SET state = 2 WHERE 0", true},
        {"tts_media", "SELECT 1 FROM account_token", false},
        {"tts_media", "SELECT 1 FROM post", false},
        {"tts_media", "SELECT 1 FROM user", false},
        {"tts_media", "INSERT INTO upload SET upload_id = 'x'", false},
        {"tts_media", "DELETE FROM media WHERE media_id = 1", false},
        {"tts_media", "UPDATE repair SET state = 4 WHERE media_id = 1", true},
        {"tts_media", "INSERT INTO repair SET media_id = 1", false},
        {"tts_publisher", "UPDATE repair SET state = 4 WHERE media_id = 1", false},
    };

    make_users();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct db *d = as(rows[i].user);

        ck_assert_msg(may(d, rows[i].sql) == rows[i].may, "%s: %s", rows[i].user,
                      rows[i].sql);
        db_free(d);
    }
    drop_users();
}
END_TEST

/* Each of these fails as a bug when a right is missing. */
static void works(enum rc rc, const char *what)
{
    ck_assert_msg(rc == RC_OK, "%s: %s %s", what, err.code, err.msg);
}

static struct job_ref claim_as(struct db *pub, uint64_t post, uint64_t inc)
{
    struct job_claimed claimed = {0};
    struct job_claim c = {.inc = inc, .post_ids = &post, .n = 1, .out = &claimed};

    works(job_claim(pub, &c, &err), "job_claim");
    ck_assert_uint_eq(c.len, 1);
    return (struct job_ref){.post_id = post,
                            .workspace_id = claimed.workspace_id,
                            .fence = claimed.fence,
                            .inc = inc};
}

static void publish_as(struct db *pub, uint64_t post, uint64_t inc)
{
    const struct job_intent intent = {.no = 1, .content_ver = 1};
    const struct job_session session = {
        .publish_id = "p", .upload_url = "u", .upload_url_len = 1};
    const struct job_outcome outcome = {"W", "1", "L"};
    struct job_ref ref = claim_as(pub, post, inc);
    struct job_facts facts;
    uint64_t lost;
    struct job_beat beat = {.inc = inc, .refs = &ref, .n = 1, .lost = &lost};
    struct job_hint hints[JOB_SWEEP_MAX];
    struct job_cursor cursor = {0};
    size_t len;

    works(job_load(pub, &ref, &facts, &err), "job_load");
    job_facts_release(&facts);
    works(job_beat(pub, &beat, &err), "job_beat");
    works(job_intend(pub, &ref, &intent, &err), "job_intend");
    works(job_persist(pub, &ref, 1, &session, &err), "job_persist");
    works(job_note(pub, &ref, EVENT_STATUS, "", &err), "job_note");
    works(job_grant(pub, &ref, 1, &err), "job_grant");
    works(job_sent(pub, &ref, 1, &err), "job_sent");
    works(job_published(pub, &ref, 1, &outcome, &err), "job_published");
    works(job_sweep(pub, (struct job_shards){0, JOB_SHARDS - 1}, 0, hints, &len, &err),
          "job_sweep");
    works(job_upcoming(pub, 1000, &cursor, hints, &len, &err), "job_upcoming");
    works(job_bring_forward(pub, 500000, hints, &len, &err), "job_bring_forward");
}

static void connect_as(struct db *pub, const struct seed *seed)
{
    const struct connect_profile profile = {.workspace_id = seed->workspace,
                                            .user_id = seed->user,
                                            .open_id = "new",
                                            .union_id = "",
                                            .username = "",
                                            .display_name = "",
                                            .avatar_url = "",
                                            .scopes = ""};
    const struct creator_snapshot snapshot = {"{}", "u", "n", ""};
    struct token_pair pair = {.access.len = 1, .refresh.len = 1, .scopes = ""};
    struct account_token row;
    struct token_due due;
    struct connect_txn txn;
    uint64_t account = 0;
    int64_t n;
    size_t len;
    bool again;

    ck_assert_int_eq(connect_txn_load(pub, 1, 1, &txn, &err), RC_NOT_FOUND);
    works(connect_txn_wipe(pub, 1, 1, &err), "connect_txn_wipe");
    works(connect_account(pub, &profile, &account, &again, &err), "connect_account");
    works(connect_tokens(pub, seed->workspace, account, &pair, &err), "connect_tokens");
    works(account_creator_store(pub, account, &snapshot, &err), "creator_store");
    works(account_token_load(pub, account, &row, &err), "token_load");
    works(account_token_due(pub, &due, 1, &len, &err), "token_due");
    works(account_token_claim(pub, account, 1, 7, &err), "token_claim");
    works(account_token_unclaim(pub, account, 7, 1, &err), "token_unclaim");
    works(account_token_rotate(pub, account, 1, &pair, &err), "token_rotate");
    works(account_token_dead(pub, account, 2, TOKEN_REFUSED, &err), "token_dead");
    works(account_access_lapse(pub, &n, &err), "access_lapse");
    works(account_token_wipe(pub, account, &err), "token_wipe");
}

/* Limits, warnings, the watchdog and mail. */
static void watch_as(struct db *pub, const struct seed *seed, uint64_t inc)
{
    const struct publisher_word word = {.pause_reason = "", .counters = "claims 1\n"};
    struct job_ref ref = {.post_id = 1, .workspace_id = seed->workspace, .inc = inc};
    const struct limit_post post = {&ref, seed->account, false};
    const struct notification told = {
        .workspace_id = seed->workspace, .kind = NOTICE_OVERDUE, .cause = "test"};
    struct notification_mail *mail = xcalloc(1, sizeof(*mail));
    struct health_late late;
    struct limit_bar bar;
    struct task task;
    size_t len;
    int64_t n;

    works(publisher_say(pub, inc, &word, &err), "say");
    works(limit_check(pub, &post, &bar, &err), "limit_check");
    works(health_late(pub, &late, &err), "late");
    works(health_alarm(pub, &n, &err), "alarm");
    works(account_grants_warn(pub, &n, &err), "grants_warn");
    works(notification_add(pub, &told, &err), "notification_add");
    works(notification_mail(pub, &n, &err), "notification_mail");
    ck_assert_int_ge(n, 1);
    works(task_claim_mail(pub, inc, &task, 1, &len, &err), "claim_mail");
    ck_assert_uint_eq(len, 1);
    task_release(&task);
    works(notification_mail_load(pub,
                                 (uint64_t)database_number(pub,
                                                           "SELECT MAX(notification_id)"
                                                           " FROM notification"),
                                 seed->user, mail, &err),
          "mail_load");
    works(notification_purge(pub, &n, &err), "notification_purge");
    works(event_purge(pub, &n, &err), "event_purge");
    free(mail);
}

START_TEST(the_publisher_can_do_all_its_work_as_its_own_user)
{
    struct seed seed;
    struct db *pub;
    struct task task;
    struct task_new ask = {.kind = TASK_CREATOR_INFO, .payload = "{}"};
    enum health_sync sync;
    uint64_t inc = 0, dead = 0, task_id;
    int64_t now, n;
    size_t len = 0;

    make_users();
    database_empty(mine);
    seed = seed_all(mine);
    pub = as("tts_publisher");
    works(publisher_register(pub, "h", 1, &inc, &now, &err), "register");
    works(publisher_register(pub, "h", 1, &dead, &now, &err), "register");
    works(publisher_beat(pub, inc, &now, &err), "beat");
    works(health_semi_sync(pub, &sync, &err), "semi_sync");
    publish_as(pub, seed_post(mine, &seed, JOB_SCHEDULED, -1), inc);
    (void)claim_as(pub, seed_post(mine, &seed, JOB_SCHEDULED, -1), dead);
    ask.workspace_id = seed.workspace;
    works(task_insert(mine, &ask, &task_id, &err), "task_insert");
    works(task_claim(pub, dead, &task, 1, &len, &err), "task_claim");
    ck_assert_uint_eq(len, 1);
    task_release(&task);
    database_run(mine, "UPDATE publisher SET lease_until = 0 WHERE inc = %" PRIu64, dead);
    works(publisher_reap(pub, &n, &err), "reap");
    ck_assert_int_eq(n, 2);
    works(publisher_count(pub, &n, &err), "count");
    watch_as(pub, &seed, inc);
    works(task_purge(pub, &n, &err), "task_purge");
    connect_as(pub, &seed);
    works(publisher_leave(pub, inc, &err), "leave");
    db_free(pub);
    drop_users();
}
END_TEST

START_TEST(the_media_checker_can_do_all_its_work_as_its_own_user)
{
    struct seed seed;
    struct db *med;
    struct media_work work[2];
    struct media_facts facts = {0};
    const struct media_verdict verdict = {.facts = &facts,
                                          .mime = "video/mp4",
                                          .checks = "[]",
                                          .reason = "unreadable",
                                          .reason_msg = "m"};
    char ids[UPLOAD_SWEEP_MAX][UPLOAD_ID_SIZE];
    uint64_t n64;
    size_t n = 0;
    bool wanted;

    make_users();
    database_empty(mine);
    seed = seed_all(mine);
    (void)seed_media(mine, seed.workspace, seed.user);
    database_run(mine, "UPDATE media SET state = 1, next_at = 0");
    med = as("tts_media");
    works(media_claim(med, 5, work, 2, &n, &err), "media_claim");
    ck_assert_uint_eq(n, 2);
    works(media_judge(med, &work[0], &verdict, &err), "media_judge");
    works(media_give_back(med, &work[1], 0, &err), "media_give_back");
    database_run(mine, "UPDATE media SET state = 4, next_at = 0");
    works(media_claim(med, 5, work, 1, &n, &err), "media_claim");
    works(media_removed(med, &work[0], &err), "media_removed");
    works(media_blob_wanted(med, "x", &wanted, &err), "media_blob_wanted");
    works(media_overdue(med, &n64, &err), "media_overdue");
    works(upload_expire(med, ids, &n, &err), "upload_expire");
    works(upload_purge(med, &err), "upload_purge");
    db_free(med);
    drop_users();
}
END_TEST

START_TEST(renewing_takes_away_what_goes_beyond)
{
    size_t n = 0;
    struct db *api;

    make_users();
    database_run(mine, "GRANT SELECT ON account_token TO tts_api@localhost");
    database_run(mine, "GRANT DELETE ON job_event TO tts_api@localhost");
    database_run(mine, "GRANT ALL ON * TO tts_api@localhost");
    api = as("tts_api");
    ck_assert(may(api, "SELECT 1 FROM account_token"));
    ck_assert_int_eq(grants_renew(mine, &n, &err), RC_OK);
    db_free(api);
    api = as("tts_api");
    ck_assert(!may(api, "SELECT 1 FROM account_token"));
    ck_assert(!may(api, "DELETE FROM job_event WHERE 0"));
    ck_assert(!may(api, "DROP TABLE session"));
    ck_assert(may(api, "SELECT 1 FROM session"));
    db_free(api);
    drop_users();
}
END_TEST

START_TEST(a_user_gets_its_password_and_may_get_another)
{
    struct db *d;

    make_users();
    ck_assert_int_eq(grants_user(mine, "tts_api", "localhost", "it's \"another\\", &err),
                     RC_OK);
    d = as("tts_api");
    ck_assert_int_eq(db_ping(d, &err), RC_UNAVAILABLE);
    db_free(d);
    ck_assert_int_eq(db_new(database_url("tts_api", "it%27s%20%22another%5C"), &d, &err),
                     RC_OK);
    (void)database_patient(d);
    ck_assert_int_eq(db_ping(d, &err), RC_OK);
    db_free(d);
    drop_users();
}
END_TEST

START_TEST(users_of_other_names_hosts_or_passwords_are_not_made)
{
    static const struct {
        const char *name, *host, *password;
    } rows[] = {
        {"root", "localhost", "a-password"},     {"tts_api", "x' OR 1", "a-password"},
        {"tts_api", "", "a-password"},           {"tts_api", "localhost", "short"},
        {"tts_api'", "localhost", "a-password"},
    };

    mine = database_open();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_int_eq(
            grants_user(mine, rows[i].name, rows[i].host, rows[i].password, &err),
            RC_INVALID);
    db_free(mine);
}
END_TEST

DATABASE_MAIN("store_migrate", setup, teardown,
              files_are_applied_once_in_the_order_of_their_numbers,
              a_released_file_that_was_changed_is_refused_by_name,
              a_renamed_file_is_refused_too, a_database_that_knows_more_is_refused,
              a_file_that_comes_late_is_refused,
              names_and_numbers_that_are_not_proper_are_refused,
              a_file_that_fails_is_named_and_run_again, two_at_once_take_turns,
              the_programs_own_schema_can_be_applied_twice,
              each_program_may_do_what_it_needs_and_no_more,
              the_publisher_can_do_all_its_work_as_its_own_user,
              the_media_checker_can_do_all_its_work_as_its_own_user,
              renewing_takes_away_what_goes_beyond,
              a_user_gets_its_password_and_may_get_another,
              users_of_other_names_hosts_or_passwords_are_not_made)
