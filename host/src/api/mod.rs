//! The gateway's HTTP contract: every answer a client gets is made here, from what the journal has committed.
//!
//! A handler reads as its contract: it takes a [`Principal`](crate::security::Principal) (and with it the tenant), checks its
//! inputs, asks the journal or the [`Workflows`] and shapes the answer. No handler runs a flow or touches the database.

pub mod workflows;

pub use workflows::Workflows;
