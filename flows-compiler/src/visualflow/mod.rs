//! Parses VisualFlow documents.
