//! What a run may use. A limit that is reached ends the run as failed with the limit's name; the host goes on.

use super::{Flag, Setting};
use crate::config::value;

pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "runner.enabled",
        flag: Flag::Off("no-runner"),
        env: "FLOWGATE_RUNNER",
        aliases: &["ABSTRACTGATEWAY_RUNNER", "ABSTRACTFLOW_GATEWAY_RUNNER"],
        default: "true",
        unit: "true or false",
        doc: "Whether this process drives runs. `flowgate serve --no-runner` only accepts requests; `flowgate runner` on the same data directory drives.",
        secret: false,
        apply: |s, v| {
            s.runner.enabled = value::boolean(v)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.metrics_address",
        flag: Flag::More("metrics-address"),
        env: "FLOWGATE_METRICS_ADDRESS",
        aliases: &[],
        default: "",
        unit: "address:port",
        doc: "Where `flowgate runner` answers `/metrics`, `/healthz` and `/readyz`, guarded as those of a server; nowhere unless it is set.",
        secret: false,
        apply: |s, v| {
            s.runner.metrics_address = value::address(v)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.tick_fuel",
        flag: Flag::More("tick-fuel"),
        env: "FLOWGATE_TICK_FUEL",
        aliases: &[],
        default: "1000000000",
        unit: "fuel",
        doc: "Instructions that one tick may execute, roughly. A flow that uses them up ends as failed with `fuel limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.tick_fuel = value::whole(v, 10_000, u64::MAX)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.tick_max_steps",
        flag: Flag::More("tick-max-steps"),
        env: "FLOWGATE_TICK_MAX_STEPS",
        aliases: &["ABSTRACTGATEWAY_TICK_MAX_STEPS", "ABSTRACTFLOW_GATEWAY_TICK_MAX_STEPS"],
        default: "1000",
        unit: "steps",
        doc: "Node transitions after which a flow lets others run. Larger costs fairness, smaller costs switching.",
        secret: false,
        apply: |s, v| {
            s.runner.tick_max_steps = value::whole(v, 1, u32::MAX)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.tick_timeout",
        flag: Flag::More("tick-timeout"),
        env: "FLOWGATE_TICK_TIMEOUT",
        aliases: &[],
        default: "10s",
        unit: "time",
        doc: "Wall-clock time of one tick. A flow that takes longer ends as failed with `tick timeout`.",
        secret: false,
        apply: |s, v| {
            s.runner.tick_timeout = value::seconds(v)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.activation_fuel",
        flag: Flag::More("activation-fuel"),
        env: "FLOWGATE_ACTIVATION_FUEL",
        aliases: &[],
        default: "4000000000",
        unit: "fuel",
        doc: "Instructions from leaving one wait to the next wait or the end, roughly. A flow that uses them up ends as failed with `fuel limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.activation_fuel = value::whole(v, 10_000, u64::MAX)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.max_payload_bytes",
        flag: Flag::More("max-payload-bytes"),
        env: "FLOWGATE_MAX_PAYLOAD_BYTES",
        aliases: &[],
        default: "16MiB",
        unit: "size",
        doc: "One effect's payload or result, or a run's output. A flow with a larger one ends as failed with `payload limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.max_payload_bytes = value::size(v, 1 << 10)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.max_replay_bytes",
        flag: Flag::More("max-replay-bytes"),
        env: "FLOWGATE_MAX_REPLAY_BYTES",
        aliases: &[],
        default: "64MiB",
        unit: "size",
        doc: "History of one run whose flow gives no snapshot, and is therefore replayed from its start each time it goes on: what it was told and when. A flow with more ends as failed with `replay limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.max_replay_bytes = value::size(v, 64 << 10)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.max_inline_bytes",
        flag: Flag::More("max-inline-bytes"),
        env: "FLOWGATE_MAX_INLINE_BYTES",
        aliases: &["ABSTRACTRUNTIME_MAX_INLINE_BYTES"],
        default: "256KiB",
        unit: "size",
        doc: "One value in a ledger row. A larger one is kept as an artifact of the run and the row has `{\"$artifact\": id}` in its place; the flow has the value itself. 0: values of any size stay in the row.",
        secret: false,
        apply: |s, v| {
            s.runner.max_inline_bytes = usize::try_from(value::size(v, 0)?).unwrap_or(usize::MAX);
            Ok(())
        },
    },
    Setting {
        key: "runner.activation_max_steps",
        flag: Flag::More("activation-max-steps"),
        env: "FLOWGATE_ACTIVATION_MAX_STEPS",
        aliases: &[],
        default: "10000000",
        unit: "steps",
        doc: "Node transitions from leaving one wait to the next wait or the end. A flow that makes more ends as failed with `activation step limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.activation_max_steps = value::whole(v, 1, u64::MAX)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.activation_max_rows",
        flag: Flag::More("activation-max-rows"),
        env: "FLOWGATE_ACTIVATION_MAX_ROWS",
        aliases: &[],
        default: "100000",
        unit: "rows",
        doc: "Ledger rows from leaving one wait to the next wait or the end. A flow that writes more ends as failed with `activation row limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.activation_max_rows = value::whole(v, 1, u64::MAX)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.max_memory_bytes",
        flag: Flag::More("max-memory-bytes"),
        env: "FLOWGATE_MAX_MEMORY_BYTES",
        aliases: &[],
        default: "64MiB",
        unit: "size",
        doc: "Memory of one live flow. A flow that needs more ends as failed with `memory limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.max_memory_bytes = value::size(v, 1 << 20)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.max_live",
        flag: Flag::More("max-live"),
        env: "FLOWGATE_MAX_LIVE",
        aliases: &[],
        default: "1000",
        unit: "runs",
        doc: "Runs that are live in memory at once; more wait their turn. A run that waits for something is not live.",
        secret: false,
        apply: |s, v| {
            s.runner.max_live = value::whole(v, 1, 1 << 20)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.max_wasi_memory_bytes",
        flag: Flag::More("max-wasi-memory-bytes"),
        env: "FLOWGATE_MAX_WASI_MEMORY_BYTES",
        aliases: &[],
        default: "256MiB",
        unit: "size",
        doc: "Memory of one live flow that imports WASI, its language's engine included. A flow that needs more ends as failed with `memory limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.max_wasi_memory_bytes = value::size(v, 1 << 20)?;
            Ok(())
        },
    },
    Setting {
        key: "runner.max_wasi_live",
        flag: Flag::More("max-wasi-live"),
        env: "FLOWGATE_MAX_WASI_LIVE",
        aliases: &[],
        default: "16",
        unit: "runs",
        doc: "Runs of flows that import WASI that are live in memory at once; more wait their turn. They count for `runner.max_live` too.",
        secret: false,
        apply: |s, v| {
            s.runner.max_wasi_live = value::whole(v, 1, 1 << 20)?;
            Ok(())
        },
    },
];
