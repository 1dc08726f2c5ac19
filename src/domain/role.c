#include "domain/role.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {
    [ROLE_OWNER] = "owner",       [ROLE_ADMIN] = "admin",   [ROLE_EDITOR] = "editor",
    [ROLE_APPROVER] = "approver", [ROLE_VIEWER] = "viewer",
};

const char *role_name(enum role role)
{
    return names[role];
}

bool role_parse(const char *text, enum role *role)
{
    for (size_t i = ROLE_OWNER; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *role = (enum role)i;
            return true;
        }
    }
    return false;
}

bool role_may_edit(enum role role)
{
    return role == ROLE_OWNER || role == ROLE_ADMIN || role == ROLE_EDITOR;
}

bool role_may_manage(enum role role)
{
    return role == ROLE_OWNER || role == ROLE_ADMIN;
}
