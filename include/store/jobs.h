/* store/jobs.h - the publisher's side of a post: claims, grants and ends.
 *
 * Every write names the job by post, fence and owner and checks how many rows it changed:
 * a publisher that was declared dead, or whose post was canceled or moved meanwhile, gets
 * RC_CONFLICT and drops the job (docs/publishing.md). A write of several rows is one
 * transaction, locks job before attempt, and writes the line of the post's timeline that
 * tells of it. RC_UNCERTAIN: the connection broke during COMMIT; read the row again with
 * job_load() before doing anything else. The API's side (create, schedule, cancel) is in
 * store/posts.h. Times are ms UTC of the database's clock. */
#ifndef STORE_JOBS_H
#define STORE_JOBS_H

#include "core/err.h"
#include "store/db.h"
#include "store/media.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JOB_CLAIM_MAX = 200,  /* ids one claim takes */
    JOB_SWEEP_MAX = 500,  /* rows one sweep finds */
    JOB_SHARDS = 1024,    /* job.shard is 0..JOB_SHARDS-1 */
    JOB_PHASE_MS = 60000, /* a claimed job nobody has touched for so long is stuck */
    JOB_CRASHES_MAX = 3,  /* publishers that died of it since it last got a session, its
                           * grant or all its bytes through: then REVIEW */
    JOB_CODE_SIZE = 65,   /* bytes of a stable code with its NUL */
    JOB_PUBLISH_ID_SIZE = 97, /* bytes of a publish_id with its NUL */
    JOB_URL_MAX = 1536,       /* bytes of a sealed upload URL */
    JOB_IDS_SIZE = 256,       /* bytes of a list of TikTok's post ids with its NUL */
    JOB_GATE_SIZE = 16,       /* bytes of the token in an address TikTok fetches from */
    JOB_MEDIA_MAX = 35,       /* files of a post */
    JOB_PRIVACY_SIZE = 33,    /* bytes of an audience with its NUL */
};

/* Numbers stored in job.state and attempt.state that the publisher meets. */
enum job_state {
    JOB_SCHEDULED = 1,
    JOB_RUNNING = 2,
    JOB_COMMITTED = 3,
    JOB_PUBLISHED = 4,
    JOB_FAILED = 5,
    JOB_CANCELED = 6,
    JOB_REVIEW = 7,
    JOB_BLOCKED = 8,
};
enum attempt_state {
    ATTEMPT_NONE = 0,
    ATTEMPT_INTENT = 1,
    ATTEMPT_READY = 2,
    ATTEMPT_GRANTED = 3,
    ATTEMPT_PROCESSING = 4,
    ATTEMPT_PUBLISHED = 5,
    ATTEMPT_DEAD = 6,
};
/* Numbers stored in attempt.method. */
enum job_method {
    JOB_UPLOAD = 1, /* we send the bytes */
    JOB_PULL = 2,   /* TikTok fetches them through the gate (store/gate.h) */
};

/* The guard of every write: this post, as claimed by this process. */
struct job_ref {
    uint64_t post_id;
    uint64_t workspace_id;
    uint64_t fence;
    uint64_t inc;
};

/* A post and when somebody must look at it. */
struct job_hint {
    uint64_t post_id;
    uint64_t account_id;
    int64_t next_at_ms;
};

struct job_claimed {
    uint64_t post_id;
    uint64_t account_id;
    uint64_t workspace_id;
    uint64_t fence;
    unsigned crashes;
};

/* TikTok's window of INIT calls, by the ledger: no account gets more posts than calls are
 * left in its window, of all publishers. Those that go on with a session need none. */
struct job_ration {
    const uint64_t *account_ids; /* of the claim's posts, in their order */
    int64_t window_ms;
    size_t limit;
};

/* Takes those of the n posts (<= JOB_CLAIM_MAX) that are due. RC_CONFLICT "lost": that
 * incarnation was ended, so it may take nothing. */
struct job_claim {
    uint64_t inc;
    const uint64_t *post_ids;
    size_t n;
    const uint64_t
        *waited;     /* those of them that their account's window held up, so that */
    size_t waited_n; /* the timeline says why they are late */
    const struct job_ration *ration; /* NULL: Redis has seen to it */

    struct job_claimed *out; /* room for n */
    size_t len;              /* of them taken */
    int64_t now_ms;          /* the claim's instant */
};
enum rc job_claim(struct db *db, struct job_claim *claim, struct err *err) MUST_CHECK;

/* The newest attempt; state ATTEMPT_NONE when there is none. */
struct job_attempt {
    unsigned no;
    enum attempt_state state;
    enum job_method method;
    bool gate; /* PULL: it has a token, so what TikTok fetches goes through our gate */
    char publish_id[JOB_PUBLISH_ID_SIZE]; /* "": not known */
    unsigned char *upload_url; /* sealed; NULL: none. A pointer, because thousands of
                                * these may wait for their time */
    size_t upload_url_len;
    int64_t init_date_ms; /* by TikTok's clock; 0: not known */
    int64_t bytes_total;
    int64_t chunk_size;
    int64_t granted_ms; /* when it was; not granted: when it was made */
    unsigned content_ver;
};

/* A file of a post. */
struct job_medium {
    uint64_t id;
    bool ready;
    bool has_rendition; /* a photo: its JPEG for TikTok lies beside it */
    char blob_key[MEDIA_BLOB_KEY_SIZE];
    char mime[MEDIA_MIME_SIZE];
    int64_t bytes;       /* of the content */
    int64_t duration_ms; /* 0: none, or not known */
};

/* All that publishing needs to know of a claimed post. */
struct job_facts {
    enum job_state state;
    unsigned attempt_no, granted, fails;
    unsigned unborn; /* attempts that TikTok never gave a publish_id */
    int64_t due_ms, expire_after_ms;
    int64_t now_ms;      /* when this was read */
    uint32_t version;    /* +1 with every change by a person (post.version) */
    int64_t limited_ms;  /* until when limits have held it up so far; 0: they have not */
    bool may_be_limited; /* its account has a pause or a cap: limit_check() says more */
    struct job_attempt attempt;

    uint64_t account_id;
    bool video;  /* else photos */
    bool direct; /* else into the inbox */
    unsigned content_ver;
    char *caption;
    char privacy_level[JOB_PRIVACY_SIZE];
    bool allow_comment, allow_duet, allow_stitch;
    bool your_brand, branded_content, is_aigc;
    int64_t cover_ms; /* -1: not chosen */
    char *title;      /* photos: "" is none; may be NULL */
    bool auto_add_music;
    int64_t cover_index; /* photos: from 0; -1: not chosen */

    struct job_medium *media; /* in order */
    size_t media_n;           /* 0..JOB_MEDIA_MAX; one that was deleted is not ready */
};

/* Reads a job we hold. RC_CONFLICT: it is not ours any more. The caller releases. */
enum rc job_load(struct db *db, const struct job_ref *ref, struct job_facts *out,
                 struct err *err) MUST_CHECK;
void job_facts_release(struct job_facts *facts);

/* INTENT: attempt number no is about to be made; the one before is written off unless it
 * was granted. */
struct job_intent {
    unsigned no;
    unsigned content_ver;
    int64_t bytes_total;
    int64_t chunk_size;
    const unsigned char *gate_token; /* JOB_GATE_SIZE bytes; NULL: we send */
};
enum rc job_intend(struct db *db, const struct job_ref *ref,
                   const struct job_intent *intent, struct err *err) MUST_CHECK;

/* PERSIST: TikTok opened a session for attempt no. */
struct job_session {
    const char *publish_id;
    const void *upload_url; /* sealed */
    size_t upload_url_len;
    int64_t init_date_ms;
    const char *log_id;
};
enum rc job_persist(struct db *db, const struct job_ref *ref, unsigned no,
                    const struct job_session *session, struct err *err) MUST_CHECK;

/* GRANT: attempt no may send its last byte. RC_CONFLICT "second_live_attempt": the
 * engine's own rule refused, which only a bug can cause. */
enum rc job_grant(struct db *db, const struct job_ref *ref, unsigned no,
                  struct err *err) MUST_CHECK;

/* OPEN: attempt no is granted while it is no more than an intent, and with that its gate
 * opens: TikTok may fetch. session is what TikTok has opened (no upload_url), stored in
 * the same transaction; NULL when that is not known yet: job_name() follows. RC_CONFLICT
 * as job_grant(). */
enum rc job_open(struct db *db, const struct job_ref *ref, unsigned no,
                 const struct job_session *session, struct err *err) MUST_CHECK;

/* The name of a session whose attempt was opened without one. */
enum rc job_name(struct db *db, const struct job_ref *ref, unsigned no,
                 const struct job_session *session, struct err *err) MUST_CHECK;

/* ADOPT: as job_open(), but the session is another one than the attempt was made for,
 * which the database had forgotten, and which TikTok fetches for. The attempt, an intent
 * or a session of either way that was not granted, becomes that session's: it loses its
 * token, so its gate never opens, or its upload URL. */
enum rc job_adopt(struct db *db, const struct job_ref *ref, unsigned no,
                  const char *publish_id, struct err *err) MUST_CHECK;

/* CLOSE: as job_attempt_dead(), if nothing has gone through the gate of attempt no yet;
 * then nothing ever will, and that is the proof. RC_CONFLICT "gate_passed": something
 * has, or there is no gate. */
enum rc job_close(struct db *db, const struct job_ref *ref, unsigned no,
                  const char *reason, struct err *err) MUST_CHECK;

/* TikTok has every byte of attempt no. */
enum rc job_sent(struct db *db, const struct job_ref *ref, unsigned no,
                 struct err *err) MUST_CHECK;

/* TikTok confirmed attempt no. */
struct job_outcome {
    const char *word;   /* its status */
    const char *ids;    /* of the posts, comma-separated; may be "" */
    const char *log_id; /* of the answer that said so; NULL: not known */
};
enum rc job_published(struct db *db, const struct job_ref *ref, unsigned no,
                      const struct job_outcome *outcome, struct err *err) MUST_CHECK;

/* Attempt no can never complete; the caller has proof. Its grant, if any, ends. */
enum rc job_attempt_dead(struct db *db, const struct job_ref *ref, unsigned no,
                         const char *reason, struct err *err) MUST_CHECK;

/* The same without proof, of a session that was never granted: that is safe as long as
 * the database has forgotten nothing, so the caller has looked at the witness. */
enum rc job_give_up(struct db *db, const struct job_ref *ref, unsigned no,
                    const char *reason, struct err *err) MUST_CHECK;

/* True in *dead when that publish_id belongs to an attempt of the post that is DEAD with
 * proof. One that was given up, superseded, edited or canceled has none: if it holds the
 * witness, it may have been granted in a past that the database has forgotten. */
enum rc job_attempt_is_dead(struct db *db, uint64_t post_id, const char *publish_id,
                            bool *dead, struct err *err) MUST_CHECK;

/* True in *open when attempt no of the post is an intent or a session that was not
 * granted: job_adopt() can give it another session. */
enum rc job_attempt_is_open(struct db *db, uint64_t post_id, unsigned no, bool *open,
                            struct err *err) MUST_CHECK;

/* How a claim ends without a publication. */
enum job_end {
    JOB_END_LATER,    /* SCHEDULED again after wait_ms, one failure counted */
    JOB_END_FAIL,     /* FAILED */
    JOB_END_BLOCK,    /* BLOCKED: a person must act */
    JOB_END_CANCELED, /* CANCELED, as the person had said */
    JOB_END_RELEASE,  /* SCHEDULED again, at once, nothing counted */
    JOB_END_REVIEW,   /* REVIEW: a person must look; also after the grant */
    JOB_END_HANDOVER, /* COMMITTED, for whoever comes next, at once */
};
struct job_ending {
    enum job_end how;
    const char *reason; /* stable code; NULL: none */
    const char *log_id; /* of the answer of TikTok's that led to it; NULL: none did */
    int64_t wait_ms;    /* LATER */
    bool late;          /* FAIL: not for the reason itself, but because trying again would
                         * have been too late */
};
enum rc job_end(struct db *db, const struct job_ref *ref, const struct job_ending *ending,
                struct err *err) MUST_CHECK;

/* Says that the work on these jobs goes on. */
struct job_beat {
    uint64_t inc;
    const struct job_ref *refs;
    size_t n;

    uint64_t *lost;  /* post ids that are no longer ours; room for n */
    size_t lost_len; /* how many */
};
enum rc job_beat(struct db *db, struct job_beat *beat, struct err *err) MUST_CHECK;

/* One line of the timeline that belongs to no other write; data is small JSON. */
enum rc job_note(struct db *db, const struct job_ref *ref, int kind, const char *data,
                 struct err *err) MUST_CHECK;

/* The post stays in our hands and waits, ungranted, for this reason. */
enum rc job_hold_back(struct db *db, const struct job_ref *ref, unsigned no,
                      const char *reason, struct err *err) MUST_CHECK;

/* Jobs of the shards first..last that should have been taken late_ms ago or earlier (a
 * negative late_ms looks ahead), at most JOB_SWEEP_MAX. */
struct job_shards {
    unsigned first, last;
};
enum rc job_sweep(struct db *db, struct job_shards shards, int64_t late_ms,
                  struct job_hint *out, size_t *len, struct err *err) MUST_CHECK;

/* Uploads that wait for their time and would be begun too late where rate bytes are sent
 * in a second: their next_at moves to post_lead_at() before it, never later. Those that
 * have failed, been put off or had to wait before are left alone. At most JOB_LEAD_MAX at
 * a time, the soonest first; out: those that moved, for their hints. */
enum { JOB_LEAD_MAX = 200 };
enum rc job_bring_forward(struct db *db, int64_t rate, struct job_hint *out, size_t *len,
                          struct err *err) MUST_CHECK;

/* The INIT calls of the last window_ms that the ledger knows, and those that may come at
 * any moment since a publisher has the post in its hands; account by account, of each
 * from the newest to the oldest. An intent whose call was never made counts as one. */
enum { JOB_INITS_MAX = 50000 };
struct job_inits {
    struct {
        uint64_t account_id;
        int64_t age_ms;
        bool to_come;
    } calls[JOB_INITS_MAX];
    size_t len;
};
enum rc job_recent_inits(struct db *db, int64_t window_ms, struct job_inits *out,
                         struct err *err) MUST_CHECK;

/* One INIT, by the ledger: *wait_ms is 0 when the account's window lets it through now,
 * else ms after which to ask again. It is the call of the intent no, which is written;
 * intents that were written earlier go first. RC_CONFLICT "lost": there is none. */
struct job_call {
    const struct job_ref *ref;
    uint64_t account_id;
    unsigned no;
    int64_t window_ms;
    size_t limit;
};
enum rc job_init_pass(struct db *db, const struct job_call *call, int64_t *wait_ms,
                      struct err *err) MUST_CHECK;

/* Sessions that have passed their grant and whose fate is not known, in the order of
 * their posts after the given one; *len < JOB_SWEEP_MAX: there are no more. */
struct job_granted {
    uint64_t post_id, account_id;
    char publish_id[JOB_PUBLISH_ID_SIZE];
};
enum rc job_granted_now(struct db *db, uint64_t after_post_id, struct job_granted *out,
                        size_t *len, struct err *err) MUST_CHECK;

/* Jobs that wait and become due within ahead_ms, overdue ones included (but not those in
 * a publisher's hands, which would only cost them a call), after the given one in the
 * order (next_at, shard, post); *cursor is zeroed for the first page and moved.
 * *len < JOB_SWEEP_MAX: that was the last page. */
struct job_cursor {
    unsigned shard;
    int64_t next_at_ms;
    uint64_t post_id;
};
enum rc job_upcoming(struct db *db, int64_t ahead_ms, struct job_cursor *cursor,
                     struct job_hint *out, size_t *len, struct err *err) MUST_CHECK;

/* The account is connected again: its posts that were blocked because its connection had
 * died, was taken back or lacked a permission are scheduled anew; *freed says how many.
 * connect_tokens() does it too. */
enum rc job_unblock(struct db *db, uint64_t account_id, int64_t *freed,
                    struct err *err) MUST_CHECK;

#endif
