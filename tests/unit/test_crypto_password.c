/* crypto/password: hashes of ours and of others, their cost, and what is none. */
#include "core/attr.h"
#include "crypto/password.h"
#include "unit.h"

#include <string.h>

/* libargon2's own test vectors for version 19 (its src/test.c). */
static const struct {
    const char *password, *hash;
} known[] = {
    {"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
                 "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
    {"password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/"
                 "uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
    {"password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/"
                 "0ttZwg2f/5U52iv1cDc"},
    {"differentpassword", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+"
                          "J4umqA32aWKB1+DSiRuBfYxFj94"},
};

START_TEST(hashes_made_elsewhere_are_verified)
{
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        const char *p = known[i].password;

        ck_assert_msg(password_verify(known[i].hash, p, strlen(p), &err) == RC_OK,
                      "case %zu: %s", i, err.msg);
        ck_assert_int_eq(password_verify(known[i].hash, p, strlen(p) - 1, &err),
                         RC_DENIED);
        ck_assert_str_eq(err.code, "wrong_password");
    }
}
END_TEST

START_TEST(a_new_hash_verifies_its_password_and_no_other)
{
    static const char password[] = "correct horse\0battery"; /* with a NUL: it counts */
    char hash[PASSWORD_HASH_SIZE];
    char again[PASSWORD_HASH_SIZE];
    struct err err;

    ck_assert_int_eq(
        password_hash(random_system(), password, sizeof(password) - 1, hash, &err),
        RC_OK);
    ck_assert_int_eq(
        password_hash(random_system(), password, sizeof(password) - 1, again, &err),
        RC_OK);
    ck_assert_str_ne(hash, again); /* each has its own salt */
    ck_assert_int_eq(password_verify(hash, password, sizeof(password) - 1, &err), RC_OK);
    ck_assert_int_eq(password_verify(hash, password, strlen(password), &err), RC_DENIED);
    ck_assert_int_eq(
        password_verify(hash, "Correct horse\0battery", sizeof(password) - 1, &err),
        RC_DENIED);
}
END_TEST

START_TEST(a_new_hash_names_a_cost_above_the_floor)
{
    static const char begin[] = "$argon2id$v=19$m=47104,t=1,p=1$";
    char hash[PASSWORD_HASH_SIZE];
    struct err err;

    ck_assert_int_ge(PASSWORD_COST_KIB, 46 * 1024);
    ck_assert_int_ge(PASSWORD_FLOOR_KIB, 19 * 1024);
    ck_assert_int_ge(PASSWORD_FLOOR_PASSES, 2);
    ck_assert_int_eq(password_hash(random_system(), "a", 1, hash, &err), RC_OK);
    ck_assert_msg(strncmp(hash, begin, sizeof(begin) - 1) == 0, "%s", hash);
    ck_assert(!password_needs_rehash(hash));
}
END_TEST

START_TEST(weak_or_foreign_hashes_are_to_be_renewed)
{
    static const struct {
        const char *hash;
        bool renew;
    } cases[] = {
        {"$argon2id$v=19$m=47104,t=1,p=1$c2FsdA$dGFn", false},
        {"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$dGFn", false},
        {"$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$dGFn", false},
        {"$argon2id$v=19$m=19456,t=1,p=1$c2FsdA$dGFn", true},
        {"$argon2id$v=19$m=19455,t=2,p=1$c2FsdA$dGFn", true},
        {"$argon2id$v=19$m=47103,t=1,p=1$c2FsdA$dGFn", true},
        {"$argon2i$v=19$m=65536,t=3,p=1$c2FsdA$dGFn", true},
        {"$2b$12$abcdefghijklmnopqrstuu", true},
        {"", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(password_needs_rehash(cases[i].hash) == cases[i].renew, "%s",
                      cases[i].hash);
}
END_TEST

START_TEST(a_damaged_or_greedy_stored_hash_is_a_bug_and_is_not_computed)
{
    static const char *const hashes[] = {
        "",
        "x",
        "$argon2id$",
        "$argon2id$v=19$m=65536,t=2,p=1",
        "$argon2id$v=19$m=65536,t=2,p=1$",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$***",
        "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8Ar",
        "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8Ar",
        "$argon2id$v=19$m=65536,t=4000000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHA",
        "$argon2id$v=19$m=65536,t=2,p=99$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8Ar",
        "$argon2id$v=19$m=-1,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2",
        "$argon2id$v=19$m=,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRP",
    };

    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        struct err err;

        ck_assert_msg(password_verify(hashes[i], "password", 8, &err) == RC_BUG, "%s",
                      hashes[i]);
        ck_assert_str_eq(err.code, "password_hash_bad");
    }
}
END_TEST

START_TEST(a_password_is_refused_when_empty_or_too_long_and_never_cut)
{
    char longest[PASSWORD_MAX + 1];
    char hash[PASSWORD_HASH_SIZE] = "untouched";
    struct err err;

    (void)memset(longest, 'x', sizeof(longest));
    ck_assert_int_eq(
        password_hash(random_system(), longest, PASSWORD_MAX + 1, hash, &err),
        RC_INVALID);
    ck_assert_str_eq(err.code, "password_too_long");
    ck_assert_str_eq(err.field, "password");
    ck_assert_int_eq(password_hash(random_system(), "", 0, hash, &err), RC_INVALID);
    ck_assert_str_eq(err.code, "password_empty");
    ck_assert_str_eq(hash, "untouched");

    ck_assert_int_eq(password_hash(random_system(), longest, PASSWORD_MAX, hash, &err),
                     RC_OK);
    ck_assert_int_eq(password_verify(hash, longest, PASSWORD_MAX, &err), RC_OK);
    ck_assert_int_eq(password_verify(hash, longest, PASSWORD_MAX - 1, &err), RC_DENIED);
    ck_assert_int_eq(password_verify(hash, longest, PASSWORD_MAX + 1, &err), RC_DENIED);
}
END_TEST

START_TEST(nobody_has_any_password)
{
    char longest[PASSWORD_MAX + 1];
    struct err err;

    (void)memset(longest, 'x', sizeof(longest));
    ck_assert_int_eq(password_verify_nobody("password", 8, &err), RC_DENIED);
    ck_assert_str_eq(err.code, "wrong_password");
    ck_assert_int_eq(password_verify_nobody("", 0, &err), RC_DENIED);
    ck_assert_int_eq(password_verify_nobody(longest, sizeof(longest), &err), RC_DENIED);
}
END_TEST

UNIT_MAIN("crypto_password", hashes_made_elsewhere_are_verified,
          a_new_hash_verifies_its_password_and_no_other,
          a_new_hash_names_a_cost_above_the_floor,
          weak_or_foreign_hashes_are_to_be_renewed,
          a_damaged_or_greedy_stored_hash_is_a_bug_and_is_not_computed,
          a_password_is_refused_when_empty_or_too_long_and_never_cut,
          nobody_has_any_password)
