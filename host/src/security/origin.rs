//! The allowlist of browser origins.

/// Patterns as they were configured. Empty refuses every origin.
#[derive(Debug)]
pub(super) struct Origins(Vec<String>);

impl Origins {
    pub(super) fn new(patterns: &[String]) -> Self {
        let known = patterns
            .iter()
            .map(|pattern| pattern.trim())
            .filter(|pattern| !pattern.is_empty());
        Origins(known.map(str::to_owned).collect())
    }

    /// A blank origin passes: it is none.
    pub(super) fn allow(&self, origin: &str) -> bool {
        let origin = origin.trim();
        origin.is_empty()
            || self.0.iter().any(|pattern| {
                if pattern.contains(['*', '?', '[']) {
                    glob(pattern.as_bytes(), origin.as_bytes())
                } else {
                    pattern == origin
                }
            })
    }
}

/// Shell glob over the whole text, case-sensitive: `*`, `?`, `[a-z]`, `[!a-z]`. An unclosed bracket stands for itself.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    // Where to go on when a later part does not match: the last `*` and how much it has swallowed.
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(b'?') => Some(p + 1),
            Some(b'[') => match class(&pattern[p..], text[t]) {
                Some((true, length)) => Some(p + length),
                Some((false, _)) => None,
                None => (text[t] == b'[').then_some(p + 1),
            },
            Some(byte) => (*byte == text[t]).then_some(p + 1),
            None => None,
        };
        match (step, star) {
            (Some(next), _) => {
                p = next;
                t += 1;
            }
            (None, Some((after, swallowed))) => {
                star = Some((after, swallowed + 1));
                p = after;
                t = swallowed + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Whether the bracket expression that `pattern` begins with has `byte`, and how long it is; `None` when it is not closed.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = pattern.get(1) == Some(&b'!');
    let start = if negated { 2 } else { 1 };
    // A bracket right at the start is a member, not the end.
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|b| *b == b']')?;
    let members = &pattern[start..end];
    let mut found = false;
    let mut at = 0;
    while at < members.len() {
        if at + 2 < members.len() && members[at + 1] == b'-' {
            found |= (members[at]..=members[at + 2]).contains(&byte);
            at += 3;
        } else {
            found |= members[at] == byte;
            at += 1;
        }
    }
    Some((found != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_match_exactly_or_by_glob() {
        let origins = Origins::new(&[
            "http://localhost:*".into(),
            "https://a.example".into(),
            "https://[ab]?.x.io".into(),
        ]);
        for allowed in ["http://localhost:5173", "https://a.example", "https://b1.x.io", "", "  "] {
            assert!(origins.allow(allowed), "{allowed}");
        }
        for refused in [
            "http://localhost",
            "https://a.example.evil",
            "https://A.example",
            "https://c1.x.io",
            "https://b.x.io",
            "null",
        ] {
            assert!(!origins.allow(refused), "{refused}");
        }
        assert!(Origins::new(&["*".into()]).allow("https://any.example"));
        assert!(!Origins::new(&[]).allow("http://localhost:1"));
    }

    #[test]
    fn globs_backtrack_and_know_ranges() {
        for (pattern, text, wanted) in [
            ("a*b*c", "aXbYbZc", true),
            ("a*b", "ab", true),
            ("a*b", "abX", false),
            ("[!0-9]*", "x9", true),
            ("[!0-9]*", "9x", false),
            ("[]]", "]", true),
            ("[a", "[a", true),
            ("**", "", true),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), wanted, "{pattern} {text}");
        }
    }
}
