-- What each tenant keeps in bytes, counted as rows are written and removed, so that a limit can be looked at without a scan. Counted are
-- texts and blobs that grow with what a tenant does; keys, indexes and rows of fixed size are not.
CREATE TABLE storage (
  tenant INTEGER PRIMARY KEY,
  bytes  INTEGER NOT NULL
) STRICT;

-- The writer itself adds the rows of `runs`, `ledger`, `history` and `commands` that a commit writes, as one sum. The triggers do the rest:
-- what is written seldom, what replaces something, and whatever is removed.
INSERT INTO storage (tenant, bytes)
SELECT tenant, sum(bytes) FROM (
            SELECT tenant, octet_length(input) + octet_length(host_vars) AS bytes FROM runs
  UNION ALL SELECT tenant, octet_length(record) FROM ledger
  UNION ALL SELECT tenant, octet_length(ticks) FROM history
  UNION ALL SELECT tenant, octet_length(payload) FROM commands
  UNION ALL SELECT tenant, octet_length(output) FROM run_state WHERE output IS NOT NULL
  UNION ALL SELECT tenant, octet_length(state) FROM snapshots
  UNION ALL SELECT tenant, octet_length(bytes) FROM blobs
  UNION ALL SELECT tenant, size FROM artifacts WHERE semantic_kind <> 'workflow_snapshot'
) GROUP BY tenant;

CREATE TRIGGER storage_runs_gone AFTER DELETE ON runs BEGIN
  UPDATE storage SET bytes = bytes - octet_length(old.input) - octet_length(old.host_vars) WHERE tenant = old.tenant;
END;
CREATE TRIGGER storage_ledger_gone AFTER DELETE ON ledger BEGIN
  UPDATE storage SET bytes = bytes - octet_length(old.record) WHERE tenant = old.tenant;
END;
CREATE TRIGGER storage_history_gone AFTER DELETE ON history BEGIN
  UPDATE storage SET bytes = bytes - octet_length(old.ticks) WHERE tenant = old.tenant;
END;
CREATE TRIGGER storage_commands_gone AFTER DELETE ON commands BEGIN
  UPDATE storage SET bytes = bytes - octet_length(old.payload) WHERE tenant = old.tenant;
END;

-- An output is written once, when the run ends; the row before and after it is rewritten without change to it.
CREATE TRIGGER storage_output_made AFTER INSERT ON run_state WHEN new.output IS NOT NULL BEGIN
  INSERT INTO storage (tenant, bytes) VALUES (new.tenant, octet_length(new.output))
    ON CONFLICT (tenant) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER storage_output_moved AFTER UPDATE OF output ON run_state WHEN old.output IS NOT new.output BEGIN
  INSERT INTO storage (tenant, bytes) VALUES (new.tenant, coalesce(octet_length(new.output), 0) - coalesce(octet_length(old.output), 0))
    ON CONFLICT (tenant) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER storage_output_gone AFTER DELETE ON run_state WHEN old.output IS NOT NULL BEGIN
  UPDATE storage SET bytes = bytes - octet_length(old.output) WHERE tenant = old.tenant;
END;

CREATE TRIGGER storage_snapshots_made AFTER INSERT ON snapshots BEGIN
  INSERT INTO storage (tenant, bytes) VALUES (new.tenant, octet_length(new.state))
    ON CONFLICT (tenant) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER storage_snapshots_moved AFTER UPDATE OF state ON snapshots WHEN octet_length(old.state) <> octet_length(new.state) BEGIN
  UPDATE storage SET bytes = bytes + octet_length(new.state) - octet_length(old.state) WHERE tenant = new.tenant;
END;
CREATE TRIGGER storage_snapshots_gone AFTER DELETE ON snapshots BEGIN
  UPDATE storage SET bytes = bytes - octet_length(old.state) WHERE tenant = old.tenant;
END;

CREATE TRIGGER storage_blobs_made AFTER INSERT ON blobs BEGIN
  INSERT INTO storage (tenant, bytes) VALUES (new.tenant, octet_length(new.bytes))
    ON CONFLICT (tenant) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER storage_blobs_gone AFTER DELETE ON blobs BEGIN
  UPDATE storage SET bytes = bytes - octet_length(old.bytes) WHERE tenant = old.tenant;
END;

-- Each artifact counts with its size, also when another has the same bytes; the snapshots that every start makes of its workflow share theirs.
CREATE TRIGGER storage_artifacts_made AFTER INSERT ON artifacts WHEN new.semantic_kind <> 'workflow_snapshot' BEGIN
  INSERT INTO storage (tenant, bytes) VALUES (new.tenant, new.size)
    ON CONFLICT (tenant) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER storage_artifacts_gone AFTER DELETE ON artifacts WHEN old.semantic_kind <> 'workflow_snapshot' BEGIN
  UPDATE storage SET bytes = bytes - old.size WHERE tenant = old.tenant;
END;
