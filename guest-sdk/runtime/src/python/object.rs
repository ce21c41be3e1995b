//! Python objects.
//!
//! An [`Obj`] is what one slot of the value stack holds: an immediate (no drop needed) or a reference-counted object. Containers
//! have interior mutability, because Python programs alias them; a borrow must never be held while code of the program runs
//! (a comparison, a key function, an iterator), so that no program can make a borrow fail.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use compact_str::CompactString;
use num_bigint::BigInt;

use super::error::{Py, type_error};
use super::names::{Builtin, Method, Module};
use super::release;
use super::set::SetTable;
use super::table::Table;

/// Tags below this one are immediates: compiled code overwrites such a slot without asking the runtime. All others are counted
/// references, which `share` relies on.
pub const IMMEDIATE: u32 = 16;

/// A Python object. The layout (tag at 0; boolean at 4; integer and float at 8; 16 bytes) is known to compiled code.
#[derive(Default)]
#[repr(u32)]
pub enum Obj {
    #[default]
    None = 0,
    Bool(bool) = 1,
    Int(i64) = 2,
    Float(f64) = 3,
    /// No object: a variable that is not assigned. Never seen by a program.
    Unbound = 4,
    /// A builtin function, type or exception class.
    Builtin(Builtin) = 5,
    /// A function of an importable module.
    NativeFn(&'static NativeFn) = 6,
    /// A type of an importable module.
    NativeType(&'static NativeType) = 7,
    Module(Module) = 8,
    Ellipsis = 9,
    NotImplemented = 10,
    /// An integer outside 64 bits; never one that [`Obj::Int`] could hold.
    Big(Rc<BigInt>) = IMMEDIATE,
    Str(Rc<Text>),
    Bytes(Rc<[u8]>),
    List(Rc<List>),
    Tuple(Rc<[Obj]>),
    Dict(Rc<Dict>),
    Set(Rc<Set>),
    Range(Rc<Range>),
    Slice(Rc<Slice>),
    Iter(Rc<Iter>),
    Generator(Rc<super::generator::Generator>),
    Function(Rc<super::function::Function>),
    /// A function of a class, taken from an instance (or a class, for a classmethod).
    Bound(Rc<Bound>),
    /// A method of a builtin type taken from its object (`items.append`).
    BuiltinMethod(Rc<BuiltinMethod>),
    /// A function of an importable module that carries values (`functools.partial`, `operator.itemgetter`).
    Native(Rc<dyn Native>),
    Class(Rc<super::class::Class>),
    Instance(Rc<super::class::Instance>),
    Exception(Rc<Exception>),
    Cell(Rc<RefCell<Obj>>),
}

/// A string: text by code point, with what is costly to know kept.
pub struct Text {
    /// Growable, so that `s += x` on a text held once appends in place; a short one needs no memory of its own.
    pub text: CompactString,
    /// Code points; equal to the length in bytes exactly for ASCII.
    pub chars: usize,
    /// `hash()`, 0 when not computed yet.
    pub hash: Cell<u64>,
}

#[derive(Default)]
pub struct List(pub RefCell<Vec<Obj>>);

#[derive(Default)]
pub struct Dict {
    pub table: RefCell<Table<Obj>>,
    pub kind: DictKind,
}

/// `dict` and its subclasses of `collections`.
#[derive(Default)]
pub enum DictKind {
    #[default]
    Plain,
    Ordered,
    Counter,
    /// The factory, or `None`.
    Default(RefCell<Obj>),
}

pub struct Set {
    pub table: RefCell<SetTable>,
    pub frozen: bool,
}

/// Numbers of a `range`; a step is never 0.
pub struct Range {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
}

pub struct Slice {
    pub start: Obj,
    pub stop: Obj,
    pub step: Obj,
}

pub struct Bound {
    pub this: Obj,
    pub function: Obj,
}

pub struct BuiltinMethod {
    pub this: Obj,
    pub name: Name,
}

/// A raised or raisable exception.
pub struct Exception {
    /// [`Obj::Builtin`] or [`Obj::Class`].
    pub class: Obj,
    pub args: RefCell<Vec<Obj>>,
    /// Attributes that the program has set, and those of user classes.
    pub attrs: RefCell<Table<Obj>>,
    pub cause: RefCell<Option<Obj>>,
}

/// An iterator in progress.
pub enum Iter {
    /// Over a list, which most are: `None` once it has ended (a list that grows later is not walked over again), and the next place.
    List(RefCell<Option<Rc<List>>>, Cell<usize>),
    /// Any other. While it advances it is not in its place, so an iterator that advances itself meets an empty one and raises
    /// `ValueError`.
    Other(RefCell<Option<Box<dyn Advance>>>),
}

/// One kind of iterator (builtins and `itertools`).
pub trait Advance {
    fn advance(&mut self) -> Py<Option<Obj>>;
    /// As in `<zip object …>`; `list_iterator` and the like.
    fn type_name(&self) -> &'static str;
    /// The call that `repr` shows it as, if it does.
    fn shown(&self) -> Option<(&'static str, Vec<Obj>)> {
        None
    }
}

/// A name as attribute access and method calls use it.
#[derive(Clone)]
pub struct Name {
    pub text: Rc<Text>,
    /// The builtin method of this name, if any builtin type has one.
    pub method: Option<Method>,
}

/// Arguments of a call: positional ones, then those whose names are in `names`.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    pub values: &'a [Obj],
    pub names: &'a [Rc<Text>],
}

/// A function of an importable module.
pub struct NativeFn {
    pub module: &'static str,
    pub name: &'static str,
    pub call: fn(&Args) -> Py,
}

/// A type of an importable module: callable, and usable with `isinstance`.
pub struct NativeType {
    pub module: &'static str,
    pub name: &'static str,
    /// Its constructor.
    pub new: fn(&Args) -> Py,
    /// Whether an object is an instance.
    pub is_instance: fn(&Obj) -> bool,
    /// A class attribute or class method (`datetime.now`, `timedelta.max`).
    pub attribute: fn(&str) -> Option<Obj>,
}

/// An object of an importable module (a date, a match, a deque). A method not overridden means: not supported.
#[allow(unused_variables)]
#[allow(clippy::len_without_is_empty, reason = "an object says by `truth` whether it is empty")]
pub trait Native {
    fn as_any(&self) -> &dyn Any;
    fn type_of(&self) -> &'static NativeType;
    /// The value of an attribute that is no method.
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(None)
    }
    fn set_attribute(&self, name: &str, value: &Obj) -> Py<bool> {
        Ok(false)
    }
    fn has_method(&self, name: &str) -> bool {
        false
    }
    /// `this` is the object itself. `None`: no such method.
    fn method(&self, this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        Ok(None)
    }
    fn repr(&self) -> Py<String>;
    fn str(&self) -> Py<String> {
        self.repr()
    }
    fn truth(&self) -> Py<bool> {
        Ok(true)
    }
    fn len(&self) -> Option<Py<usize>> {
        None
    }
    fn iter(&self, this: &Obj) -> Option<Py<Box<dyn Advance>>> {
        None
    }
    fn call(&self, args: &Args) -> Option<Py> {
        None
    }
    /// Whether `call` answers.
    fn callable(&self) -> bool {
        false
    }
    /// What reading it from a class gives, through an instance or the class itself (`property`, `functools.cached_property`).
    /// `this` is the object itself. `None`: it is a plain attribute.
    fn bind(&self, this: &Obj, instance: Option<&Obj>, class: &Obj) -> Option<Py> {
        None
    }
    fn getitem(&self, key: &Obj) -> Option<Py> {
        None
    }
    fn setitem(&self, key: &Obj, value: &Obj) -> Option<Py<()>> {
        None
    }
    fn delitem(&self, key: &Obj) -> Option<Py<()>> {
        None
    }
    fn contains(&self, item: &Obj) -> Option<Py<bool>> {
        None
    }
    /// `self op other`, or `other op self` when `reflected`. `None`: not supported for this operand. `op` as in `abi`.
    fn binary(&self, op: super::arith::BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        Ok(None)
    }
    fn unary(&self, op: super::arith::UnaryOp) -> Option<Py> {
        None
    }
    /// Equality; `None`: not comparable (different).
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(None)
    }
    /// Ordering; `None`: `TypeError`.
    fn order(&self, other: &Obj) -> Py<Option<std::cmp::Ordering>> {
        Ok(None)
    }
    /// `None`: unhashable.
    fn hash(&self) -> Option<i64> {
        None
    }
    fn format(&self, spec: &str) -> Option<Py<String>> {
        None
    }
    /// The items, for an object that is a tuple (a named tuple): `isinstance(x, tuple)` holds and it serialises as one.
    fn as_tuple(&self) -> Option<&Rc<[Obj]>> {
        None
    }
    /// The builtin object that it also is (a member of `IntEnum`): `isinstance` holds and it serialises as that.
    fn as_plain(&self) -> Option<&Obj> {
        None
    }
    /// The class of an object whose class is made while the program runs (`namedtuple`, `Enum`); [`Native::type_of`] is then only its kind.
    fn class(&self) -> Option<Obj> {
        None
    }
    /// For an object that is itself a class: its name, and whether `object` is an instance of it.
    fn class_name(&self) -> Option<&str> {
        None
    }
    fn is_class_of(&self, object: &Obj) -> bool {
        false
    }
    /// `class Name(self, …): …` for what makes its classes itself (`NamedTuple`, `Enum`): the class, from the body's namespace.
    /// `None`: nothing can derive from it.
    fn derive(&self, name: &Rc<Text>, bases: &[Obj], namespace: &Rc<Dict>) -> Option<Py> {
        None
    }
}

impl Drop for List {
    fn drop(&mut self) {
        release::items(self.0.get_mut());
    }
}

impl Drop for Dict {
    fn drop(&mut self) {
        release::table(self.table.get_mut());
    }
}

impl Text {
    pub fn new(text: impl Into<CompactString>) -> Self {
        let text = text.into();
        let chars = if text.is_ascii() { text.len() } else { text.chars().count() };
        Text {
            text,
            chars,
            hash: Cell::new(0),
        }
    }
    /// A text of ASCII characters only.
    pub fn ascii(text: impl Into<CompactString>) -> Self {
        let text = text.into();
        Text {
            chars: text.len(),
            text,
            hash: Cell::new(0),
        }
    }
    pub fn is_ascii(&self) -> bool {
        self.chars == self.text.len()
    }
}

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl Name {
    pub fn new(text: &str) -> Self {
        Name {
            text: Rc::new(Text::new(text)),
            method: Method::named(text),
        }
    }
}

impl Obj {
    pub fn str(text: impl Into<CompactString>) -> Obj {
        Obj::Str(Rc::new(Text::new(text)))
    }
    pub fn list(items: Vec<Obj>) -> Obj {
        Obj::List(Rc::new(List(RefCell::new(items))))
    }
    pub fn tuple(items: impl Into<Rc<[Obj]>>) -> Obj {
        Obj::Tuple(items.into())
    }
    pub fn dict(table: Table<Obj>) -> Obj {
        Obj::Dict(Rc::new(Dict {
            table: RefCell::new(table),
            kind: DictKind::Plain,
        }))
    }
    pub fn set(table: SetTable, frozen: bool) -> Obj {
        Obj::Set(Rc::new(Set {
            table: RefCell::new(table),
            frozen,
        }))
    }
    pub fn iter(state: impl Advance + 'static) -> Obj {
        Obj::Iter(Rc::new(Iter::Other(RefCell::new(Some(Box::new(state))))))
    }
    pub fn native(object: impl Native + 'static) -> Obj {
        Obj::Native(Rc::new(object))
    }
    /// The smallest form of an integer.
    pub fn big(n: BigInt) -> Obj {
        match i64::try_from(&n) {
            Ok(small) => Obj::Int(small),
            Err(_) => Obj::Big(Rc::new(n)),
        }
    }
    pub fn is_none(&self) -> bool {
        matches!(self, Obj::None)
    }
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Obj::Str(text) => Some(text),
            _ => None,
        }
    }
    /// The object behind [`Obj::Native`], as its Rust type.
    pub fn as_native<T: 'static>(&self) -> Option<&T> {
        match self {
            Obj::Native(native) => native.as_any().downcast_ref(),
            _ => None,
        }
    }
    /// `is`: immediates by value, everything else by identity (texts, tuples and big integers too).
    pub fn is(&self, other: &Obj) -> bool {
        match (self, other) {
            (Obj::None, Obj::None) | (Obj::Ellipsis, Obj::Ellipsis) | (Obj::NotImplemented, Obj::NotImplemented) => true,
            (Obj::Bool(a), Obj::Bool(b)) => a == b,
            (Obj::Int(a), Obj::Int(b)) => a == b,
            (Obj::Float(a), Obj::Float(b)) => a.to_bits() == b.to_bits(),
            (Obj::Str(a), Obj::Str(b)) => Rc::ptr_eq(a, b) || a.text == b.text,
            (Obj::Tuple(a), Obj::Tuple(b)) => Rc::ptr_eq(a, b) || (a.is_empty() && b.is_empty()),
            (Obj::Builtin(a), Obj::Builtin(b)) => a == b,
            (Obj::Module(a), Obj::Module(b)) => a == b,
            (Obj::NativeFn(a), Obj::NativeFn(b)) => std::ptr::eq(*a, *b),
            (Obj::NativeType(a), Obj::NativeType(b)) => std::ptr::eq(*a, *b),
            _ => match (self.address(), other.address()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
    /// The address of a heap object: its identity.
    pub fn address(&self) -> Option<usize> {
        fn at<T: ?Sized>(rc: &Rc<T>) -> Option<usize> {
            Some(Rc::as_ptr(rc).cast::<u8>() as usize)
        }
        match self {
            Obj::Big(x) => at(x),
            Obj::Str(x) => at(x),
            Obj::Bytes(x) => at(x),
            Obj::List(x) => at(x),
            Obj::Tuple(x) => at(x),
            Obj::Dict(x) => at(x),
            Obj::Set(x) => at(x),
            Obj::Range(x) => at(x),
            Obj::Slice(x) => at(x),
            Obj::Iter(x) => at(x),
            Obj::Generator(x) => at(x),
            Obj::Function(x) => at(x),
            Obj::Bound(x) => at(x),
            Obj::BuiltinMethod(x) => at(x),
            Obj::Native(x) => at(x),
            Obj::Class(x) => at(x),
            Obj::Instance(x) => at(x),
            Obj::Exception(x) => at(x),
            Obj::Cell(x) => at(x),
            _ => None,
        }
    }
}

impl From<&str> for Obj {
    fn from(text: &str) -> Obj {
        Obj::str(text)
    }
}

impl<'a> Args<'a> {
    pub fn positional(values: &'a [Obj]) -> Self {
        Args { values, names: &[] }
    }
    /// The positional ones.
    pub fn plain(&self) -> &'a [Obj] {
        &self.values[..self.values.len().saturating_sub(self.names.len())]
    }
    /// The argument named `name`.
    pub fn named(&self, name: &str) -> Option<&'a Obj> {
        let first = self.values.len().saturating_sub(self.names.len());
        let at = self.names.iter().position(|known| known.text == name)?;
        self.values.get(first + at)
    }
    /// Positional argument `at`, or the one named `name`.
    pub fn get(&self, at: usize, name: &str) -> Option<&'a Obj> {
        self.plain().get(at).or_else(|| self.named(name))
    }
    /// Refuses names not in `known` and positional arguments beyond `max` or below `min`, in CPython's words. The function's name may have
    /// its module or type before it, which only some of them say.
    pub fn expect(&self, function: &str, min: usize, max: usize, known: &[&str]) -> Py<()> {
        if let Some(name) = self.names.iter().find(|name| !known.contains(&name.text.as_str())) {
            let text = if known.is_empty() {
                format!("{function}() takes no keyword arguments")
            } else {
                format!("{function}() got an unexpected keyword argument '{}'", name.text)
            };
            return Err(type_error(text));
        }
        let given = self.plain().len();
        if given >= min && given <= max {
            return Ok(());
        }
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let bare = function.rsplit('.').next().unwrap_or(function);
        Err(type_error(if min == max {
            match min {
                0 => format!("{function}() takes no arguments ({given} given)"),
                1 => format!("{function}() takes exactly one argument ({given} given)"),
                _ => format!("{bare} expected {min} arguments, got {given}"),
            }
        } else if given < min {
            format!("{bare} expected at least {min} argument{}, got {given}", plural(min))
        } else {
            format!("{bare} expected at most {max} argument{}, got {given}", plural(max))
        }))
    }
}
