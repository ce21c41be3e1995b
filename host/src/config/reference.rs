//! The reference page of settings, written from the table.

use super::table::{Flag, Setting, all};

/// The page as it stands in `docs/configuration.md`; a test keeps the two equal.
pub fn markdown() -> String {
    let mut page = String::from(INTRO);
    let mut section = "";
    for setting in all() {
        let own = setting.key.split_once('.').map_or("server", |(section, _)| section);
        if own != section {
            section = own;
            page.push_str(&format!("\n## {}\n", title(own)));
        }
        entry(&mut page, setting);
    }
    page
}

const INTRO: &str = "\
# Configuration

Every setting has a key, which is its name in a TOML file, and an environment variable; most have a flag. The first that is given
counts:

1. the flag,
2. the `FLOWGATE_*` variable,
3. the AbstractGateway names of the same setting, in the order shown, so that its environment can be kept,
4. the settings file: `--config FILE` or `FLOWGATE_CONFIG`, else `flowgate.toml` in the data directory if there is one,
5. the default.

A key with a dot belongs into a section: `security.max_sse` is `max_sse` under `[security]`. A key that is not listed here is an
error. A blank environment variable counts as unset. Sizes are bytes or a number with `KiB`, `MiB` or `GiB`; times are seconds or
a number with `ms`, `s`, `m`, `h` or `d`; lists are comma-separated, in a file also `[\"a\", \"b\"]`. Relative paths start at the
working directory. `flowgate config` shows the settings in use and where each came from.

What `runner`, `limits` and `retention` say can be set for one tenant in the settings file, under its name; what is not said there is as
for all tenants. `runner.max_memory_bytes` can only be lowered. `runner.enabled`, `runner.max_live`, `runner.max_inline_bytes` and
`retention.interval` are the process's and cannot be set so. There is one tenant in this version, `local`.

```toml
[tenants.local.limits]
max_runs = 1000
[tenants.local.runner]
activation_fuel = 500_000_000
[tenants.local.retention]
finished_after = \"30d\"
```

This page is written by `flowgate config --markdown`.
";

fn title(section: &str) -> &str {
    match section {
        "server" => "Server",
        "journal" => "Journal",
        "bundles" => "Bundles",
        "log" => "Log",
        "security" => "Security",
        "runner" => "Runner",
        "limits" => "Limits",
        "retention" => "Retention",
        other => other,
    }
}

fn entry(page: &mut String, setting: &Setting) {
    page.push_str(&format!("\n### `{}`\n\n{}\n\n", setting.key, setting.doc));
    let default = if setting.default.is_empty() {
        "none".to_owned()
    } else {
        format!("`{}`", setting.default)
    };
    page.push_str(&format!("* default: {default} ({})\n", setting.unit));
    match setting.flag {
        Flag::Main(name) | Flag::More(name) => page.push_str(&format!("* flag: `--{name}`\n")),
        Flag::Off(name) => page.push_str(&format!("* flag: `--{name}` switches it off\n")),
        Flag::None => {}
    }
    let names = std::iter::once(&setting.env).chain(setting.aliases);
    page.push_str(&format!(
        "* environment: {}\n",
        names.map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
    ));
}
