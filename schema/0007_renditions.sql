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
