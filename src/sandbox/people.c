#include "people.h"

#include "members.h"

#include "core/attr.h"
#include "core/encode.h"
#include "core/text.h"
#include "crypto/digest.h"

#include <stdio.h>
#include <string.h>

/* Columns in the order read_person() wants them. */
#define PERSON_COLUMNS                                                                   \
    "id, username, nickname, note, open_id, union_id, private, comment_disabled,"        \
    " duet_disabled, stitch_disabled, banned, target, verified, max_duration_s,"         \
    " post_cap, followers, closed"

enum {
    DURATION_USUAL_S = 600,
    DURATION_LONG_S = 3600,
    DURATION_SHORT_S = 180, /* every creator has at least three minutes */
    POST_CAP_USUAL = 15,    /* what TikTok's pages call typical */
};

/* The people of the start. The first is the one that tests and demonstrations use: it may
 * post as often as they like. */
static const struct seed {
    const char *username, *nickname, *note;
    bool private_account, quiet, banned, outsider;
    int64_t max_duration_s, post_cap;
} seeds[] = {
    {"ann.example", "Ann Example", "Public account, everything allowed", false, false,
     false, false, DURATION_USUAL_S, POST_CAP_NONE},
    {"ben.private", "Ben Private", "Private account: no duets, no stitches", true, false,
     false, false, DURATION_USUAL_S, POST_CAP_USUAL},
    {"cleo.quiet", "Cleo Quiet", "Comments, duets and stitches are off", false, true,
     false, false, DURATION_LONG_S, POST_CAP_USUAL},
    {"dan.daily", "Dan Daily", "Has used up today's posts by apps", false, false, false,
     false, DURATION_USUAL_S, 0},
    {"eve.banned", "Eve Banned", "Banned from posting", false, false, true, false,
     DURATION_USUAL_S, POST_CAP_USUAL},
    {"finn.short", "Finn Short", "Videos up to three minutes", false, false, false, false,
     DURATION_SHORT_S, POST_CAP_USUAL},
    {"olga.outside", "Olga Outside", "Not a target user of this app", false, false, false,
     true, DURATION_USUAL_S, POST_CAP_USUAL},
};

static void read_person(void *ctx, const struct sql_row *row)
{
    struct person *p = ctx;

    p->id = sql_int_at(row, 0);
    sql_text_at(row, 1, p->username, sizeof(p->username));
    sql_text_at(row, 2, p->nickname, sizeof(p->nickname));
    sql_text_at(row, 3, p->note, sizeof(p->note));
    sql_text_at(row, 4, p->open_id, sizeof(p->open_id));
    sql_text_at(row, 5, p->union_id, sizeof(p->union_id));
    p->private_account = sql_bool_at(row, 6);
    p->comment_disabled = sql_bool_at(row, 7);
    p->duet_disabled = sql_bool_at(row, 8);
    p->stitch_disabled = sql_bool_at(row, 9);
    p->banned = sql_bool_at(row, 10);
    p->target = sql_bool_at(row, 11);
    p->verified = sql_bool_at(row, 12);
    p->max_duration_s = sql_int_at(row, 13);
    p->post_cap = sql_int_at(row, 14);
    p->followers = sql_int_at(row, 15);
    p->closed = sql_int_at(row, 16);
}

enum rc person_by_id(struct sql *sql, int64_t id, struct person *person, struct err *err)
{
    *person = (struct person){0};
    return sql_each(sql, "SELECT " PERSON_COLUMNS " FROM user WHERE id = ?",
                    SQL_WITH(sql_int(id)), read_person, person, err);
}

enum rc person_by_name(struct sql *sql, const char *username, struct person *person,
                       struct err *err)
{
    *person = (struct person){0};
    return sql_each(sql, "SELECT " PERSON_COLUMNS " FROM user WHERE username = ?",
                    SQL_WITH(sql_text(username)), read_person, person, err);
}

struct visit {
    person_fn each;
    void *ctx;
};

static void visit_row(void *ctx, const struct sql_row *row)
{
    const struct visit *v = ctx;
    struct person person;

    read_person(&person, row);
    v->each(v->ctx, &person);
}

enum rc people_each(struct sql *sql, int64_t limit, person_fn each, void *ctx,
                    struct err *err)
{
    struct visit v = {each, ctx};

    return sql_each(sql, "SELECT " PERSON_COLUMNS " FROM user ORDER BY id LIMIT ?",
                    SQL_WITH(sql_int(limit)), visit_row, &v, err);
}

/* --- adding -------------------------------------------------------------------- */

/* Ids follow from the name, so that a person is the same one after a reset. */
static void make_ids(struct person *p)
{
    unsigned char digest[DIGEST_SHA256_SIZE];
    struct strbuf text;
    char hex[DIGEST_SHA256_HEX_SIZE];

    digest_sha256(p->username, strlen(p->username), digest);
    strbuf_init(&text, OPEN_ID_SIZE);
    base64url_encode(&text, digest, 24);
    (void)snprintf(p->open_id, sizeof(p->open_id), "-000%.32s", text.buf);
    strbuf_release(&text);
    hex_encode(digest, sizeof(digest), hex);
    (void)snprintf(p->union_id, sizeof(p->union_id), "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
                   hex + 8, hex + 12, hex + 16, hex + 20);
}

static bool username_ok(const char *name)
{
    size_t len = strlen(name);

    return len >= 2 && len < PERSON_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._") == len;
}

enum rc person_add(struct sql *sql, const char *username, struct person *person,
                   struct err *err)
{
    struct person p = {
        .target = true, .max_duration_s = DURATION_USUAL_S, .post_cap = POST_CAP_USUAL};
    enum rc rc;

    if (!username_ok(username))
        return err_field(err, "username", "bad_username",
                         "A username has 2 to 32 characters of a-z, 0-9, '.' and '_'.");
    text_copy(p.username, sizeof(p.username), username);
    text_copy(p.nickname, sizeof(p.nickname), username);
    make_ids(&p);
    rc = sql_run(sql,
                 "INSERT INTO user (username, nickname, note, open_id, union_id,"
                 " max_duration_s, post_cap) VALUES (?, ?, ?, ?, ?, ?, ?)",
                 SQL_WITH(sql_text(p.username), sql_text(p.nickname), sql_text(p.note),
                          sql_text(p.open_id), sql_text(p.union_id),
                          sql_int(p.max_duration_s), sql_int(p.post_cap)),
                 NULL, err);
    if (rc == RC_CONFLICT)
        return err_field(err, "username", "username_taken", "There is such a person.");
    if (rc != RC_OK)
        return rc;
    p.id = sql_last_id(sql);
    *person = p;
    return RC_OK;
}

enum rc person_store(struct sql *sql, const struct person *p, struct err *err)
{
    return sql_run(
        sql,
        "UPDATE user SET nickname = ?, note = ?, private = ?, comment_disabled = ?,"
        " duet_disabled = ?, stitch_disabled = ?, banned = ?, target = ?, verified = ?,"
        " max_duration_s = ?, post_cap = ?, followers = ?, closed = ? WHERE id = ?",
        SQL_WITH(sql_text(p->nickname), sql_text(p->note), sql_int(p->private_account),
                 sql_int(p->comment_disabled), sql_int(p->duet_disabled),
                 sql_int(p->stitch_disabled), sql_int(p->banned), sql_int(p->target),
                 sql_int(p->verified), sql_int(p->max_duration_s), sql_int(p->post_cap),
                 sql_int(p->followers), sql_int(p->closed), sql_int(p->id)),
        NULL, err);
}

static enum rc add_seed(struct sql *sql, const struct seed *s, struct err *err)
{
    struct person p;
    enum rc rc = person_add(sql, s->username, &p, err);

    if (rc != RC_OK)
        return rc;
    text_copy(p.nickname, sizeof(p.nickname), s->nickname);
    text_copy(p.note, sizeof(p.note), s->note);
    p.private_account = s->private_account;
    p.comment_disabled = s->quiet;
    p.duet_disabled = s->quiet;
    p.stitch_disabled = s->quiet;
    p.banned = s->banned;
    p.target = !s->outsider;
    p.max_duration_s = s->max_duration_s;
    p.post_cap = s->post_cap;
    p.followers = 100 * p.id * p.id + 7;
    return person_store(sql, &p, err);
}

enum rc people_seed(struct sql *sql, struct err *err)
{
    int64_t people = 0;
    enum rc rc = sql_number(sql, "SELECT COUNT(*) FROM user", SQL_NONE, &people, err);

    for (size_t i = 0; rc == RC_OK && people == 0 && i < ARRAY_LEN(seeds); i++)
        rc = add_seed(sql, &seeds[i], err);
    return rc;
}

/* --- JSON ---------------------------------------------------------------------- */

static const char *nickname_problem(const char *text)
{
    return *text == '\0' ? "must not be empty" : NULL;
}

#define AT(field) MEMBER_FIELD(struct person, field)

static const struct member member_list[] = {
    {"nickname", MEMBER_TEXT, AT(nickname), 0, nickname_problem, NULL},
    {"private", MEMBER_BOOL, AT(private_account), 0, NULL, NULL},
    {"comment_disabled", MEMBER_BOOL, AT(comment_disabled), 0, NULL, NULL},
    {"duet_disabled", MEMBER_BOOL, AT(duet_disabled), 0, NULL, NULL},
    {"stitch_disabled", MEMBER_BOOL, AT(stitch_disabled), 0, NULL, NULL},
    {"banned", MEMBER_BOOL, AT(banned), 0, NULL, NULL},
    {"target", MEMBER_BOOL, AT(target), 0, NULL, NULL},
    {"verified", MEMBER_BOOL, AT(verified), 0, NULL, NULL},
    {"max_video_post_duration_sec", MEMBER_INT, AT(max_duration_s), DURATION_LONG_S, NULL,
     NULL},
    {"post_cap", MEMBER_INT, AT(post_cap), POST_CAP_NONE, NULL, NULL},
    {"followers", MEMBER_INT, AT(followers), INT64_C(1) << 40, NULL, NULL},
};

static const struct members members = {"a person", member_list, ARRAY_LEN(member_list)};

enum rc person_change(struct person *person, json_t *changes, struct err *err)
{
    struct person changed = *person;
    enum rc rc = members_change(&members, &changed, MEMBERS_NO_NULL, changes, err);

    if (rc == RC_OK)
        *person = changed;
    return rc;
}

void person_write(struct jsonw *w, const struct person *p)
{
    jsonw_object(w);
    jsonw_key_text(w, "username", p->username);
    jsonw_key_text(w, "nickname", p->nickname);
    jsonw_key_text(w, "note", p->note);
    jsonw_key_text(w, "open_id", p->open_id);
    for (size_t i = 0; i < members.n; i++) {
        const struct member *m = &members.list[i];
        const char *field = (const char *)p + m->offset;
        int64_t n;

        if (m->kind == MEMBER_BOOL) {
            jsonw_key_bool(w, m->name, *(const bool *)field);
        } else if (m->kind == MEMBER_INT) {
            (void)memcpy(&n, field, sizeof(n));
            jsonw_key_int(w, m->name, n);
        }
    }
    jsonw_key_bool(w, "closed", p->closed != 0);
    jsonw_end(w);
}
