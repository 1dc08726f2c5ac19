-- Limits of TikTok that hold an account up, grants that end, what people are told of it
-- and mail about it, and what publishers count.

-- account.blocked_until (0002) is when any post of it may go out again, drafts_until when
-- drafts for the inbox may. Both are set by a publisher and pass by themselves.
ALTER TABLE account
  ADD COLUMN IF NOT EXISTS blocked_reason VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '', -- stable code
  ADD COLUMN IF NOT EXISTS drafts_until BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS pauses SMALLINT UNSIGNED NOT NULL DEFAULT 0, -- in a row: each is longer
  ADD COLUMN IF NOT EXISTS paused_at BIGINT NOT NULL DEFAULT 0, -- when the last one began
  ADD COLUMN IF NOT EXISTS daily_cap SMALLINT UNSIGNED NOT NULL DEFAULT 0, -- learned: direct posts in 24 h; 0: not known
  ADD COLUMN IF NOT EXISTS daily_cap_at BIGINT NOT NULL DEFAULT 0, -- when; it is forgotten after a week
  ADD COLUMN IF NOT EXISTS grant_warned_days SMALLINT UNSIGNED NOT NULL DEFAULT 0; -- last warning was for so many days; 0: none

-- A limit moved the post to here: the person's patience counts from then.
ALTER TABLE job
  ADD COLUMN IF NOT EXISTS limited_until BIGINT NOT NULL DEFAULT 0;

-- When an attempt passed its grant: what TikTok's caps of 24 h are counted from.
ALTER TABLE attempt
  ADD COLUMN IF NOT EXISTS granted_at BIGINT NOT NULL DEFAULT 0;

-- What a process says of itself with every heartbeat.
ALTER TABLE publisher
  ADD COLUMN IF NOT EXISTS paused_until BIGINT NOT NULL DEFAULT 0, -- it opens no session at TikTok before
  ADD COLUMN IF NOT EXISTS pause_reason VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS counters TEXT NOT NULL DEFAULT ''; -- "name value" a line, since its start

-- cause names what a notification is about: what has the same cause is told once.
ALTER TABLE notification
  ADD COLUMN IF NOT EXISTS cause VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN IF NOT EXISTS mailed_at BIGINT NULL, -- NULL: mail about it was not queued yet
  ADD UNIQUE KEY IF NOT EXISTS u_cause (workspace_id, cause),
  ADD KEY IF NOT EXISTS k_mail (mailed_at, notification_id),
  ADD KEY IF NOT EXISTS k_age (created_at);

-- How far a person has read.
CREATE TABLE IF NOT EXISTS notification_read (
  workspace_id BIGINT UNSIGNED NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  upto BIGINT UNSIGNED NOT NULL,           -- notification_id
  PRIMARY KEY (workspace_id, user_id),
  CONSTRAINT f_read_member FOREIGN KEY (workspace_id, user_id)
    REFERENCES membership (workspace_id, user_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

ALTER TABLE user
  ADD COLUMN IF NOT EXISTS mail_on TINYINT(1) NOT NULL DEFAULT 1; -- wants notifications by mail
