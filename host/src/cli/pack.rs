//! `flowgate pack`: a .flow file of a bundle directory, of a flow and the subflows that lie beside it, or of a guest crate.

use std::path::PathBuf;
use std::process::ExitCode;

use flowgate_compiler::bundle::Limits;

use super::{Error, guest};
use crate::bundles;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A bundle directory (with manifest.json), the JSON file of the root flow, or the directory of a guest crate (with Cargo.toml)
    #[arg(value_name = "DIR|ROOT.json|CRATE")]
    input: PathBuf,
    /// The bundle to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Bundle id; by default the root flow's. Not for a bundle directory, whose manifest says it
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Bundle version; by default 0.0.0, or the crate's. Not for a bundle directory
    #[arg(long = "bundle-version", value_name = "VERSION")]
    version: Option<String>,
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let file = if guest::is_crate(&args.input) {
        Ok(guest::pack(&args.input, args.id.as_deref(), args.version.as_deref()).await?)
    } else if args.input.is_dir() {
        if args.id.is_some() || args.version.is_some() {
            return Err(Error::usage(
                "--id and --bundle-version are for a flow; the manifest of a bundle directory says them itself",
            ));
        }
        bundles::pack_dir(&args.input, &Limits::default())
    } else {
        bundles::pack_flow(&args.input, args.id.as_deref(), args.version.as_deref())
    };
    let file = file.map_err(Error::failed)?;
    super::compile::write(&args.output, &file)?;
    eprintln!("{}: {} bytes", args.output.display(), file.len());
    Ok(ExitCode::SUCCESS)
}
