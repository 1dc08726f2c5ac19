/* sandbox/people.h - the people of the simulated TikTok and what they have set.
 *
 * A few are there from the start, one for every behaviour worth trying; more can be
 * added. There are no passwords: the consent page offers a choice. */
#ifndef SRC_SANDBOX_PEOPLE_H
#define SRC_SANDBOX_PEOPLE_H

#include "core/jsonw.h"
#include "sql.h"

#include <jansson.h>
#include <stdbool.h>

enum {
    PERSON_NAME_SIZE = 33, /* a username: up to 32 of a-z 0-9 . _, and a NUL */
    PERSON_NICKNAME_SIZE = 121,
    PERSON_NOTE_SIZE = 200,
    OPEN_ID_SIZE = 37, /* live ones are 36 characters from -0 on */
    POST_CAP_NONE = 1000000,
};

struct person {
    int64_t id; /* 0: there is none */
    char username[PERSON_NAME_SIZE];
    char nickname[PERSON_NICKNAME_SIZE];
    char note[PERSON_NOTE_SIZE]; /* what is special about this one */
    char open_id[OPEN_ID_SIZE];
    char union_id[OPEN_ID_SIZE];
    bool private_account;
    bool comment_disabled;
    bool duet_disabled;
    bool stitch_disabled;
    bool banned;
    bool target; /* may use an app in sandbox mode */
    bool verified;
    int64_t max_duration_s; /* of a video */
    int64_t post_cap;       /* direct posts by apps in 24 h; POST_CAP_NONE: any number */
    int64_t followers;
    int64_t closed; /* why the account is gone (enum removal); 0: it is there */
};

/* Adds the people of the start when there are none. Inside a transaction. */
enum rc people_seed(struct sql *sql, struct err *err) MUST_CHECK;

/* Both leave person->id 0 when there is nobody. */
enum rc person_by_id(struct sql *sql, int64_t id, struct person *person,
                     struct err *err) MUST_CHECK;
enum rc person_by_name(struct sql *sql, const char *username, struct person *person,
                       struct err *err) MUST_CHECK;

/* Calls each() for up to limit people in the order they were added. */
typedef void (*person_fn)(void *ctx, const struct person *person);
enum rc people_each(struct sql *sql, int64_t limit, person_fn each, void *ctx,
                    struct err *err) MUST_CHECK;

/* Changes *person by the members of a JSON object (nickname, private, comment_disabled,
 * duet_disabled, stitch_disabled, banned, target, verified, post_cap, followers,
 * max_video_post_duration_sec). RC_INVALID names the member that is unknown or wrong. */
enum rc person_change(struct person *person, json_t *changes, struct err *err) MUST_CHECK;

/* Writes back what person_change() can change. */
enum rc person_store(struct sql *sql, const struct person *person,
                     struct err *err) MUST_CHECK;

/* A new person with usual settings; the caller changes and stores them. RC_INVALID: no
 * username. RC_CONFLICT: it is taken. */
enum rc person_add(struct sql *sql, const char *username, struct person *person,
                   struct err *err) MUST_CHECK;

/* The same members, with username and open_id, as one JSON object. */
void person_write(struct jsonw *w, const struct person *person);

#endif
