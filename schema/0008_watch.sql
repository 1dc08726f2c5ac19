-- Telling people in time: grants that end, posts that wait, mail about both.
ALTER TABLE account
  ADD COLUMN IF NOT EXISTS grant_warned_days SMALLINT UNSIGNED NOT NULL DEFAULT 0; -- last warning was for so many days; 0: none
ALTER TABLE notification
  ADD COLUMN IF NOT EXISTS mailed_at BIGINT NULL, -- NULL: no mail went out for it
  ADD KEY IF NOT EXISTS k_mail (mailed_at, notification_id);
