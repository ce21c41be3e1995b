//! Split mode: the processes of one database wake each other.
//!
//! The API process tells the runner that it has inserted something; the runner tells the API processes which runs have moved. Both by
//! datagrams between sockets in the database's directory: no connection to keep, nothing to clean up after a crash, no wait. A
//! datagram is a hint: what is true is in the database, and a slow look every few seconds makes up for one that was lost.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::net::UnixDatagram;

use super::options::Role;
use crate::ids::{RunKey, RunRef, TenantId};

/// How often to look without having been told.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// An API process that has not said hello for so long is gone.
const FORGET_AFTER: Duration = Duration::from_secs(20);
/// Run references in one datagram.
const RUNS_AT_ONCE: usize = 256;
/// More runs than this in one commit: "everything".
const RUNS_AT_MOST: usize = 2048;

const RUNNER: &str = "gateway_runner.sock";
const LOOK: u8 = b'l';
const HELLO: u8 = b'h';
const RUNS: u8 = b'r';
const EVERYTHING: u8 = b'*';

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Another process has written: look at the database.
    Look,
    /// These runs have moved.
    Runs(Vec<RunRef>),
    /// Any run may have moved.
    Everything,
}

/// This process's socket and whom it talks to. Owned by the service.
#[derive(Debug)]
pub(crate) struct Nudge {
    role: Role,
    dir: PathBuf,
    /// None where a socket cannot be made (a path that is too long, a file system without sockets): then only the slow look is left.
    socket: Option<UnixDatagram>,
    /// What is sent goes out here: without tokio, whose sockets are not writable before the reactor has seen them.
    out: Option<std::os::unix::net::UnixDatagram>,
    /// File name of `socket`.
    own: String,
    /// Which file that is.
    inode: Option<u64>,
    /// The API processes that a runner knows of.
    peers: HashMap<String, Peer>,
    next_look: Instant,
}

#[derive(Debug)]
struct Peer {
    heard: Instant,
    /// A datagram to it was dropped: it has to be told of everything.
    missed: bool,
}

impl Nudge {
    pub(crate) fn open(dir: &Path, role: Role) -> Self {
        let own = match role {
            Role::Runner => RUNNER.to_owned(),
            Role::Api => format!("gateway_api.{}.{}.sock", std::process::id(), uuid::Uuid::new_v4().simple()),
        };
        let path = dir.join(&own);
        // Left by a process that died; the runner's lock says that no other one lives.
        let _absent = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path)
            .inspect_err(
                |error| tracing::warn!(path = %path.display(), %error, "no socket between processes; they look every 5 s"),
            )
            .ok();
        let out = std::os::unix::net::UnixDatagram::unbound()
            .and_then(|out| out.set_nonblocking(true).map(|()| out))
            .ok();
        let next_look = Instant::now() + LOOK_EVERY;
        let nudge = Nudge {
            role,
            dir: dir.to_owned(),
            inode: inode(&path),
            socket,
            out,
            own,
            peers: HashMap::new(),
            next_look,
        };
        nudge.hello();
        nudge
    }

    /// True: it arrived, or nobody is there.
    fn send(&self, to: &str, message: &[u8]) -> bool {
        match &self.out {
            Some(out) => !matches!(
                out.send_to(message, self.dir.join(to)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock
            ),
            None => true,
        }
    }

    /// An API process makes itself known to the runner.
    fn hello(&self) {
        if self.role == Role::Api {
            let message = [&[HELLO], self.own.as_bytes()].concat();
            self.send(RUNNER, &message);
        }
    }

    /// After a commit: whether it served anybody, and the runs that it moved.
    pub(crate) fn committed(&mut self, asked: bool, runs: &[RunRef]) {
        if self.role == Role::Api {
            if asked {
                // If the runner's queue is full, it is about to look anyway.
                self.send(RUNNER, &[LOOK]);
            }
            return;
        }
        if self.peers.is_empty() || runs.is_empty() {
            return;
        }
        self.peers.retain(|_, peer| peer.heard.elapsed() < FORGET_AFTER);
        let messages: Vec<Vec<u8>> = if runs.len() > RUNS_AT_MOST {
            vec![vec![EVERYTHING]]
        } else {
            encode(runs)
        };
        let mut missed = Vec::new();
        for (name, peer) in &self.peers {
            let arrived = if peer.missed {
                self.send(name, &[EVERYTHING])
            } else {
                messages.iter().all(|m| self.send(name, m))
            };
            missed.push((name.clone(), !arrived));
        }
        for (name, missed) in missed {
            if let Some(peer) = self.peers.get_mut(&name) {
                peer.missed = missed;
            }
        }
    }

    /// The next thing to hear of. Cancel safe.
    pub(crate) async fn heard(&mut self) -> Heard {
        let mut buffer = [0; 1 + 16 * RUNS_AT_ONCE];
        loop {
            let look = tokio::time::Instant::from_std(self.next_look);
            let datagram = async {
                match &self.socket {
                    Some(socket) => socket.recv(&mut buffer).await,
                    None => std::future::pending().await,
                }
            };
            let length = tokio::select! {
                received = datagram => match received {
                    Ok(length) => length,
                    Err(error) => {
                        tracing::warn!(%error, "the socket between processes has failed; they look every 5 s");
                        self.socket = None;
                        continue;
                    }
                },
                () = tokio::time::sleep_until(look) => {
                    self.next_look = Instant::now() + LOOK_EVERY;
                    self.hello();
                    return if self.role == Role::Runner { Heard::Look } else { Heard::Everything };
                }
            };
            let message = buffer.get(..length).unwrap_or_default();
            match message.split_first() {
                Some((&LOOK, _)) => return Heard::Look,
                Some((&EVERYTHING, _)) => return Heard::Everything,
                Some((&RUNS, runs)) => return Heard::Runs(decode(runs)),
                Some((&HELLO, name)) => {
                    // Only names as API processes choose them: the datagram must not lead out of the directory.
                    if let Ok(name) = std::str::from_utf8(name)
                        && name.starts_with("gateway_api.")
                        && !name.contains('/')
                    {
                        self.peers.insert(
                            name.to_owned(),
                            Peer {
                                heard: Instant::now(),
                                missed: true,
                            },
                        );
                    }
                }
                _ => {}
            }
        }
    }
}

impl Drop for Nudge {
    fn drop(&mut self) {
        // A runner that was deposed finds its successor's in its place.
        if self.socket.is_some() && self.inode.is_some() && self.inode == inode(&self.dir.join(&self.own)) {
            let _absent = std::fs::remove_file(self.dir.join(&self.own));
        }
    }
}

fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path).ok().map(|found| found.ino())
}

fn encode(runs: &[RunRef]) -> Vec<Vec<u8>> {
    let message = |runs: &[RunRef]| {
        let mut message = vec![RUNS];
        for run in runs {
            message.extend(run.tenant.0.to_le_bytes());
            message.extend(run.run.0.to_le_bytes());
        }
        message
    };
    runs.chunks(RUNS_AT_ONCE).map(message).collect()
}

fn decode(bytes: &[u8]) -> Vec<RunRef> {
    let (runs, _) = bytes.as_chunks::<16>();
    runs.iter()
        .map(|run| {
            let number = |half: &[u8]| half.try_into().map(i64::from_le_bytes).unwrap_or_default();
            let (tenant, run) = run.split_at(8);
            RunRef {
                tenant: TenantId(number(tenant)),
                run: RunKey(number(run)),
            }
        })
        .collect()
}
