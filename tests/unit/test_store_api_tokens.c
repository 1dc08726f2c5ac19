/* api_tokens: their form, and who gets in with one. */
#include "database.h"
#include "store/api_tokens.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct db *db;
static struct seed seed;
static struct err err;
static char text[API_TOKEN_SIZE];
static unsigned char hash[API_TOKEN_HASH_SIZE];

static void setup(void)
{
    db = database_seeded(&seed);
    api_token_make(random_system(), text);
    (void)memset(hash, 0x5c, sizeof(hash));
}

static void teardown(void)
{
    db_free(db);
}

static uint64_t add(unsigned scopes)
{
    const struct api_token_new t = {.token = text,
                                    .hash = hash,
                                    .workspace_id = seed.workspace,
                                    .user_id = seed.user,
                                    .name = "CI",
                                    .scopes = scopes,
                                    .lifetime_ms = 3600000};
    uint64_t id = 0;

    ck_assert_int_eq(api_token_add(db, &t, &id, &err), RC_OK);
    return id;
}

static enum rc find(struct api_token *t)
{
    return api_token_find(db, hash, t, &err);
}

START_TEST(texts_have_the_form_that_is_looked_for)
{
    char other[API_TOKEN_SIZE + 1];

    ck_assert(api_token_looks_right(text));
    ck_assert_uint_eq(strlen(text), 56);
    (void)memcpy(other, text, sizeof(text));
    other[0] = 'T';
    ck_assert(!api_token_looks_right(other));
    other[0] = 't';
    other[20] = 'A';
    ck_assert(!api_token_looks_right(other));
    other[20] = '\0';
    ck_assert(!api_token_looks_right(other));
    (void)snprintf(other, sizeof(other), "%sa", text);
    ck_assert(!api_token_looks_right(other));
    ck_assert(!api_token_looks_right(""));
    ck_assert(!api_token_looks_right("tts_"));
}
END_TEST

START_TEST(scopes_are_read_back_as_they_were_written)
{
    static const char *const bad[] = {"", "write,read", "admin", "read,", "READ"};
    unsigned scopes;

    for (unsigned s = 1; s <= 3; s++) {
        ck_assert(api_scopes_parse(api_scopes_text(s), &scopes));
        ck_assert_uint_eq(scopes, s);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!api_scopes_parse(bad[i], &scopes), "%s", bad[i]);
}
END_TEST

START_TEST(a_token_acts_for_its_person_with_the_role_of_now)
{
    uint64_t id = add(API_SCOPE_READ);
    struct api_token t;

    database_run(db, "UPDATE membership SET role = 3");
    ck_assert_int_eq(find(&t), RC_OK);
    ck_assert_uint_eq(t.token_id, id);
    ck_assert_uint_eq(t.workspace_id, seed.workspace);
    ck_assert_uint_eq(t.user_id, seed.user);
    ck_assert_int_eq(t.role, ROLE_EDITOR);
    ck_assert_uint_eq(t.scopes, API_SCOPE_READ);
    ck_assert_int_eq(t.expires_at_ms,
                     database_number(db, "SELECT expires_at FROM api_token"));
    ck_assert_str_eq(database_text(db, "SELECT prefix FROM api_token"),
                     (text[12] = '\0', text));
}
END_TEST

START_TEST(it_opens_nothing_when_it_or_its_person_is_through)
{
    static const char *const rows[] = {
        "UPDATE api_token SET expires_at = 1",
        "UPDATE api_token SET revoked_at = 1",
        "UPDATE user SET disabled_at = 1",
        "DELETE FROM membership",
    };
    struct api_token t;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        database_empty(db);
        seed = seed_all(db);
        (void)add(API_SCOPE_READ | API_SCOPE_WRITE);
        ck_assert_int_eq(find(&t), RC_OK);
        database_run(db, "%s", rows[i]);
        ck_assert_msg(find(&t) == RC_NOT_FOUND, "%s", rows[i]);
    }
}
END_TEST

START_TEST(its_use_is_noted_once_a_minute)
{
    struct api_token t;
    int64_t used;

    (void)add(API_SCOPE_READ);
    ck_assert_int_eq(find(&t), RC_OK);
    used = database_number(db, "SELECT used_at FROM api_token");
    ck_assert_int_gt(used, 0);
    database_run(db, "UPDATE api_token SET used_at = used_at - 1000");
    ck_assert_int_eq(find(&t), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT used_at FROM api_token"), used - 1000);
    database_run(db, "UPDATE api_token SET used_at = used_at - %d", API_TOKEN_TOUCH_MS);
    ck_assert_int_eq(find(&t), RC_OK);
    ck_assert_int_ge(database_number(db, "SELECT used_at FROM api_token"), used);
}
END_TEST

START_TEST(revoking_is_for_good_and_only_of_what_is_there)
{
    uint64_t id = add(API_SCOPE_READ);
    struct api_token t;
    int64_t at;

    ck_assert_int_eq(api_token_revoke(db, id, &err), RC_OK);
    at = database_number(db, "SELECT revoked_at FROM api_token");
    ck_assert_int_eq(find(&t), RC_NOT_FOUND);
    ck_assert_int_eq(api_token_revoke(db, id, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT revoked_at FROM api_token"), at);
    ck_assert_int_eq(api_token_revoke(db, id + 1000, &err), RC_NOT_FOUND);
}
END_TEST

START_TEST(a_token_needs_a_member)
{
    struct api_token_new t = {.token = text,
                              .hash = hash,
                              .workspace_id = seed_workspace(db),
                              .user_id = seed.user,
                              .name = "CI",
                              .scopes = API_SCOPE_READ,
                              .lifetime_ms = 1000};
    uint64_t id;

    ck_assert_int_eq(api_token_add(db, &t, &id, &err), RC_NOT_FOUND);
    ck_assert_str_eq(err.code, "not_a_member");
}
END_TEST

static struct api_token_line last;

static void keep(void *ctx, const struct api_token_line *line)
{
    (void)ctx;
    last = *line;
}

START_TEST(the_list_shows_no_secret)
{
    uint64_t id = add(API_SCOPE_READ | API_SCOPE_WRITE);

    ck_assert_int_eq(api_token_list(db, keep, NULL, &err), RC_OK);
    ck_assert_uint_eq(last.token_id, id);
    ck_assert_str_eq(last.name, "CI");
    ck_assert_str_eq(last.scopes, "read,write");
    ck_assert_uint_eq(strlen(last.prefix), 12);
    ck_assert(!last.revoked && !last.expired && last.used_at_ms == 0);
}
END_TEST

DATABASE_MAIN("store_api_tokens", setup, teardown, texts_have_the_form_that_is_looked_for,
              scopes_are_read_back_as_they_were_written,
              a_token_acts_for_its_person_with_the_role_of_now,
              it_opens_nothing_when_it_or_its_person_is_through,
              its_use_is_noted_once_a_minute,
              revoking_is_for_good_and_only_of_what_is_there, a_token_needs_a_member,
              the_list_shows_no_secret)
