#include "pages.h"

#include "deeds.h"
#include "html.h"
#include "reel.h"

#include "core/encode.h"
#include "core/parse.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    FEED_LEN = 24,
    ACTIVITY_LEN = 100,
    PEOPLE_SHOWN = 200,
};

static enum rc no_page(struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "not_found", "The simulator has no such page.\n");
}

/* --- cards --------------------------------------------------------------------- */

static const char *audience(const struct publication *p)
{
    static const struct {
        const char *level, *name;
    } rows[] = {{"PUBLIC_TO_EVERYONE", "Everyone"},
                {"MUTUAL_FOLLOW_FRIENDS", "Friends"},
                {"FOLLOWER_OF_CREATOR", "Followers"},
                {"SELF_ONLY", "Only me"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].level, p->privacy) == 0)
            return rows[i].name;
    return "Everyone"; /* a draft that was posted */
}

/* Words with # and @ stand out, as at TikTok; they lead nowhere here. */
static void add_caption(struct exchange *x, const char *caption)
{
    while (*caption != '\0') {
        size_t plain = strcspn(caption, "#@");
        size_t tag;

        html_slice(x, caption, plain);
        caption += plain;
        if (*caption == '\0')
            break;
        tag = 1 + strcspn(caption + 1, " \n#@");
        html_add(x, "<b class=\"tag\">");
        html_slice(x, caption, tag);
        html_add(x, "</b>");
        caption += tag;
    }
}

static void add_chip(struct exchange *x, const char *text)
{
    html_add(x, "<li class=\"chip\">%s</li>", text);
}

static void add_chips(struct exchange *x, const struct publication *p)
{
    static const struct {
        enum publication_flag flag;
        const char *name;
    } rows[] = {{FLAG_BRAND_CONTENT, "Paid partnership"},
                {FLAG_BRAND_ORGANIC, "Promotional content"},
                {FLAG_AIGC, "Creator labeled as AI-generated"},
                {FLAG_AUTO_MUSIC, "Music added"},
                {FLAG_NO_COMMENT, "No comments"},
                {FLAG_NO_DUET, "No duets"},
                {FLAG_NO_STITCH, "No stitches"}};

    html_add(x, "<ul class=\"chips\">");
    add_chip(x, audience(p));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((p->flags & (unsigned)rows[i].flag) != 0)
            add_chip(x, rows[i].name);
    html_add(x, "</ul>");
}

static void add_video(struct exchange *x, const struct publication *p,
                      const struct person *person)
{
    if (p->file[0] == '\0') {
        html_add(x,
                 "<div class=\"film none\"><p>The bytes of this video were counted and "
                 "not kept.</p></div>");
        return;
    }
    html_add(x,
             "<video class=\"film\" src=\"/media/%s\" controls playsinline "
             "preload=\"metadata\" aria-label=\"Video of %s\"></video>",
             p->file, person->username);
}

static enum rc add_media(struct exchange *x, const struct publication *p,
                         const struct person *person, struct err *err)
{
    if (p->photos > 0)
        return reel_add(x, p, person, err);
    add_video(x, p, person);
    return RC_OK;
}

/* Photo posts have one. */
static void add_title(struct exchange *x, const struct publication *p)
{
    if (p->title[0] == '\0')
        return;
    html_add(x, "<p class=\"title\">");
    html_text(x, p->title);
    html_add(x, "</p>");
}

static const char *kind_of(const struct publication *p)
{
    return p->photos > 0 ? "photo" : "video";
}

/* A post as everybody, or at least its owner, sees it. */
static enum rc add_card(struct exchange *x, const struct publication *p,
                        const struct person *person, struct err *err)
{
    enum rc rc;

    html_add(x, "<li class=\"card\"><article>");
    rc = add_media(x, p, person, err);
    html_add(x, "<div class=\"words\"><p class=\"by\">");
    html_avatar(x, person, 24);
    html_person(x, person);
    html_add(x, "</p>");
    add_title(x, p);
    html_add(x, "<p class=\"caption\">");
    add_caption(x, p->caption[0] != '\0' ? p->caption : "No caption");
    html_add(x, "</p>");
    add_chips(x, p);
    html_add(x, "<p class=\"dim\">");
    if (p->post_id != 0)
        html_add(x, "<a href=\"/@%s/%s/%" PRId64 "\">", person->username, kind_of(p),
                 p->post_id);
    html_time(x, p->posted_ms);
    html_add(x, "%s</p></div></article></li>", p->post_id != 0 ? "</a>" : "");
    return rc;
}

/* A list of cards being written. */
struct list {
    struct exchange *x;
    struct person person; /* of the last card */
    struct err *err;
    enum rc rc;
    int64_t room, written, last_ms;
    bool more;
};

static void add_listed(void *ctx, const struct publication *p)
{
    struct list *list = ctx;

    if (list->rc != RC_OK)
        return;
    if (list->written == list->room) {
        list->more = true;
        return;
    }
    if (list->person.id != p->user_id)
        list->rc = person_by_id(list->x->sql, p->user_id, &list->person, list->err);
    if (list->rc != RC_OK)
        return;
    list->rc = add_card(list->x, p, &list->person, list->err);
    list->written++;
    list->last_ms = p->posted_ms;
}

/* Cards of the posts before ?before=, and the way to those before. */
static enum rc add_posts(struct exchange *x, int64_t user_id, const char *path,
                         const char *none, struct err *err)
{
    struct list list = {.x = x, .err = err, .room = FEED_LEN};
    struct publication_filter filter = {.which = PUBLICATIONS_SHOWN,
                                        .user_id = user_id,
                                        .now_ms = x->now_ms,
                                        .limit = FEED_LEN + 1};
    char before[24];
    bool found = false;
    enum rc rc = web_query(x->req, "before", before, sizeof(before), &found, err);

    if (rc != RC_OK)
        return rc;
    if (found && !parse_i64(before, 1, INT64_MAX, &filter.before))
        return no_page(err);
    html_add(x, "<ul class=\"cards\">");
    rc = publications_each(x->sql, &filter, add_listed, &list, err);
    html_add(x, "</ul>");
    if (list.written == 0)
        html_add(x, "<p class=\"empty\">%s</p>", none);
    if (list.more)
        html_add(x, "<p><a class=\"button\" href=\"%s?before=%" PRId64 "\">Older</a></p>",
                 path, list.last_ms);
    return rc != RC_OK ? rc : list.rc;
}

/* --- feed and people ----------------------------------------------------------- */

enum rc page_feed(struct exchange *x, struct err *err)
{
    enum rc rc;

    html_begin(x, 200, "Feed", "/");
    html_add(x, "<h1>What was posted</h1><p class=\"lead\">Posts of everybody here, also "
                "those that at TikTok only their owners would see.</p>");
    rc = add_posts(x, 0, "/",
                   "Nothing has been posted yet. Posts of the scheduler appear here, "
                   "with their video, as soon as they are processed.",
                   err);
    html_end(x);
    return rc;
}

static void add_badges(struct exchange *x, const struct person *p)
{
    html_add(x, "<ul class=\"chips\">");
    add_chip(x, p->private_account ? "Private account" : "Public account");
    if (p->banned)
        add_chip(x, "Banned from posting");
    if (p->comment_disabled)
        add_chip(x, "Comments off");
    if (p->duet_disabled || p->private_account)
        add_chip(x, "Duets off");
    if (p->stitch_disabled || p->private_account)
        add_chip(x, "Stitches off");
    if (!p->target)
        add_chip(x, "Not a target user");
    if (p->closed != 0)
        add_chip(x, p->closed == REMOVED_BANNED ? "Account banned" : "Account deleted");
    html_add(x, "</ul>");
}

static void add_person(void *ctx, const struct person *person)
{
    struct exchange *x = ctx;

    html_add(x, "<li class=\"row\">");
    html_avatar(x, person, 48);
    html_add(x, "<div><h2>");
    html_person(x, person);
    html_add(x, "</h2><p class=\"dim\">@%s", person->username);
    if (person->note[0] != '\0')
        html_add(x, " · ");
    html_text(x, person->note);
    html_add(x, "</p>");
    add_badges(x, person);
    html_add(x, "</div></li>");
}

enum rc page_people(struct exchange *x, struct err *err)
{
    enum rc rc;

    html_begin(x, 200, "People", "/people");
    html_add(x, "<h1>People</h1><p class=\"lead\">Everyone who can be chosen on the page "
                "of consent.</p><ul class=\"rows\">");
    rc = people_each(x->sql, PEOPLE_SHOWN, add_person, x, err);
    html_add(x, "</ul>");
    html_end(x);
    return rc;
}

/* --- one person ---------------------------------------------------------------- */

/* The person that the path names, "@name", perhaps with %40. */
static enum rc named_person(struct exchange *x, struct person *person, struct err *err)
{
    const char *who = web_param(&x->params, "who");
    struct strbuf name;
    enum rc rc = RC_OK;

    strbuf_init(&name, WEB_PARAM_SIZE);
    person->id = 0;
    if (who != NULL && percent_decode(&name, who, strlen(who), false) &&
        name.buf[0] == '@')
        rc = person_by_name(x->sql, name.buf + 1, person, err);
    strbuf_release(&name);
    if (rc == RC_OK && person->id == 0)
        rc = no_page(err);
    return rc;
}

static void add_deed(struct exchange *x, const struct publication *p, const char *deed,
                     const char *words)
{
    html_add(x,
             "<button name=\"%s\" value=\"%" PRId64 "\" aria-label=\"%s draft %" PRId64
             "\">%s</button>",
             deed, p->id, words, p->id, words);
}

/* Of what was sent with a draft, only the words of photos reach the inbox. */
static enum rc add_draft(struct exchange *x, const struct publication *p,
                         const struct person *person, struct err *err)
{
    enum rc rc;

    html_add(x, "<li class=\"card\"><article>");
    rc = add_media(x, p, person, err);
    html_add(x, "<div class=\"words\">");
    add_title(x, p);
    html_add(x, "<p class=\"caption\">");
    add_caption(x, p->caption);
    html_add(x, "</p><p>Waits in the inbox since ");
    html_time(x, p->ready_ms);
    html_add(x, "</p><form class=\"buttons\" method=\"post\" action=\"/@%s\">",
             person->username);
    add_deed(x, p, "post", "Post");
    add_deed(x, p, "discard", "Throw away");
    html_add(x, "</form></div></article></li>");
    return rc;
}

static const char *reason_of(const struct publication *p, enum publication_state state)
{
    if (state == PUBLICATION_FAILED)
        return p->fail_reason;
    if (p->discarded)
        return "thrown away";
    return p->stuck ? "stuck" : "";
}

/* What is neither a post nor a draft that waits. */
static void add_other(struct exchange *x, const struct publication *p)
{
    enum publication_state state = publication_state(p, x->now_ms);
    const char *caption = p->caption[0] != '\0' ? p->caption : "No caption";

    html_add(x, "<tr><td>");
    html_time(x, p->created_ms);
    html_add(x, "</td><td>");
    html_text(x, p->inbox ? "Draft" : caption);
    html_add(x, "</td><td>%s</td><td>%" PRId64, publication_status(p, x->now_ms),
             p->received);
    if (p->plan.size > 0) /* what is fetched may not say it */
        html_add(x, " of %" PRId64, p->plan.size);
    html_add(x, " bytes</td><td>%s</td></tr>", reason_of(p, state));
}

/* A pass over a person's newest publications. */
struct pass {
    struct exchange *x;
    const struct person *person;
    bool drafts; /* else the others */
    int64_t written;
    struct err *err;
    enum rc rc;
};

static void add_passed(void *ctx, const struct publication *p)
{
    struct pass *pass = ctx;
    enum publication_state state = publication_state(p, pass->x->now_ms);
    bool waits = state == PUBLICATION_INBOX && !p->discarded;

    if (pass->rc != RC_OK || state == PUBLICATION_COMPLETE || waits != pass->drafts)
        return;
    if (pass->written == 0)
        html_add(pass->x, pass->drafts
                              ? "<ul class=\"cards\">"
                              : "<div class=\"wide\" tabindex=\"0\" role=\"region\" "
                                "aria-labelledby=\"rest\"><table><thead><tr><th "
                                "scope=\"col\">Begun</th><th scope=\"col\">Caption</th>"
                                "<th scope=\"col\">State</th><th scope=\"col\">Received"
                                "</th><th scope=\"col\">Reason</th></tr></thead><tbody>");
    if (pass->drafts)
        pass->rc = add_draft(pass->x, p, pass->person, pass->err);
    else
        add_other(pass->x, p);
    pass->written++;
}

static enum rc add_pass(struct exchange *x, const struct person *person, bool drafts,
                        struct err *err)
{
    struct pass pass = {.x = x, .person = person, .drafts = drafts, .err = err};
    const struct publication_filter filter = {
        .which = PUBLICATIONS_OF_USER, .user_id = person->id, .limit = ACTIVITY_LEN};
    enum rc rc = publications_each(x->sql, &filter, add_passed, &pass, err);

    if (pass.written > 0)
        html_add(x, drafts ? "</ul>" : "</tbody></table></div>");
    else
        html_add(x, "<p class=\"empty\">%s</p>",
                 drafts ? "No draft waits here." : "Nothing of the kind.");
    return rc != RC_OK ? rc : pass.rc;
}

static void add_profile_head(struct exchange *x, const struct person *person)
{
    html_add(x, "<div class=\"profile\">");
    html_avatar(x, person, 96);
    html_add(x, "<div><h1>");
    html_text(x, person->nickname);
    html_add(x, "</h1><p class=\"dim\">@%s</p><p>", person->username);
    html_text(x, person->note);
    html_add(x, "</p>");
    add_badges(x, person);
    html_add(
        x,
        "<form method=\"post\" action=\"/@%s\"><button name=\"remove\" value=\"app\">"
        "Remove the access of " SANDBOX_APP_NAME "</button></form></div></div>",
        person->username);
}

enum rc page_profile(struct exchange *x, struct err *err)
{
    char path[PERSON_NAME_SIZE + 2];
    struct person person;
    enum rc rc = named_person(x, &person, err);

    if (rc != RC_OK)
        return rc;
    (void)snprintf(path, sizeof(path), "/@%s", person.username);
    html_begin(x, 200, person.nickname, "");
    add_profile_head(x, &person);
    html_add(x, "<h2>Posts</h2>");
    rc = add_posts(x, person.id, path, "No posts yet.", err);
    html_add(x, "<h2>Inbox</h2>");
    if (rc == RC_OK)
        rc = add_pass(x, &person, true, err);
    html_add(x, "<h2 id=\"rest\">On their way, failed or thrown away</h2>");
    if (rc == RC_OK)
        rc = add_pass(x, &person, false, err);
    html_end(x);
    return rc;
}

/* --- one post ------------------------------------------------------------------ */

/* What its owner can make of a post. */
static void add_visibility(struct exchange *x, const struct publication *p,
                           const struct person *person)
{
    bool hidden = p->hidden_ms != 0;

    html_add(x,
             "<form class=\"buttons\" method=\"post\" action=\"/@%s\"><button "
             "name=\"%s\" value=\"%" PRId64 "\">%s</button></form>",
             person->username, hidden ? "show" : "hide", p->id,
             hidden ? "Make public" : "Make private");
}

enum rc page_post(struct exchange *x, struct err *err)
{
    const char *text = web_param(&x->params, "id");
    char path[PERSON_NAME_SIZE + 32];
    struct publication p;
    struct person person;
    int64_t post_id;
    enum rc rc = named_person(x, &person, err);

    if (rc != RC_OK)
        return rc;
    if (text == NULL || !parse_i64(text, 1, INT64_MAX, &post_id))
        return no_page(err);
    rc = publication_by_post_id(x->sql, post_id, &p, err);
    if (rc != RC_OK)
        return rc;
    if (p.id == 0 || p.user_id != person.id ||
        publication_state(&p, x->now_ms) != PUBLICATION_COMPLETE)
        return no_page(err);
    (void)snprintf(path, sizeof(path), "/%s/", kind_of(&p));
    if (strstr(x->req->path, path) == NULL) { /* both lead there, as at TikTok */
        (void)snprintf(path, sizeof(path), "/@%s/%s/%" PRId64, person.username,
                       kind_of(&p), post_id);
        web_empty(x->res, 302, path);
        return RC_OK;
    }
    html_begin(x, 200, person.nickname, "");
    html_add(x, "<h1>A post of ");
    html_person(x, &person);
    html_add(x, "</h1><ul class=\"cards single\">");
    rc = add_card(x, &p, &person, err);
    html_add(x, "</ul><dl><dt>Post id</dt><dd>%" PRId64 "</dd><dt>publish_id</dt><dd>",
             p.post_id);
    html_text(x, p.publish_id);
    html_add(x, "</dd></dl>");
    add_visibility(x, &p, &person);
    html_end(x);
    return rc;
}

/* --- deeds --------------------------------------------------------------------- */

/* The one field of a form with this name; "" when it is not there. */
static enum rc form_field(struct exchange *x, const char *name, struct strbuf *value,
                          struct err *err)
{
    bool found = false;

    strbuf_reset(value);
    return web_form_value(x->body.buf, x->body.len, name, value, &found, err);
}

typedef enum rc (*deed_fn)(struct exchange *x, struct publication *p, struct err *err);

/* What a button's name stands for. */
static const struct {
    const char *name;
    deed_fn deed;
} deeds[] = {{"post", draft_post},
             {"discard", draft_discard},
             {"hide", post_hide},
             {"show", post_show}};

/* Does it to the person's publication with this id. */
static enum rc do_to(struct exchange *x, const struct person *person, const char *id,
                     deed_fn deed, struct err *err)
{
    struct publication p;
    int64_t number;
    enum rc rc;

    if (!parse_i64(id, 1, INT64_MAX, &number))
        return no_page(err);
    rc = publication_by_id(x->sql, number, &p, err);
    if (rc != RC_OK)
        return rc;
    if (p.id == 0 || p.user_id != person->id)
        return no_page(err);
    return deed(x, &p, err);
}

static enum rc do_deed(struct exchange *x, const struct person *person, struct err *err)
{
    struct strbuf value;
    enum rc rc = RC_OK;

    strbuf_init(&value, FORM_MAX);
    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(deeds); i++) {
        rc = form_field(x, deeds[i].name, &value, err);
        if (rc == RC_OK && value.len > 0) {
            rc = do_to(x, person, value.buf, deeds[i].deed, err);
            goto out;
        }
    }
    if (rc == RC_OK)
        rc = form_field(x, "remove", &value, err);
    if (rc == RC_OK && value.len > 0)
        rc = app_remove(x, APP_LOCAL_ID, person->id, REMOVED_BY_PERSON, err);
out:
    strbuf_release(&value);
    return rc;
}

enum rc page_action(struct exchange *x, struct err *err)
{
    char path[PERSON_NAME_SIZE + 2];
    struct person person;
    enum rc rc = sql_begin(x->sql, err);

    if (rc != RC_OK)
        return rc;
    rc = named_person(x, &person, err);
    if (rc == RC_OK)
        rc = do_deed(x, &person, err);
    rc = sql_end(x->sql, rc, err);
    if (rc != RC_OK)
        return rc;
    (void)snprintf(path, sizeof(path), "/@%s", person.username);
    web_empty(x->res, 303, path);
    return RC_OK;
}
