/* tiktok/answer_priv.h - what the parsers of this layer share: one way through every
 * shape of answer (docs/tiktok.md 7.3), and readers of fields that forgive what TikTok
 * varies. */
#ifndef SRC_TIKTOK_ANSWER_PRIV_H
#define SRC_TIKTOK_ANSWER_PRIV_H

#include "tiktok/answer.h"

#include <jansson.h>

/* What was asked: a question may be asked again at will; an act may have happened
 * although its answer is lost, so its doubtful ends are RC_UNCERTAIN. */
enum answer_kind {
    ANSWER_QUESTION,
    ANSWER_ACT,
};

/* An empty reply to an answer: what is known before its body is read. */
void answer_reply(const struct tiktok_answer *answer, struct tiktok_reply *reply);

/* Parses and judges. On RC_OK *root is a JSON object to be given to json_decref(), and
 * nothing in it says that the call failed; otherwise *root is NULL and err is filled.
 * reply is filled either way. */
enum rc answer_open(enum tiktok_where where, enum answer_kind kind,
                    const struct tiktok_answer *answer, struct tiktok_reply *reply,
                    json_t **root, struct err *err) MUST_CHECK;

/* For a parser that misses what success must have: turns reply and err into "makes no
 * sense" and returns the rc. */
enum rc answer_unreadable(enum answer_kind kind, struct tiktok_reply *reply,
                          struct err *err);

/* What stands under "data", borrowed from root. It may be missing or no object ("data":[]
 * for example): the readers below take such a thing for an empty object. */
const json_t *answer_data(const json_t *root);

/* Copies a text field, cut on a character to fit size; "" when missing or no text. A
 * number becomes its decimal text. */
void answer_text(const json_t *object, const char *key, char *out, size_t size);

/* The same, but "" rather than cut: for ids, tokens and URLs. */
void answer_whole(const json_t *object, const char *key, char *out, size_t size);

/* The same for URLs a browser will load: "" also unless it begins with https://. */
void answer_https(const json_t *object, const char *key, char *out, size_t size);

/* The same for a picture that we copy and no browser loads: a simulator's is http. */
void answer_picture(const json_t *object, const char *key, char *out, size_t size);

/* A JSON object in a text of ours or inside another answer; NULL when it is not one. To
 * be given to json_decref(). */
json_t *answer_load(const char *text, size_t len);

/* A post id: a positive decimal number of at most size - 1 digits, as number or as text.
 * (Those above 2^53, as all are, arrive as text: long integers are quoted.) False and ""
 * for anything else. */
bool answer_post_id(const json_t *value, char *out, size_t size);

/* An integer, also as a numeric text; fallback when missing or not one. */
int64_t answer_i64(const json_t *object, const char *key, int64_t fallback);

/* A boolean, also as 0/1 or "true"/"false"; fallback when missing or not one. */
bool answer_bool(const json_t *object, const char *key, bool fallback);

#endif
