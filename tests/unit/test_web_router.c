/* web/router: which path fits which pattern, and what its parameters are. */
#include "unit.h"
#include "web/router.h"

#include <string.h>

START_TEST(a_path_fits_its_pattern_and_no_other)
{
    static const struct {
        const char *pattern, *path;
        bool fits;
    } rows[] = {
        {"/api/v1/posts", "/api/v1/posts", true},
        {"/api/v1/posts", "/api/v1/posts/", false},
        {"/api/v1/posts", "/api/v1/post", false},
        {"/api/v1/posts", "/api/v1/postsx", false},
        {"/api/v1/posts", "/api/v1", false},
        {"/api/v1/posts", "api/v1/posts", false},
        {"/api/v1/posts", "", false},
        {"/api/v1/posts", "//api/v1/posts", false},
        {"/api/v1/posts", "/api//v1/posts", false},
        {"/api/v1/posts", "/api/v1/Posts", false},
        {"/api/v1/posts", "/api/v1/%70osts", false},
        {"/api/v1/posts", "/api/./v1/posts", false},
        {"/api/v1/posts/{id}", "/api/v1/posts/7", true},
        {"/api/v1/posts/{id}", "/api/v1/posts/", false},
        {"/api/v1/posts/{id}", "/api/v1/posts", false},
        {"/api/v1/posts/{id}", "/api/v1/posts/7/", false},
        {"/api/v1/posts/{id}", "/api/v1/posts/7/events", false},
        {"/api/v1/posts/{id}/events", "/api/v1/posts/7/events", true},
        {"/api/v1/posts/{id}/events", "/api/v1/posts/7/8/events", false},
        {"/api/v1/posts/{id}/events", "/api/v1/posts//events", false},
        {"/", "/", true},
        {"/", "", false},
        {"/", "/x", false},
        {"/{}", "/{}", true}, /* no name: the braces are what they are */
        {"/{}", "/x", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct web_params params;

        ck_assert_msg(web_match(rows[i].pattern, rows[i].path, &params) == rows[i].fits,
                      "row %zu: %s and %s", i, rows[i].pattern, rows[i].path);
    }
}
END_TEST

START_TEST(parameters_are_the_segments_as_they_were_sent)
{
    struct web_params params;

    ck_assert(web_match("/m/{gate}/{file}", "/m/a%2Fb/..", &params));
    ck_assert_uint_eq(params.n, 2);
    ck_assert_str_eq(web_param(&params, "gate"), "a%2Fb");
    ck_assert_str_eq(web_param(&params, "file"), "..");
    ck_assert_ptr_null(web_param(&params, "fil"));
    ck_assert_ptr_null(web_param(&params, "files"));
    ck_assert(web_match("/a", "/a", &params));
    ck_assert_ptr_null(web_param(&params, "gate"));
}
END_TEST

START_TEST(a_parameter_beyond_its_room_matches_nothing)
{
    struct web_params params;
    char path[WEB_PARAM_SIZE + 2] = "/";

    (void)memset(path + 1, 'a', WEB_PARAM_SIZE - 1);
    ck_assert(web_match("/{id}", path, &params));
    ck_assert_uint_eq(strlen(web_param(&params, "id")), WEB_PARAM_SIZE - 1);
    path[WEB_PARAM_SIZE] = 'a';
    ck_assert(!web_match("/{id}", path, &params));
}
END_TEST

UNIT_MAIN("web_router", a_path_fits_its_pattern_and_no_other,
          parameters_are_the_segments_as_they_were_sent,
          a_parameter_beyond_its_room_matches_nothing)
