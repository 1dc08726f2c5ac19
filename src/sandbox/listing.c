#include "listing.h"

#include "core/parse.h"

const char *listing_username(struct listing *l, int64_t user_id)
{
    if (user_id == 0)
        return NULL;
    if (l->rc == RC_OK && l->person.id != user_id)
        l->rc = person_by_id(l->x->sql, user_id, &l->person, l->err);
    return l->rc == RC_OK && l->person.id != 0 ? l->person.username : NULL;
}

void key_int_unless_zero(struct jsonw *w, const char *key, int64_t n)
{
    jsonw_key(w, key);
    if (n == 0)
        jsonw_null(w);
    else
        jsonw_int(w, n);
}

enum rc query_number(const struct exchange *x, const char *name, int64_t max, int64_t *n,
                     struct err *err)
{
    char text[24];
    bool found = false;
    enum rc rc = web_query(x->req, name, text, sizeof(text), &found, err);

    if (rc == RC_OK && found && !parse_i64(text, 0, max, n))
        rc = err_field(err, name, "bad_request", "%s must be a number from 0 to %lld",
                       name, (long long)max);
    return rc;
}
