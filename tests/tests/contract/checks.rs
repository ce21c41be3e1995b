//! What a test of the contract checks: everything, and what differed is told together at its end.

use std::cell::RefCell;

use flowgate_tests::Reply;
use serde_json::{Value, json};

use crate::differences;

/// The checks of one test. Each has a label that is unique in the suite: `area: what`. Dropping it fails the test if any of them failed;
/// those that `differences` explains are let pass.
pub struct Checks {
    area: &'static str,
    failed: RefCell<Vec<String>>,
}

impl Checks {
    pub fn of(area: &'static str) -> Self {
        Checks {
            area,
            failed: RefCell::default(),
        }
    }

    /// `got` is `wanted`.
    pub fn equal(&self, what: &str, got: impl Into<Value>, wanted: impl Into<Value>) {
        let (got, wanted) = (got.into(), wanted.into());
        self.holds(what, got == wanted, || format!("got    {got}\n    wanted {wanted}"));
    }

    /// `told` is asked only where it does not hold.
    pub fn holds(&self, what: &str, holds: bool, told: impl FnOnce() -> String) {
        let label = format!("{}: {what}", self.area);
        if !holds && !differences::explains_check(&label) {
            self.failed.borrow_mut().push(format!("{label}\n    {}", told()));
        }
    }

    /// An error whose `detail` is a text.
    pub fn refused(&self, what: &str, reply: &Reply, status: u16, detail: &str) {
        self.answers(what, reply, status, json!({"detail": detail}));
    }

    /// A validation error: 422 and this list.
    pub fn invalid(&self, what: &str, reply: &Reply, issues: Value) {
        self.answers(what, reply, 422, json!({"detail": issues}));
    }

    /// This status and exactly this JSON.
    pub fn answers(&self, what: &str, reply: &Reply, status: u16, body: Value) {
        let got = serde_json::from_slice(&reply.body).unwrap_or_else(|_| Value::String(reply.text()));
        self.equal(what, json!([reply.status, got]), json!([status, body]));
    }

    /// 200, and the JSON for further checks; null when it is another status.
    pub fn ok(&self, what: &str, reply: &Reply) -> Value {
        self.holds(what, reply.status == 200, || {
            format!("got    {} {}", reply.status, reply.text())
        });
        if reply.status == 200 { reply.json() } else { Value::Null }
    }

    pub fn header(&self, what: &str, reply: &Reply, name: &str, wanted: &str) {
        self.equal(what, reply.header(name), wanted);
    }

    /// Each of these fields of `got` is as wanted; others may be there.
    pub fn fields(&self, what: &str, got: &Value, wanted: Value) {
        let part: Value = match &wanted {
            Value::Object(fields) => fields.keys().map(|key| (key.clone(), got[key].clone())).collect(),
            other => other.clone(),
        };
        self.equal(what, part, wanted);
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        let failed = self.failed.take();
        if !failed.is_empty() && !std::thread::panicking() {
            panic!("{} checks failed:\n  {}", failed.len(), failed.join("\n  "));
        }
        for failed in failed {
            eprintln!("also failed: {failed}");
        }
    }
}
