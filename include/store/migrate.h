/* store/migrate.h - brings a database's schema, and who may use it, up to date.
 *
 * A migration is a file NNNN_name.sql of statements that may be repeated. Those not
 * applied yet run in the order of their numbers; each is noted in schema_version with a
 * checksum when all of it ran, so that one cut off half way is run again. Released files
 * never change: one that differs from what was applied is refused by name. Two that run
 * at the same time take turns.
 *
 * The statements need an administrator of the database; the programs have users of their
 * own, which may do what their program does and no more. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "core/err.h"
#include "store/db.h"

#include <stddef.h>

enum {
    MIGRATE_FILES_MAX = 512,
    MIGRATE_FILE_MAX = 1 << 20, /* bytes */
    MIGRATE_DIGEST_SIZE = 32,
    MIGRATE_WAIT_S = 60,           /* for another that migrates */
    MIGRATE_DEADLINE_MS = 3600000, /* a change of a large table takes its time */
};

/* The checksum, SHA-256: crypto/digest.h's digest_sha256(). This layer knows no OpenSSL,
 * so that tts-media need not. */
typedef void (*migrate_digest_fn)(const void *data, size_t len,
                                  unsigned char out[MIGRATE_DIGEST_SIZE]);

struct migrate {
    const char *dir; /* of the files */
    migrate_digest_fn digest;
    void (*applied)(void *ctx, const char *name); /* a file has been applied; or NULL */
    void *ctx;
};

/* Applies what is missing. RC_CONFLICT "schema_changed": a released file was changed;
 * "schema_newer": the database knows migrations that the directory does not have;
 * "schema_order": a file's number is lower than one applied already. RC_INVALID: a file
 * has no proper name, or two have one number. RC_NOT_FOUND: no such directory.
 * RC_REJECTED "migration_failed": a statement failed; the message is MariaDB's. */
enum rc migrate_run(struct db *db, const struct migrate *migrate,
                    struct err *err) MUST_CHECK;

/* How many files are not applied yet; changes nothing. Refuses as migrate_run(). */
enum rc migrate_pending(struct db *db, const struct migrate *migrate, size_t *n,
                        struct err *err) MUST_CHECK;

/* Makes a program's database user ("tts_api", "tts_publisher" or "tts_media", at a host,
 * '%' for any) or gives the one that exists this password. password: 8 to 128 characters.
 * Rights come with grants_renew(). RC_INVALID: another name, host or password. */
enum rc grants_user(struct db *db, const char *name, const char *host,
                    const char *password, struct err *err) MUST_CHECK;

/* Gives every user of those names, at whatever host, exactly the rights on this database
 * that its program needs: what is missing is granted, and what goes beyond is revoked.
 * Programs may go on meanwhile. *n: users found. */
enum rc grants_renew(struct db *db, size_t *n, struct err *err) MUST_CHECK;

#endif
