-- What lists of runs show, kept as it grows: a page of a list reads one small row a run, however long the ledgers are.

-- Rows that say why a command came to nothing. They are in the ledger and counted by last_seq, but they are not the run's own: a driver
-- that is at work does not know of them, and its commits are compared without them.
ALTER TABLE run_state ADD COLUMN notes      INTEGER NOT NULL DEFAULT 0;
-- Completed rows of the ledger; of those, model calls, tools that were called, and the tokens that models said they used: in, out, all.
ALTER TABLE run_state ADD COLUMN steps      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_state ADD COLUMN llm_calls  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_state ADD COLUMN tool_calls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_state ADD COLUMN tokens_in  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_state ADD COLUMN tokens_out INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_state ADD COLUMN tokens     INTEGER NOT NULL DEFAULT 0;

-- No host before this migration had models or tools.
UPDATE run_state SET steps =
  (SELECT count(*) FROM ledger l WHERE l.tenant = run_state.tenant AND l.run = run_state.run AND l.record ->> '$.status' = 'completed');

-- 1: a test of a draft, which lists leave out. Follows from the host's variables, which never change.
ALTER TABLE runs ADD COLUMN draft INTEGER GENERATED ALWAYS AS
  (json_extract(host_vars, '$._run_lifecycle.purpose') IS 'draft_test') VIRTUAL;
