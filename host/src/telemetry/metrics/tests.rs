use super::*;
use crate::ids::Digest;

#[test]
fn every_metric_is_shown_with_its_help_and_nothing_else_is() {
    let shared = metrics();
    shared.effect("ask_user", Outcome::Waiting);
    shared.commits.increment(1);
    shared.commit_seconds.record(0.003);
    request(
        Some("/api/gateway/runs/{run_id}"),
        &axum::http::Method::GET,
        axum::http::StatusCode::OK,
        Duration::from_millis(2),
    );
    for histogram in [
        &shared.tick_seconds,
        &shared.sync_seconds,
        &shared.commit_requests,
        &shared.commit_rows,
        &shared.queue_seconds,
    ] {
        histogram.record(1.0);
    }
    let moment = Moment {
        runs: vec![("running", 2)],
        database: Some((8192, 0)),
        ..Moment::default()
    };
    let text = render(&moment);
    let helps: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# HELP ")).collect();
    for (name, _, _, help) in list::ALL {
        assert!(
            helps.contains(&format!("{name} {help}").as_str()),
            "{name} has no help in\n{text}"
        );
    }
    assert_eq!(helps.len(), list::ALL.len(), "{helps:#?}");
    for line in [
        "flowgate_runs{status=\"running\"} 2",
        "flowgate_http_requests_total{route=\"/api/gateway/runs/{run_id}\",method=\"GET\",status=\"200\"}",
        "flowgate_effects_total{kind=\"ask_user\",outcome=\"waiting\"}",
        "flowgate_journal_commit_seconds_bucket{le=\"0.005\"}",
        "flowgate_build_info{version=",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
}

#[test]
fn kinds_that_flows_make_up_do_not_fill_memory() {
    for n in 0..1000 {
        let kind: String = Digest::of(&[n as u8, (n >> 8) as u8])
            .hex()
            .replace(|c: char| c.is_ascii_digit(), "x");
        metrics().effect(&kind, Outcome::Failed);
    }
    metrics().effect("Not A Kind", Outcome::Failed);
    let text = render(&Moment::default());
    let kinds = text
        .lines()
        .filter(|line| line.starts_with("flowgate_effects_total{") && line.contains("failed"))
        .count();
    assert!(kinds <= KINDS + 1, "{kinds}");
    assert!(text.contains("kind=\"other\",outcome=\"failed\""));
    assert!(!text.contains("Not A Kind"));
}

/// The page for operators has the same list.
#[test]
fn the_operations_page_lists_every_metric() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = std::fs::read_to_string(path).unwrap_or_default();
    for (name, labels, _, help) in list::ALL {
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!(" {{{labels}}}")
        };
        let row = format!("| `{name}`{labels} | {help} |");
        assert!(page.contains(&row), "docs/operations.md has no row\n{row}");
    }
    let shown = page.matches("| `flowgate_").count();
    assert_eq!(shown, list::ALL.len(), "docs/operations.md lists a metric that there is not");
}
