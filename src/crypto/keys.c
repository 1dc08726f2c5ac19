#include "crypto/keys.h"

#include "core/encode.h"
#include "core/io.h"
#include "core/rfc3339.h"
#include "core/strbuf.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "must.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char first_line[] = "tts-keys 1";

enum {
    LINE_WORDS = 5,
    ID_HEX = 8,
    FILE_MAX = 16 * 1024, /* KEY_RING_MAX lines of at most 120 bytes fit */
    PATH_SIZE = 4096,
};

struct key {
    struct key_info info;
    unsigned char bytes[KEY_SIZE];
};

struct key_ring {
    size_t count;
    bool exposed;
    struct key keys[KEY_RING_MAX];
};

static enum rc bad_file(struct err *err, size_t line, const char *what)
{
    return err_set(err, RC_INVALID, "key_file_bad", "line %zu of the key file: %s", line,
                   what);
}

/* --- one line ---------------------------------------------------------------------- */

static const char *state_word(enum key_state state)
{
    switch (state) {
    case KEY_ACTIVE:
        return "active";
    case KEY_DECRYPT_ONLY:
        return "decrypt-only";
    }
    return "";
}

static bool read_state(const char *word, enum key_state *state)
{
    for (int s = KEY_ACTIVE; s <= KEY_DECRYPT_ONLY; s++) {
        if (strcmp(word, state_word((enum key_state)s)) == 0) {
            *state = (enum key_state)s;
            return true;
        }
    }
    return false;
}

static bool read_id(const char *word, uint32_t *id)
{
    unsigned char b[ID_HEX / 2];

    if (strlen(word) != ID_HEX || !hex_decode(word, b, sizeof(b)))
        return false;
    *id = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return *id != 0;
}

static void write_line(struct strbuf *sb, const struct key *key)
{
    char created[RFC3339_SIZE];
    char hex[2 * KEY_SIZE + 1];

    rfc3339_format(key->info.created_ms, created);
    hex_encode(key->bytes, KEY_SIZE, hex);
    strbuf_addf(sb, "key %08" PRIx32 " %s %s %s\n", key->info.id,
                state_word(key->info.state), created, hex);
    explicit_bzero(hex, sizeof(hex));
}

/* Cuts line in place. Says what is wrong with it, or returns NULL. */
static const char *read_line(char *line, struct key *key)
{
    char *word[LINE_WORDS + 1];
    char *rest = NULL;
    size_t n = 0;

    for (char *w = strtok_r(line, " ", &rest); w != NULL && n <= LINE_WORDS;
         w = strtok_r(NULL, " ", &rest))
        word[n++] = w;
    if (n != LINE_WORDS || strcmp(word[0], "key") != 0)
        return "expected: key ID STATE CREATED HEX";
    if (!read_id(word[1], &key->info.id))
        return "the id is not eight hex digits, or is zero";
    if (!read_state(word[2], &key->info.state))
        return "the state is neither active nor decrypt-only";
    if (!rfc3339_parse(word[3], &key->info.created_ms))
        return "the creation time is not RFC 3339";
    if (!hex_decode(word[4], key->bytes, KEY_SIZE))
        return "the key is not 64 hex digits";
    return NULL;
}

/* --- a whole ring ------------------------------------------------------------------- */

static const struct key *find(const struct key_ring *ring, uint32_t id)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].info.id == id)
            return &ring->keys[i];
    return NULL;
}

static size_t count_active(const struct key_ring *ring)
{
    size_t n = 0;

    for (size_t i = 0; i < ring->count; i++)
        n += ring->keys[i].info.state == KEY_ACTIVE;
    return n;
}

static enum rc add_line(struct key_ring *ring, char *line, size_t number, struct err *err)
{
    struct key *key = &ring->keys[ring->count];
    const char *problem;

    if (ring->count == KEY_RING_MAX)
        return bad_file(err, number, "there are too many keys");
    problem = read_line(line, key);
    if (problem == NULL && find(ring, key->info.id) != NULL)
        problem = "this id stands there twice";
    if (problem != NULL)
        return bad_file(err, number, problem);
    ring->count++;
    return RC_OK;
}

/* Cuts text in place. */
static enum rc parse(char *text, struct key_ring *ring, struct err *err)
{
    size_t number = 0;
    char *next = text;
    enum rc rc;

    while (next != NULL && *next != '\0') {
        char *line = strsep(&next, "\n");

        number++;
        if (number == 1) {
            if (strcmp(line, first_line) != 0)
                return bad_file(err, number, "this is no key file");
            continue;
        }
        if (*line == '\0' || *line == '#')
            continue;
        rc = add_line(ring, line, number, err);
        if (rc != RC_OK)
            return rc;
    }
    if (count_active(ring) != 1)
        return err_set(err, RC_INVALID, "key_file_bad",
                       "the key file has %zu active keys instead of one",
                       count_active(ring));
    return RC_OK;
}

static void write_ring(struct strbuf *sb, const struct key_ring *ring)
{
    strbuf_addf(sb, "%s\n", first_line);
    for (size_t i = 0; i < ring->count; i++)
        write_line(sb, &ring->keys[i]);
}

/* Appends a new active key; those before it become decrypt-only. */
static const struct key *add_key(struct key_ring *ring,
                                 const struct random_source *random, int64_t now_ms)
{
    struct key *key = &ring->keys[ring->count];

    for (size_t i = 0; i < ring->count; i++)
        ring->keys[i].info.state = KEY_DECRYPT_ONLY;
    do {
        random_fill(random, &key->info.id, sizeof(key->info.id));
    } while (key->info.id == 0 || find(ring, key->info.id) != NULL);
    key->info.state = KEY_ACTIVE;
    key->info.created_ms = now_ms;
    random_fill(random, key->bytes, sizeof(key->bytes));
    ring->count++;
    return key;
}

void key_ring_free(struct key_ring *ring)
{
    if (ring == NULL)
        return;
    explicit_bzero(ring, sizeof(*ring));
    free(ring);
}

/* --- files --------------------------------------------------------------------- */

static enum rc file_failed(struct err *err, const char *what)
{
    return err_set(err, RC_UNAVAILABLE, "key_file_failed", "%s: %s", what,
                   strerrordesc_np(errno));
}

static enum rc check_mode(const char *path, struct key_ring *ring, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return file_failed(err, "cannot look at the key file");
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(err, RC_DENIED, "key_file_open",
                       "the key file may be written by others than its owner");
    ring->exposed = (st.st_mode & (S_IRGRP | S_IROTH)) != 0;
    return RC_OK;
}

enum rc key_ring_load(const char *path, struct key_ring **ring, struct err *err)
{
    struct key_ring *made = xcalloc(1, sizeof(*made));
    struct strbuf text;
    enum rc rc;

    strbuf_init(&text, FILE_MAX);
    rc = io_read_file(path, &text, err);
    if (rc != RC_OK)
        goto out;
    rc = check_mode(path, made, err);
    if (rc != RC_OK)
        goto out;
    rc = parse(text.buf, made, err);
    if (rc != RC_OK)
        goto out;
    *ring = made;
    made = NULL;
out:
    key_ring_free(made);
    strbuf_wipe(&text);
    return rc;
}

enum rc key_file_check(const char *path, struct err *err)
{
    struct key_ring *ring = NULL;
    enum rc rc = key_ring_load(path, &ring, err);

    key_ring_free(ring);
    if (rc == RC_NOT_FOUND)
        return err_set(err, RC_NOT_FOUND, "file_not_found",
                       "names no file; ttsctl keys generate FILE makes one");
    return rc;
}

enum rc key_file_generate(const char *path, const struct random_source *random,
                          int64_t now_ms, struct err *err)
{
    struct key_ring *ring = xcalloc(1, sizeof(*ring));
    struct strbuf text;
    enum rc rc;

    strbuf_init(&text, FILE_MAX);
    (void)add_key(ring, random, now_ms);
    write_ring(&text, ring);
    rc = io_create_file(path, S_IRUSR | S_IWUSR, text.buf, text.len, err);
    strbuf_wipe(&text);
    key_ring_free(ring);
    return rc;
}

/* So that the new name survives a power cut. */
static enum rc sync_directory(const char *path, struct err *err)
{
    char dir[PATH_SIZE];
    char *slash;
    enum rc rc = RC_OK;
    int fd;

    text_copy(dir, sizeof(dir), path);
    slash = strrchr(dir, '/');
    if (slash != NULL)
        slash[slash == dir ? 1 : 0] = '\0';
    fd = open(slash != NULL ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        rc = file_failed(err, "cannot sync the key file's directory");
    io_close(&fd);
    return rc;
}

/* Puts text in path's place, with the owner and mode of old. */
static enum rc replace_file(const char *path, const struct stat *old,
                            const struct strbuf *text, struct err *err)
{
    char fresh[PATH_SIZE];
    enum rc rc;

    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
        return err_set(err, RC_INVALID, "key_file_bad", "the path is too long");
    /* Only the holder of the lock gets here: an old one was left by a crash. */
    (void)unlink(fresh);
    rc = io_create_file(fresh, S_IRUSR | S_IWUSR, text->buf, text->len, err);
    if (rc != RC_OK)
        return rc;
    if (chown(fresh, old->st_uid, old->st_gid) != 0 ||
        chmod(fresh, old->st_mode & 0777) != 0 || rename(fresh, path) != 0) {
        rc = file_failed(err, "cannot replace the key file");
        (void)unlink(fresh);
        return rc;
    }
    return sync_directory(path, err);
}

/* Opens and locks path; *st is the locked file. */
static enum rc lock_file(const char *path, int *fd, struct stat *st, struct err *err)
{
    struct stat now;

    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT)
        return err_set(err, RC_NOT_FOUND, "file_not_found", "there is no such file");
    if (*fd < 0)
        return file_failed(err, "cannot open the key file");
    /* Another rotation may have replaced the file between open() and the lock; then the
     * lock is on a file that has no name any more. */
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0 || fstat(*fd, st) != 0 ||
        stat(path, &now) != 0 || now.st_ino != st->st_ino)
        return err_set(err, RC_CONFLICT, "key_file_busy",
                       "the key file is being rotated by somebody else");
    return RC_OK;
}

enum rc key_file_rotate(const char *path, const struct random_source *random,
                        int64_t now_ms, uint32_t *new_id, struct err *err)
{
    struct key_ring *ring = NULL;
    struct strbuf text;
    struct stat st = {0};
    uint32_t id;
    int fd = -1;
    enum rc rc;

    strbuf_init(&text, FILE_MAX);
    rc = lock_file(path, &fd, &st, err);
    if (rc != RC_OK)
        goto out;
    rc = key_ring_load(path, &ring, err);
    if (rc != RC_OK)
        goto out;
    if (ring->count == KEY_RING_MAX) {
        rc = err_set(err, RC_REJECTED, "key_ring_full", "the key file holds %d keys",
                     KEY_RING_MAX);
        goto out;
    }
    id = add_key(ring, random, now_ms)->info.id;
    write_ring(&text, ring);
    rc = replace_file(path, &st, &text, err);
    if (rc == RC_OK && new_id != NULL)
        *new_id = id;
out:
    strbuf_wipe(&text);
    key_ring_free(ring);
    io_close(&fd);
    return rc;
}

/* --- what a ring tells --------------------------------------------------------- */

bool key_ring_exposed(const struct key_ring *ring)
{
    return ring->exposed;
}

uint32_t key_ring_active(const struct key_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].info.state == KEY_ACTIVE)
            return ring->keys[i].info.id;
    return 0;
}

size_t key_ring_count(const struct key_ring *ring)
{
    return ring->count;
}

struct key_info key_ring_info(const struct key_ring *ring, size_t i)
{
    assert(i < ring->count);
    return ring->keys[i].info;
}

/* HKDF-SHA256 without salt; the purpose is its info. */
static void hkdf(const unsigned char *master, const char *purpose,
                 unsigned char out[KEY_SIZE])
{
    char digest[] = "SHA256";
    unsigned char key[KEY_SIZE];
    char info[128];
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    int info_len = snprintf(info, sizeof(info), "tts|v1|%s", purpose);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof(key)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, (size_t)info_len),
        OSSL_PARAM_construct_end(),
    };

    assert(info_len > 0 && info_len < (int)sizeof(info));
    (void)memcpy(key, master, sizeof(key));
    must(ctx != NULL && EVP_KDF_derive(ctx, out, KEY_SIZE, params) == 1, "HKDF");
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    explicit_bzero(key, sizeof(key));
}

enum rc key_ring_derive(const struct key_ring *ring, uint32_t id, const char *purpose,
                        unsigned char out[KEY_SIZE], struct err *err)
{
    const struct key *key = find(ring, id);

    if (key == NULL)
        return err_set(err, RC_NOT_FOUND, "key_unknown",
                       "the key file holds no key %08" PRIx32, id);
    hkdf(key->bytes, purpose, out);
    return RC_OK;
}
