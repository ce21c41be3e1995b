-- What a bundle came to when it was compiled, so that a start of the host compiles nothing that it has compiled before. Nothing is lost with
-- a row: it is made again.
CREATE TABLE compiled (
  tenant  INTEGER NOT NULL,
  digest  BLOB NOT NULL,                    -- SHA-256 of the bundle's file, or of all members of a directory
  build   TEXT NOT NULL,                    -- of the host that compiled it, and its limits: another one compiles it anew
  outcome TEXT NOT NULL,                    -- JSON; the bundles' own
  PRIMARY KEY (tenant, digest)
) STRICT;
