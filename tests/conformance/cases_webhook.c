/* What TikTok tells by itself: the bytes as they were posted to us, judged by their
 * signature and read. */
#include "conformance.h"

#include <stdio.h>

#define HOOK                                                                             \
    "control PATCH /apps/sbawlocalstackkey1 {'webhook_url':'$media/hook'}; "             \
    "knob {'check_media':0}; "
#define SENT  "session; send"
#define DRAFT "session inbox_init; send"
#define LEFT(reason)                                                                     \
    HOOK "permit; control POST /users/ann.example/leave {'reason':" reason "}; "         \
         "hear authorization.removed"

static const struct a_case cases[] = {
    {"webhook / posted", "webhook", HOOK SENT "; hear post.publish.complete", 200,
     "published", "ok", NULL,
     "{'@verdict':'fresh','publish_id':'$publish_id','post_ids':null,"
     "'fields.publish_type':'DIRECT_PUBLISH','fields.user_openid':'$open_id',"
     "'fields.client_key':'sbawlocalstackkey1'}",
     NULL},
    {"webhook / public", "webhook",
     HOOK "knob {'moderation_ms':0}; " SENT "; hear post.publish.publicly_available", 200,
     "published", "ok", NULL,
     "{'@verdict':'fresh','publish_id':'$publish_id','post_ids':['$post_id']}", NULL},
    {"webhook / public, its id as a number", "webhook",
     HOOK "knob {'moderation_ms':0,'webhook_post_id_as_number':1}; " SENT
          "; hear post.publish.publicly_available",
     200, "published", "ok", NULL, "{'post_ids':['$post_id']}", NULL},
    {"webhook / no longer public", "webhook",
     HOOK "knob {'moderation_ms':0}; " SENT
          "; hear post.publish.publicly_available; draft hide; "
          "hear post.publish.no_longer_publicaly_available",
     200, "published", "ok", NULL, "{'post_ids':['$post_id']}", NULL},
    {"webhook / a draft in the inbox", "webhook",
     HOOK DRAFT "; hear post.publish.inbox_delivered", 200, "inbox", "ok", NULL,
     "{'publish_id':'$publish_id','fields.publish_type':'INBOX_SHARE'}", NULL},
    {"webhook / a draft that was posted", "webhook",
     HOOK DRAFT "; hear post.publish.inbox_delivered; draft post; "
                "hear post.publish.complete",
     200, "published", "ok", NULL, "{'publish_id':'$publish_id'}", NULL},
    {"webhook / cancelled", "webhook",
     HOOK "session; do cancel; hear post.publish.failed", 200, "failed", "ok",
     "canceled_at_tiktok",
     "{'publish_id':'$publish_id','fail_reason':'publish_cancelled'}", NULL},

    /* --- permissions ----------------------------------------------------------- */
    {"webhook / revoked by us", "webhook",
     HOOK "permit; do revoke; hear authorization.removed", 200, "reconnect", "ok", NULL,
     "{'@verdict':'fresh','fields.removed_reason':5,'fields.user_openid':'$open_id'}",
     NULL},
    {"webhook / removed for an unknown reason", "webhook", LEFT("0"), 200, "reconnect",
     "ok", NULL, "{'fields.removed_reason':0}", NULL},
    {"webhook / removed by the person", "webhook", LEFT("1"), 200, "reconnect", "ok",
     NULL, "{'fields.removed_reason':1}", NULL},
    {"webhook / the account was deleted", "webhook", LEFT("2"), 200, "reconnect", "ok",
     NULL, "{'fields.removed_reason':2}", NULL},
    {"webhook / the person's age changed", "webhook", LEFT("3"), 200, "reconnect", "ok",
     NULL, "{'fields.removed_reason':3}", NULL},
    {"webhook / the account was banned", "webhook", LEFT("4"), 200, "reconnect", "ok",
     NULL, "{'fields.removed_reason':4}", NULL},

    /* --- signatures ------------------------------------------------------------ */
    {"webhook / the header's other spelling", "webhook",
     HOOK "knob {'webhook_header':1}; " SENT "; hear post.publish.complete", 200,
     "published", "ok", NULL, "{'@verdict':'fresh'}", NULL},
    {"webhook / a wrong signature", "webhook",
     HOOK "fault {'endpoint':'webhook','signature':'wrong'}; " SENT
          "; hear post.publish.complete",
     200, "published", "ok", NULL, "{'@verdict':'forged'}", NULL},
    {"webhook / a malformed signature", "webhook",
     HOOK "fault {'endpoint':'webhook','signature':'malformed'}; " SENT
          "; hear post.publish.complete",
     200, "published", "ok", NULL, "{'@verdict':'unreadable'}", NULL},
    {"webhook / no signature", "webhook",
     HOOK "fault {'endpoint':'webhook','signature':'missing'}; " SENT
          "; hear post.publish.complete",
     200, "published", "ok", NULL, "{'@verdict':'unreadable'}", NULL},
    {"webhook / another secret", "webhook",
     HOOK SENT
     "; hear post.publish.complete; "
     "control PATCH /apps/sbawlocalstackkey1 {'client_secret':'another-secret-x'}; "
     "control POST /webhooks/test {'event':'post.publish.failed'}; "
     "hear post.publish.failed",
     200, "failed", "ok", "media_format", "{'@verdict':'forged'}", NULL},
    {"webhook / the same once more", "webhook",
     HOOK
     "fault {'endpoint':'webhook','duplicate':1,'event':'post.publish.complete'}; " SENT
     "; hear post.publish.complete; hear post.publish.complete",
     200, "published", "ok", NULL, "{'@verdict':'fresh','publish_id':'$publish_id'}",
     NULL},
    {"webhook / the portal's sample", "webhook",
     HOOK "control POST /webhooks/test {'event':'post.publish.publicly_available'}; "
          "hear post.publish.publicly_available",
     200, "published", "ok", NULL,
     "{'@verdict':'fresh','post_ids':['7600000000000000002']}", NULL},
    {"webhook / of photos", "webhook",
     HOOK "control PATCH /apps/sbawlocalstackkey1 {'properties':['$media/']}; "
          "knob {'pull_delay_ms':0}; photo $media/ok/1.jpg; do content_init; "
          "hear post.publish.complete",
     200, "published", "ok", NULL,
     "{'@verdict':'fresh','publish_id':'$publish_id','fields.publish_type':"
     "'DIRECT_PUBLISH'}",
     NULL},
};

void cases_webhook(run_fn run, void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run(ctx, &cases[i]);
    for (size_t i = 0; i < FATES; i++) {
        char name[96], prep[512], also[256];
        const struct a_case c = {name, "webhook",       prep, 200, "failed",
                                 "ok", fates[i].reason, also, NULL};

        (void)snprintf(name, sizeof(name), "webhook / failed for %s",
                       fates[i].fail_reason);
        (void)snprintf(prep, sizeof(prep),
                       HOOK "fault {'fail_reason':'%s'}; " SENT
                            "; hear post.publish.failed",
                       fates[i].fail_reason);
        (void)snprintf(also, sizeof(also),
                       "{'@verdict':'fresh','publish_id':'$publish_id','fail_reason':"
                       "'%s','failure_class':'%s'}",
                       fates[i].fail_reason, fates[i].class);
        run(ctx, &c);
    }
}
