/* sandbox/fault_spec: what a fault may say, and that chance is repeatable. */
#include "sandbox/chance.h"
#include "sandbox/fault_spec.h"
#include "unit.h"

#include "core/attr.h"

#include <string.h>

static enum rc parse(const char *text, struct fault_spec *spec, struct err *err)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    enum rc rc;

    ck_assert_msg(json != NULL, "%s is no JSON", text);
    rc = fault_spec_parse(json, spec, err);
    json_decref(json);
    return rc;
}

START_TEST(a_fault_says_whom_it_meets_and_what_it_does)
{
    struct fault_spec s;
    struct err err;

    ck_assert_int_eq(
        parse("{\"endpoint\":\"video_init\",\"status\":429,\"count\":1}", &s, &err),
        RC_OK);
    ck_assert_str_eq(s.endpoint, "video_init");
    ck_assert_int_eq(s.status, 429);
    ck_assert_int_eq(s.count, 1);
    ck_assert_int_eq(s.chunk, -1);
    ck_assert_int_eq(s.cut_after, -1);
    ck_assert_int_eq(s.take_bytes, -1);
    ck_assert(s.probability >= 1);
    ck_assert_int_eq(parse("{\"endpoint\":\"video_init\",\"http\":403,"
                           "\"code\":\"spam_risk_too_many_posts\"}",
                           &s, &err),
                     RC_OK);
    ck_assert_int_eq(s.status, 403);
    ck_assert_int_eq(s.count, -1);
    ck_assert_str_eq(s.code, "spam_risk_too_many_posts");
    ck_assert_int_eq(parse("{\"endpoint\":\"status\",\"raw\":\"{}\",\"pad_bytes\":9,"
                           "\"merge\":{\"data\":{\"status\":null,\"n\":[1]}}}",
                           &s, &err),
                     RC_OK);
    ck_assert_str_eq(s.raw, "{}");
    ck_assert_str_eq(s.merge, "{\"data\":{\"status\":null,\"n\":[1]}}");
    ck_assert_int_eq(s.pad_bytes, 9);
}
END_TEST

START_TEST(a_fault_of_a_publication_needs_no_endpoint)
{
    struct fault_spec s;
    struct err err;

    ck_assert_int_eq(parse("{\"fail_reason\":\"internal\",\"count\":1}", &s, &err),
                     RC_OK);
    ck_assert_str_eq(s.endpoint, FAULT_PUBLICATION);
    ck_assert_int_eq(parse("{\"stuck\":true}", &s, &err), RC_OK);
    ck_assert_int_eq(parse("{\"processing_ms\":0}", &s, &err), RC_OK);
    ck_assert_int_eq(parse("{\"no_post_id\":true}", &s, &err), RC_OK);
    ck_assert_str_eq(s.endpoint, FAULT_PUBLICATION);
    ck_assert_int_eq(
        parse("{\"endpoint\":\"publication\",\"moderation_ms\":5}", &s, &err), RC_OK);
}
END_TEST

START_TEST(a_fault_of_a_webhook_needs_no_endpoint_unless_it_loses_one)
{
    struct fault_spec s;
    struct err err;

    ck_assert_int_eq(parse("{\"late_ms\":5,\"reorder\":true,\"duplicate\":10,"
                           "\"signature\":\"malformed\",\"event\":"
                           "\"authorization.removed\",\"account\":\"ann.example\"}",
                           &s, &err),
                     RC_OK);
    ck_assert_str_eq(s.endpoint, FAULT_WEBHOOK);
    ck_assert_int_eq(s.late_ms, 5);
    ck_assert(s.reorder);
    ck_assert_int_eq(s.duplicate, 10);
    ck_assert_str_eq(s.signature, "malformed");
    ck_assert_str_eq(s.event, "authorization.removed");
    ck_assert_int_eq(parse("{\"endpoint\":\"webhook\",\"lost\":true}", &s, &err), RC_OK);
    ck_assert(s.lost);
    ck_assert_int_eq(parse("{\"lost\":true}", &s, &err), RC_INVALID);
}
END_TEST

START_TEST(what_is_no_fault_is_refused_by_name)
{
    static const struct {
        const char *text, *field;
    } rows[] = {
        {"{\"endpoint\":\"webhook\"}", "endpoint"},
        {"{\"endpoint\":\"webhook\",\"lost\":true,\"status\":500}", "endpoint"},
        {"{\"endpoint\":\"webhook\",\"lost\":true,\"stuck\":true}", "endpoint"},
        {"{\"endpoint\":\"upload\",\"duplicate\":1}", "endpoint"},
        {"{\"event\":\"post.publish.complete\"}", "endpoint"},
        {"{\"event\":\"post.publish.done\",\"late_ms\":1}", "event"},
        {"{\"signature\":\"nice\"}", "signature"},
        {"{\"duplicate\":11}", "duplicate"},
        {"{\"late_ms\":0}", "late_ms"},
        {"[]", ""},
        {"1", ""},
        {"{}", "endpoint"},
        {"{\"endpoint\":\"video_init\"}", ""},
        {"{\"endpoint\":\"video_init\",\"count\":1}", ""},
        {"{\"endpoint\":\"nothing\",\"status\":500}", "endpoint"},
        {"{\"status\":500}", "endpoint"},
        {"{\"endpoint\":1,\"status\":500}", "endpoint"},
        {"{\"endpoint\":\"upload\",\"status\":\"500\"}", "status"},
        {"{\"endpoint\":\"upload\",\"status\":199}", "status"},
        {"{\"endpoint\":\"upload\",\"status\":600}", "status"},
        {"{\"endpoint\":\"upload\",\"status\":500,\"count\":0}", "count"},
        {"{\"endpoint\":\"upload\",\"status\":500,\"probability\":1.5}", "probability"},
        {"{\"endpoint\":\"upload\",\"status\":500,\"probability\":\"1\"}", "probability"},
        {"{\"endpoint\":\"upload\",\"lost\":1}", "lost"},
        {"{\"endpoint\":\"upload\",\"lost\":false}", ""},
        {"{\"endpoint\":\"upload\",\"body\":\"xml\"}", "body"},
        {"{\"endpoint\":\"upload\",\"hang_ms\":600000}", "hang_ms"},
        {"{\"endpoint\":\"upload\",\"mood\":\"bad\"}", ""},
        {"{\"endpoint\":\"status\",\"merge\":[]}", "merge"},
        {"{\"endpoint\":\"status\",\"merge\":\"{}\"}", "merge"},
        {"{\"endpoint\":\"status\",\"raw\":\"\"}", ""},
        {"{\"endpoint\":\"status\",\"raw\":{}}", "raw"},
        {"{\"endpoint\":\"status\",\"pad_bytes\":0}", "pad_bytes"},
        {"{\"endpoint\":\"status\",\"pad_bytes\":3145729}", "pad_bytes"},
        {"{\"endpoint\":\"upload\",\"fail_reason\":\"internal\"}", "endpoint"},
        {"{\"endpoint\":\"publication\",\"status\":500}", "endpoint"},
        {"{\"fail_reason\":\"internal\",\"status\":500}", ""},
        {"{\"fail_reason\":\"bad_mood\"}", "fail_reason"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fault_spec s;
        struct err err = {.rc = RC_OK};

        ck_assert_msg(parse(rows[i].text, &s, &err) == RC_INVALID, "row %zu", i);
        ck_assert_msg(strcmp(err.field, rows[i].field) == 0, "row %zu: %s", i, err.field);
        ck_assert_str_eq(err.code, "bad_fault");
    }
}
END_TEST

START_TEST(skip_lets_the_first_pass)
{
    struct fault_spec s = {.skip = 2, .probability = 1};

    ck_assert(!fault_hits(&s, 1, 1, 0));
    ck_assert(!fault_hits(&s, 1, 1, 1));
    ck_assert(fault_hits(&s, 1, 1, 2));
}
END_TEST

START_TEST(chance_is_the_same_for_a_seed_and_about_as_often_as_said)
{
    static const double shares[] = {0, 0.01, 0.25, 0.5, 0.9, 1};

    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        struct fault_spec s = {.probability = shares[i]};
        int hits = 0, differ = 0;

        for (int64_t n = 0; n < 20000; n++) {
            bool hit = fault_hits(&s, 7, 3, n);

            ck_assert(hit == fault_hits(&s, 7, 3, n));
            hits += hit;
            differ += hit != fault_hits(&s, 8, 3, n);
        }
        ck_assert_msg(hits > (int)(20000 * shares[i]) - 500 &&
                          hits < (int)(20000 * shares[i]) + 500,
                      "%.2f: %d of 20000", shares[i], hits);
        if (shares[i] > 0.2 && shares[i] < 0.8)
            ck_assert_int_gt(differ, 1000);
    }
    ck_assert(chance_bits(1, 2, 3) != chance_bits(1, 3, 2));
}
END_TEST

UNIT_MAIN("sandbox_faults", a_fault_says_whom_it_meets_and_what_it_does,
          a_fault_of_a_publication_needs_no_endpoint,
          a_fault_of_a_webhook_needs_no_endpoint_unless_it_loses_one,
          what_is_no_fault_is_refused_by_name, skip_lets_the_first_pass,
          chance_is_the_same_for_a_seed_and_about_as_often_as_said)
