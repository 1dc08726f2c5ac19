/* bench_publish - posts by bare libcurl multi, without a word written down.
 *
 *     bench_publish BASE FILE POSTS IN_FLIGHT CAPTION [hold] < TOKENS
 *
 * Makes the calls that tts-publisher makes for a post (creator_info, init, PUT of the
 * whole file, status until it is published), IN_FLIGHT posts at a time, each with the
 * next of the access tokens on standard input (one a line). The file must fit into one
 * chunk. Prints the seconds it took and the CPU seconds it used itself.
 *
 * With "hold" it opens the sessions of all posts first and then sends their files as fast
 * as it can, without a question afterwards; the third number is the instant at which it
 * began to send, in ms since the epoch. */
#include "core/parse.h"
#include "core/strbuf.h"
#include "core/xalloc.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TOKENS_MAX = 16384, LINE_SIZE = 512, ANSWER_MAX = 65536, URL_SIZE = 2048 };

enum step { CREATOR, INIT, UPLOAD, STATUS, STEPS };

struct post {
    CURL *easy;
    struct curl_slist *headers;
    enum step step;
    const char *token;
    char publish_id[128];
    char upload_url[URL_SIZE];
    struct strbuf body, answer;
    int64_t sent;
};

static const char *base, *caption;
static char *tokens[TOKENS_MAX];
static size_t tokens_len;
static int file;
static int64_t size;
static int64_t begun, ended, wanted;
static bool hold;              /* sessions first, then the files */
static char (*held)[URL_SIZE]; /* upload addresses of the sessions; NULL: none held */
static int64_t held_len;
static bool sending; /* all sessions are open */
static CURLM *multi;

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_publish: %s\n", what);
    exit(EXIT_FAILURE);
}

static void set(CURLcode code)
{
    if (code != CURLE_OK)
        die(curl_easy_strerror(code));
}

static size_t keep(char *data, size_t n, size_t m, void *arg)
{
    struct post *p = arg;

    strbuf_add(&p->answer, data, n * m);
    return n * m;
}

static size_t give(char *out, size_t n, size_t m, void *arg)
{
    struct post *p = arg;
    ssize_t got = pread(file, out, n * m, p->sent);

    if (got < 0)
        return CURL_READFUNC_ABORT;
    p->sent += got;
    return (size_t)got;
}

static void add_header(struct post *p, const char *header)
{
    p->headers = curl_slist_append(p->headers, header);
}

static void prepare_upload(struct post *p)
{
    char range[128];

    (void)snprintf(range, sizeof(range), "Content-Range: bytes 0-%" PRId64 "/%" PRId64,
                   size - 1, size);
    add_header(p, "Content-Type: video/mp4");
    add_header(p, range);
    p->sent = 0;
    set(curl_easy_setopt(p->easy, CURLOPT_URL, p->upload_url));
    set(curl_easy_setopt(p->easy, CURLOPT_UPLOAD, 1L));
    set(curl_easy_setopt(p->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size));
    set(curl_easy_setopt(p->easy, CURLOPT_READFUNCTION, give));
    set(curl_easy_setopt(p->easy, CURLOPT_READDATA, p));
}

static void write_body(struct post *p)
{
    strbuf_release(&p->body);
    strbuf_init(&p->body, ANSWER_MAX);
    if (p->step == INIT)
        strbuf_addf(&p->body,
                    "{\"post_info\":{\"title\":\"%s\",\"privacy_level\":\"SELF_ONLY\","
                    "\"disable_comment\":true,\"disable_duet\":true,"
                    "\"disable_stitch\":true,\"brand_content_toggle\":false,"
                    "\"brand_organic_toggle\":false,\"is_aigc\":false},"
                    "\"source_info\":{\"source\":\"FILE_UPLOAD\",\"video_size\":%" PRId64
                    ",\"chunk_size\":%" PRId64 ",\"total_chunk_count\":1}}",
                    caption, size, size);
    else if (p->step == STATUS)
        strbuf_addf(&p->body, "{\"publish_id\":\"%s\"}", p->publish_id);
    else
        strbuf_addstr(&p->body, "{}");
}

static void prepare_call(struct post *p)
{
    static const char *const paths[STEPS] = {
        [CREATOR] = "/v2/post/publish/creator_info/query/",
        [INIT] = "/v2/post/publish/video/init/",
        [STATUS] = "/v2/post/publish/status/fetch/",
    };
    char line[LINE_SIZE + 32];
    char url[URL_SIZE];

    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", p->token);
    (void)snprintf(url, sizeof(url), "%s%s", base, paths[p->step]);
    add_header(p, "Content-Type: application/json; charset=UTF-8");
    add_header(p, line);
    write_body(p);
    set(curl_easy_setopt(p->easy, CURLOPT_URL, url));
    set(curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, p->body.buf));
}

/* Sends the request of the present step. */
static void send_step(struct post *p)
{
    curl_easy_reset(p->easy);
    curl_slist_free_all(p->headers);
    p->headers = NULL;
    strbuf_release(&p->answer);
    strbuf_init(&p->answer, ANSWER_MAX);
    add_header(p, "Expect:");
    if (p->step == UPLOAD)
        prepare_upload(p);
    else
        prepare_call(p);
    set(curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, p->headers));
    set(curl_easy_setopt(p->easy, CURLOPT_PROXY, ""));
    set(curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, keep));
    set(curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p));
    set(curl_easy_setopt(p->easy, CURLOPT_PRIVATE, p));
    if (curl_multi_add_handle(multi, p->easy) != CURLM_OK)
        die("curl_multi_add_handle failed");
}

static void begin_post(struct post *p)
{
    if (sending) {
        (void)snprintf(p->upload_url, sizeof(p->upload_url), "%s", held[begun++]);
        p->step = UPLOAD;
    } else {
        p->token = tokens[(size_t)begun++ % tokens_len];
        p->step = hold ? INIT : CREATOR;
    }
    send_step(p);
}

/* One of the two halves of a post has ended: its session is open, or its file is sent. */
static void end_half(struct post *p)
{
    if (!sending)
        (void)snprintf(held[held_len++], URL_SIZE, "%s", p->upload_url);
    ended++;
    if (begun < wanted)
        begin_post(p);
}

static void read_session(struct post *p, const json_t *answer)
{
    const char *id = NULL;
    const char *url = NULL;

    if (json_unpack((json_t *)(uintptr_t)answer, "{s:{s:s,s:s}}", "data", "publish_id",
                    &id, "upload_url", &url) != 0)
        die("init was refused");
    (void)snprintf(p->publish_id, sizeof(p->publish_id), "%s", id);
    (void)snprintf(p->upload_url, sizeof(p->upload_url), "%s", url);
}

static bool is_published(const json_t *answer)
{
    const char *status = NULL;

    return json_unpack((json_t *)(uintptr_t)answer, "{s:{s:s}}", "data", "status",
                       &status) == 0 &&
           strcmp(status, "PUBLISH_COMPLETE") == 0;
}

/* An answer has come: on to the next step, or to the next post. */
static void answered(struct post *p, CURLcode result)
{
    json_t *answer = NULL;
    long status = 0;

    set(result);
    set(curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status));
    if (status < 200 || status > 299)
        die(p->answer.buf);
    (void)curl_multi_remove_handle(multi, p->easy);
    if (p->step != UPLOAD)
        answer = json_loadb(p->answer.buf, p->answer.len, 0, NULL);
    if (p->step == INIT)
        read_session(p, answer);
    if (hold) {
        end_half(p);
    } else if (p->step != STATUS) {
        p->step++;
        send_step(p);
    } else if (!is_published(answer)) {
        send_step(p);
    } else {
        ended++;
        if (begun < wanted)
            begin_post(p);
    }
    json_decref(answer);
}

static void turn(void)
{
    int running;
    int left;

    if (curl_multi_perform(multi, &running) != CURLM_OK)
        die("curl_multi_perform failed");
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left)) != NULL;) {
        CURLcode result = m->data.result;
        struct post *p = NULL;

        set(curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p));
        answered(p, result);
    }
    if (ended < wanted && curl_multi_poll(multi, NULL, 0, 100, NULL) != CURLM_OK)
        die("curl_multi_poll failed");
}

static void read_tokens(void)
{
    char line[LINE_SIZE];

    while (tokens_len < TOKENS_MAX && fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0')
            tokens[tokens_len++] = xstrdup(line);
    }
    if (tokens_len == 0)
        die("no tokens");
}

static void open_file(const char *path)
{
    struct stat st;

    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &st) != 0)
        die("the file cannot be opened");
    size = st.st_size;
}

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* All posts, or one half of each: in_flight at a time. */
static void run_posts(struct post *posts, int64_t in_flight)
{
    begun = 0;
    ended = 0;
    for (int64_t i = 0; i < in_flight && begun < wanted; i++)
        begin_post(&posts[i]);
    while (ended < wanted)
        turn();
}

static int64_t wall_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
    struct rusage used;
    int64_t in_flight = 0;
    int64_t instant = 0;
    struct post *posts;
    double start;

    if (argc < 6 || argc > 7 || !parse_i64(argv[3], 1, 1000000, &wanted) ||
        !parse_i64(argv[4], 1, 1024, &in_flight))
        die("usage: bench_publish BASE FILE POSTS IN_FLIGHT CAPTION [hold] < TOKENS");
    base = argv[1];
    caption = argv[5];
    hold = argc == 7;
    open_file(argv[2]);
    read_tokens();
    set(curl_global_init(CURL_GLOBAL_DEFAULT));
    multi = curl_multi_init();
    posts = xcalloc((size_t)in_flight, sizeof(*posts));
    held = hold ? xcalloc((size_t)wanted, sizeof(*held)) : NULL;
    for (int64_t i = 0; i < in_flight; i++)
        posts[i].easy = curl_easy_init();
    start = now_s();
    run_posts(posts, in_flight);
    if (hold) {
        sending = true;
        instant = wall_ms();
        run_posts(posts, in_flight);
    }
    (void)getrusage(RUSAGE_SELF, &used);
    (void)printf("%.6f %.6f %" PRId64 "\n", now_s() - start,
                 seconds(used.ru_utime) + seconds(used.ru_stime), instant);
    return EXIT_SUCCESS;
}
