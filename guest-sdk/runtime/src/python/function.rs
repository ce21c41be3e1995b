//! Functions of the program: what the compiler says of them, their defaults and cells, and how arguments become a frame.

use std::cell::RefCell;
use std::rc::Rc;

use super::abi;
use super::error::{Py, Raised, type_error};
use super::generator::Generator;
use super::object::{Args, Obj, Text};
use super::stack::Frame;
use super::state;
use super::table::Table;
use crate::value::{Dict, Value};

/// What the compiler says of a function. The frame: slot 0, the parameters in this order, captured cells, locals.
pub struct Code {
    pub name: Rc<Text>,
    pub qualname: Rc<Text>,
    pub positional: Vec<Rc<Text>>,
    /// How many of the first positional parameters have no name for callers.
    pub positional_only: usize,
    /// How many of the last positional parameters have defaults.
    pub defaults: usize,
    /// Keyword-only parameters, and whether each has a default.
    pub keyword_only: Vec<(Rc<Text>, bool)>,
    pub vararg: bool,
    pub kwarg: bool,
    pub captures: usize,
    pub generator: bool,
    /// Size of the frame.
    pub slots: usize,
    /// Its place among the flow's functions in the function table.
    pub table: u32,
    /// Only positional parameters, and no generator: arguments can go straight to the frame.
    pub plain: bool,
}

pub struct Function {
    pub code: &'static Code,
    /// Of positional parameters, then of keyword-only ones that have a default.
    pub defaults: Box<[Obj]>,
    pub cells: Box<[Obj]>,
    /// Attributes that the program has set on it.
    pub attrs: RefCell<Option<Box<Table<Obj>>>>,
}

impl Code {
    /// Reads the compiler's description. What is missing is none: the table is the compiler's own.
    pub fn read(value: &Value) -> Code {
        let empty = Dict::default();
        let given = value.as_dict().unwrap_or(&empty);
        let text = |key: &str| Rc::new(Text::new(given.get(key).as_ref().and_then(Value::as_str).unwrap_or_default()));
        let count = |key: &str| match given.get(key) {
            Some(Value::Int(n)) => usize::try_from(n).unwrap_or(0),
            _ => 0,
        };
        let list = |key: &str| match given.get(key) {
            Some(Value::List(items)) => items.borrow().clone(),
            _ => Vec::new(),
        };
        let name_of = |value: &Value| Rc::new(Text::new(value.as_str().unwrap_or_default()));
        let positional: Vec<_> = list("positional").iter().map(name_of).collect();
        let keyword_only: Vec<_> = list("keyword_only")
            .iter()
            .filter_map(Value::as_list)
            .map(|pair| {
                let pair = pair.borrow();
                let name = pair.first().map(name_of).unwrap_or_else(|| Rc::new(Text::new("")));
                (name, matches!(pair.get(1), Some(Value::Bool(true))))
            })
            .collect();
        let is_text = |key: &str| matches!(given.get(key), Some(Value::Str(_)));
        let mut code = Code {
            name: text("name"),
            qualname: text("qualname"),
            positional_only: count("positional_only").min(positional.len()),
            defaults: count("defaults").min(positional.len()),
            vararg: is_text("vararg"),
            kwarg: is_text("kwarg"),
            captures: count("captures"),
            generator: matches!(given.get("generator"), Some(Value::Bool(true))),
            slots: count("slots"),
            table: count("table") as u32,
            plain: false,
            positional,
            keyword_only,
        };
        code.slots = code.slots.max(1 + code.params() + code.captures);
        code.plain = code.keyword_only.is_empty() && !code.vararg && !code.kwarg && !code.generator;
        code
    }

    /// How many slots the parameters take.
    pub fn params(&self) -> usize {
        self.positional.len() + self.keyword_only.len() + usize::from(self.vararg) + usize::from(self.kwarg)
    }

    /// How many objects follow a function's making: defaults, then cells.
    pub fn attached(&self) -> (usize, usize) {
        let keyword = self.keyword_only.iter().filter(|(_, has)| *has).count();
        (self.defaults + keyword, self.captures)
    }
}

impl Function {
    /// A function object from its defaults and then its cells.
    pub fn new(code: &'static Code, mut attached: Vec<Obj>) -> Rc<Function> {
        let (defaults, _) = code.attached();
        let cells = attached.split_off(defaults.min(attached.len()));
        let function = Rc::new(Function {
            code,
            defaults: attached.into(),
            cells: cells.into(),
            attrs: RefCell::new(None),
        });
        if !function.cells.is_empty() {
            state::remember_closure(&function);
        }
        function
    }

    pub fn attr(&self, name: &Rc<Text>) -> Option<Obj> {
        let attrs = self.attrs.borrow();
        attrs.as_ref()?.get_text(name).cloned()
    }

    pub fn set_attr(&self, name: &Rc<Text>, value: Obj) -> Py<()> {
        let old = self
            .attrs
            .borrow_mut()
            .get_or_insert_default()
            .insert(Obj::Str(name.clone()), value)?;
        drop(old);
        Ok(())
    }
}

/// Calls a function; `this` comes before the arguments.
pub fn call(function: &Function, this: Option<&Obj>, args: &Args) -> Py {
    let code = function.code;
    let mut frame = Frame::push(code.slots)?;
    let given = args.values.len() + usize::from(this.is_some());
    if code.plain && args.names.is_empty() && given == code.positional.len() {
        let mut at = 1;
        if let Some(this) = this {
            frame.fill(at, this.clone());
            at += 1;
        }
        for value in args.values {
            frame.fill(at, value.clone());
            at += 1;
        }
    } else {
        bind(function, &mut frame, this, args)?;
    }
    start(function, frame)
}

/// Calls a function whose positional arguments are taken from slots. `None`: its parameters are not that simple.
#[inline(always)]
pub fn call_plain(function: &Function, this: Option<&Obj>, args: u32, count: u32) -> Option<Py> {
    let code = function.code;
    let given = count as usize + usize::from(this.is_some());
    let missing = code.positional.len().wrapping_sub(given);
    if !code.plain || missing > code.defaults {
        return None;
    }
    let mut frame = match Frame::push(code.slots) {
        Ok(frame) => frame,
        Err(raised) => return Some(Err(raised)),
    };
    let mut at = 1;
    if let Some(this) = this {
        frame.fill(at, this.clone());
        at += 1;
    }
    for offset in 0..count {
        frame.fill(at, super::stack::take(super::stack::after(args, offset)));
        at += 1;
    }
    if missing > 0 {
        for value in function.defaults.iter().take(code.defaults).skip(code.defaults - missing) {
            frame.fill(at, value.clone());
            at += 1;
        }
    }
    Some(start(function, frame))
}

/// Runs a function whose parameters are in the frame.
#[inline]
fn start(function: &Function, mut frame: Frame) -> Py {
    let code = function.code;
    let mut at = 1 + code.params();
    for cell in &function.cells {
        frame.set(at, cell.clone());
        at += 1;
    }
    frame.unbind(at, code.slots);
    if code.generator {
        return Ok(suspended(code, frame));
    }
    frame.set(0, Obj::None);
    match abi::invoke(code.table, frame.address(), 0) {
        0 => Ok(frame.take(0)),
        _ => Err(state::take_pending()),
    }
}

#[inline(never)]
fn suspended(code: &'static Code, frame: Frame) -> Obj {
    Obj::Generator(Rc::new(Generator::new(code, frame)))
}

/// Puts arguments into the parameters' slots as CPython binds them.
#[inline(never)]
fn bind(function: &Function, frame: &mut Frame, this: Option<&Obj>, args: &Args) -> Py<()> {
    let code = function.code;
    let known = code.positional.len();
    let after_names = 1 + known + code.keyword_only.len();
    frame.unbind(1, 1 + code.params());

    let plain = args.plain();
    let given = plain.len() + usize::from(this.is_some());
    let positional = || this.into_iter().chain(plain);
    for (at, value) in positional().take(known).enumerate() {
        frame.set(1 + at, value.clone());
    }
    if code.vararg {
        let rest: Vec<Obj> = positional().skip(known).cloned().collect();
        frame.set(after_names, Obj::tuple(rest));
    }

    let mut named = Table::default();
    let mut hidden = Vec::new();
    for (at, name) in args.names.iter().enumerate() {
        let Some(value) = args.values.get(plain.len() + at) else {
            break;
        };
        match parameter(code, name) {
            Some(slot) if frame.is_unbound(slot) => frame.set(slot, value.clone()),
            Some(_) => return Err(error(code, format!("got multiple values for argument '{}'", name.text))),
            None if code.kwarg => {
                if named.insert(Obj::Str(name.clone()), value.clone())?.is_some() {
                    return Err(error(
                        code,
                        format!("got multiple values for keyword argument '{}'", name.text),
                    ));
                }
            }
            None if code.positional.iter().any(|known| known.text == name.text) => hidden.push(&*name.text),
            None => return Err(error(code, format!("got an unexpected keyword argument '{}'", name.text))),
        }
    }
    if !hidden.is_empty() {
        let hidden = hidden.join(", ");
        let text = format!("got some positional-only arguments passed as keyword arguments: '{hidden}'");
        return Err(error(code, text));
    }
    if code.kwarg {
        frame.set(after_names + usize::from(code.vararg), Obj::dict(named));
    }
    if given > known && !code.vararg {
        return Err(too_many(code, frame, given));
    }

    let required = known - code.defaults;
    let missing: Vec<_> = (0..required).filter(|at| frame.is_unbound(1 + at)).collect();
    if !missing.is_empty() {
        let names = missing.iter().map(|at| &code.positional[*at]).collect();
        return Err(lacking(code, "positional", names));
    }
    for at in required..known {
        if frame.is_unbound(1 + at) {
            frame.set(1 + at, function.defaults.get(at - required).cloned().unwrap_or_default());
        }
    }
    let mut default = code.defaults;
    let mut missing = Vec::new();
    for (at, (name, has_default)) in code.keyword_only.iter().enumerate() {
        let slot = 1 + known + at;
        if frame.is_unbound(slot) {
            match function.defaults.get(default) {
                Some(value) if *has_default => frame.set(slot, value.clone()),
                _ => missing.push(name),
            }
        }
        default += usize::from(*has_default);
    }
    if !missing.is_empty() {
        return Err(lacking(code, "keyword-only", missing));
    }
    Ok(())
}

/// The slot of the parameter that a caller may name.
fn parameter(code: &Code, name: &Rc<Text>) -> Option<usize> {
    let is = |known: &Rc<Text>| Rc::ptr_eq(known, name) || known.text == name.text;
    if let Some(at) = code.positional.iter().skip(code.positional_only).position(is) {
        return Some(1 + code.positional_only + at);
    }
    let at = code.keyword_only.iter().position(|(known, _)| is(known))?;
    Some(1 + code.positional.len() + at)
}

fn error(code: &Code, text: String) -> Raised {
    type_error(format!("{}() {text}", code.qualname.text))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn too_many(code: &Code, frame: &Frame, given: usize) -> Raised {
    let known = code.positional.len();
    let takes = match code.defaults {
        0 => format!("{known} positional argument{}", plural(known)),
        defaults => format!("from {} to {known} positional arguments", known - defaults),
    };
    let keyword = (0..code.keyword_only.len())
        .filter(|at| !frame.is_unbound(1 + known + at))
        .count();
    let given = match keyword {
        0 => format!("{given} {} given", if given == 1 { "was" } else { "were" }),
        _ => format!(
            "{given} positional argument{} (and {keyword} keyword-only argument{}) were given",
            plural(given),
            plural(keyword)
        ),
    };
    error(code, format!("takes {takes} but {given}"))
}

fn lacking(code: &Code, kind: &str, names: Vec<&Rc<Text>>) -> Raised {
    let count = names.len();
    let quoted: Vec<_> = names.iter().map(|name| format!("'{}'", name.text)).collect();
    let list = match &*quoted {
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
        [] => String::new(),
    };
    error(
        code,
        format!("missing {count} required {kind} argument{}: {list}", plural(count)),
    )
}
