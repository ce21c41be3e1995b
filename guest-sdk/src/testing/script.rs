//! Which outcome each effect has, and the run that comes of it.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;

use super::run::{End, Run, Tick};
use crate::panic;
use crate::time::{Duration, Timestamp};
use crate::world::{Around, Asked, Event, Flow, Outcome, Progress};

/// Ticks after which a flow is taken to go on for ever.
const MAX_TICKS: usize = 100_000;

/// Outcomes for a flow's effects. Keys are the name of a node (`ask_user#2`) or a kind of effect (`ask_user`); the node's own come first.
#[derive(Clone)]
pub struct Script {
    rules: Vec<Rule>,
    around: Around,
}

#[derive(Clone)]
struct Rule {
    key: String,
    once: bool,
    after: Duration,
    reply: Rc<dyn Fn(&Asked) -> Reply>,
}

/// What becomes of an effect.
#[derive(Debug, Clone)]
pub enum Reply {
    Completed(serde_json::Value),
    Failed(String),
    /// Nobody ever answers.
    Never,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// Nothing is answered. The run begins on 2026-01-08 at midnight.
    pub fn new() -> Self {
        let around = Around {
            now_us: 1_767_830_400_000_000,
            seed: 1,
            run_id: "run-1".to_owned(),
            workflow_id: "bundle@0.0.0:flow".to_owned(),
            session_id: Some("session-1".to_owned()),
            parent_run_id: None,
            host_vars: "{}".to_owned(),
        };
        Script {
            rules: Vec::new(),
            around,
        }
    }

    /// The next effect of this key completes with a value. Given several times, they are used in order.
    pub fn on(self, key: &str, result: impl Serialize) -> Self {
        self.on_after(key, Duration::default(), result)
    }

    /// As [`Script::on`], so long after it was asked for.
    pub fn on_after(self, key: &str, after: impl Into<Duration>, result: impl Serialize) -> Self {
        let reply = completed(result);
        self.rule(key, true, after.into(), move |_| reply.clone())
    }

    /// Every effect of this key that no other outcome is left for completes with a value.
    pub fn always(self, key: &str, result: impl Serialize) -> Self {
        let reply = completed(result);
        self.rule(key, false, Duration::default(), move |_| reply.clone())
    }

    /// The next effect of this key fails.
    pub fn fails(self, key: &str, message: &str) -> Self {
        let reply = Reply::Failed(message.to_owned());
        self.rule(key, true, Duration::default(), move |_| reply.clone())
    }

    /// The next effect of this key is never answered.
    pub fn never(self, key: &str) -> Self {
        self.rule(key, true, Duration::default(), |_| Reply::Never)
    }

    /// Every effect of this key that no other outcome is left for has the one that a function says. It must say the same for the same request.
    pub fn with(self, key: &str, reply: impl Fn(&Asked) -> Reply + 'static) -> Self {
        self.rule(key, false, Duration::default(), reply)
    }

    fn rule(mut self, key: &str, once: bool, after: Duration, reply: impl Fn(&Asked) -> Reply + 'static) -> Self {
        self.rules.push(Rule {
            key: key.to_owned(),
            once,
            after,
            reply: Rc::new(reply),
        });
        self
    }

    /// When the run begins.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.around.now_us = now.as_micros();
        self
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.around.seed = seed;
        self
    }

    /// The names of the run.
    pub fn named(mut self, run_id: &str, workflow_id: &str, session_id: Option<&str>) -> Self {
        self.around.run_id = run_id.to_owned();
        self.around.workflow_id = workflow_id.to_owned();
        self.around.session_id = session_id.map(str::to_owned);
        self
    }

    /// The run's variables that belong to the host: a JSON object.
    pub fn host_vars(mut self, vars: &serde_json::Value) -> Self {
        self.around.host_vars = vars.to_string();
        self
    }

    /// Runs a flow until it ends or waits for something that has no outcome here.
    pub fn run<F: Flow>(&self, input: impl Serialize) -> Run {
        let input = serde_json::to_string(&input).unwrap_or_else(|error| format!("the input is no JSON: {error}"));
        Play {
            rules: self.rules.clone(),
            around: self.around.clone(),
            open: BTreeMap::new(),
            ticks: Vec::new(),
            log: Vec::new(),
        }
        .play::<F>(input)
    }
}

fn completed(result: impl Serialize) -> Reply {
    match serde_json::to_value(result) {
        Ok(value) => Reply::Completed(value),
        Err(error) => Reply::Failed(format!("the scripted outcome is no JSON: {error}")),
    }
}

struct Play {
    rules: Vec<Rule>,
    around: Around,
    /// Requests that are not answered yet, by id: when they will be, and with what.
    open: BTreeMap<u64, (Asked, Option<(i64, Outcome)>)>,
    ticks: Vec<Tick>,
    log: Vec<(String, String)>,
}

impl Play {
    fn play<F: Flow>(mut self, input: String) -> Run {
        let mut instance = F::instance();
        let entry = F::describe().entry;
        let mut event = Event::Start { entry, input };
        let end = loop {
            let ticked = panic::tick(&mut *instance, self.around.clone(), event.clone());
            let around = self.around.clone();
            self.around.now_us += 1;
            self.around.seed = self.around.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            self.log.extend(ticked.log);
            let progress = ticked.progress;
            self.ticks.push(Tick {
                around,
                event,
                progress: progress.clone(),
            });
            match progress {
                Progress::Completed { output, .. } => break End::Completed(output),
                Progress::Failed(failed) => break End::Failed(failed),
                Progress::Blocked { effects, abandoned, .. } => {
                    for id in abandoned {
                        self.open.remove(&id);
                    }
                    for asked in effects {
                        let answer = self.answer(&asked);
                        self.open.insert(asked.id, (asked, answer));
                    }
                }
            }
            match self.next() {
                Some(outcomes) if self.ticks.len() < MAX_TICKS => event = Event::Resolved(outcomes),
                Some(_) => break End::Endless,
                None => break End::Waiting(self.open.into_values().map(|(asked, _)| asked).collect()),
            }
        };
        Run {
            instance: F::instance,
            ticks: self.ticks,
            end,
            log: self.log,
        }
    }

    /// When and how a request is answered; none: never.
    fn answer(&mut self, asked: &Asked) -> Option<(i64, Outcome)> {
        let find = |key: &str, once: bool| self.rules.iter().position(|rule| rule.key == key && rule.once == once);
        let keys = [&asked.node, &asked.kind];
        let found = keys.iter().find_map(|key| find(key, true));
        let found = found.or_else(|| keys.iter().find_map(|key| find(key, false)));
        let Some(at) = found else {
            return self.local(asked);
        };
        let rule = if self.rules[at].once {
            self.rules.remove(at)
        } else {
            self.rules[at].clone()
        };
        let outcome = match (rule.reply)(asked) {
            Reply::Completed(value) => Outcome::Completed(value.to_string()),
            Reply::Failed(message) => Outcome::Failed(message),
            Reply::Never => return None,
        };
        Some((self.around.now_us + rule.after.as_micros(), outcome))
    }

    /// What the host does by itself.
    fn local(&self, asked: &Asked) -> Option<(i64, Outcome)> {
        let payload: serde_json::Value = serde_json::from_str(&asked.payload).ok()?;
        let now = self.around.now_us;
        match asked.kind.as_str() {
            "answer_user" => {
                let done = serde_json::json!({"message": payload["message"], "level": payload["level"]});
                Some((now, Outcome::Completed(done.to_string())))
            }
            "emit_event" => {
                let done =
                    serde_json::json!({"name": payload["name"], "scope": payload["scope"], "delivered": 0, "delivered_to": []});
                Some((now, Outcome::Completed(done.to_string())))
            }
            "wait_until" | "wait_event" => {
                let until = Timestamp::parse(payload["until"].as_str()?)?.as_micros();
                Some((until.max(now), Outcome::Elapsed))
            }
            _ => None,
        }
    }

    /// The outcomes that come next: all that are due by now, else the earliest one, and time goes on to it.
    fn next(&mut self) -> Option<Vec<(u64, Outcome)>> {
        let due = |(_, answer): &(Asked, Option<(i64, Outcome)>)| answer.as_ref().map(|(at, _)| *at);
        let first = self.open.values().filter_map(due).min()?;
        self.around.now_us = self.around.now_us.max(first);
        let ids: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, open)| due(open).is_some_and(|at| at <= first))
            .map(|(id, _)| *id)
            .collect();
        let outcomes = ids.into_iter().filter_map(|id| {
            let (_, answer) = self.open.remove(&id)?;
            answer.map(|(_, outcome)| (id, outcome))
        });
        Some(outcomes.collect())
    }
}
