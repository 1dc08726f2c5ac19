#include "journal.h"

#include "core/encode.h"
#include "core/io.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 16384, FILE_MAX_BYTES = 4 * 1024 * 1024, PATH_SIZE = 1200 };

struct journal {
    char dir[1024];
    char path[PATH_SIZE];
    int fd;
    pthread_mutex_t lock;
    unsigned under_way; /* pairs written here and not in the database yet */
};

static enum rc failed(struct err *err, const char *what)
{
    return err_set(err, RC_UNAVAILABLE, "journal_failed",
                   "The publisher's state directory: %s failed.", what);
}

enum rc journal_open(const char *dir, struct journal **out, struct err *err)
{
    struct journal *j;
    enum rc rc = io_make_dirs(dir, err);

    if (rc != RC_OK)
        return rc;
    j = xcalloc(1, sizeof(*j));
    (void)snprintf(j->dir, sizeof(j->dir), "%s", dir);
    (void)snprintf(j->path, sizeof(j->path), "%s/tokens-%ld.journal", dir,
                   (long)getpid());
    j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (j->fd < 0 || flock(j->fd, LOCK_EX | LOCK_NB) != 0) {
        io_close(&j->fd);
        free(j);
        return failed(err, "creating the token journal");
    }
    (void)pthread_mutex_init(&j->lock, NULL);
    *out = j;
    return RC_OK;
}

void journal_close(struct journal *j)
{
    if (j == NULL)
        return;
    if (j->under_way == 0)
        (void)unlink(j->path);
    io_close(&j->fd);
    (void)pthread_mutex_destroy(&j->lock);
    free(j);
}

/* "account version access_life refresh_life refresh_at access refresh scopes\n", blobs in
 * hex, "-" for what was not said. */
static void write_line(struct strbuf *sb, uint64_t account_id, unsigned version,
                       const struct token_pair *pair)
{
    char hex[2 * TOKEN_BLOB_MAX + 1];

    strbuf_addf(sb, "%" PRIu64 " %u %" PRId64 " %" PRId64 " %" PRId64 " ", account_id,
                version, pair->access_life_ms, pair->refresh_life_ms,
                pair->refresh_at_ms);
    hex_encode(pair->access.data, pair->access.len, hex);
    strbuf_addf(sb, "%s ", hex);
    hex_encode(pair->refresh.data, pair->refresh.len, hex);
    strbuf_addf(sb, "%s %s\n", pair->refresh.len > 0 ? hex : "-",
                pair->scopes[0] != '\0' ? pair->scopes : "-");
}

enum rc journal_add(struct journal *j, uint64_t account_id, unsigned version,
                    const struct token_pair *pair, struct err *err)
{
    struct strbuf sb;
    enum rc rc;

    strbuf_init(&sb, LINE_MAX_BYTES);
    write_line(&sb, account_id, version, pair);
    (void)pthread_mutex_lock(&j->lock);
    j->under_way++;
    rc = io_write_full(j->fd, sb.buf, sb.len, err);
    if (rc == RC_OK && fdatasync(j->fd) != 0)
        rc = failed(err, "writing the token journal");
    (void)pthread_mutex_unlock(&j->lock);
    strbuf_wipe(&sb);
    return rc;
}

void journal_done(struct journal *j)
{
    (void)pthread_mutex_lock(&j->lock);
    if (j->under_way > 0 && --j->under_way == 0 && ftruncate(j->fd, 0) != 0)
        log_warn("journal.not_emptied", "path=%s", j->path); /* its replay is harmless */
    (void)pthread_mutex_unlock(&j->lock);
}

/* --- replay ---------------------------------------------------------------------- */

enum { FIELDS = 8 };

struct line {
    const char *p[FIELDS];
    size_t len[FIELDS];
};

static bool split(const char *text, size_t len, struct line *line)
{
    const char *end = text + len;

    for (size_t i = 0; i < FIELDS; i++) {
        const char *space = memchr(text, ' ', (size_t)(end - text));

        if ((space == NULL) != (i == FIELDS - 1))
            return false;
        line->p[i] = text;
        line->len[i] = (size_t)((space != NULL ? space : end) - text);
        text = space != NULL ? space + 1 : end;
    }
    return true;
}

static bool read_blob(const struct line *line, size_t i, struct token_blob *blob)
{
    char hex[2 * TOKEN_BLOB_MAX + 1];

    blob->len = 0;
    if (line->len[i] == 1 && line->p[i][0] == '-')
        return true;
    if (line->len[i] % 2 != 0 || line->len[i] >= sizeof(hex))
        return false;
    (void)memcpy(hex, line->p[i], line->len[i]);
    hex[line->len[i]] = '\0';
    blob->len = line->len[i] / 2;
    return hex_decode(hex, blob->data, blob->len);
}

static bool read_number(const struct line *line, size_t i, int64_t *n)
{
    return parse_i64_slice(line->p[i], line->len[i], 0, INT64_MAX, n);
}

/* One line into the database. A line that makes no sense (torn by a crash) is dropped:
 * its journal_add() never returned. */
static enum rc replay_line(struct db *db, const char *text, size_t len, struct err *err)
{
    struct token_pair pair = {0};
    struct line line;
    char scopes[513];
    int64_t account, version;
    enum rc rc;

    if (!split(text, len, &line) || !read_number(&line, 0, &account) ||
        !read_number(&line, 1, &version) ||
        !read_number(&line, 2, &pair.access_life_ms) ||
        !read_number(&line, 3, &pair.refresh_life_ms) ||
        !read_number(&line, 4, &pair.refresh_at_ms) ||
        !read_blob(&line, 5, &pair.access) || !read_blob(&line, 6, &pair.refresh) ||
        line.len[7] >= sizeof(scopes)) {
        log_warn("journal.torn_line", "bytes=%zu", len);
        return RC_OK;
    }
    (void)memcpy(scopes, line.p[7], line.len[7]);
    scopes[line.len[7]] = '\0';
    pair.scopes = strcmp(scopes, "-") == 0 ? "" : scopes;
    rc = account_token_rotate(db, (uint64_t)account, (unsigned)version, &pair, err);
    if (rc == RC_OK)
        log_warn("journal.replayed", "account=%" PRId64 " version=%" PRId64, account,
                 version);
    return rc == RC_CONFLICT || rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc replay_text(struct db *db, const char *text, struct err *err)
{
    enum rc rc = RC_OK;

    while (*text != '\0' && rc == RC_OK) {
        size_t len = strcspn(text, "\n");

        if (text[len] == '\n' && len > 0)
            rc = replay_line(db, text, len, err);
        text += text[len] == '\n' ? len + 1 : len;
    }
    return rc;
}

/* A file whose lock can be had belongs to a dead process. */
static enum rc replay_file(const char *path, struct db *db, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct strbuf sb;
    enum rc rc = RC_OK;

    if (fd < 0)
        return RC_OK;
    strbuf_init(&sb, FILE_MAX_BYTES);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        rc = io_read_file(path, &sb, err);
        if (rc == RC_OK)
            rc = replay_text(db, sb.buf, err);
        if (rc == RC_OK)
            (void)unlink(path);
        if (rc == RC_NOT_FOUND)
            rc = RC_OK;
    }
    strbuf_wipe(&sb);
    io_close(&fd);
    return rc;
}

enum rc journal_replay(struct journal *j, struct db *db, struct err *err)
{
    DIR *dir = opendir(j->dir);
    enum rc rc = RC_OK;

    if (dir == NULL)
        return failed(err, "listing it");
    for (const struct dirent *e; rc == RC_OK && (e = readdir(dir)) != NULL;) {
        char path[PATH_SIZE + 256];

        (void)snprintf(path, sizeof(path), "%s/%s", j->dir, e->d_name);
        if (text_starts_with(e->d_name, "tokens-") &&
            text_ends_with(e->d_name, ".journal") && strcmp(path, j->path) != 0)
            rc = replay_file(path, db, err);
    }
    (void)closedir(dir);
    return rc;
}
