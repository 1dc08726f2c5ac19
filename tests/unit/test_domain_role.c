/* role: who may do what. */
#include "domain/role.h"
#include "unit.h"

START_TEST(each_role_has_a_name_that_is_read_back)
{
    for (int i = ROLE_OWNER; i <= ROLE_VIEWER; i++) {
        enum role role;

        ck_assert(role_parse(role_name((enum role)i), &role));
        ck_assert_int_eq(role, i);
    }
}
END_TEST

START_TEST(nothing_else_is_a_role)
{
    static const char *const bad[] = {"", "Owner", "owner ", "king", "editors"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        enum role role = ROLE_VIEWER;

        ck_assert_msg(!role_parse(bad[i], &role), "%s", bad[i]);
        ck_assert_int_eq(role, ROLE_VIEWER);
    }
}
END_TEST

START_TEST(editors_write_posts_and_admins_manage_accounts)
{
    static const struct {
        enum role role;
        bool edit, manage;
    } rows[] = {
        {ROLE_OWNER, true, true},    {ROLE_ADMIN, true, true},
        {ROLE_EDITOR, true, false},  {ROLE_APPROVER, false, false},
        {ROLE_VIEWER, false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert(role_may_edit(rows[i].role) == rows[i].edit);
        ck_assert(role_may_manage(rows[i].role) == rows[i].manage);
    }
}
END_TEST

UNIT_MAIN("domain_role", each_role_has_a_name_that_is_read_back, nothing_else_is_a_role,
          editors_write_posts_and_admins_manage_accounts)
