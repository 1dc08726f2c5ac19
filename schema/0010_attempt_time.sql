-- After Redis has lost its memory, the calls of the last minute are read from the ledger.
CREATE INDEX IF NOT EXISTS k_created ON attempt (created_at);
