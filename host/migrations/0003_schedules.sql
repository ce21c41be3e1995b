-- Workflows that the host makes, what schedules change while they run, and workflows that are not to be started any more.

-- Workflows that belong to no bundle: the wrapper of each schedule. Written with the run that it was made for, never changed.
CREATE TABLE dynamic_workflows (
  tenant      INTEGER NOT NULL,
  workflow_id TEXT NOT NULL,                -- scheduled:<uuid4>
  document    TEXT NOT NULL,                -- JSON: the VisualFlow document that the component was compiled from
  component   BLOB NOT NULL,                -- SHA-256
  entry       TEXT NOT NULL,                -- entry node within the component
  created_us  INTEGER NOT NULL,
  PRIMARY KEY (tenant, workflow_id)
) STRICT, WITHOUT ROWID;

-- What has changed of a run's host variables since its start. Apart from `runs`, which is written once, and small: most runs have none.
-- Each tick's history holds the patch that the tick was told, so that a replay tells the same.
CREATE TABLE host_patches (
  tenant INTEGER NOT NULL,
  run    INTEGER NOT NULL,
  patch  TEXT NOT NULL,                     -- JSON merge patch (RFC 7396) of runs.host_vars
  PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;

-- Workflows that are not to be started any more. What runs goes on.
CREATE TABLE deprecations (
  tenant        INTEGER NOT NULL,
  bundle_id     TEXT NOT NULL,
  flow_id       TEXT NOT NULL,              -- '*': every flow of the bundle that has no row of its own
  reason        TEXT,
  deprecated_us INTEGER NOT NULL,
  PRIMARY KEY (tenant, bundle_id, flow_id)
) STRICT, WITHOUT ROWID;
