//! What stands between the network and the handlers: origins, lockout, bearer tokens, size and concurrency caps, audit log.
//!
//! [`guard`] holds the order of the checks, one module each holds a check. Nothing here knows a resource; what a request may do
//! once it is through is said by its [`Principal`], without which no handler reaches the journal. Tokens are kept as SHA-256 and
//! never written anywhere.

mod audit;
mod body_cap;
pub mod cors;
pub mod guard;
mod lockout;
mod origin;
mod permits;
mod principal;
mod roles;
pub mod settings;
mod tokens;

pub use body_cap::{Stalled, TooLarge};
pub use guard::Security;
pub use principal::Principal;
pub use settings::Settings;

/// Where the client of a request is, for lockout and the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Client {
    Ip(std::net::IpAddr),
    /// A proxy's word that is no address, cut to 64 characters.
    Text(String),
    /// No connection is known (in-process calls).
    Unknown,
}

impl Client {
    /// Whether the request was sent from this machine.
    fn is_local(&self) -> bool {
        match self {
            Client::Ip(ip) => ip.is_loopback(),
            Client::Text(text) => text == "localhost",
            Client::Unknown => false,
        }
    }
}

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Client::Ip(ip) => ip.fmt(f),
            Client::Text(text) => text.fmt(f),
            Client::Unknown => f.write_str("unknown"),
        }
    }
}
