//! Which of several versions is the latest.
//!
//! Published versions come after drafts. If all of them are numbers with dots they are compared as numbers (three places, the
//! rest ignored), else by the time they were made and then by their text.

use std::cmp::Ordering;

/// A version of one bundle, as far as its age is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version<'a> {
    pub version: &'a str,
    /// As the manifest says it.
    pub created_at: &'a str,
}

/// A version that was made for trying out: `draft.…`.
pub fn is_draft(version: &str) -> bool {
    version.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("draft."))
}

/// The latest of these versions; the first one given if several are equal.
pub fn latest<'a, 'v>(versions: &'a [Version<'v>]) -> Option<&'a Version<'v>> {
    let order = Order::of(versions.iter().copied());
    versions.iter().rev().max_by(|a, b| order.compare(a, b))
}

/// Sorts from the oldest to the latest; `version` says what of an item counts.
pub fn sort_versions<T>(items: &mut [T], version: impl Fn(&T) -> Version<'_>) {
    let order = Order::of(items.iter().map(&version));
    items.reverse();
    items.sort_by(|a, b| order.compare(&version(a), &version(b)));
}

/// How the versions of one bundle are compared: it depends on all of them.
struct Order {
    published_numeric: bool,
    drafts_numeric: bool,
}

impl Order {
    fn of<'v>(versions: impl Iterator<Item = Version<'v>>) -> Self {
        let mut order = Self {
            published_numeric: true,
            drafts_numeric: true,
        };
        for version in versions {
            let numeric = if is_draft(version.version) {
                &mut order.drafts_numeric
            } else {
                &mut order.published_numeric
            };
            *numeric &= numbers(version.version).is_some();
        }
        order
    }

    fn compare(&self, a: &Version<'_>, b: &Version<'_>) -> Ordering {
        let (draft_a, draft_b) = (is_draft(a.version), is_draft(b.version));
        draft_b.cmp(&draft_a).then_with(|| {
            match if draft_a {
                self.drafts_numeric
            } else {
                self.published_numeric
            } {
                true => numbers(a.version).cmp(&numbers(b.version)),
                false => (a.created_at, a.version).cmp(&(b.created_at, b.version)),
            }
        })
    }
}

/// The first three places as numbers of any size: (how many digits, the digits).
fn numbers(version: &str) -> Option<[(usize, &str); 3]> {
    let mut out = [(0, ""); 3];
    for (at, part) in version.split('.').enumerate() {
        let part = part.trim();
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if let Some(place) = out.get_mut(at) {
            let digits = part.trim_start_matches('0');
            *place = (digits.len(), digits);
        }
    }
    Some(out)
}
