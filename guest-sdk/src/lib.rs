//! Write durable workflows in async Rust.
