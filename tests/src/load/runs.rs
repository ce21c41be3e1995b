//! Runs from their start to their end, as a client sees them: as many as a number of clients can do, or so many a second.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Spread, Work};
use crate::lean::Connection;

/// One client: a connection and what it does over it.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    work: Work,
    /// What begins each run, made once.
    start: Vec<u8>,
}

impl Client {
    /// Connects to the server.
    ///
    /// # Errors
    /// It does not listen.
    pub async fn connect(work: &Work) -> io::Result<Self> {
        Ok(Self::over(Connection::open(work.address()).await?, work))
    }

    fn over(connection: Connection, work: &Work) -> Self {
        Client {
            connection,
            start: work.start(),
            work: work.clone(),
        }
    }

    /// One run from its start to its end.
    ///
    /// # Errors
    /// The server refuses it, or goes away, or the run fails.
    pub async fn run(&mut self) -> io::Result<()> {
        self.work.run(&mut self.connection, &self.start).await
    }
}

/// One client's runs until the deadline, one after another.
///
/// # Errors
/// The server refuses one, or goes away.
pub async fn until(work: &Work, deadline: Instant) -> io::Result<Spread> {
    let mut client = Client::connect(work).await?;
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
pub async fn closed(work: &Work, clients: usize, time: Duration) -> io::Result<(Spread, f64)> {
    let began = Instant::now();
    let mut all = JoinSet::new();
    for _ in 0..clients {
        let work = work.clone();
        all.spawn(async move { until(&work, began + time).await });
    }
    let mut times = Spread::default();
    while let Some(client) = all.join_next().await {
        times.join(&client.map_err(io::Error::other)??);
    }
    let rate = times.count() as f64 / began.elapsed().as_secs_f64();
    Ok((times, rate))
}

/// **Open loop**: runs start at equal intervals, `rate` a second, whether earlier ones have ended or not. The time of a run is from the moment
/// at which it should have started, so a server that falls behind is not spared. `most`: connections at a time.
///
/// # Errors
/// As [`until`].
pub async fn open(work: &Work, rate: f64, time: Duration, most: usize) -> io::Result<(Spread, f64)> {
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
        let (work, permits, idle) = (work.clone(), permits.clone(), idle.clone());
        runs.spawn(async move {
            let _permit = permits.acquire().await.map_err(io::Error::other)?;
            let kept = idle.lock().expect("no client panics").pop();
            let connection = match kept {
                Some(connection) => connection,
                None => Connection::open(work.address()).await?,
            };
            let mut client = Client::over(connection, &work);
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
