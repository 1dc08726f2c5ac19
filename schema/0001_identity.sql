-- Workspaces, people, sign-in.
--
-- Rules of every file here: forward only, never changed once released (ttsctl migrate
-- keeps a checksum), each statement safe to repeat (IF NOT EXISTS), so that a migration
-- cut off half way is finished by the next run. Times are BIGINT milliseconds since the
-- epoch, UTC, from the database's clock. Ids are BIGINT. A row of a tenant carries
-- workspace_id, and a reference between two rows of a tenant is a composite foreign key,
-- so that a row of one workspace cannot point into another.

-- One row. A client updates it to its own value when it connects: one row reported
-- proves that CLIENT_FOUND_ROWS is on, without which fences would look lost.
CREATE TABLE IF NOT EXISTS connection_check (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  n TINYINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT IGNORE INTO connection_check (id, n) VALUES (1, 1);

-- The tenant: everything below belongs to exactly one.
CREATE TABLE IF NOT EXISTS workspace (
  workspace_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(120) NOT NULL,
  tz VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT 'UTC', -- IANA zone of new posts
  media_bytes_max BIGINT NOT NULL DEFAULT 107374182400,      -- quota of the library: 100 GiB
  created_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- A person. May be a member of several workspaces.
CREATE TABLE IF NOT EXISTS user (
  user_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  email VARCHAR(254) NOT NULL,             -- as typed; compared without regard to case
  name VARCHAR(120) NOT NULL,
  password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- PHC text, Argon2id
  password_at BIGINT NOT NULL,             -- when the password was set last
  failed_logins INT UNSIGNED NOT NULL DEFAULT 0, -- in a row; a success sets it to 0
  failed_at BIGINT NOT NULL DEFAULT 0,     -- the last of them
  disabled_at BIGINT NULL,                 -- not NULL: may not sign in
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE KEY u_email (email)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS membership (
  workspace_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  role TINYINT UNSIGNED NOT NULL,          -- 1 owner 2 admin 3 editor 4 approver 5 viewer
  created_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, user_id),
  KEY k_user (user_id),
  CONSTRAINT f_membership_workspace FOREIGN KEY (workspace_id) REFERENCES workspace (workspace_id),
  CONSTRAINT f_membership_user FOREIGN KEY (user_id) REFERENCES user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- A signed-in browser. The cookie's value is never stored, only its hash. Ends with the
-- membership it was opened in.
CREATE TABLE IF NOT EXISTS session (
  session_hash BINARY(32) NOT NULL PRIMARY KEY, -- SHA-256 of the cookie's token
  workspace_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  csrf_secret BINARY(32) NOT NULL,         -- the CSRF token is an HMAC under it
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,                 -- moved at most once a minute
  idle_expires_at BIGINT NOT NULL,         -- slides with seen_at
  expires_at BIGINT NOT NULL,              -- never moves
  ip VARCHAR(45) CHARACTER SET ascii NOT NULL DEFAULT '',
  user_agent VARCHAR(255) NOT NULL DEFAULT '',
  KEY k_member (workspace_id, user_id),
  KEY k_user (user_id),
  KEY k_expires (expires_at),
  CONSTRAINT f_session_member FOREIGN KEY (workspace_id, user_id)
    REFERENCES membership (workspace_id, user_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- A key of an API client: tts_<id><secret>, shown once, stored as a hash.
CREATE TABLE IF NOT EXISTS api_token (
  token_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  token_hash BINARY(32) NOT NULL,          -- SHA-256 of the whole token
  prefix VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- its beginning, to tell tokens apart
  workspace_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,        -- who made it; it acts with this person's role
  name VARCHAR(120) NOT NULL,
  scopes VARCHAR(255) CHARACTER SET ascii NOT NULL, -- comma-separated: read, write
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL DEFAULT 0,       -- moved at most once a minute
  revoked_at BIGINT NULL,
  UNIQUE KEY u_hash (token_hash),
  KEY k_member (workspace_id, user_id),
  CONSTRAINT f_token_member FOREIGN KEY (workspace_id, user_id)
    REFERENCES membership (workspace_id, user_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What a request with an Idempotency-Key was answered, for 24 hours. Posts have their
-- own pair of columns (post.idem_key), written in the transaction that makes the post.
CREATE TABLE IF NOT EXISTS idempotency_key (
  workspace_id BIGINT UNSIGNED NOT NULL,
  key_hash BINARY(32) NOT NULL,            -- SHA-256 of route and key
  body_hash BINARY(32) NOT NULL,           -- SHA-256 of the body: another body is refused
  status SMALLINT UNSIGNED NOT NULL DEFAULT 0, -- HTTP status answered; 0: still at work
  response MEDIUMTEXT NULL,                -- the body answered
  created_at BIGINT NOT NULL,              -- of the claim; one older than 60 s at status 0 may be taken over
  PRIMARY KEY (workspace_id, key_hash),
  KEY k_created (created_at),
  CONSTRAINT f_idempotency_workspace FOREIGN KEY (workspace_id) REFERENCES workspace (workspace_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Who did what, for the owner of the workspace. Append only.
CREATE TABLE IF NOT EXISTS audit_log (
  audit_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  workspace_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NULL,            -- NULL: the system
  token_id BIGINT UNSIGNED NULL,           -- the API token used, if any
  at BIGINT NOT NULL,
  action VARCHAR(48) CHARACTER SET ascii NOT NULL, -- e.g. session.create, account.disconnect
  object_id BIGINT UNSIGNED NULL,          -- what it was done to; the action names the kind
  ip VARCHAR(45) CHARACTER SET ascii NOT NULL DEFAULT '',
  data VARCHAR(1000) NOT NULL DEFAULT '',  -- small JSON; no secret
  KEY k_list (workspace_id, audit_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
