//! What the pages and the files for operators name exists: pages and headings that are linked, commands with their flags, variables, and
//! what the units say to systemd.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser as _;

use super::Cli;
use crate::config;

/// Folders with pages for people.
const FOLDERS: &[&str] = &[
    "",
    "docs",
    "deploy",
    "examples",
    "examples/javascript",
    "examples/python-component",
    "host/benches",
    "tests/benches",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files of the folders whose name ends so, with their text.
fn files(ends: &str) -> Vec<(PathBuf, String)> {
    let all = FOLDERS.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let paths = all.map(|entry| entry.unwrap().path());
    let wanted = paths.filter(|path| path.is_file() && path.to_string_lossy().ends_with(ends));
    wanted
        .map(|path| (path.clone(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The lines of a page, each with whether it is code.
fn lines(page: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut fenced = false;
    page.lines().map(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (fenced || fence || line.starts_with("    "), line)
    })
}

/// The anchors of a page: its headings in small letters, without what is neither letter, digit, `-` nor `_`.
fn anchors(page: &str) -> Vec<String> {
    let heading =
        |(code, line): (bool, &str)| (!code && line.starts_with('#')).then(|| line.trim_start_matches('#').trim().to_lowercase());
    let slug = |text: String| {
        let kept = text.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    lines(page).filter_map(heading).map(slug).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for (path, page) in files(".md") {
        for (_, line) in lines(&page).filter(|(code, _)| !code) {
            for part in line.split("](").skip(1) {
                let target = part.split(')').next().unwrap();
                if target.contains("://") {
                    continue;
                }
                links += 1;
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let to = if file.is_empty() {
                    path.clone()
                } else {
                    path.parent().unwrap().join(file)
                };
                assert!(to.exists(), "{}: {target}", path.display());
                let found = anchor.is_empty() || anchors(&fs::read_to_string(&to).unwrap()).iter().any(|known| known == anchor);
                assert!(found, "{}: no heading for {target}", path.display());
            }
        }
    }
    assert!(links > 40, "{links}");
}

/// The words of a command as a shell takes them; what it would put in is one word.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut inside) = (Vec::new(), String::new(), None, 0);
    for c in line.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => word.push(c),
            None if c == '(' => inside += 1,
            None if c == ')' => inside -= 1,
            None if inside > 0 => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == ' ' && word.is_empty() => {}
            None if c == ' ' => words.push(std::mem::take(&mut word)),
            None => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

#[test]
fn every_command_is_one() {
    let pages = files(".md").into_iter().flat_map(|(path, page)| {
        let page = page.replace("\\\n", " ");
        let code: Vec<String> = lines(&page)
            .filter(|(code, _)| *code)
            .map(|(_, line)| line.trim().to_owned())
            .collect();
        code.into_iter().map(move |line| (path.clone(), line))
    });
    let units = files(".service").into_iter().flat_map(|(path, unit)| {
        let starts = unit
            .lines()
            .filter_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/").map(str::to_owned));
        starts.map(|line| (path.clone(), line)).collect::<Vec<_>>()
    });
    let mut commands = 0;
    for (path, line) in pages.chain(units) {
        let Some(line) = line.strip_prefix("flowgate ").map(|rest| format!("flowgate {rest}")) else {
            continue;
        };
        let command = line.split(" #").next().unwrap().split(" && ").next().unwrap();
        let words = words(command.trim_end().trim_end_matches('&'));
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("{}: {words:?}: {error}", path.display());
        }
        commands += 1;
    }
    assert!(commands > 20, "{commands}");
}

#[test]
fn every_variable_is_a_setting() {
    // Of the program beside its settings, and of the tests.
    let others = [
        "FLOWGATE_CONFIG",
        "FLOWGATE_UPDATE_DOCS",
        "FLOWGATE_CORPUS",
        "FLOWGATE_CRASH_KILLS",
        "FLOWGATE_SEED",
        "FLOWGATE_",
    ];
    let mut named = 0;
    for (path, text) in [".md", ".service", "Containerfile"].into_iter().flat_map(files) {
        for part in text.split("FLOWGATE_").skip(1) {
            let name = part.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap();
            let name = format!("FLOWGATE_{name}");
            let known = others.contains(&name.as_str()) || config::all().any(|setting| setting.env == name);
            assert!(known, "{}: {name}", path.display());
            named += 1;
        }
    }
    assert!(named > 60, "{named}");
}

/// What `systemd-analyze verify` finds in a unit; none where the tool is missing.
fn verified(name: &str, unit: &str) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    // The program it starts has to be there.
    let program = std::env::current_exe().unwrap();
    fs::write(&path, unit.replace("/usr/local/bin/flowgate", program.to_str().unwrap())).unwrap();
    let out = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&path)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    // It also reads the units of this machine, which are not ours to mend.
    Some(said.lines().filter(|line| line.contains(name)).collect())
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let units = files(".service");
    assert_eq!(units.len(), 2);
    for (path, unit) in units {
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(found) = verified(name, &unit) else {
            eprintln!("skipped: there is no systemd-analyze on this machine");
            return;
        };
        assert_eq!(found, "", "{name}");
        let wrong = verified(name, &unit.replace("Restart=always", "Restart=perhaps"));
        assert!(
            wrong.is_some_and(|found| found.contains("perhaps")),
            "a mistake would be found"
        );
    }
}
