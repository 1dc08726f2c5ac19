/* What the rules in TTS_FAULT mean. */
#include "core/fault.h"
#include "unit.h"

#include <stdlib.h>

static void rules(const char *text)
{
    ck_assert_int_eq(setenv("TTS_FAULT", text, 1), 0);
    fault_reload();
}

static void end(void)
{
    ck_assert_int_eq(unsetenv("TTS_FAULT"), 0);
    fault_reload();
}

START_TEST(a_rule_is_about_one_passage_of_its_point)
{
    rules("a.b@2:error,c.d:error");
    ck_assert(!fault_pass("a.b"));
    ck_assert(fault_pass("a.b"));
    ck_assert(!fault_pass("a.b"));
    ck_assert(fault_pass("c.d"));
    ck_assert(!fault_pass("c"));
    end();
}
END_TEST

START_TEST(a_rule_may_count_only_what_follows_another_point)
{
    rules("grant.before_commit>db.commit_unsent@2:error");
    ck_assert(!fault_pass("db.commit_unsent"));
    (void)fault_pass("grant.before_commit");
    ck_assert(!fault_pass("db.commit_unsent"));
    ck_assert(!fault_pass("db.other")); /* the store's own points change nothing */
    ck_assert(fault_pass("db.commit_unsent"));
    rules("grant.before_commit>db.commit_unsent:error");
    (void)fault_pass("grant.before_commit");
    (void)fault_pass("grant.after");
    ck_assert(!fault_pass("db.commit_unsent"));
    end();
}
END_TEST

START_TEST(what_is_no_rule_is_none)
{
    rules("a.b,:error,a.b@0:error,a.b@x:error,>a.b:error,a.b>:error,a.b:something-long");
    ck_assert(!fault_pass("a.b"));
    end();
}
END_TEST

UNIT_MAIN("core_fault", a_rule_is_about_one_passage_of_its_point,
          a_rule_may_count_only_what_follows_another_point, what_is_no_rule_is_none)
