//! The data nodes: one function a node type, grouped as the language's specification groups them.
//!
//! A builtin is a function of its resolved inputs; it keeps nothing between calls and cannot block.

mod arrays;
mod context;
mod data;
mod datetime;
mod host;
mod json;
mod literal;
mod logic;
mod math;
mod object;
mod report;
mod schema;
mod string;
mod table;
mod template;
mod trace;
mod vars;

use std::rc::Rc;

use crate::py;
use crate::value::{Dict, Map, Value};

pub use arrays::*;
pub use context::*;
pub use data::*;
pub use datetime::*;
pub use host::*;
pub use json::*;
pub use literal::*;
pub use logic::*;
pub use math::*;
pub use object::*;
pub use report::*;
pub use schema::*;
pub use string::*;
pub use table::{BUILTINS, find};
pub use template::*;
pub use trace::*;
pub use vars::*;

/// What a builtin may read.
pub struct Cx<'a> {
    /// The resolved input: pin id -> value. A pin that did not resolve is absent, which differs from null.
    pub args: &'a Map,
    /// The node's static configuration as the compiler packed it:
    /// `{"pins": [declared data input ids in order], "outputs": [declared data output ids in order], <config key>: <node data value>…}`.
    /// A null when the node has nothing to say.
    pub cfg: &'a Value,
    /// The run's variables as a flow sees them (its own, over the host's).
    pub vars: &'a Vars<'a>,
    /// Clock and randomness as the host told them for this tick.
    pub world: &'a mut World,
}

impl Cx<'_> {
    /// The input `pin`, if it resolved.
    pub fn arg(&self, pin: &str) -> Option<&Value> {
        self.args.get(pin)
    }

    /// The input `pin`, or null.
    pub fn arg_or_null(&self, pin: &str) -> Value {
        self.arg(pin).cloned().unwrap_or_default()
    }

    /// The configuration `key`, if the node has it.
    pub fn cfg(&self, key: &str) -> Option<Value> {
        self.cfg.as_dict()?.get(key)
    }

    /// The declared data inputs in order; `default` when none are declared.
    pub fn pins(&self, default: &[&str]) -> Vec<Rc<str>> {
        let declared = self.cfg_names("pins");
        if declared.is_empty() {
            return default.iter().map(|pin| Rc::from(*pin)).collect();
        }
        declared
    }

    /// The non-empty strings of the list that the configuration has at `key`.
    fn cfg_names(&self, key: &str) -> Vec<Rc<str>> {
        let Some(Value::List(names)) = self.cfg(key) else {
            return Vec::new();
        };
        let names = names.borrow();
        names
            .iter()
            .filter_map(|name| name.as_str_rc())
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// The input `pin` as `float()` reads it, `default` when it did not resolve.
    fn float(&self, pin: &str, default: f64) -> Result<f64> {
        match self.arg(pin) {
            Some(value) => Ok(py::to_float(value)?),
            None => Ok(default),
        }
    }

    /// The input `pin` as `str()` shows it, `default` when it did not resolve.
    fn text(&self, pin: &str, default: &str) -> Result<Rc<str>> {
        match self.arg(pin) {
            Some(value) => Ok(py::str(value)?),
            None => Ok(default.into()),
        }
    }

    /// As [`Cx::text`], but null is the empty text too.
    fn text_or_empty(&self, pin: &str) -> Result<Rc<str>> {
        match self.arg(pin) {
            None | Some(Value::Null) => Ok("".into()),
            Some(value) => Ok(py::str(value)?),
        }
    }

    /// Whether the input `pin` is true, `default` when it did not resolve.
    fn truth(&self, pin: &str, default: bool) -> bool {
        self.arg(pin).map_or(default, py::truthy)
    }
}

/// An object of a few named values, as nodes with several outputs return.
fn record<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::dict(entries.into_iter().map(|(key, value)| (Rc::from(key), value)).collect())
}

/// The variables of a run: the flow's own, and beneath them those that the host owns (`_limits`, `_runtime`, `workspace_*` …).
pub struct Vars<'a> {
    pub own: &'a Dict,
    pub host: &'a Dict,
}

impl Vars<'_> {
    /// The top-level variable `name`; the flow's own wins over the host's. `_runtime` is both's, key by key.
    pub fn get(&self, name: &str) -> Option<Value> {
        let own = self.own.get(name);
        match (own, self.host.get(name)) {
            (Some(Value::Dict(own)), Some(Value::Dict(host))) if name == "_runtime" => {
                let mut both = host.borrow().clone();
                both.extend(own.borrow().iter().map(|(key, value)| (key.clone(), value.clone())));
                Some(Value::dict(both))
            }
            (own, host) => own.or(host),
        }
    }
}

/// What a flow may know of the outside in one tick.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The host's time: microseconds since the Unix epoch, UTC.
    pub now_us: i64,
    /// State of the tick's random generator, seeded by the host (splitmix64).
    pub random: u64,
    /// Facts of the host for discovery nodes: `{"providers": [..], "tools": [..]}`.
    pub host: Value,
}

impl World {
    /// The next 64 random bits of the tick (splitmix64).
    pub fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A random number below `bound`, each as likely as the others; 0 for a bound of 0.
    pub fn random_below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Draws from the incomplete last stretch would favour small numbers.
        let fair = u64::MAX - u64::MAX % bound;
        loop {
            let draw = self.next_random();
            if draw < fair {
                return draw % bound;
            }
        }
    }

    /// A random float of [0, 1) with 53 bits, as Python's `random.random()`.
    pub fn random_float(&mut self) -> f64 {
        (self.next_random() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Why a builtin could not answer: the reference's text where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(pub String);

pub type Result<T = Value> = std::result::Result<T, Error>;

/// The function behind a data node: its output value (an object exposes its keys as pins).
pub type Builtin = fn(&mut Cx<'_>) -> Result;
