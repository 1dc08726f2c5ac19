-- Repairs: a video made anew within TikTok's limits. The original stays; the result is a
-- medium of its own. tts-media claims rows in state 1 like files (owner, fence, next_at).
CREATE TABLE IF NOT EXISTS repair (
  media_id BIGINT UNSIGNED NOT NULL PRIMARY KEY, -- what is repaired
  workspace_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,       -- who wished it
  by_token TINYINT(1) NOT NULL DEFAULT 0,
  state TINYINT UNSIGNED NOT NULL DEFAULT 1, -- 1 under way 2 done 3 failed 4 canceled
  blob_key CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '', -- of the result, another at every claim
  reserved BIGINT NOT NULL,               -- bytes that the result may have: they count as taken
  permille SMALLINT UNSIGNED NOT NULL DEFAULT 0, -- how far it is
  result_id BIGINT UNSIGNED NULL,         -- medium
  reason VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- stable code, why failed
  reason_msg VARCHAR(240) CHARACTER SET ascii NOT NULL DEFAULT '',
  next_at BIGINT NOT NULL,                -- when tts-media must look; MAX: done
  owner BIGINT UNSIGNED NOT NULL DEFAULT 0,
  fence BIGINT UNSIGNED NOT NULL DEFAULT 0, -- +1 at every claim
  fails SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  KEY k_due (next_at, media_id),
  KEY k_workspace (workspace_id, state),
  KEY k_blob (blob_key),
  CONSTRAINT f_repair_media FOREIGN KEY (workspace_id, media_id)
    REFERENCES media (workspace_id, media_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

ALTER TABLE media
  -- degrees that a video asks to be turned by when it is shown
  ADD COLUMN IF NOT EXISTS rotation SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  -- the medium that this one was made of
  ADD COLUMN IF NOT EXISTS repaired_from BIGINT UNSIGNED NULL;
