//! The paths that clients and flows write: text to components, before any file system is asked.

use std::path::{Component, Path, PathBuf};

use super::Error;

/// Longest path and longest name, in bytes.
const MAX_PATH: usize = 4096;
const MAX_NAME: usize = 255;

/// A path as it was written, in components without `.` and empty ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Of this machine; `..` is resolved.
    Absolute(PathBuf),
    /// Below a root that is to be found; may contain `..`.
    Relative(Vec<String>),
}

/// Reads a path: trimmed, one leading `@` dropped, `\` as `/`.
pub fn parse(text: &str) -> Result<Written, Error> {
    let text = text.trim();
    let text = text.strip_prefix('@').map_or(text, str::trim_start);
    if text.is_empty() {
        return Err(Error::Required);
    }
    if text.len() > MAX_PATH || text.contains('\0') {
        return Err(Error::Invalid);
    }
    let text = text.replace('\\', "/");
    if is_drive(&text) {
        return Err(Error::InvalidAbsolute);
    }
    let names: Vec<String> = text
        .split('/')
        .filter(|name| !matches!(*name, "" | "."))
        .map(str::to_owned)
        .collect();
    if names.iter().any(|name| name.len() > MAX_NAME) {
        return Err(Error::Invalid);
    }
    if text.starts_with('/') {
        let joined = Path::new("/").join(names.join("/"));
        return Ok(Written::Absolute(lexical(&joined)));
    }
    // The home directory is nobody's workspace here.
    if names.first().is_some_and(|name| name == "~") {
        return Err(Error::Outside);
    }
    Ok(Written::Relative(names))
}

/// `C:` or `C:/…`.
fn is_drive(text: &str) -> bool {
    let mut chars = text.chars();
    let letter = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    letter && chars.next() == Some(':') && matches!(chars.next(), None | Some('/'))
}

/// Whether `..` leads above the first component, whatever is there.
pub fn climbs_out(names: &[String]) -> bool {
    let mut depth = 0usize;
    names.iter().any(|name| {
        if name != ".." {
            depth += 1;
            return false;
        }
        if depth == 0 {
            return true;
        }
        depth -= 1;
        false
    })
}

/// An absolute path with `.` and `..` resolved by their text.
pub fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// The names of a relative path; none when one of them is no Unicode or leads elsewhere.
pub fn names(path: &Path) -> Option<Vec<String>> {
    path.components()
        .map(|component| match component {
            Component::Normal(name) => name.to_str().map(str::to_owned),
            _ => None,
        })
        .collect()
}

/// Lines, or a JSON list of texts in a text; blank ones dropped.
pub fn lines(text: &str) -> Vec<String> {
    let text = text.trim();
    let listed = text
        .starts_with('[')
        .then(|| serde_json::from_str::<Vec<serde_json::Value>>(text).ok());
    let listed = listed.flatten().map(|list| {
        let texts = list.iter().filter_map(|item| item.as_str());
        texts.map(str::to_owned).collect::<Vec<_>>()
    });
    let lines = listed.unwrap_or_else(|| text.lines().map(str::to_owned).collect());
    lines
        .iter()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(names: &[&str]) -> Written {
        Written::Relative(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_path_is_read_as_the_contract_says() {
        for (given, wanted) in [
            (" @ docs/a.md ", relative(&["docs", "a.md"])),
            ("@@x", relative(&["@x"])),
            ("./a//b/.", relative(&["a", "b"])),
            (r"a\b\..\c", relative(&["a", "b", "..", "c"])),
            ("/a/../../b", Written::Absolute("/b".into())),
            ("//server/share", Written::Absolute("/server/share".into())),
            ("c:x", relative(&["c:x"])),
            ("~x", relative(&["~x"])),
        ] {
            assert_eq!(parse(given).unwrap(), wanted, "{given}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let long = format!("{}/x", "n".repeat(256));
        let deep = "d/".repeat(3000);
        for (given, wanted) in [
            ("", "path is required"),
            (" @ ", "path is required"),
            ("a\0b", "invalid path"),
            (&long, "invalid path"),
            (&deep, "invalid path"),
            (r"C:\Windows\x", "invalid absolute path"),
            ("z:", "invalid absolute path"),
            ("~/x", "path is outside workspace roots"),
        ] {
            assert_eq!(parse(given).unwrap_err().to_string(), wanted, "{given}");
        }
    }

    #[test]
    fn lists_are_lines_or_json() {
        assert_eq!(lines(" a \n\n b"), ["a", "b"]);
        assert_eq!(lines(r#"["a", 1, " b "]"#), ["a", "b"]);
        assert_eq!(lines("[a"), ["[a"]);
    }
}
