/* publisher/errands/errand_priv.h - what the errands share. */
#ifndef PUBLISHER_ERRAND_PRIV_H
#define PUBLISHER_ERRAND_PRIV_H

#include "errand.h"
#include "tiktok/creator.h"

/* One line about a refusal, with TikTok's log id. */
void errand_log_refusal(const char *event, const struct tiktok_reply *reply);

/* Asks creator_info once. *denied: TikTok does not take the token. */
enum rc errand_ask_creator(const struct errand *e, const char *token, bool *denied,
                           struct tiktok_creator *creator, struct err *err) MUST_CHECK;

/* Appends the creator's document to json and stores it on the account; the picture is
 * copied when the task has ended. */
enum rc errand_store_creator(struct errand *e, uint64_t account_id,
                             const struct tiktok_creator *creator, struct strbuf *json,
                             struct err *err) MUST_CHECK;

#endif
