//! Load for a gateway of the contract, ours or the reference: what the binary `load` and the benchmarks drive it with. Servers that speak
//! other HTTP are driven by plain requests in the same loops.

mod ledger;
mod plain;
mod report;
mod runs;
mod spread;
mod streams;
mod waiting;
mod work;

use std::io;
use std::net::SocketAddr;

use crate::lean::{Connection, find, request};

pub use ledger::{Pages, ledger};
pub use plain::{Asking, Call};
pub use report::Report;
pub use runs::{Client, closed, open, until};
pub use spread::Spread;
pub use streams::{Listening, listen};
pub use waiting::{Questions, Waited, answer, start};
pub use work::{Follow, Work};

/// A gateway, and what is started in it.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub token: String,
    /// The bundle whose default entrypoint is started.
    pub bundle: String,
    /// JSON.
    pub input: String,
}

impl Target {
    pub async fn connect(&self) -> io::Result<Connection> {
        Connection::open(self.address).await
    }

    /// A request for a run as bytes, to be sent many times.
    pub fn start(&self) -> Vec<u8> {
        let body = format!(r#"{{"bundle_id":"{}","input_data":{}}}"#, self.bundle, self.input);
        request("POST", "/api/gateway/runs/start", &self.token, &body)
    }

    /// A read of one page of a run: `what` is "" for the run itself, "/ledger/stream", …
    pub fn page(&self, run: &str, what: &str) -> Vec<u8> {
        request("GET", &format!("/api/gateway/runs/{run}{what}"), &self.token, "")
    }

    /// The answer to an open question of a run. `id`: of the command.
    pub fn resume(&self, run: &str, id: &str) -> Vec<u8> {
        let body = format!(
            r#"{{"command_id":"{id}","run_id":"{run}","type":"resume","payload":{{"payload":{{"response":"yes"}}}},"client_id":"load"}}"#
        );
        request("POST", "/api/gateway/commands", &self.token, &body)
    }
}

/// Sends a prepared start and reads the run's id.
async fn begin(connection: &mut Connection, start: &[u8]) -> io::Result<String> {
    let (status, body) = connection.exchange(start).await?;
    let id = run_id(body).filter(|_| status == 200).map(str::to_owned);
    id.ok_or_else(|| refused("start", status, body))
}

fn run_id(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"run_id\"")?;
    rest.split('"').nth(1)
}

fn refused(what: &str, status: u16, body: &[u8]) -> io::Error {
    io::Error::other(format!("{what}: {status} {}", String::from_utf8_lossy(body)))
}

/// Whether a run's page says that it has this status.
fn has_status(body: &[u8], status: &str) -> bool {
    find(body, format!("\"status\":\"{status}\"").as_bytes()).is_some()
        || find(body, format!("\"status\": \"{status}\"").as_bytes()).is_some()
}
