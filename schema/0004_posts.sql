-- Posts, the jobs that publish them, the ledger of attempts, and what happened when.

-- What the person owns: cold and wide. Clustered in the order of an account's list
-- (account, time, id), so that a page of it is read in one go; job and attempt refer to
-- it by post_id.
CREATE TABLE IF NOT EXISTS post (
  account_id BIGINT UNSIGNED NOT NULL,
  list_at BIGINT NOT NULL,                -- where lists show it: its due time; MAX: it has none
  post_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  workspace_id BIGINT UNSIGNED NOT NULL,
  created_by BIGINT UNSIGNED NOT NULL,    -- user
  kind TINYINT UNSIGNED NOT NULL,         -- 1 video 2 photo
  mode TINYINT UNSIGNED NOT NULL DEFAULT 1, -- 1 direct post 2 to the creator's TikTok inbox
  media_ids VARCHAR(800) CHARACTER SET ascii NOT NULL DEFAULT '', -- comma-separated, in order; copy of post_media
  title VARCHAR(400) NOT NULL DEFAULT '', -- photo posts only
  caption TEXT NOT NULL DEFAULT '',
  privacy_level VARCHAR(32) CHARACTER SET ascii NULL, -- TikTok's word; NULL: not chosen yet
  allow_comment TINYINT(1) NOT NULL DEFAULT 0,
  allow_duet TINYINT(1) NOT NULL DEFAULT 0,
  allow_stitch TINYINT(1) NOT NULL DEFAULT 0,
  your_brand TINYINT(1) NOT NULL DEFAULT 0,
  branded_content TINYINT(1) NOT NULL DEFAULT 0,
  is_aigc TINYINT(1) NOT NULL DEFAULT 0,
  auto_add_music TINYINT(1) NOT NULL DEFAULT 0,
  cover_ms INT UNSIGNED NULL,             -- video: the frame that is the cover
  cover_index SMALLINT UNSIGNED NULL,     -- photos: which of them, from 0
  tz VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT 'UTC', -- IANA zone the time was chosen in
  consent VARCHAR(1000) NOT NULL DEFAULT '', -- JSON: who agreed to which declaration, when
  content_ver INT UNSIGNED NOT NULL DEFAULT 1, -- +1 with every change of what TikTok would get
  expire_after_ms INT UNSIGNED NOT NULL DEFAULT 21600000, -- later than due by this: missed, not published
  tiktok_post_ids VARCHAR(800) CHARACTER SET ascii NOT NULL DEFAULT '', -- comma-separated, as TikTok told
  published_at BIGINT NULL,               -- when TikTok's confirmation was stored
  duplicate_of BIGINT UNSIGNED NULL,      -- post it was copied from
  idem_key BINARY(16) NULL,               -- hash of Idempotency-Key: a repeated create finds this post
  idem_body BINARY(32) NULL,              -- SHA-256 of that request's body
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  hidden_at BIGINT NULL,                  -- deleted from the lists; the ledger stays
  PRIMARY KEY (account_id, list_at, post_id),
  UNIQUE KEY u_post (post_id),
  UNIQUE KEY u_workspace (workspace_id, post_id),
  UNIQUE KEY u_idem (workspace_id, idem_key),
  KEY k_list (workspace_id, list_at, post_id),
  CONSTRAINT f_post_account FOREIGN KEY (workspace_id, account_id)
    REFERENCES account (workspace_id, account_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Which files a post shows, in order. A file in use cannot be removed.
CREATE TABLE IF NOT EXISTS post_media (
  post_id BIGINT UNSIGNED NOT NULL,
  position TINYINT UNSIGNED NOT NULL,     -- from 0
  workspace_id BIGINT UNSIGNED NOT NULL,
  media_id BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (post_id, position),
  KEY k_media (workspace_id, media_id),
  CONSTRAINT f_post_media_post FOREIGN KEY (workspace_id, post_id)
    REFERENCES post (workspace_id, post_id) ON DELETE CASCADE,
  CONSTRAINT f_post_media_media FOREIGN KEY (workspace_id, media_id)
    REFERENCES media (workspace_id, media_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The hot, narrow half of a post: exactly one row for each, written with it.
CREATE TABLE IF NOT EXISTS job (
  post_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  workspace_id BIGINT UNSIGNED NOT NULL,
  account_id BIGINT UNSIGNED NOT NULL,
  shard SMALLINT UNSIGNED AS (account_id MOD 1024) PERSISTENT, -- share of the work it falls into
  state TINYINT UNSIGNED NOT NULL,        -- 0 DRAFT 1 SCHEDULED 2 RUNNING 3 COMMITTED 4 PUBLISHED 5 FAILED 6 CANCELED 7 REVIEW 8 BLOCKED
  due_at BIGINT NOT NULL DEFAULT 0,       -- what the person asked; 0 in a draft without a time
  next_at BIGINT NOT NULL DEFAULT 9223372036854775807, -- when anyone must look; draft and terminal: MAX
  sched_ver INT UNSIGNED NOT NULL DEFAULT 1, -- +1 with every change by a person (ETag, If-Match)
  fence BIGINT UNSIGNED NOT NULL DEFAULT 0, -- +1 at every claim, cancel, reschedule
  owner BIGINT UNSIGNED NOT NULL DEFAULT 0, -- publisher.inc
  attempt_no SMALLINT UNSIGNED NOT NULL DEFAULT 0, -- of the newest attempt
  granted SMALLINT UNSIGNED NOT NULL DEFAULT 0, -- attempt allowed to send its last byte; 0: none
  fails SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  crashes TINYINT UNSIGNED NOT NULL DEFAULT 0, -- publishers that died holding it
  last_reason VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- stable code of the last trouble
  updated_at BIGINT NOT NULL,
  KEY k_due (next_at, shard),             -- what is due, whatever has ended; post_id follows
  KEY k_owner (owner, post_id),
  KEY k_account (account_id, due_at),     -- calendar; posts that wait for a reconnect
  KEY k_list (workspace_id, state, due_at, post_id), -- lists by status
  CONSTRAINT f_job_post FOREIGN KEY (workspace_id, post_id)
    REFERENCES post (workspace_id, post_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Written before every init at TikTok and kept as the ledger. u_live is the promise
-- "never twice" in the engine itself: one attempt of a post may be past its grant.
CREATE TABLE IF NOT EXISTS attempt (
  post_id BIGINT UNSIGNED NOT NULL,
  attempt_no SMALLINT UNSIGNED NOT NULL,
  workspace_id BIGINT UNSIGNED NOT NULL,
  state TINYINT UNSIGNED NOT NULL,        -- 1 INTENT 2 READY 3 GRANTED 4 PROCESSING 5 PUBLISHED 6 DEAD
  method TINYINT UNSIGNED NOT NULL,       -- 1 FILE_UPLOAD 2 PULL_FROM_URL
  fence BIGINT UNSIGNED NOT NULL,         -- job.fence it was made under
  content_ver INT UNSIGNED NOT NULL DEFAULT 1, -- post.content_ver it carries
  publish_id VARBINARY(96) NULL,          -- TikTok's name for this publication
  upload_url VARBINARY(1536) NULL,        -- sealed
  init_date BIGINT NULL,                  -- TikTok's Date header at init: proves age without our clock
  bytes_total BIGINT NOT NULL DEFAULT 0,
  chunk_size INT UNSIGNED NOT NULL DEFAULT 0,
  bytes_acked BIGINT NOT NULL DEFAULT 0,
  gate_token BINARY(16) NULL,             -- in the address TikTok pulls from
  first_served_at BIGINT NULL,
  tiktok_log_id VARBINARY(64) NOT NULL DEFAULT '',
  tiktok_status VARCHAR(48) CHARACTER SET ascii NOT NULL DEFAULT '', -- last status word
  reason VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- stable code, why DEAD
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  live_post BIGINT UNSIGNED AS (IF(state IN (3, 4, 5), post_id, NULL)) PERSISTENT,
  PRIMARY KEY (post_id, attempt_no),
  UNIQUE KEY u_live (live_post),
  UNIQUE KEY u_publish_id (publish_id),
  UNIQUE KEY u_gate (gate_token),
  CONSTRAINT f_attempt_job FOREIGN KEY (post_id) REFERENCES job (post_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Everything that happened in a workspace, append only: a post's timeline, and the
-- change feed (GET /api/v1/changes) of posts, accounts and media. Exactly one of post_id,
-- account_id and media_id names what it is about. No foreign keys: it outlives its rows.
CREATE TABLE IF NOT EXISTS job_event (
  event_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, -- the sequence number of the feed
  workspace_id BIGINT UNSIGNED NOT NULL,
  post_id BIGINT UNSIGNED NULL,
  account_id BIGINT UNSIGNED NULL,
  media_id BIGINT UNSIGNED NULL,
  at BIGINT NOT NULL,
  kind SMALLINT UNSIGNED NOT NULL,        -- enum event_kind, include/store/events.h
  user_id BIGINT UNSIGNED NULL,           -- who did it; NULL: the system
  fence BIGINT UNSIGNED NOT NULL DEFAULT 0,
  inc BIGINT UNSIGNED NOT NULL DEFAULT 0, -- publisher.inc that did it
  data VARCHAR(400) NOT NULL DEFAULT '',  -- small JSON: reason, attempt, log_id; no secret
  KEY k_post (post_id, event_id),
  KEY k_feed (workspace_id, event_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What a person should be told about; shown until read.
CREATE TABLE IF NOT EXISTS notification (
  notification_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  workspace_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NULL,           -- for whom; NULL: everybody in the workspace
  kind VARCHAR(48) CHARACTER SET ascii NOT NULL, -- e.g. post.failed, account.reconnect
  post_id BIGINT UNSIGNED NULL,
  account_id BIGINT UNSIGNED NULL,
  data VARCHAR(400) NOT NULL DEFAULT '',  -- small JSON
  created_at BIGINT NOT NULL,
  read_at BIGINT NULL,
  KEY k_list (workspace_id, notification_id),
  CONSTRAINT f_notification_workspace FOREIGN KEY (workspace_id) REFERENCES workspace (workspace_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
