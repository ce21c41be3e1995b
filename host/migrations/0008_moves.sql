-- Runs that go on with another version of their workflow, and ledgers whose rows are chained.

-- When a run was moved to another component. What history has up to row `pos` was computed by the one before.
CREATE TABLE moves (
  tenant         INTEGER NOT NULL,
  run            INTEGER NOT NULL,
  seq            INTEGER NOT NULL,          -- the ledger row that tells of it
  pos            INTEGER NOT NULL,          -- the last history row before it
  from_workflow  TEXT NOT NULL,
  from_component BLOB NOT NULL,             -- SHA-256
  to_workflow    TEXT NOT NULL,
  to_component   BLOB NOT NULL,
  way            TEXT NOT NULL,             -- start, snapshot, replay: how the new component came to the run's state
  moved_us       INTEGER NOT NULL,
  PRIMARY KEY (tenant, run, seq)
) STRICT, WITHOUT ROWID;

-- `record_hash` of the run's newest row. NULL: its rows are not chained. A chain that has begun goes on.
ALTER TABLE run_state ADD COLUMN chain BLOB;
