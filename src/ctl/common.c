/* What several commands need: the database, secrets, words for people. */
#include "ctl.h"

#include "core/rfc3339.h"
#include "core/text.h"
#include "crypto/password.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

/* --- settings ------------------------------------------------------------------ */

struct settings {
    char *db_url;
};

static const struct config_key keys[] = {
    {"DATABASE_URL", NULL, CONFIG_SECRET, offsetof(struct settings, db_url), 0, 1024,
     NULL},
};

/* One line for each problem, as the programs say them. */
static void say_problems(struct ctl *ctl, const struct strbuf *problems)
{
    const char *line = problems->buf;

    while (*line != '\0') {
        size_t len = strcspn(line, "\n");

        (void)fprintf(ctl->notes, "ttsctl: %.*s\n", (int)len, line);
        line += line[len] == '\n' ? len + 1 : len;
    }
}

bool ctl_db_open(struct ctl *ctl, struct db **db, int *status)
{
    struct settings s;
    struct strbuf problems;
    struct err err;
    enum rc rc;

    strbuf_init(&problems, CONFIG_ENV_FILE_MAX);
    rc = config_load(keys, ARRAY_LEN(keys), &s, &problems, &err);
    if (rc == RC_OK)
        rc = db_new(s.db_url, db, &err);
    if (rc != RC_OK && problems.len == 0)
        strbuf_addstr(&problems,
                      "DATABASE_URL must be mysql://user:password@host:port/database\n");
    say_problems(ctl, &problems);
    strbuf_release(&problems);
    config_release(keys, ARRAY_LEN(keys), &s);
    *status = CTL_CONFIG;
    return rc == RC_OK;
}

int ctl_report(struct ctl *ctl, int argc, char **argv, ctl_tell_fn tell)
{
    struct ctl_args none = {0};
    struct db *db = NULL;
    struct err err;
    int status;

    if (!ctl_args_read(ctl, argc, argv, &none))
        return CTL_USAGE;
    if (!ctl_db_open(ctl, &db, &status))
        return status;
    status = tell(ctl, db, &err) == RC_OK ? CTL_OK : ctl_fail(ctl, &err);
    db_free(db);
    return status;
}

/* --- secrets ------------------------------------------------------------------- */

static enum rc read_line(FILE *in, const char *what, char *out, size_t size,
                         struct err *err)
{
    size_t len;

    if (fgets(out, (int)size, in) == NULL)
        out[0] = '\0';
    len = strcspn(out, "\r\n");
    if (len == size - 1)
        return err_set(err, RC_INVALID, "secret_too_long",
                       "The %s may have at most %zu bytes.", what, size - 2);
    out[len] = '\0';
    if (len == 0)
        return err_set(err, RC_INVALID, "secret_missing",
                       "The %s is read from standard input, and there was none.", what);
    return RC_OK;
}

/* Asks with the terminal's echo off. */
static enum rc ask(struct ctl *ctl, const char *what, char *out, size_t size,
                   struct err *err)
{
    struct termios before;
    struct termios silent;
    int fd = fileno(ctl->in);
    enum rc rc;

    if (tcgetattr(fd, &before) != 0)
        return err_set(err, RC_UNAVAILABLE, "no_terminal",
                       "The terminal cannot be set not to show the %s.", what);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)fprintf(ctl->notes, "%s: ", what);
    (void)fflush(ctl->notes);
    (void)tcsetattr(fd, TCSAFLUSH, &silent);
    rc = read_line(ctl->in, what, out, size, err);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)fprintf(ctl->notes, "\n");
    return rc;
}

static enum rc ask_twice(struct ctl *ctl, const char *what, char *out, size_t size,
                         struct err *err)
{
    char again[PASSWORD_MAX + 2];
    enum rc rc = ask(ctl, what, out, size, err);

    if (rc == RC_OK)
        rc = ask(ctl, "once more", again, sizeof(again), err);
    if (rc == RC_OK && strcmp(out, again) != 0)
        rc = err_set(err, RC_INVALID, "not_the_same", "The two are not the same.");
    explicit_bzero(again, sizeof(again));
    return rc;
}

enum rc ctl_read_secret(struct ctl *ctl, const char *what, char *out, size_t size,
                        struct err *err)
{
    if (fileno(ctl->in) >= 0 && isatty(fileno(ctl->in)) == 1)
        return ask_twice(ctl, what, out, size, err);
    return read_line(ctl->in, what, out, size, err);
}

enum rc ctl_check_password(const char *password, const char *email, const char *name,
                           struct err *err)
{
    if (!text_is_utf8(password, strlen(password)))
        return err_set(err, RC_INVALID, "password_bad", "The password is not UTF-8.");
    if (text_utf16_units(password, strlen(password)) < CTL_PASSWORD_MIN)
        return err_set(err, RC_INVALID, "password_short",
                       "The password must have at least %d characters.",
                       CTL_PASSWORD_MIN);
    if (text_equal_nocase(password, email) || text_equal_nocase(password, name))
        return err_set(err, RC_INVALID, "password_guessable",
                       "The password must not be the address or the name.");
    return RC_OK;
}

/* --- words --------------------------------------------------------------------- */

bool ctl_email_ok(const char *email)
{
    const char *at = strchr(email, '@');
    size_t len = strlen(email);

    return at != NULL && at != email && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           len <= 254 && text_is_utf8(email, len) && strpbrk(email, " \t\r\n") == NULL &&
           !text_has_control(email, len);
}

const char *ctl_time(int64_t at_ms, char *out)
{
    if (at_ms == 0)
        text_copy(out, RFC3339_SIZE, "-");
    else
        rfc3339_format(at_ms, out);
    return out;
}
