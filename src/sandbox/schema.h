/* sandbox/schema.h - the tables of the simulator's state.
 *
 * Times are milliseconds of the simulator's clock, which a test may move; only
 * committed_real_ms is the machine's. The state is for trying things out: when the
 * tables change, SCHEMA_VERSION is raised and an old directory must be deleted. */
#ifndef SRC_SANDBOX_SCHEMA_H
#define SRC_SANDBOX_SCHEMA_H

enum { SCHEMA_VERSION = 2 }; /* PRAGMA user_version */

/* Every CREATE, for an empty database; ends with NULL. */
extern const char *const schema_sql[];

/* The tables that a reset empties, each with the statement for it; ends with NULL. */
struct schema_table {
    const char *name, *empty;
};
extern const struct schema_table schema_tables[];

#endif
