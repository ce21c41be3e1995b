//! Many runs that wait for a person: how fast they are started, what they take while they wait, how fast they are answered.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::task::JoinSet;

use super::{Asking, Target, begin, has_status, refused};
use crate::lean::{Connection, find};

/// Where runs are that ask something.
#[derive(Debug, Clone)]
pub enum Questions {
    Gateway(Target),
    Plain(Asking),
}

/// How many of something in which time.
#[derive(Debug, Clone, Copy)]
pub struct Waited {
    pub count: usize,
    pub took: Duration,
}

impl Waited {
    pub fn a_second(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }
}

/// Starts `count` runs over `clients` connections; ends when the last of every client has come to its question.
///
/// # Errors
/// The server refuses one, or goes away.
pub async fn start(questions: &Questions, count: usize, clients: usize) -> io::Result<(Vec<String>, Waited)> {
    let began = Instant::now();
    let batch = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    let mut all = JoinSet::new();
    for client in 0..clients {
        let questions = questions.clone();
        all.spawn(async move {
            let mut connection = Connection::open(questions.address()).await?;
            let mut runs = Vec::with_capacity(count / clients + 1);
            for number in (client..count).step_by(clients) {
                runs.push(
                    questions
                        .begin(&mut connection, || format!("{}-{number}", batch.as_micros()))
                        .await?,
                );
            }
            if let Some(last) = runs.last() {
                questions.until_asked(&mut connection, last).await?;
            }
            Ok::<_, io::Error>(runs)
        });
    }
    let mut runs = Vec::with_capacity(count);
    while let Some(own) = all.join_next().await {
        runs.extend(own.map_err(io::Error::other)??);
    }
    let took = began.elapsed();
    Ok((runs, Waited { count, took }))
}

/// Answers all of them; ends when the last answered run of every client is completed.
///
/// # Errors
/// As [`start`].
pub async fn answer(questions: &Questions, runs: Vec<String>, clients: usize) -> io::Result<Waited> {
    let began = Instant::now();
    let runs = Arc::new(runs);
    let mut all = JoinSet::new();
    for client in 0..clients {
        let (questions, runs) = (questions.clone(), runs.clone());
        all.spawn(async move {
            let mut connection = Connection::open(questions.address()).await?;
            let mut last = None;
            for run in runs.iter().skip(client).step_by(clients) {
                questions.tell(&mut connection, run).await?;
                last = Some(run);
            }
            match last {
                Some(run) => questions.until_ended(&mut connection, run).await,
                None => Ok(()),
            }
        });
    }
    while let Some(ended) = all.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    Ok(Waited {
        count: runs.len(),
        took: began.elapsed(),
    })
}

impl Questions {
    fn address(&self) -> SocketAddr {
        match self {
            Questions::Gateway(target) => target.address,
            Questions::Plain(asking) => asking.address,
        }
    }

    /// Starts a run. `name` is what it is called where its client chooses that.
    async fn begin(&self, connection: &mut Connection, name: impl FnOnce() -> String) -> io::Result<String> {
        match self {
            Questions::Gateway(target) => begin(connection, &target.start()).await,
            Questions::Plain(asking) => {
                let run = name();
                accepted("start", connection, &asking.start(&run)).await?;
                Ok(run)
            }
        }
    }

    async fn tell(&self, connection: &mut Connection, run: &str) -> io::Result<()> {
        let answer = match self {
            Questions::Gateway(target) => target.resume(run, &format!("load-{run}")),
            Questions::Plain(asking) => asking.answer(run),
        };
        accepted("answer", connection, &answer).await
    }

    async fn until_asked(&self, connection: &mut Connection, run: &str) -> io::Result<()> {
        match self {
            Questions::Gateway(target) => until(target, connection, run, "waiting").await,
            Questions::Plain(asking) => {
                let asked = asking.asked(run);
                loop {
                    match connection.exchange(&asked).await? {
                        (200, body) if find(body, b"true").is_some() => return Ok(()),
                        (200, _) => tokio::time::sleep(PAUSE).await,
                        (status, body) => return Err(refused("asked", status, body)),
                    }
                }
            }
        }
    }

    async fn until_ended(&self, connection: &mut Connection, run: &str) -> io::Result<()> {
        match self {
            Questions::Gateway(target) => until(target, connection, run, "completed").await,
            Questions::Plain(asking) => accepted("end", connection, &asking.ended(run)).await,
        }
    }
}

async fn accepted(what: &str, connection: &mut Connection, request: &[u8]) -> io::Result<()> {
    match connection.exchange(request).await? {
        (200..=299, _) => Ok(()),
        (status, body) => Err(refused(what, status, body)),
    }
}

/// How long after an answer that is not the right one yet the next question is asked.
const PAUSE: Duration = Duration::from_millis(2);

async fn until(target: &Target, connection: &mut Connection, run: &str, status: &str) -> io::Result<()> {
    let page = target.page(run, "");
    loop {
        let (code, body) = connection.exchange(&page).await?;
        if code != 200 || has_status(body, "failed") {
            return Err(refused("run", code, body));
        }
        if has_status(body, status) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
