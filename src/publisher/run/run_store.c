/* The part of a run that waits for MariaDB and Redis: one function an action, on a
 * store thread. */
#include "run_limit.h"

#include "../tokens/tokens.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/text.h"
#include "crypto/seal.h"
#include "domain/reason.h"
#include "store/events.h"
#include "store/health.h"
#include "store/jobs.h"
#include "tiktok/posting.h"

#include <inttypes.h>
#include <string.h>

enum { HINT_MARGIN_MS = 50 }; /* a hint that comes early is refused by the claim */

/* --- failures as events ------------------------------------------------------------ */

/* A failed statement. Only the first of a row of failures is said. */
void run_store_event(struct run *r, enum rc rc, const struct err *err)
{
    bool said = r->store_failed;

    r->store_failed = rc != RC_OK;
    switch (rc) {
    case RC_OK:
        run_event(r, FLOW_OK, NULL, 0);
        return;
    case RC_CONFLICT:
        if (strcmp(err->code, "second_live_attempt") == 0)
            run_event(r, FLOW_REFUSED, "second_live_attempt", 0);
        else
            run_event(r, FLOW_LOST, NULL, 0);
        break;
    case RC_NOT_FOUND:
        run_event(r, FLOW_LOST, NULL, 0);
        break;
    case RC_UNCERTAIN:
        run_event(r, FLOW_UNCLEAR, NULL, 0);
        break;
    case RC_INVALID:
    case RC_BUG:
        run_event(r, FLOW_REFUSED, "internal_error", 0);
        break;
    case RC_DENIED:
    case RC_LIMITED:
    case RC_UNAVAILABLE:
    case RC_REJECTED:
        run_event(r, FLOW_AGAIN, NULL, err->retry_after_ms);
        break;
    }
    if (!said)
        log_failure("run.store_failed", err);
}

/* Redis is away: what it would have done is not needed for safety. The change is told by
 * the intake. */
bool run_hint_failed(enum rc rc, const struct err *err)
{
    if (rc != RC_OK && rc != RC_UNAVAILABLE)
        log_failure("run.redis_refused", err);
    return rc != RC_OK;
}

/* --- reading the row ----------------------------------------------------------- */

static struct seal_place url_place(const struct run *r, unsigned attempt_no)
{
    return (struct seal_place){.purpose = "tiktok-upload",
                               .table = "attempt",
                               .column = "upload_url",
                               .row = r->ref.post_id,
                               .part = attempt_no,
                               .workspace = r->ref.workspace_id};
}

/* What TikTok fetches is stored with its grant, or after it: until then the session that
 * TikTok has named is in our memory only, and stays there when the row is read again. */
static bool unstored(const struct run *r)
{
    const struct job_attempt *a = &r->facts.attempt;

    return r->begun && a->method == JOB_PULL && a->no == r->flow.start.attempt_no &&
           a->publish_id[0] == '\0';
}

/* The session as stored. One whose address cannot be opened any more is treated like one
 * that has expired: it may be asked about, but nothing is sent. */
static void open_session(struct run *r)
{
    const struct job_attempt *a = &r->facts.attempt;
    struct seal_place at = url_place(r, a->no);
    struct strbuf url;
    struct err err;

    if (unstored(r))
        return;
    explicit_bzero(&r->session, sizeof(r->session));
    if (a->state == ATTEMPT_DEAD) /* not ours any more: nothing can be granted to it */
        return;
    text_copy(r->session.publish_id, sizeof(r->session.publish_id), a->publish_id);
    r->init_date_ms = a->init_date_ms;
    if (a->upload_url_len == 0)
        return;
    strbuf_init(&url, TIKTOK_UPLOAD_URL_MAX);
    if (seal_open(r->p->ring, &at, a->upload_url, a->upload_url_len, &url, &err) == RC_OK)
        (void)memcpy(r->session.upload_url, url.buf, url.len + 1);
    else
        log_failure("run.url_unreadable", &err);
    strbuf_wipe(&url);
}

static bool session_there(const struct job_facts *f)
{
    return f->attempt.state >= ATTEMPT_READY && f->attempt.state <= ATTEMPT_PROCESSING;
}

/* A stored session goes on as it was cut; a new one is cut anew. */
static struct tiktok_chunk_plan plan_of(const struct job_facts *f)
{
    const struct job_attempt *a = &f->attempt;
    struct tiktok_chunk_plan plan = {.size = 1, .chunk_size = 1, .count = 1};
    struct err err;

    if (!f->video)
        return plan;
    if (session_there(f) && a->chunk_size > 0 && a->bytes_total >= a->chunk_size)
        return (struct tiktok_chunk_plan){.size = a->bytes_total,
                                          .chunk_size = a->chunk_size,
                                          .count = a->bytes_total / a->chunk_size};
    if (tiktok_chunk_plan(f->media_n > 0 ? f->media[0].bytes : 0, &plan, &err) != RC_OK)
        log_failure("run.no_plan", &err); /* INIT refuses it */
    return plan;
}

/* A session for a text that was changed since must never go on, unless it was granted. */
static enum flow_session session_of(const struct job_facts *f)
{
    if (f->granted != 0)
        return f->attempt.state == ATTEMPT_PROCESSING ? FLOW_SESSION_SENT
                                                      : FLOW_SESSION_GRANTED;
    if (f->attempt.state == ATTEMPT_READY && f->attempt.method == JOB_UPLOAD &&
        f->attempt.content_ver == f->content_ver)
        return FLOW_SESSION_READY;
    return FLOW_SESSION_NONE;
}

static struct flow_start start_of(const struct run *r)
{
    const struct job_facts *f = &r->facts;
    bool fetched = f->attempt.method == JOB_PULL;

    return (struct flow_start){
        .plan = plan_of(f),
        .due_ms = f->due_ms,
        .give_up_ms = run_give_up_ms(r),
        .granted_ms = f->attempt.granted_ms,
        .session = session_of(f),
        .way = fetched ? FLOW_BY_GATE : FLOW_BY_UPLOAD,
        .new_way = run_way(r, f),
        .named = f->attempt.publish_id[0] != '\0',
        .gate = fetched && f->attempt.gate,
        .attempt_no = f->attempt_no,
        .unborn = f->unborn,
        .fails = f->fails,
        .direct = f->direct,
    };
}

/* Publishers died of this post again and again, or it cannot even be read: a person must
 * look. */
static void give_up_on(struct run *r, const struct pool_kit *kit, const char *reason)
{
    struct err err;
    const struct job_ending ending = {.how = JOB_END_REVIEW, .reason = reason};
    enum rc rc = job_end(kit->db, &r->ref, &ending, &err);

    log_error("run.given_up", "reason=%s", reason);
    run_store_event(r, rc, &err);
    if (rc == RC_OK)
        run_event(r, FLOW_LOST, NULL, 0);
}

/* The claim has cost its account a call of its window, which this run does not make: it
 * goes on with a session that is there, or ends before it opens one. Should it come to an
 * INIT after all, that passes the window by itself. */
static void give_call_back(struct run *r, const struct pool_kit *kit)
{
    const struct queue_hint call = {.account_id = r->account_id,
                                    .counted_ms = r->counted.at_ms};
    struct err err;

    if (r->inits > 0 || r->counted.at_ms == 0)
        return;
    (void)run_hint_failed(queue_refund(kit->redis, &call, &err), &err);
    r->counted = (struct run_counted){0};
}

/* A grant on one machine alone can be lost with it: some rather wait. False: r->ev says
 * so. */
static bool is_kept_twice(struct run *r, const struct pool_kit *kit)
{
    enum health_sync sync = HEALTH_SYNC_NONE;
    struct err err;
    enum rc rc = RC_OK;

    if (!r->p->settings->strict)
        return true;
    rc = health_semi_sync(kit->db, &sync, &err);
    if (rc == RC_OK && sync == HEALTH_SYNC_FALLEN)
        rc = err_set(&err, RC_UNAVAILABLE, "semi_sync_off",
                     "No replica answers, so nothing is granted (PUBLISH_STRICT).");
    if (rc != RC_OK)
        run_store_event(r, rc, &err);
    return rc == RC_OK;
}

/* The grant whose COMMIT waited for a replica in vain is on one machine alone as well.
 * What it allows waits then, in the hands of whoever holds the post: a replica that is
 * counted again has it. */
void run_granted(struct run *r, const struct pool_kit *kit)
{
    r->granted_alone = r->ev.what == FLOW_OK && !is_kept_twice(r, kit);
}

static bool is_granted_alone(struct run *r, const struct pool_kit *kit)
{
    return r->facts.granted > 0 && r->facts.attempt.state == ATTEMPT_GRANTED &&
           !is_kept_twice(r, kit);
}

static void do_reload(struct run *r, const struct pool_kit *kit)
{
    struct err err;
    enum rc rc;

    job_facts_release(&r->facts);
    r->facts = (struct job_facts){0};
    rc = job_load(kit->db, &r->ref, &r->facts, &err);
    run_store_event(r, rc, &err);
    if (!r->begun && r->ev.what == FLOW_REFUSED)
        give_up_on(r, kit, r->ev.reason);
    if (rc != RC_OK)
        return;
    if (!r->begun && r->crashed_often) {
        give_up_on(r, kit, "crashed_often");
        return;
    }
    if (!r->begun && run_held_up(r, kit, session_of(&r->facts) != FLOW_SESSION_NONE))
        return;
    if (!r->begun && session_of(&r->facts) != FLOW_SESSION_NONE)
        give_call_back(r, kit);
    if (is_granted_alone(r, kit))
        return;
    open_session(r);
    run_event(r, FLOW_LOADED, NULL, 0);
    r->ev.start = start_of(r);
}

/* --- TOKEN --------------------------------------------------------------------- */

/* Why there is no token. */
static void token_event(struct run *r, enum rc rc, const struct err *err)
{
    if (strcmp(err->code, "refresh_under_way") == 0) {
        run_delay(r, err->retry_after_ms);
        return;
    }
    log_failure("run.no_token", err);
    if (rc == RC_DENIED) {
        run_event(r, FLOW_REFUSED, "reconnect_needed", 0);
        r->ev.verdict = FLOW_VERDICT_BLOCK;
    } else if (strcmp(err->code, "client_invalid") == 0) {
        run_event(r, FLOW_AGAIN, "app_credentials_wrong", TOKENS_AGAIN_MS);
    } else if (rc == RC_UNAVAILABLE && strcmp(err->code, "token_unreadable") != 0) {
        run_event(r, FLOW_AGAIN, "tiktok_unavailable", err->retry_after_ms);
    } else {
        run_event(r, FLOW_AGAIN, "token_unreadable", TOKENS_AGAIN_MS);
    }
}

static void do_token(struct run *r, const struct pool_kit *kit)
{
    struct account_token row = {0};
    char token[TIKTOK_TOKEN_MAX + 1];
    struct err err;
    unsigned used = r->action.force ? r->token_version : 0;
    bool renewed = r->token_renewed;
    enum rc rc = account_token_load(kit->db, r->account_id, &row, &err);

    r->token_renewed = false;
    if (rc == RC_UNAVAILABLE || rc == RC_UNCERTAIN) { /* the database, not TikTok */
        run_store_event(r, rc, &err);
        run_delay(r, RUN_DELAY_STORE_MS);
        goto out;
    }
    rc = tokens_usable(rc, &row, &err);
    if (rc == RC_OK && !renewed && tokens_stale(&row, used)) {
        r->token_refused = row.version == used;
        r->token_version = row.version;
        r->next = RUN_REFRESH;
        goto out;
    }
    if (rc == RC_OK)
        rc = tokens_open(r->p, &row, "access_tok", token, &err);
    if (rc == RC_OK)
        run_set_token(r, token);
    r->token_version = rc == RC_OK ? row.version : r->token_version;
    if (rc == RC_OK) {
        run_store_event(r, RC_OK, &err);
    } else {
        if (!renewed) /* that of another answer than the refresh's */
            r->log_id[0] = '\0';
        token_event(r, rc, &err);
    }
out:
    explicit_bzero(token, sizeof(token));
    explicit_bzero(&row, sizeof(row));
}

void run_on_task(struct pool_work *w, const struct pool_kit *kit)
{
    struct run *r = (struct run *)(void *)w;
    const struct token_want want = {r->account_id, r->token_version, r->token_refused,
                                    r->ref.inc, r->log_id};
    struct err err;
    enum rc rc;

    log_context(RUN_WHO, RUN_WHO_OF(r));
    r->log_id[0] = '\0';
    rc = tokens_refresh(r->p, kit, &want, &err);
    /* The access token of a grant that is dead may last: the row is asked. */
    r->token_renewed = rc == RC_OK || rc == RC_DENIED;
    r->next = RUN_REPEAT;
    if (!r->token_renewed)
        token_event(r, rc, &err);
    log_context("%s", "");
}

/* --- rate windows -------------------------------------------------------------- */

/* The timeline learns of TikTok's word when it has changed; that is best effort. */
static void note_word(struct run *r, const struct pool_kit *kit)
{
    char data[EVENT_DATA_MAX + 1];
    struct err err;
    const struct event e = {
        .attempt = r->flow.start.attempt_no, .code = r->word, .log_id = r->log_id};

    if (strcmp(r->word, r->noted) == 0)
        return;
    event_data(&e, data);
    if (job_note(kit->db, &r->ref, EVENT_STATUS, data, &err) == RC_OK)
        text_copy(r->noted, sizeof(r->noted), r->word);
}

/* A call that is rationed: may it be made now? */
static void do_ration(struct run *r, const struct pool_kit *kit)
{
    enum queue_ring ring;
    struct err err;
    int64_t wait_ms = 0;
    enum rc rc;

    note_word(r, kit);
    run_shrink(r, kit);
    r->next = RUN_CALL;
    if (!run_ring(r, &ring))
        return;
    if (ring == QUEUE_RING_INIT) {
        run_ration_init(r, kit);
        return;
    }
    rc = queue_ring_pass(kit->redis, ring, r->account_id, &wait_ms, &err);
    if (run_hint_failed(rc, &err)) {
        r->next = RUN_LOCAL;
    } else if (wait_ms > 0) {
        meter_span(METER_WINDOW_WAIT, wait_ms);
        run_delay(r, wait_ms);
    }
}

/* --- the writes ---------------------------------------------------------------- */

/* For what TikTok fetches, with the token that run_new_gate() made. */
struct job_intent run_intent(const struct run *r)
{
    const struct tiktok_chunk_plan *plan = &r->flow.start.plan;
    struct job_intent fetched = {.no = r->flow.start.attempt_no + 1,
                                 .content_ver = r->facts.content_ver,
                                 .gate_token = r->gate_token};

    if (r->flow.start.new_way != FLOW_BY_UPLOAD) {
        for (size_t i = 0; i < r->facts.media_n; i++)
            fetched.bytes_total += r->facts.media[i].bytes;
        return fetched;
    }

    return (struct job_intent){.no = r->flow.start.attempt_no + 1,
                               .content_ver = r->facts.content_ver,
                               .bytes_total = plan->size,
                               .chunk_size = plan->chunk_size};
}

static void do_intent(struct run *r, const struct pool_kit *kit)
{
    struct job_intent intent;
    struct err err;
    enum rc rc;

    explicit_bzero(&r->session, sizeof(r->session));
    run_new_gate(r);
    intent = run_intent(r);
    FAULT_POINT("intent.before_commit");
    rc = job_intend(kit->db, &r->ref, &intent, &err);
    FAULT_POINT("intent.after");
    run_store_event(r, rc, &err);
}

enum rc run_session(const struct run *r, struct strbuf *sealed, struct job_session *out,
                    struct err *err)
{
    struct seal_place at = url_place(r, r->flow.start.attempt_no);
    enum rc rc = seal_close(r->p->ring, &at, r->session.upload_url,
                            strlen(r->session.upload_url), sealed, err);

    if (rc == RC_OK)
        *out = (struct job_session){.publish_id = r->session.publish_id,
                                    .upload_url = sealed->buf,
                                    .upload_url_len = sealed->len,
                                    .init_date_ms = r->init_date_ms,
                                    .log_id = r->log_id};
    return rc;
}

static void do_persist(struct run *r, const struct pool_kit *kit)
{
    struct job_session session;
    struct strbuf sealed;
    struct err err;
    enum rc rc;

    if (r->flow.granted) {
        run_do_name(r, kit);
        return;
    }
    strbuf_init(&sealed, JOB_URL_MAX);
    rc = run_session(r, &sealed, &session, &err);
    if (rc == RC_OK) {
        FAULT_POINT("persist.before_commit");
        rc = job_persist(kit->db, &r->ref, r->flow.start.attempt_no, &session, &err);
        FAULT_POINT("persist.after");
    }
    strbuf_release(&sealed);
    run_store_event(r, rc, &err);
}

/* Another session holds the witness and may be out. Ours takes it up if TikTok fetches
 * for it (the database may never have known it) and nothing was granted yet; otherwise
 * the database has lost something, and a person must look. */
static void other_holds(struct run *r, const struct pool_kit *kit, const char *holder)
{
    bool fetched =
        r->flow.start.way != FLOW_BY_UPLOAD || tiktok_publish_id_is_fetched(holder);
    bool open = false;
    struct err err;
    enum rc rc = fetched ? job_attempt_is_open(kit->db, r->ref.post_id,
                                               r->flow.start.attempt_no, &open, &err)
                         : RC_OK;

    if (rc != RC_OK) {
        run_store_event(r, rc, &err);
        return;
    }
    if (open)
        run_event(r, FLOW_HELD, NULL, 0);
    else
        run_event(r, FLOW_REFUSED, REASON_WITNESS_CONFLICT, 0);
    r->ev.other = open;
    text_copy(r->holder, sizeof(r->holder), holder);
    log_event(open ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "run.witness_conflict",
              "post=%" PRIu64 " attempt=%u holder=%s taken_up=%d", r->ref.post_id,
              r->flow.start.attempt_no, holder, (int)open);
}

/* A person has taken back this version of the post, or a later one that the database has
 * forgotten. */
static bool takes_back(const struct run *r, const char *holder)
{
    uint32_t version;

    return queue_witness_is_cancel(holder, &version) && r->facts.version <= version;
}

/* Somebody else's session holds the witness, or an old cancel. When the database knows
 * that it is dead, ours takes its place. */
static void replace_witness(struct run *r, const struct pool_kit *kit,
                            const struct queue_witness *witness, const char *holder)
{
    struct err err;
    uint32_t version;
    bool dead = queue_witness_is_cancel(holder, &version);
    bool done = false;
    enum rc rc =
        dead ? RC_OK : job_attempt_is_dead(kit->db, r->ref.post_id, holder, &dead, &err);

    if (rc != RC_OK) {
        run_store_event(r, rc, &err);
        return;
    }
    if (dead) {
        rc = queue_witness_swap(kit->redis, witness, holder, r->session.publish_id, &done,
                                &err);
        done = done || run_hint_failed(rc, &err);
    }
    if (done || dead) { /* another took that place meanwhile: it is asked for anew */
        run_event(r, done ? FLOW_OK : FLOW_AGAIN, NULL, 0);
        return;
    }
    other_holds(r, kit, holder);
}

/* The post's people see what it waits for; once, and as well as can be. */
static void say_held_back(struct run *r, const struct pool_kit *kit, const char *reason)
{
    struct err err;

    if (r->held_back == reason || r->flow.granted)
        return;
    meter_add(METER_HELD_BACK, 1);
    if (job_hold_back(kit->db, &r->ref, r->flow.start.attempt_no, reason, &err) == RC_OK)
        r->held_back = reason;
}

/* There is no witness. Unless the operator wants it otherwise the grant alone decides. */
static void without_witness(struct run *r, const struct pool_kit *kit)
{
    if (!r->p->settings->strict) {
        meter_add(METER_WITNESS_SKIPPED, 1);
        run_event(r, FLOW_OK, NULL, 0);
        return;
    }
    say_held_back(r, kit, REASON_WITNESS_MISSING);
    run_event(r, FLOW_AGAIN, NULL, 0);
}

static void do_witness(struct run *r, const struct pool_kit *kit)
{
    const struct queue_witness witness = {r->ref.post_id, r->account_id};
    char holder[QUEUE_WITNESS_SIZE];
    struct err err;
    enum rc rc;

    if (!is_kept_twice(r, kit)) {
        say_held_back(r, kit, REASON_REPLICA_MISSING);
        return;
    }
    rc = queue_witness_take(kit->redis, &witness, r->session.publish_id, holder, &err);
    FAULT_POINT("witness.after");
    if (run_hint_failed(rc, &err))
        without_witness(r, kit);
    else if (strcmp(holder, r->session.publish_id) == 0)
        run_event(r, FLOW_OK, NULL, 0);
    else if (takes_back(r, holder))
        run_event(r, FLOW_DROPPED, NULL, 0);
    else
        replace_witness(r, kit, &witness, holder);
}

/* The session will never be out: its witness goes. Left behind, it is found to be a dead
 * one's. */
static void drop_witness(const struct run *r, const struct pool_kit *kit)
{
    const struct queue_witness witness = {r->ref.post_id, r->account_id};
    bool done = false;
    struct err err;

    if (r->session.publish_id[0] != '\0')
        (void)run_hint_failed(queue_witness_swap(kit->redis, &witness,
                                                 r->session.publish_id, NULL, &done,
                                                 &err),
                              &err);
}

static void do_grant(struct run *r, const struct pool_kit *kit)
{
    struct err err;
    enum rc rc = RC_OK;

    if (!r->granted_alone) {
        FAULT_POINT("grant.before_commit");
        rc = job_grant(kit->db, &r->ref, r->flow.start.attempt_no, &err);
        FAULT_POINT("grant.after");
    }
    run_store_event(r, rc, &err);
    run_granted(r, kit);
}

static void do_sent(struct run *r, const struct pool_kit *kit)
{
    struct err err;
    enum rc rc;

    FAULT_POINT("sent.before_commit");
    rc = job_sent(kit->db, &r->ref, r->flow.start.attempt_no, &err);
    FAULT_POINT("sent.after");
    run_store_event(r, rc, &err);
}

static void do_published(struct run *r, const struct pool_kit *kit)
{
    const struct job_outcome outcome = {r->word, r->post_ids, r->log_id};
    struct err err;
    enum rc rc;

    FAULT_POINT("done.before_commit");
    rc = job_published(kit->db, &r->ref, r->flow.start.attempt_no, &outcome, &err);
    FAULT_POINT("done.after");
    run_store_event(r, rc, &err);
}

static void do_close(struct run *r, const struct pool_kit *kit)
{
    if (run_close_gate(r, kit))
        drop_witness(r, kit);
}

/* --- giving up ------------------------------------------------------------------- */

/* What ends a post or a session without TikTok's word asks the witness first: it still
 * knows what a database that was set back has forgotten. True: nothing stands against it.
 * False: r->ev says what does. Without Redis the database alone decides, or nobody
 * does. */
static bool nobody_may_be_out(struct run *r, const struct pool_kit *kit)
{
    const struct queue_witness witness = {r->ref.post_id, r->account_id};
    char holder[QUEUE_WITNESS_SIZE];
    struct err err;
    uint32_t version;
    bool dead = false;
    enum rc rc = queue_witness_read(kit->redis, &witness, holder, &err);

    if (run_hint_failed(rc, &err) && r->p->settings->strict) {
        run_event(r, FLOW_AGAIN, NULL, 0);
        return false;
    }
    if (rc != RC_OK || holder[0] == '\0' || queue_witness_is_cancel(holder, &version))
        return true;
    if (strcmp(holder, r->session.publish_id) == 0) {
        log_warn("run.witness_doubt", "holder=%s", holder);
        text_copy(r->holder, sizeof(r->holder), holder);
        run_event(r, FLOW_HELD, NULL, 0);
        return false;
    }
    rc = job_attempt_is_dead(kit->db, r->ref.post_id, holder, &dead, &err);
    if (rc != RC_OK)
        run_store_event(r, rc, &err);
    else if (!dead)
        other_holds(r, kit, holder);
    return dead;
}

static void do_dead(struct run *r, const struct pool_kit *kit)
{
    unsigned no = r->flow.start.attempt_no;
    struct err err;
    enum rc rc;

    if (!r->action.proof && !nobody_may_be_out(r, kit))
        return;
    FAULT_POINT("dead.before_commit");
    rc = r->action.proof ? job_attempt_dead(kit->db, &r->ref, no, r->action.reason, &err)
                         : job_give_up(kit->db, &r->ref, no, r->action.reason, &err);
    FAULT_POINT("dead.after");
    run_store_event(r, rc, &err);
    if (rc != RC_OK)
        return;
    if (r->action.proof)
        drop_witness(r, kit);
    explicit_bzero(&r->session, sizeof(r->session));
}

/* --- ends ---------------------------------------------------------------------- */

/* Who looks next, and when: a hint, as the API gives them. */
static void hint(const struct run *r, const struct pool_kit *kit, int64_t at_ms)
{
    struct err err;

    (void)run_hint_failed(queue_enqueue(kit->redis, r->ref.post_id, r->account_id,
                                        at_ms + HINT_MARGIN_MS, &err),
                          &err);
}

/* Of TikTok's answers the last one led to it; of what we do by ourselves none. */
static const char *guilty(const struct run *r, enum job_end how)
{
    bool ours =
        how == JOB_END_RELEASE || how == JOB_END_HANDOVER || how == JOB_END_CANCELED;

    return ours ? NULL : r->log_id;
}

static void do_end(struct run *r, const struct pool_kit *kit, enum job_end how)
{
    const struct job_ending ending = {.how = how,
                                      .reason = r->action.reason,
                                      .log_id = guilty(r, how),
                                      .wait_ms = r->action.wait_ms,
                                      .late = r->action.late};
    struct err err;
    enum rc rc;

    run_shrink(r, kit);
    give_call_back(r, kit);
    if (r->action.limited) {
        rc = run_put_off(r, kit, &err);
        run_store_event(r, rc, &err);
        return;
    }
    if (how == JOB_END_FAIL && !nobody_may_be_out(r, kit))
        return;
    FAULT_POINT("end.before_commit");
    rc = job_end(kit->db, &r->ref, &ending, &err);
    FAULT_POINT("end.after");
    run_store_event(r, rc, &err);
    if (rc == RC_OK && how == JOB_END_LATER)
        hint(r, kit, r->now_ms + r->action.wait_ms);
    if (rc == RC_OK && (how == JOB_END_RELEASE || how == JOB_END_HANDOVER))
        hint(r, kit, r->now_ms);
}

static void do_action(struct run *r, const struct pool_kit *kit)
{
    static void (*const actions[])(struct run *, const struct pool_kit *) = {
        [FLOW_DO_TOKEN] = do_token,         [FLOW_DO_CREATOR] = do_ration,
        [FLOW_DO_INTENT] = do_intent,       [FLOW_DO_INIT] = do_ration,
        [FLOW_DO_PERSIST] = do_persist,     [FLOW_DO_WITNESS] = do_witness,
        [FLOW_DO_GRANT] = do_grant,         [FLOW_DO_SENT] = do_sent,
        [FLOW_DO_OPEN] = run_do_open,       [FLOW_DO_ADOPT] = run_do_adopt,
        [FLOW_DO_CLOSE] = do_close,         [FLOW_DO_STATUS] = do_ration,
        [FLOW_DO_PUBLISHED] = do_published, [FLOW_DO_DEAD] = do_dead,
        [FLOW_DO_RELOAD] = do_reload,
    };
    static const enum job_end ends[] = {
        [FLOW_DO_LATER] = JOB_END_LATER,       [FLOW_DO_FAIL] = JOB_END_FAIL,
        [FLOW_DO_BLOCK] = JOB_END_BLOCK,       [FLOW_DO_REVIEW] = JOB_END_REVIEW,
        [FLOW_DO_CANCELED] = JOB_END_CANCELED, [FLOW_DO_RELEASE] = JOB_END_RELEASE,
        [FLOW_DO_HANDOVER] = JOB_END_HANDOVER,
    };
    enum flow_do what = r->action.what;

    if (what >= FLOW_DO_LATER)
        do_end(r, kit, ends[what]);
    else
        actions[what](r, kit);
}

void run_on_store(struct pool_work *w, const struct pool_kit *kit)
{
    struct run *r = (struct run *)(void *)w;

    log_context(RUN_WHO " doing=%s", RUN_WHO_OF(r), flow_do_name(r->action.what));
    run_recount(r, kit);
    do_action(r, kit);
    log_context("%s", "");
}
