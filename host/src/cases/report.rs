//! What came of a case, under stable names.

use flow_rt::value::{Map, Value};

use super::Error;
use super::normalise::{self, Names};
use crate::ids::{RunId, TenantId};
use crate::journal::{self, RunRow};

/// How much of a ledger row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// As recorded cases have them.
    Recorded,
    /// Also which attempt of which step it was, so that two runs of one host can be compared in full.
    Full,
}

pub async fn report(journal: &journal::Handle, root: &RunId, runs: &[RunRow], show: Rows) -> Result<Value, Error> {
    let names = Names::new(runs.iter().map(|r| r.run_id.as_str()));
    let mut ledger = Vec::new();
    let mut excepted = false;
    for run in runs {
        let page = journal.ledger(TenantId::LOCAL, &run.run_id, 0, u32::MAX).await?;
        for row in &page.rows {
            let row = flow_rt::json::parse(row).map_err(|e| Error::Other(e.to_string()))?;
            // An exception that leaves a tick ends a case: what a gateway writes after it is not listed.
            if normalise::is_exception(&row) {
                excepted |= run.run_id == *root;
                break;
            }
            ledger.push(names.row(&run.run_id, &row, show));
        }
    }
    let Some(run) = journal.run(TenantId::LOCAL, root).await? else {
        return Err(Error::Other("the root run is gone".to_owned()));
    };
    let parsed = |text: &str| flow_rt::json::parse(text).unwrap_or_default();
    let output = run.output.as_ref().map(|o| names.value(&parsed(o.get()))).unwrap_or_default();
    let waiting = run
        .waiting
        .as_ref()
        .map(|w| names.value(&normalise::wait(w)))
        .unwrap_or_default();
    let status = if excepted { "error" } else { run.status.as_str() };
    let error = run.error.as_deref().map(|e| names.value(&Value::str(e))).unwrap_or_default();
    Ok(Value::dict(Map::from_iter([
        ("status".into(), Value::str(status)),
        ("output".into(), output),
        ("error".into(), error),
        ("waiting".into(), waiting),
        ("ledger".into(), Value::list(ledger)),
    ])))
}
