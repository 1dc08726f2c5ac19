-- A photo as TikTok wants it: turned, scaled, without metadata, JPEG. The original stays;
-- the rendition lies beside it in the blob store and is what the gate serves.
ALTER TABLE media
  ADD COLUMN IF NOT EXISTS has_rendition TINYINT(1) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS rendition_bytes BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS rendition_width INT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS rendition_height INT UNSIGNED NOT NULL DEFAULT 0;
