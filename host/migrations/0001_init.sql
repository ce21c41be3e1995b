-- The journal's database. Only the journal's writer changes it.
--
-- * Every primary and unique key starts with the tenant, so that one tenant's names can never meet another's.
-- * Times are integers: microseconds since 1970, UTC. ISO text exists only inside the records that clients get.
-- * JSON columns hold text exactly as it came from a flow or a client; nothing here parses it.
-- * auto_vacuum=INCREMENTAL, the page size and WAL are set by the connection that creates the file: they must precede the
--   first table and cannot be set inside a migration's transaction.
-- * WITHOUT ROWID: the primary key is the table, so a run's rows lie together and no second tree is kept for the key.

-- Who owns rows. There is always `local`, the tenant of the shared token.
CREATE TABLE tenants (
  tenant INTEGER PRIMARY KEY,
  name   TEXT NOT NULL                      -- the tenant_id on the wire
) STRICT;
INSERT INTO tenants (tenant, name) VALUES (1, 'local');

-- What a run is: written once, at its start.
CREATE TABLE runs (
  tenant      INTEGER NOT NULL REFERENCES tenants (tenant),
  run         INTEGER NOT NULL,             -- the key inside; ascending in the order of starts, so new rows append
  run_id      TEXT NOT NULL,                -- the name outside
  workflow_id TEXT NOT NULL,
  component   BLOB NOT NULL,                -- SHA-256 of the component that the run is pinned to
  entry       TEXT NOT NULL,                -- entry node within the component
  input       TEXT NOT NULL,                -- JSON object: the start input as it came
  host_vars   TEXT NOT NULL,                -- JSON object: the variables that belong to the host
  session_id  TEXT,                         -- NULL: the run is its own session (most are; saves an index entry)
  actor_id    TEXT,
  parent      INTEGER,                      -- key of the run that this one belongs to
  listener    INTEGER NOT NULL,             -- 1: started together with its parent to wait for events
  created_us  INTEGER NOT NULL,
  PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX runs_id ON runs (tenant, run_id);
CREATE INDEX runs_parent ON runs (tenant, parent) WHERE parent IS NOT NULL;            -- trees: pause, cancel, resume
CREATE INDEX runs_session ON runs (tenant, session_id) WHERE session_id IS NOT NULL;   -- lists of a session
CREATE INDEX runs_workflow ON runs (tenant, workflow_id);                              -- lists of a workflow

-- Where a run stands: one small row, rewritten by every commit that moves the run. Apart from `runs` so that a commit does not
-- copy the input each time.
CREATE TABLE run_state (
  tenant         INTEGER NOT NULL,
  run            INTEGER NOT NULL,
  status         TEXT NOT NULL,             -- running, waiting, completed, failed, cancelled
  node           TEXT,                      -- current node
  waiting        TEXT,                      -- JSON of the wait that clients are shown, while waiting
  output         TEXT,                      -- JSON of a completed run's output
  error          TEXT,
  updated_us     INTEGER NOT NULL,
  epoch          INTEGER NOT NULL,          -- raised by pause and cancel: a driver of an older epoch is refused
  last_seq       INTEGER NOT NULL,          -- ledger rows so far; the next has this + 1
  last_us        INTEGER NOT NULL,          -- time of the last row or change; the run's next time is later
  history_pos    INTEGER NOT NULL,          -- commits recorded in `history`
  inbox_end      INTEGER NOT NULL,          -- outcomes ever put into the inbox
  inbox_consumed INTEGER NOT NULL,          -- of those, how many the flow has been told
  calls          TEXT,                      -- JSON list of external effects in flight
  paused         INTEGER NOT NULL,
  pausing        INTEGER NOT NULL,          -- 1: it ran when it was paused and shows the pause itself as its wait
  pause_reason   TEXT,
  paused_us      INTEGER,                   -- survives a resume, as clients expect
  resumed_us     INTEGER,
  unarmed        INTEGER NOT NULL,          -- listeners of this run that have not come to their first wait; the run starts after them
  arming         INTEGER NOT NULL,          -- 1: a listener that has not come to its first wait
  watched        INTEGER NOT NULL,          -- who waits for this run's end: 0 nobody, 1 its parent at most, 2 look them up
  PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_state_updated ON run_state (tenant, updated_us);                      -- lists, newest first
CREATE INDEX run_state_status ON run_state (tenant, status, updated_us);               -- lists by status; what to drive at boot
CREATE INDEX run_state_unarmed ON run_state (tenant, run) WHERE unarmed > 0;           -- sessions whose events must wait

-- What clients see of a run: StepRecords as JSON text, numbered from 1 without gaps.
CREATE TABLE ledger (
  tenant INTEGER NOT NULL,
  run    INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, run, seq)
) STRICT, WITHOUT ROWID;

-- What replay reads and nobody else. One row a commit, holding the ticks of that commit as a JSON list: they became durable
-- together, so they are stored together.
CREATE TABLE history (
  tenant INTEGER NOT NULL,
  run    INTEGER NOT NULL,
  pos    INTEGER NOT NULL,                  -- from 1
  ticks  TEXT NOT NULL,
  PRIMARY KEY (tenant, run, pos)
) STRICT, WITHOUT ROWID;

-- A flow's state at its last snapshot. Apart from `run_state` because it may be large and changes less often.
CREATE TABLE snapshots (
  tenant INTEGER NOT NULL,
  run    INTEGER NOT NULL,
  pos    INTEGER NOT NULL,                  -- the history row after whose ticks it was taken
  state  BLOB NOT NULL,
  PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;

-- Outcomes that a flow has still to be told, in order. Removed when consumed: history keeps them.
CREATE TABLE inbox (
  tenant    INTEGER NOT NULL,
  run       INTEGER NOT NULL,
  pos       INTEGER NOT NULL,               -- from 1, in order of arrival
  effect_id INTEGER NOT NULL,
  outcome   TEXT NOT NULL,                  -- JSON: {"completed":…}, "elapsed" or {"failed":"…"}
  PRIMARY KEY (tenant, run, pos)
) STRICT, WITHOUT ROWID;

-- Open waits. A row goes when its wait is answered, replaced or given up.
CREATE TABLE waits (
  tenant    INTEGER NOT NULL,
  run       INTEGER NOT NULL,
  effect_id INTEGER NOT NULL,               -- to which the answer is given
  ord       INTEGER NOT NULL,               -- order in which waits began, over all runs
  reason    TEXT NOT NULL,                  -- event, until, user, job, subworkflow
  wait_key  TEXT,
  until_us  INTEGER,                        -- due time of a timed wait
  armed     INTEGER NOT NULL,               -- 0 while the run is paused: nothing matches it and its timer rests
  claimed   INTEGER,                        -- an event that is on its way to it (see deliveries); no other event may take it
  wait      TEXT NOT NULL,                  -- JSON of the nine fields
  PRIMARY KEY (tenant, run, effect_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX waits_key ON waits (tenant, wait_key, ord) WHERE wait_key IS NOT NULL;
CREATE INDEX waits_due ON waits (until_us) WHERE until_us IS NOT NULL AND armed = 1;
CREATE INDEX waits_claimed ON waits (claimed, ord) WHERE claimed IS NOT NULL;

-- Events with more listeners than one commit wakes. The listeners are claimed in the emitting commit and woken by the next ones.
CREATE TABLE deliveries (
  tenant   INTEGER NOT NULL,
  delivery INTEGER NOT NULL,
  envelope TEXT NOT NULL,                   -- JSON that the listeners get
  PRIMARY KEY (tenant, delivery)
) STRICT, WITHOUT ROWID;

-- Commands of clients. The id makes a command happen once; the row stays to say what became of it.
CREATE TABLE commands (
  tenant     INTEGER NOT NULL,
  command_id TEXT NOT NULL,
  seq        INTEGER NOT NULL,              -- order of arrival, over all tenants
  run_id     TEXT NOT NULL,                 -- as given: it need not exist
  kind       TEXT NOT NULL,
  payload    TEXT NOT NULL,                 -- JSON object
  ts         TEXT NOT NULL,                 -- the client's, else the time of arrival
  client_id  TEXT,
  horizon    INTEGER NOT NULL,              -- newest run at arrival: an event waits for listeners of starts up to it, not later ones
  state      TEXT NOT NULL,                 -- pending, applied, failed
  reason     TEXT,                          -- why it failed
  applied_us INTEGER,
  PRIMARY KEY (tenant, command_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX commands_seq ON commands (seq);
CREATE INDEX commands_pending ON commands (seq) WHERE state = 'pending';

-- Bytes by their content: bundle files, components, runtimes.
CREATE TABLE blobs (
  tenant INTEGER NOT NULL,
  digest BLOB NOT NULL,                     -- SHA-256 of bytes
  bytes  BLOB NOT NULL,
  PRIMARY KEY (tenant, digest)
) STRICT;

-- Installed bundles. The file is a blob.
CREATE TABLE bundles (
  tenant         INTEGER NOT NULL,
  bundle_id      TEXT NOT NULL,
  bundle_version TEXT NOT NULL,
  digest         BLOB NOT NULL,
  installed_us   INTEGER NOT NULL,
  PRIMARY KEY (tenant, bundle_id, bundle_version)
) STRICT, WITHOUT ROWID;

-- Components that runs are pinned to, with the flow-rt core module each is linked with. Both are blobs; neither is removed while
-- a run refers to it.
CREATE TABLE components (
  tenant  INTEGER NOT NULL,
  digest  BLOB NOT NULL,
  runtime BLOB,                             -- SHA-256 of its flow-rt; NULL: it stands alone
  PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;
