//! A tenant's rows are its own: by data, by the plan of every query, and by the text of every statement.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::super::scope::TenantSql;
use super::*;

/// The second tenant of these tests.
const OTHER: TenantId = TenantId(2);

/// Statements over tenants' tables that concern all tenants. Each is the host's own: nothing that it reads is shown to a client.
const HOST_WIDE: &[&str] = &[
    // Numbers that one writer gives out for all tenants.
    "SELECT (SELECT coalesce(max(run), 0) FROM (SELECT (SELECT max(run) FROM runs",
    "SELECT coalesce(max(ord), 0) FROM waits",
    // The timer that the writer sleeps for.
    "SELECT min(until_us) FROM waits",
    // For metrics.
    "SELECT status, sum(runs) FROM run_counts GROUP BY status",
    // Which tenants' bundles are to be read again.
    "SELECT tenant, changes FROM bundle_changes",
    // Deliveries are numbered over all tenants.
    "DELETE FROM deliveries WHERE NOT EXISTS",
];

#[tokio::test]
async fn the_same_names_in_two_tenants_never_meet() {
    let rig = rig().await;
    let added = "INSERT INTO tenants (tenant, name) VALUES (2, 'other')";
    sqlx::query(added).execute(&mut *rig.database().await).await.unwrap();
    for (tenant, input) in [(LOCAL, r#"{"mine":1}"#), (OTHER, r#"{"theirs":2}"#)] {
        let run = StartRun {
            tenant,
            input: raw(input),
            session_id: Some("s".to_owned()),
            ..start_run("same")
        };
        rig.handle.start(run).await.unwrap();
        let bundle = BundleRow {
            tenant,
            bundle_id: "b".to_owned(),
            bundle_version: "1".to_owned(),
            digest: Digest::of(input.as_bytes()),
            bytes: input.as_bytes().into(),
            installed_at: T0,
        };
        let compiled = Compiled {
            bundle: bundle.digest,
            build: "build".to_owned(),
            outcome: input.to_owned(),
        };
        rig.handle.install_bundle(bundle, false).await.unwrap();
        rig.handle.keep_compiled(tenant, compiled).await.unwrap();
    }
    // Moves only the first tenant's run.
    rig.complete("same", "{}").await;
    let id = RunId::from("same");
    for (tenant, input, status, rows) in [
        (LOCAL, r#"{"mine":1}"#, RunStatus::Completed, 1),
        (OTHER, r#"{"theirs":2}"#, RunStatus::Running, 0),
    ] {
        let h = &rig.handle;
        let run = h.run(tenant, &id).await.unwrap().unwrap();
        assert_eq!((run.at.tenant, run.status), (tenant, status));
        assert_eq!(h.locate(tenant, &id).await.unwrap(), Some(run.at));
        assert_eq!(text(h.input(tenant, &id).await.unwrap().as_ref()), input);
        assert_eq!(h.ledger(tenant, &id, 0, 10).await.unwrap().rows.len(), rows);
        let filter = RunFilter {
            session_id: Some("s".to_owned()),
            limit: 10,
            ..RunFilter::default()
        };
        let listed = h.runs(tenant, filter).await.unwrap();
        assert_eq!(listed.iter().map(|r| r.at).collect::<Vec<_>>(), [run.at]);
        let bundles = h.bundles(tenant).await.unwrap();
        let digest = Digest::of(input.as_bytes());
        assert_eq!(bundles.iter().map(|b| b.digest).collect::<Vec<_>>(), [digest]);
        let kept = h.compiled(tenant, "build", &[digest]).await.unwrap();
        assert_eq!(kept, [(digest, input.to_owned())]);
        assert!(h.compiled(tenant, "another", &[digest]).await.unwrap().is_empty());
        let foreign = if tenant == LOCAL { r#"{"theirs":2}"# } else { r#"{"mine":1}"# };
        let foreign = Digest::of(foreign.as_bytes());
        assert!(h.blob(tenant, foreign).await.unwrap().is_none());
        assert!(h.compiled(tenant, "build", &[foreign]).await.unwrap().is_empty());
    }
    // A command of one tenant reaches no run of another, and its id is free there.
    for tenant in [OTHER, LOCAL] {
        let cancel = Command {
            tenant,
            ..command("c", CommandKind::Cancel, "same", "{}")
        };
        assert!(rig.handle.command(cancel).await.unwrap().accepted);
        let other = rig.handle.run(OTHER, &id).await.unwrap().unwrap();
        assert_eq!(other.status, RunStatus::Cancelled);
        assert_eq!(rig.row("same").await.status, RunStatus::Completed);
    }
}

#[test]
fn a_scoped_text_compares_its_tenant() {
    for good in [
        "SELECT 1 FROM runs WHERE tenant = ?1",
        "SELECT 1 FROM runs r WHERE r.tenant = ?1 AND run = ?2",
    ] {
        assert!(TenantSql::composed(good.to_owned()).is_ok(), "{good}");
    }
    for bad in [
        "SELECT 1 FROM runs",
        "SELECT 1 FROM runs WHERE run = ?1",
        "SELECT 1 FROM runs WHERE tenant = ?11",
    ] {
        assert!(TenantSql::composed(bad.to_owned()).is_err(), "{bad}");
    }
}

#[tokio::test]
#[should_panic(expected = "'s' (Some(\"run_state\")) is not read through its tenant")]
async fn a_scoped_text_that_forgets_one_of_its_tables_fails_its_test() {
    let rig = rig().await;
    let sql = "SELECT s.status FROM runs r JOIN run_state s ON s.run = r.run WHERE r.tenant = ?1";
    let mut rows = rig.handle.reads().of(LOCAL).await.unwrap();
    let _ = rows.query(TenantSql::composed(sql.to_owned()).unwrap()).all().await;
}

#[test]
fn aliases_of_tables_are_found() {
    let tables = BTreeSet::from(["runs".to_owned(), "waits".to_owned()]);
    let sql =
        "SELECT * FROM runs r JOIN waits AS w ON w.run = r.run LEFT JOIN runs p ON 1 WHERE EXISTS (SELECT 1 FROM waits WHERE 1)";
    let found: BTreeSet<String> = aliases(sql, &tables).into_keys().collect();
    assert_eq!(found, ["p", "r", "w", "waits"].map(str::to_owned).into());
}

/// Every statement of the journal that names a table of tenants' rows names the tenant, and nobody else writes SQL.
#[tokio::test]
async fn every_statement_names_the_tenant() {
    let rig = rig().await;
    let tables = tenant_tables(&mut *rig.database().await).await;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut statements, mut forgetful) = (0, Vec::new());
    for file in rust_files(&source) {
        let text = std::fs::read_to_string(&file).unwrap();
        let journal = file.starts_with(source.join("journal"));
        // What reads another system's database is no part of this.
        if file.ends_with("migrate/sqlite.rs")
            || file
                .components()
                .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
        {
            continue;
        }
        assert!(
            journal || !text.contains("sqlx::query"),
            "{}: SQL outside of the journal",
            file.display()
        );
        for literal in literals(&text) {
            let over = aliases(&literal, &tables);
            let writes = ["INSERT INTO ", "INSERT OR REPLACE INTO ", "UPDATE "];
            let written = writes.iter().find_map(|verb| literal.strip_prefix(verb));
            let written = written.is_some_and(|rest| tables.contains(rest.split_whitespace().next().unwrap_or_default()));
            if over.is_empty() && !written {
                continue;
            }
            statements += 1;
            let named = literal.contains("tenant") || literal.contains("({columns})") || literal.contains("({})");
            if !named && !HOST_WIDE.iter().any(|known| literal.starts_with(known)) {
                forgetful.push(format!("{}: {literal}", file.display()));
            }
        }
    }
    assert!(statements > 40, "the search for statements found {statements} only");
    assert!(
        forgetful.is_empty(),
        "statements that do not name their tenant: {forgetful:#?}"
    );
}

/// Fails the test when SQLite would read a table of tenants' rows otherwise than through the tenant. Called for each scoped query that any
/// test makes; each text is looked at once.
pub(in crate::journal) async fn look_at_plan(conn: &mut SqliteConnection, scoped: Option<&str>) {
    static SEEN: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let Some(sql) = scoped else { return };
    if SEEN.lock().unwrap().get_or_insert_default().contains(sql) {
        return;
    }
    let over = aliases(sql, &tenant_tables(&mut *conn).await);
    let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
    for row in plan.fetch_all(conn).await.unwrap() {
        let step: String = row.get("detail");
        let mut words = step.split_whitespace();
        let (Some("SCAN" | "SEARCH"), Some(table)) = (words.next(), words.next()) else {
            continue;
        };
        // A row found by its number is checked afterwards, so the text must do it.
        let compared = [" =", "="]
            .iter()
            .any(|equals| sql.contains(&format!("{table}.tenant{equals}")));
        let through = step.contains("tenant=?") || compared;
        assert!(
            through || !over.contains_key(table),
            "'{table}' ({:?}) is not read through its tenant: {step}\n{sql}",
            over.get(table)
        );
    }
    SEEN.lock().unwrap().get_or_insert_default().insert(sql.to_owned());
}

/// Tables with a column `tenant`.
async fn tenant_tables(conn: &mut SqliteConnection) -> BTreeSet<String> {
    let sql = "SELECT m.name FROM sqlite_master m WHERE m.type = 'table' \
               AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name = 'tenant')";
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(conn).await.unwrap();
    assert!(names.iter().any(|name| name == "runs"));
    names.into_iter().collect()
}

/// The names under which a text reads some of `tables`, with the table of each.
fn aliases(sql: &str, tables: &BTreeSet<String>) -> BTreeMap<String, String> {
    let words: Vec<&str> = sql
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.' || c == '('))
        .filter(|word| !word.is_empty())
        .collect();
    let mut found = BTreeMap::new();
    for (at, pair) in words.windows(2).enumerate() {
        let table = pair[1];
        if !matches!(pair[0], "FROM" | "JOIN") || !tables.contains(table) {
            continue;
        }
        let mut rest = words[at + 2..].iter().skip_while(|word| **word == "AS");
        let alias = rest
            .next()
            .filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        found.insert(alias.map_or(table, |alias| alias).to_owned(), table.to_owned());
    }
    found
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

/// The string literals of a source file, lines that `\` continues put together.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in joined(source).lines().filter(|line| !line.trim_start().starts_with("//")) {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once('"') {
            let Some((literal, next)) = after.split_once('"') else { break };
            found.push(literal.to_owned());
            rest = next;
        }
    }
    found
}

fn joined(source: &str) -> String {
    let mut lines = String::new();
    for line in source.lines() {
        let line = if lines.ends_with('\\') {
            lines.pop();
            line.trim_start()
        } else {
            lines.push('\n');
            line
        };
        lines.push_str(line);
    }
    lines
}
