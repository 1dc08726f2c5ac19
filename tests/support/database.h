/* database.h - a database of its own for a test program, and rows to begin with.
 *
 *     DATABASE_MAIN("store_jobs", setup, teardown, a_claim_takes_what_is_due)
 *
 * main() makes the database, applies schema/ and drops it at the end; each test runs in a
 * process of its own on that database, one after the other, so setup() usually begins
 * with database_seeded(). Needs TEST_DATABASE_URL, which tests/with-servers sets.
 * Everything here ends the test when it fails. */
#ifndef TESTS_DATABASE_H
#define TESTS_DATABASE_H

#include "core/attr.h"
#include "store/db.h"
#include "unit.h"

#include <stdint.h>

#define DATABASE_MAIN(suite, setup, teardown, ...)                                       \
    int main(void)                                                                       \
    {                                                                                    \
        const TTest *const unit_tests[] = {__VA_ARGS__};                                 \
        int status;                                                                      \
                                                                                         \
        database_create();                                                               \
        status = unit_run(suite, unit_tests, sizeof(unit_tests) / sizeof(unit_tests[0]), \
                          setup, teardown);                                              \
        database_drop();                                                                 \
        return status;                                                                   \
    }

/* Makes the program's database; with the schema in it. */
void database_create(void);
void database_drop(void);

/* Its URL; as another user with a password, or as the administrator (NULL, NULL). */
const char *database_url(const char *user, const char *password);

/* A connection of an administrator to it; the test frees it with db_free(). It has more
 * patience than those of programs, so that a machine that is busy is not taken for a
 * server that is away; the hurried one has theirs. Several threads may call these. */
struct db *database_open(void);
struct db *database_open_hurried(void);

/* Gives a connection that db_new() made, and that is not open yet, that patience. */
struct db *database_patient(struct db *db);

/* Deletes all rows of all tables but those the schema brings. */
void database_empty(struct db *db);

/* Runs a statement; reads one number, or one short text, good for three more calls. */
void database_run(struct db *db, const char *fmt, ...) PRINTF_LIKE(2, 3);
int64_t database_number(struct db *db, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *database_text(struct db *db, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Users belong to the server, not to a database. From here until db is freed, those of
 * the programs are this test's: other test programs that take them wait. */
void database_take_users(struct db *db);

/* Waits until another connection to this database waits for a row that is locked. */
void database_await_waiter(struct db *db);

/* Rows; each returns its id. A user is an owner of the workspace. */
uint64_t seed_workspace(struct db *db);
uint64_t seed_user(struct db *db, uint64_t workspace_id);
uint64_t seed_account(struct db *db, uint64_t workspace_id, uint64_t user_id);
uint64_t seed_media(struct db *db, uint64_t workspace_id, uint64_t user_id);

/* One of everything above: what most tests begin with. */
struct seed {
    uint64_t workspace, user, account, media;
};
struct seed seed_all(struct db *db);

/* A post of these with its job in that state (of job.state), due in so many ms from now,
 * which is its next_at too. It shows the medium, unless that is 0. */
uint64_t seed_post(struct db *db, const struct seed *of, int state, int64_t due_in_ms);

/* database_open(), database_empty() and seed_all() in one. */
struct db *database_seeded(struct seed *seed);

/* A publisher that lives, with this incarnation. */
void seed_publisher(struct db *db, uint64_t inc);

#endif
