//! The effects that a host knows, one group a file, each with what it asks and how its result is read.

pub mod children;
pub mod events;
pub mod files;
pub mod models;
pub mod tools;
pub mod users;
