-- What TikTok tells us by itself: stored as it came, checked and applied by a publisher.

CREATE TABLE IF NOT EXISTS webhook_inbox (
  inbox_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  body_hash BINARY(32) NOT NULL,          -- SHA-256 of the raw body
  signature VARBINARY(255) NOT NULL,      -- header TikTok-Signature, as it came
  body VARBINARY(16384) NOT NULL,         -- raw: the signature is over these bytes
  state TINYINT UNSIGNED NOT NULL DEFAULT 1, -- 1 waiting 2 running 4 applied 5 refused
  next_at BIGINT NOT NULL,                -- when a publisher must look; applied, refused: MAX
  owner BIGINT UNSIGNED NOT NULL DEFAULT 0, -- publisher.inc
  fence BIGINT UNSIGNED NOT NULL DEFAULT 0, -- +1 at every claim
  crashes TINYINT UNSIGNED NOT NULL DEFAULT 0, -- publishers that died holding it
  event VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- of a body whose signature held
  reason VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- stable code, why refused or what it led to
  received_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL DEFAULT 0,
  UNIQUE KEY u_body (body_hash, signature), -- a forged signature cannot shut out the true one
  KEY k_due (next_at, inbox_id),
  KEY k_owner (owner, inbox_id),
  KEY k_ended (ended_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Whether everybody can see the post, which changes after it was published: the creator
-- makes it public or private, moderation passes or takes it down. TikTok tells.
ALTER TABLE post
  ADD COLUMN IF NOT EXISTS visibility TINYINT UNSIGNED NOT NULL DEFAULT 0, -- 0 not said 1 public 2 no longer public
  ADD COLUMN IF NOT EXISTS visibility_at BIGINT NOT NULL DEFAULT 0; -- TikTok's clock: an older word does not count

-- Replaces k_published of 0005: the numbers beside the tabs tell private from made public.
CREATE INDEX IF NOT EXISTS k_shown
  ON post (workspace_id, published_at, mode, privacy_level, visibility);
DROP INDEX IF EXISTS k_published ON post;
