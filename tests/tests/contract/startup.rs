//! What a server refuses to start with. These run the binary with its own flags, so they say nothing of another server.

use flowgate_tests::server::command;

use crate::checks::Checks;
use crate::target;

/// What is checked, settings, flags, and what the refusal says.
type Case = (
    &'static str,
    Vec<(&'static str, &'static str)>,
    Vec<&'static str>,
    &'static str,
);

/// Starts a server that is expected to end at once; its standard error.
async fn refused(env: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut server = command();
    server
        .args(["serve", "--port", "0", "--data-dir"])
        .arg(dir.path().join("data"))
        .args(args);
    server.envs(env.iter().copied());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(30), server.output()).await;
    let output = ended.expect("the server ends by itself").expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn a_server_that_would_be_open_does_not_start() {
    if target::is_reference() {
        return;
    }
    let checks = Checks::of("startup");
    let weak = "Refusing to start: weak auth token detected while binding to a non-loopback host.";
    let token = "FLOWGATE_AUTH_TOKEN";
    let strong = "a-strong-token-0123456789";
    let cases: &[Case] = &[
        (
            "a public address without a token",
            vec![],
            vec!["--host", "0.0.0.0"],
            "Refusing to start: no auth token",
        ),
        (
            "every IPv6 address without a token",
            vec![],
            vec!["--host", "::"],
            "Refusing to start: no auth token",
        ),
        ("a known token", vec![(token, "changeme")], vec!["--host", "0.0.0.0"], weak),
        (
            "a short token",
            vec![(token, "14-characters-")],
            vec!["--host", "0.0.0.0"],
            weak,
        ),
        (
            "one weak token of two",
            vec![(token, "a-strong-token-0123456789,admin")],
            vec!["--host", "0.0.0.0"],
            weak,
        ),
        (
            "the reference's name of the setting",
            vec![("ABSTRACTGATEWAY_AUTH_TOKEN", "password")],
            vec!["--host", "0.0.0.0"],
            weak,
        ),
        (
            "a database elsewhere",
            vec![(token, strong)],
            vec!["--database", "/elsewhere/x.sqlite3"],
            "must lie inside the data directory",
        ),
        (
            "the file store",
            vec![("ABSTRACTGATEWAY_STORE_BACKEND", "file")],
            vec![],
            "ABSTRACTGATEWAY_STORE_BACKEND",
        ),
        (
            "the file store names the way out",
            vec![("ABSTRACTGATEWAY_STORE_BACKEND", "file")],
            vec![],
            "flowgate migrate",
        ),
    ];
    for (what, env, args, text) in cases {
        let (code, said) = refused(env, args).await;
        checks.holds(what, code.is_some_and(|code| code != 0) && said.contains(text), || {
            format!("{code:?} {said}")
        });
    }
}
