//! The module `dataclasses`: `@dataclass` gives a class of the program its `__init__`, `__repr__`, `__eq__` and so on.
//!
//! Fields are the names that the class body annotates, in order (`__annotations__`, where the compiler keeps annotations as texts).
//! The methods are objects of this module that bind like functions.

use std::any::Any;
use std::rc::Rc;

use super::bind::{bind, flag, listed, need};
use super::copy;
use super::declare::{arg, declare};
use crate::python::class::{self, Class};
use crate::python::compare::{self, CompareOp};
use crate::python::depth;
use crate::python::error::{Py, Raised, raise, type_error, value_error};
use crate::python::hash;
use crate::python::names::Builtin;
use crate::python::object::{Args, Bound, Name, Native, NativeType, Obj, Text};
use crate::python::table::Table;
use crate::python::text::{repr, type_name};
use crate::python::{attr, call};

declare! {
    "dataclasses" {
        "dataclass" => dataclass,
        "field" => field,
        "fields" => fields,
        "asdict" => asdict,
        "astuple" => astuple,
        "replace" => replace,
        "is_dataclass" => is_dataclass,
    } {
        "Field" => Obj::NativeType(&FIELD),
        "FrozenInstanceError" => Obj::Builtin(Builtin::FrozenInstanceError),
        "MISSING" => missing(),
    }
}

/// A field of a class, or the settings of one (`field(…)`).
#[derive(Clone)]
struct Field {
    name: Rc<Text>,
    /// The annotation as the author wrote it.
    annotation: Obj,
    default: Option<Obj>,
    factory: Option<Obj>,
    init: bool,
    repr: bool,
    compare: bool,
    keyword_only: bool,
    metadata: Obj,
}

static FIELD: NativeType = NativeType {
    module: "dataclasses",
    name: "Field",
    new: |_| Err(type_error("a Field is made by field()")),
    is_instance: |object| object.as_native::<Field>().is_some(),
    attribute: |_| None,
};

/// The marker of an absent default.
struct Missing;

static MISSING: NativeType = NativeType {
    module: "dataclasses",
    name: "_MISSING_TYPE",
    new: |_| Ok(missing()),
    is_instance: |object| object.as_native::<Missing>().is_some(),
    attribute: |_| None,
};

thread_local! {
    static ABSENT: Obj = Obj::native(Missing);
}

fn missing() -> Obj {
    ABSENT.with(Clone::clone)
}

impl Native for Missing {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &MISSING
    }
    fn repr(&self) -> Py<String> {
        Ok("<dataclasses._MISSING_TYPE object>".to_owned())
    }
}

impl Native for Field {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &FIELD
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(Some(match name {
            "name" => Obj::Str(self.name.clone()),
            "type" => self.annotation.clone(),
            "default" => self.default.clone().unwrap_or_else(missing),
            "default_factory" => self.factory.clone().unwrap_or_else(missing),
            "init" => Obj::Bool(self.init),
            "repr" => Obj::Bool(self.repr),
            "compare" => Obj::Bool(self.compare),
            "kw_only" => Obj::Bool(self.keyword_only),
            "metadata" => self.metadata.clone(),
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok(format!(
            "Field(name={},type={})",
            repr(&Obj::Str(self.name.clone()))?,
            repr(&self.annotation)?
        ))
    }
}

fn field(args: &Args) -> Py {
    let names = [
        "default",
        "default_factory",
        "init",
        "repr",
        "hash",
        "compare",
        "metadata",
        "kw_only",
    ];
    let [default, factory, init, shown, _, compared, metadata, keyword_only] = bind("field", args, names, 0, 0)?;
    let given = |value: Option<&Obj>| value.filter(|value| value.as_native::<Missing>().is_none()).cloned();
    let (default, factory) = (given(default), given(factory));
    if default.is_some() && factory.is_some() {
        return Err(value_error("cannot specify both default and default_factory"));
    }
    Ok(Obj::native(Field {
        name: Rc::new(Text::new("")),
        annotation: Obj::None,
        default,
        factory,
        init: flag(init, true)?,
        repr: flag(shown, true)?,
        compare: flag(compared, true)?,
        keyword_only: flag(keyword_only, false)?,
        metadata: metadata.cloned().unwrap_or_else(|| Obj::dict(Table::default())),
    }))
}

/// What `@dataclass(…)` is told.
#[derive(Clone, Copy)]
struct Options {
    init: bool,
    repr: bool,
    eq: bool,
    order: bool,
    hash: bool,
    frozen: bool,
    keyword_only: bool,
}

/// `dataclass(…)` waiting for its class.
struct Decorator(Options);

static DECORATOR: NativeType = NativeType {
    module: "builtins",
    name: "function",
    new: |_| Err(type_error("cannot create 'function' instances")),
    is_instance: |object| object.as_native::<Decorator>().is_some(),
    attribute: |_| None,
};

impl Native for Decorator {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &DECORATOR
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(arg(args, 0, "wrap").and_then(|class| apply(class, self.0)))
    }
    fn repr(&self) -> Py<String> {
        Ok("<function dataclass.<locals>.wrap>".to_owned())
    }
}

fn dataclass(args: &Args) -> Py {
    let names = [
        "cls",
        "init",
        "repr",
        "eq",
        "order",
        "unsafe_hash",
        "frozen",
        "match_args",
        "kw_only",
        "slots",
        "weakref_slot",
    ];
    let [class, init, shown, eq, order, hash, frozen, _, keyword_only, _, _] = bind("dataclass", args, names, 0, 1)?;
    let options = Options {
        init: flag(init, true)?,
        repr: flag(shown, true)?,
        eq: flag(eq, true)?,
        order: flag(order, false)?,
        hash: flag(hash, false)?,
        frozen: flag(frozen, false)?,
        keyword_only: flag(keyword_only, false)?,
    };
    match class {
        None | Some(Obj::None) => Ok(Obj::native(Decorator(options))),
        Some(class) => apply(class, options),
    }
}

/// Fields of a class; an attribute of the class, found by those below it.
struct Layout {
    fields: Vec<Field>,
}

static LAYOUT: NativeType = NativeType {
    module: "dataclasses",
    name: "_FIELDS",
    new: |_| Err(type_error("cannot create '_FIELDS' instances")),
    is_instance: |object| object.as_native::<Layout>().is_some(),
    attribute: |_| None,
};

impl Native for Layout {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &LAYOUT
    }
    fn repr(&self) -> Py<String> {
        let names: Vec<&str> = self.fields.iter().map(|field| field.name.text.as_str()).collect();
        Ok(format!("<fields {}>", names.join(", ")))
    }
}

/// Where a class keeps its [`Layout`].
const LAYOUT_NAME: &str = "__dataclass_fields__";

/// Makes a class a dataclass; gives the class.
fn apply(object: &Obj, options: Options) -> Py {
    let Obj::Class(class) = object else {
        return Err(type_error(format!(
            "dataclass() should be called on a class, not on '{}' object",
            type_name(object)
        )));
    };
    let mut fields = inherited(class);
    for field in own_fields(class, options)? {
        match fields.iter_mut().find(|known| known.name.text == field.name.text) {
            Some(known) => *known = field,
            None => fields.push(field),
        }
    }
    let mut defaulted = None;
    for field in fields.iter().filter(|field| field.init && !field.keyword_only) {
        let has_default = field.default.is_some() || field.factory.is_some();
        if has_default {
            defaulted = Some(());
        } else if defaulted.is_some() {
            return Err(type_error(format!(
                "non-default argument '{}' follows default argument",
                field.name.text
            )));
        }
    }
    let matched: Vec<Obj> = fields
        .iter()
        .filter(|field| field.init && !field.keyword_only)
        .map(|field| Obj::Str(field.name.clone()))
        .collect();
    let layout = Obj::native(Layout { fields });
    class.set(&Rc::new(Text::new(LAYOUT_NAME)), &layout)?;
    let own = |name: &str| class.attrs.borrow().get_str(name).is_some();
    let add = |name: &'static str, kind: Kind| -> Py<()> {
        let method = Obj::native(Method {
            kind,
            layout: layout.clone(),
            class: class.name.clone(),
        });
        class.set(&Rc::new(Text::new(name)), &method)
    };
    if !own("__match_args__") {
        class.set(&Rc::new(Text::new("__match_args__")), &Obj::tuple(matched))?;
    }
    if options.init && !own("__init__") {
        add("__init__", Kind::Init)?;
    }
    if options.repr && !own("__repr__") {
        add("__repr__", Kind::Repr)?;
    }
    let defines_eq = own("__eq__");
    if options.eq && !defines_eq {
        add("__eq__", Kind::Eq)?;
    }
    if options.order {
        if !options.eq {
            return Err(value_error("eq must be true if order is true"));
        }
        let all = [
            ("__lt__", CompareOp::Lt),
            ("__le__", CompareOp::Le),
            ("__gt__", CompareOp::Gt),
            ("__ge__", CompareOp::Ge),
        ];
        for (name, op) in all {
            if own(name) {
                return Err(type_error(format!(
                    "Cannot overwrite attribute {name} in class {}. Consider using functools.total_ordering",
                    class.name
                )));
            }
            add(name, Kind::Order(op))?;
        }
    }
    if (options.hash || options.eq && options.frozen) && !own("__hash__") {
        add("__hash__", Kind::Hash)?;
    }
    if options.frozen {
        class.frozen.set(true);
    }
    Ok(object.clone())
}

/// Fields of the classes above, those of the farthest first.
fn inherited(class: &Class) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for above in class.above.iter().rev() {
        let Obj::Class(above) = above else { continue };
        let Some(layout) = above.attrs.borrow().get_str(LAYOUT_NAME) else {
            continue;
        };
        for field in layout.as_native::<Layout>().map_or(&[][..], |layout| &layout.fields) {
            match fields.iter_mut().find(|known| known.name.text == field.name.text) {
                Some(known) => *known = field.clone(),
                None => fields.push(field.clone()),
            }
        }
    }
    fields
}

/// The fields that a class body annotates; their defaults stay attributes of the class, factories do not.
fn own_fields(class: &Rc<Class>, options: Options) -> Py<Vec<Field>> {
    let Some(Obj::Dict(annotations)) = class.attrs.borrow().get_str("__annotations__") else {
        return Ok(Vec::new());
    };
    let annotations: Vec<(Obj, Obj)> = annotations
        .table
        .borrow()
        .iter()
        .map(|(name, annotation)| (name.clone(), annotation.clone()))
        .collect();
    let mut fields = Vec::with_capacity(annotations.len());
    let mut keyword_only = options.keyword_only;
    for (name, annotation) in annotations {
        let Obj::Str(name) = name else { continue };
        let written = annotation.as_str().unwrap_or_default();
        let bare = written.rsplit_once('.').map_or(written, |(_, last)| last);
        if bare == "KW_ONLY" {
            keyword_only = true;
            continue;
        }
        if written.starts_with("ClassVar") || written.starts_with("typing.ClassVar") {
            continue;
        }
        let value = class.attrs.borrow().get_str(&name);
        let told = value.as_ref().and_then(|value| value.as_native::<Field>()).cloned();
        let mut field = match told {
            Some(told) => {
                match &told.default {
                    Some(default) => class.set(&name, default)?,
                    None => drop(class.attrs.borrow_mut().remove(&Obj::Str(name.clone()))?),
                }
                told
            }
            None => Field {
                name: name.clone(),
                annotation: Obj::None,
                default: value,
                factory: None,
                init: true,
                repr: true,
                compare: true,
                keyword_only: false,
                metadata: Obj::dict(Table::default()),
            },
        };
        if let Some(default @ (Obj::List(_) | Obj::Dict(_) | Obj::Set(_))) = &field.default {
            return Err(value_error(format!(
                "mutable default {} for field {} is not allowed: use default_factory",
                repr(&attr::type_of(default))?,
                name.text
            )));
        }
        field.name = name;
        field.annotation = annotation;
        field.keyword_only |= keyword_only;
        fields.push(field);
    }
    Ok(fields)
}

#[derive(Clone, Copy)]
enum Kind {
    Init,
    Repr,
    Eq,
    Order(CompareOp),
    Hash,
}

/// A method of a dataclass.
struct Method {
    kind: Kind,
    /// The [`Layout`].
    layout: Obj,
    class: Rc<str>,
}

static METHOD: NativeType = NativeType {
    module: "builtins",
    name: "function",
    new: |_| Err(type_error("cannot create 'function' instances")),
    is_instance: |object| object.as_native::<Method>().is_some(),
    attribute: |_| None,
};

impl Native for Method {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &METHOD
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(self.run(args))
    }
    fn bind(&self, this: &Obj, instance: Option<&Obj>, _class: &Obj) -> Option<Py> {
        instance.map(|instance| {
            Ok(Obj::Bound(Rc::new(Bound {
                this: instance.clone(),
                function: this.clone(),
            })))
        })
    }
    fn repr(&self) -> Py<String> {
        Ok(format!("<function {}>", self.class))
    }
}

impl Method {
    fn fields(&self) -> &[Field] {
        self.layout.as_native::<Layout>().map_or(&[], |layout| &layout.fields)
    }

    fn run(&self, args: &Args) -> Py {
        let Some((this, _)) = args.values.split_first() else {
            return Err(type_error(format!("{} method needs an instance", self.class)));
        };
        let rest = Args {
            values: args.values.get(1..).unwrap_or_default(),
            names: args.names,
        };
        if let Kind::Init = self.kind {
            self.init(this, &rest)?;
            return Ok(Obj::None);
        }
        let other = rest.values.first();
        match (self.kind, other) {
            (Kind::Repr, _) => self.show(this).map(Obj::str),
            (Kind::Hash, _) => Ok(Obj::Int(hash::hash(&compared(this, self.fields())?)?)),
            (Kind::Eq, Some(other)) if attr::type_of(this).is(&attr::type_of(other)) => {
                let same = compare::equals(&compared(this, self.fields())?, &compared(other, self.fields())?)?;
                Ok(Obj::Bool(same))
            }
            (Kind::Order(op), Some(other)) if attr::type_of(this).is(&attr::type_of(other)) => {
                compare::compare(op, &compared(this, self.fields())?, &compared(other, self.fields())?)
            }
            _ => Ok(Obj::NotImplemented),
        }
    }

    fn error(&self, text: String) -> Raised {
        type_error(format!("{}.__init__() {text}", self.class))
    }

    fn init(&self, this: &Obj, args: &Args) -> Py<()> {
        let fields = self.fields();
        let positional: Vec<usize> = (0..fields.len())
            .filter(|at| fields.get(*at).is_some_and(|field| field.init && !field.keyword_only))
            .collect();
        let plain = args.plain();
        if plain.len() > positional.len() {
            let most = positional.len() + 1;
            let optional = positional
                .iter()
                .filter_map(|at| fields.get(*at))
                .filter(|field| field.default.is_some() || field.factory.is_some())
                .count();
            let takes = if optional > 0 {
                format!("from {} to {most} positional arguments", most - optional)
            } else {
                format!("{most} positional argument{}", if most == 1 { "" } else { "s" })
            };
            return Err(self.error(format!("takes {takes} but {} were given", plain.len() + 1)));
        }
        let mut values: Vec<Option<Obj>> = vec![None; fields.len()];
        for (at, value) in positional.iter().zip(plain) {
            if let Some(place) = values.get_mut(*at) {
                *place = Some(value.clone());
            }
        }
        for (name, value) in args.names.iter().zip(args.values.iter().skip(plain.len())) {
            let at = fields.iter().position(|field| field.init && field.name.text == name.text);
            match at.and_then(|at| values.get_mut(at)) {
                None => return Err(self.error(format!("got an unexpected keyword argument '{}'", name.text))),
                Some(Some(_)) => return Err(self.error(format!("got multiple values for argument '{}'", name.text))),
                Some(place) => *place = Some(value.clone()),
            }
        }
        self.check_missing(fields, &values)?;
        let Some((_, attrs)) = class::of(this) else {
            return Err(type_error("__init__ needs an instance"));
        };
        for (field, value) in fields.iter().zip(values) {
            let value = match (value, &field.factory, &field.default) {
                (Some(value), _, _) => value,
                (None, Some(factory), _) => call::call(factory, &Args::positional(&[]))?,
                (None, None, Some(default)) => default.clone(),
                (None, None, None) => continue,
            };
            let name = Name {
                text: field.name.clone(),
                method: None,
            };
            class::set_own(this, attrs, &name, Some(&value))?;
        }
        match class::call_special(this, "__post_init__", &[]) {
            Some(result) => result.map(drop),
            None => Ok(()),
        }
    }

    /// Refuses a call that leaves out fields without a default.
    fn check_missing(&self, fields: &[Field], values: &[Option<Obj>]) -> Py<()> {
        let lacks = |keyword_only: bool| -> Vec<&str> {
            fields
                .iter()
                .zip(values)
                .filter(|(field, value)| {
                    let required = field.init && field.default.is_none() && field.factory.is_none();
                    required && value.is_none() && field.keyword_only == keyword_only
                })
                .map(|(field, _)| field.name.text.as_str())
                .collect()
        };
        for (keyword_only, what) in [(false, "positional"), (true, "keyword-only")] {
            let names = lacks(keyword_only);
            if !names.is_empty() {
                let plural = if names.len() == 1 { "" } else { "s" };
                return Err(self.error(format!(
                    "missing {} required {what} argument{plural}: {}",
                    names.len(),
                    listed(&names)
                )));
            }
        }
        Ok(())
    }

    fn show(&self, this: &Obj) -> Py<String> {
        let _level = depth::enter(" while getting the repr of an object")?;
        let mut parts = Vec::new();
        for field in self.fields().iter().filter(|field| field.repr) {
            let value = value_of(this, field)?;
            // As CPython shows what contains itself.
            let shown = if value.is(this) { "...".to_owned() } else { repr(&value)? };
            parts.push(format!("{}={shown}", field.name.text));
        }
        let name = type_name(this);
        Ok(format!("{name}({})", parts.join(", ")))
    }
}

fn value_of(this: &Obj, field: &Field) -> Py {
    attr::getattr(
        this,
        &Name {
            text: field.name.clone(),
            method: None,
        },
    )
}

/// The values that comparisons look at.
fn compared(this: &Obj, fields: &[Field]) -> Py {
    let values: Vec<Obj> = fields
        .iter()
        .filter(|field| field.compare)
        .map(|field| value_of(this, field))
        .collect::<Py<_>>()?;
    Ok(Obj::tuple(values))
}

/// The layout of a dataclass or an instance of one.
fn layout_of(object: &Obj) -> Option<Obj> {
    match object {
        Obj::Class(class) => class.find(LAYOUT_NAME),
        _ => class::of(object)?.0.find(LAYOUT_NAME),
    }
}

fn fields_of(object: &Obj) -> Option<Vec<Field>> {
    Some(layout_of(object)?.as_native::<Layout>()?.fields.clone())
}

fn is_dataclass(args: &Args) -> Py {
    args.expect("is_dataclass", 1, 1, &[])?;
    Ok(Obj::Bool(layout_of(arg(args, 0, "is_dataclass")?).is_some()))
}

fn fields(args: &Args) -> Py {
    let [object] = bind("fields", args, ["class_or_instance"], 1, 1)?;
    match fields_of(need(object, "fields")?) {
        Some(fields) => Ok(Obj::tuple(fields.into_iter().map(Obj::native).collect::<Vec<_>>())),
        None => Err(type_error("must be called with a dataclass type or instance")),
    }
}

/// The instance that `asdict` and `astuple` are called with.
fn instance<'a>(args: &Args<'a>, function: &str) -> Py<(&'a Obj, Option<&'a Obj>)> {
    let names = [
        "obj",
        if function == "asdict" {
            "dict_factory"
        } else {
            "tuple_factory"
        },
    ];
    let [object, factory] = bind(function, args, names, 1, 1)?;
    let object = need(object, function)?;
    match object {
        Obj::Class(_) => {}
        _ if layout_of(object).is_some() => return Ok((object, factory)),
        _ => {}
    }
    Err(type_error(format!("{function}() should be called on dataclass instances")))
}

fn asdict(args: &Args) -> Py {
    let (object, factory) = instance(args, "asdict")?;
    converted(object, &|entries| match factory {
        Some(factory) => {
            let pairs = entries.into_iter().map(|(name, value)| Obj::tuple([name, value])).collect();
            call::call(factory, &Args::positional(&[Obj::list(pairs)]))
        }
        None => {
            let mut table = Table::default();
            for (name, value) in entries {
                table.insert(name, value)?;
            }
            Ok(Obj::dict(table))
        }
    })
}

fn astuple(args: &Args) -> Py {
    let (object, factory) = instance(args, "astuple")?;
    converted(object, &|entries| {
        let values: Vec<Obj> = entries.into_iter().map(|(_, value)| value).collect();
        match factory {
            Some(factory) => call::call(factory, &Args::positional(&[Obj::list(values)])),
            None => Ok(Obj::tuple(values)),
        }
    })
}

/// Dataclass instances by `make`, containers with what is in them, everything else as a deep copy.
fn converted(object: &Obj, make: &dyn Fn(Vec<(Obj, Obj)>) -> Py) -> Py {
    let _level = depth::enter(" while converting a dataclass")?;
    if !matches!(object, Obj::Class(_))
        && let Some(fields) = fields_of(object)
    {
        let mut entries = Vec::with_capacity(fields.len());
        for field in &fields {
            entries.push((Obj::Str(field.name.clone()), converted(&value_of(object, field)?, make)?));
        }
        return make(entries);
    }
    match object {
        Obj::List(list) => {
            let items = list.0.borrow().clone();
            let items = items.iter().map(|item| converted(item, make)).collect::<Py<Vec<_>>>()?;
            Ok(Obj::list(items))
        }
        Obj::Tuple(items) => {
            let items = items.iter().map(|item| converted(item, make)).collect::<Py<Vec<_>>>()?;
            Ok(Obj::tuple(items))
        }
        Obj::Dict(dict) => {
            let entries: Vec<(Obj, Obj)> = dict
                .table
                .borrow()
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let mut table = Table::default();
            for (key, value) in entries {
                table.insert(converted(&key, make)?, converted(&value, make)?)?;
            }
            Ok(Obj::dict(table))
        }
        other => copy::deep(other),
    }
}

fn replace(args: &Args) -> Py {
    args.expect(
        "replace",
        1,
        1,
        &args.names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>(),
    )?;
    let object = arg(args, 0, "replace")?;
    let fields = match object {
        Obj::Class(_) => None,
        _ => fields_of(object),
    };
    let Some(fields) = fields else {
        return Err(type_error("replace() should be called on dataclass instances"));
    };
    let mut names: Vec<Rc<Text>> = args.names.to_vec();
    let mut values: Vec<Obj> = args.values.iter().skip(args.plain().len()).cloned().collect();
    for field in &fields {
        let told = names.iter().any(|name| name.text == field.name.text);
        if !field.init {
            if told {
                return Err(value_error(format!(
                    "field {} is declared with init=False, it cannot be specified with replace()",
                    field.name.text
                )));
            }
        } else if !told {
            names.push(field.name.clone());
            values.push(value_of(object, field)?);
        }
    }
    call::call(
        &attr::type_of(object),
        &Args {
            values: &values,
            names: &names,
        },
    )
}

/// What setting an attribute of a frozen instance raises.
pub fn frozen(verb: &str, name: &str) -> Raised {
    raise(Builtin::FrozenInstanceError, format!("cannot {verb} field '{name}'"))
}
