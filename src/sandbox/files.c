#include "files.h"

#include "picture.h"
#include "reel.h"
#include "style.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

static enum rc no_file(struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "not_found", "The simulator has no such file.\n");
}

/* The type of a file that upload.c or pull_errand.c named, NULL for any other name. */
static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } rows[] = {{".mp4", "video/mp4"},
                {".mov", "video/quicktime"},
                {".webm", "video/webm"},
                {".jpg", "image/jpeg"},
                {".webp", "image/webp"}};
    static const char digits[] = "0123456789";
    size_t len = strspn(name, digits);

    if (len > 0 && name[len] == '-')
        len += 1 + strspn(name + len + 1, digits);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (len > 0 && strcmp(name + len, rows[i].ending) == 0)
            return rows[i].type;
    return NULL;
}

enum rc file_media(struct exchange *x, struct err *err)
{
    char path[WEB_PARAM_SIZE + 32];
    const char *name = web_param(&x->params, "name");
    const char *type = name != NULL ? type_of(name) : NULL;

    if (type == NULL)
        return no_file(err);
    (void)snprintf(path, sizeof(path), "/_sandbox/uploads/%s", name);
    web_accel(x->res, type, path);
    return RC_OK;
}

static void answer_picture(struct exchange *x, const char *name)
{
    struct strbuf png;

    strbuf_init(&png, PICTURE_MAX);
    picture_draw(name, &png);
    web_text(x->res, 200, "image/png", "");
    strbuf_add(&x->res->body, png.buf, png.len);
    strbuf_release(&png);
}

enum rc file_picture(struct exchange *x, struct err *err)
{
    char name[WEB_PARAM_SIZE];
    const char *file = web_param(&x->params, "name");
    size_t len;

    if (file == NULL || !text_ends_with(file, ".png"))
        return no_file(err);
    len = strlen(file) - strlen(".png");
    text_copy(name, len + 1, file);
    if (!picture_query_ok(x->sandbox->settings->client_secret, name, x->req->query,
                          x->now_ms / 1000))
        return err_set(err, RC_DENIED, "expired", "This address has expired.\n");
    answer_picture(x, name);
    web_header_add(x->res, "Cache-Control", "private, max-age=600");
    return RC_OK;
}

enum rc file_icon(struct exchange *x, UNUSED struct err *err)
{
    answer_picture(x, "tts-sandbox");
    web_header_add(x->res, "Cache-Control", "max-age=86400");
    return RC_OK;
}

enum rc file_style(struct exchange *x, UNUSED struct err *err)
{
    web_text(x->res, 200, "text/css; charset=utf-8", "");
    for (size_t i = 0; style_parts[i] != NULL; i++)
        strbuf_addstr(&x->res->body, style_parts[i]);
    web_header_add(x->res, "Cache-Control", "no-cache");
    return RC_OK;
}

enum rc file_reel(struct exchange *x, UNUSED struct err *err)
{
    web_text(x->res, 200, "text/javascript; charset=utf-8", reel_script);
    web_header_add(x->res, "Cache-Control", "no-cache");
    return RC_OK;
}
