//! What one run, and one tenant with all its runs, may use beyond the budgets of `runner.*`.

use super::{Flag, Setting};
use crate::config::value;

pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "limits.max_effects",
        flag: Flag::More("max-effects"),
        env: "FLOWGATE_MAX_EFFECTS",
        aliases: &[],
        default: "1000",
        unit: "effects",
        doc: "Effects that a run may have asked for and not been told of (waits, children, calls), and that one tick may ask for. A flow that asks for more ends as failed with `effect limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.max_effects = value::whole(v, 1, 10_000)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.max_children",
        flag: Flag::More("max-children"),
        env: "FLOWGATE_MAX_CHILDREN",
        aliases: &[],
        default: "1000",
        unit: "runs",
        doc: "Children that a run may start from leaving one wait to the next wait or the end. A node that starts one more fails with `children limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.max_children = value::whole(v, 0, u64::MAX)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.max_depth",
        flag: Flag::More("max-depth"),
        env: "FLOWGATE_MAX_DEPTH",
        aliases: &[],
        default: "64",
        unit: "runs",
        doc: "Generations of children below a run that a client has started. A node that starts a child beyond them fails with `depth limit`; a flow that calls itself comes to it.",
        secret: false,
        apply: |s, v| {
            s.runner.max_depth = value::whole(v, 0, 10_000)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.max_state_bytes",
        flag: Flag::More("max-state-bytes"),
        env: "FLOWGATE_MAX_STATE_BYTES",
        aliases: &[],
        default: "16MiB",
        unit: "size",
        doc: "The state of a run as it is kept while the run waits. A flow with a larger one ends as failed with `state limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.max_state_bytes = value::size(v, 1 << 10)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.max_log_bytes",
        flag: Flag::More("max-log-bytes"),
        env: "FLOWGATE_MAX_LOG_BYTES",
        aliases: &[],
        default: "64KiB",
        unit: "size",
        doc: "What the code of a flow prints in one tick. The rest is left out of the log, which says so with `log limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.max_log_bytes = value::size(v, 0)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.max_runs",
        flag: Flag::More("max-runs"),
        env: "FLOWGATE_MAX_RUNS",
        aliases: &[],
        default: "1000000",
        unit: "runs",
        doc: "Runs of a tenant that have not ended, waiting ones included. A start beyond them is refused with 429 and `run limit`; a node that starts a child beyond them fails with it. A process looks at the number at least once a second, so that some more may slip in.",
        secret: false,
        apply: |s, v| {
            s.runner.max_runs = value::whole(v, 1, u64::MAX)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.starts_per_second",
        flag: Flag::More("starts-per-second"),
        env: "FLOWGATE_STARTS_PER_SECOND",
        aliases: &[],
        default: "5000",
        unit: "runs a second",
        doc: "Runs and schedules that the clients of a tenant may start, a second's worth of them at once. A start beyond them is refused with 429 and `start limit`. 0: as many as they like.",
        secret: false,
        apply: |s, v| {
            s.runner.starts_per_second = value::whole(v, 0, 1_000_000)?;
            Ok(())
        },
    },
];
