/* store/media.h - the library: one row a file, and the work of checking it.
 *
 *     checking --tts-media--> ready | rejected        any of them --person--> deleted
 *
 * A row in checking is work: tts-media claims it with a number of its own (owner), a
 * lease and a fence, so any number of them share the work and one that was thought dead
 * cannot write late (RC_CONFLICT). A video that is ready is work once more, for its film
 * strip, which nobody has to wait for. A deleted row stays, without its bytes, because
 * posts refer to it; removing the bytes is work too. Every statement of the API's side
 * names the workspace; a medium of another answers RC_NOT_FOUND. Times are ms UTC of the
 * database's clock. */
#ifndef STORE_MEDIA_H
#define STORE_MEDIA_H

#include "core/err.h"
#include "domain/media.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MEDIA_BLOB_KEY_SIZE = 27,
    MEDIA_MIME_SIZE = 101,
    MEDIA_LEASE_LONG_MS = 2400000, /* where the bytes are fetched from elsewhere first */
    MEDIA_LEASE_MS = 240000, /* longer than reading and examining any file may take */
    MEDIA_FAILS_MAX = 3, /* claims that ended with the claimer's death: then rejected */
    MEDIA_LIST_MAX = 100,
    MEDIA_TAG_LIST_MAX = 200, /* of a workspace; more are not told */
    MEDIA_CLAIM_MAX = 8,
    MEDIA_STRIP_AFTER_MS = 500, /* so that verdicts on other files come first */
    MEDIA_OVERDUE_MS = 120000,  /* work nobody took for so long: tts-media is away */
    MEDIA_STUCK_MS = 900000,    /* a file unchecked for so long: something is wrong */
};

/* Numbers stored in media.state. */
enum media_state {
    MEDIA_CHECKING = 1,
    MEDIA_READY = 2,
    MEDIA_REJECTED = 3,
    MEDIA_DELETED = 4,
};

/* Numbers stored in repair.state. */
enum media_repair_state {
    MEDIA_REPAIR_NONE = 0, /* none was wished, or what came of it is deleted */
    MEDIA_REPAIR_RUNNING = 1,
    MEDIA_REPAIR_DONE = 2,
    MEDIA_REPAIR_FAILED = 3,
    MEDIA_REPAIR_CANCELED = 4,
};

enum { MEDIA_REASON_SIZE = 65, MEDIA_REPAIR_MSG_SIZE = 241 };

/* How the repair of a file stands (store/repairs.h). */
struct media_repair {
    enum media_repair_state state;
    bool claimed;                           /* a tts-media works on it */
    int permille;                           /* how far it is */
    uint64_t result_id;                     /* the medium it became; 0 */
    char reason[MEDIA_REASON_SIZE];         /* why it failed: a code, */
    char reason_msg[MEDIA_REPAIR_MSG_SIZE]; /* and a sentence */
};

struct media {
    uint64_t id;
    uint64_t workspace_id;
    int64_t created_at_ms;
    char *checks;                     /* JSON array; NULL until checked */
    char *tags;                       /* one a line, by the alphabet; NULL: none */
    struct media_facts facts;         /* all but kind and bytes unknown until checked */
    struct media_rendition rendition; /* of a photo; else, or until checked, none */
    uint32_t strip_frames;            /* of a video's film strip; 0: it has none */
    enum media_state state;
    uint32_t version;
    uint32_t used_in;       /* posts that show it */
    uint64_t repaired_from; /* the file that it was made of, if that is there; 0 */
    struct media_repair repair;
    char reason[MEDIA_REASON_SIZE]; /* code of the check that rejected it; "" */
    uint64_t duplicate_of; /* the oldest file of the library with the same bytes; 0 */
    bool has_thumb;
    char blob_key[MEDIA_BLOB_KEY_SIZE];
    char mime[MEDIA_MIME_SIZE]; /* as claimed until checked, then as found */
    char filename[MEDIA_FILENAME_SIZE];
};

void media_release(struct media *m);

/* "checking", "ready", "rejected" or "deleted". */
const char *media_state_name(enum media_state state);

/* One file that is not deleted. The caller releases *out. */
enum rc media_get(struct db *db, uint64_t workspace_id, uint64_t media_id,
                  struct media *out, struct err *err) MUST_CHECK;

/* What a page of the list holds; zero means "any" and "from the newest". */
struct media_query {
    uint64_t workspace_id;
    enum media_kind kind;
    int state;          /* of enum media_state */
    const char *name;   /* part of the file's name, whatever its case; NULL: any */
    const char *tag;    /* that the file has; NULL: any or none */
    uint64_t before_id; /* below this one: the last of the page before */
    size_t limit;       /* 1..MEDIA_LIST_MAX */
};

/* Newest first. Writes up to limit rows to out, which the caller releases one by one;
 * *more: there is another page. */
enum rc media_list(struct db *db, const struct media_query *query, struct media *out,
                   size_t *n, bool *more, struct err *err) MUST_CHECK;

/* One file that somebody changes. version 0: whatever it is; else RC_CONFLICT
 * "version_mismatch" when it is not that any more. */
struct media_ref {
    uint64_t workspace_id;
    uint64_t media_id;
    uint32_t version;
    uint64_t user_id; /* who does it, */
    bool by_token;    /* through an API client */
};

/* What a person can change of a file; the caller has checked it (media_filename_ok(),
 * media_tag_ok(), at most MEDIA_TAGS_MAX). */
struct media_edit {
    const char *filename;    /* NULL: stays */
    const char *const *tags; /* all that it shall have; NULL: those it has stay */
    size_t n_tags;
};
enum rc media_edit(struct db *db, const struct media_ref *ref,
                   const struct media_edit *edit, struct err *err) MUST_CHECK;

/* The tags of a workspace by the alphabet, each with how many files have it. */
struct media_tag {
    char name[MEDIA_TAG_SIZE];
    uint32_t files;
};
enum rc media_tags(struct db *db, uint64_t workspace_id,
                   struct media_tag out[MEDIA_TAG_LIST_MAX], size_t *n,
                   struct err *err) MUST_CHECK;

/* Takes it out of the library; tts-media removes the bytes. RC_CONFLICT, "media_in_use":
 * a post that is not finished shows it. The row is locked while that is asked, so whoever
 * gives a post its media reads their rows with LOCK IN SHARE MODE in the same
 * transaction. */
enum rc media_delete(struct db *db, const struct media_ref *ref,
                     struct err *err) MUST_CHECK;

/* What is to be done with a claimed file. */
enum media_task {
    MEDIA_TASK_EXAMINE,
    MEDIA_TASK_STRIP,  /* it is a video and ready: make its film strip */
    MEDIA_TASK_REMOVE, /* the row is deleted: remove the bytes */
};

/* Work in the hands of a tts-media. */
struct media_work {
    uint64_t media_id;
    uint64_t workspace_id;
    uint64_t owner;
    uint64_t fence;
    char blob_key[MEDIA_BLOB_KEY_SIZE];
    enum media_task task;
    struct media_facts facts; /* of a video whose strip is to be made: how large, fast and
                               * long it is */
    uint32_t fails;           /* claims before this one that ended in death */
    int64_t age_ms;           /* since the file was whole */
};

/* Claims up to max (<= MEDIA_CLAIM_MAX) rows that are due, oldest first. owner is a
 * random number that the process chose at its start. */
enum rc media_claim(struct db *db, uint64_t owner, struct media_work *out, size_t max,
                    size_t *n, struct err *err) MUST_CHECK;

/* The verdict on a claimed file: facts, checks (JSON), ready or rejected with the code
 * and the sentence of the first failed check. RC_CONFLICT: not ours any more; drop it. */
struct media_verdict {
    const struct media_facts *facts;
    const char *mime;
    const char *checks;
    bool ready;
    bool has_thumb;
    const unsigned char *sha256;      /* 32 bytes, of the file; NULL: not known */
    struct media_rendition rendition; /* stored beside the file; bytes 0: none */
    bool strip;             /* a film strip shall be made: it becomes work once more */
    const char *reason;     /* "" when ready */
    const char *reason_msg; /* "" when ready */
};
enum rc media_judge(struct db *db, const struct media_work *work,
                    const struct media_verdict *verdict, struct err *err) MUST_CHECK;

/* The film strip of a claimed video lies beside it, with so many frames; 0: it has none,
 * and never will. RC_CONFLICT as above. The version stays: nobody changed the file. */
enum rc media_strip_made(struct db *db, const struct media_work *work, uint32_t frames,
                         struct err *err) MUST_CHECK;

/* The bytes of a deleted file are gone. */
enum rc media_removed(struct db *db, const struct media_work *work,
                      struct err *err) MUST_CHECK;

/* The claim holds for another MEDIA_LEASE_LONG_MS from now: the bytes have to be fetched
 * first. RC_CONFLICT "lost": it is another's by now. */
enum rc media_hold(struct db *db, const struct media_work *work,
                   struct err *err) MUST_CHECK;

/* Gives work back, to be taken again after after_ms; the claim does not count as a
 * failure. */
enum rc media_give_back(struct db *db, const struct media_work *work, int64_t after_ms,
                        struct err *err) MUST_CHECK;

/* Does any open upload, any repair under way or any medium that is not deleted need the
 * blob? */
enum rc media_blob_wanted(struct db *db, const char *blob_key, bool *wanted,
                          struct err *err) MUST_CHECK;

/* How many files have waited longer than MEDIA_OVERDUE_MS for somebody to take them, or
 * longer than MEDIA_STUCK_MS for their verdict: when not 0, no tts-media is at work. */
enum rc media_overdue(struct db *db, uint64_t *n, struct err *err) MUST_CHECK;

#endif
