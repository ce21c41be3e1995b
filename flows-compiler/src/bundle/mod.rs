//! Reads and writes `.flow` bundles.
