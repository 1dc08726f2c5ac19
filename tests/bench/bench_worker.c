/* bench_worker - the least that a FastCGI worker could do for a request.
 *
 *     bench_worker SOCKET WORKERS MODE
 *
 * tests/bench/run puts it behind the same nginx as tts-api and measures both in one run:
 * what tts-api takes longer is what its checks and its bookkeeping cost. One mode each:
 *
 *     hello   reads the body and answers a constant
 *     list    the caller by the hash of the token, then a page of posts: two prepared
 *             statements, and the same JSON as GET /api/v1/posts?limit=20
 *     create  the caller, then post, job and event in one transaction
 *     take    a chunk that nginx left as a file: copied within the kernel and made
 *             durable, as PATCH /api/v1/uploads/{id}, with no word in the database
 *
 * Settings: BENCH_DB (socket of MariaDB, user root, database tts), BENCH_FILE (take).
 * Ends with SIGTERM; the workers end with it. */
#include "core/jsonw.h"
#include "core/parse.h"
#include "core/strbuf.h"

#include <fcgiapp.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mysql.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BACKLOG = 4096, PAGE = 20, BODY_LIMIT = 1 << 20, TEXT_SIZE = 1024 };

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_worker: %s\n", what);
    exit(EXIT_FAILURE);
}

/* --- MariaDB, with nothing around it ------------------------------------------------ */

static MYSQL *db;

static void connect_db(void)
{
    db = mysql_init(NULL);
    if (db == NULL || mysql_real_connect(db, NULL, "root", NULL, "tts", 0,
                                         getenv("BENCH_DB"), 0) == NULL)
        die(db != NULL ? mysql_error(db) : "out of memory");
}

static MYSQL_STMT *prepare(const char *sql)
{
    MYSQL_STMT *stmt = mysql_stmt_init(db);

    if (stmt == NULL || mysql_stmt_prepare(stmt, sql, strlen(sql)) != 0)
        die(mysql_error(db));
    return stmt;
}

static MYSQL_BIND number(uint64_t *n)
{
    return (MYSQL_BIND){
        .buffer_type = MYSQL_TYPE_LONGLONG, .buffer = n, .is_unsigned = 1};
}

static MYSQL_BIND text(char *s, unsigned long *len)
{
    return (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                        .buffer = s,
                        .buffer_length = TEXT_SIZE - 1,
                        .length = len};
}

static void run(MYSQL_STMT *stmt, MYSQL_BIND *args)
{
    if ((args != NULL && mysql_stmt_bind_param(stmt, args)) ||
        mysql_stmt_execute(stmt) != 0)
        die(mysql_stmt_error(stmt));
}

/* --- who calls ---------------------------------------------------------------------- */

struct caller {
    uint64_t workspace_id, user_id;
};

static bool find_caller(const FCGX_Request *req, struct caller *out)
{
    static MYSQL_STMT *stmt;
    const char *header = FCGX_GetParam("HTTP_AUTHORIZATION", req->envp);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned long len = 32;
    MYSQL_BIND arg = {.buffer_type = MYSQL_TYPE_BLOB,
                      .buffer = hash,
                      .buffer_length = 32,
                      .length = &len};
    MYSQL_BIND cols[] = {number(&out->workspace_id), number(&out->user_id)};
    bool found;

    if (header == NULL || strncmp(header, "Bearer ", 7) != 0 ||
        EVP_Digest(header + 7, strlen(header + 7), hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    if (stmt == NULL)
        stmt = prepare("SELECT t.workspace_id, t.user_id FROM api_token t"
                       " JOIN membership m ON m.workspace_id = t.workspace_id"
                       " AND m.user_id = t.user_id"
                       " JOIN user u ON u.user_id = t.user_id WHERE t.token_hash = ?"
                       " AND t.revoked_at IS NULL AND u.disabled_at IS NULL"
                       " AND t.expires_at > UNIX_TIMESTAMP() * 1000");
    run(stmt, &arg);
    if (mysql_stmt_bind_result(stmt, cols))
        die(mysql_stmt_error(stmt));
    found = mysql_stmt_fetch(stmt) == 0;
    (void)mysql_stmt_free_result(stmt);
    return found;
}

/* --- list --------------------------------------------------------------------------- */

/* Everything that the JSON shows, in the order of the statement's columns. */
enum number {
    ID,
    ACCOUNT,
    DUE,
    CREATED,
    UPDATED,
    PUBLISHED,
    KIND,
    MODE,
    COMMENT,
    DUET,
    STITCH,
    BRAND,
    BRANDED,
    AIGC,
    MUSIC,
    COVER_MS,
    COVER_INDEX,
    STATE,
    VERSION,
    MEDIA,
    MEDIA_KIND,
    MEDIA_STATE,
    DURATION,
    WIDTH,
    HEIGHT,
    THUMB,
    NUMBERS
};
enum word {
    CAPTION,
    TITLE,
    AUDIENCE,
    ZONE,
    CONSENT,
    TIKTOK,
    NICKNAME,
    NAME,
    FILENAME,
    WORDS
};

#define PAGE_SQL                                                                         \
    "SELECT STRAIGHT_JOIN p.post_id, p.account_id, j.due_at, p.created_at,"              \
    " GREATEST(p.updated_at, j.updated_at), p.published_at, p.kind, p.mode,"             \
    " p.allow_comment, p.allow_duet, p.allow_stitch, p.your_brand, p.branded_content,"   \
    " p.is_aigc, p.auto_add_music, p.cover_ms, p.cover_index, j.state, j.sched_ver,"     \
    " m.media_id, m.kind, m.state, m.duration_ms, m.width, m.height, m.has_thumb,"       \
    " p.caption, p.title, p.privacy_level, p.tz, p.consent, p.tiktok_post_ids,"          \
    " a.display_name, a.username, m.filename"                                            \
    " FROM post p FORCE INDEX (u_workspace) JOIN job j ON j.post_id = p.post_id"         \
    " LEFT JOIN account a ON a.account_id = p.account_id"                                \
    " LEFT JOIN post_media pm ON pm.post_id = p.post_id AND pm.position = 0"             \
    " LEFT JOIN media m ON m.media_id = pm.media_id"                                     \
    " WHERE p.workspace_id = ? AND p.post_id < 9223372036854775807"                      \
    " AND p.hidden_at IS NULL ORDER BY p.post_id DESC LIMIT ?"

struct row {
    uint64_t n[NUMBERS];
    my_bool none[NUMBERS + WORDS];
    char s[WORDS][TEXT_SIZE];
    unsigned long len[WORDS];
};

static const char *word(const struct row *r, enum word i)
{
    return r->none[NUMBERS + i] || r->len[i] == 0 ? NULL : r->s[i];
}

static void number_key(struct jsonw *w, const char *key, const struct row *r,
                       enum number i)
{
    jsonw_key(w, key);
    if (r->none[i])
        jsonw_null(w);
    else
        jsonw_int(w, (int64_t)r->n[i]);
}

static void time_key(struct jsonw *w, const char *key, const struct row *r, enum number i)
{
    jsonw_key(w, key);
    if (r->none[i] || r->n[i] == 0)
        jsonw_null(w);
    else
        jsonw_time(w, (int64_t)r->n[i]);
}

static void write_medium(struct jsonw *w, const struct row *r)
{
    char path[64];

    jsonw_key(w, "media_ids");
    jsonw_array(w);
    jsonw_id(w, r->n[MEDIA]);
    jsonw_end(w);
    jsonw_key(w, "media");
    jsonw_array(w);
    jsonw_object(w);
    jsonw_key_id(w, "id", r->n[MEDIA]);
    jsonw_key_text(w, "kind", r->n[MEDIA_KIND] == 1 ? "video" : "photo");
    jsonw_key_text(w, "status", r->n[MEDIA_STATE] == 2 ? "ready" : "checking");
    jsonw_key_text(w, "filename", word(r, FILENAME));
    number_key(w, "duration_ms", r, DURATION);
    number_key(w, "width", r, WIDTH);
    number_key(w, "height", r, HEIGHT);
    (void)snprintf(path, sizeof(path), "/api/v1/media/%" PRIu64 "/thumbnail",
                   r->n[MEDIA]);
    jsonw_key_text(w, "thumbnail_url", r->n[THUMB] != 0 ? path : NULL);
    (void)snprintf(path, sizeof(path), "/api/v1/media/%" PRIu64 "/content", r->n[MEDIA]);
    jsonw_key_text(w, "content_url", path);
    jsonw_end(w);
    jsonw_end(w);
}

static void write_pair(struct jsonw *w, const char *name, const char *first, bool one,
                       bool two)
{
    jsonw_key(w, name);
    jsonw_object(w);
    jsonw_key_bool(w, first, one);
    jsonw_key_bool(w, "branded_content", two);
    jsonw_end(w);
}

static bool agreed(const struct row *r, const char *what)
{
    return strstr(r->s[CONSENT], what) != NULL;
}

static void write_content(struct jsonw *w, const struct row *r)
{
    jsonw_key_text(w, "kind", r->n[KIND] == 1 ? "video" : "photo");
    jsonw_key_text(w, "mode", r->n[MODE] == 1 ? "direct" : "inbox");
    jsonw_key_text(w, "caption", r->s[CAPTION]);
    jsonw_key_text(w, "title", word(r, TITLE));
    jsonw_key_text(w, "privacy_level", word(r, AUDIENCE));
    jsonw_key_bool(w, "allow_comment", r->n[COMMENT] != 0);
    jsonw_key_bool(w, "allow_duet", r->n[DUET] != 0);
    jsonw_key_bool(w, "allow_stitch", r->n[STITCH] != 0);
    write_pair(w, "disclose", "your_brand", r->n[BRAND] != 0, r->n[BRANDED] != 0);
    jsonw_key_bool(w, "is_aigc", r->n[AIGC] != 0);
    jsonw_key_bool(w, "auto_add_music", r->n[MUSIC] != 0);
    number_key(w, "cover_ms", r, COVER_MS);
    number_key(w, "cover_index", r, COVER_INDEX);
    time_key(w, "publish_at", r, DUE);
    jsonw_key_text(w, "timezone", word(r, ZONE));
    write_pair(w, "consent", "music_usage", agreed(r, "\"music_usage\":true"),
               agreed(r, "\"branded_content\":true"));
}

static void write_post(struct jsonw *w, const struct row *r)
{
    bool scheduled = r->n[STATE] == 1;

    jsonw_object(w);
    jsonw_key_id(w, "id", r->n[ID]);
    jsonw_key_id(w, "account_id", r->n[ACCOUNT]);
    jsonw_key(w, "account");
    jsonw_object(w);
    jsonw_key_id(w, "id", r->n[ACCOUNT]);
    jsonw_key_text(w, "nickname", word(r, NICKNAME));
    jsonw_key_text(w, "username", word(r, NAME));
    jsonw_end(w);
    write_medium(w, r);
    write_content(w, r);
    jsonw_key_text(w, "status", scheduled ? "scheduled" : "draft");
    jsonw_key_text(w, "status_reason", NULL);
    jsonw_key_text(w, "status_text",
                   scheduled ? "Waiting for its time." : "Not scheduled yet.");
    jsonw_key_text(w, "next_step", NULL);
    jsonw_key_text(w, "next_action", "none");
    time_key(w, "published_at", r, PUBLISHED);
    jsonw_key_text(w, "tiktok_post_id", word(r, TIKTOK));
    jsonw_key_text(w, "tiktok_url", NULL);
    number_key(w, "version", r, VERSION);
    time_key(w, "created_at", r, CREATED);
    time_key(w, "updated_at", r, UPDATED);
    jsonw_end(w);
}

static MYSQL_STMT *select_page(struct caller *who, uint64_t *limit)
{
    static MYSQL_STMT *stmt;
    MYSQL_BIND args[] = {number(&who->workspace_id), number(limit)};

    if (stmt == NULL)
        stmt = prepare(PAGE_SQL);
    run(stmt, args);
    return stmt;
}

static void write_page(struct jsonw *w, struct caller *who)
{
    static struct row r;
    uint64_t limit = PAGE + 1;
    MYSQL_STMT *stmt = select_page(who, &limit);
    MYSQL_BIND cols[NUMBERS + WORDS];

    for (int i = 0; i < NUMBERS; i++)
        cols[i] = number(&r.n[i]);
    for (int i = 0; i < WORDS; i++)
        cols[NUMBERS + i] = text(r.s[i], &r.len[i]);
    for (int i = 0; i < NUMBERS + WORDS; i++)
        cols[i].is_null = &r.none[i];
    if (mysql_stmt_bind_result(stmt, cols))
        die(mysql_stmt_error(stmt));
    for (int i = 0; mysql_stmt_fetch(stmt) == 0; i++) {
        for (int k = 0; k < WORDS; k++)
            r.s[k][r.none[NUMBERS + k] ? 0 : r.len[k]] = '\0';
        if (i < PAGE)
            write_post(w, &r);
    }
    (void)mysql_stmt_free_result(stmt);
}

static void put(FCGX_Request *req, const char *head, const char *body, size_t len)
{
    (void)FCGX_FPrintF(req->out,
                       "%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                       "\r\n",
                       head, (int)len);
    (void)FCGX_PutStr(body, (int)len, req->out);
}

static void answer_list(FCGX_Request *req)
{
    struct caller who;
    struct strbuf sb;
    struct jsonw w;

    if (!find_caller(req, &who)) {
        put(req, "Status: 401", "{}", 2);
        return;
    }
    strbuf_init(&sb, BODY_LIMIT);
    jsonw_init(&w, &sb);
    jsonw_object(&w);
    jsonw_key(&w, "items");
    jsonw_array(&w);
    write_page(&w, &who);
    jsonw_end(&w);
    jsonw_end(&w);
    put(req, "Status: 200", sb.buf, sb.len);
    strbuf_release(&sb);
}

/* --- create ------------------------------------------------------------------------- */

static void drain(FCGX_Request *req)
{
    char piece[16384];

    while (FCGX_GetStr(piece, (int)sizeof(piece), req->in) > 0)
        continue;
}

static uint64_t insert_post(struct caller *who)
{
    static MYSQL_STMT *post, *job, *event;
    uint64_t id;
    MYSQL_BIND args[] = {number(&who->workspace_id), number(&who->user_id)};
    MYSQL_BIND row[] = {number(&id), number(&who->workspace_id)};

    if (post == NULL) {
        post = prepare(
            "INSERT INTO post (account_id, list_at, workspace_id, created_by, kind,"
            " caption, created_at, updated_at) VALUES (1, 9223372036854775807, ?, ?, 1,"
            " 'A draft of a measurement', 1, 1)");
        job = prepare("INSERT INTO job (post_id, workspace_id, account_id, state,"
                      " updated_at) VALUES (?, ?, 1, 0, 1)");
        event = prepare("INSERT INTO job_event (post_id, workspace_id, at, kind)"
                        " VALUES (?, ?, 1, 1)");
    }
    run(post, args);
    id = mysql_stmt_insert_id(post);
    run(job, row);
    run(event, row);
    if (mysql_commit(db))
        die(mysql_error(db));
    return id;
}

static void answer_create(FCGX_Request *req)
{
    struct caller who;
    char body[64];
    int len;

    drain(req);
    if (!find_caller(req, &who)) {
        put(req, "Status: 401", "{}", 2);
        return;
    }
    len = snprintf(body, sizeof(body), "{\"id\":\"%" PRIu64 "\"}", insert_post(&who));
    put(req, "Status: 201", body, (size_t)len);
}

/* --- take and hello ----------------------------------------------------------------- */

static bool copy(int in, int out, int64_t at, int64_t len)
{
    while (len > 0) {
        ssize_t n = copy_file_range(in, NULL, out, &at, (size_t)len, 0);

        if (n <= 0)
            return false;
        len -= n;
    }
    return fdatasync(out) == 0;
}

static void answer_take(FCGX_Request *req)
{
    const char *path = FCGX_GetParam("REQUEST_BODY_FILE", req->envp);
    const char *offset = FCGX_GetParam("HTTP_UPLOAD_OFFSET", req->envp);
    const char *length = FCGX_GetParam("CONTENT_LENGTH", req->envp);
    int64_t at = 0;
    int64_t len = 0;
    int in = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    int out = open(getenv("BENCH_FILE"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (in >= 0 && out >= 0 && offset != NULL && length != NULL &&
        parse_i64(offset, 0, INT64_MAX, &at) && parse_i64(length, 1, INT64_MAX, &len) &&
        copy(in, out, at, len))
        (void)FCGX_FPrintF(req->out, "Status: 204\r\n\r\n");
    else
        put(req, "Status: 500", "{}", 2);
    if (in >= 0)
        (void)close(in);
    if (out >= 0)
        (void)close(out);
}

static void answer_hello(FCGX_Request *req)
{
    static const char hello[] = "{\"status\":\"ok\"}";

    drain(req);
    put(req, "Status: 200", hello, sizeof(hello) - 1);
}

/* --- workers ------------------------------------------------------------------------ */

static const struct mode {
    const char *name;
    void (*answer)(FCGX_Request *req);
    bool database;
} modes[] = {
    {"hello", answer_hello, false},
    {"list", answer_list, true},
    {"create", answer_create, true},
    {"take", answer_take, false},
};

static void work(int listener, const struct mode *mode)
{
    FCGX_Request req;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (mode->database)
        connect_db();
    if (mode->answer == answer_create && mysql_autocommit(db, 0))
        die(mysql_error(db));
    if (FCGX_InitRequest(&req, listener, 0) != 0)
        die("FCGX_InitRequest failed");
    while (FCGX_Accept_r(&req) == 0) {
        mode->answer(&req);
        FCGX_Finish_r(&req);
    }
    exit(EXIT_FAILURE);
}

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    }
    die("no such mode");
    return NULL;
}

int main(int argc, char **argv)
{
    const struct mode *mode;
    int64_t workers = 0;
    int listener;

    if (argc != 4 || !parse_i64(argv[2], 1, 64, &workers))
        die("usage: bench_worker SOCKET WORKERS MODE");
    mode = find_mode(argv[3]);
    /* As src/web does: otherwise libfcgi lingers for two seconds. */
    (void)setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "100", 0);
    if (FCGX_Init() != 0 || (listener = FCGX_OpenSocket(argv[1], BACKLOG)) < 0)
        die("cannot listen");
    for (int64_t i = 0; i < workers; i++) {
        pid_t pid = fork();

        if (pid < 0)
            die("cannot fork");
        if (pid == 0)
            work(listener, mode);
    }
    while (wait(NULL) > 0)
        continue;
    return EXIT_FAILURE; /* they end only when something is wrong */
}
