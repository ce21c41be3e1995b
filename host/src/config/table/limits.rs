//! What one run, and one tenant with all its runs, may use beyond the budgets of `runner.*`.

use super::{Flag, Setting};
use crate::config::value;

pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "limits.max_tenant_live",
        flag: Flag::More("max-tenant-live"),
        env: "FLOWGATE_MAX_TENANT_LIVE",
        aliases: &[],
        default: "500",
        unit: "runs",
        doc: "Runs of one tenant that are live in memory at once; more wait their turn. Less than `runner.max_live`, so that a tenant whose runs compute for ever leaves room for others.",
        secret: false,
        apply: |s, v| {
            s.runner.max_tenant_live = value::whole(v, 1, 1_000_000)?;
            Ok(())
        },
    },
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
        key: "limits.max_table_elements",
        flag: Flag::More("max-table-elements"),
        env: "FLOWGATE_MAX_TABLE_ELEMENTS",
        aliases: &[],
        default: "100000",
        unit: "elements",
        doc: "Elements of one table of a flow's code. A flow that needs a larger one ends as failed with `table limit`.",
        secret: false,
        apply: |s, v| {
            s.runner.max_table_elements = value::whole(v, 1000, 10_000_000)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.max_tables",
        flag: Flag::More("max-tables"),
        env: "FLOWGATE_MAX_TABLES",
        aliases: &[],
        default: "2",
        unit: "tables",
        doc: "Tables of a component without WASI; a compiled flow has one. A component of more cannot be run.",
        secret: false,
        apply: |s, v| {
            s.runner.max_tables = value::whole(v, 1, 100)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.max_instances",
        flag: Flag::More("max-instances"),
        env: "FLOWGATE_MAX_INSTANCES",
        aliases: &[],
        default: "8",
        unit: "instances",
        doc: "Core instances of a component without WASI; a compiled flow has three. A component of more cannot be run.",
        secret: false,
        apply: |s, v| {
            s.runner.max_instances = value::whole(v, 1, 1000)?;
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
        key: "limits.max_storage_bytes",
        flag: Flag::More("max-storage-bytes"),
        env: "FLOWGATE_MAX_STORAGE_BYTES",
        aliases: &[],
        default: "64GiB",
        unit: "size",
        doc: "What a tenant keeps: inputs, ledgers, history, states and outputs of its runs, commands, bundles and components, artifacts, and files in private folders of runs and in the workspace of the data directory; not those in folders that the operator has named. Beyond it starts and uploads are refused with 507 and `storage limit`, and nodes that start children or write files fail with it. Runs that have begun go on for another tenth of it; then those that do something end as failed. A process looks at the number once a second, so that some more may slip in. 0: as much as the disk takes.",
        secret: false,
        apply: |s, v| {
            s.runner.max_storage_bytes = value::size(v, 0)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.wakes_per_second",
        flag: Flag::More("wakes-per-second"),
        env: "FLOWGATE_WAKES_PER_SECOND",
        aliases: &[],
        default: "200",
        unit: "wakes a second",
        doc: "How often one run may go on after a wait, ten seconds' worth of it at once. A run that is woken more often is slowed down to it, and the log says so with `wake limit`: two listeners that call each other for ever come to it. 0: as often as it is woken.",
        secret: false,
        apply: |s, v| {
            s.runner.wakes_per_second = value::whole(v, 0, 1_000_000)?;
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
