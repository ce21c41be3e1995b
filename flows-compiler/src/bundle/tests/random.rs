//! Bytes that nobody meant to be a bundle.

use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn random_bytes_are_no_bundle_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Bundle::from_zip(bytes.clone(), &Limits::default()).is_err());
        let _ = Manifest::parse(&bytes);
    }

    #[test]
    fn a_bundle_with_changed_bytes_never_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut file = zip(&[(MANIFEST, MINIMAL.as_bytes()), ("flows/f.json", b"{}"), ("assets/a", &[7; 500])]);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(bundle) = Bundle::from_zip(file, &Limits::default()) {
            for path in bundle.paths() {
                let _ = bundle.read(path);
            }
        }
    }

    #[test]
    fn random_references_and_versions_never_panic(texts in prop::collection::vec("[a@:.\\-/C\\\\draftflow0-9é ]{0,12}", 0..6)) {
        let versions: Vec<_> = texts.iter().map(|text| Version { version: text, created_at: "" }).collect();
        prop_assert_eq!(latest(&versions).is_none(), texts.is_empty());
        for text in &texts {
            let _ = text.parse::<Reference>();
            let _ = check_install_ids(&Manifest::new(text.as_str(), text.as_str(), ""));
        }
    }
}
