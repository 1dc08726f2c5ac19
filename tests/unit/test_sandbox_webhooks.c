/* sandbox/webhook_rules and webhooks: what is told when, what stands in it, how long it
 * is tried, and what faults make of it. */
#include "sandbox/faults.h"
#include "sandbox/webhooks.h"
#include "scratch.h"
#include "unit.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

enum { COMMITTED = 100, READY = 400, PUBLIC = 1000, NEVER = 0 };

/* --- when ---------------------------------------------------------------------- */

static struct publication posted(void)
{
    return (struct publication){.committed_ms = COMMITTED,
                                .ready_ms = READY,
                                .public_ms = PUBLIC,
                                .post_id = 77,
                                .posted_ms = COMMITTED};
}

static struct publication draft(void)
{
    return (struct publication){
        .inbox = true, .committed_ms = COMMITTED, .ready_ms = READY};
}

static void fails_at(struct publication *p, int64_t at_ms)
{
    text_copy(p->fail_reason, sizeof(p->fail_reason), "internal");
    p->fail_ms = at_ms;
}

/* All that is told of p from now on, as "name@ms" with blanks between. */
static const char *story(struct publication *p)
{
    static char text[512];
    enum webhook_event event;
    size_t len = 0;
    int64_t at_ms;

    text[0] = '\0';
    while (webhook_next(p, &event, &at_ms)) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s@%lld",
                                len > 0 ? " " : "", webhook_event_name(event),
                                (long long)at_ms);
        ck_assert_uint_lt(len, sizeof(text));
        p->told |= webhook_bit(event);
    }
    return text;
}

#define FAILED   "post.publish.failed"
#define INBOX    "post.publish.inbox_delivered"
#define COMPLETE "post.publish.complete"
#define OPEN     "post.publish.publicly_available"
#define HIDDEN   "post.publish.no_longer_publicaly_available"

START_TEST(a_post_is_complete_and_then_public)
{
    struct publication p = posted();

    ck_assert_str_eq(story(&p), COMPLETE "@400 " OPEN "@1000");
    ck_assert_str_eq(story(&p), ""); /* each once */
    p = posted();
    p.post_id = 0; /* nobody else sees it */
    ck_assert_str_eq(story(&p), COMPLETE "@400");
    p = posted();
    p.committed_ms = NEVER;
    ck_assert_str_eq(story(&p), "");
    p = posted();
    p.stuck = true;
    ck_assert_str_eq(story(&p), "");
    p.stuck = false;
    ck_assert_str_eq(story(&p), COMPLETE "@400 " OPEN "@1000");
}
END_TEST

START_TEST(a_draft_is_delivered_and_perhaps_posted)
{
    struct publication p = draft();

    ck_assert_str_eq(story(&p), INBOX "@400");
    p.posted_ms = 5000;
    p.post_id = 77;
    p.public_ms = 5600;
    ck_assert_str_eq(story(&p), COMPLETE "@5000 " OPEN "@5600");
}
END_TEST

START_TEST(a_failure_keeps_from_being_told_what_would_have_come_later)
{
    struct publication p = posted();

    fails_at(&p, READY);
    ck_assert_str_eq(story(&p), FAILED "@400");
    p = posted();
    fails_at(&p, READY - 1);
    ck_assert_str_eq(story(&p), FAILED "@399");
    p = posted();
    fails_at(&p, PUBLIC);
    ck_assert_str_eq(story(&p), COMPLETE "@400 " FAILED "@1000");
    p = posted();
    fails_at(&p, PUBLIC + 1);
    ck_assert_str_eq(story(&p), COMPLETE "@400 " OPEN "@1000 " FAILED "@1001");
    p = draft();
    fails_at(&p, READY);
    ck_assert_str_eq(story(&p), FAILED "@400");
    p = draft();
    p.committed_ms = NEVER; /* cancelled */
    fails_at(&p, 50);
    ck_assert_str_eq(story(&p), FAILED "@50");
    p = posted();
    p.stuck = true; /* the app was removed meanwhile */
    fails_at(&p, 5000);
    ck_assert_str_eq(story(&p), FAILED "@5000");
}
END_TEST

START_TEST(only_what_was_public_can_be_hidden)
{
    struct publication p = posted();

    p.hidden_ms = PUBLIC + 1;
    ck_assert_str_eq(story(&p), COMPLETE "@400 " OPEN "@1000 " HIDDEN "@1001");
    p = posted();
    p.hidden_ms = PUBLIC;
    ck_assert_str_eq(story(&p), COMPLETE "@400");
    p = posted();
    ck_assert_str_eq(story(&p), COMPLETE "@400 " OPEN "@1000");
    p.hidden_ms = 9000;
    ck_assert_str_eq(story(&p), HIDDEN "@9000");
}
END_TEST

/* --- how long ------------------------------------------------------------------ */

START_TEST(tries_come_later_and_later_for_72_hours)
{
    static const struct {
        int64_t now_ms, tries, again_ms;
    } rows[] = {
        {0, 1, 10000},
        {10000, 2, 30000},
        {30000, 3, 70000},
        {1000000, 12, 1000000 + INT64_C(20480000)},
        {1000000, 13, 1000000 + INT64_C(28800000)}, /* eight hours at most */
        {1000000, 1000000, 1000000 + INT64_C(28800000)},
        {WEBHOOK_LIFE_MS - 5000, 20, WEBHOOK_LIFE_MS}, /* once more at the end */
        {WEBHOOK_LIFE_MS - 1, 20, WEBHOOK_LIFE_MS},
        {WEBHOOK_LIFE_MS, 20, 0},
        {WEBHOOK_LIFE_MS + 1, 1, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_msg(webhook_again_ms(rows[i].now_ms, 0, rows[i].tries, 10000) ==
                          rows[i].again_ms,
                      "row %zu", i);
        if (rows[i].again_ms != 0) /* it counts from the first try on */
            ck_assert_int_eq(
                webhook_again_ms(7 + rows[i].now_ms, 7, rows[i].tries, 10000),
                7 + rows[i].again_ms);
    }
}
END_TEST

/* --- what ---------------------------------------------------------------------- */

START_TEST(names_are_tiktoks_and_known_again)
{
    for (unsigned i = 0; i < WEBHOOK_EVENT_COUNT; i++) {
        enum webhook_event event = (enum webhook_event)i;

        ck_assert_int_eq((int)webhook_event_named(webhook_event_name(event)), (int)event);
    }
    ck_assert_int_eq(
        (int)webhook_event_named("post.publish.no_longer_publicly_available"),
        WEBHOOK_EVENT_COUNT); /* TikTok spells it wrongly */
    ck_assert_int_eq((int)webhook_event_named(""), WEBHOOK_EVENT_COUNT);
}
END_TEST

static const char *content(enum webhook_event event, const struct publication *p,
                           bool as_number)
{
    static char text[512];
    struct strbuf sb;

    strbuf_init(&sb, sizeof(text) - 1);
    webhook_write_content(&sb, event, p, as_number);
    text_copy(text, sizeof(text), sb.buf);
    strbuf_release(&sb);
    return text;
}

START_TEST(contents_have_the_members_of_their_event)
{
    struct publication p = posted();

    text_copy(p.publish_id, sizeof(p.publish_id), "v_pub_file~v2-1.1");
    p.post_id = INT64_C(7700000000000000201);
    fails_at(&p, READY);
    ck_assert_str_eq(content(WEBHOOK_FAILED, &p, false),
                     "{\"publish_id\":\"v_pub_file~v2-1.1\",\"reason\":\"internal\","
                     "\"publish_type\":\"DIRECT_PUBLISH\"}");
    ck_assert_str_eq(content(WEBHOOK_COMPLETE, &p, false),
                     "{\"publish_id\":\"v_pub_file~v2-1.1\","
                     "\"publish_type\":\"DIRECT_PUBLISH\"}");
    ck_assert_str_eq(content(WEBHOOK_PUBLIC, &p, false),
                     "{\"publish_id\":\"v_pub_file~v2-1.1\","
                     "\"publish_type\":\"DIRECT_PUBLISH\","
                     "\"post_id\":\"7700000000000000201\"}");
    ck_assert_str_eq(content(WEBHOOK_HIDDEN, &p, true),
                     "{\"publish_id\":\"v_pub_file~v2-1.1\","
                     "\"publish_type\":\"DIRECT_PUBLISH\","
                     "\"post_id\":7700000000000000201}");
    p.inbox = true;
    ck_assert_str_eq(content(WEBHOOK_INBOX, &p, false),
                     "{\"publish_id\":\"v_pub_file~v2-1.1\","
                     "\"publish_type\":\"INBOX_SHARE\"}");
}
END_TEST

/* The vector of the fact sheet of TikTok's API. */
START_TEST(body_and_signature_are_as_tiktok_has_them)
{
    static const char wanted[] =
        "{\"client_key\":\"sbawtestclientkey1\",\"event\":\"post.publish.complete\","
        "\"create_time\":1767225600,\"user_openid\":"
        "\"-000TESTopenid00000000000000000000\",\"content\":\"{\\\"publish_id\\\":"
        "\\\"v_pub_file~v2-1.7600000000000000001\\\",\\\"publish_type\\\":"
        "\\\"DIRECT_PUBLISH\\\"}\"}";
    const struct webhook_envelope envelope = {
        .client_key = "sbawtestclientkey1",
        .event = "post.publish.complete",
        .create_s = 1767225600,
        .open_id = "-000TESTopenid00000000000000000000",
        .content = "{\"publish_id\":\"v_pub_file~v2-1.7600000000000000001\","
                   "\"publish_type\":\"DIRECT_PUBLISH\"}"};
    char header[WEBHOOK_HEADER_SIZE];
    struct strbuf body;

    strbuf_init(&body, WEBHOOK_BODY_MAX);
    webhook_write_body(&body, &envelope);
    ck_assert_str_eq(body.buf, wanted);
    webhook_sign("test_client_secret", 1767225600, body.buf, header);
    ck_assert_str_eq(
        header, "t=1767225600,s=b33b4ae7e52a70b2184eb6b2e225f49ae9a8ecd6c1652e5244619887"
                "e20161b9");
    strbuf_release(&body);
}
END_TEST

/* --- rows and faults ----------------------------------------------------------- */

static char dir[SCRATCH_SIZE];
static struct sql *sql;
static struct err err;
static struct knobs knobs;
static struct person ann;
static struct app app;

#define OK(call) ck_assert_msg((call) == RC_OK, #call ": %s", err.msg)

static void setup(void)
{
    scratch_make(dir);
    OK(sql_open(dir, &sql, &err));
    OK(people_seed(sql, &err));
    OK(apps_seed(sql, &err));
    OK(knobs_load(sql, 400, &knobs, &err));
    OK(person_by_name(sql, "ann.example", &ann, &err));
    OK(app_by_id(sql, APP_LOCAL_ID, &app, &err));
}

static void teardown(void)
{
    sql_close(sql);
    scratch_remove(dir);
}

static void set_fault(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    int64_t id = 0;

    OK(fault_add(sql, json, &id, &err));
    json_decref(json);
}

static void tell(const struct publication *p, enum webhook_event event, int64_t at_ms)
{
    const struct webhook_news news = {
        .app = &app, .person = &ann, .publication = p, .event = event, .at_ms = at_ms};

    OK(webhook_tell(sql, &knobs, &news, &err));
}

static void keep(void *ctx, const struct webhook *h)
{
    struct webhook **next = ctx;

    *(*next)++ = *h;
}

/* Those that are due, into list; how many. */
static size_t due(int64_t now_ms, struct webhook *list)
{
    struct webhook *next = list;

    OK(webhooks_due(sql, now_ms, 16, keep, &next, &err));
    return (size_t)(next - list);
}

static struct webhook list[16];

START_TEST(a_webhook_is_due_at_once_and_told_once)
{
    const struct publication p = {.id = 5};
    const struct webhook_news again = {.app = &app,
                                       .person = &ann,
                                       .publication = &p,
                                       .event = WEBHOOK_COMPLETE,
                                       .at_ms = 1000};
    int64_t next_ms = 0;

    tell(&p, WEBHOOK_COMPLETE, 1000);
    ck_assert_uint_eq(due(999, list), 0);
    OK(webhooks_due_ms(sql, 999, &next_ms, &err));
    ck_assert_int_eq(next_ms, 1000);
    ck_assert_uint_eq(due(1000, list), 1);
    OK(webhooks_due_ms(sql, 1000, &next_ms, &err));
    ck_assert_int_eq(next_ms, INT64_MAX);
    ck_assert_str_eq(list[0].event, COMPLETE);
    ck_assert_int_eq(webhook_tell(sql, &knobs, &again, &err), RC_CONFLICT);
    tell(&p, WEBHOOK_COMPLETE, 2000); /* it has happened again */
    ck_assert_uint_eq(due(2000, list), 2);
}
END_TEST

START_TEST(faults_lose_delay_double_and_spoil)
{
    const struct publication p = {.id = 5};
    int64_t counts[WEBHOOK_STATE_COUNT];

    set_fault("{\"endpoint\":\"webhook\",\"lost\":true,\"count\":1}");
    set_fault("{\"late_ms\":500,\"count\":1}");
    set_fault("{\"duplicate\":2,\"signature\":\"wrong\",\"count\":1}");
    for (int64_t i = 1; i <= 4; i++)
        tell(&p, WEBHOOK_COMPLETE, i);
    OK(webhooks_count(sql, counts, &err));
    ck_assert_int_eq(counts[WEBHOOK_LOST], 1);
    ck_assert_int_eq(counts[WEBHOOK_WAITING], 5);
    ck_assert_uint_eq(due(501, list), 4);
    ck_assert_int_eq(list[0].create_ms, 3);
    ck_assert_int_eq(list[0].forgery, SIGNATURE_WRONG);
    ck_assert_int_eq(list[0].copy_of, 0);
    ck_assert_int_eq(list[2].copy_of, list[0].id);
    ck_assert_str_eq(list[2].body, list[0].body);
    ck_assert_int_eq(list[3].create_ms, 4); /* the faults are used up */
    ck_assert_int_eq(list[3].forgery, SIGNATURE_RIGHT);
    ck_assert_uint_eq(due(502, list), 5);
}
END_TEST

START_TEST(a_fault_of_one_event_lets_the_others_be)
{
    const struct publication p = {.id = 5};

    set_fault("{\"event\":\"post.publish.failed\",\"late_ms\":1000}");
    tell(&p, WEBHOOK_COMPLETE, 1);
    tell(&p, WEBHOOK_FAILED, 1);
    ck_assert_uint_eq(due(1, list), 1);
    ck_assert_str_eq(list[0].event, COMPLETE);
}
END_TEST

START_TEST(one_that_is_held_goes_after_the_persons_next)
{
    const struct publication p = {.id = 5};
    struct webhook other;

    set_fault("{\"reorder\":true,\"count\":1}");
    tell(&p, WEBHOOK_COMPLETE, 1);
    tell(&p, WEBHOOK_PUBLIC, 2);
    ck_assert_uint_eq(due(2, list), 1);
    other = list[0];
    other.user_id = ann.id + 1;
    OK(webhooks_release(sql, &other, 5, &err)); /* somebody else's */
    ck_assert_uint_eq(due(5, list), 1);
    OK(webhooks_release(sql, &list[0], 5, &err));
    ck_assert_uint_eq(due(5, list), 2);
    ck_assert_uint_eq(due(1 + WEBHOOK_HELD_MS, list), 2);
}
END_TEST

START_TEST(one_that_is_held_waits_a_minute_at_most)
{
    const struct publication p = {.id = 5};

    set_fault("{\"reorder\":true,\"count\":1}");
    tell(&p, WEBHOOK_COMPLETE, 1);
    ck_assert_uint_eq(due(WEBHOOK_HELD_MS, list), 0);
    ck_assert_uint_eq(due(1 + WEBHOOK_HELD_MS, list), 1);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "sandbox_webhooks", setup, teardown, a_post_is_complete_and_then_public,
    a_draft_is_delivered_and_perhaps_posted,
    a_failure_keeps_from_being_told_what_would_have_come_later,
    only_what_was_public_can_be_hidden, tries_come_later_and_later_for_72_hours,
    names_are_tiktoks_and_known_again, contents_have_the_members_of_their_event,
    body_and_signature_are_as_tiktok_has_them, a_webhook_is_due_at_once_and_told_once,
    faults_lose_delay_double_and_spoil, a_fault_of_one_event_lets_the_others_be,
    one_that_is_held_goes_after_the_persons_next, one_that_is_held_waits_a_minute_at_most)
