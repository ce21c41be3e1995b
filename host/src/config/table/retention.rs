//! How long runs are kept. By default nothing expires.

use std::time::Duration;

use super::{Flag, Setting};
use crate::config::value;

pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "retention.finished_after",
        flag: Flag::More("finished-after"),
        env: "FLOWGATE_FINISHED_AFTER",
        aliases: &[],
        default: "0",
        unit: "time",
        doc: "How long a run is kept after it has ended: its ledger, history and artifacts go with it. A run goes together with its whole tree, when all of that has ended; an execution of a schedule is a tree of its own. The artifacts of a session go with its last run. Files in workspaces stay. 0: for ever.",
        secret: false,
        apply: |s, v| {
            s.retention.all.finished_after = value::age(v, Duration::from_secs(1))?;
            Ok(())
        },
    },
    Setting {
        key: "retention.commands_after",
        flag: Flag::More("commands-after"),
        env: "FLOWGATE_COMMANDS_AFTER",
        aliases: &[],
        default: "0",
        unit: "time",
        doc: "How long the id of a command is remembered after the command was applied or refused. A client that sends it again later gives a new command: set more than any client goes on trying. 0: for ever.",
        secret: false,
        apply: |s, v| {
            s.retention.all.commands_after = value::age(v, Duration::from_secs(1))?;
            Ok(())
        },
    },
    Setting {
        key: "retention.max_rows",
        flag: Flag::More("max-ledger-rows"),
        env: "FLOWGATE_MAX_LEDGER_ROWS",
        aliases: &[],
        default: "0",
        unit: "rows",
        doc: "Newest ledger rows that are kept of a run that goes on. When there are a tenth more, the oldest go; cursors go on counting, and a page that would begin with a row that is gone is answered with 410. History goes as far as the last snapshot holds what it says, so that the run goes on as before; of a guest without snapshots it stays whole. 0: all rows.",
        secret: false,
        apply: |s, v| {
            s.retention.all.max_rows = Some(value::whole(v, 0, u64::MAX)?).filter(|rows| *rows > 0);
            Ok(())
        },
    },
    Setting {
        key: "retention.max_age",
        flag: Flag::More("max-ledger-age"),
        env: "FLOWGATE_MAX_LEDGER_AGE",
        aliases: &[],
        default: "0",
        unit: "time",
        doc: "Age at which ledger rows of a run that goes on are removed, but for its newest; as `retention.max_rows` otherwise. They may become a tenth older, or an hour if that is less. 0: they never are.",
        secret: false,
        apply: |s, v| {
            s.retention.all.max_age = value::age(v, Duration::from_secs(1))?;
            Ok(())
        },
    },
    Setting {
        key: "retention.interval",
        flag: Flag::More("retention-interval"),
        env: "FLOWGATE_RETENTION_INTERVAL",
        aliases: &[],
        default: "10s",
        unit: "time",
        doc: "Pause between two looks for what has expired, and for space to give back. A process that does not drive runs does not look.",
        secret: false,
        apply: |s, v| {
            let interval = value::age(v, Duration::from_secs(1))?;
            s.retention.interval = interval.ok_or("a length of time from 1 second on")?;
            Ok(())
        },
    },
];
