//! Iterators that hand on what other iterators give.

use crate::python::arith::{self, BinaryOp};
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Advance, Args, NativeType, Obj};
use crate::python::stdlib::bind::{bind, need, unless_none};
use crate::python::stdlib::declare::{arg, function};
use crate::python::{call, compare, depth, iter};

macro_rules! type_named {
    ($name:literal) => {
        fn type_name(&self) -> &'static str {
            concat!("itertools.", $name)
        }
    };
}

/// Calls with one positional argument.
pub fn apply(function: &Obj, value: Obj) -> Py {
    call::call(function, &Args::positional(&[value]))
}

/// The next item of an inner iterator. Iterators over iterators are only followed so far.
pub fn pull(source: &Obj) -> Py<Option<Obj>> {
    let _level = depth::enter("")?;
    iter::next(source)
}

struct Count {
    next: Obj,
    step: Obj,
}

impl Advance for Count {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let after = match (&self.next, &self.step) {
            (Obj::Int(at), Obj::Int(step)) if at.checked_add(*step).is_some() => Obj::Int(at.wrapping_add(*step)),
            (next, step) => arith::binary(BinaryOp::Add, false, next, step)?,
        };
        Ok(Some(std::mem::replace(&mut self.next, after)))
    }
    type_named!("count");
    fn shown(&self) -> Option<(&'static str, Vec<Obj>)> {
        let mut args = vec![self.next.clone()];
        if !matches!(self.step, Obj::Int(1) | Obj::Bool(true)) {
            args.push(self.step.clone());
        }
        Some(("count", args))
    }
}

pub fn count(args: &Args) -> Py {
    let [start, step] = bind("count", args, ["start", "step"], 0, 2)?;
    for number in [start, step].into_iter().flatten() {
        if !matches!(
            number,
            Obj::Int(_) | Obj::Bool(_) | Obj::Float(_) | Obj::Big(_) | Obj::Native(_)
        ) {
            return Err(type_error("a number is required"));
        }
    }
    let step = step.cloned().unwrap_or(Obj::Int(1));
    let next = match start.cloned().unwrap_or(Obj::Int(0)) {
        // Counting by one from a small number, CPython counts in a machine word, and a bool it began at is an int from then on.
        Obj::Bool(start) if matches!(step, Obj::Int(1) | Obj::Bool(true)) => Obj::Int(start.into()),
        start => start,
    };
    Ok(Obj::iter(Count { next, step }))
}

struct Cycle {
    source: Option<Obj>,
    saved: Vec<Obj>,
    at: usize,
}

impl Advance for Cycle {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if let Some(source) = &self.source {
            if let Some(item) = pull(source)? {
                self.saved.push(item.clone());
                return Ok(Some(item));
            }
            self.source = None;
        }
        let item = self.saved.get(self.at).cloned();
        self.at = if self.at + 1 < self.saved.len() { self.at + 1 } else { 0 };
        Ok(item)
    }
    type_named!("cycle");
}

pub fn cycle(args: &Args) -> Py {
    args.expect("cycle", 1, 1, &[])?;
    Ok(Obj::iter(Cycle {
        source: Some(iter::iter(arg(args, 0, "cycle")?)?),
        saved: Vec::new(),
        at: 0,
    }))
}

struct Repeat {
    item: Obj,
    /// `None`: for ever.
    left: Option<i64>,
}

impl Advance for Repeat {
    fn advance(&mut self) -> Py<Option<Obj>> {
        match &mut self.left {
            Some(0) => return Ok(None),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(Some(self.item.clone()))
    }
    type_named!("repeat");
    fn shown(&self) -> Option<(&'static str, Vec<Obj>)> {
        let left = self.left.map(Obj::Int);
        Some(("repeat", [Some(self.item.clone()), left].into_iter().flatten().collect()))
    }
}

pub fn repeat(args: &Args) -> Py {
    let [item, times] = bind("repeat", args, ["object", "times"], 1, 2)?;
    Ok(Obj::iter(Repeat {
        item: need(item, "repeat")?.clone(),
        left: times.map(arith::index).transpose()?.map(|times| times.max(0)),
    }))
}

struct Chain {
    /// An iterator over iterables.
    sources: Obj,
    current: Option<Obj>,
}

impl Advance for Chain {
    fn advance(&mut self) -> Py<Option<Obj>> {
        loop {
            if let Some(current) = &self.current {
                if let Some(item) = pull(current)? {
                    return Ok(Some(item));
                }
                self.current = None;
            }
            match pull(&self.sources)? {
                Some(source) => self.current = Some(iter::iter(&source)?),
                None => return Ok(None),
            }
        }
    }
    type_named!("chain");
}

pub static CHAIN: NativeType = NativeType {
    module: "itertools",
    name: "chain",
    new: |args| {
        args.expect("chain", 0, usize::MAX, &[])?;
        chain_of(&Obj::tuple(args.plain().to_vec()))
    },
    is_instance: |_| false,
    attribute: |name| match name {
        "from_iterable" => Some(function!("itertools", "from_iterable", |args| {
            args.expect("chain.from_iterable", 1, 1, &[])?;
            chain_of(arg(args, 0, "from_iterable")?)
        })),
        _ => None,
    },
};

fn chain_of(sources: &Obj) -> Py {
    Ok(Obj::iter(Chain {
        sources: iter::iter(sources)?,
        current: None,
    }))
}

struct Accumulate {
    source: Obj,
    /// `None`: addition.
    function: Option<Obj>,
    total: Option<Obj>,
    /// The initial value has yet to be given.
    initial: bool,
}

impl Advance for Accumulate {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if std::mem::take(&mut self.initial) {
            return Ok(self.total.clone());
        }
        let Some(item) = pull(&self.source)? else {
            return Ok(None);
        };
        let total = match (&self.total, &self.function) {
            (None, _) => item,
            (Some(total), None) => arith::binary(BinaryOp::Add, false, total, &item)?,
            (Some(total), Some(function)) => call::call(function, &Args::positional(&[total.clone(), item]))?,
        };
        self.total = Some(total.clone());
        Ok(Some(total))
    }
    type_named!("accumulate");
}

pub fn accumulate(args: &Args) -> Py {
    let [source, function, initial] = bind("accumulate", args, ["iterable", "func", "initial"], 1, 2)?;
    let initial = unless_none(initial);
    Ok(Obj::iter(Accumulate {
        source: iter::iter(need(source, "accumulate")?)?,
        function: unless_none(function).cloned(),
        total: initial.cloned(),
        initial: initial.is_some(),
    }))
}

struct Compress {
    data: Obj,
    selectors: Obj,
}

impl Advance for Compress {
    fn advance(&mut self) -> Py<Option<Obj>> {
        loop {
            // At the end of the data no selector is asked for.
            let Some(item) = pull(&self.data)? else { return Ok(None) };
            let Some(selector) = pull(&self.selectors)? else {
                return Ok(None);
            };
            if compare::truth(&selector)? {
                return Ok(Some(item));
            }
        }
    }
    type_named!("compress");
}

pub fn compress(args: &Args) -> Py {
    let [data, selectors] = bind("compress", args, ["data", "selectors"], 2, 2)?;
    Ok(Obj::iter(Compress {
        data: iter::iter(need(data, "compress")?)?,
        selectors: iter::iter(need(selectors, "compress")?)?,
    }))
}

/// What a predicate decides.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    DropWhile,
    TakeWhile,
    FilterFalse,
}

struct Filtered {
    rule: Rule,
    /// `None`: the truth of the item.
    predicate: Obj,
    source: Obj,
    /// `dropwhile` has begun to give, or `takewhile` has ended.
    done: bool,
}

impl Advance for Filtered {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if self.done && self.rule == Rule::TakeWhile {
            return Ok(None);
        }
        loop {
            let Some(item) = pull(&self.source)? else {
                return Ok(None);
            };
            if self.done {
                return Ok(Some(item));
            }
            let holds = if self.predicate.is_none() && self.rule == Rule::FilterFalse {
                compare::truth(&item)?
            } else {
                compare::truth(&apply(&self.predicate, item.clone())?)?
            };
            match (self.rule, holds) {
                (Rule::TakeWhile, true) | (Rule::FilterFalse, false) => return Ok(Some(item)),
                (Rule::TakeWhile, false) => {
                    self.done = true;
                    return Ok(None);
                }
                (Rule::DropWhile, false) => {
                    self.done = true;
                    return Ok(Some(item));
                }
                (Rule::DropWhile | Rule::FilterFalse, true) => {}
            }
        }
    }
    fn type_name(&self) -> &'static str {
        match self.rule {
            Rule::DropWhile => "itertools.dropwhile",
            Rule::TakeWhile => "itertools.takewhile",
            Rule::FilterFalse => "itertools.filterfalse",
        }
    }
}

fn filtered(args: &Args, rule: Rule, name: &str) -> Py {
    args.expect(name, 2, 2, &[])?;
    Ok(Obj::iter(Filtered {
        rule,
        predicate: arg(args, 0, name)?.clone(),
        source: iter::iter(arg(args, 1, name)?)?,
        done: false,
    }))
}

pub fn dropwhile(args: &Args) -> Py {
    filtered(args, Rule::DropWhile, "dropwhile")
}

pub fn takewhile(args: &Args) -> Py {
    filtered(args, Rule::TakeWhile, "takewhile")
}

pub fn filterfalse(args: &Args) -> Py {
    filtered(args, Rule::FilterFalse, "filterfalse")
}

struct Islice {
    source: Obj,
    /// Places of the next item and the last one to give, counted from the source's first.
    next: i64,
    stop: Option<i64>,
    step: i64,
    /// Items taken from the source.
    taken: i64,
    ended: bool,
}

impl Advance for Islice {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if self.ended {
            return Ok(None);
        }
        let stop = self.stop.unwrap_or(i64::MAX);
        while self.taken < self.next.min(stop) {
            if pull(&self.source)?.is_none() {
                self.ended = true;
                return Ok(None);
            }
            self.taken += 1;
        }
        if self.taken >= stop {
            self.ended = true;
            return Ok(None);
        }
        let item = pull(&self.source)?;
        self.taken += 1;
        self.next = self.next.saturating_add(self.step);
        self.ended = item.is_none();
        Ok(item)
    }
    type_named!("islice");
}

pub fn islice(args: &Args) -> Py {
    args.expect("islice", 2, 4, &[])?;
    let number = |at: usize, message: &str| -> Py<Option<i64>> {
        match args.plain().get(at) {
            None | Some(Obj::None) => Ok(None),
            Some(value) => match arith::index(value) {
                Ok(number) if number >= 0 => Ok(Some(number)),
                _ => Err(value_error(message)),
            },
        }
    };
    const STOP: &str = "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    const INDICES: &str = "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    const STEP: &str = "Step for islice() must be a positive integer or None.";
    let (start, stop, step) = if args.plain().len() == 2 {
        (None, number(1, STOP)?, None)
    } else {
        (number(1, INDICES)?, number(2, STOP)?, number(3, STEP)?)
    };
    if step == Some(0) {
        return Err(value_error(STEP));
    }
    Ok(Obj::iter(Islice {
        source: iter::iter(arg(args, 0, "islice")?)?,
        next: start.unwrap_or(0),
        stop,
        step: step.unwrap_or(1),
        taken: 0,
        ended: false,
    }))
}

struct Pairwise {
    source: Obj,
    before: Option<Obj>,
}

impl Advance for Pairwise {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let before = match self.before.take() {
            Some(before) => before,
            None => match pull(&self.source)? {
                Some(first) => first,
                None => return Ok(None),
            },
        };
        let Some(item) = pull(&self.source)? else {
            return Ok(None);
        };
        self.before = Some(item.clone());
        Ok(Some(Obj::tuple([before, item])))
    }
    type_named!("pairwise");
}

pub fn pairwise(args: &Args) -> Py {
    args.expect("pairwise", 1, 1, &[])?;
    Ok(Obj::iter(Pairwise {
        source: iter::iter(arg(args, 0, "pairwise")?)?,
        before: None,
    }))
}

struct Starmap {
    function: Obj,
    source: Obj,
}

impl Advance for Starmap {
    fn advance(&mut self) -> Py<Option<Obj>> {
        match pull(&self.source)? {
            Some(values) => call::call(&self.function, &Args::positional(&iter::collect(&values)?)).map(Some),
            None => Ok(None),
        }
    }
    type_named!("starmap");
}

pub fn starmap(args: &Args) -> Py {
    args.expect("starmap", 2, 2, &[])?;
    Ok(Obj::iter(Starmap {
        function: arg(args, 0, "starmap")?.clone(),
        source: iter::iter(arg(args, 1, "starmap")?)?,
    }))
}

struct ZipLongest {
    /// `None` where one has ended.
    sources: Vec<Option<Obj>>,
    fill: Obj,
}

impl Advance for ZipLongest {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let mut items = Vec::with_capacity(self.sources.len());
        let mut going = false;
        for source in &mut self.sources {
            let item = match source {
                Some(iterator) => pull(iterator)?,
                None => None,
            };
            going |= item.is_some();
            if item.is_none() {
                *source = None;
            }
            items.push(item.unwrap_or_else(|| self.fill.clone()));
        }
        Ok(going.then(|| Obj::tuple(items)))
    }
    type_named!("zip_longest");
}

pub fn zip_longest(args: &Args) -> Py {
    if args.names.iter().any(|name| name.text != "fillvalue") {
        return Err(type_error("zip_longest() got an unexpected keyword argument"));
    }
    let mut sources = Vec::with_capacity(args.plain().len());
    for source in args.plain() {
        sources.push(Some(iter::iter(source)?));
    }
    Ok(Obj::iter(ZipLongest {
        sources,
        fill: args.named("fillvalue").cloned().unwrap_or_default(),
    }))
}
