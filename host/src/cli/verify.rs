//! `flowgate verify`: checks the hash chains of ledgers.

use std::process::ExitCode;

use serde_json::json;

use super::kept::{self, Args};
use super::{Error, out};
use crate::journal::Chain;

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let settings = args.settings.resolve()?.settings;
    let offline = kept::open(settings.database()).await?;
    let journal = &offline.handle;
    let (mut looked_at, mut chained, mut broken) = (0_u64, 0_u64, 0_u64);
    for at in args.runs.find(journal).await? {
        let Some(run_id) = journal.name_of(at).await? else { continue };
        looked_at += 1;
        let (line, shown) = match journal.verify(at).await? {
            Chain::None => (
                json!({"run_id": run_id, "verdict": "unchained"}),
                format!("unchained  {run_id}"),
            ),
            Chain::Whole { first, last } => {
                chained += 1;
                (
                    json!({"run_id": run_id, "verdict": "whole", "first": first, "last": last}),
                    format!("whole      {run_id}  rows {first} to {last}"),
                )
            }
            Chain::Broken(found) => {
                (chained, broken) = (chained + 1, broken + 1);
                (
                    json!({"run_id": run_id, "verdict": "broken", "seq": found.seq, "code": found.code, "text": found.text}),
                    format!("BROKEN     {run_id}  row {}: {}: {}", found.seq, found.code, found.text),
                )
            }
        };
        if args.json {
            out::line(line)?;
        } else {
            out::line(shown)?;
        }
    }
    if !args.json {
        out::line(format_args!("{looked_at} runs, {chained} chained, {broken} broken"))?;
    }
    Ok(ExitCode::from(u8::from(broken > 0)))
}
