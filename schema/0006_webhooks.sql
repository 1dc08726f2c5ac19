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
  fails SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  event VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- of a body whose signature held
  reason VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- stable code, why refused or what it led to
  received_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL DEFAULT 0,
  UNIQUE KEY u_body (body_hash, signature), -- a forged signature cannot shut out the true one
  KEY k_due (next_at, inbox_id),
  KEY k_ended (ended_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
