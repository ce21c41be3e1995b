//! Ids, references and versions.

use super::*;

#[test]
fn installed_ids_are_clean() {
    let check = |id: &str, version: &str| check_install_ids(&Manifest::new(id, version, "")).map_err(|error| error.to_string());
    assert_eq!(check("a_B-1", "1.0.0-rc.1"), Ok(()));
    let refused = |id: &str, suggested: &str| {
        Err(format!(
            "Bundle id '{id}' contains unsafe characters. Publish with a safe bundle_id (suggested: '{suggested}')."
        ))
    };
    assert_eq!(check("a b/../c", "1"), refused("a b/../c", "a-b-c"));
    assert_eq!(check("a--b", "1"), refused("a--b", "a-b"));
    assert_eq!(check("-é-", "1"), refused("-é-", ""));
    assert_eq!(
        check("a", "1/2"),
        Err("Bundle version '1/2' contains unsafe characters. Publish with a safe bundle_version (suggested: '1-2').".into())
    );
    assert_eq!(file_name("a", "1.0"), "a@1.0.flow");
    assert_eq!(workflow_id("a", "1.0", "f"), "a@1.0:f");
    assert_eq!(listener_id("b@1.0:f", " n__ é 1 "), "visual_event_listener_b_1_0_f_n___1");
    assert_eq!(listener_id("", "-"), "visual_event_listener_unknown_-");
}

#[test]
fn references_have_an_id_and_maybe_a_version_and_a_flow() {
    let parse = |text: &str| {
        text.parse::<Reference>().map(|found| {
            (
                found.bundle_id,
                found.version.unwrap_or_default(),
                found.flow_id.unwrap_or_default(),
            )
        })
    };
    for (text, id, version, flow) in [
        ("b", "b", "", ""),
        (" b@1.0 ", "b", "1.0", ""),
        ("b@", "b", "", ""),
        ("b @ 1:2@3", "b", "1", "2@3"),
        ("b@1:f", "b", "1", "f"),
        ("b:f:g", "b", "", "f:g"),
        ("b.FLOW", "b", "", ""),
        ("b@1.flow:f", "b", "1", "f"),
        ("dir/b.flow", "dir/b.flow", "", ""),
        ("b:", "b:", "", ""),
        ("C:\\b", "C:\\b", "", ""),
    ] {
        assert_eq!(parse(text), Ok((id.into(), version.into(), flow.into())), "{text}");
    }
    for text in ["", " ", "@1", ".flow", "@1:f"] {
        assert_eq!(parse(text), Err(ReferenceError), "{text}");
    }
}

#[test]
fn the_latest_version_is_the_highest_number_or_the_newest() {
    let pick = |versions: &[(&str, &str)]| {
        let versions: Vec<_> = versions
            .iter()
            .map(|(version, created_at)| Version { version, created_at })
            .collect();
        let found = latest(&versions).map(|found| found.version.to_owned());
        let mut sorted = versions.clone();
        sort_versions(&mut sorted, |version| *version);
        assert_eq!(sorted.last().map(|last| last.version.to_owned()), found);
        found.unwrap_or_default()
    };
    assert_eq!(pick(&[]), "");
    assert_eq!(pick(&[("0.9", "9"), ("0.10", "1"), ("0.2.9", "5")]), "0.10");
    assert_eq!(
        pick(&[("1", ""), ("1.0.0", ""), ("1.0.0.5", "9")]),
        "1",
        "equal in three places: the first"
    );
    assert_eq!(
        pick(&[("99999999999999999999", ""), ("100000000000000000000", "")]),
        "100000000000000000000"
    );
    assert_eq!(
        pick(&[("2.0", "2025"), ("dev", "2026"), ("1.0", "2024")]),
        "dev",
        "not all are numbers"
    );
    assert_eq!(pick(&[("b", "1"), ("a", "1")]), "b");
    assert_eq!(pick(&[("1.0", "1"), ("draft.2", "9")]), "1.0", "published before drafts");
    assert_eq!(
        pick(&[("0.2", "1"), ("0.10", "0"), ("DRAFT.2", "9")]),
        "0.10",
        "drafts do not decide how the others compare"
    );
    assert_eq!(pick(&[("draft.2", "1"), ("draft.1", "2")]), "draft.1");
    assert!(is_draft("Draft.x") && !is_draft("draft") && !is_draft("1.draft."));
}
