/* The headers of a chunk against an upload: four lines, the plan with what has come
 * ("size chunk_size count received"), the content type, the range and the length. What is
 * taken lies within its plan; a plan that is right is cut without a gap. */
#include "core/parse.h"
#include "core/xalloc.h"
#include "sandbox/rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS = 2000 }; /* more than a plan may have chunks */

/* A number of at most 18 digits; 0 when it is none. */
static int64_t number(char **rest)
{
    const char *text = strsep(rest, " ");
    int64_t n;

    return text != NULL && parse_i64(text, 0, INT64_MAX / 2, &n) ? n : 0;
}

/* Every byte once and in order. */
static void check_plan(const struct chunk_plan *plan)
{
    int64_t at = 0, cuts = 0;

    while (at < plan->size && cuts < CUTS) {
        assert(chunk_number(plan, at) == cuts);
        at = chunk_last_byte(plan, at) + 1;
        cuts++;
    }
    assert(at == plan->size && cuts == plan->count);
}

static void check_put(const struct chunk_plan *plan, int64_t received,
                      const struct put_headers *headers)
{
    struct content_range range = {.first = -1};
    enum put_verdict verdict = put_judge(plan, received, headers, &range);

    if (verdict != PUT_TAKE) {
        assert(range.first == -1);
        return;
    }
    assert(range.first == received && range.last < plan->size);
    assert(range.total == plan->size);
    assert(headers->content_length == range.last - range.first + 1);
    assert(range.last == chunk_last_byte(plan, range.first));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdupz(data, size);
    char *rest = text;
    char *numbers = strsep(&rest, "\n");
    struct chunk_plan plan = {0};
    struct put_headers headers = {.content_length = -1};
    struct content_range range;
    int64_t received;

    plan.size = number(&numbers);
    plan.chunk_size = number(&numbers);
    plan.count = number(&numbers);
    received = number(&numbers);
    headers.content_type = strsep(&rest, "\n");
    headers.content_range = strsep(&rest, "\n");
    headers.content_length = number(&rest);
    if (headers.content_range != NULL &&
        content_range_parse(headers.content_range, &range))
        assert(range.first >= 0 && range.first <= range.last && range.last < range.total);
    if (chunk_plan_problem(&plan) == NULL) {
        check_plan(&plan);
        check_put(&plan, received, &headers);
    }
    free(text);
    return 0;
}
