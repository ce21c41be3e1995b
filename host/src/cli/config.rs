//! `flowgate config`: the settings in use.

use std::process::ExitCode;

use super::flags::ServerFlags;
use super::{Error, out};
use crate::config::{self, Origin};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the reference page of all settings
    #[arg(long, hide = true)]
    markdown: bool,
    #[command(flatten)]
    settings: ServerFlags,
}

pub fn run(args: Args) -> Result<ExitCode, Error> {
    if args.markdown {
        out::text(&config::markdown())?;
        return Ok(ExitCode::SUCCESS);
    }
    let resolved = args.settings.resolve()?;
    for setting in config::all() {
        let Some((text, origin)) = resolved.chosen.get(setting.key) else {
            continue;
        };
        let text = match text.as_str() {
            "" => "(none)",
            _ if setting.secret => "(set, not shown)",
            text => text,
        };
        let from = if *origin == Origin::Default {
            String::new()
        } else {
            format!("   from {origin}")
        };
        out::line(format_args!("{:<32} {text}{from}", setting.key))?;
    }
    for notice in &resolved.notices {
        eprintln!("flowgate: {notice}");
    }
    Ok(ExitCode::SUCCESS)
}
