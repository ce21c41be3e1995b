//! `flowgate replay`: runs again from their history, compared with what is stored.

use std::process::ExitCode;

use super::kept::{self, Args};
use super::{Error, out};
use crate::runner::{Auditor, Report, Verdict};
use crate::sandbox::Sandbox;

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let settings = args.settings.resolve()?.settings;
    let offline = kept::open(settings.database()).await?;
    let journal = &offline.handle;
    // Native code is kept where a server keeps it; a copy of a data directory has no such place and gets none.
    let keeps = settings.data_dir.join("code-cache").is_dir();
    let sandbox = Sandbox::new(settings.sandbox(keeps)).map_err(|e| Error::failed(e.to_string()))?;
    let auditor = Auditor::new(journal.clone(), sandbox, settings.runner.max_inline_bytes);
    let (mut looked_at, mut different) = (0_u64, 0_u64);
    for at in args.runs.find(journal).await? {
        let Some(report) = auditor.replay(at).await? else { continue };
        looked_at += 1;
        different += u64::from(report.verdict == Verdict::Different);
        if args.json {
            let line = serde_json::to_string(&report).map_err(|e| Error::failed(e.to_string()))?;
            out::line(line)?;
        } else {
            show(&report)?;
        }
    }
    if !args.json {
        out::line(format_args!("{looked_at} runs, {different} different"))?;
    }
    Ok(ExitCode::from(u8::from(different > 0)))
}

fn show(report: &Report) -> Result<(), Error> {
    let Report {
        run_id,
        workflow_id,
        ticks,
        rows,
        from_seq,
        ..
    } = report;
    let from = match from_seq {
        1 => String::new(),
        seq => format!(", replayed from seq {seq}: what came before was not computed here, or has expired"),
    };
    match (&report.verdict, &report.difference) {
        (Verdict::Identical, _) => out::line(format_args!(
            "identical   {run_id}  {workflow_id}  {ticks} ticks, {rows} rows{from}"
        ))?,
        (Verdict::Unrecorded, _) => out::line(format_args!(
            "unrecorded  {run_id}  {workflow_id}  what made its rows was elsewhere, or has expired"
        ))?,
        (Verdict::Different, difference) => {
            out::line(format_args!("DIFFERENT   {run_id}  {workflow_id}"))?;
            if let Some(difference) = difference {
                out::line(format_args!("  {difference}"))?;
            }
        }
    }
    Ok(())
}
