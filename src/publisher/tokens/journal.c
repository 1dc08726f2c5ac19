#include "journal.h"

#include "core/clock.h"
#include "core/encode.h"
#include "core/io.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/random.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_LIMIT = 16384,
    FILE_LIMIT = 4 * 1024 * 1024,
    DIR_SIZE = 1024,
    NAME_CHARS = 16,
    PATH_SIZE = DIR_SIZE + 64,
    OPEN_TRIES = 10,
};

struct journal {
    char dir[DIR_SIZE];
    char path[PATH_SIZE];
    int fd;
    pthread_mutex_t lock;
    unsigned under_way; /* pairs written here and not in the database yet */
    int64_t len;        /* bytes of whole lines */
};

static enum rc failed(struct err *err, const char *what)
{
    return err_set(err, RC_UNAVAILABLE, "journal_failed",
                   "The publisher's state directory: %s failed.", what);
}

/* A name is never used again: a process with the same id, as in a container that starts
 * anew, must not take what the one before left for its own. */
static void make_path(struct journal *j)
{
    char name[NAME_CHARS + 1];

    random_base32(random_system(), name, NAME_CHARS);
    (void)snprintf(j->path, sizeof(j->path), "%s/tokens-%s.journal", j->dir, name);
}

/* A replaying process may have taken the new file for a dead one's in the moment before
 * it was locked, and removed it. */
static bool still_there(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static int create(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && still_there(fd))
        return fd;
    io_close(&fd);
    return -1;
}

/* The file's name must survive a crash of the machine as well as its contents. */
static bool sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;

    io_close(&fd);
    return done;
}

enum rc journal_open(const char *dir, struct journal **out, struct err *err)
{
    struct journal *j;
    enum rc rc = io_make_dirs(dir, err);

    if (rc != RC_OK)
        return rc;
    if (strlen(dir) >= DIR_SIZE)
        return err_set(err, RC_INVALID, "path_too_long", "the directory's name is long");
    j = xcalloc(1, sizeof(*j));
    (void)memcpy(j->dir, dir, strlen(dir) + 1);
    j->fd = -1;
    for (int i = 0; j->fd < 0 && i < OPEN_TRIES; i++) {
        make_path(j);
        j->fd = create(j->path);
    }
    if (j->fd < 0 || !sync_dir(dir)) {
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

static void add_blob(struct strbuf *sb, const struct token_blob *blob)
{
    char hex[2 * TOKEN_BLOB_MAX + 1];

    hex_encode(blob->data, blob->len, hex);
    strbuf_addf(sb, " %s", blob->len > 0 ? hex : "-");
}

/* "written account version access_life refresh_life refresh_at access refresh scopes\n",
 * times in ms, blobs in hex, "-" for what was not said. */
static void write_line(struct strbuf *sb, uint64_t account_id, unsigned version,
                       const struct token_pair *pair)
{
    strbuf_addf(sb, "%" PRId64 " %" PRIu64 " %u", clock_wall_ms(clock_system()),
                account_id, version);
    strbuf_addf(sb, " %" PRId64 " %" PRId64 " %" PRId64, pair->access_life_ms,
                pair->refresh_life_ms, pair->refresh_at_ms);
    add_blob(sb, &pair->access);
    add_blob(sb, &pair->refresh);
    strbuf_addf(sb, " %s\n", pair->scopes[0] != '\0' ? pair->scopes : "-");
}

enum rc journal_add(struct journal *j, uint64_t account_id, unsigned version,
                    const struct token_pair *pair, struct err *err)
{
    struct strbuf sb;
    enum rc rc;

    strbuf_init(&sb, LINE_LIMIT);
    write_line(&sb, account_id, version, pair);
    (void)pthread_mutex_lock(&j->lock);
    j->under_way++;
    rc = io_write_full(j->fd, sb.buf, sb.len, err);
    if (rc == RC_OK && fdatasync(j->fd) != 0)
        rc = failed(err, "writing the token journal");
    if (rc == RC_OK)
        j->len += (int64_t)sb.len;
    else if (ftruncate(j->fd, j->len) != 0)
        log_warn("journal.not_mended", "path=%s", j->path); /* costs the next line too */
    (void)pthread_mutex_unlock(&j->lock);
    strbuf_wipe(&sb);
    return rc;
}

void journal_done(struct journal *j)
{
    (void)pthread_mutex_lock(&j->lock);
    if (j->under_way > 0 && --j->under_way == 0 && j->len > 0) {
        if (ftruncate(j->fd, 0) == 0)
            j->len = 0;
        else
            log_warn("journal.not_emptied", "path=%s", j->path); /* replays harmlessly */
    }
    (void)pthread_mutex_unlock(&j->lock);
}

/* --- replay ---------------------------------------------------------------------- */

enum { WRITTEN, ACCOUNT, VERSION, ACCESS_LIFE, REFRESH_LIFE, REFRESH_AT, NUMBERS };
enum { ACCESS = NUMBERS, REFRESH, SCOPES, FIELDS };

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

/* A pair as it was written down, with its scopes' text. */
struct entry {
    int64_t n[NUMBERS];
    struct token_pair pair;
    char scopes[513];
};

static bool read_entry(const char *text, size_t len, struct entry *e)
{
    struct line line;

    if (!split(text, len, &line))
        return false;
    for (size_t i = 0; i < NUMBERS; i++) {
        if (!parse_i64_slice(line.p[i], line.len[i], 0, INT64_MAX, &e->n[i]))
            return false;
    }
    if (!read_blob(&line, ACCESS, &e->pair.access) ||
        !read_blob(&line, REFRESH, &e->pair.refresh) || e->n[VERSION] > UINT32_MAX ||
        line.len[SCOPES] >= sizeof(e->scopes))
        return false;
    (void)memcpy(e->scopes, line.p[SCOPES], line.len[SCOPES]);
    e->scopes[line.len[SCOPES]] = '\0';
    e->pair.scopes = strcmp(e->scopes, "-") == 0 ? "" : e->scopes;
    return true;
}

/* What is left of a life of which age has gone by; 0 stays 0: not said. */
static int64_t left(int64_t life_ms, int64_t age_ms)
{
    if (life_ms == 0)
        return 0;
    return life_ms > age_ms ? life_ms - age_ms : 1;
}

static void age(struct entry *e)
{
    int64_t age_ms = clock_wall_ms(clock_system()) - e->n[WRITTEN];

    if (age_ms < 0) /* the clock was set back */
        age_ms = 0;
    e->pair.access_life_ms = left(e->n[ACCESS_LIFE], age_ms);
    e->pair.refresh_life_ms = left(e->n[REFRESH_LIFE], age_ms);
    e->pair.refresh_at_ms = left(e->n[REFRESH_AT], age_ms);
}

struct replay {
    journal_store_fn store;
    void *ctx;
    size_t stored;
    struct entry entry;
};

static enum rc replay_line(struct replay *r, const char *text, size_t len,
                           struct err *err)
{
    struct entry *e = &r->entry;
    enum rc rc;

    *e = (struct entry){0};
    if (!read_entry(text, len, e)) {
        log_warn("journal.torn_line", "bytes=%zu", len);
        return RC_OK;
    }
    age(e);
    rc =
        r->store(r->ctx, (uint64_t)e->n[ACCOUNT], (unsigned)e->n[VERSION], &e->pair, err);
    if (rc == RC_OK)
        r->stored++;
    return rc == RC_CONFLICT || rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc replay_text(struct replay *r, const char *text, struct err *err)
{
    enum rc rc = RC_OK;

    while (*text != '\0' && rc == RC_OK) {
        size_t len = strcspn(text, "\n");

        if (text[len] == '\n')
            rc = replay_line(r, text, len, err);
        else
            log_warn("journal.torn_line", "bytes=%zu", len);
        text += text[len] == '\n' ? len + 1 : len;
    }
    return rc;
}

/* A file whose lock can be had belongs to a dead process. */
static enum rc replay_file(struct replay *r, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct strbuf sb;
    enum rc rc = RC_OK;

    if (fd < 0)
        return RC_OK;
    strbuf_init(&sb, FILE_LIMIT);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        rc = io_read_file(path, &sb, err);
        if (rc == RC_OK)
            rc = replay_text(r, sb.buf, err);
        if (rc == RC_OK)
            (void)unlink(path);
        if (rc == RC_NOT_FOUND)
            rc = RC_OK;
    }
    strbuf_wipe(&sb);
    io_close(&fd);
    return rc;
}

static bool is_journal(const char *name)
{
    return text_starts_with(name, "tokens-") && text_ends_with(name, ".journal");
}

enum rc journal_replay(struct journal *j, journal_store_fn store, void *ctx,
                       size_t *stored, struct err *err)
{
    struct replay r = {.store = store, .ctx = ctx};
    DIR *dir = opendir(j->dir);
    enum rc rc = RC_OK;

    if (dir == NULL)
        return failed(err, "listing it");
    for (const struct dirent *e; rc == RC_OK && (e = readdir(dir)) != NULL;) {
        char path[DIR_SIZE + 258];

        (void)snprintf(path, sizeof(path), "%s/%s", j->dir, e->d_name);
        if (is_journal(e->d_name) && strcmp(path, j->path) != 0)
            rc = replay_file(&r, path, err);
    }
    (void)closedir(dir);
    explicit_bzero(&r.entry, sizeof(r.entry));
    *stored = r.stored;
    return rc;
}
