/* What an account may post, and who it is: what was read is written as valid JSON. */
#include "fuzz_answer.h"
#include "tiktok/creator.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A link that a browser will load. */
static void check_link(const char *url)
{
    assert(*url == '\0' || strncmp(url, "https://", 8) == 0);
}

/* A picture that we copy; a simulator's is http. */
static void check_picture(const char *url)
{
    assert(*url == '\0' || strncmp(url, "https://", 8) == 0 ||
           strncmp(url, "http://", 7) == 0);
}

static void check_creator(const struct tiktok_creator *c)
{
    struct strbuf json;
    json_t *read;

    assert(c->privacy_count >= 1 && c->privacy_count <= TIKTOK_PRIVACY_OPTIONS_MAX);
    for (size_t i = 0; i < c->privacy_count; i++)
        assert(tiktok_creator_allows(c, c->privacy[i]));
    assert(c->max_video_s >= 0);
    check_picture(c->avatar_url);
    strbuf_init(&json, 64 * 1024);
    tiktok_creator_write(c, &json);
    assert(!strbuf_failed(&json));
    read = json_loadb(json.buf, json.len, 0, NULL);
    assert(json_is_object(read));
    json_decref(read);
    strbuf_release(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tiktok_answer answer = fuzz_answer(data, size);
    struct tiktok_creator creator;
    struct tiktok_user user;
    struct tiktok_reply reply;
    struct err err;
    enum rc rc = tiktok_creator_parse(&answer, &reply, &creator, &err);

    fuzz_check_reply(rc, &reply, &err, false);
    if (rc == RC_OK)
        check_creator(&creator);
    rc = tiktok_user_parse(&answer, &reply, &user, &err);
    fuzz_check_reply(rc, &reply, &err, false);
    if (rc == RC_OK) {
        check_picture(user.avatar_url);
        check_link(user.profile_url);
    }
    return 0;
}
