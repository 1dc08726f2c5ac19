/* sandbox/fault_spec.h - one fault as a test or a person describes it, in JSON.
 *
 *     {"endpoint": "video_init", "status": 429, "count": 1}
 *     {"endpoint": "upload", "account": "ann.example", "lost": true, "probability": 0.1}
 *     {"fail_reason": "file_format_check_failed", "count": 1}
 *
 * Which requests it meets: endpoint (a name, or "*" for all of TikTok's), account, chunk,
 * skip (let so many pass first), count (then it is used up), probability. What it does to
 * them: the other members; docs/sandbox.md explains each. Pure. */
#ifndef SRC_SANDBOX_FAULT_SPEC_H
#define SRC_SANDBOX_FAULT_SPEC_H

#include "core/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    FAULT_ENDPOINT_SIZE = 24, /* sizes are bytes with the NUL */
    FAULT_CODE_SIZE = 64,
    FAULT_ACCOUNT_SIZE = 33,
    FAULT_REASON_SIZE = 48,
    FAULT_BODY_SIZE = 16,
    FAULT_RAW_SIZE = 2048,
    FAULT_MERGE_SIZE = 1024,
    FAULT_PAD_MAX = 3 * 1024 * 1024, /* bytes; what an answer may have at all is above */
    FAULT_WAIT_MAX_MS = 120000,
    FAULT_EVENT_SIZE = 48,
    FAULT_SIGNATURE_SIZE = 16,
    FAULT_DUPLICATES_MAX = 10,
};

/* The endpoint of the faults that decide a publication's fate at its last byte. */
#define FAULT_PUBLICATION "publication"

/* And of those that a fetch meets (PULL_FROM_URL), as if the host of the file had done
 * it: status, drop, take_bytes, and stuck, which ends the fetch for good; chunk is the
 * picture, from 0. */
#define FAULT_PULL "pull"

/* And of those that meet a webhook when it is made: lost, late_ms, reorder, duplicate and
 * signature, perhaps of one event only. */
#define FAULT_WEBHOOK "webhook"

struct fault_spec {
    char endpoint[FAULT_ENDPOINT_SIZE];
    char account[FAULT_ACCOUNT_SIZE]; /* "": anybody */
    int64_t chunk;                    /* of an upload, from 0; -1: any */
    int64_t skip;
    int64_t count;      /* -1: without end */
    double probability; /* 0 to 1 */
    int64_t delay_ms;   /* before the request is looked at */
    int64_t take_bytes; /* of an upload's body, then the connection ends; -1: no */
    bool drop;          /* the connection ends, nothing happens */
    int64_t status;     /* this answer in place of handling it; 0: no */
    char code[FAULT_CODE_SIZE]; /* error.code of that answer; "": what goes with status */
    char body[FAULT_BODY_SIZE]; /* "html", "garbage", "empty", "truncated"; "": as is */
    char raw[FAULT_RAW_SIZE];   /* this text as the body of that answer; "": no */
    char merge[FAULT_MERGE_SIZE]; /* a JSON object laid over the answer's; "": no */
    int64_t pad_bytes;            /* so many blanks after the answer's body */
    int64_t retry_after_s;        /* -1: no such header */
    bool after;                   /* handle the request first, then answer as above */
    bool lost;  /* handle it, then end the connection without an answer; a webhook: it
                 * is never sent */
    bool stuck; /* the publication stays in processing */
    bool no_post_id;   /* it is complete, and never public */
    bool reorder;      /* a webhook is sent after the person's next one */
    int64_t hang_ms;   /* handle it, then wait so long */
    int64_t cut_after; /* bytes of the answer's body, then the end; -1: no */
    char fail_reason[FAULT_REASON_SIZE];
    int64_t processing_ms; /* of this publication; -1: as the knob says */
    int64_t moderation_ms;
    char event[FAULT_EVENT_SIZE];         /* of a webhook; "": any */
    int64_t late_ms;                      /* it is sent so much later */
    int64_t duplicate;                    /* so many times more */
    char signature[FAULT_SIGNATURE_SIZE]; /* "wrong", "malformed", "missing"; "": right */
};

/* RC_INVALID names the member that is unknown, wrong or makes no sense. */
enum rc fault_spec_parse(json_t *json, struct fault_spec *spec,
                         struct err *err) MUST_CHECK;

/* Whether request number seen (from 0) that the fault meets is hit: always the same for
 * the same seed. */
bool fault_hits(const struct fault_spec *spec, int64_t seed, int64_t fault_id,
                int64_t seen);

/* The i-th name an endpoint may have, or NULL after the last. */
const char *fault_endpoint(size_t i);

#endif
