-- Artifacts in the order they were made, for lists over all runs: a page reads its own rows and no others.
CREATE INDEX artifacts_created ON artifacts (tenant, created_us, artifact_id);
