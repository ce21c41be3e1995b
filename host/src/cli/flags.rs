//! The flags of settings, made from the table of settings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use crate::config::{self, Environment, Flag, Resolved, Setting, Sources};

/// Flags of all settings, and `--config`.
#[derive(Debug, Default, Clone)]
pub struct ServerFlags(Flags);

/// Flags of the settings that matter where nothing is served or kept: what a run may use, the log.
#[derive(Debug, Default, Clone)]
pub struct RunFlags(Flags);

#[derive(Debug, Default, Clone)]
struct Flags {
    given: BTreeMap<&'static str, String>,
    config: Option<PathBuf>,
}

impl ServerFlags {
    /// Settings from these flags, the environment and the settings file.
    pub fn resolve(&self) -> Result<Resolved, config::Error> {
        self.0.resolve()
    }
    /// Sets what the command line did not.
    pub fn or(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.given.entry(key).or_insert_with(|| value.into());
        self
    }
}

impl RunFlags {
    pub fn resolve(&self) -> Result<Resolved, config::Error> {
        self.0.resolve()
    }
}

fn for_runs(setting: &Setting) -> bool {
    let section = setting.key.split_once('.').map_or("", |(section, _)| section);
    matches!(section, "log" | "bundles" | "workspace") || (section == "runner" && setting.key != "runner.enabled")
}

impl Flags {
    fn resolve(&self) -> Result<Resolved, config::Error> {
        let environment = Environment::of_process();
        config::resolve(&Sources {
            flags: self.given.clone(),
            environment,
            config: self.config.clone(),
        })
    }

    fn from_matches(matches: &ArgMatches, wanted: fn(&Setting) -> bool) -> Self {
        let mut flags = Flags {
            config: matches.get_one::<PathBuf>("config").cloned(),
            ..Flags::default()
        };
        for setting in config::all().filter(|s| wanted(s)) {
            let text = match setting.flag {
                Flag::Main(name) | Flag::More(name) => matches.get_one::<String>(name).cloned(),
                Flag::Off(name) => matches.get_flag(name).then(|| "false".to_owned()),
                Flag::None => None,
            };
            flags.given.extend(text.map(|text| (setting.key, text)));
        }
        flags
    }

    fn augment(command: Command, wanted: fn(&Setting) -> bool) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf));
        let config = config.help("Settings file (TOML); by default flowgate.toml in the data directory");
        let command = command.arg(config.help_heading("Settings"));
        config::all()
            .filter(|s| wanted(s))
            .filter_map(arg)
            .fold(command, Command::arg)
    }
}

fn arg(setting: &'static Setting) -> Option<Arg> {
    let name = setting.flag.name()?;
    let default = if setting.default.is_empty() {
        String::new()
    } else {
        format!(" [default: {}]", setting.default)
    };
    let arg = Arg::new(name).long(name).help_heading("Settings");
    Some(match setting.flag {
        Flag::Off(_) => arg
            .action(ArgAction::SetTrue)
            .help(format!("Turn `{}` off. {}", setting.key, setting.doc)),
        Flag::More(_) => value(arg, setting)
            .hide_short_help(true)
            .help(format!("{}{default}", setting.doc)),
        _ => value(arg, setting).help(format!("{}{default}", setting.doc)),
    })
}

fn value(arg: Arg, setting: &'static Setting) -> Arg {
    let name = match setting.unit {
        "path" => "PATH",
        "port" => "PORT",
        "size" => "SIZE",
        "time" | "seconds" => "TIME",
        "steps" | "rows" | "runs" | "fuel" | "files" => "N",
        _ => "VALUE",
    };
    arg.value_name(name).allow_hyphen_values(true)
}

macro_rules! args {
    ($type:ty, $wanted:expr) => {
        impl FromArgMatches for $type {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(Flags::from_matches(matches, $wanted)))
            }
            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0 = Flags::from_matches(matches, $wanted);
                Ok(())
            }
        }
        impl clap::Args for $type {
            fn augment_args(command: Command) -> Command {
                Flags::augment(command, $wanted)
            }
            fn augment_args_for_update(command: Command) -> Command {
                Flags::augment(command, $wanted)
            }
        }
    };
}

args!(ServerFlags, |_| true);
args!(RunFlags, for_runs);
