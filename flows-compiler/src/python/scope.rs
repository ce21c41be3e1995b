//! Which scope every name of a program belongs to.
//!
//! [`analyse`] walks the tree once and collects what each scope binds and uses, then leads each use to its owner. A comprehension
//! and a class body are scopes, but no functions: they run within their *host*, the innermost function around them. A generator
//! expression is a function, unless a builtin uses it up on the spot ([`eager`]). Knows nothing of slots.

mod collect;
pub(super) mod eager;

use std::collections::{HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};
use ruff_python_ast::ModModule;
use ruff_text_size::TextRange;

use super::problem::Finding;

pub(super) type ScopeId = usize;

/// The program's own scope.
pub(super) const MODULE: ScopeId = 0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Module,
    Function,
    Lambda,
    Class,
    /// Of a list, set or dict, or a generator expression that a builtin uses up at once: runs within its host.
    Comprehension,
    /// Any other generator expression.
    Generator,
}

#[derive(Debug)]
pub(super) struct Scope {
    pub(super) kind: Kind,
    parent: ScopeId,
    /// The function that it runs in: itself, or the innermost around it.
    pub(super) host: ScopeId,
    pub(super) names: IndexMap<String, Symbol>,
    /// Of a function: variables of other functions that it captures.
    pub(super) captures: IndexSet<Variable>,
    /// Of a function: it has a `yield` of its own.
    pub(super) yields: bool,
    /// The innermost class around it (or itself), for private names.
    class: Option<String>,
}

/// A variable that is no global: its scope and its name.
pub(super) type Variable = (ScopeId, String);

/// What a scope does with a name.
#[derive(Debug, Default, Clone)]
pub(super) struct Symbol {
    pub(super) bound: bool,
    pub(super) parameter: bool,
    /// Another function captures it.
    pub(super) cell: bool,
    global: bool,
    nonlocal: Option<TextRange>,
    /// Where it is first used.
    used: Option<TextRange>,
}

/// Where a name's value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Variable(Variable),
    /// In the dict of a class body; or else global.
    Namespace,
    Global,
}

#[derive(Debug)]
pub(super) struct Scopes {
    pub(super) scopes: Vec<Scope>,
    /// Scopes by the address of their syntax node.
    by_node: HashMap<usize, ScopeId>,
    /// Globals that the program assigns anywhere.
    pub(super) globals: HashSet<String>,
    /// Variables that `:=` assigns: reading one early and using it late are two things.
    pub(super) walrus: HashSet<String>,
    /// The program is a legacy node's expression: its names are looked up in a dict, and there are no builtins.
    pub(super) dynamic: bool,
}

/// Collects the scopes of a program; gives what its scoping violates.
pub(super) fn analyse(module: &ModModule) -> (Scopes, Vec<Finding>) {
    let (mut scopes, mut findings, eager) = collect::collect(module, None);
    if eager {
        // Now it is known what hides a builtin.
        let bound = scopes.bound();
        (scopes, findings, _) = collect::collect(module, Some(&bound));
    }
    scopes.resolve(&mut findings);
    (scopes, findings)
}

impl Scopes {
    pub(super) fn of<T>(&self, node: &T) -> ScopeId {
        self.by_node.get(&address(node)).copied().unwrap_or(MODULE)
    }

    pub(super) fn kind<T>(&self, node: &T) -> Kind {
        self.scopes[self.of(node)].kind
    }

    /// A name as it is stored: inside a class, `__x` is `_Class__x`.
    pub(super) fn mangled(&self, scope: ScopeId, name: &str) -> String {
        mangle(self.scopes[scope].class.as_deref(), name)
    }

    /// Leads a (mangled) name in a scope to where it is.
    pub(super) fn place(&self, scope: ScopeId, name: &str) -> Place {
        if self.dynamic && scope == MODULE {
            return Place::Namespace;
        }
        let here = &self.scopes[scope];
        if let Some(symbol) = here.names.get(name) {
            if symbol.global {
                return Place::Global;
            }
            if symbol.bound && symbol.nonlocal.is_none() {
                return match here.kind {
                    Kind::Module => Place::Global,
                    Kind::Class if name != "__class__" => Place::Namespace,
                    _ => Place::Variable((scope, name.to_owned())),
                };
            }
        }
        self.enclosing(scope, name).unwrap_or(Place::Global)
    }

    /// The owner of a name that `scope` does not bind.
    fn enclosing(&self, scope: ScopeId, name: &str) -> Option<Place> {
        let mut at = scope;
        while at != MODULE {
            at = self.scopes[at].parent;
            let here = &self.scopes[at];
            let Some(symbol) = here.names.get(name) else { continue };
            let visible = match here.kind {
                Kind::Module => return None,
                Kind::Class => name == "__class__",
                _ => true,
            };
            if visible && symbol.global {
                return Some(Place::Global);
            }
            if visible && symbol.bound && symbol.nonlocal.is_none() {
                return Some(Place::Variable((at, name.to_owned())));
            }
        }
        None
    }

    /// Every name that anything binds.
    fn bound(&self) -> HashSet<String> {
        let names = self.scopes.iter().flat_map(|scope| &scope.names);
        names
            .filter(|(_, symbol)| symbol.bound)
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn resolve(&mut self, findings: &mut Vec<Finding>) {
        for scope in 0..self.scopes.len() {
            let names: Vec<(String, Option<TextRange>)> = self.scopes[scope]
                .names
                .iter()
                .map(|(name, symbol)| (name.clone(), symbol.nonlocal))
                .collect();
            for (name, nonlocal) in names {
                match self.place(scope, &name) {
                    Place::Variable(variable) => self.capture(scope, variable),
                    Place::Global | Place::Namespace => {
                        if let Some(range) = nonlocal {
                            findings.push(Finding::new(range, format!("no binding for nonlocal '{name}' found")));
                        } else if self.scopes[scope].names[&name].bound && self.is_global(scope, &name) {
                            self.globals.insert(name);
                        }
                    }
                }
            }
        }
    }

    fn is_global(&self, scope: ScopeId, name: &str) -> bool {
        self.place(scope, name) == Place::Global
    }

    /// Notes a use of a variable: if it is another function's, every function in between captures it.
    fn capture(&mut self, scope: ScopeId, variable: Variable) {
        let owner = self.scopes[variable.0].host;
        let mut host = self.scopes[scope].host;
        while host != owner && host != MODULE {
            self.scopes[host].captures.insert(variable.clone());
            if let Some(symbol) = self.scopes[variable.0].names.get_mut(&variable.1) {
                symbol.cell = true;
            }
            host = self.scopes[self.scopes[host].parent].host;
        }
    }

    pub(super) fn is_cell(&self, variable: &Variable) -> bool {
        self.scopes[variable.0]
            .names
            .get(&variable.1)
            .is_some_and(|symbol| symbol.cell)
    }

    /// Names that are read as globals, and where first.
    pub(super) fn global_reads(&self) -> impl Iterator<Item = (&str, TextRange)> {
        self.scopes.iter().enumerate().flat_map(move |(at, scope)| {
            scope.names.iter().filter_map(move |(name, symbol)| {
                let range = symbol.used?;
                let namespace = scope.kind == Kind::Class && symbol.bound || self.dynamic;
                (!namespace && self.is_global(at, name)).then_some((name.as_str(), range))
            })
        })
    }
}

fn mangle(class: Option<&str>, name: &str) -> String {
    let class = class.map(|class| class.trim_start_matches('_'));
    match class {
        Some(class) if !class.is_empty() && name.starts_with("__") && !name.ends_with("__") => {
            format!("_{class}{name}")
        }
        _ => name.to_owned(),
    }
}

fn address<T>(node: &T) -> usize {
    std::ptr::from_ref(node).addr()
}
