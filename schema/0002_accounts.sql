-- TikTok accounts, their tokens, and the background work that needs TikTok.

-- A connected TikTok account. What a person may know about it; the tokens are apart.
CREATE TABLE IF NOT EXISTS account (
  account_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  workspace_id BIGINT UNSIGNED NOT NULL,
  open_id VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- TikTok's id of the person for this app
  union_id VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  username VARCHAR(64) NOT NULL DEFAULT '',       -- the @handle, without the @
  display_name VARCHAR(255) NOT NULL DEFAULT '',
  avatar_url VARCHAR(1024) NOT NULL DEFAULT '',   -- TikTok's, good for about 2 h
  scopes VARCHAR(512) CHARACTER SET ascii NOT NULL DEFAULT '', -- granted, comma-separated
  tz VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- default zone of its posts; '': the workspace's
  status TINYINT UNSIGNED NOT NULL DEFAULT 1,     -- 1 connected 2 must be reconnected 3 disconnected
  status_reason VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- stable code, why it is 2
  blocked_until BIGINT NOT NULL DEFAULT 0,        -- TikTok lets it post nothing before (caps, spam_risk)
  access_expires_at BIGINT NOT NULL DEFAULT 0,    -- copies for display; account_token decides
  refresh_expires_at BIGINT NOT NULL DEFAULT 0,
  creator_info MEDIUMTEXT NULL,                   -- JSON of the last creator_info, as we read it
  creator_info_at BIGINT NOT NULL DEFAULT 0,      -- when TikTok gave it
  connected_by BIGINT UNSIGNED NOT NULL,          -- user
  connected_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  version INT UNSIGNED NOT NULL DEFAULT 1,        -- +1 with every change a person can see (ETag)
  live_open_id VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin
    AS (IF(status = 3, NULL, open_id)) PERSISTENT, -- an account is connected in one workspace only
  UNIQUE KEY u_live_open_id (live_open_id),
  UNIQUE KEY u_workspace (workspace_id, account_id),
  KEY k_open_id (open_id),
  CONSTRAINT f_account_workspace FOREIGN KEY (workspace_id) REFERENCES workspace (workspace_id),
  CONSTRAINT f_account_member FOREIGN KEY (connected_by) REFERENCES user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Sealed tokens. Only tts_publisher may read this table; tts_api has no right on it.
-- Blobs are AES-256-GCM under the token key, bound to table, column, row and workspace.
CREATE TABLE IF NOT EXISTS account_token (
  account_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  workspace_id BIGINT UNSIGNED NOT NULL,
  access_tok VARBINARY(2048) NOT NULL,
  access_exp BIGINT NOT NULL,
  refresh_tok VARBINARY(2048) NOT NULL,
  refresh_exp BIGINT NOT NULL,
  prev_refresh_tok VARBINARY(2048) NULL,  -- the one before, for an answer lost in rotation
  tok_ver INT UNSIGNED NOT NULL DEFAULT 1, -- +1 with every new pair; orders rotations
  rf_next BIGINT NOT NULL DEFAULT 9223372036854775807, -- when to refresh; MAX: never
  rf_owner BIGINT UNSIGNED NOT NULL DEFAULT 0, -- publisher.inc that refreshes now
  rf_until BIGINT NOT NULL DEFAULT 0,     -- its lease
  rf_fence INT UNSIGNED NOT NULL DEFAULT 0,
  rf_fails SMALLINT UNSIGNED NOT NULL DEFAULT 0, -- in a row
  updated_at BIGINT NOT NULL,
  KEY k_refresh (rf_next),
  CONSTRAINT f_token_account FOREIGN KEY (workspace_id, account_id)
    REFERENCES account (workspace_id, account_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- One "connect" in progress: 10 minutes, single use, bound to the session that began it.
-- Whichever account comes back is connected.
CREATE TABLE IF NOT EXISTS oauth_txn (
  txn_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  state_hash BINARY(32) NOT NULL,         -- SHA-256 of the state parameter
  session_hash BINARY(32) NOT NULL,       -- session.session_hash that began it
  workspace_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  verifier VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '', -- PKCE; wiped after the exchange
  code VARBINARY(1024) NOT NULL DEFAULT '', -- of the callback; wiped after the exchange
  redirect_uri VARCHAR(512) NOT NULL,     -- exactly as sent to the authorize page
  scopes VARCHAR(512) CHARACTER SET ascii NOT NULL, -- asked for
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  consumed_at BIGINT NULL,                -- not NULL: used up
  UNIQUE KEY u_state (state_hash),
  KEY k_expires (expires_at),
  CONSTRAINT f_oauth_member FOREIGN KEY (workspace_id, user_id)
    REFERENCES membership (workspace_id, user_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- One live process incarnation of tts-publisher (or tts-media). Its lease ends 15 s
-- after its last heartbeat; then its work belongs to the others.
CREATE TABLE IF NOT EXISTS publisher (
  inc BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  host VARCHAR(64) NOT NULL,
  pid INT UNSIGNED NOT NULL,
  version VARCHAR(32) NOT NULL DEFAULT '',
  started_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  KEY k_lease (lease_until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Work for the publisher that is not a post. Claimed, fenced and reaped like a job.
CREATE TABLE IF NOT EXISTS task (
  task_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  workspace_id BIGINT UNSIGNED NOT NULL,
  account_id BIGINT UNSIGNED NULL,        -- whose; NULL while it is not known (exchange_code)
  kind TINYINT UNSIGNED NOT NULL,         -- 1 exchange_code 2 creator_info 3 refresh_token 4 revoke
  state TINYINT UNSIGNED NOT NULL DEFAULT 1, -- 1 queued 2 running 4 done 5 failed
  next_at BIGINT NOT NULL,                -- when anyone must look; done and failed: MAX
  deadline_at BIGINT NOT NULL DEFAULT 9223372036854775807, -- nobody waits longer: failed then
  owner BIGINT UNSIGNED NOT NULL DEFAULT 0, -- publisher.inc
  fence BIGINT UNSIGNED NOT NULL DEFAULT 0, -- +1 at every claim
  fails SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  crashes TINYINT UNSIGNED NOT NULL DEFAULT 0,
  payload TEXT NOT NULL DEFAULT '{}',     -- JSON; no secret
  result MEDIUMTEXT NULL,                 -- JSON, when done
  error_code VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- stable code, when failed
  error_msg VARCHAR(400) NOT NULL DEFAULT '', -- one sentence for a person
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  KEY k_due (next_at, task_id),
  KEY k_owner (owner, task_id),
  KEY k_account (account_id, kind, state),
  KEY k_workspace (workspace_id, task_id),
  CONSTRAINT f_task_workspace FOREIGN KEY (workspace_id) REFERENCES workspace (workspace_id),
  CONSTRAINT f_task_account FOREIGN KEY (workspace_id, account_id)
    REFERENCES account (workspace_id, account_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
