//! Follows a run and everything it starts to the end: shows ledger rows as they are committed, asks what the flow asks.

use std::collections::HashSet;

use futures::future::select_all;
use serde_json::json;

use super::question::{Answer, Question};
use super::terminal::Lines;
use super::{Error, out, show};
use crate::ids::{LedgerSeq, RunId, TenantId};
use crate::journal::{Command, CommandKind, Handle, RunRow, Subscription};
use crate::record::{Json, RunStatus, StepRecord, WaitReason};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A line for people.
    Text,
    /// The row as it is stored.
    Json,
}

/// Who answers the flow's questions.
#[derive(Debug)]
pub enum Answers {
    /// Lines typed or piped in.
    Lines(Lines),
    /// Nobody: the first choice is taken.
    FirstChoice,
}

/// How following ended.
#[derive(Debug)]
pub enum Ended {
    /// The run is over.
    Terminal(RunRow),
    /// It waits for an answer that will not come: the input has ended.
    Unanswered(RunRow),
}

/// A run of the tree that is being followed.
struct Watched {
    id: RunId,
    label: String,
    shown: LedgerSeq,
    news: Subscription,
}

pub struct Follower<'a> {
    journal: &'a Handle,
    tenant: TenantId,
    style: Style,
    answers: Answers,
    watched: Vec<Watched>,
    /// Questions put and not yet answered here: (run, ledger position), so that each is asked once.
    asked: HashSet<(RunId, LedgerSeq)>,
    /// Likewise for timed waits.
    announced: HashSet<(RunId, LedgerSeq)>,
    input_ended: bool,
}

enum Event {
    News,
    Line(Option<String>),
}

impl<'a> Follower<'a> {
    pub fn new(journal: &'a Handle, tenant: TenantId, style: Style, answers: Answers) -> Self {
        let (watched, asked, announced) = Default::default();
        Follower {
            journal,
            tenant,
            style,
            answers,
            watched,
            asked,
            announced,
            input_ended: false,
        }
    }

    /// Returns when the run is over, or when it wants an answer and nobody is left to give one.
    pub async fn follow(&mut self, root: &RunId) -> Result<Ended, Error> {
        loop {
            let runs = self.tree(root).await?;
            self.show_rows(&runs).await?;
            let Some(own) = runs.first() else {
                return Err(Error::failed(format!("run '{root}' does not exist")));
            };
            if own.status.is_terminal() {
                return Ok(Ended::Terminal(own.clone()));
            }
            self.announce(&runs);
            let open = open_question(&runs);
            if let Some((run, question)) = &open {
                if let (Answers::FirstChoice, Some(answer)) = (&self.answers, question.default_answer()) {
                    if self.asked.insert((run.run_id.clone(), run.last_seq)) {
                        eprintln!(
                            "{}\n> {} (nobody is here: the first choice)",
                            question.text(),
                            spoken(&answer)
                        );
                        self.send(run, answer).await?;
                    }
                } else if self.input_ended || matches!(self.answers, Answers::FirstChoice) {
                    return Ok(Ended::Unanswered(own.clone()));
                } else if self.asked.insert((run.run_id.clone(), run.last_seq)) {
                    eprintln!("{}", question.text());
                }
            }
            match self.next(open.is_some()).await {
                Event::News => {}
                Event::Line(None) => self.input_ended = true,
                Event::Line(Some(line)) => {
                    if let Some((run, question)) = open {
                        match question.answer(&line) {
                            Ok(answer) => self.send(&run, answer).await?,
                            Err(why) => eprintln!("{why}"),
                        }
                    }
                }
            }
        }
    }

    /// The run and its descendants as they are now. Whoever is new is subscribed to before it is read.
    async fn tree(&mut self, root: &RunId) -> Result<Vec<RunRow>, Error> {
        loop {
            let own = self.journal.run(self.tenant, root).await?;
            let mut runs = self.journal.descendants(self.tenant, root, u32::MAX).await?;
            runs.splice(0..0, own);
            let known = self.watched.len();
            for run in &runs {
                if !self.watched.iter().any(|w| w.id == run.run_id) {
                    let label = label(&run.workflow_id);
                    let news = self.journal.subscribe(run.at);
                    self.watched.push(Watched {
                        id: run.run_id.clone(),
                        label,
                        shown: 0,
                        news,
                    });
                }
            }
            if self.watched.len() == known {
                return Ok(runs);
            }
        }
    }

    async fn show_rows(&mut self, runs: &[RunRow]) -> Result<(), Error> {
        let mut rows: Vec<(String, std::sync::Arc<str>)> = Vec::new();
        for watched in &mut self.watched {
            let last = runs
                .iter()
                .find(|r| r.run_id == watched.id)
                .map_or(watched.shown, |r| r.last_seq);
            while watched.shown < last {
                let page = self.journal.ledger(self.tenant, &watched.id, watched.shown, 500).await?;
                if page.next_after == watched.shown {
                    break;
                }
                // Rows may have expired before they were shown.
                watched.shown = page.next_after;
                rows.extend(page.rows.into_iter().map(|row| (watched.label.clone(), row)));
            }
        }
        if self.style == Style::Json {
            return rows.iter().try_for_each(|(_, row)| Ok(out::line(row)?));
        }
        let parse = |(run, row): (String, std::sync::Arc<str>)| Some((run, serde_json::from_str::<StepRecord>(&row).ok()?));
        let mut rows = rows.into_iter().filter_map(parse).collect::<Vec<_>>();
        rows.sort_by(|(_, a), (_, b)| time(a).cmp(time(b)));
        rows.iter()
            .try_for_each(|(run, record)| Ok(out::line(show::row(run, record))?))
    }

    fn announce(&mut self, runs: &[RunRow]) {
        for run in runs.iter().filter(|r| r.status == RunStatus::Waiting) {
            let timed = run
                .waiting
                .as_ref()
                .filter(|w| w.reason == WaitReason::Until)
                .and_then(|w| w.until.as_ref());
            if let Some(until) = timed
                && self.announced.insert((run.run_id.clone(), run.last_seq))
            {
                eprintln!("… {} waits until {until}", label(&run.workflow_id));
            }
        }
    }

    /// Waits for a commit of any of the runs, or for a line when something is asked.
    async fn next(&mut self, asking: bool) -> Event {
        let news = self.watched.iter_mut().map(|w| Box::pin(w.news.changed()));
        let news = select_all(news.collect::<Vec<_>>());
        match &mut self.answers {
            Answers::Lines(lines) if asking => tokio::select! {
                _ = news => Event::News,
                line = lines.next() => Event::Line(line),
            },
            _ => {
                news.await;
                Event::News
            }
        }
    }

    async fn send(&self, run: &RunRow, answer: Answer) -> Result<(), Error> {
        let wait_key = run.waiting.as_ref().and_then(|w| w.wait_key.as_deref());
        let (kind, payload) = match answer {
            Answer::Response(text) => (
                CommandKind::Resume,
                json!({ "wait_key": wait_key, "payload": { "response": text } }),
            ),
            Answer::Event(event) => (CommandKind::EmitEvent, event),
        };
        let payload: Json = serde_json::value::to_raw_value(&payload).map_err(|e| Error::failed(e.to_string()))?;
        let command = Command {
            tenant: self.tenant,
            command_id: String::new(),
            run_id: run.run_id.clone(),
            kind,
            payload,
            ts: None,
            client_id: Some("cli".to_owned()),
        };
        self.journal.command(command).await?;
        Ok(())
    }
}

/// The question to put now: a person's first; an event only when nothing else can happen.
fn open_question(runs: &[RunRow]) -> Option<(RunRow, Question)> {
    let waiting = || runs.iter().filter(|r| r.status == RunStatus::Waiting);
    let asked = waiting().filter_map(|r| Some((r, Question::of(r)?)));
    let (people, events): (Vec<_>, Vec<_>) = asked.partition(|(_, q)| matches!(q, Question::Person { .. }));
    let timed = |r: &RunRow| r.waiting.as_ref().is_some_and(|w| w.reason == WaitReason::Until);
    let moving = runs
        .iter()
        .any(|r| r.status == RunStatus::Running || (r.status == RunStatus::Waiting && timed(r)));
    let found = people
        .into_iter()
        .next()
        .or_else(|| events.into_iter().next().filter(|_| !moving));
    found.map(|(run, question)| (run.clone(), question))
}

fn spoken(answer: &Answer) -> String {
    match answer {
        Answer::Response(text) => text.clone(),
        Answer::Event(event) => event.to_string(),
    }
}

fn time(record: &StepRecord) -> &str {
    record.ended_at.as_deref().unwrap_or(&record.started_at)
}

/// The flow's own name of a workflow id.
fn label(workflow_id: &str) -> String {
    workflow_id.rsplit_once(':').map_or(workflow_id, |(_, flow)| flow).to_owned()
}
