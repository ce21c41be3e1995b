//! What stands between the network and the handlers: origins, lockout, bearer tokens, size and concurrency caps, audit log.

pub mod settings;

pub use settings::Settings;
