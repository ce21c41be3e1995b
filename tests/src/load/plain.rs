//! Servers that do not speak the contract: what is asked of them, as plain requests.

use std::net::SocketAddr;

use crate::lean::plain;

/// A request that is answered when the run it stands for has ended.
#[derive(Debug, Clone)]
pub struct Call {
    pub address: SocketAddr,
    pub path: String,
    /// Lines `name: value`.
    pub headers: Vec<String>,
    /// JSON.
    pub body: String,
}

impl Call {
    pub fn request(&self) -> Vec<u8> {
        plain("POST", &self.path, &self.headers, &self.body)
    }
}

/// Runs that wait for a person, each named by a text that its client chooses. `{run}` in a path stands for the name.
#[derive(Debug, Clone)]
pub struct Asking {
    pub address: SocketAddr,
    /// POST with an empty object: accepts the run.
    pub start: String,
    /// POST: answers `true` once the run waits.
    pub asked: String,
    /// POST with a text: takes the answer to its question.
    pub answer: String,
    /// GET: answered when the run has ended.
    pub ended: String,
}

impl Asking {
    pub(super) fn start(&self, run: &str) -> Vec<u8> {
        post(&self.start, run, "{}")
    }

    pub(super) fn asked(&self, run: &str) -> Vec<u8> {
        post(&self.asked, run, "{}")
    }

    pub(super) fn answer(&self, run: &str) -> Vec<u8> {
        post(&self.answer, run, r#""yes""#)
    }

    pub(super) fn ended(&self, run: &str) -> Vec<u8> {
        plain("GET", &named(&self.ended, run), &[], "")
    }
}

fn post(path: &str, run: &str, body: &str) -> Vec<u8> {
    plain("POST", &named(path, run), &[], body)
}

fn named(path: &str, run: &str) -> String {
    path.replace("{run}", run)
}
