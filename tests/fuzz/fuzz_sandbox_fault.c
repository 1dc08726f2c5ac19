/* A fault as somebody describes it: what is taken is within its bounds, is the same when
 * it is read again as it is stored, and hits alike for one seed. */
#include "sandbox/fault_spec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bounds(const struct fault_spec *s)
{
    bool known = false;

    for (size_t i = 0; fault_endpoint(i) != NULL; i++)
        known = known || strcmp(fault_endpoint(i), s->endpoint) == 0;
    assert(known);
    assert(s->status == 0 || (s->status >= 200 && s->status <= 599));
    assert(s->probability >= 0 && s->probability <= 1);
    assert(s->count == -1 || s->count >= 1);
    assert(s->skip >= 0 && s->chunk >= -1);
    assert(s->delay_ms >= 0 && s->delay_ms <= FAULT_WAIT_MAX_MS);
    assert(s->hang_ms >= 0 && s->hang_ms <= FAULT_WAIT_MAX_MS);
    assert(s->pad_bytes >= 0 && s->pad_bytes <= FAULT_PAD_MAX);
}

static void check_same(const struct fault_spec *a, const struct fault_spec *b)
{
    assert(strcmp(a->endpoint, b->endpoint) == 0 && strcmp(a->account, b->account) == 0);
    assert(strcmp(a->code, b->code) == 0 && strcmp(a->body, b->body) == 0);
    assert(strcmp(a->raw, b->raw) == 0 && strcmp(a->fail_reason, b->fail_reason) == 0);
    assert((a->merge[0] == '\0') == (b->merge[0] == '\0'));
    assert(a->status == b->status && a->count == b->count && a->skip == b->skip);
    assert(a->lost == b->lost && a->drop == b->drop && a->stuck == b->stuck);
    for (int64_t seen = 0; seen < 4; seen++)
        assert(fault_hits(a, 1, 2, seen) == fault_hits(b, 1, 2, seen));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct fault_spec spec, again;
    struct err err;

    if (json == NULL)
        return 0;
    if (fault_spec_parse(json, &spec, &err) == RC_OK) {
        char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
        json_t *stored = text != NULL ? json_loads(text, 0, NULL) : NULL;

        check_bounds(&spec);
        assert(stored != NULL && fault_spec_parse(stored, &again, &err) == RC_OK);
        check_same(&spec, &again);
        json_decref(stored);
        free(text);
    } else {
        assert(err.rc == RC_INVALID && strcmp(err.code, "bad_fault") == 0);
    }
    json_decref(json);
    return 0;
}
