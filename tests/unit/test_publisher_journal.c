/* journal: what is written down survives the writer, and nothing else is taken for it. */
#include "core/clock.h"
#include "core/io.h"
#include "core/log.h"
#include "core/strbuf.h"
#include "publisher/tokens/journal.h"
#include "scratch.h"
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[SCRATCH_SIZE];
static struct journal *mine;
static struct err err;

static void setup(void)
{
    scratch_make(dir);
    log_setup("test", LOG_LEVEL_ERROR);
    ck_assert_int_eq(journal_open(dir, &mine, &err), RC_OK);
}

static void teardown(void)
{
    journal_close(mine);
    scratch_remove(dir);
}

/* How many journals lie there; path is the last one's. */
static int count(char path[512])
{
    DIR *d = opendir(dir);
    int n = 0;

    ck_assert_ptr_nonnull(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        (void)snprintf(path, 512, "%s/%s", dir, e->d_name);
    }
    (void)closedir(d);
    return n;
}

static struct token_pair pair_of(const char *access, const char *refresh)
{
    struct token_pair pair = {.access_life_ms = 7200000,
                              .refresh_life_ms = 86400000,
                              .refresh_at_ms = 5000000,
                              .scopes = "user.info.basic,video.publish"};

    pair.access.len = strlen(access);
    (void)memcpy(pair.access.data, access, pair.access.len);
    pair.refresh.len = strlen(refresh);
    (void)memcpy(pair.refresh.data, refresh, pair.refresh.len);
    return pair;
}

static void add(struct journal *j, uint64_t account, unsigned version, const char *access,
                const char *refresh)
{
    const struct token_pair pair = pair_of(access, refresh);

    ck_assert_int_eq(journal_add(j, account, version, &pair, &err), RC_OK);
}

/* Another publisher that dies with two pairs under way; its journal's name. */
static void leave_behind(char path[512])
{
    pid_t pid = fork();
    int status;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct journal *j;

        if (journal_open(dir, &j, &err) != RC_OK)
            _exit(1);
        add(j, 5, 3, "first access \x01\xff", "first refresh");
        add(j, 6, 1, "second access", "");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(count(path), 2);
}

/* The journal in dir that is not mine. */
static void other_path(char path[512])
{
    DIR *d = opendir(dir);

    path[0] = '\0';
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        char one[512];
        struct stat st;

        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(one, sizeof(one), "%s/%s", dir, e->d_name);
        if (stat(one, &st) == 0 && st.st_size > 0)
            (void)snprintf(path, 512, "%s", one);
    }
    (void)closedir(d);
    ck_assert_str_ne(path, "");
}

/* --- what is stored ------------------------------------------------------------ */

static struct {
    uint64_t account;
    unsigned version;
    struct token_pair pair;
    char scopes[513];
} stored[8];
static size_t stored_len;
static enum rc answer;

static enum rc store(UNUSED void *ctx, uint64_t account_id, unsigned version,
                     const struct token_pair *pair, struct err *e)
{
    if (answer != RC_OK)
        return err_set(e, answer, "said_so", "the test said so");
    ck_assert_uint_lt(stored_len, 8);
    stored[stored_len].account = account_id;
    stored[stored_len].version = version;
    stored[stored_len].pair = *pair;
    (void)snprintf(stored[stored_len].scopes, 513, "%s", pair->scopes);
    stored_len++;
    return RC_OK;
}

static size_t replay(enum rc want)
{
    size_t n = 0;

    stored_len = 0;
    ck_assert_int_eq(journal_replay(mine, store, NULL, &n, &err), want);
    if (want == RC_OK && answer == RC_OK)
        ck_assert_uint_eq(n, stored_len);
    return n;
}

START_TEST(what_a_dead_process_left_is_stored_once_and_its_file_removed)
{
    char path[512];

    leave_behind(path);
    ck_assert_uint_eq(replay(RC_OK), 2);
    ck_assert_uint_eq(stored[0].account, 5);
    ck_assert_uint_eq(stored[0].version, 3);
    ck_assert_uint_eq(stored[0].pair.access.len, strlen("first access \x01\xff"));
    ck_assert_mem_eq(stored[0].pair.access.data, "first access \x01\xff",
                     stored[0].pair.access.len);
    ck_assert_mem_eq(stored[0].pair.refresh.data, "first refresh",
                     stored[0].pair.refresh.len);
    ck_assert_str_eq(stored[0].scopes, "user.info.basic,video.publish");
    ck_assert_int_le(stored[0].pair.access_life_ms, 7200000);
    ck_assert_int_gt(stored[0].pair.access_life_ms, 7200000 - 60000);
    ck_assert_uint_eq(stored[1].account, 6);
    ck_assert_uint_eq(stored[1].pair.refresh.len, 0);
    ck_assert_int_eq(count(path), 1);
    ck_assert_uint_eq(replay(RC_OK), 0);
}
END_TEST

START_TEST(a_living_process_keeps_its_file)
{
    struct journal *other;
    char path[512];

    ck_assert_int_eq(journal_open(dir, &other, &err), RC_OK);
    add(other, 1, 1, "a", "r");
    add(mine, 2, 1, "a", "r");
    ck_assert_uint_eq(replay(RC_OK), 0);
    ck_assert_int_eq(count(path), 2);
    journal_done(other);
    journal_close(other);
    ck_assert_int_eq(count(path), 1);
}
END_TEST

START_TEST(a_file_stays_until_everything_in_it_is_stored)
{
    char path[512];

    leave_behind(path);
    answer = RC_UNAVAILABLE;
    (void)replay(RC_UNAVAILABLE);
    ck_assert_int_eq(count(path), 2);
    answer = RC_OK;
    ck_assert_uint_eq(replay(RC_OK), 2);
}
END_TEST

START_TEST(what_the_database_is_past_is_dropped)
{
    static const enum rc past[] = {RC_CONFLICT, RC_NOT_FOUND};
    char path[512];

    for (size_t i = 0; i < 2; i++) {
        leave_behind(path);
        answer = past[i];
        ck_assert_uint_eq(replay(RC_OK), 0);
        ck_assert_int_eq(count(path), 1);
    }
}
END_TEST

START_TEST(a_line_torn_anywhere_costs_nothing_but_itself)
{
    char path[512];
    struct strbuf text;
    size_t first;

    leave_behind(path);
    other_path(path);
    strbuf_init(&text, 100000);
    ck_assert_int_eq(io_read_file(path, &text, &err), RC_OK);
    first = strcspn(text.buf, "\n") + 1; /* bytes of the first line, which stays whole */
    for (off_t cut = (off_t)text.len - 1; cut >= (off_t)first; cut -= 7) {
        ck_assert_int_eq(truncate(path, cut), 0);
        answer = RC_UNAVAILABLE; /* keeps the file */
        (void)replay(RC_UNAVAILABLE);
    }
    strbuf_release(&text);
    answer = RC_OK;
    ck_assert_uint_eq(replay(RC_OK), 1);
    ck_assert_uint_eq(stored[0].account, 5);
}
END_TEST

START_TEST(nonsense_is_passed_over)
{
    static const char text[] = "\n1 2 3\n"
                               "x 5 3 1 1 1 aa bb -\n"
                               "1 5 3 1 1 1 abc bb -\n"
                               "1 5 3 1 1 1 zz bb -\n"
                               "1 5 99999999999 1 1 1 aa bb -\n"
                               "-1 5 3 1 1 1 aa bb -\n"
                               "1 5 3 1 1 1 aa bb - -\n"
                               "1 7 3 0 0 0 aa bb -\n";
    char path[512];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/tokens-nonsense.journal", dir);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
    (void)close(fd);
    (void)snprintf(path, sizeof(path), "%s/something-else", dir);
    (void)close(open(path, O_WRONLY | O_CREAT, 0600));
    ck_assert_uint_eq(replay(RC_OK), 1);
    ck_assert_uint_eq(stored[0].account, 7);
    ck_assert_str_eq(stored[0].scopes, "");
    ck_assert_int_eq(access(path, F_OK), 0); /* what is not ours stays */
}
END_TEST

START_TEST(a_life_counts_from_when_it_was_written)
{
    char path[512], line[256];
    int64_t hour_ago = clock_wall_ms(clock_system()) - 3600000;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/tokens-old.journal", dir);
    (void)snprintf(line, sizeof(line), "%" PRId64 " 5 3 7200000 0 1000 aa bb -\n",
                   hour_ago);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, line, strlen(line)), (ssize_t)strlen(line));
    (void)close(fd);
    ck_assert_uint_eq(replay(RC_OK), 1);
    ck_assert_int_le(stored[0].pair.access_life_ms, 3600000);
    ck_assert_int_gt(stored[0].pair.access_life_ms, 3500000);
    ck_assert_int_eq(stored[0].pair.refresh_life_ms, 0); /* not said stays not said */
    ck_assert_int_eq(stored[0].pair.refresh_at_ms, 1);   /* overdue is due */
}
END_TEST

START_TEST(the_file_is_emptied_when_nothing_is_under_way_and_private)
{
    char path[512];
    struct stat st;

    add(mine, 1, 1, "a", "r");
    add(mine, 2, 1, "a", "r");
    ck_assert_int_eq(count(path), 1);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_gt(st.st_size, 0);
    ck_assert_uint_eq(st.st_mode & 0777U, 0600);
    journal_done(mine);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_gt(st.st_size, 0);
    journal_done(mine);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, 0);
}
END_TEST

START_TEST(a_write_that_fails_half_way_does_not_tear_the_next)
{
    const struct token_pair pair = pair_of("some access token", "some refresh token");
    struct rlimit limit = {.rlim_cur = 200, .rlim_max = RLIM_INFINITY};
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct journal *j;

        (void)signal(SIGXFSZ, SIG_IGN);
        if (journal_open(dir, &j, &err) != RC_OK)
            _exit(1);
        add(j, 1, 1, "a", "r");
        (void)setrlimit(RLIMIT_FSIZE, &limit); /* the file may not grow beyond this */
        if (journal_add(j, 2, 1, &pair, &err) != RC_UNAVAILABLE)
            _exit(2);
        limit.rlim_cur = RLIM_INFINITY;
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        add(j, 3, 1, "a", "r");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(replay(RC_OK), 2);
    ck_assert_uint_eq(stored[0].account, 1);
    ck_assert_uint_eq(stored[1].account, 3);
}
END_TEST

START_TEST(a_directory_that_cannot_be_is_refused)
{
    struct journal *none = NULL;

    ck_assert_int_ne(journal_open("/proc/none/such", &none, &err), RC_OK);
    ck_assert_ptr_null(none);
    journal_close(NULL);
}
END_TEST

UNIT_MAIN_FIXTURE("publisher_journal", setup, teardown,
                  what_a_dead_process_left_is_stored_once_and_its_file_removed,
                  a_living_process_keeps_its_file,
                  a_file_stays_until_everything_in_it_is_stored,
                  what_the_database_is_past_is_dropped,
                  a_line_torn_anywhere_costs_nothing_but_itself, nonsense_is_passed_over,
                  a_life_counts_from_when_it_was_written,
                  the_file_is_emptied_when_nothing_is_under_way_and_private,
                  a_write_that_fails_half_way_does_not_tear_the_next,
                  a_directory_that_cannot_be_is_refused)
