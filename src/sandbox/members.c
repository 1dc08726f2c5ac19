#include "members.h"

#include "core/strbuf.h"
#include "core/text.h"

#include <string.h>

static enum rc wrong(const struct member *m, const char *problem, struct err *err)
{
    return err_field(err, m->name, "bad_value", "%s %s", m->name, problem);
}

static enum rc set_bool(const struct member *m, char *field, const json_t *value,
                        struct err *err)
{
    bool yes = json_is_true(value);

    if (!json_is_boolean(value))
        return wrong(m, "must be true or false", err);
    (void)memcpy(field, &yes, sizeof(yes));
    return RC_OK;
}

static enum rc set_int(const struct member *m, char *field, const json_t *value,
                       struct err *err)
{
    int64_t n = json_integer_value(value);

    if (!json_is_integer(value) || n < 0 || n > m->max)
        return err_field(err, m->name, "bad_value", "%s must be a number from 0 to %lld",
                         m->name, (long long)m->max);
    (void)memcpy(field, &n, sizeof(n));
    return RC_OK;
}

static enum rc set_text(const struct member *m, char *field, const json_t *value,
                        struct err *err)
{
    const char *text = json_string_value(value);
    const char *problem = text != NULL ? m->problem(text) : "must be a text";

    if (problem == NULL && strlen(text) >= m->size)
        problem = "is too long";
    if (problem != NULL)
        return wrong(m, problem, err);
    text_copy(field, m->size, text);
    return RC_OK;
}

/* One entry more behind those that are in list. */
static const char *add_entry(const struct member *m, struct strbuf *list,
                             const json_t *value)
{
    const char *text = json_string_value(value);
    const char *problem;

    if (text == NULL || strcspn(text, ", *\r\n") != strlen(text))
        return "must be texts without comma, star and blank";
    problem = m->problem(text);
    if (list->len > 0)
        strbuf_addstr(list, ",");
    strbuf_addstr(list, text);
    return problem;
}

static enum rc set_list(const struct member *m, char *field, const json_t *value,
                        struct err *err)
{
    const char *problem = json_is_array(value) ? NULL : "must be a list";
    struct strbuf list;

    strbuf_init(&list, m->size - 1);
    if (m->max > 0 && json_array_size(value) > (size_t)m->max)
        problem = "has too many entries";
    for (size_t i = 0; problem == NULL && i < json_array_size(value); i++)
        problem = add_entry(m, &list, json_array_get(value, i));
    if (problem == NULL && strbuf_failed(&list))
        problem = "is too long";
    if (problem == NULL)
        text_copy(field, m->size, list.buf);
    strbuf_release(&list);
    return problem == NULL ? RC_OK : wrong(m, problem, err);
}

static enum rc set_member(const struct member *m, char *field, enum members_null nulls,
                          const json_t *value, struct err *err)
{
    if (json_is_null(value)) {
        if (m->null == NULL || nulls == MEMBERS_NO_NULL)
            return wrong(m, "cannot be null here", err);
        text_copy(field, m->size, m->null);
        return RC_OK;
    }
    switch (m->kind) {
    case MEMBER_BOOL:
        return set_bool(m, field, value, err);
    case MEMBER_INT:
        return set_int(m, field, value, err);
    case MEMBER_TEXT:
        return set_text(m, field, value, err);
    case MEMBER_LIST:
        return set_list(m, field, value, err);
    }
    return RC_OK;
}

static const struct member *member_named(const struct members *of, const char *name)
{
    for (size_t i = 0; i < of->n; i++)
        if (strcmp(of->list[i].name, name) == 0)
            return &of->list[i];
    return NULL;
}

enum rc members_change(const struct members *of, void *object, enum members_null nulls,
                       json_t *changes, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach(changes, name, value)
    {
        const struct member *m = member_named(of, name);
        enum rc rc;

        if (m == NULL)
            return err_field(err, "", "unknown_member", "%s has no such member",
                             of->what);
        rc = set_member(m, (char *)object + m->offset, nulls, value, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}
