/* GET /api/v1/posts/{id}/events - the timeline, oldest first. */
#include "store/events.h"
#include "core/xalloc.h"
#include "posts.h"

static const char list[] = "post.events";

/* A line's own sentence, and why. */
static void write_text(struct jsonw *w, const struct event_line *line)
{
    const char *why = event_why(line);
    struct strbuf text;

    strbuf_init(&text, 1024);
    strbuf_addstr(&text, event_text(line->kind));
    if (why != NULL)
        strbuf_addf(&text, " %s", why);
    jsonw_key_text(w, "text", text.buf);
    strbuf_release(&text);
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void write_line(struct jsonw *w, const struct event_line *line)
{
    jsonw_object(w);
    jsonw_key_id(w, "id", line->id);
    jsonw_key_time(w, "at", line->at_ms);
    jsonw_key_text(w, "kind", event_kind_name(line->kind));
    jsonw_key_text(w, "actor", event_actor(line));
    jsonw_key_text(w, "by", or_null(line->by));
    write_text(w, line);
    jsonw_key_text(w, "code", or_null(line->code));
    jsonw_key_time(w, "when", line->when_ms);
    jsonw_key(w, "attempt");
    if (line->attempt > 0)
        jsonw_int(w, line->attempt);
    else
        jsonw_null(w);
    jsonw_key_text(w, "publish_id", or_null(line->session));
    jsonw_key_text(w, "tiktok_log_id", or_null(line->log_id));
    jsonw_end(w);
}

static void write_page(const struct api *api, struct web_response *res,
                       const struct event_page *page)
{
    uint64_t last = page->n > 0 ? page->lines[page->n - 1].id : 0;
    struct jsonw w;

    api_page_begin(res, &w);
    for (size_t i = 0; i < page->n; i++)
        write_line(&w, &page->lines[i]);
    api_page_end(api, &w, list, page->more, 0, last);
}

enum rc posts_handle_events(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err)
{
    struct event_query query = {.workspace_id = req->who.workspace_id,
                                .post_id = req->id};
    struct event_page *found;
    struct api_page page;
    struct post post;
    enum rc rc = api_page_read(api, req, list, &page, err);

    if (rc == RC_OK)
        rc = posts_get(api->db, query.workspace_id, req->id, &post, err);
    if (rc != RC_OK)
        return rc;
    posts_release(&post);
    query.after = page.id;
    query.limit = page.limit;
    found = xcalloc(1, sizeof(*found));
    rc = event_timeline(api->db, &query, found, err);
    if (rc == RC_OK)
        write_page(api, res, found);
    free(found);
    return rc;
}
