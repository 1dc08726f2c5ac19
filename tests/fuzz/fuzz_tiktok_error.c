/* Refusals: whatever was asked, the same body means the same, and one row judges it. */
#include "fuzz_answer.h"
#include "tiktok/creator.h"
#include "tiktok/oauth.h"
#include "tiktok/posting.h"
#include "tiktok/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A question and an act over the same answer agree on the row; an act alone doubts. */
static void check_agree(const struct tiktok_answer *answer)
{
    struct tiktok_reply asked, acted;
    struct tiktok_status status;
    struct err err;
    enum rc a = tiktok_status_parse(answer, &asked, &status, &err);
    enum rc b;

    fuzz_check_reply(a, &asked, &err, false);
    b = tiktok_cancel_parse(answer, &acted, &err);
    fuzz_check_reply(b, &acted, &err, true);
    assert(strcmp(asked.code, acted.code) == 0);
    assert(strcmp(asked.message, acted.message) == 0);
    assert(strcmp(asked.log_id, acted.log_id) == 0);
    if (b == RC_OK) /* then the question may miss its data at most */
        assert(a == RC_OK || strcmp(asked.error->reason, "tiktok_unreadable") == 0);
    else
        assert(asked.error == acted.error && (b == RC_UNCERTAIN || a == b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const oauth_words[] = {"access_denied", "invalid_grant"};
    struct tiktok_answer answer = fuzz_answer(data, size);
    struct tiktok_reply reply;
    struct tiktok_tokens tokens;
    struct err err;
    enum rc rc;
    bool known = false;

    check_agree(&answer);
    rc = tiktok_revoke_parse(&answer, &reply, &err);
    if (rc != RC_OK)
        fuzz_check_reply(rc, &reply, &err, false);
    /* only TikTok's word, never a status alone, ends a connection */
    rc = tiktok_tokens_parse(TIKTOK_IN_REFRESH, &answer, &reply, &tokens, &err);
    for (size_t i = 0; i < ARRAY_LEN(oauth_words); i++)
        known = known || strcmp(reply.code, oauth_words[i]) == 0;
    assert(rc != RC_DENIED || known);
    tiktok_tokens_wipe(&tokens);
    return 0;
}
