#include "schema.h"

#include <stddef.h>

const char *const schema_sql =
    "CREATE TABLE knob (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"

    "CREATE TABLE last_id (id INTEGER NOT NULL);"
    "INSERT INTO last_id VALUES (0);"

    /* People of TikTok. note says on the consent page what is special about one. */
    "CREATE TABLE user ("
    "  id INTEGER PRIMARY KEY,"
    "  username TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    "  nickname TEXT NOT NULL,"
    "  note TEXT NOT NULL DEFAULT '',"
    "  open_id TEXT NOT NULL UNIQUE,"
    "  union_id TEXT NOT NULL,"
    "  private INTEGER NOT NULL DEFAULT 0,"
    "  comment_disabled INTEGER NOT NULL DEFAULT 0,"
    "  duet_disabled INTEGER NOT NULL DEFAULT 0,"
    "  stitch_disabled INTEGER NOT NULL DEFAULT 0,"
    "  max_duration_s INTEGER NOT NULL DEFAULT 600,"
    "  post_cap INTEGER NOT NULL,"
    "  banned INTEGER NOT NULL DEFAULT 0,"
    "  target INTEGER NOT NULL DEFAULT 1,"
    "  verified INTEGER NOT NULL DEFAULT 0,"
    "  followers INTEGER NOT NULL DEFAULT 0);"

    /* Codes and tokens are stored as the SHA-256 of what was handed out. */
    "CREATE TABLE code ("
    "  hash TEXT PRIMARY KEY,"
    "  user_id INTEGER NOT NULL,"
    "  scopes INTEGER NOT NULL,"
    "  redirect_uri TEXT NOT NULL,"
    "  challenge TEXT NOT NULL,"
    "  expires_ms INTEGER NOT NULL,"
    "  used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE TABLE permit ("
    "  id INTEGER PRIMARY KEY,"
    "  user_id INTEGER NOT NULL,"
    "  scopes INTEGER NOT NULL,"
    "  refresh_until_ms INTEGER NOT NULL,"
    "  revoked INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX permit_user ON permit (user_id);"
    "CREATE TABLE token ("
    "  hash TEXT PRIMARY KEY,"
    "  kind INTEGER NOT NULL,"
    "  permit_id INTEGER NOT NULL,"
    "  until_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX token_permit ON token (permit_id, kind);"

    /* One row an init. What state it is in follows from the times and the clock. */
    "CREATE TABLE publication ("
    "  id INTEGER PRIMARY KEY,"
    "  publish_id TEXT NOT NULL UNIQUE,"
    "  user_id INTEGER NOT NULL,"
    "  inbox INTEGER NOT NULL,"
    "  caption TEXT NOT NULL,"
    "  privacy TEXT NOT NULL,"
    "  flags INTEGER NOT NULL,"
    "  cover_ms INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  chunk_size INTEGER NOT NULL,"
    "  chunk_count INTEGER NOT NULL,"
    "  upload_id INTEGER NOT NULL UNIQUE,"
    "  upload_token TEXT NOT NULL,"
    "  upload_until_ms INTEGER NOT NULL,"
    "  received INTEGER NOT NULL DEFAULT 0,"
    "  file TEXT NOT NULL DEFAULT '',"
    "  duration_ms INTEGER NOT NULL DEFAULT 0,"
    "  width INTEGER NOT NULL DEFAULT 0,"
    "  height INTEGER NOT NULL DEFAULT 0,"
    "  committed_ms INTEGER NOT NULL DEFAULT 0,"
    "  committed_real_ms INTEGER NOT NULL DEFAULT 0,"
    "  ready_ms INTEGER NOT NULL DEFAULT 0,"
    "  public_ms INTEGER NOT NULL DEFAULT 0,"
    "  post_id INTEGER NOT NULL DEFAULT 0,"
    "  posted_ms INTEGER NOT NULL DEFAULT 0,"
    "  discarded INTEGER NOT NULL DEFAULT 0,"
    "  stuck INTEGER NOT NULL DEFAULT 0,"
    "  fail_reason TEXT NOT NULL DEFAULT '',"
    "  fail_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX publication_caption ON publication (caption);"
    "CREATE INDEX publication_user ON publication (user_id, inbox, created_ms);"
    "CREATE INDEX publication_committed ON publication (committed_ms);"
    "CREATE INDEX publication_posted ON publication (posted_ms);"
    "CREATE INDEX publication_post ON publication (post_id);"

    "CREATE TABLE call ("
    "  id INTEGER PRIMARY KEY,"
    "  at_ms INTEGER NOT NULL,"
    "  endpoint TEXT NOT NULL,"
    "  user_id INTEGER NOT NULL,"
    "  counted INTEGER NOT NULL,"
    "  publish_id TEXT NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  code TEXT NOT NULL,"
    "  log_id TEXT NOT NULL,"
    "  fault_id INTEGER NOT NULL);"
    "CREATE INDEX call_window ON call (user_id, endpoint, at_ms) WHERE counted = 1;"
    "CREATE INDEX call_publish ON call (publish_id);"

    "CREATE TABLE fault ("
    "  id INTEGER PRIMARY KEY,"
    "  spec TEXT NOT NULL,"
    "  endpoint TEXT NOT NULL,"
    "  user_id INTEGER NOT NULL,"
    "  skip INTEGER NOT NULL,"
    "  remaining INTEGER NOT NULL,"
    "  seen INTEGER NOT NULL DEFAULT 0,"
    "  hits INTEGER NOT NULL DEFAULT 0);";

#define TABLE(name)                                                                      \
    {                                                                                    \
        name, "DELETE FROM " name                                                        \
    }

const struct schema_table schema_tables[] = {
    TABLE("knob"),        TABLE("user"), TABLE("code"),  TABLE("permit"), TABLE("token"),
    TABLE("publication"), TABLE("call"), TABLE("fault"), {NULL, NULL},
};
