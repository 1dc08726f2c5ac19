/* What has become of a publication: ids are exact, a failure has its row. */
#include "fuzz_answer.h"
#include "tiktok/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tiktok_answer answer = fuzz_answer(data, size);
    struct tiktok_status status;
    struct tiktok_reply reply;
    struct err err;
    enum rc rc = tiktok_status_parse(&answer, &reply, &status, &err);

    fuzz_check_reply(rc, &reply, &err, false);
    if (rc != RC_OK)
        return 0;
    assert(status.word[0] != '\0');
    assert((status.state == TIKTOK_FAILED) == (status.failure != NULL));
    assert(status.known || status.state == TIKTOK_PROCESSING);
    assert(status.failure != NULL || status.fail_reason[0] == '\0');
    assert(status.post_id_count <= TIKTOK_POST_IDS_MAX);
    for (size_t i = 0; i < status.post_id_count; i++) {
        fuzz_check_id(status.post_id[i]);
        for (size_t n = 0; n < i; n++)
            assert(strcmp(status.post_id[i], status.post_id[n]) != 0);
    }
    return 0;
}
