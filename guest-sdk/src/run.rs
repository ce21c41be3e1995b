//! What a run's effects and its executor share: requests of this tick, outcomes that nobody has taken yet, names and counts.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;

use serde::{Deserialize, Serialize};

use crate::console;
use crate::random::Random;
use crate::request::Request;
use crate::world::{Around, Asked, Outcome};

/// Shared by the executor, the context and every effect of one run. Nothing runs code of the author while it is borrowed.
pub(crate) type Shared = Rc<RefCell<Run>>;

#[derive(Default)]
pub(crate) struct Run {
    pub around: Around,
    pub random: Random,
    pub counts: Counts,
    /// Asked in this tick, in order.
    asked: Vec<Asked>,
    abandoned: Vec<u64>,
    /// By id, in order.
    open: Vec<(u64, Open)>,
}

/// What makes the names and ids of requests; part of a machine's snapshot.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub next_id: u64,
    /// Requests by node, so far.
    visits: Counted,
    /// Unnamed requests by call, and other things that are counted.
    calls: Counted,
}

/// Counts by name, in the order of names. A vector, since a component has room for one kind of map less.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Counted(Vec<(String, u64)>);

impl Counted {
    /// How often it was counted before.
    fn count(&mut self, name: &str) -> u64 {
        let at = match self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (name.to_owned(), 0));
                at
            }
        };
        let count = &mut self.0[at].1;
        *count += 1;
        *count - 1
    }
}

/// A request whose outcome has not been taken.
pub(crate) struct Open {
    pub node: String,
    pub kind: String,
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

impl Run {
    pub fn hear(&mut self, around: Around) {
        self.random = Random::new(around.seed);
        self.around = around;
    }

    /// The next number of something that is counted, from 1.
    pub fn count(&mut self, what: &str) -> u64 {
        self.counts.calls.count(what) + 1
    }

    /// Makes a request; gives its id.
    pub fn ask(&mut self, request: &Request) -> u64 {
        let (node, result_key) = match &request.node {
            Some(node) => (node.clone(), Some(format!("{}.{node}", request.keeps))),
            None => (format!("{}#{}", request.call, self.count(&request.call)), None),
        };
        console::stands_at(&node);
        let ordinal = self.counts.visits.count(&node);
        self.counts.next_id += 1;
        let id = self.counts.next_id;
        self.asked.push(Asked {
            id,
            node: node.clone(),
            kind: request.kind.clone(),
            payload: match request.kind.as_str() {
                // As a graph names its events: the same in every replay, and no other's.
                "emit_event" => {
                    let event = format!("{}:{node}:{}", self.around.run_id, ordinal + 1);
                    request.clone().filled("event_id", &event).payload()
                }
                _ => request.payload(),
            },
            ordinal,
            result_key,
            next_node: request.next.clone(),
        });
        self.reopen(id, node, request.kind.clone());
        id
    }

    /// A request that was made before a snapshot.
    pub fn reopen(&mut self, id: u64, node: String, kind: String) {
        let open = Open {
            node,
            kind,
            outcome: None,
            waker: None,
        };
        // Ids only grow.
        self.open.push((id, open));
    }

    fn find(&self, id: u64) -> Option<usize> {
        self.open.binary_search_by_key(&id, |(known, _)| *known).ok()
    }

    /// An outcome comes. False: nobody wants it any more.
    pub fn resolve(&mut self, id: u64, outcome: Outcome) -> bool {
        let Some(at) = self.find(id) else {
            return false;
        };
        let open = &mut self.open[at].1;
        open.outcome = Some(outcome);
        if let Some(waker) = open.waker.take() {
            waker.wake();
        }
        true
    }

    /// The outcome of a request with the node that asked and the kind; none while it is not known, then the waker is kept.
    pub fn take(&mut self, id: u64, waker: Option<&Waker>) -> Option<(Open, Outcome)> {
        let at = self.find(id)?;
        let open = &mut self.open[at].1;
        match open.outcome.take() {
            Some(outcome) => {
                let (_, open) = self.open.remove(at);
                console::stands_at(&open.node);
                Some((open, outcome))
            }
            None => {
                open.waker = waker.cloned();
                None
            }
        }
    }

    /// Nobody waits for a request any more. One that the host has not seen yet is as if it had never been made.
    pub fn abandon(&mut self, id: u64) {
        let Some(at) = self.find(id) else { return };
        let (_, open) = self.open.remove(at);
        let before = self.asked.len();
        self.asked.retain(|asked| asked.id != id);
        if self.asked.len() == before && open.outcome.is_none() {
            self.abandoned.push(id);
        }
    }

    /// Requests and abandoned ids of this tick; given once.
    pub fn leave(&mut self) -> (Vec<Asked>, Vec<u64>) {
        (std::mem::take(&mut self.asked), std::mem::take(&mut self.abandoned))
    }

    pub fn waits(&self) -> bool {
        !self.open.is_empty()
    }

    /// Requests that are open, by id.
    pub fn open(&self) -> impl Iterator<Item = (u64, &Open)> {
        self.open.iter().map(|(id, open)| (*id, open))
    }
}
