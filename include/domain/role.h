/* domain/role.h - what a member of a workspace may do. */
#ifndef DOMAIN_ROLE_H
#define DOMAIN_ROLE_H

#include "core/attr.h"

#include <stdbool.h>

/* Most powerful first; numbers stored in membership.role. */
enum role {
    ROLE_OWNER = 1,
    ROLE_ADMIN = 2,
    ROLE_EDITOR = 3,
    ROLE_APPROVER = 4,
    ROLE_VIEWER = 5,
};

/* "owner", "admin", ... as the API and ttsctl show it. */
const char *role_name(enum role role);

/* True when text is such a name. */
bool role_parse(const char *text, enum role *role) MUST_CHECK;

/* May write posts, uploads and media: owner, admin, editor. */
bool role_may_edit(enum role role) MUST_CHECK;

/* May connect and disconnect accounts: owner, admin. */
bool role_may_manage(enum role role) MUST_CHECK;

#endif
