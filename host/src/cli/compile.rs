//! `flowgate compile`: a flow to a component that anybody can load.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Error;
use crate::bundles;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A VisualFlow JSON file, or a .flow file or bundle directory; `BUNDLE:FLOW` names one of its flows
    #[arg(value_name = "INPUT[:FLOW]")]
    input: String,
    /// The component to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// `standalone` has the runtime inside; `shared` imports it, as the gateway's own components do
    #[arg(long, value_enum, default_value_t = Link::Standalone)]
    link: Link,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Link {
    Shared,
    Standalone,
}

pub fn run(args: Args) -> Result<ExitCode, Error> {
    let link = match args.link {
        Link::Shared => flowgate_compiler::Link::Shared,
        Link::Standalone => flowgate_compiler::Link::Standalone,
    };
    let (path, flow_id) = super::run::split(&args.input);
    let limits = flowgate_compiler::bundle::Limits::default();
    let compiled = bundles::compile_path(&path, flow_id.as_deref(), &limits, link).map_err(Error::failed)?;
    for diagnostic in &compiled.diagnostics {
        eprintln!("{}: {diagnostic}", severity(diagnostic));
    }
    let Some(bytes) = compiled.component else {
        return Ok(ExitCode::from(1));
    };
    write(&args.output, &bytes)?;
    eprintln!("{}: {} bytes", args.output.display(), bytes.len());
    Ok(ExitCode::SUCCESS)
}

fn severity(diagnostic: &flowgate_compiler::diagnostic::Diagnostic) -> &'static str {
    match diagnostic.severity {
        flowgate_compiler::diagnostic::Severity::Error => "error",
        flowgate_compiler::diagnostic::Severity::Warning => "warning",
    }
}

/// Writes a result file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|e| Error::failed(format!("{} cannot be written: {e}", path.display())))
}
