/* Who an account is, what it may post, and what it has posted. */
#include "conformance.h"

#define PUBLISHED                                                                        \
    "knob {'check_media':0,'moderation_ms':0,'init_per_min':0}; session; send"

static const struct a_case cases[] = {
    /* --- user/info ------------------------------------------------------------- */
    {"user_info / all scopes", "user_info", "", 200, "ok", "ok", NULL,
     "{'fields.open_id':'$open_id','fields.username':'ann.example',"
     "'fields.display_name':'Ann Example'}",
     NULL},
    {"user_info / every figure", "user_info", "person {'verified':true,'followers':14}",
     200, "ok", "ok", NULL,
     "{'fields.is_verified':true,'fields.follower_count':14,'fields.following_count':2,"
     "'fields.likes_count':42,'fields.video_count':0}",
     NULL},
    {"user_info / a link of TikTok's", "user_info",
     "fault "
     "{'endpoint':'user_info','merge':{'data':{'user':{'union_id':'u1','avatar_url':"
     "'https://p16-sign.tiktokcdn-us.com/a','profile_deep_link':"
     "'https://vm.tiktok.com/a'}}}}",
     200, "ok", "ok", NULL,
     "{'fields.union_id':'u1','fields.avatar_url':'https://p16-sign.tiktokcdn-us.com/a',"
     "'fields.profile_deep_link':'https://vm.tiktok.com/a'}",
     NULL},
    {"user_info / the basic scope", "user_info", "scopes user.info.basic", 200, "ok",
     "ok", NULL, "{'fields.username':null,'fields.display_name':'Ann Example'}", NULL},
    {"user_info / a field that no scope covers", "user_info",
     "scopes user.info.basic; title user.info.basic,user.info.stats", 400, "reconnect",
     "scope_permission_missed", "scope_missing", NULL, NULL},
    {"user_info / a field that is not there", "user_info",
     "path /v2/user/info/?fields=open_id,mood", 400, "fix_input", "invalid_params",
     "post_refused", NULL, NULL},
    {"user_info / no fields", "user_info", "path /v2/user/info/", 400, "fix_input",
     "invalid_params", "post_refused", NULL, NULL},
    {"user_info / the 601st call of a minute", "user_info",
     "knob {'display_per_min':3}; repeat 3", 429, "retry", "rate_limit_exceeded",
     "tiktok_rate_limited", NULL, NULL},
    {"user_info / fields left out", "user_info",
     "fault {'endpoint':'user_info','merge':{'data':{'user':{'display_name':null,"
     "'avatar_url':null,'union_id':null}}}}",
     200, "ok", "ok", NULL, "{'fields.display_name':null,'fields.avatar_url':null}",
     NULL},
    {"user_info / numbers in quotes", "user_info",
     "fault {'endpoint':'user_info','merge':{'data':{'user':{'follower_count':'12'}}}}",
     200, "ok", "ok", NULL, "{'fields.follower_count':12}", NULL},
    {"user_info / a follower count beyond 32 bits", "user_info",
     "fault {'endpoint':'user_info','merge':{'data':{'user':{'likes_count':"
     "9007199254740993}}}}",
     200, "ok", "ok", NULL, "{'fields.likes_count':9007199254740993}", NULL},
    {"user_info / an address that is none", "user_info",
     "fault {'endpoint':'user_info','merge':{'data':{'user':{'avatar_url':"
     "'javascript:alert(1)'}}}}",
     200, "ok", "ok", NULL, "{'fields.avatar_url':null}", NULL},

    /* --- creator_info ---------------------------------------------------------- */
    {"creator_info / a public account", "creator_info", "", 200, "ok", "ok", NULL,
     "{'fields.privacy_level_options':['PUBLIC_TO_EVERYONE','MUTUAL_FOLLOW_FRIENDS',"
     "'SELF_ONLY'],'fields.comment_disabled':false,'fields.duet_disabled':false,"
     "'fields.max_video_post_duration_sec':600,'fields.username':'ann.example'}",
     NULL},
    {"creator_info / a private account", "creator_info", "as ben.private", 200, "ok",
     "ok", NULL,
     "{'fields.privacy_level_options':['FOLLOWER_OF_CREATOR','MUTUAL_FOLLOW_FRIENDS',"
     "'SELF_ONLY'],'fields.duet_disabled':true,'fields.stitch_disabled':true}",
     NULL},
    {"creator_info / everything off", "creator_info", "as cleo.quiet", 200, "ok", "ok",
     NULL,
     "{'fields.comment_disabled':true,'fields.duet_disabled':true,"
     "'fields.stitch_disabled':true,'fields.max_video_post_duration_sec':3600}",
     NULL},
    {"creator_info / the audit is not to be seen", "creator_info", "knob {'audited':0}",
     200, "ok", "ok", NULL,
     "{'fields.privacy_level_options':['PUBLIC_TO_EVERYONE','MUTUAL_FOLLOW_FRIENDS',"
     "'SELF_ONLY']}",
     NULL},
    {"creator_info / only SELF_ONLY", "creator_info",
     "fault {'endpoint':'creator_info','merge':{'data':{'privacy_level_options':"
     "['SELF_ONLY']}}}",
     200, "ok", "ok", NULL, "{'fields.privacy_level_options':['SELF_ONLY']}", NULL},
    {"creator_info / an audience that nobody knows yet", "creator_info",
     "fault {'endpoint':'creator_info','merge':{'data':{'privacy_level_options':"
     "['FRIENDS_NEW','SELF_ONLY']}}}",
     200, "ok", "ok", NULL,
     "{'fields.privacy_level_options':['FRIENDS_NEW','SELF_ONLY']}", NULL},
    {"creator_info / no audience", "creator_info",
     "fault {'endpoint':'creator_info','merge':{'data':{'privacy_level_options':[]}}}",
     200, "retry", "ok", "tiktok_unreadable", NULL, NULL},
    {"creator_info / no longest video", "creator_info",
     "fault {'endpoint':'creator_info','merge':{'data':{'max_video_post_duration_sec':"
     "null}}}",
     200, "ok", "ok", NULL, NULL, NULL},
    {"creator_info / words for flags", "creator_info",
     "fault {'endpoint':'creator_info','merge':{'data':{'comment_disabled':'true',"
     "'duet_disabled':1,'stitch_disabled':'0'}}}",
     200, "ok", "ok", NULL,
     "{'fields.comment_disabled':true,'fields.duet_disabled':true,"
     "'fields.stitch_disabled':false}",
     NULL},
    {"creator_info / today's posts are used up, within 200", "creator_info",
     "as dan.daily", 200, "later", "spam_risk_too_many_posts", "daily_post_limit",
     "{'wait_s':86400}", NULL},
    {"creator_info / the same with data", "creator_info",
     "knob {'error_data':1}; as dan.daily", 200, "later", "spam_risk_too_many_posts",
     "daily_post_limit", NULL, NULL},
    {"creator_info / the same with all of a creator's data", "creator_info",
     "as dan.daily; fault {'endpoint':'creator_info','merge':{'data':{'creator_nickname':"
     "'Dan','privacy_level_options':['SELF_ONLY']}}}",
     200, "later", "spam_risk_too_many_posts", "daily_post_limit", NULL, NULL},
    {"creator_info / the same without data", "creator_info",
     "knob {'error_data':2}; as dan.daily", 200, "later", "spam_risk_too_many_posts",
     "daily_post_limit", NULL, NULL},
    {"creator_info / banned, within 200", "creator_info", "as eve.banned", 200, "never",
     "spam_risk_user_banned_from_posting", "account_banned", NULL, NULL},
    {"creator_info / the app's people of a day, within 200", "creator_info",
     PUBLISHED "; as cleo.quiet; knob {'active_user_cap':1}", 200, "later",
     "reached_active_user_cap", "app_user_cap", NULL, NULL},
    {"creator_info / the 21st call of a minute", "creator_info", "repeat 20", 429,
     "retry", "rate_limit_exceeded", "tiktok_rate_limited", "{'wait_s':60}", NULL},
    {"creator_info / a minute later", "creator_info",
     "repeat 20; try creator_info; "
     "repeat 0; clock 61000",
     200, "ok", "ok", NULL, NULL, NULL},

    /* --- video/list and video/query -------------------------------------------- */
    {"video_list / nothing", "video_list", "", 200, "ok", "ok", NULL,
     "{'post_ids':[],'fields.has_more':false}", NULL},
    {"video_list / a public post, exactly", "video_list", PUBLISHED "; clock 1000", 200,
     "ok", "ok", NULL, "{'post_ids':['$post_id']}", NULL},
    {"video_list / a post for friends is not there", "video_list",
     "knob {'check_media':0}; privacy MUTUAL_FOLLOW_FRIENDS; session; send", 200, "ok",
     "ok", NULL, "{'post_ids':[]}", NULL},
    {"video_list / a page and a cursor", "video_list",
     PUBLISHED "; clock 1000; chunk 0; session; send; clock 1000; chunk 1", 200, "ok",
     "ok", NULL, "{'post_ids':['$post_id'],'fields.has_more':true}", NULL},
    {"video_list / a cursor before everything", "video_list",
     PUBLISHED "; clock 1000; chunk 0; cursor 1000", 200, "ok", "ok", NULL,
     "{'post_ids':[],'fields.has_more':false}", NULL},
    {"video_list / a cursor that does not move on", "video_list",
     "cursor 1767139200000; fault {'endpoint':'video_list','merge':{'data':{'cursor':"
     "1767139200000,'has_more':true}}}",
     200, "ok", "ok", NULL, "{'@has_more':false}", NULL},
    {"video_list / ids as numbers", "video_list",
     "fault {'endpoint':'video_list','merge':{'data':{'videos':[{'id':"
     "7700000000000000201}]}}}",
     200, "ok", "ok", NULL, "{'post_ids':['7700000000000000201']}", NULL},
    {"video_list / every field", "video_list",
     "fault {'endpoint':'video_list','merge':{'data':{'cursor':1767139200000,'has_more':"
     "true,'videos':[{'id':'7','create_time':1767225600,'title':'T','video_description':"
     "'D','share_url':'https://www.tiktok.com/@a/video/7','duration':61,'view_count':1,"
     "'like_count':2,'comment_count':3,'share_count':4},{'id':'8','title':'',"
     "'video_description':'D','share_url':'http://x/','like_count':null}]}}}",
     200, "ok", "ok", NULL,
     "{'fields.cursor':1767139200000,'fields.has_more':true,'fields.videos':[{'id':'7',"
     "'create_time':1767225600,'title':'T','share_url':"
     "'https://www.tiktok.com/@a/video/7','duration':61,'view_count':1,'like_count':2,"
     "'comment_count':3,'share_count':4},{'id':'8','title':'D'}]}",
     NULL},
    {"video_list / ids beyond 63 bits", "video_list",
     "fault {'endpoint':'video_list','raw':'{\\'data\\':{\\'videos\\':[{\\'id\\':"
     "18446744073709551615}],\\'has_more\\':false},\\'error\\':{\\'code\\':\\'ok\\'}}'}",
     200, "ok", "ok", NULL, "{'post_ids':['18446744073709551615']}", NULL},
    {"video_list / fields in the body", "video_list",
     "path /v2/video/list/; body {'fields':'id'}", 400, "fix_input", "invalid_params",
     "post_refused", NULL, NULL},
    {"video_list / a field that is not there", "video_list",
     "path /v2/video/list/?fields=id,watch_time", 400, "fix_input", "invalid_params",
     "post_refused", NULL, NULL},
    {"video_list / a page of 21", "video_list", "body {'max_count':21}", 400, "fix_input",
     "invalid_params", "post_refused", NULL, NULL},
    {"video_list / no JSON sent", "video_list", "body {'max_count':", 400, "fix_input",
     "invalid_params", "post_refused", NULL, NULL},
    {"video_list / the 601st call of a minute", "video_list",
     "knob {'display_per_min':2}; repeat 2", 429, "retry", "rate_limit_exceeded",
     "tiktok_rate_limited", NULL, NULL},
    {"video_query / a public post", "video_query",
     PUBLISHED "; clock 1000; post_id $post_id", 200, "ok", "ok", NULL,
     "{'post_ids':['$post_id'],'fields.has_more':false}", NULL},
    {"video_query / somebody else's post", "video_query",
     PUBLISHED "; clock 1000; post_id $post_id; as cleo.quiet", 200, "ok", "ok", NULL,
     "{'post_ids':[]}", NULL},
    {"video_query / a post that is not there", "video_query", "post_id 7", 200, "ok",
     "ok", NULL, "{'post_ids':[]}", NULL},
    {"video_query / ids as numbers", "video_query",
     "body {'filters':{'video_ids':[7700000000000000201]}}", 200, "ok", "ok", NULL,
     "{'post_ids':[]}", NULL},
    {"video_query / no ids", "video_query", "body {'filters':{'video_ids':[]}}", 400,
     "fix_input", "invalid_params", "post_refused", NULL, NULL},
    {"video_query / no filters", "video_query", "body {}", 400, "fix_input",
     "invalid_params", "post_refused", NULL, NULL},
};

void cases_display(run_fn run, void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run(ctx, &cases[i]);
}
