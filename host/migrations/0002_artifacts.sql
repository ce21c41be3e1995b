-- Artifacts: bytes that a run or a client keeps, under a name. The bytes are files named by their content (module `blobs`), written
-- before the row that names them: a row always has its bytes; bytes without a row are waste and are swept.

CREATE TABLE artifacts (
  tenant        INTEGER NOT NULL REFERENCES tenants (tenant),
  run_id        TEXT NOT NULL,              -- whose it is, by name; a session's own are those of its `session_memory_…` run
  artifact_id   TEXT NOT NULL,
  digest        BLOB NOT NULL,              -- SHA-256 of the bytes
  size          INTEGER NOT NULL,
  content_type  TEXT NOT NULL,
  tags          TEXT NOT NULL,              -- JSON object of texts, in the order given
  semantic_kind TEXT NOT NULL,              -- what it is, how it is shown, what senses it is for: from content type and tags, for searches
  render_kind   TEXT NOT NULL,
  modality      TEXT NOT NULL,
  session_id    TEXT,                       -- the tags of these names, for searches
  workflow_id   TEXT,
  node_id       TEXT,
  created_us    INTEGER NOT NULL,
  PRIMARY KEY (tenant, run_id, artifact_id)
) STRICT, WITHOUT ROWID;
-- Every start makes one workflow snapshot; they are found by their run and cost no further index.
CREATE INDEX artifacts_id ON artifacts (tenant, artifact_id) WHERE semantic_kind <> 'workflow_snapshot';
CREATE INDEX artifacts_session ON artifacts (tenant, session_id) WHERE session_id IS NOT NULL;

-- How often artifacts were looked at, and when last. Apart from `artifacts`, whose rows do not change with it.
CREATE TABLE artifact_access (
  tenant      INTEGER NOT NULL,
  run_id      TEXT NOT NULL,
  artifact_id TEXT NOT NULL,
  metadata    INTEGER NOT NULL,             -- looks at what it is
  content     INTEGER NOT NULL,             -- looks at the bytes
  preview     INTEGER NOT NULL,
  download    INTEGER NOT NULL,
  last_us     INTEGER NOT NULL,
  last_action TEXT NOT NULL,                -- metadata, content, preview, download
  last_actor  TEXT,
  PRIMARY KEY (tenant, run_id, artifact_id)
) STRICT, WITHOUT ROWID;
