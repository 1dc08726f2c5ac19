-- A photo as TikTok wants it: turned, scaled, without metadata, JPEG. The original stays;
-- the rendition lies beside it in the blob store and is what the gate serves. A photo
-- that is a clean JPEG within the limits has none and is served itself.
ALTER TABLE media
  ADD COLUMN IF NOT EXISTS has_rendition TINYINT(1) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS rendition_bytes BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS rendition_width INT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS rendition_height INT UNSIGNED NOT NULL DEFAULT 0,
  -- the film strip of a video lies beside it too; 0: it has none
  ADD COLUMN IF NOT EXISTS strip_frames SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  -- the same bytes twice in one library
  ADD KEY IF NOT EXISTS k_content (workspace_id, sha256, media_id);

-- Words by which people find files again. Upper and lower case are the same.
CREATE TABLE IF NOT EXISTS media_tag (
  workspace_id BIGINT UNSIGNED NOT NULL,
  media_id BIGINT UNSIGNED NOT NULL,
  tag VARCHAR(40) NOT NULL,
  PRIMARY KEY (workspace_id, media_id, tag),
  KEY k_tag (workspace_id, tag, media_id),
  CONSTRAINT f_tag_media FOREIGN KEY (workspace_id, media_id)
    REFERENCES media (workspace_id, media_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
