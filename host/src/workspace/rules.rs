//! Ignore rules: `.abstractignore` files in gitignore's syntax, on top of built-in ones for caches and build folders.

use std::io::Read;
use std::sync::{Arc, LazyLock};

use cap_std::fs::Dir;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Name of the files that hold an operator's rules. Nothing writes one through the gateway.
pub const FILE: &str = ".abstractignore";
/// A larger file is no list of rules.
const MAX_BYTES: u64 = 64 << 10;

/// Ignored unless a `.abstractignore` says otherwise (`!build/`).
const BUILT_IN: [&str; 17] = [
    ".git/",
    ".hg/",
    ".svn/",
    "__pycache__/",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    "node_modules/",
    "dist/",
    "build/",
    "target/",
    ".venv/",
    "venv/",
    "env/",
    ".env/",
    ".cursor/",
    "*.d/",
];

/// What the rules say of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Open,
    /// A built-in rule: left out of listings and of clients' reads.
    BuiltIn,
    /// The operator's own rule: nobody gets it.
    Operator,
}

#[derive(Debug)]
struct Layer {
    /// Names between the root and the folder that the rules lie in.
    depth: usize,
    set: Gitignore,
    verdict: Verdict,
}

/// The rules that hold in a folder: of itself and all folders above. Deeper ones win.
#[derive(Debug, Clone)]
pub struct Rules(Arc<[Arc<Layer>]>);

impl Rules {
    /// The rules of a root.
    pub fn of_root(dir: &Dir) -> Self {
        static DEFAULTS: LazyLock<Arc<Layer>> = LazyLock::new(|| {
            Arc::new(Layer {
                depth: 0,
                set: compile(BUILT_IN.into_iter()),
                verdict: Verdict::BuiltIn,
            })
        });
        Rules(Arc::new([DEFAULTS.clone()])).within(dir, 0)
    }

    /// The rules of a folder `depth` names below the root.
    pub fn within(&self, dir: &Dir, depth: usize) -> Self {
        match file(dir) {
            Some(text) => {
                let layer = Layer {
                    depth,
                    set: compile(text.lines()),
                    verdict: Verdict::Operator,
                };
                Rules(self.0.iter().cloned().chain([Arc::new(layer)]).collect())
            }
            None => self.clone(),
        }
    }

    /// `trail` are the names from the root to the path.
    pub fn verdict(&self, trail: &[String], is_dir: bool) -> Verdict {
        for layer in self.0.iter().rev() {
            let Some(below) = trail.get(layer.depth..).filter(|below| !below.is_empty()) else {
                continue;
            };
            match layer.set.matched(below.join("/"), is_dir) {
                Match::None => {}
                Match::Ignore(_) => return layer.verdict,
                Match::Whitelist(_) => return Verdict::Open,
            }
        }
        Verdict::Open
    }
}

/// The text of a folder's rules. A link or anything else but a file of sensible size is none.
fn file(dir: &Dir) -> Option<String> {
    let meta = dir.symlink_metadata(FILE).ok()?;
    if !meta.is_file() || meta.len() > MAX_BYTES {
        return None;
    }
    let mut text = String::new();
    dir.open(FILE).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// A line that is no pattern is skipped.
fn compile<'a>(lines: impl Iterator<Item = &'a str>) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for line in lines {
        if let Err(error) = builder.add_line(None, line) {
            tracing::warn!(line, %error, "a line of .abstractignore is no pattern");
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
