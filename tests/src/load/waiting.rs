//! Many runs that wait for a person: how fast they are started, what they take while they wait, how fast they are answered.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Target, begin, has_status, refused};

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

/// Starts `count` runs over `clients` connections; ends when the last of them has come to its question.
///
/// # Errors
/// The gateway refuses one, or goes away.
pub async fn start(target: &Target, count: usize, clients: usize) -> io::Result<(Vec<String>, Waited)> {
    let began = Instant::now();
    let mut all = JoinSet::new();
    for client in 0..clients {
        let target = target.clone();
        let own = count / clients + usize::from(client < count % clients);
        all.spawn(async move {
            let mut connection = target.connect().await?;
            let request = target.start();
            let mut runs = Vec::with_capacity(own);
            for _ in 0..own {
                runs.push(begin(&mut connection, &request).await?);
            }
            if let Some(last) = runs.last() {
                until(&target, &mut connection, last, "waiting").await?;
            }
            Ok::<_, io::Error>(runs)
        });
    }
    let mut runs = Vec::with_capacity(count);
    while let Some(own) = all.join_next().await {
        runs.extend(own.map_err(io::Error::other)??);
    }
    Ok((
        runs,
        Waited {
            count,
            took: began.elapsed(),
        },
    ))
}

/// Answers all of them; ends when the last answered run of every client is completed.
///
/// # Errors
/// As [`start`].
pub async fn answer(target: &Target, runs: Vec<String>, clients: usize) -> io::Result<Waited> {
    let began = Instant::now();
    let runs = Arc::new(runs);
    let mut all = JoinSet::new();
    for client in 0..clients {
        let (target, runs) = (target.clone(), runs.clone());
        all.spawn(async move {
            let mut connection = target.connect().await?;
            let own: Vec<&String> = runs.iter().skip(client).step_by(clients).collect();
            for run in &own {
                let request = target.resume(run, &format!("load-{run}"));
                let (status, body) = connection.exchange(&request).await?;
                if status != 200 {
                    return Err(refused("resume", status, body));
                }
            }
            for run in own.iter().rev().take(1) {
                until(&target, &mut connection, run, "completed").await?;
            }
            Ok(())
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

async fn until(target: &Target, connection: &mut crate::lean::Connection, run: &str, status: &str) -> io::Result<()> {
    let page = target.page(run, "");
    loop {
        let (code, body) = connection.exchange(&page).await?;
        if code != 200 || has_status(body, "failed") {
            return Err(refused("run", code, body));
        }
        if has_status(body, status) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
