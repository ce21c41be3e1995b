-- What components that were not compiled here say of themselves: asked once, when their bundle is installed, since asking takes native
-- code.
CREATE TABLE descriptions (
  tenant      INTEGER NOT NULL,
  digest      BLOB NOT NULL,                -- SHA-256 of the component
  description TEXT NOT NULL,                -- JSON; the bundles' own
  PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;
