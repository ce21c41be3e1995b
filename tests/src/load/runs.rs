//! Runs from their start to their end, as a client sees them: as many as a number of clients can do, or so many a second.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Spread, Target, begin, has_status, refused};
use crate::lean::{Connection, find};

/// How a client learns that its run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// By the ledger stream's `done`.
    Stream,
    /// By asking for the run again and again, this long after each answer.
    Poll(Duration),
}

/// One client: a connection and what it sends.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    target: Target,
    start: Vec<u8>,
    follow: Follow,
}

impl Client {
    /// Connects to the gateway.
    ///
    /// # Errors
    /// It does not listen.
    pub async fn connect(target: &Target, follow: Follow) -> io::Result<Self> {
        Ok(Self::over(target.connect().await?, target, follow))
    }

    fn over(connection: Connection, target: &Target, follow: Follow) -> Self {
        Client {
            connection,
            start: target.start(),
            target: target.clone(),
            follow,
        }
    }

    /// One run from its start to its end.
    ///
    /// # Errors
    /// The gateway refuses it, or goes away, or the run fails.
    pub async fn run(&mut self) -> io::Result<()> {
        let id = begin(&mut self.connection, &self.start).await?;
        match self.follow {
            Follow::Stream => {
                let stream = self.target.page(&id, "/ledger/stream");
                let (status, body) = self.connection.exchange(&stream).await?;
                let done = status == 200 && find(body, b"event: done").is_some();
                done.then_some(()).ok_or_else(|| refused("stream", status, body))
            }
            Follow::Poll(pause) => {
                let page = self.target.page(&id, "");
                loop {
                    let (status, body) = self.connection.exchange(&page).await?;
                    if status != 200 || has_status(body, "failed") {
                        return Err(refused("run", status, body));
                    }
                    if has_status(body, "completed") {
                        return Ok(());
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

/// One client's runs until the deadline, one after another.
///
/// # Errors
/// The gateway refuses one, or goes away.
pub async fn until(target: &Target, follow: Follow, deadline: Instant) -> io::Result<Spread> {
    let mut client = Client::connect(target, follow).await?;
    let mut times = Spread::default();
    while Instant::now() < deadline {
        let began = Instant::now();
        client.run().await?;
        times.add(began.elapsed());
    }
    Ok(times)
}

/// **Closed loop**: each client starts its next run when its last one has ended. Answers the times and the runs a second.
///
/// # Errors
/// As [`until`].
pub async fn closed(target: &Target, follow: Follow, clients: usize, time: Duration) -> io::Result<(Spread, f64)> {
    let began = Instant::now();
    let mut all = JoinSet::new();
    for _ in 0..clients {
        let target = target.clone();
        all.spawn(async move { until(&target, follow, began + time).await });
    }
    let mut times = Spread::default();
    while let Some(client) = all.join_next().await {
        times.join(&client.map_err(io::Error::other)??);
    }
    let rate = times.count() as f64 / began.elapsed().as_secs_f64();
    Ok((times, rate))
}

/// **Open loop**: runs start at equal intervals, `rate` a second, whether earlier ones have ended or not. The time of a run is from the moment
/// at which it should have started, so a gateway that falls behind is not spared. `most`: connections at a time.
///
/// # Errors
/// As [`until`].
pub async fn open(target: &Target, follow: Follow, rate: f64, time: Duration, most: usize) -> io::Result<(Spread, f64)> {
    let permits = Arc::new(Semaphore::new(most));
    let idle = Arc::new(std::sync::Mutex::new(Vec::<Connection>::new()));
    let began = Instant::now();
    let mut runs = JoinSet::new();
    let mut times = Spread::default();
    let mut take = |ended: Result<io::Result<Duration>, tokio::task::JoinError>| {
        times.add(ended.map_err(io::Error::other)??);
        Ok::<_, io::Error>(())
    };
    for number in 0.. {
        let due = began + Duration::from_secs_f64(f64::from(number) / rate);
        if due >= began + time {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        while let Some(ended) = runs.try_join_next() {
            take(ended)?;
        }
        let (target, permits, idle) = (target.clone(), permits.clone(), idle.clone());
        runs.spawn(async move {
            let _permit = permits.acquire().await.map_err(io::Error::other)?;
            let kept = idle.lock().expect("no client panics").pop();
            let connection = match kept {
                Some(connection) => connection,
                None => target.connect().await?,
            };
            let mut client = Client::over(connection, &target, follow);
            client.run().await?;
            idle.lock().expect("no client panics").push(client.connection);
            Ok(due.elapsed())
        });
    }
    while let Some(ended) = runs.join_next().await {
        take(ended)?;
    }
    let rate = times.count() as f64 / began.elapsed().as_secs_f64();
    Ok((times, rate))
}
