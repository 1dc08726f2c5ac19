-- The numbers beside the dashboard's tabs. What was published is most of what a workspace
-- has, and whether it is public, private or in an inbox stands in post: this index answers
-- from itself what else would look at every one of these rows.
CREATE INDEX IF NOT EXISTS k_published
  ON post (workspace_id, published_at, mode, privacy_level);
