/* sandbox/members.h - which members of a JSON object change which fields of a struct.
 *
 * People and apps are changed by such objects; each has one table of its members:
 *
 *     static const struct member list[] = {
 *         {"banned", MEMBER_BOOL, MEMBER_FIELD(struct person, banned), 0, NULL, NULL},
 *     };
 *     static const struct members members = {"a person", list, ARRAY_LEN(list)};
 *
 *     rc = members_change(&members, &person, MEMBERS_NO_NULL, json, err);
 */
#ifndef SRC_SANDBOX_MEMBERS_H
#define SRC_SANDBOX_MEMBERS_H

#include "core/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum member_kind {
    MEMBER_BOOL, /* bool */
    MEMBER_INT,  /* int64_t of 0..max */
    MEMBER_TEXT, /* char[] */
    MEMBER_LIST, /* char[]: texts of an array with commas between; at most max, if any */
};

struct member {
    const char *name;
    enum member_kind kind;
    size_t offset, size; /* of the field: MEMBER_FIELD() */
    int64_t max;
    const char *(*problem)(const char *text); /* what is wrong with the text, or with an
                                               * entry, as "must be ..."; NULL: nothing */
    const char *null; /* what a text or list becomes by null; NULL: null is refused */
};

#define MEMBER_FIELD(type, field) offsetof(type, field), sizeof(((type *)NULL)->field)

struct members {
    const char *what; /* they are members of: "a person" */
    const struct member *list;
    size_t n;
};

enum members_null { MEMBERS_NO_NULL, MEMBERS_NULL_TOO };

/* Changes the struct at object by all members of changes. RC_INVALID names the member
 * that is unknown or wrong; then some of the others may have been changed, so hand in a
 * copy. */
enum rc members_change(const struct members *of, void *object, enum members_null nulls,
                       json_t *changes, struct err *err) MUST_CHECK;

#endif
