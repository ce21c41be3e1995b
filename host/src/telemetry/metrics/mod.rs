//! What is counted and timed of this process, for Prometheus.
//!
//! Everything on a hot path goes through [`metrics`]: handles that are made once, each an atomic number. What is only worth knowing
//! when somebody asks (the queue, runs by status, file sizes) is read at that moment and handed to [`render`]. The [`list`] names every
//! metric with its help; docs/operations.md shows the same list.
//!
//! Labels are bounded: routes are templates, kinds of effects at most [`KINDS`], verbs and reasons are fixed.

mod http;
mod list;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Recorder, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusHandle, PrometheusRecorder};

pub use http::{Rejection, request};

use crate::record::StepStatus;

/// Kinds of effects that have a label of their own; a kind is named by a flow, so there could be any number. More are `other`.
const KINDS: usize = 64;

/// Handles of everything that is counted where it happens.
pub struct Metrics {
    pub commits: Counter,
    pub commits_failed: Counter,
    /// From the first request of a commit to the end of it.
    pub commit_seconds: Histogram,
    /// The `COMMIT` alone: what the disk takes.
    pub sync_seconds: Histogram,
    pub commit_requests: Histogram,
    pub commit_rows: Histogram,
    /// What the oldest request of a commit has waited for it.
    pub queue_seconds: Histogram,
    pub expired_runs: Counter,
    pub expired_rows: Counter,
    pub vacuumed_pages: Counter,
    pub ticks: Counter,
    pub tick_seconds: Histogram,
    pub fuel: Counter,
    pub drivers: Gauge,
    pub pool_used: Gauge,
    pub pool_limit: Gauge,
    pub streams: Gauge,
    rejections: [Counter; Rejection::ALL.len()],
    effects: RwLock<HashMap<String, [Counter; Outcome::ALL.len()]>>,
}

/// What became of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Completed,
    Failed,
    /// The run waits for it.
    Waiting,
}

impl Outcome {
    const ALL: [Outcome; 3] = [Outcome::Completed, Outcome::Failed, Outcome::Waiting];

    pub fn of<T, E>(result: &Result<T, E>) -> Self {
        match result {
            Ok(_) => Outcome::Completed,
            Err(_) => Outcome::Failed,
        }
    }

    /// By the status of the row that clients see.
    pub fn shown(status: StepStatus) -> Self {
        match status {
            StepStatus::Completed => Outcome::Completed,
            StepStatus::Failed => Outcome::Failed,
            StepStatus::Started | StepStatus::Waiting => Outcome::Waiting,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::Failed => "failed",
            Outcome::Waiting => "waiting",
        }
    }
}

/// What is read when somebody asks.
#[derive(Debug, Default)]
pub struct Moment {
    /// Requests that wait for the writer.
    pub queue_depth: usize,
    /// How long the oldest request that is not answered has waited.
    pub queue_age: Duration,
    /// Runs of all tenants by status.
    pub runs: Vec<(&'static str, u64)>,
    /// Bytes of the database and of its write-ahead log; none for a database in memory.
    pub database: Option<(u64, u64)>,
    /// Whether this process drives runs.
    pub drives: bool,
    /// Whether any does.
    pub driven: bool,
}

struct Shared {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    metrics: Metrics,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let recorder = list::builder().build_recorder();
    let handle = recorder.handle();
    let metrics = with_local_recorder(&recorder, || {
        list::describe();
        gauge!("flowgate_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Metrics {
            commits: counter!("flowgate_journal_commits_total", "result" => "ok"),
            commits_failed: counter!("flowgate_journal_commits_total", "result" => "failed"),
            commit_seconds: histogram!("flowgate_journal_commit_seconds"),
            sync_seconds: histogram!("flowgate_journal_sync_seconds"),
            commit_requests: histogram!("flowgate_journal_commit_requests"),
            commit_rows: histogram!("flowgate_journal_commit_rows"),
            queue_seconds: histogram!("flowgate_journal_queue_seconds"),
            expired_runs: counter!("flowgate_expired_runs_total"),
            expired_rows: counter!("flowgate_expired_rows_total"),
            vacuumed_pages: counter!("flowgate_vacuumed_pages_total"),
            ticks: counter!("flowgate_ticks_total"),
            tick_seconds: histogram!("flowgate_tick_seconds"),
            fuel: counter!("flowgate_fuel_total"),
            drivers: gauge!("flowgate_drivers"),
            pool_used: gauge!("flowgate_pool_slots_used"),
            pool_limit: gauge!("flowgate_pool_slots_limit"),
            streams: gauge!("flowgate_streams_open"),
            rejections: Rejection::ALL.map(|reason| counter!("flowgate_http_rejections_total", "reason" => reason.as_str())),
            effects: RwLock::default(),
        }
    });
    Shared {
        recorder,
        handle,
        metrics,
    }
});

/// The handles of this process.
pub fn metrics() -> &'static Metrics {
    &SHARED.metrics
}

impl Metrics {
    pub fn rejected(&self, reason: Rejection) {
        if let Some(counter) = self.rejections.get(reason as usize) {
            counter.increment(1);
        }
    }

    /// Counts an effect by its kind and what became of it.
    pub fn effect(&self, kind: &str, outcome: Outcome) {
        {
            let known = self.effects.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(counters) = known.get(kind) {
                return counters[outcome as usize].increment(1);
            }
        }
        let mut known = self.effects.write().unwrap_or_else(PoisonError::into_inner);
        let plain = kind.len() <= 64 && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let label = if plain && known.len() < KINDS { kind } else { "other" };
        let counters = known.entry(label.to_owned()).or_insert_with(|| {
            with_local_recorder(&SHARED.recorder, || {
                Outcome::ALL
                    .map(|outcome| counter!("flowgate_effects_total", "kind" => label.to_owned(), "outcome" => outcome.as_str()))
            })
        });
        counters[outcome as usize].increment(1);
    }
}

/// A gauge counts something for as long as this lives.
pub struct Counted(&'static Gauge);

impl Counted {
    pub fn new(gauge: &'static Gauge) -> Self {
        gauge.increment(1.0);
        Counted(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// All metrics as Prometheus reads them.
pub fn render(moment: &Moment) -> String {
    with_local_recorder(&SHARED.recorder, || {
        gauge!("flowgate_journal_queue_depth").set(moment.queue_depth as f64);
        gauge!("flowgate_journal_queue_age_seconds").set(moment.queue_age.as_secs_f64());
        gauge!("flowgate_drives_runs").set(f64::from(moment.drives));
        gauge!("flowgate_runs_driven").set(f64::from(moment.driven));
        for (status, runs) in &moment.runs {
            gauge!("flowgate_runs", "status" => *status).set(*runs as f64);
        }
        if let Some((database, log)) = moment.database {
            gauge!("flowgate_database_bytes", "file" => "database").set(database as f64);
            gauge!("flowgate_database_bytes", "file" => "wal").set(log as f64);
        }
    });
    SHARED.handle.render()
}

/// Takes in the samples of histograms, which are kept one by one until then. For a process that nobody asks.
pub fn upkeep() {
    SHARED.handle.run_upkeep();
}

/// A handle whose labels are known only when something happens.
fn dynamic_counter(key: &metrics::Key) -> Counter {
    SHARED.recorder.register_counter(key, &METADATA)
}

fn dynamic_histogram(key: &metrics::Key) -> Histogram {
    SHARED.recorder.register_histogram(key, &METADATA)
}

static METADATA: metrics::Metadata<'static> = metrics::Metadata::new(module_path!(), metrics::Level::INFO, Some(module_path!()));
