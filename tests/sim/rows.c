/* The statements of tests/model/rows.c, with as many attempts as the real ones. */
#include "sim.h"

/* cppcheck-suppress preprocessorErrorDirective */
#include "../model/rows.c"
