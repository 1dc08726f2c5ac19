-- Which DEAD attempts are dead with proof: TikTok has said so, its upload address was past
-- all use, or its gate was closed in time. The others (superseded, edited, canceled, given
-- up) were never granted, as far as this database remembers; when the witness in Redis
-- names one of them, it may have forgotten, and the session may be out.
ALTER TABLE attempt ADD COLUMN IF NOT EXISTS
  proven TINYINT(1) NOT NULL DEFAULT 0 AFTER reason;
