//! How a builtin function or method reads its arguments, with CPython's words for what is wrong with them.
//!
//! CPython has three ways of taking arguments, with three families of messages: none or exactly one ([`Call::none`], [`Call::one`]),
//! positional only ([`Call::positional`]), and with names ([`Call::named`]).

use crate::python::error::{Py, Raised, overflow_error, raise, type_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Obj, Text};
use crate::python::text::type_name;
use crate::python::{arith, exception};

/// A call of a builtin: whose it is, for messages, and what it was given.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The type of a method, empty for a function.
    pub owner: &'static str,
    pub name: &'static str,
    pub args: &'a Args<'a>,
}

impl<'a> Call<'a> {
    pub fn new(owner: &'static str, name: &'static str, args: &'a Args<'a>) -> Self {
        Call { owner, name, args }
    }

    /// Takes no arguments.
    pub fn none(&self) -> Py<()> {
        if self.args.values.is_empty() {
            return Ok(());
        }
        self.no_names()?;
        Err(type_error(format!(
            "{} takes no arguments ({} given)",
            self.full_name(),
            self.args.values.len()
        )))
    }

    /// Takes one argument.
    pub fn one(&self) -> Py<&'a Obj> {
        if let ([only], []) = (self.args.values, self.args.names) {
            return Ok(only);
        }
        self.no_names()?;
        Err(type_error(format!(
            "{} takes exactly one argument ({} given)",
            self.full_name(),
            self.args.values.len()
        )))
    }

    /// Takes `min` to `max` arguments without names.
    pub fn positional(&self, min: usize, max: usize) -> Py<&'a [Obj]> {
        self.no_names()?;
        let values = self.args.values;
        if (min..=max).contains(&values.len()) {
            return Ok(values);
        }
        let (how, bound) = match (min == max, values.len() < min) {
            (true, _) => ("", min),
            (_, true) => ("at least ", min),
            (_, false) => ("at most ", max),
        };
        Err(type_error(format!(
            "{} expected {how}{bound} argument{}, got {}",
            self.name,
            plural(bound),
            values.len()
        )))
    }

    /// As [`Call::positional`], in the words of the older functions (`find`, `startswith`).
    pub fn parsed(&self, min: usize, max: usize) -> Py<&'a [Obj]> {
        self.no_names()?;
        let values = self.args.values;
        if (min..=max).contains(&values.len()) {
            return Ok(values);
        }
        let (how, bound) = match (min == max, values.len() < min) {
            (true, _) => ("exactly", min),
            (_, true) => ("at least", min),
            (_, false) => ("at most", max),
        };
        Err(type_error(format!(
            "{}() takes {how} {bound} argument{} ({} given)",
            self.name,
            plural(bound),
            values.len()
        )))
    }

    /// Takes arguments by place or name. The first `only` have no name, those from `places` on have no place, and those from
    /// `required` on may be absent.
    pub fn named<const N: usize>(
        &self,
        names: [&str; N],
        only: usize,
        places: usize,
        required: usize,
    ) -> Py<[Option<&'a Obj>; N]> {
        let plain = self.args.plain();
        let given = self.args.values.len();
        let at_most = |bound: usize, word: &str| {
            let how = if required < bound { "at most" } else { "exactly" };
            let text = format!(
                "{}() takes {how} {bound} {word}argument{} ({given} given)",
                self.name,
                plural(bound)
            );
            Err(type_error(text))
        };
        if given > N {
            return at_most(N, if plain.is_empty() { "keyword " } else { "" });
        }
        if plain.len() > places {
            if places == 0 {
                return Err(type_error(format!("{}() takes no positional arguments", self.name)));
            }
            return at_most(places, "positional ");
        }
        let mut found = [None; N];
        for (place, value) in found.iter_mut().zip(plain) {
            *place = Some(value);
        }
        // Names that are not known, or known already, are left over here; CPython sees first what is missing.
        let mut left_over = None;
        for name in self.args.names {
            let known = names
                .iter()
                .position(|known| **known == name.text[..])
                .filter(|at| *at >= only);
            match known.filter(|at| found[*at].is_none()) {
                Some(at) => found[at] = self.args.named(names[at]),
                None if left_over.is_none() || known.is_some() => left_over = Some((name, known)),
                None => {}
            }
        }
        match found.iter().take(required).position(Option::is_none) {
            None => {}
            Some(at) if at < only => {
                let how = if required == places { "exactly" } else { "at least" };
                return Err(type_error(format!(
                    "{}() takes {how} {only} positional argument{} ({} given)",
                    self.name,
                    plural(only),
                    plain.len()
                )));
            }
            Some(at) => {
                return Err(type_error(format!(
                    "{}() missing required argument '{}' (pos {})",
                    self.name,
                    names[at],
                    at + 1
                )));
            }
        }
        match left_over {
            None => Ok(found),
            Some((name, None)) => Err(type_error(format!(
                "'{}' is an invalid keyword argument for {}()",
                name.text, self.name
            ))),
            Some((name, Some(at))) => Err(type_error(format!(
                "argument for {}() given by name ('{}') and position ({})",
                self.name,
                name.text,
                at + 1
            ))),
        }
    }

    /// Refuses named arguments.
    pub fn no_names(&self) -> Py<()> {
        if self.args.names.is_empty() {
            return Ok(());
        }
        Err(type_error(format!("{} takes no keyword arguments", self.full_name())))
    }

    /// Argument number `at` (from 1) as a text: `replace() argument 2 must be str, not int`.
    pub fn text(&self, at: usize, value: &'a Obj) -> Py<&'a Text> {
        match value {
            Obj::Str(text) => Ok(text),
            other => Err(self.bad_argument(&format!("argument {at}"), "str", other)),
        }
    }

    /// An argument without a number as a text: `removeprefix() argument must be str, not int`.
    pub fn only_text(&self, value: &'a Obj) -> Py<&'a Text> {
        match value {
            Obj::Str(text) => Ok(text),
            other => Err(self.bad_argument("argument", "str", other)),
        }
    }

    /// A named argument as a text: `encode() argument 'encoding' must be str, not int`.
    pub fn named_text(&self, name: &str, value: &'a Obj) -> Py<&'a Text> {
        match value {
            Obj::Str(text) => Ok(text),
            other => Err(self.bad_argument(&format!("argument '{name}'"), "str", other)),
        }
    }

    pub fn bad_argument(&self, which: &str, wanted: &str, got: &Obj) -> Raised {
        type_error(format!(
            "{}() {which} must be {wanted}, not {}",
            self.name,
            type_name_or_none(got)
        ))
    }

    /// `list.append()`, or `len()`.
    fn full_name(&self) -> String {
        if self.owner.is_empty() {
            format!("{}()", self.name)
        } else {
            format!("{}.{}()", self.owner, self.name)
        }
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// A type's name in messages about arguments, where `None` is called that.
fn type_name_or_none(value: &Obj) -> std::rc::Rc<str> {
    if value.is_none() { "None".into() } else { type_name(value) }
}

/// A count that is -1 (no bound) when absent.
pub fn count(value: Option<&Obj>) -> Py<usize> {
    match value {
        None => Ok(usize::MAX),
        Some(value) => {
            let n = arith::index(value)?;
            Ok(usize::try_from(n).unwrap_or(usize::MAX))
        }
    }
}

/// An argument that says yes or no by a number.
pub fn flag(value: Option<&Obj>) -> Py<bool> {
    match value {
        None => Ok(false),
        Some(Obj::Bool(flag)) => Ok(*flag),
        Some(value) => Ok(c_int(value)? != 0),
    }
}

/// An integer of 32 bits.
pub fn c_int(value: &Obj) -> Py<i32> {
    let n = match value {
        Obj::Big(_) => i64::MAX,
        value => arith::index(value)?,
    };
    i32::try_from(n).map_err(|_| overflow_error("Python int too large to convert to C int"))
}

/// Whether what was raised is a `TypeError`, for those functions that say it in words of their own.
pub fn is_type_error(raised: &Raised) -> bool {
    exception::matches(&raised.0, &Obj::Builtin(Builtin::TypeError)).unwrap_or(false)
}

/// A width: not negative, and bounded so that no text can exhaust the memory.
pub fn width(value: &Obj) -> Py<usize> {
    let width = usize::try_from(arith::index(value)?).unwrap_or(0);
    bounded(width)
}

/// More bytes (or items, at 16 bytes) than this are refused, as CPython does when there is no memory.
pub const MAX_BYTES: usize = 256 << 20;

/// A size in bytes that is about to be built.
pub fn bounded(bytes: usize) -> Py<usize> {
    if bytes > MAX_BYTES {
        return Err(raise(Builtin::MemoryError, ""));
    }
    Ok(bytes)
}

/// The two places of a search (`find`, `count`, `startswith`), cut to the length. The first may lie behind the second, or behind
/// the end: then nothing is found, not even an empty text.
pub fn bounds(len: usize, start: Option<&Obj>, end: Option<&Obj>) -> Py<(usize, usize)> {
    let len = len as i64;
    let end = match end {
        None | Some(Obj::None) => len,
        Some(end) => place(end, "slice indices must be integers or None or have an __index__ method")?,
    };
    let start = match start {
        None | Some(Obj::None) => 0,
        Some(start) => place(start, "slice indices must be integers or None or have an __index__ method")?,
    };
    let from_end = |at: i64| if at < 0 { (at.saturating_add(len)).max(0) } else { at };
    Ok((from_end(start) as usize, from_end(end.min(len)) as usize))
}

/// A place in a sequence, the nearest number that fits; anything but an integer is refused in the words of slices.
pub fn place(value: &Obj, message: &str) -> Py<i64> {
    match value {
        Obj::Int(n) => Ok(*n),
        Obj::Bool(b) => Ok(i64::from(*b)),
        Obj::Big(n) if n.sign() == num_bigint::Sign::Minus => Ok(i64::MIN),
        Obj::Big(_) => Ok(i64::MAX),
        Obj::Instance(_) => arith::index(value),
        _ => Err(type_error(message)),
    }
}
