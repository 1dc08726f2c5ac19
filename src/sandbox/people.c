#include "people.h"

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

/* The members that can be changed, and where they are. */
static const struct member {
    const char *name;
    enum { MEMBER_BOOL, MEMBER_INT } kind;
    size_t offset;
    int64_t max; /* MEMBER_INT: from 0 on */
} members[] = {
    {"private", MEMBER_BOOL, offsetof(struct person, private_account), 0},
    {"comment_disabled", MEMBER_BOOL, offsetof(struct person, comment_disabled), 0},
    {"duet_disabled", MEMBER_BOOL, offsetof(struct person, duet_disabled), 0},
    {"stitch_disabled", MEMBER_BOOL, offsetof(struct person, stitch_disabled), 0},
    {"banned", MEMBER_BOOL, offsetof(struct person, banned), 0},
    {"target", MEMBER_BOOL, offsetof(struct person, target), 0},
    {"verified", MEMBER_BOOL, offsetof(struct person, verified), 0},
    {"max_video_post_duration_sec", MEMBER_INT, offsetof(struct person, max_duration_s),
     DURATION_LONG_S},
    {"post_cap", MEMBER_INT, offsetof(struct person, post_cap), POST_CAP_NONE},
    {"followers", MEMBER_INT, offsetof(struct person, followers), INT64_C(1) << 40},
};

static enum rc set_nickname(struct person *p, const json_t *value, struct err *err)
{
    const char *text = json_string_value(value);

    if (text == NULL || *text == '\0' || strlen(text) >= sizeof(p->nickname))
        return err_field(err, "nickname", "bad_nickname",
                         "nickname must be a text of 1 to %zu bytes",
                         sizeof(p->nickname) - 1);
    text_copy(p->nickname, sizeof(p->nickname), text);
    return RC_OK;
}

static enum rc set_member(struct person *p, const struct member *m, const json_t *value,
                          struct err *err)
{
    char *field = (char *)p + m->offset;
    bool yes = json_is_true(value);
    int64_t n = json_integer_value(value);

    if (m->kind == MEMBER_BOOL) {
        if (!json_is_boolean(value))
            return err_field(err, m->name, "bad_value", "%s must be true or false",
                             m->name);
        (void)memcpy(field, &yes, sizeof(yes));
        return RC_OK;
    }
    if (!json_is_integer(value) || n < 0 || n > m->max)
        return err_field(err, m->name, "bad_value", "%s must be a number from 0 to %lld",
                         m->name, (long long)m->max);
    (void)memcpy(field, &n, sizeof(n));
    return RC_OK;
}

static const struct member *member_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

enum rc person_change(struct person *person, json_t *changes, struct err *err)
{
    struct person p = *person;
    const char *name;
    json_t *value;

    json_object_foreach(changes, name, value)
    {
        const struct member *m = member_named(name);
        enum rc rc;

        if (strcmp(name, "nickname") == 0)
            rc = set_nickname(&p, value, err);
        else if (m != NULL)
            rc = set_member(&p, m, value, err);
        else
            rc = err_field(err, "", "unknown_member", "a person has no such member");
        if (rc != RC_OK)
            return rc;
    }
    *person = p;
    return RC_OK;
}

void person_write(struct jsonw *w, const struct person *p)
{
    jsonw_object(w);
    jsonw_key_text(w, "username", p->username);
    jsonw_key_text(w, "nickname", p->nickname);
    jsonw_key_text(w, "note", p->note);
    jsonw_key_text(w, "open_id", p->open_id);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *field = (const char *)p + members[i].offset;
        int64_t n;

        if (members[i].kind == MEMBER_BOOL) {
            jsonw_key_bool(w, members[i].name, *(const bool *)field);
            continue;
        }
        (void)memcpy(&n, field, sizeof(n));
        jsonw_key_int(w, members[i].name, n);
    }
    jsonw_key_bool(w, "closed", p->closed != 0);
    jsonw_end(w);
}
