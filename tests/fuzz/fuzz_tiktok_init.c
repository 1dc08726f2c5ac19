/* Answers to an init: a session is whole, and its address goes nowhere else. */
#include "fuzz_answer.h"
#include "tiktok/posting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken for TikTok's by our rule is so by a plain reading of the address too. */
static void check_address(const char *url)
{
    static const char tail[] = ".tiktokapis.com";
    size_t tail_len = sizeof(tail) - 1;
    struct err err;
    size_t len;

    if (tiktok_upload_url_check(url, tail, NULL, &err) != RC_OK)
        return;
    assert(strncasecmp(url, "https://", 8) == 0);
    len = strcspn(url + 8, ":/?#@\\");
    assert(len > tail_len);
    assert(strncasecmp(url + 8 + len - tail_len, tail, tail_len) == 0);
    assert(strncmp(url + 8 + len, ":443", url[8 + len] == ':' ? 4 : 0) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tiktok_answer answer = fuzz_answer(data, size);
    struct tiktok_session sent;
    struct tiktok_session pulled;
    struct tiktok_reply reply;
    struct err err;
    enum rc with_url = tiktok_init_parse(&answer, true, &reply, &sent, &err);
    enum rc without;

    fuzz_check_reply(with_url, &reply, &err, true);
    without = tiktok_init_parse(&answer, false, &reply, &pulled, &err);
    fuzz_check_reply(without, &reply, &err, true);
    if (without == RC_OK) {
        fuzz_check_line(pulled.publish_id, sizeof(pulled.publish_id));
        assert(pulled.publish_id[0] != '\0' && strchr(pulled.publish_id, ' ') == NULL);
        assert(pulled.upload_url[0] == '\0');
    }
    if (with_url == RC_OK) {
        assert(without == RC_OK && sent.upload_url[0] != '\0');
        assert(strcmp(sent.publish_id, pulled.publish_id) == 0);
        check_address(sent.upload_url);
    }
    return 0;
}
