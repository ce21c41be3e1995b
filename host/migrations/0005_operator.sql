-- For operators and several processes: how many runs there are, whether the disk takes a commit, whether bundles have changed.

-- Runs of a tenant by status, kept by the triggers below, so that counting them never reads the runs.
CREATE TABLE run_counts (
  tenant INTEGER NOT NULL,
  status TEXT NOT NULL,
  runs   INTEGER NOT NULL,
  PRIMARY KEY (tenant, status)
) STRICT, WITHOUT ROWID;
INSERT INTO run_counts (tenant, status, runs) SELECT tenant, status, count(*) FROM run_state GROUP BY tenant, status;

CREATE TRIGGER run_counts_made AFTER INSERT ON run_state BEGIN
  INSERT INTO run_counts (tenant, status, runs) VALUES (new.tenant, new.status, 1)
    ON CONFLICT (tenant, status) DO UPDATE SET runs = runs + 1;
END;
CREATE TRIGGER run_counts_moved AFTER UPDATE OF status ON run_state WHEN old.status <> new.status BEGIN
  UPDATE run_counts SET runs = runs - 1 WHERE tenant = old.tenant AND status = old.status;
  INSERT INTO run_counts (tenant, status, runs) VALUES (new.tenant, new.status, 1)
    ON CONFLICT (tenant, status) DO UPDATE SET runs = runs + 1;
END;
CREATE TRIGGER run_counts_gone AFTER DELETE ON run_state BEGIN
  UPDATE run_counts SET runs = runs - 1 WHERE tenant = old.tenant AND status = old.status;
END;

-- One row that is rewritten to see whether a commit reaches the disk.
CREATE TABLE probe (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  at_us INTEGER NOT NULL                    -- of the last probe
) STRICT;

-- Changes of what a tenant has installed, so that every process can tell whether its bundles are the newest. Reloads count, too.
CREATE TABLE bundle_changes (
  tenant  INTEGER PRIMARY KEY,
  changes INTEGER NOT NULL
) STRICT;
CREATE TRIGGER bundle_changes_made AFTER INSERT ON bundles BEGIN
  INSERT INTO bundle_changes (tenant, changes) VALUES (new.tenant, 1) ON CONFLICT (tenant) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER bundle_changes_moved AFTER UPDATE ON bundles BEGIN
  INSERT INTO bundle_changes (tenant, changes) VALUES (new.tenant, 1) ON CONFLICT (tenant) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER bundle_changes_gone AFTER DELETE ON bundles BEGIN
  INSERT INTO bundle_changes (tenant, changes) VALUES (old.tenant, 1) ON CONFLICT (tenant) DO UPDATE SET changes = changes + 1;
END;
