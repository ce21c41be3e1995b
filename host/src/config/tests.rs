//! Which value wins, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use super::*;

struct Case {
    dir: tempfile::TempDir,
    sources: Sources,
}

impl Case {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut case = Case {
            dir,
            sources: Sources::default(),
        };
        let dir = case.dir.path().display().to_string();
        case.sources.flags.insert("data_dir", dir);
        case
    }
    fn flag(mut self, key: &'static str, value: &str) -> Self {
        self.sources.flags.insert(key, value.to_owned());
        self
    }
    fn env(mut self, pairs: &[(&str, &str)]) -> Self {
        self.sources.environment = Environment::from_pairs(pairs.iter().copied());
        self
    }
    fn file(self, text: &str) -> Self {
        std::fs::write(self.dir.path().join("flowgate.toml"), text).unwrap();
        self
    }
    fn get(&self) -> Resolved {
        resolve(&self.sources).unwrap_or_else(|e| panic!("{e}"))
    }
    fn error(&self) -> String {
        resolve(&self.sources).unwrap_err().to_string()
    }
}

#[test]
fn flags_win_over_our_names_over_the_references_over_the_file_over_the_default() {
    let ours = ("FLOWGATE_PORT", "2");
    let theirs = ("ABSTRACTGATEWAY_PORT", "3");
    let port = |case: Case| case.get().settings.port;
    assert_eq!(port(Case::new()), 8080);
    assert_eq!(port(Case::new().file("port = 4")), 4);
    assert_eq!(port(Case::new().file("port = 4").env(&[theirs])), 3);
    assert_eq!(port(Case::new().file("port = 4").env(&[theirs, ours])), 2);
    assert_eq!(port(Case::new().file("port = 4").env(&[theirs, ours]).flag("port", "1")), 1);
    assert_eq!(
        port(Case::new().file("port = 4").env(&[("FLOWGATE_PORT", " ")])),
        4,
        "a blank variable is unset"
    );
}

#[test]
fn every_name_of_every_setting_is_heard() {
    for setting in all().filter(|s| s.key != "data_dir" && s.key != "journal.path") {
        let text = match (setting.default, setting.unit) {
            ("", "address:port") => "127.0.0.1:9464",
            ("", _) => "true",
            (default, _) => default,
        };
        for name in std::iter::once(&setting.env).chain(setting.aliases) {
            let got = Case::new().env(&[(name, text)]).get();
            assert_eq!(got.chosen[setting.key], (text.to_owned(), Origin::Env(name)));
        }
        let toml = match setting.key.split_once('.') {
            Some((section, key)) => format!("[{section}]\n{key} = '{text}'"),
            None => format!("{} = '{text}'", setting.key),
        };
        let got = Case::new().file(&toml).get();
        assert!(matches!(got.chosen[setting.key].1, Origin::File(_)), "{}", setting.key);
    }
}

#[test]
fn a_tenant_has_its_own_retention_over_that_of_all() {
    let file = "[retention]\nfinished_after = '30d'\nmax_rows = 500\n[tenants.local.retention]\nmax_rows = 0\nmax_age = '2h'\n";
    let retention = Case::new().file(file).get().settings.retention;
    let days = |days: u64| Some(std::time::Duration::from_secs(days * 86_400));
    assert_eq!((retention.all.finished_after, retention.all.max_rows), (days(30), Some(500)));
    let own = &retention.tenants[&crate::ids::TenantId::LOCAL];
    assert_eq!((own.finished_after, own.max_rows), (days(30), None));
    assert_eq!(own.max_age, Some(std::time::Duration::from_secs(7200)));
    let unset = Case::new().get().settings.retention;
    assert_eq!(unset.all, crate::journal::Policy::default());
    assert!(unset.tenants.is_empty());
}

#[test]
fn what_cannot_be_set_for_a_tenants_retention_is_refused() {
    for (file, words) in [
        ("[tenants.acme.retention]\nmax_rows = 1", ["tenants.acme", "no such tenant"]),
        (
            "[tenants.local.retention]\ninterval = '5s'",
            ["retention.interval", "cannot be set for one tenant"],
        ),
        (
            "[tenants.local.retention]\nfinished_after = '1ms'",
            ["retention.finished_after", "a length of time from 1 seconds on, or 0"],
        ),
        (
            "[tenants]\nlocal = 3",
            ["tenants.local", "sections such as [tenants.NAME.limits]"],
        ),
    ] {
        let error = Case::new().file(file).error();
        assert!(words.iter().all(|word| error.contains(word)), "{file}: {error}");
    }
}

#[test]
fn names_are_unique_and_documented() {
    let mut seen = BTreeMap::new();
    for setting in all() {
        let flag = setting.flag.name().map(|name| ("flag", name));
        let env = std::iter::once(&setting.env).chain(setting.aliases);
        let env = env.map(|name| ("env", *name));
        for name in std::iter::once(("key", setting.key)).chain(flag).chain(env) {
            assert_eq!(seen.insert(name, setting.key), None, "{name:?}");
        }
        assert!(setting.doc.ends_with('.') && !setting.unit.is_empty(), "{}", setting.key);
        assert!(setting.env.starts_with("FLOWGATE_"), "{}", setting.key);
        assert!(
            !setting.secret || setting.flag == Flag::None,
            "{}: a flag is no place for a secret",
            setting.key
        );
    }
}

#[test]
fn defaults_are_the_security_layers_own() {
    let settings = Case::new().get().settings;
    let mut layer = settings.security_layer();
    assert_eq!(layer.audit_log.take(), Some(settings.data_dir.join("audit_log.jsonl")));
    assert_eq!(format!("{layer:?}"), format!("{:?}", crate::security::Settings::default()));
}

#[test]
fn an_environment_of_the_reference_is_taken_over() {
    let settings = Case::new()
        .env(&[
            ("ABSTRACTGATEWAY_AUTH_TOKEN", "one-two-three"),
            ("ABSTRACTFLOW_GATEWAY_AUTH_TOKENS", "four, five,one-two-three"),
            ("ABSTRACTGATEWAY_MAX_SSE", "7"),
            ("ABSTRACTFLOW_GATEWAY_MAX_SSE", "8"),
            ("ABSTRACTGATEWAY_STORE_BACKEND", "sqlite"),
            ("ABSTRACTGATEWAY_FLOWS_DIR", "/srv/flows"),
            ("ABSTRACTGATEWAY_LOCKOUT_BASE_S", "0.5"),
            ("ABSTRACTGATEWAY_AUDIT_LOG", "0"),
            ("ABSTRACTGATEWAY_RUNNER", "off"),
        ])
        .get()
        .settings;
    let tokens = settings.tokens.iter().map(Token::reveal).collect::<Vec<_>>();
    assert_eq!(tokens, ["one-two-three", "four", "five"]);
    assert!(!format!("{settings:?}").contains("one-two"), "debug output hides tokens");
    assert_eq!(settings.security.max_sse, 7);
    assert_eq!(settings.security.lockout_base_s, 0.5);
    assert_eq!(settings.flows_dir.to_str(), Some("/srv/flows"));
    assert_eq!(settings.security_layer().audit_log, None);
    assert!(!settings.runner.enabled);
}

#[test]
fn errors_name_the_setting_its_source_and_what_is_allowed() {
    for (case, parts) in [
        (
            Case::new().flag("port", "99999"),
            &["'port'", "--port", "99999", "0 to 65535"][..],
        ),
        (
            Case::new().env(&[("FLOWGATE_SYNCHRONOUS", "maybe")]),
            &["journal.synchronous", "FLOWGATE_SYNCHRONOUS", "full or normal"],
        ),
        (
            Case::new().env(&[("ABSTRACTFLOW_GATEWAY_PROTECT_READ", "2")]),
            &["ABSTRACTFLOW_GATEWAY_PROTECT_READ", "true or false"],
        ),
        (
            Case::new().file("[security]\nmax_sse = 0"),
            &["security.max_sse", "flowgate.toml", "1 to"],
        ),
        (
            Case::new().file("[security]\nmax_see = 1"),
            &["unknown setting 'security.max_see'", "flowgate.toml"],
        ),
        (Case::new().file("[server]\nport = 1"), &["unknown setting 'server.port'"]),
        (Case::new().file("port = [1]"), &["'port'", "not array"]),
        (Case::new().file("port = "), &["flowgate.toml", "cannot be read"]),
        (Case::new().file("data_dir = 'x'"), &["cannot set data_dir"]),
        (
            Case::new().flag("journal.path", "/elsewhere/x.sqlite3"),
            &["journal.path", "inside the data directory"],
        ),
        (
            Case::new().env(&[("ABSTRACTGATEWAY_STORE_BACKEND", "file")]),
            &["SQLite only"],
        ),
        (
            Case::new().env(&[("FLOWGATE_MAX_MEMORY_BYTES", "12 parsecs")]),
            &["runner.max_memory_bytes", "MiB"],
        ),
        (
            Case::new().env(&[("FLOWGATE_TICK_TIMEOUT", "-1")]),
            &["runner.tick_timeout", "length of time"],
        ),
    ] {
        let error = case.error();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        assert!(!error.contains('\n'), "one sentence: {error}");
    }
}

#[test]
fn what_has_no_effect_is_said() {
    let got = Case::new()
        .env(&[("FLOWGATE_PROT", "1"), ("ABSTRACTGATEWAY_POLL_S", "0.1")])
        .get();
    assert_eq!(got.notices.len(), 2, "{:?}", got.notices);
}

#[test]
fn sizes_and_times_have_units() {
    let size = |text| value::size(text, 0);
    assert_eq!(size("64MiB"), Ok(64 << 20));
    assert_eq!(size(" 1_000 "), Ok(1000));
    assert_eq!(size("1 gib"), Ok(1 << 30));
    assert!(size("-1").is_err() && size("99999999999GiB").is_err() && size("").is_err());
    assert_eq!(value::seconds("250ms").map(|d| d.as_millis()), Ok(250));
    assert_eq!(value::seconds("1.5").map(|d| d.as_millis()), Ok(1500));
    assert_eq!(value::seconds("2m").map(|d| d.as_secs()), Ok(120));
    assert!(value::seconds("inf").is_err() && value::seconds("nan").is_err());
}

/// Writes the page anew with `FLOWGATE_UPDATE_DOCS=1`.
#[test]
fn the_reference_page_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if std::env::var_os("FLOWGATE_UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == markdown(),
        "docs/configuration.md is out of date: write it with FLOWGATE_UPDATE_DOCS=1 cargo test"
    );
}

#[test]
fn a_tenant_has_its_own_limits_over_those_of_all() {
    let file = "[limits]\nmax_children = 7\nmax_depth = 5\n[runner]\nactivation_fuel = 20_000\n\
                [tenants.local.limits]\nmax_depth = 2\n[tenants.local.runner]\ntick_fuel = 30_000\nmax_memory_bytes = \"2MiB\"\n";
    let settings = Case::new().file(file).get().settings;
    assert_eq!((settings.runner.max_children, settings.runner.max_depth), (7, 5));
    let own = &settings.tenants[&crate::ids::TenantId::LOCAL];
    assert_eq!((own.max_children, own.max_depth, own.tick_fuel), (7, 2, 30_000));
    let budgets = settings.budgets(false);
    let own = &budgets.tenants[&crate::ids::TenantId::LOCAL];
    assert_eq!((budgets.max_depth, own.settings.max_depth), (5, 2));
    assert_eq!(own.settings.activation_fuel, 20_000);
    assert_eq!((own.sandbox.tick_fuel, own.sandbox.max_memory_bytes), (30_000, 2 << 20));
    assert!(Case::new().get().settings.tenants.is_empty());
}

#[test]
fn what_cannot_be_set_for_a_tenant_is_refused() {
    for (file, words) in [
        ("[tenants.acme.limits]\nmax_runs = 1", ["tenants.acme", "no such tenant"]),
        (
            "[tenants.local.limits]\nmax_runs = 0",
            ["limits.max_runs", "a whole number from 1"],
        ),
        ("[tenants.local.limits]\nrubbish = 0", ["unknown setting", "limits.rubbish"]),
        (
            "[tenants.local.runner]\nmax_live = 3",
            ["runner.max_live", "cannot be set for one tenant"],
        ),
        ("[tenants.local]\nport = 3", ["'port'", "cannot be set for one tenant"]),
        (
            "[tenants]\nlocal = 3",
            ["tenants.local", "sections such as [tenants.NAME.limits]"],
        ),
        (
            "[tenants.local.runner]\nmax_memory_bytes = \"1GiB\"",
            ["runner.max_memory_bytes", "more than the 67108864 that"],
        ),
        (
            "[tenants.local.limits]\nmax_table_elements = 200_000",
            ["limits.max_table_elements", "more than the 100000 that"],
        ),
        (
            "[tenants.local.limits]\nmax_tables = 1",
            ["limits.max_tables", "cannot be set for one tenant"],
        ),
    ] {
        let error = Case::new().file(file).error();
        assert!(words.iter().all(|word| error.contains(word)), "{file}: {error}");
    }
}
