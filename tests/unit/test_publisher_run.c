/* run: one post on its way, with the database, TikTok and the time played by this file
 * and no Redis at all. Flow, pool, timers, rings, seals, media and parsing are the real
 * ones. */
#include "blob/blob.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/xalloc.h"
#include "crypto/keys.h"
#include "publisher/intake/turns.h"
#include "publisher/lease.h"
#include "publisher/run/batch.h"
#include "publisher/run/run.h"
#include "publisher/tokens/tokens.h"
#include "publisher/upkeep/restore.h"
#include "store/health.h"
#include "store/jobs_batch.h"
#include "store/limits.h"
#include "tiktok/pull_url.h"
#include "unit.h"

#include <dirent.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES = 1000, INC = 7, POST = 5, ACCOUNT = 9, WORKSPACE = 2 };

static struct publisher publisher;
static struct settings settings;
static struct key_ring *ring;
static struct err err;
static char dir[64];
static int bell;

/* --- the time ------------------------------------------------------------------ */

/* It passes in turn() alone, so that nothing here depends on how fast the machine is. */
enum { JITTER = 500 };
static const int64_t epoch_ms = INT64_C(1800000000000);
static atomic_llong mono_ms = 1000000;

int64_t publisher_mono_ms(void)
{
    return atomic_load(&mono_ms);
}

static int64_t now_ms(void)
{
    return epoch_ms + publisher_mono_ms();
}

unsigned publisher_jitter(void)
{
    return JITTER;
}

void publisher_timer_at(struct publisher *p, struct timer *t, int64_t db_ms)
{
    timer_set(&p->timers, t, publisher_mono_ms() + db_ms - now_ms() + 1);
}

/* --- the lease ----------------------------------------------------------------- */

static bool leased = true;

bool lease_valid(UNUSED const struct lease *l)
{
    return leased;
}

uint64_t lease_inc(UNUSED const struct lease *l)
{
    return INC;
}

int64_t lease_now_ms(UNUSED const struct lease *l)
{
    return now_ms();
}

/* --- the database -------------------------------------------------------------- */

static struct {
    struct job_facts facts; /* texts and media are constants here */
    struct job_medium media[JOB_MEDIA_MAX];
    unsigned char token[JOB_GATE_SIZE];
    unsigned char url[JOB_URL_MAX]; /* of the attempt, sealed */
    bool served;                    /* something has gone through the gate */
    bool not_written;               /* an uncertain write was not made after all */
    char writes[512];               /* what was written, in order */
    enum rc next;                   /* of the next write, once */
    const char *reason;             /* of the end */
    int64_t wait_ms;
    bool late;
    char log_id[65];      /* of TikTok's answer that led to the end */
    struct limit_bar bar; /* what stands in the post's way */
    struct limit_bar put; /* what it was put off for */
    int64_t opened_ms;    /* when a gate was */
    int64_t init_wait_ms; /* of the account's window by the ledger, once */
    unsigned init_asked;  /* of it */
    enum rc init_rc;      /* of asking, once */
    unsigned refuse_from; /* the so-manieth write finds the fence moved; 0: none */
    unsigned count;
} db_;

static struct account_token token_row;

static enum rc wrote(const char *what, struct err *e)
{
    enum rc rc = db_.next;

    db_.next = RC_OK;
    if (++db_.count == db_.refuse_from)
        return err_set(e, RC_CONFLICT, "lost", "another's");
    if (rc != RC_OK && rc != RC_UNCERTAIN)
        return err_set(e, rc, "database_unavailable", "as told");
    (void)snprintf(db_.writes + strlen(db_.writes),
                   sizeof(db_.writes) - strlen(db_.writes), "%s ", what);
    return rc == RC_OK ? RC_OK : err_set(e, rc, "database_uncertain", "as told");
}

static atomic_int syncs_asked;
static atomic_int replica_gone_from, replica_back_from; /* which question; 0: never */

enum rc health_semi_sync(UNUSED struct db *db, enum health_sync *out,
                         UNUSED struct err *e)
{
    int no = 1 + atomic_fetch_add(&syncs_asked, 1);
    int gone = atomic_load(&replica_gone_from);

    *out = gone == 0                              ? HEALTH_SYNC_NONE
           : no >= gone && no < replica_back_from ? HEALTH_SYNC_FALLEN
                                                  : HEALTH_SYNC_ON;
    return RC_OK;
}

enum rc job_hold_back(UNUSED struct db *db, UNUSED const struct job_ref *ref, unsigned no,
                      const char *reason, struct err *e)
{
    ck_assert_uint_eq(no, db_.facts.attempt_no);
    db_.reason = reason;
    return wrote("held", e);
}

enum rc job_load(UNUSED struct db *db, const struct job_ref *ref, struct job_facts *out,
                 UNUSED struct err *e)
{
    ck_assert_uint_eq(ref->post_id, POST);
    ck_assert_uint_eq(ref->inc, INC);
    *out = db_.facts;
    out->caption = xstrdup("A caption #tag");
    out->title = xstrdup("A title");
    out->media = xcalloc(JOB_MEDIA_MAX, sizeof(*out->media));
    (void)memcpy(out->media, db_.media, sizeof(db_.media));
    out->attempt.upload_url = xmalloc(sizeof(db_.url));
    (void)memcpy(out->attempt.upload_url, db_.url, sizeof(db_.url));
    return RC_OK;
}

void job_facts_release(struct job_facts *facts)
{
    free(facts->caption);
    free(facts->title);
    free(facts->media);
    free(facts->attempt.upload_url);
    *facts = (struct job_facts){0};
}

enum rc job_intend(UNUSED struct db *db, UNUSED const struct job_ref *ref,
                   const struct job_intent *intent, struct err *e)
{
    ck_assert_uint_eq(intent->no, db_.facts.attempt_no + 1);
    ck_assert_int_eq(intent->bytes_total, BYTES * (int64_t)db_.facts.media_n);
    ck_assert(intent->gate_token == NULL || intent->chunk_size == 0);
    db_.facts.attempt_no = intent->no;
    db_.facts.attempt = (struct job_attempt){.no = intent->no,
                                             .state = ATTEMPT_INTENT,
                                             .bytes_total = intent->bytes_total,
                                             .chunk_size = intent->chunk_size,
                                             .granted_ms = now_ms(),
                                             .content_ver = intent->content_ver};
    db_.facts.attempt.gate = intent->gate_token != NULL;
    db_.facts.attempt.method = intent->gate_token != NULL ? JOB_PULL : JOB_UPLOAD;
    if (intent->gate_token != NULL)
        (void)memcpy(db_.token, intent->gate_token, JOB_GATE_SIZE);
    return wrote("intend", e);
}

static void name(const char *publish_id)
{
    struct job_attempt *a = &db_.facts.attempt;

    (void)snprintf(a->publish_id, sizeof(a->publish_id), "%s", publish_id);
}

static enum rc opened(unsigned no, const char *publish_id, const char *what,
                      struct err *e)
{
    bool lost_before = db_.next == RC_UNCERTAIN && db_.not_written;
    enum rc rc = wrote(what, e);

    ck_assert_uint_eq(no, db_.facts.attempt_no);
    ck_assert_int_eq(db_.facts.attempt.state, ATTEMPT_INTENT);
    if (lost_before || (rc != RC_OK && rc != RC_UNCERTAIN))
        return rc;
    db_.opened_ms = now_ms();
    db_.facts.granted = no;
    db_.facts.attempt.state = ATTEMPT_GRANTED;
    name(publish_id);
    return rc;
}

enum rc job_open(UNUSED struct db *db, UNUSED const struct job_ref *ref, unsigned no,
                 const struct job_session *session, struct err *e)
{
    return opened(no, session != NULL ? session->publish_id : "", "open", e);
}

enum rc job_adopt(UNUSED struct db *db, UNUSED const struct job_ref *ref, unsigned no,
                  const char *publish_id, struct err *e)
{
    db_.facts.attempt.gate = false;
    return opened(no, publish_id, "adopt", e);
}

enum rc job_name(UNUSED struct db *db, UNUSED const struct job_ref *ref, unsigned no,
                 const struct job_session *session, struct err *e)
{
    ck_assert_uint_eq(no, db_.facts.granted);
    name(session->publish_id);
    return wrote("name", e);
}

enum rc job_close(UNUSED struct db *db, UNUSED const struct job_ref *ref, unsigned no,
                  const char *reason, struct err *e)
{
    ck_assert_uint_eq(no, db_.facts.granted);
    if (db_.served)
        return err_set(e, RC_CONFLICT, "gate_passed", "as told");
    db_.reason = reason;
    db_.facts.granted = 0;
    db_.facts.attempt.state = ATTEMPT_DEAD;
    return wrote("close", e);
}

enum rc job_persist(UNUSED struct db *db, UNUSED const struct job_ref *ref, unsigned no,
                    const struct job_session *session, struct err *e)
{
    struct job_attempt *a = &db_.facts.attempt;

    ck_assert_uint_eq(no, db_.facts.attempt_no);
    ck_assert_ptr_null(memmem(session->upload_url, session->upload_url_len, "upload", 6));
    a->state = ATTEMPT_READY;
    (void)snprintf(a->publish_id, sizeof(a->publish_id), "%s", session->publish_id);
    ck_assert_uint_le(session->upload_url_len, sizeof(db_.url));
    (void)memcpy(db_.url, session->upload_url, session->upload_url_len);
    a->upload_url_len = session->upload_url_len;
    return wrote("persist", e);
}

enum rc job_grant(UNUSED struct db *db, UNUSED const struct job_ref *ref, unsigned no,
                  struct err *e)
{
    db_.facts.granted = no;
    db_.facts.attempt.state = ATTEMPT_GRANTED;
    return wrote("grant", e);
}

/* A run alone never goes with others. */
#define NEVER_TOGETHER(name)                                                             \
    enum rc name(UNUSED struct db *db, UNUSED struct job_steps all, struct err *e)       \
    {                                                                                    \
        return err_set(e, RC_BUG, "together", "there is one run");                       \
    }
NEVER_TOGETHER(job_intend_all)
NEVER_TOGETHER(job_persist_all)
NEVER_TOGETHER(job_grant_all)
NEVER_TOGETHER(job_sent_all)
NEVER_TOGETHER(job_published_all)

enum rc job_sent(UNUSED struct db *db, UNUSED const struct job_ref *ref, unsigned no,
                 struct err *e)
{
    ck_assert_uint_eq(no, db_.facts.granted);
    return wrote("sent", e);
}

enum rc job_published(UNUSED struct db *db, UNUSED const struct job_ref *ref, unsigned no,
                      const struct job_outcome *outcome, struct err *e)
{
    ck_assert_uint_eq(no, db_.facts.granted);
    ck_assert_str_eq(outcome->word, "PUBLISH_COMPLETE");
    ck_assert_str_eq(outcome->ids, "7700000000000000201");
    return wrote("published", e);
}

enum rc job_attempt_dead(UNUSED struct db *db, UNUSED const struct job_ref *ref,
                         UNUSED unsigned no, const char *reason, struct err *e)
{
    db_.reason = reason;
    return wrote("dead", e);
}

enum rc job_give_up(UNUSED struct db *db, UNUSED const struct job_ref *ref,
                    UNUSED unsigned no, const char *reason, struct err *e)
{
    db_.reason = reason;
    return wrote("given up", e);
}

enum rc job_attempt_is_dead(UNUSED struct db *db, UNUSED uint64_t post_id,
                            UNUSED const char *publish_id, bool *dead,
                            UNUSED struct err *e)
{
    *dead = false;
    return RC_OK;
}

enum rc job_attempt_is_open(UNUSED struct db *db, UNUSED uint64_t post_id,
                            UNUSED unsigned no, bool *open, UNUSED struct err *e)
{
    *open = true;
    return RC_OK;
}

enum rc job_end(UNUSED struct db *db, UNUSED const struct job_ref *ref,
                const struct job_ending *ending, struct err *e)
{
    static const char *const names[] = {
        [JOB_END_LATER] = "later",       [JOB_END_FAIL] = "fail",
        [JOB_END_BLOCK] = "block",       [JOB_END_CANCELED] = "canceled",
        [JOB_END_RELEASE] = "release",   [JOB_END_REVIEW] = "review",
        [JOB_END_HANDOVER] = "handover",
    };

    db_.reason = ending->reason;
    db_.wait_ms = ending->wait_ms;
    db_.late = ending->late;
    (void)snprintf(db_.log_id, sizeof(db_.log_id), "%s",
                   ending->log_id != NULL ? ending->log_id : "(none)");
    return wrote(names[ending->how], e);
}

/* There is no Redis. */
enum rc restore_own_up(UNUSED atomic_bool *unaware, UNUSED struct redis *redis,
                       struct err *e)
{
    return err_set(e, RC_UNAVAILABLE, "redis_away", "as always");
}

enum rc restore_windows(UNUSED const struct pool_kit *kit, struct err *e)
{
    return err_set(e, RC_UNAVAILABLE, "redis_away", "as always");
}

enum rc job_init_pass(UNUSED struct db *db, const struct job_call *call, int64_t *wait_ms,
                      struct err *e)
{
    enum rc rc = db_.init_rc;

    ck_assert_uint_eq(call->account_id, ACCOUNT);
    ck_assert_uint_eq(call->no, db_.facts.attempt_no);
    ck_assert_int_eq(db_.facts.attempt.state, ATTEMPT_INTENT);
    db_.init_asked++;
    db_.init_rc = RC_OK;
    if (rc != RC_OK)
        return err_set(e, rc, "as_told", "as told");
    *wait_ms = db_.init_wait_ms;
    db_.init_wait_ms = 0;
    return RC_OK;
}

enum rc limit_check(UNUSED struct db *db, const struct limit_post *post,
                    struct limit_bar *out, UNUSED struct err *e)
{
    ck_assert_uint_eq(post->account_id, ACCOUNT);
    ck_assert(post->direct);
    *out = db_.bar;
    return RC_OK;
}

enum rc limit_put_off(UNUSED struct db *db, UNUSED const struct limit_post *post,
                      const struct limit_bar *bar, struct limit_moved *out, struct err *e)
{
    db_.put = *bar;
    (void)snprintf(db_.log_id, sizeof(db_.log_id), "%s",
                   bar->log_id != NULL ? bar->log_id : "(none)");
    db_.reason = db_.put.reason;
    out->n = 0;
    out->until_ms = 1;
    out->begun = true;
    return wrote("put_off", e);
}

enum rc job_note(UNUSED struct db *db, UNUSED const struct job_ref *ref, UNUSED int kind,
                 UNUSED const char *data, UNUSED struct err *e)
{
    return RC_OK;
}

enum rc account_token_load(UNUSED struct db *db, uint64_t account_id,
                           struct account_token *out, UNUSED struct err *e)
{
    ck_assert_uint_eq(account_id, ACCOUNT);
    *out = token_row;
    return RC_OK;
}

/* A refresh is not part of these tests (test_publisher_tokens.c): the token is good. */
enum rc account_token_claim(UNUSED struct db *db, UNUSED uint64_t account_id,
                            UNUSED unsigned version, UNUSED uint64_t inc,
                            UNUSED struct err *e)
{
    ck_abort();
}

enum rc account_token_unclaim(UNUSED struct db *db, UNUSED uint64_t account_id,
                              UNUSED uint64_t inc, UNUSED int64_t again_ms,
                              UNUSED struct err *e)
{
    ck_abort();
}

enum rc account_token_rotate(UNUSED struct db *db, UNUSED uint64_t account_id,
                             UNUSED unsigned version,
                             UNUSED const struct token_pair *pair, UNUSED struct err *e)
{
    ck_abort();
}

enum rc account_token_dead(UNUSED struct db *db, UNUSED uint64_t account_id,
                           UNUSED unsigned version, UNUSED enum token_end how,
                           UNUSED struct err *e)
{
    ck_abort();
}

/* --- TikTok -------------------------------------------------------------------- */

static struct {
    struct http http; /* first */
    http_done_fn *done;
    void *arg;
    char method[8], path[BLOB_LINK_SIZE], headers[1024], body[8192];
    int64_t file_len, source_size;
    char source[BLOB_LINK_SIZE];
    int busy; /* the next so many requests find too many under way */
    int requests, canceled;
} tiktok;

static enum rc submit(UNUSED struct http *h, const struct http_request *req,
                      http_done_fn *done, void *arg, uint64_t *id, struct err *e)
{
    if (tiktok.busy > 0) {
        tiktok.busy--;
        return err_retry(e, RC_LIMITED, 1000, "http_busy", "busy");
    }
    ck_assert(tiktok.done == NULL);
    tiktok.done = done;
    tiktok.arg = arg;
    tiktok.headers[0] = '\0';
    for (size_t i = 0; req->headers != NULL && req->headers[i] != NULL; i++)
        (void)snprintf(tiktok.headers + strlen(tiktok.headers),
                       sizeof(tiktok.headers) - strlen(tiktok.headers), "%s|",
                       req->headers[i]);
    (void)snprintf(tiktok.method, sizeof(tiktok.method), "%s", req->method);
    (void)snprintf(tiktok.path, sizeof(tiktok.path), "%s", req->url);
    tiktok.file_len = req->file_len;
    tiktok.source_size = req->source_size;
    (void)snprintf(tiktok.source, sizeof(tiktok.source), "%s",
                   req->source != NULL ? req->source : "");
    (void)snprintf(tiktok.body, sizeof(tiktok.body), "%.*s", (int)req->body_len,
                   req->body != NULL ? (const char *)req->body : "");
    tiktok.requests++;
    *id = 1;
    return RC_OK;
}

static void cancel(UNUSED struct http *h, UNUSED uint64_t id)
{
    tiktok.canceled++;
    tiktok.done = NULL;
}

static const struct http_ops ops = {.submit = submit, .cancel = cancel};

static void answer(int status, const char *body)
{
    http_done_fn *done = tiktok.done;
    struct http_response res = {.status = status, .date_ms = 1000};
    struct err none = {0};

    ck_assert(done != NULL);
    tiktok.done = NULL;
    strbuf_init(&res.body, 8192);
    strbuf_addstr(&res.body, body);
    done(tiktok.arg, RC_OK, &res, &none);
    strbuf_release(&res.body);
}

/* What an object store says of a file: its status, and its length when there is one. */
static void tell_size(int status, int64_t length)
{
    http_done_fn *done = tiktok.done;
    const struct http_response res = {.status = status, .content_length = length};
    struct err none = {0};

    tiktok.done = NULL;
    done(tiktok.arg, RC_OK, &res, &none);
}

/* The request came to nothing. */
static void no_answer(enum rc rc, const char *code)
{
    http_done_fn *done = tiktok.done;
    struct err why;

    (void)err_set(&why, rc, code, "told to");
    tiktok.done = NULL;
    done(tiktok.arg, rc, NULL, &why);
}

#define OK_ERROR "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"LOG\"}"
#define CREATOR                                                                          \
    "{\"data\":{\"creator_username\":\"ann\",\"creator_nickname\":\"Ann\","              \
    "\"privacy_level_options\":[\"SELF_ONLY\"],\"comment_disabled\":true,"               \
    "\"duet_disabled\":false,\"stitch_disabled\":false,"                                 \
    "\"max_video_post_duration_sec\":600}," OK_ERROR "}"
#define SESSION                                                                          \
    "{\"data\":{\"publish_id\":\"v_pub_file~v2-1.7\","                                   \
    "\"upload_url\":\"https://open-upload.tiktokapis.com/"                               \
    "upload?upload_id=1\"}," OK_ERROR "}"
#define ELSEWHERE                                                                        \
    "{\"data\":{\"publish_id\":\"v_pub_file~v2-1.7\","                                   \
    "\"upload_url\":\"https://evil.example/upload?upload_id=1\"}," OK_ERROR "}"
#define PULLED "{\"data\":{\"publish_id\":\"p_pub_url~v2.7\"}," OK_ERROR "}"
#define FETCHING                                                                         \
    "{\"data\":{\"status\":\"PROCESSING_DOWNLOAD\",\"downloaded_bytes\":0}," OK_ERROR "}"
#define COMPLETE                                                                         \
    "{\"data\":{\"status\":\"PUBLISH_COMPLETE\",\"uploaded_bytes\":1000,"                \
    "\"publicaly_available_post_id\":[7700000000000000201]}," OK_ERROR "}"

/* --- the loop ------------------------------------------------------------------ */

static void ring_bell(UNUSED void *arg)
{
    ck_assert_int_eq(eventfd_write(bell, 1), 0);
}

/* What is being stored is waited for; else the time passes, to the next timer at most. */
static void turn(void)
{
    eventfd_t n;

    if (pool_busy(publisher.store) > 0)
        ck_assert_int_eq(eventfd_read(bell, &n), 0);
    else
        (void)atomic_fetch_add(&mono_ms,
                               timers_next_ms(&publisher.timers, publisher_mono_ms(),
                                              turns_len(publisher.turns) > 0 ? 1 : 100));
    pool_reap(publisher.store);
    timers_run(&publisher.timers, publisher_mono_ms());
    run_take_turns(&publisher);
}

/* Goes on until this was written and no thread writes any more. */
static void until_written(const char *what)
{
    while (pool_busy(publisher.store) > 0 || strstr(db_.writes, what) == NULL)
        turn();
}

/* Goes on until TikTok is asked. */
static void until_request(const char *method, const char *path)
{
    while (tiktok.done == NULL && publisher.runs.len > 0)
        turn();
    ck_assert_msg(tiktok.done != NULL, "it ended: %s(%s)", db_.writes, db_.reason);
    ck_assert_str_eq(tiktok.method, method);
    ck_assert_msg(strstr(tiktok.path, path) != NULL, "%s", tiktok.path);
}

static void until_end(void)
{
    while (publisher.runs.len > 0) {
        ck_assert_msg(tiktok.done == NULL, "unexpected request %s", tiktok.path);
        turn();
    }
}

static void begin(void)
{
    const struct job_claimed claimed = {
        .post_id = POST, .account_id = ACCOUNT, .workspace_id = WORKSPACE, .fence = 3};

    run_start(&publisher, &claimed, INC,
              (struct run_counted){.mono_ms = publisher_mono_ms()});
}

/* The good way, up to a request that is not answered yet. */
static void up_to(const char *what)
{
    static const struct {
        const char *method, *path, *body;
        int status;
    } steps[] = {
        {"POST", "https://api.test/v2/post/publish/creator_info/query/", CREATOR, 200},
        {"POST", "https://api.test/v2/post/publish/video/init/", SESSION, 200},
        {"PUT", "https://open-upload.tiktokapis.com/upload?upload_id=1", "", 201},
        {"POST", "https://api.test/v2/post/publish/status/fetch/", COMPLETE, 200},
    };

    begin();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        until_request(steps[i].method, steps[i].path);
        if (strstr(steps[i].path, what) != NULL)
            return;
        answer(steps[i].status, steps[i].body);
    }
}

#define PROCESSING                                                                       \
    "{\"data\":{\"status\":\"PROCESSING_UPLOAD\",\"uploaded_bytes\":1000}," OK_ERROR "}"

/* ms until the run does something by itself; FAR when it is doing something now. */
enum { FAR = 100000000 };
static int64_t quiet_ms(void)
{
    return timers_next_ms(&publisher.timers, publisher_mono_ms(), FAR);
}

/* --- the world ----------------------------------------------------------------- */

static void make_video(const char *key)
{
    struct blob_writer *w = NULL;
    char bytes[BYTES];

    (void)memset(bytes, 'v', sizeof(bytes));
    ck_assert_int_eq(blob_create(publisher.blobs, key, BYTES, &err), RC_OK);
    ck_assert_int_eq(blob_append_begin(publisher.blobs, key, 0, &w, &err), RC_OK);
    ck_assert_int_eq(blob_writer_start(w, 0, &err), RC_OK);
    ck_assert_int_eq(blob_writer_add(w, bytes, BYTES, &err), RC_OK);
    ck_assert_int_eq(blob_writer_sync(w, &err), RC_OK);
    blob_writer_close(w);
}

static void make_token(void)
{
    struct tiktok_tokens tokens = {.expires_in_s = 7200, .access_token = "act.good!1.e1"};
    struct token_pair pair;

    ck_assert_int_eq(tokens_seal(&publisher, WORKSPACE, ACCOUNT, &tokens, &pair, &err),
                     RC_OK);
    token_row = (struct account_token){.account_id = ACCOUNT,
                                       .workspace_id = WORKSPACE,
                                       .access = pair.access,
                                       .access_exp_ms = 7200000,
                                       .version = 1,
                                       .status = ACCOUNT_CONNECTED};
}

static void make_facts(void)
{
    int64_t now = now_ms();

    db_.facts = (struct job_facts){
        .state = JOB_RUNNING,
        .due_ms = now,
        .expire_after_ms = 3600000,
        .now_ms = now,
        .may_be_limited = true,
        .account_id = ACCOUNT,
        .video = true,
        .direct = true,
        .content_ver = 1,
        .privacy_level = "SELF_ONLY",
        .cover_ms = -1,
        .cover_index = -1,
        .media_n = 1,
    };
    db_.media[0] = (struct job_medium){.id = 1,
                                       .ready = true,
                                       .blob_key = "aaaaaaaaaaaaaaaaaaaaaaaaaa",
                                       .mime = "video/mp4",
                                       .bytes = BYTES,
                                       .duration_ms = 4000};
}

static void setup(void)
{
    static char api[] = "https://api.test", hosts[] = ".tiktokapis.com";
    const struct pool_settings pools = {.db_url = "mysql://u:p@localhost/d?socket=/none",
                                        .redis_url = "unix:///none",
                                        .threads = 2,
                                        .wake = ring_bell};
    char path[128];

    log_setup("test", LOG_LEVEL_ERROR);
    (void)snprintf(dir, sizeof(dir), "/tmp/tts-run-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    bell = eventfd(0, EFD_CLOEXEC);
    settings = (struct settings){.api_url = api, .upload_hosts = hosts, .in_flight = 2};
    tiktok.http.ops = &ops;
    publisher = (struct publisher){.settings = &settings, .http = &tiktok.http};
    run_table_init(&publisher);
    publisher.turns = turns_new(0);
    publisher.rings = rings_new();
    publisher.batches = batches_new(&publisher);
    (void)snprintf(path, sizeof(path), "%s/key", dir);
    ck_assert_int_eq(key_file_generate(path, random_system(), 0, &err), RC_OK);
    ck_assert_int_eq(key_ring_load(path, &ring, &err), RC_OK);
    publisher.ring = ring;
    (void)snprintf(path, sizeof(path), "file://%s/media", dir);
    ck_assert_int_eq(
        blob_store_open(&(struct blob_settings){.url = path}, &publisher.blobs, &err),
        RC_OK);
    ck_assert_int_eq(pool_new(&pools, &publisher.store, &err), RC_OK);
    make_facts();
    make_token();
    make_video(db_.media[0].blob_key);
}

static void remove_all(const char *path)
{
    DIR *d = opendir(path);

    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char below[512];

        (void)snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.' && unlink(below) != 0)
            remove_all(below);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(path);
}

static void teardown(void)
{
    run_drop_all(&publisher);
    while (publisher.runs.len > 0)
        turn();
    pool_free(publisher.store);
    batches_free(publisher.batches);
    turns_free(publisher.turns);
    rings_free(publisher.rings);
    timers_release(&publisher.timers);
    blob_store_close(publisher.blobs);
    key_ring_free(ring);
    remove_all(dir);
    (void)close(bell);
}

START_TEST(a_post_goes_the_whole_way_and_each_step_is_written_before_the_next)
{
    begin();
    until_request("POST", "/v2/post/publish/creator_info/query/");
    ck_assert_ptr_nonnull(strstr(tiktok.headers, "Authorization: Bearer act.good!1.e1|"));
    answer(200, CREATOR);
    until_request("POST", "/v2/post/publish/video/init/");
    ck_assert_str_eq(db_.writes, "intend ");
    answer(200, SESSION);
    until_request("PUT", "https://open-upload.tiktokapis.com/upload?upload_id=1");
    ck_assert_str_eq(db_.writes, "intend persist grant ");
    ck_assert_ptr_nonnull(strstr(tiktok.headers, "Content-Range: bytes 0-999/1000|"));
    ck_assert_ptr_nonnull(strstr(tiktok.headers, "Content-Type: video/mp4|"));
    ck_assert_ptr_null(strstr(tiktok.headers, "Authorization"));
    ck_assert_int_eq(tiktok.file_len, BYTES);
    answer(201, "");
    until_request("POST", "/v2/post/publish/status/fetch/");
    ck_assert_str_eq(db_.writes, "intend persist grant sent ");
    answer(200, COMPLETE);
    until_end();
    ck_assert_str_eq(db_.writes, "intend persist grant sent published ");
    ck_assert_int_eq(tiktok.requests, 4);
}
END_TEST

/* Claimed so long ago that its INIT does not count as made then. */
static void begin_late(void)
{
    const struct job_claimed claimed = {
        .post_id = POST, .account_id = ACCOUNT, .workspace_id = WORKSPACE, .fence = 3};

    run_start(&publisher, &claimed, INC,
              (struct run_counted){.mono_ms = publisher_mono_ms() - QUEUE_COUNTED_MS});
}

/* However it was counted: a claim of long ago is not when TikTok hears of it. */
START_TEST(without_redis_the_ledger_says_when_a_session_may_be_opened)
{
    begin_late();
    until_request("POST", "/v2/post/publish/creator_info/query/");
    ck_assert_uint_eq(db_.init_asked, 0);
    db_.init_wait_ms = 30;
    db_.init_rc = RC_UNCERTAIN; /* it is asked again */
    answer(200, CREATOR);
    until_request("POST", "/v2/post/publish/video/init/");
    ck_assert_uint_eq(db_.init_asked, 3);
    ck_assert_str_eq(db_.writes, "intend ");
    ck_assert(atomic_load(&publisher.redis_unaware));
    answer(200, SESSION);
    until_request("PUT", "https://open-upload.tiktokapis.com/upload?upload_id=1");
}
END_TEST

START_TEST(a_post_that_is_gone_when_the_ledger_is_asked_opens_no_session)
{
    begin_late();
    until_request("POST", "/v2/post/publish/creator_info/query/");
    db_.init_rc = RC_CONFLICT;
    answer(200, CREATOR);
    until_end();
    ck_assert_int_eq(tiktok.requests, 1);
}
END_TEST

START_TEST(a_call_that_waits_for_its_turn_passes_its_rate_window_once)
{
    int passed = 0;

    up_to("status/fetch");
    answer(200, "{\"data\":{\"status\":\"PROCESSING_UPLOAD\",\"uploaded_bytes\":1000}," //
           OK_ERROR "}");
    tiktok.busy = QUEUE_STATUS_LIMIT;
    until_request("POST", "/v2/post/publish/status/fetch/");
    while (rings_pass(publisher.rings, QUEUE_RING_STATUS, ACCOUNT, publisher_mono_ms()) ==
           0)
        passed++;
    ck_assert_int_eq(passed, QUEUE_STATUS_LIMIT - 2);
    answer(200, COMPLETE);
    until_end();
}
END_TEST

/* Until its first request finds no free place. */
static void wait_for_a_turn(void)
{
    tiktok.busy = INT_MAX;
    begin();
    while (turns_len(publisher.turns) == 0)
        turn();
}

/* Large pieces that are due, more than may be under way: a burst that stands still. */
static struct turn burst[200];

static void let_a_burst_wait(void)
{
    for (int i = 0; i < TURNS_HEAVY_MAX; i++)
        turns_begun(publisher.turns, TURNS_HEAVY_BYTES, 0);
    for (size_t i = 0; i < ARRAY_LEN(burst); i++) {
        burst[i] = (struct turn){
            .class = TURN_DUE, .account_id = ACCOUNT + 1 + i, .bytes = TURNS_HEAVY_BYTES};
        turns_wait(publisher.turns, &burst[i]);
    }
}

START_TEST(in_a_burst_it_is_sent_first_and_written_down_afterwards)
{
    up_to("upload?");
    let_a_burst_wait();
    answer(201, "");
    for (int i = 0; i < 100; i++) {
        batches_go_on(publisher.batches);
        turn();
    }
    ck_assert_str_eq(db_.writes, "intend persist grant ");
    turns_leave(publisher.turns, &burst[0]);
    batches_go_on(publisher.batches);
    until_request("POST", "/v2/post/publish/status/fetch/");
    ck_assert_str_eq(db_.writes, "intend persist grant sent ");
    for (size_t i = 1; i < ARRAY_LEN(burst); i++)
        turns_leave(publisher.turns, &burst[i]);
}
END_TEST

START_TEST(nor_does_a_burst_keep_it_from_being_written_at_a_shutdown)
{
    up_to("upload?");
    let_a_burst_wait();
    publisher.stopping = true;
    answer(201, "");
    until_end();
    ck_assert_str_eq(db_.writes, "intend persist grant sent handover ");
    for (size_t i = 0; i < ARRAY_LEN(burst); i++)
        turns_leave(publisher.turns, &burst[i]);
}
END_TEST

START_TEST(who_waits_for_a_turn_at_a_shutdown_gives_the_post_back)
{
    wait_for_a_turn();
    publisher.stopping = true;
    run_stop_all(&publisher);
    until_end();
    ck_assert_str_eq(db_.writes, "release ");
    ck_assert_uint_eq(turns_len(publisher.turns), 0);
}
END_TEST

START_TEST(who_waits_for_a_turn_is_dropped_with_the_lease)
{
    wait_for_a_turn();
    run_drop_all(&publisher);
    ck_assert_uint_eq(publisher.runs.len, 0);
    ck_assert_uint_eq(turns_len(publisher.turns), 0);
}
END_TEST

START_TEST(when_the_lease_is_lost_the_transfer_ends_and_nothing_more_is_written)
{
    up_to("upload?");
    run_drop_all(&publisher);
    ck_assert_int_eq(tiktok.canceled, 1);
    ck_assert_uint_eq(publisher.runs.len, 0);
    ck_assert_str_eq(db_.writes, "intend persist grant ");
}
END_TEST

START_TEST(without_a_valid_lease_nothing_is_begun)
{
    up_to("upload?");
    leased = false;
    answer(201, "");
    until_end();
    ck_assert_str_eq(db_.writes, "intend persist grant ");
}
END_TEST

START_TEST(a_run_whose_fence_has_moved_ends_without_a_word)
{
    db_.refuse_from = 2;
    up_to("video/init");
    answer(200, SESSION);
    until_end();
    ck_assert_str_eq(db_.writes, "intend ");
    ck_assert_int_eq(tiktok.requests, 2);
}
END_TEST

START_TEST(a_grant_that_nobody_heard_of_is_read_and_not_asked_for_again)
{
    db_.facts.due_ms += 60000; /* persist and grant come apart */
    up_to("video/init");
    answer(200, SESSION);
    until_written("persist");
    db_.next = RC_UNCERTAIN;
    until_request("PUT", "upload?");
    ck_assert_int_eq(db_.next, RC_OK); /* it was the grant's */
    ck_assert_str_eq(db_.writes, "intend persist grant ");
    answer(201, "");
    until_request("POST", "status/fetch");
    answer(200, COMPLETE);
    until_end();
    ck_assert_str_eq(db_.writes, "intend persist grant sent published ");
}
END_TEST

/* Redis is away in all of these tests. */
START_TEST(a_grant_without_a_witness_is_counted)
{
    uint64_t before = meter_read(METER_WITNESS_SKIPPED);

    up_to("upload?");
    ck_assert_str_eq(db_.writes, "intend persist grant ");
    ck_assert_uint_eq(meter_read(METER_WITNESS_SKIPPED), before + 1);
    ck_assert_int_eq(atomic_load(&syncs_asked), 0);
}
END_TEST

static void strictly_held_up(void)
{
    settings.strict = true;
    up_to("video/init");
    answer(200, SESSION);
    while (pool_busy(publisher.store) > 0 || atomic_load(&syncs_asked) < 2)
        turn();
    ck_assert_str_eq(db_.writes, "intend persist held ");
    settings.strict = false;
}

START_TEST(who_is_strict_waits_for_the_witness)
{
    strictly_held_up();
    until_request("PUT", "upload?");
    ck_assert_str_eq(db_.writes, "intend persist held grant ");
}
END_TEST

/* Redis is a thing of its own: here the question after the grant. */
START_TEST(a_grant_whose_commit_found_no_replica_is_kept_until_there_is_one)
{
    settings.strict = true;
    db_.facts.attempt_no = 1;
    db_.facts.granted = 1;
    db_.facts.attempt = (struct job_attempt){
        .no = 1, .state = ATTEMPT_GRANTED, .publish_id = "v_pub_file~v2-1.7"};
    replica_gone_from = 1;
    replica_back_from = 4;
    begin();
    until_request("POST", "/v2/post/publish/status/fetch/");
    ck_assert_int_eq(syncs_asked, 4);
    ck_assert_int_eq(tiktok.requests, 1);
}
END_TEST

START_TEST(what_waited_for_its_witness_too_long_is_missed)
{
    db_.facts.expire_after_ms = 400;
    strictly_held_up();
    until_end();
    ck_assert_str_eq(db_.writes, "intend persist held fail ");
    ck_assert_str_eq(db_.reason, "missed");
}
END_TEST

START_TEST(at_a_shutdown_what_waits_is_released_and_what_is_sent_is_handed_over)
{
    db_.facts.due_ms += 600000;
    up_to("video/init");
    answer(200, SESSION);
    until_written("persist");
    publisher.stopping = true;
    run_stop_all(&publisher);
    until_end();
    ck_assert_str_eq(db_.writes, "intend persist release ");
    publisher.stopping = false;
    db_.writes[0] = '\0';
    make_facts();
    up_to("upload?");
    publisher.stopping = true;
    run_stop_all(&publisher); /* the chunk is on its way: it may end */
    ck_assert_int_eq(tiktok.canceled, 0);
    answer(201, "");
    until_end();
    ck_assert_str_eq(db_.writes, "intend persist grant sent handover ");
}
END_TEST

START_TEST(a_post_that_publishers_died_of_again_and_again_is_looked_at_by_a_person)
{
    const struct job_claimed claimed = {.post_id = POST,
                                        .account_id = ACCOUNT,
                                        .workspace_id = WORKSPACE,
                                        .fence = 3,
                                        .crashes = JOB_CRASHES_MAX};

    run_start(&publisher, &claimed, INC,
              (struct run_counted){.mono_ms = publisher_mono_ms()});
    until_end();
    ck_assert_str_eq(db_.writes, "review ");
    ck_assert_str_eq(db_.reason, "crashed_often");
    ck_assert_int_eq(tiktok.requests, 0);
}
END_TEST

START_TEST(what_cannot_go_out_as_chosen_fails_before_tiktok_opens_a_session)
{
    db_.facts.allow_comment = true;
    up_to("creator_info");
    answer(200, CREATOR);
    until_end();
    ck_assert_str_eq(db_.writes, "fail ");
    ck_assert_str_eq(db_.reason, "comment_disabled");
}
END_TEST

START_TEST(a_video_that_is_gone_or_of_another_length_is_not_announced)
{
    ck_assert_int_eq(blob_remove(publisher.blobs, db_.media[0].blob_key, &err), RC_OK);
    up_to("creator_info");
    answer(200, CREATOR);
    until_end();
    ck_assert_str_eq(db_.writes, "intend fail ");
    ck_assert_str_eq(db_.reason, "media_missing");
}
END_TEST

START_TEST(not_a_byte_goes_to_an_address_that_the_operator_has_not_listed)
{
    up_to("video/init");
    answer(200, ELSEWHERE);
    until_end();
    ck_assert_str_eq(db_.writes, "intend fail ");
    ck_assert_str_eq(db_.reason, "upload_url_refused");
    ck_assert_int_eq(tiktok.requests, 2);
}
END_TEST

START_TEST(a_limit_puts_off_a_ban_blocks_and_a_refusal_of_the_post_fails)
{
    static const struct {
        int status;
        const char *code, *writes, *reason;
    } cases[] = {
        {403, "spam_risk_too_many_posts", "intend put_off ", "daily_post_limit"},
        {403, "reached_active_user_cap", "intend put_off ", "app_user_cap"},
        {403, "spam_risk_user_banned_from_posting", "intend block ", "account_banned"},
        {400, "invalid_params", "intend fail ", "post_refused"},
        {429, "rate_limit_exceeded", "intend later ", "tiktok_rate_limited"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[256];

        make_facts();
        db_.writes[0] = '\0';
        up_to("video/init");
        (void)snprintf(body, sizeof(body),
                       "{\"error\":{\"code\":\"%s\",\"message\":\"m\",\"log_id\":\"L\"}}",
                       cases[i].code);
        answer(cases[i].status, body);
        until_end();
        ck_assert_str_eq(db_.writes, cases[i].writes);
        ck_assert_str_eq(db_.reason, cases[i].reason);
        ck_assert_str_eq(db_.log_id, "L"); /* for TikTok's support */
    }
    ck_assert_int_ge(db_.wait_ms, 60000);
}
END_TEST

START_TEST(who_got_no_answer_does_not_show_the_log_id_of_another)
{
    up_to("video/init"); /* creator_info has answered, with one */
    no_answer(RC_UNAVAILABLE, "http_failed");
    until_end();
    ck_assert_str_eq(db_.writes, "intend later ");
    ck_assert(!db_.late);
    ck_assert_str_eq(db_.log_id, "");
}
END_TEST

START_TEST(the_last_try_before_it_would_be_too_late_gives_up)
{
    db_.facts.due_ms = now_ms() - db_.facts.expire_after_ms + 900;
    up_to("video/init");
    answer(503, "");
    until_end();
    ck_assert_str_eq(db_.writes, "intend fail ");
    ck_assert_str_eq(db_.reason, "tiktok_unavailable");
    ck_assert(db_.late);
}
END_TEST

START_TEST(a_known_limit_is_not_asked_about)
{
    db_.bar = (struct limit_bar){.until_ms = 99, .reason = "daily_post_limit"};
    begin();
    until_end();
    ck_assert_str_eq(db_.writes, "put_off ");
    ck_assert_int_eq(db_.put.until_ms, 99);
    ck_assert_int_eq(tiktok.requests, 0);
    db_.writes[0] = '\0';
    make_facts(); /* a session that is there goes on */
    db_.facts.attempt_no = 1;
    db_.facts.attempt = (struct job_attempt){.no = 1,
                                             .state = ATTEMPT_READY,
                                             .method = JOB_UPLOAD,
                                             .publish_id = "p",
                                             .content_ver = 1};
    begin();
    until_request("POST", "status/fetch");
    ck_assert_str_eq(db_.writes, "");
}
END_TEST

START_TEST(time_that_limits_took_is_not_the_persons)
{
    int64_t now = now_ms();

    db_.facts.due_ms = now - 2 * db_.facts.expire_after_ms;
    begin();
    until_end();
    ck_assert_str_eq(db_.writes, "fail ");
    ck_assert_str_eq(db_.reason, "missed");
    db_.writes[0] = '\0';
    db_.bar.limited_ms = now - 1000;
    make_facts();
    db_.facts.due_ms = now - 2 * db_.facts.expire_after_ms;
    up_to("creator_info");
    ck_assert_str_eq(db_.writes, "");
}
END_TEST

START_TEST(an_account_without_pause_or_cap_is_not_asked_about)
{
    int64_t now = now_ms();

    db_.bar.until_ms = now + 60000; /* is not heard */
    db_.facts.may_be_limited = false;
    db_.facts.limited_ms = now - 1000; /* over: the person's patience counts from then */
    db_.facts.due_ms = now - 2 * db_.facts.expire_after_ms;
    up_to("creator_info");
    ck_assert_str_eq(db_.writes, "");
}
END_TEST

START_TEST(when_tiktok_fails_for_everybody_new_sessions_wait_for_one_probe)
{
    for (uint64_t account = 1; account <= BRAKE_ACCOUNTS; account++)
        brake_bad(&publisher.brake, account, "tiktok_unavailable", publisher_mono_ms());
    publisher.brake.until_ms = publisher_mono_ms() + 50;
    up_to("creator_info"); /* after the wait, as the probe */
    ck_assert_int_ge(publisher_mono_ms(), publisher.brake.until_ms);
    ck_assert_int_gt(brake_wait_ms(&publisher.brake, publisher_mono_ms()), 0);
    answer(200, CREATOR);
    ck_assert(!brake_closed(&publisher.brake));
}
END_TEST

/* A person canceled the post and set it off again: it is claimed anew, and the run that
 * waits with the old session must not be in the way. */
START_TEST(a_post_that_is_claimed_again_has_one_run)
{
    db_.facts.due_ms += 600000;
    up_to("video/init");
    begin();
    ck_assert_uint_eq(publisher.runs.len, 1);
    ck_assert(tiktok.done == NULL); /* the request of the old one was ended */
    until_request("POST", "creator_info");
}
END_TEST

START_TEST(a_run_that_only_waits_for_its_second_holds_no_slot)
{
    ck_assert_uint_eq(run_room(&publisher), 2);
    db_.facts.due_ms += 600000;
    up_to("video/init");
    ck_assert_uint_eq(run_room(&publisher), 1);
    answer(200, SESSION);
    while (run_room(&publisher) < 2)
        turn();
    ck_assert_uint_eq(publisher.runs.len, 1);
}
END_TEST

/* --- what TikTok fetches ---------------------------------------------------------- */

/* n photos, the second of them with a rendition. */
static void make_photos(size_t n)
{
    static char base[] = "https://media.example.com/tts/";

    settings.pull_url = base;
    db_.facts.video = false;
    db_.facts.media_n = n;
    for (size_t i = 0; i < n; i++) {
        struct job_medium *m = &db_.media[i];

        *m = (struct job_medium){.id = i + 1,
                                 .ready = true,
                                 .has_rendition = i == 1,
                                 .mime = "image/webp",
                                 .bytes = BYTES};
        (void)memset(m->blob_key, 'p', sizeof(m->blob_key) - 1);
        m->blob_key[24] = (char)('a' + i / 26);
        m->blob_key[25] = (char)('a' + i % 26);
        make_video(m->blob_key);
        if (m->has_rendition)
            ck_assert_int_eq(blob_put_part(publisher.blobs, m->blob_key, BLOB_RENDITION,
                                           "jpg", 3, &err),
                             RC_OK);
    }
}

#define PHOTO_INIT "https://api.test/v2/post/publish/content/init/"

static void to_photo_init(void)
{
    begin();
    until_request("POST", "creator_info");
    answer(200, CREATOR);
    until_request("POST", PHOTO_INIT);
}

static void finish(void)
{
    until_request("POST", "status/fetch");
    answer(200, COMPLETE);
    until_end();
}

START_TEST(photos_are_offered_below_a_gate_that_opens_once_the_session_is_known)
{
    char url[TIKTOK_PULL_URL_SIZE + 8];

    make_photos(2);
    to_photo_init();
    ck_assert_str_eq(db_.writes, "intend ");
    tiktok_pull_url(settings.pull_url, db_.token, 0, "webp", url);
    ck_assert_msg(strstr(tiktok.body, url) != NULL, "%s not in %s", url, tiktok.body);
    tiktok_pull_url(settings.pull_url, db_.token, 1, "jpg", url);
    ck_assert_msg(strstr(tiktok.body, url) != NULL, "%s not in %s", url, tiktok.body);
    ck_assert_ptr_nonnull(strstr(tiktok.body, "\"title\":\"A title\""));
    ck_assert_ptr_nonnull(strstr(tiktok.body, "\"description\":\"A caption #tag\""));
    answer(200, PULLED);
    finish();
    ck_assert_str_eq(db_.writes, "intend open published ");
}
END_TEST

START_TEST(no_gate_opens_before_its_second)
{
    make_photos(1);
    db_.facts.due_ms += 1500;
    to_photo_init();
    ck_assert_int_ge(now_ms(), db_.facts.due_ms - FLOW_INIT_AHEAD_MS);
    answer(200, PULLED);
    finish();
    ck_assert_int_ge(db_.opened_ms, db_.facts.due_ms);
    ck_assert_int_le(db_.opened_ms, db_.facts.due_ms + 1);
}
END_TEST

START_TEST(without_a_public_address_a_photo_post_fails_before_tiktok_hears_of_it)
{
    make_photos(1);
    settings.pull_url = NULL;
    up_to("creator_info");
    answer(200, CREATOR);
    until_end();
    ck_assert_str_eq(db_.writes, "intend fail ");
    ck_assert_str_eq(db_.reason, "pull_not_set_up");
}
END_TEST

START_TEST(a_photo_that_is_gone_keeps_the_others_from_going_out)
{
    make_photos(3);
    ck_assert_int_eq(blob_remove(publisher.blobs, db_.media[2].blob_key, &err), RC_OK);
    up_to("creator_info");
    answer(200, CREATOR);
    until_end();
    ck_assert_str_eq(db_.writes, "intend fail ");
    ck_assert_str_eq(db_.reason, "media_missing");
}
END_TEST

START_TEST(thirty_five_photos_fit_into_one_request)
{
    make_photos(35);
    to_photo_init();
    ck_assert_ptr_nonnull(strstr(tiktok.body, "/34.webp"));
    ck_assert_ptr_nonnull(strstr(tiktok.body, "\"media_type\":\"PHOTO\"}"));
    answer(200, PULLED);
    finish();
}
END_TEST

START_TEST(an_opening_that_nobody_heard_of_keeps_the_session_that_only_we_know)
{
    make_photos(1);
    db_.facts.due_ms += 800; /* the answer to INIT comes before the gate opens */
    to_photo_init();
    answer(200, PULLED);
    db_.next = RC_UNCERTAIN;
    db_.not_written = true;
    finish();
    ck_assert_str_eq(db_.writes, "intend open open published ");
    ck_assert_str_eq(db_.facts.attempt.publish_id, "p_pub_url~v2.7");
}
END_TEST

START_TEST(one_that_was_written_after_all_is_asked_about)
{
    make_photos(1);
    db_.facts.due_ms += 800;
    to_photo_init();
    answer(200, PULLED);
    db_.next = RC_UNCERTAIN;
    finish();
    ck_assert_str_eq(db_.writes, "intend open published ");
}
END_TEST

START_TEST(by_log_the_gate_is_open_when_tiktok_is_asked)
{
    make_photos(1);
    settings.pull_log = true;
    to_photo_init();
    ck_assert_str_eq(db_.writes, "intend open ");
    answer(200, PULLED);
    finish();
    ck_assert_str_eq(db_.writes, "intend open name published ");
}
END_TEST

START_TEST(by_log_an_answer_that_was_lost_is_for_a_person_once_something_was_fetched)
{
    make_photos(1);
    settings.pull_log = true;
    to_photo_init();
    db_.served = true;
    answer(500, "?");
    until_end();
    ck_assert_str_eq(db_.writes, "intend open review ");
    ck_assert_str_eq(db_.reason, "outcome_unknown");
}
END_TEST

START_TEST(videos_are_fetched_if_so_set)
{
    static char base[] = "https://media.example.com";
    char url[TIKTOK_PULL_URL_SIZE];

    settings.pull_url = base;
    settings.pull_videos = true;
    begin();
    until_request("POST", "creator_info");
    answer(200, CREATOR);
    until_request("POST", "https://api.test/v2/post/publish/video/init/");
    tiktok_pull_url(base, db_.token, 0, "mp4", url);
    ck_assert_ptr_nonnull(strstr(tiktok.body, url));
    ck_assert_ptr_nonnull(strstr(tiktok.body, "PULL_FROM_URL"));
    answer(200, PULLED);
    finish();
    ck_assert_str_eq(db_.writes, "intend open published ");
    ck_assert_int_eq(tiktok.requests, 3);
}
END_TEST

START_TEST(what_tiktok_fetches_holds_no_slot_while_it_does)
{
    make_photos(1);
    to_photo_init();
    ck_assert_uint_eq(run_room(&publisher), 1);
    answer(200, PULLED);
    until_request("POST", "status/fetch");
    ck_assert_uint_eq(run_room(&publisher), 2);
    answer(200, FETCHING);
    finish();
}
END_TEST

/* --- nudges ------------------------------------------------------------------- */

START_TEST(a_nudge_brings_the_next_poll_at_once)
{
    up_to("status");
    answer(200, PROCESSING);
    ck_assert_int_gt(quiet_ms(), 500);
    run_nudge(&publisher, POST + 1);
    ck_assert_int_gt(quiet_ms(), 500);
    run_nudge(&publisher, POST);
    ck_assert_int_eq(quiet_ms(), 0);
    until_request("POST", "status");
    answer(200, COMPLETE);
    until_end();
}
END_TEST

START_TEST(a_nudge_during_a_poll_is_followed_by_another_poll)
{
    up_to("status");
    run_nudge(&publisher, POST);
    answer(200, PROCESSING);
    ck_assert_int_eq(quiet_ms(), FAR);
    until_request("POST", "status");
    answer(200, PROCESSING); /* and that is all */
    ck_assert_int_gt(quiet_ms(), 500);
}
END_TEST

START_TEST(polls_are_rarer_while_webhooks_come_and_a_nudge_is_none_the_later)
{
    up_to("status");
    publisher.told_ms = publisher_mono_ms() - 599000;
    answer(200, PROCESSING);
    ck_assert_int_gt(quiet_ms(), 9000);
    run_nudge(&publisher, POST);
    ck_assert_int_eq(quiet_ms(), 0);
    until_request("POST", "status");
    answer(500, ""); /* what it was about is still to be asked */
    ck_assert_int_lt(quiet_ms(), 9000);
    run_nudge(&publisher, POST);
    until_request("POST", "status");
    publisher.told_ms = publisher_mono_ms() - 601000; /* they have stopped coming */
    answer(200, PROCESSING);
    ck_assert_int_lt(quiet_ms(), 9000);
}
END_TEST

START_TEST(a_nudge_before_anything_was_sent_makes_nothing_early)
{
    db_.facts.due_ms += 3600000;
    up_to("video/init");
    run_nudge(&publisher, POST);
    answer(200, SESSION);
    while (quiet_ms() == FAR)
        turn();
    ck_assert(tiktok.done == NULL);
    ck_assert_int_gt(quiet_ms(), 3000000);
}
END_TEST

/* --- files in an object store ---------------------------------------------------- */

static void in_a_bucket(void)
{
    blob_store_close(publisher.blobs);
    ck_assert_int_eq(
        blob_store_open(
            &(struct blob_settings){.url = "s3://media?endpoint=https://store.test",
                                    .access_key = "key",
                                    .secret_key = "secret"},
            &publisher.blobs, &err),
        RC_OK);
}

static void to_look(void)
{
    up_to("creator_info");
    answer(200, CREATOR);
    until_request("HEAD", "https://store.test/media/");
}

START_TEST(a_video_in_a_bucket_is_looked_for_and_sent_from_there)
{
    in_a_bucket();
    to_look();
    ck_assert_str_eq(db_.writes, "intend ");
    tell_size(200, BYTES);
    until_request("POST", "https://api.test/v2/post/publish/video/init/");
    answer(200, SESSION);
    until_request("PUT", "https://open-upload.tiktokapis.com/upload");
    ck_assert_ptr_eq(strstr(tiktok.source, "https://store.test/media/"), tiktok.source);
    ck_assert_ptr_nonnull(strstr(tiktok.source, db_.media[0].blob_key));
    ck_assert_int_eq(tiktok.file_len, BYTES);
    ck_assert_int_eq(tiktok.source_size, BYTES);
    answer(201, "");
    until_request("POST", "https://api.test/v2/post/publish/status/fetch/");
    answer(200, COMPLETE);
    until_end();
    ck_assert_ptr_nonnull(strstr(db_.writes, "published "));
}
END_TEST

static void fails_when_told(int status, int64_t length)
{
    in_a_bucket();
    to_look();
    tell_size(status, length);
    until_end();
    ck_assert_str_eq(db_.writes, "intend fail ");
    ck_assert_str_eq(db_.reason, "media_missing");
}

START_TEST(one_that_is_not_in_the_bucket_fails_before_tiktok_hears_of_it)
{
    fails_when_told(404, -1);
}
END_TEST

START_TEST(one_of_another_length_fails_before_tiktok_hears_of_it)
{
    fails_when_told(200, BYTES + 1);
}
END_TEST

static void put_off(void)
{
    while (quiet_ms() == FAR && tiktok.done == NULL && publisher.runs.len > 0)
        turn();
    ck_assert_ptr_null(strstr(db_.writes, "fail"));
    ck_assert_int_eq(tiktok.requests, 2); /* creator_info and this */
}

START_TEST(a_bucket_that_does_not_answer_puts_the_post_off)
{
    in_a_bucket();
    to_look();
    no_answer(RC_UNAVAILABLE, "http_failed");
    put_off();
}
END_TEST

START_TEST(a_bucket_that_refuses_us_puts_the_post_off)
{
    in_a_bucket();
    to_look();
    tell_size(403, -1);
    put_off();
}
END_TEST

START_TEST(a_source_that_gives_nothing_is_the_file_not_tiktok)
{
    in_a_bucket();
    to_look();
    tell_size(200, BYTES);
    until_request("POST", "https://api.test/v2/post/publish/video/init/");
    answer(200, SESSION);
    until_request("PUT", "https://open-upload.tiktokapis.com/upload");
    no_answer(RC_NOT_FOUND, "source_missing");
    while (tiktok.done == NULL && publisher.runs.len > 0 && quiet_ms() == FAR)
        turn();
    ck_assert_ptr_null(strstr(db_.writes, "published"));
}
END_TEST

START_TEST(every_photo_in_a_bucket_is_looked_for)
{
    make_photos(3);
    in_a_bucket();
    to_look();
    for (int i = 0; i < 3; i++) {
        until_request("HEAD", "https://store.test/media/");
        ck_assert_ptr_nonnull(strstr(tiktok.path, db_.media[i].blob_key));
        tell_size(200, 17);
    }
    until_request("POST", "https://api.test/v2/post/publish/content/init/");
    answer(200, PULLED);
    finish();
    ck_assert_str_eq(db_.writes, "intend open published ");
}
END_TEST

UNIT_MAIN_FIXTURE(
    "publisher_run", setup, teardown,
    a_post_goes_the_whole_way_and_each_step_is_written_before_the_next,
    without_redis_the_ledger_says_when_a_session_may_be_opened,
    a_post_that_is_gone_when_the_ledger_is_asked_opens_no_session,
    a_call_that_waits_for_its_turn_passes_its_rate_window_once,
    in_a_burst_it_is_sent_first_and_written_down_afterwards,
    nor_does_a_burst_keep_it_from_being_written_at_a_shutdown,
    who_waits_for_a_turn_at_a_shutdown_gives_the_post_back,
    who_waits_for_a_turn_is_dropped_with_the_lease,
    when_the_lease_is_lost_the_transfer_ends_and_nothing_more_is_written,
    without_a_valid_lease_nothing_is_begun,
    a_run_whose_fence_has_moved_ends_without_a_word,
    a_grant_that_nobody_heard_of_is_read_and_not_asked_for_again,
    a_grant_without_a_witness_is_counted, who_is_strict_waits_for_the_witness,
    a_grant_whose_commit_found_no_replica_is_kept_until_there_is_one,
    what_waited_for_its_witness_too_long_is_missed,
    at_a_shutdown_what_waits_is_released_and_what_is_sent_is_handed_over,
    a_post_that_publishers_died_of_again_and_again_is_looked_at_by_a_person,
    what_cannot_go_out_as_chosen_fails_before_tiktok_opens_a_session,
    a_video_that_is_gone_or_of_another_length_is_not_announced,
    not_a_byte_goes_to_an_address_that_the_operator_has_not_listed,
    a_limit_puts_off_a_ban_blocks_and_a_refusal_of_the_post_fails,
    who_got_no_answer_does_not_show_the_log_id_of_another,
    the_last_try_before_it_would_be_too_late_gives_up, a_known_limit_is_not_asked_about,
    time_that_limits_took_is_not_the_persons,
    an_account_without_pause_or_cap_is_not_asked_about,
    when_tiktok_fails_for_everybody_new_sessions_wait_for_one_probe,
    a_post_that_is_claimed_again_has_one_run,
    a_run_that_only_waits_for_its_second_holds_no_slot,
    photos_are_offered_below_a_gate_that_opens_once_the_session_is_known,
    no_gate_opens_before_its_second,
    without_a_public_address_a_photo_post_fails_before_tiktok_hears_of_it,
    a_photo_that_is_gone_keeps_the_others_from_going_out,
    thirty_five_photos_fit_into_one_request,
    an_opening_that_nobody_heard_of_keeps_the_session_that_only_we_know,
    one_that_was_written_after_all_is_asked_about,
    by_log_the_gate_is_open_when_tiktok_is_asked,
    by_log_an_answer_that_was_lost_is_for_a_person_once_something_was_fetched,
    videos_are_fetched_if_so_set, what_tiktok_fetches_holds_no_slot_while_it_does,
    a_nudge_brings_the_next_poll_at_once,
    a_nudge_during_a_poll_is_followed_by_another_poll,
    polls_are_rarer_while_webhooks_come_and_a_nudge_is_none_the_later,
    a_nudge_before_anything_was_sent_makes_nothing_early,
    a_video_in_a_bucket_is_looked_for_and_sent_from_there,
    one_that_is_not_in_the_bucket_fails_before_tiktok_hears_of_it,
    one_of_another_length_fails_before_tiktok_hears_of_it,
    a_bucket_that_does_not_answer_puts_the_post_off,
    a_bucket_that_refuses_us_puts_the_post_off,
    a_source_that_gives_nothing_is_the_file_not_tiktok,
    every_photo_in_a_bucket_is_looked_for)
