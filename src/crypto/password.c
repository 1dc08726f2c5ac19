#include "crypto/password.h"

#include "core/parse.h"

#include <argon2.h>
#include <string.h>

enum {
    LANES = 1,
    SALT_SIZE = 16,
    TAG_SIZE = 32,
    /* What a stored hash may ask of this process: a damaged or planted row must not be
     * able to take gigabytes or minutes. */
    SANE_KIB = 256 * 1024,
    SANE_PASSES = 16,
    SANE_LANES = 8,
};

struct cost {
    int64_t kib, passes, lanes;
};

/* Reads "<name>=<number>" at *p and moves *p behind it and behind the separator end. */
static bool take_number(const char **p, const char *name, char end, int64_t max,
                        int64_t *n)
{
    size_t name_len = strlen(name);
    const char *stop;

    if (strncmp(*p, name, name_len) != 0)
        return false;
    *p += name_len;
    stop = strchr(*p, end);
    if (stop == NULL || !parse_i64_slice(*p, (size_t)(stop - *p), 1, max, n))
        return false;
    *p = stop + 1;
    return true;
}

/* The cost in "$argon2id$v=19$m=47104,t=1,p=1$salt$tag". */
static bool read_cost(const char *hash, struct cost *cost)
{
    static const char prefix[] = "$argon2id$v=19$";
    const char *p = hash;

    if (strncmp(p, prefix, sizeof(prefix) - 1) != 0)
        return false;
    p += sizeof(prefix) - 1;
    return take_number(&p, "m=", ',', SANE_KIB, &cost->kib) &&
           take_number(&p, "t=", ',', SANE_PASSES, &cost->passes) &&
           take_number(&p, "p=", '$', SANE_LANES, &cost->lanes);
}

static enum rc no_memory(struct err *err)
{
    return err_retry(err, RC_UNAVAILABLE, 1000, "password_no_memory",
                     "There is no memory to check a password just now.");
}

static enum rc wrong(struct err *err)
{
    return err_set(err, RC_DENIED, "wrong_password", "This is not the password.");
}

enum rc password_hash(const struct random_source *random, const char *password,
                      size_t len, char out[PASSWORD_HASH_SIZE], struct err *err)
{
    unsigned char salt[SALT_SIZE];
    char phc[PASSWORD_HASH_SIZE];
    int result;

    if (len == 0)
        return err_field(err, "password", "password_empty", "The password is empty.");
    if (len > PASSWORD_MAX)
        return err_field(err, "password", "password_too_long",
                         "The password is longer than %d bytes.", PASSWORD_MAX);
    random_fill(random, salt, sizeof(salt));
    result =
        argon2id_hash_encoded(PASSWORD_COST_PASSES, PASSWORD_COST_KIB, LANES, password,
                              len, salt, sizeof(salt), TAG_SIZE, phc, sizeof(phc));
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR)
        return no_memory(err);
    if (result != ARGON2_OK)
        return err_set(err, RC_BUG, "password_not_hashed", "libargon2: %s",
                       argon2_error_message(result));
    (void)memcpy(out, phc, sizeof(phc));
    return RC_OK;
}

enum rc password_verify(const char *hash, const char *password, size_t len,
                        struct err *err)
{
    struct cost cost;
    int result;

    if (!read_cost(hash, &cost))
        return err_set(err, RC_BUG, "password_hash_bad",
                       "A stored password hash is not an Argon2id string.");
    if (len == 0 || len > PASSWORD_MAX)
        return wrong(err);
    result = argon2id_verify(hash, password, len);
    if (result == ARGON2_OK)
        return RC_OK;
    if (result == ARGON2_VERIFY_MISMATCH)
        return wrong(err);
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR)
        return no_memory(err);
    return err_set(err, RC_BUG, "password_hash_bad", "libargon2: %s",
                   argon2_error_message(result));
}

enum rc password_verify_nobody(const char *password, size_t len, struct err *err)
{
    static const unsigned char salt[SALT_SIZE] = "nobody has this";
    unsigned char tag[TAG_SIZE];

    if (len > 0 && len <= PASSWORD_MAX &&
        argon2id_hash_raw(PASSWORD_COST_PASSES, PASSWORD_COST_KIB, LANES, password, len,
                          salt, sizeof(salt), tag,
                          sizeof(tag)) == ARGON2_MEMORY_ALLOCATION_ERROR)
        return no_memory(err); /* as the check of a real user would have been */
    explicit_bzero(tag, sizeof(tag));
    return wrong(err);
}

bool password_needs_rehash(const char *hash)
{
    struct cost cost;

    if (!read_cost(hash, &cost))
        return true;
    return !(cost.kib >= PASSWORD_COST_KIB && cost.passes >= PASSWORD_COST_PASSES) &&
           !(cost.kib >= PASSWORD_FLOOR_KIB && cost.passes >= PASSWORD_FLOOR_PASSES);
}
