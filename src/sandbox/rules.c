#include "rules.h"

#include "core/parse.h"
#include "core/text.h"

#include <string.h>

/* TikTok's file limit, 4 GB, in the wider reading. */
static const int64_t video_size_max = INT64_C(4) << 30;

/* --- chunk plans --------------------------------------------------------------- */

const char *chunk_plan_problem(const struct chunk_plan *plan)
{
    static const char bad_size[] = "The video size is invalid";
    static const char bad_chunk[] = "The chunk size is invalid";
    static const char bad_count[] = "The total chunk count is invalid";
    bool whole = plan->chunk_size == plan->size;

    if (plan->size < 1 || plan->size > video_size_max)
        return bad_size;
    if (plan->chunk_size < 1 || plan->chunk_size > CHUNK_SIZE_MAX)
        return bad_chunk;
    if (plan->count == 1 && !whole)
        return bad_chunk;
    if (plan->chunk_size < CHUNK_SIZE_MIN && !whole)
        return bad_chunk;
    if (plan->count < 1 || plan->count > CHUNK_COUNT_MAX ||
        plan->count != plan->size / plan->chunk_size)
        return bad_count;
    return NULL;
}

int64_t chunk_number(const struct chunk_plan *plan, int64_t first)
{
    int64_t number = first / plan->chunk_size;

    return number < plan->count ? number : plan->count - 1;
}

int64_t chunk_last_byte(const struct chunk_plan *plan, int64_t first)
{
    if (chunk_number(plan, first) == plan->count - 1)
        return plan->size - 1;
    return first + plan->chunk_size - 1;
}

/* --- one chunk ----------------------------------------------------------------- */

/* Reads the number before the first of the characters in stop, and steps over both. */
static bool number_until(const char **p, char stop, int64_t *n)
{
    const char *end = stop != '\0' ? strchr(*p, stop) : *p + strlen(*p);

    if (end == NULL || !parse_i64_slice(*p, (size_t)(end - *p), 0, INT64_MAX, n))
        return false;
    *p = end + (stop != '\0');
    return true;
}

bool content_range_parse(const char *text, struct content_range *range)
{
    static const char unit[] = "bytes ";
    const char *p = text + strlen(unit);
    struct content_range r;

    if (!text_starts_with(text, unit) || !number_until(&p, '-', &r.first) ||
        !number_until(&p, '/', &r.last) || !number_until(&p, '\0', &r.total))
        return false;
    if (r.first > r.last || r.last >= r.total)
        return false;
    *range = r;
    return true;
}

static bool video_type(const char *type)
{
    static const char *const types[] = {"video/mp4", "video/quicktime", "video/webm"};

    for (size_t i = 0; type != NULL && i < ARRAY_LEN(types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

enum put_verdict put_judge(const struct chunk_plan *plan, int64_t received,
                           const struct put_headers *headers, struct content_range *range)
{
    struct content_range r;

    if (!video_type(headers->content_type) || headers->content_range == NULL ||
        !content_range_parse(headers->content_range, &r) || r.total != plan->size ||
        headers->content_length != r.last - r.first + 1)
        return PUT_BAD;
    if (r.first != received)
        return PUT_BEHIND;
    if (r.last != chunk_last_byte(plan, r.first))
        return PUT_BAD;
    *range = r;
    return PUT_TAKE;
}

/* --- scopes -------------------------------------------------------------------- */

const struct scope_words scope_table[SCOPE_COUNT] = {
    {SCOPE_USER_BASIC, "user.info.basic", "Read your name and picture"},
    {SCOPE_USER_PROFILE, "user.info.profile", "Read your username and profile"},
    {SCOPE_USER_STATS, "user.info.stats", "Read how many followers and likes you have"},
    {SCOPE_VIDEO_LIST, "video.list", "Read your public videos"},
    {SCOPE_VIDEO_UPLOAD, "video.upload", "Send drafts to your inbox"},
    {SCOPE_VIDEO_PUBLISH, "video.publish", "Post to your profile"},
};

static unsigned scope_named(const char *name, size_t len)
{
    for (size_t i = 0; i < SCOPE_COUNT; i++)
        if (strlen(scope_table[i].name) == len &&
            memcmp(scope_table[i].name, name, len) == 0)
            return (unsigned)scope_table[i].scope;
    return 0;
}

bool scopes_parse(const char *text, unsigned *scopes)
{
    unsigned all = 0;

    for (const char *p = text;; p++) {
        size_t len = strcspn(p, ",");
        unsigned one = scope_named(p, len);

        if (one == 0)
            return false;
        all |= one;
        p += len;
        if (*p == '\0')
            break;
    }
    *scopes = all;
    return true;
}

void scopes_format(unsigned scopes, struct strbuf *out)
{
    const char *separator = "";

    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if ((scopes & (unsigned)scope_table[i].scope) == 0)
            continue;
        strbuf_addstr(out, separator);
        strbuf_addstr(out, scope_table[i].name);
        separator = ",";
    }
}

/* --- posts --------------------------------------------------------------------- */

const char *privacy_option(bool private_account, size_t i)
{
    static const char *const options[2][4] = {
        {"PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY", NULL},
        {"FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY", NULL},
    };

    return i < 3 ? options[private_account ? 1 : 0][i] : NULL;
}

bool privacy_offered(bool private_account, const char *level)
{
    for (size_t i = 0; privacy_option(private_account, i) != NULL; i++)
        if (strcmp(privacy_option(private_account, i), level) == 0)
            return true;
    return false;
}

bool privacy_known(const char *level)
{
    return privacy_offered(false, level) || privacy_offered(true, level);
}

enum publication_state publication_state_at(const struct publication_facts *facts,
                                            int64_t now_ms)
{
    if (facts->fails && now_ms >= facts->fail_ms)
        return PUBLICATION_FAILED;
    if (facts->committed_ms == 0)
        return PUBLICATION_RECEIVING;
    if (facts->stuck || now_ms < facts->ready_ms)
        return PUBLICATION_PROCESSING;
    if (facts->inbox && facts->posted_ms == 0)
        return PUBLICATION_INBOX;
    return PUBLICATION_COMPLETE;
}

const char *publication_state_name(enum publication_state state, bool pulled)
{
    switch (state) {
    case PUBLICATION_RECEIVING:
    case PUBLICATION_PROCESSING:
        return pulled ? "PROCESSING_DOWNLOAD" : "PROCESSING_UPLOAD";
    case PUBLICATION_INBOX:
        return "SEND_TO_USER_INBOX";
    case PUBLICATION_COMPLETE:
        return "PUBLISH_COMPLETE";
    case PUBLICATION_FAILED:
        return "FAILED";
    }
    return "";
}

bool fail_reason_known(const char *reason)
{
    static const char *const reasons[] = {
        "file_format_check_failed",
        "duration_check_failed",
        "frame_rate_check_failed",
        "picture_size_check_failed",
        "internal",
        "video_pull_failed",
        "photo_pull_failed",
        "publish_cancelled",
        "auth_removed",
        "spam_risk_too_many_posts",
        "spam_risk_user_banned_from_posting",
        "spam_risk_text",
        "spam_risk",
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (strcmp(reasons[i], reason) == 0)
            return true;
    return false;
}

/* --- redirect addresses -------------------------------------------------------- */

bool redirect_registered(const char *list, const char *uri)
{
    size_t len = strlen(uri);

    for (const char *p = list; len > 0; p++) {
        size_t n = strcspn(p, ",");

        if (n == len && memcmp(p, uri, n) == 0)
            return true;
        p += n;
        if (*p == '\0')
            break;
    }
    return false;
}
