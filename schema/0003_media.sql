-- The library: files that arrive (upload) and files that are there (media).

-- One file of the library. Its bytes lie in the blob store under blob_key, the thumbnail
-- beside them. tts-media claims rows in state 1 like jobs (owner, fence, next_at).
CREATE TABLE IF NOT EXISTS media (
  media_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  workspace_id BIGINT UNSIGNED NOT NULL,
  created_by BIGINT UNSIGNED NOT NULL,    -- user
  blob_key CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- [a-z2-7], random
  filename VARCHAR(255) NOT NULL,         -- as the person had it; data only
  mime VARCHAR(100) CHARACTER SET ascii NOT NULL DEFAULT '', -- as found by probing, before that as claimed
  kind TINYINT UNSIGNED NOT NULL DEFAULT 0, -- 1 video 2 photo; 0: not known yet
  state TINYINT UNSIGNED NOT NULL DEFAULT 1, -- 1 checking 2 ready 3 rejected 4 deleted
  reason VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- stable code, why rejected
  reason_msg VARCHAR(400) NOT NULL DEFAULT '', -- the measured value and the limit, in words
  bytes BIGINT NOT NULL,
  sha256 BINARY(32) NULL,
  width INT UNSIGNED NOT NULL DEFAULT 0,  -- pixels, rotation applied
  height INT UNSIGNED NOT NULL DEFAULT 0,
  duration_ms BIGINT NOT NULL DEFAULT 0,
  fps_milli INT UNSIGNED NOT NULL DEFAULT 0, -- frames per 1000 s
  container VARCHAR(32) CHARACTER SET ascii NOT NULL DEFAULT '',
  video_codec VARCHAR(32) CHARACTER SET ascii NOT NULL DEFAULT '',
  audio_codec VARCHAR(32) CHARACTER SET ascii NOT NULL DEFAULT '',
  checks TEXT NULL,                       -- JSON: one entry for each limit looked at
  has_thumb TINYINT(1) NOT NULL DEFAULT 0,
  alt_text VARCHAR(1000) NOT NULL DEFAULT '',
  next_at BIGINT NOT NULL,                -- when tts-media must look; MAX: done
  owner BIGINT UNSIGNED NOT NULL DEFAULT 0, -- publisher.inc of the tts-media at work
  lease_until BIGINT NOT NULL DEFAULT 0,
  fence BIGINT UNSIGNED NOT NULL DEFAULT 0, -- +1 at every claim
  fails SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  version INT UNSIGNED NOT NULL DEFAULT 1, -- ETag
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  deleted_at BIGINT NULL,                 -- bytes are removed after this
  UNIQUE KEY u_blob (blob_key),
  UNIQUE KEY u_workspace (workspace_id, media_id),
  KEY k_list (workspace_id, state, media_id),
  KEY k_due (next_at, media_id),
  CONSTRAINT f_media_workspace FOREIGN KEY (workspace_id) REFERENCES workspace (workspace_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- A file on its way in, by tus. The offset is the file's length; the row only repeats it.
CREATE TABLE IF NOT EXISTS upload (
  upload_id CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY, -- random; also the blob's name
  workspace_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  bytes BIGINT NOT NULL,                  -- Upload-Length
  received BIGINT NOT NULL DEFAULT 0,     -- known to be on disk
  filename VARCHAR(255) NOT NULL,
  mime VARCHAR(100) CHARACTER SET ascii NOT NULL,
  state TINYINT UNSIGNED NOT NULL DEFAULT 1, -- 1 open 2 finished 3 ended by the client 4 expired
  media_id BIGINT UNSIGNED NULL,          -- what it became
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  KEY k_workspace (workspace_id, state),
  KEY k_expires (state, expires_at),
  CONSTRAINT f_upload_member FOREIGN KEY (workspace_id, user_id)
    REFERENCES membership (workspace_id, user_id) ON DELETE CASCADE,
  CONSTRAINT f_upload_media FOREIGN KEY (workspace_id, media_id)
    REFERENCES media (workspace_id, media_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
