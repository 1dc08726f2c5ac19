/* Answers of the token endpoint, read as those of an exchange and of a refresh. */
#include "fuzz_answer.h"
#include "tiktok/oauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tokens(const struct tiktok_tokens *t)
{
    assert(t->access_token[0] != '\0');
    assert(strnlen(t->access_token, sizeof(t->access_token)) <= TIKTOK_TOKEN_MAX);
    assert(strnlen(t->refresh_token, sizeof(t->refresh_token)) <= TIKTOK_TOKEN_MAX);
    assert(strnlen(t->open_id, sizeof(t->open_id)) <= TIKTOK_OPEN_ID_MAX);
    assert(strnlen(t->scopes, sizeof(t->scopes)) <= TIKTOK_SCOPES_MAX);
    assert(t->expires_in_s >= 1 && t->refresh_expires_in_s >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tiktok_answer answer = fuzz_answer(data, size);
    struct tiktok_tokens first = {.open_id = ""};
    struct tiktok_tokens again = {.open_id = ""};
    struct tiktok_reply reply;
    struct err err;
    enum rc exchanged =
        tiktok_tokens_parse(TIKTOK_IN_EXCHANGE, &answer, &reply, &first, &err);
    enum rc refreshed;

    fuzz_check_reply(exchanged, &reply, &err, true);
    refreshed = tiktok_tokens_parse(TIKTOK_IN_REFRESH, &answer, &reply, &again, &err);
    fuzz_check_reply(refreshed, &reply, &err, true);
    if (refreshed == RC_OK)
        check_tokens(&again);
    /* an exchange must say whose tokens they are; else the two agree */
    assert((exchanged == RC_OK) == (refreshed == RC_OK && again.open_id[0] != '\0'));
    assert(exchanged != RC_OK || memcmp(&first, &again, sizeof(first)) == 0);
    tiktok_tokens_wipe(&first);
    tiktok_tokens_wipe(&again);
    return 0;
}
