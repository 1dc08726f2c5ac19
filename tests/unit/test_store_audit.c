/* audit: a line for what was done, in the transaction that did it. */
#include "database.h"
#include "store/audit.h"

#include <inttypes.h>

static struct db *db;
static struct seed seed;
static struct err err;

static void setup(void)
{
    db = database_seeded(&seed);
}

static void teardown(void)
{
    db_free(db);
}

START_TEST(a_line_names_who_what_and_where)
{
    const struct actor person = {.workspace_id = seed.workspace,
                                 .user_id = seed.user,
                                 .token_id = 77,
                                 .ip = "2001:db8::7"};

    ck_assert_int_eq(audit_add(db, &person, "account.disconnect", seed.account,
                               "{\"why\":\"a test\"}", &err),
                     RC_OK);
    ck_assert_int_eq(
        database_number(db,
                        "SELECT COUNT(*) FROM audit_log WHERE workspace_id = %" PRIu64
                        " AND user_id = %" PRIu64 " AND token_id = 77"
                        " AND action = 'account.disconnect' AND object_id = %" PRIu64
                        " AND ip = '2001:db8::7' AND data = '{\"why\":\"a test\"}'"
                        " AND ABS(at - UNIX_TIMESTAMP(NOW(3)) * 1000) < 60000",
                        seed.workspace, seed.user, seed.account),
        1);
}
END_TEST

START_TEST(the_system_has_no_user_and_a_session_no_token)
{
    const struct actor system = {.workspace_id = seed.workspace, .ip = ""};

    ck_assert_int_eq(audit_add(db, &system, "session.create", 0, "", &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM audit_log"
                                         " WHERE user_id IS NULL AND token_id IS NULL"
                                         " AND object_id IS NULL AND ip = ''"
                                         " AND data = ''"),
                     1);
}
END_TEST

static enum rc note_and_fail(struct db *conn, void *ctx, struct err *e)
{
    const struct actor *person = ctx;
    enum rc rc = audit_add(conn, person, "account.change", seed.account, "", e);

    return rc == RC_OK ? err_set(e, RC_CONFLICT, "changed_mind", "Not after all.") : rc;
}

START_TEST(what_was_not_done_leaves_no_line)
{
    struct actor person = {
        .workspace_id = seed.workspace, .user_id = seed.user, .ip = ""};

    ck_assert_int_eq(db_transaction(db, note_and_fail, &person, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "changed_mind");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM audit_log"), 0);
}
END_TEST

DATABASE_MAIN("store_audit", setup, teardown, a_line_names_who_what_and_where,
              the_system_has_no_user_and_a_session_no_token,
              what_was_not_done_leaves_no_line)
