//! The container: what is read, what is refused, and the limits.

use super::*;

#[test]
fn a_bundle_gives_its_flows_and_members() {
    let file = zip(&[
        (MANIFEST, MINIMAL.as_bytes()),
        ("flows/f.json", b"{ }"),
        ("assets/a.txt", b"hello"),
    ]);
    let bundle = Bundle::from_zip(file.clone(), &Limits::default()).unwrap();
    assert_eq!(bundle.flows["f"], b"{ }");
    assert_eq!(bundle.paths(), ["assets/a.txt", "flows/f.json", MANIFEST]);
    assert_eq!(bundle.read(" assets/a.txt ").unwrap(), b"hello");
    assert_eq!(bundle.read("x").unwrap_err().to_string(), "Bundle file not found: x");
    assert_eq!(
        bundle.read(" ").unwrap_err().to_string(),
        "read_bytes requires a non-empty relpath"
    );
    assert_eq!(bundle.digest, sha256([&*file]));
    assert_eq!(bundle.digest.len(), 64);
    assert_eq!(
        open(&[(MANIFEST, MINIMAL.as_bytes())]).unwrap_err().to_string(),
        "Bundle file not found: flows/f.json",
        "a flow that the manifest lists must be there"
    );
}

#[test]
fn files_that_are_no_bundle_are_refused() {
    let refusal = |file: Vec<u8>| Bundle::from_zip(file, &Limits::default()).unwrap_err().to_string();
    assert_eq!(refusal(b"".to_vec()), "File is not a zip file");
    assert_eq!(refusal(b"{\"id\":\"not a bundle\"}".repeat(9)), "File is not a zip file");
    let good = zip(&[(MANIFEST, MINIMAL.as_bytes()), ("flows/f.json", b"{}")]);
    assert_eq!(refusal(good[..good.len() - 30].to_vec()), "File is not a zip file");

    let mut flipped = good.clone();
    let at = flipped
        .windows(MANIFEST.len())
        .position(|window| window == MANIFEST.as_bytes())
        .unwrap()
        + MANIFEST.len()
        + 5;
    flipped[at] ^= 0x55;
    assert!(refusal(flipped).starts_with("Bundle file is damaged: 'manifest.json': "));

    let mut other = zip(&[(MANIFEST, MINIMAL.as_bytes())]);
    rename(&mut other, MANIFEST, "manifest.jsox");
    assert_eq!(refusal(other), "manifest.json not found in bundle");
    let mut outside = good.clone();
    rename(&mut outside, "flows/f.json", "../ows/f.jso");
    assert_eq!(refusal(outside), "Unsafe relpath outside bundle dir: ../ows/f.jso");
    let mut twice = zip(&[(MANIFEST, MINIMAL.as_bytes()), ("flows/a.json", b"1"), ("flows/f.json", b"2")]);
    rename(&mut twice, "flows/a.json", "flows/f.json");
    assert_eq!(refusal(twice), "Bundle file is damaged: it lists a file twice");
}

/// Replaces a name of the same length wherever it stands.
fn rename(file: &mut [u8], old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    for at in 0..file.len() - old.len() {
        if &file[at..at + old.len()] == old.as_bytes() {
            file[at..at + old.len()].copy_from_slice(new.as_bytes());
        }
    }
}

#[test]
fn what_is_too_large_is_refused_even_when_the_directory_lies() {
    let zeros = vec![0u8; 1 << 20];
    let file = zip(&[(MANIFEST, MINIMAL.as_bytes()), ("flows/f.json", &zeros), ("assets/z", &zeros)]);
    assert!(file.len() < 10_000);
    let refusal = |limits: Limits| Bundle::from_zip(file.clone(), &limits).unwrap_err().to_string();
    let limits = Limits::default();
    assert_eq!(
        refusal(Limits {
            member_bytes: 1 << 19,
            ..limits
        }),
        "Bundle file 'assets/z' is larger than 524288 bytes unpacked"
    );
    assert_eq!(
        refusal(Limits {
            total_bytes: (2 << 20) - 1,
            ..limits
        }),
        "Bundle is larger than 2097151 bytes unpacked"
    );
    assert_eq!(
        refusal(Limits { entries: 2, ..limits }),
        "Bundle has 3 files; at most 2 are allowed"
    );

    let mut lying = file.clone();
    let size = (1u32 << 20).to_le_bytes();
    for at in 0..lying.len() - 4 {
        if lying[at..at + 4] == size {
            lying[at..at + 4].copy_from_slice(&7u32.to_le_bytes());
        }
    }
    let error = Bundle::from_zip(lying, &limits).unwrap_err().to_string();
    assert!(error.starts_with("Bundle file is damaged: 'flows/f.json'"), "{error}");

    let many: Vec<String> = (0..9).map(|at| format!("\"f{at}\":\"flows/f.json\"")).collect();
    let text = MINIMAL.replace("\"f\":\"flows/f.json\"", &many.join(","));
    let file = zip(&[(MANIFEST, text.as_bytes()), ("flows/f.json", &zeros)]);
    let error = Bundle::from_zip(
        file,
        &Limits {
            total_bytes: 5 << 20,
            ..limits
        },
    )
    .unwrap_err();
    assert!(
        matches!(error, BundleError::TooLarge { .. }),
        "one member under many names: {error}"
    );
}

#[test]
fn a_folder_is_a_bundle_too() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("b");
    let limits = Limits::default();
    assert!(
        Bundle::from_dir(&root, &limits)
            .unwrap_err()
            .to_string()
            .starts_with("Bundle source not found: ")
    );
    std::fs::create_dir_all(root.join("flows")).unwrap();
    assert_eq!(
        Bundle::from_dir(&root, &limits).unwrap_err().to_string(),
        "manifest.json not found in bundle"
    );
    std::fs::write(root.join(MANIFEST), MINIMAL).unwrap();
    std::fs::write(root.join("flows/f.json"), "{}").unwrap();
    std::fs::write(root.join(".hidden"), "x").unwrap();
    std::fs::write(dir.path().join("secret"), "x").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(dir.path().join("secret"), root.join("leak")).unwrap();

    let bundle = Bundle::from_dir(&root, &limits).unwrap();
    assert_eq!(bundle.paths(), ["flows/f.json", MANIFEST]);
    assert_eq!(bundle.flows["f"], b"{}");
    for outside in ["../secret", "leak", "/etc/passwd", "../nothing"] {
        assert_eq!(
            bundle.read(outside).unwrap_err().to_string(),
            format!("Unsafe relpath outside bundle dir: {outside}")
        );
    }
    assert_eq!(bundle.read("flows").unwrap_err().to_string(), "Bundle file not found: flows");
    let small = Limits {
        member_bytes: 10,
        ..limits
    };
    assert_eq!(
        Bundle::from_dir(&root, &small).unwrap_err().to_string(),
        "Bundle file 'manifest.json' is larger than 10 bytes unpacked"
    );

    let packed = pack_dir(&root, &limits).unwrap();
    let again = Bundle::from_zip(packed.bytes.clone(), &limits).unwrap();
    assert_eq!(again.paths(), bundle.paths());
    assert_eq!(pack_dir(&root, &limits).unwrap().bytes, packed.bytes, "packing is repeatable");
    let digest = bundle.digest;
    std::fs::write(root.join("flows/f.json"), "{ }").unwrap();
    assert_ne!(Bundle::from_dir(&root, &limits).unwrap().digest, digest);
}
