-- What has expired of a run that is kept: its oldest ledger rows and the history that nothing needs any more.

-- The first ledger row that is still there; last_seq + 1 when none is. Cursors go on counting from 1.
ALTER TABLE run_state ADD COLUMN horizon         INTEGER NOT NULL DEFAULT 1;
-- `record_hash` of the row before it, where rows are chained: what is left of the chain begins with it.
ALTER TABLE run_state ADD COLUMN horizon_hash    BLOB;
-- The first history row that is still there; history_pos + 1 when none is.
ALTER TABLE run_state ADD COLUMN history_horizon INTEGER NOT NULL DEFAULT 1;

-- Ids of commands that have been applied or refused, oldest first: what is forgotten first.
CREATE INDEX commands_applied ON commands (tenant, applied_us) WHERE applied_us IS NOT NULL;
