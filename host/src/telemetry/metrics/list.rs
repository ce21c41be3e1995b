//! Every metric: its name, kind and help, and the bounds of the histograms.

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    /// Of seconds, from 50 µs to 10 s.
    Seconds,
    /// Of things in one commit, from 1 to 4096.
    Sizes,
}

/// Name, labels, kind and help of each metric.
pub(super) const ALL: &[(&str, &str, Kind, &str)] = &[
    (
        "flowgate_build_info",
        "version",
        Kind::Gauge,
        "1; the label is the version of this host.",
    ),
    (
        "flowgate_drives_runs",
        "",
        Kind::Gauge,
        "1 if this process drives runs, 0 if another one is to.",
    ),
    (
        "flowgate_runs_driven",
        "",
        Kind::Gauge,
        "1 if some process drives the runs of this data directory, 0 if none does.",
    ),
    ("flowgate_runs", "status", Kind::Gauge, "Runs of all tenants by status."),
    (
        "flowgate_drivers",
        "",
        Kind::Gauge,
        "Runs that have a driver: they tick, commit, or are in an external effect.",
    ),
    ("flowgate_ticks_total", "", Kind::Counter, "Ticks of flows."),
    (
        "flowgate_tick_seconds",
        "",
        Kind::Seconds,
        "Time of a tick, waiting for the processor included.",
    ),
    (
        "flowgate_fuel_total",
        "",
        Kind::Counter,
        "Fuel used by ticks; about one unit an instruction.",
    ),
    ("flowgate_pool_slots_used", "", Kind::Gauge, "Live instances of flows."),
    (
        "flowgate_pool_slots_limit",
        "",
        Kind::Gauge,
        "Instances that the pool has room for (runner.max_live).",
    ),
    (
        "flowgate_effects_total",
        "kind, outcome",
        Kind::Counter,
        "Effects that flows asked for, by kind and what became of them: completed, failed, waiting.",
    ),
    (
        "flowgate_journal_queue_depth",
        "",
        Kind::Gauge,
        "Requests that wait for the journal's writer.",
    ),
    (
        "flowgate_journal_queue_age_seconds",
        "",
        Kind::Gauge,
        "How long the oldest request to the writer has been waiting for its commit.",
    ),
    (
        "flowgate_journal_queue_seconds",
        "",
        Kind::Seconds,
        "What the oldest request of a commit waited until the writer took it.",
    ),
    (
        "flowgate_journal_commits_total",
        "result",
        Kind::Counter,
        "Commits, by result: ok, failed.",
    ),
    (
        "flowgate_journal_commit_seconds",
        "",
        Kind::Seconds,
        "Time of a commit, from taking its requests to the disk's word.",
    ),
    (
        "flowgate_journal_sync_seconds",
        "",
        Kind::Seconds,
        "Time of the COMMIT statement, in a small commit of one run with its rows: the disk's share.",
    ),
    (
        "flowgate_journal_commit_requests",
        "",
        Kind::Sizes,
        "Requests served by one commit.",
    ),
    (
        "flowgate_journal_commit_rows",
        "",
        Kind::Sizes,
        "Ledger rows written by one commit.",
    ),
    (
        "flowgate_database_bytes",
        "file",
        Kind::Gauge,
        "Size of the database and of its write-ahead log.",
    ),
    (
        "flowgate_expired_runs_total",
        "",
        Kind::Counter,
        "Runs that had ended and were removed by the policy of their tenant.",
    ),
    (
        "flowgate_expired_rows_total",
        "",
        Kind::Counter,
        "Rows of all tables that were removed because they or their runs had expired.",
    ),
    (
        "flowgate_vacuumed_pages_total",
        "",
        Kind::Counter,
        "Free pages of the database (8 KiB) that were given back to the file system.",
    ),
    (
        "flowgate_http_requests_total",
        "route, method, status",
        Kind::Counter,
        "Answered HTTP requests by route template, method and status.",
    ),
    (
        "flowgate_http_request_seconds",
        "route",
        Kind::Seconds,
        "Time from a request's head to its answer's head; a stream counts until it opens.",
    ),
    (
        "flowgate_http_rejections_total",
        "reason",
        Kind::Counter,
        "Requests that security refused: origin, lockout, token, no_token_configured, role, size, concurrency.",
    ),
    ("flowgate_streams_open", "", Kind::Gauge, "Open ledger streams."),
];

const SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];

pub(super) fn builder() -> PrometheusBuilder {
    ALL.iter().fold(PrometheusBuilder::new(), |builder, (name, _, kind, _)| {
        let bounds = match kind {
            Kind::Seconds => SECONDS,
            Kind::Sizes => SIZES,
            Kind::Counter | Kind::Gauge => return builder,
        };
        match builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds) {
            Ok(builder) => builder,
            // Only an empty list of bounds is refused.
            Err(_) => PrometheusBuilder::new(),
        }
    })
}

pub(super) fn describe() {
    for (name, _, kind, help) in ALL {
        match kind {
            Kind::Counter => describe_counter!(*name, *help),
            Kind::Gauge => describe_gauge!(*name, *help),
            Kind::Seconds | Kind::Sizes => describe_histogram!(*name, *help),
        }
    }
}
