//! Random Python programs for code nodes, the same for the same seed.
//!
//! A program is made from the tables in [`expressions`], [`texts`], [`modules`], [`statements`] and [`classes`], of typed values, with a
//! wrong type now and then so that it raises. It always ends: every loop has a bound and counts its steps. It never shows what CPython
//! itself does not settle: the order of a set of texts, an identity, an address, the clock. `transform` returns a list with what each part
//! gave or raised and what was noted on the way, as JSON and as `repr`. [`calls`] makes programs of single calls with arguments of any kind.

pub mod calls;
mod classes;
mod expressions;
mod functions;
mod maker;
mod modules;
mod statements;
mod texts;

use crate::random::Random;
use maker::Maker;

/// The text of one program. It defines `transform(_input)`.
pub fn program(random: &mut Random) -> String {
    let mut maker = Maker::new(random);
    let mut text = modules::IMPORTS.to_owned() + PRELUDE;
    for _ in 0..maker.between(1, 2) {
        text += &maker.class();
    }
    for _ in 0..maker.between(2, 3) {
        text += &maker.function();
    }
    let parts = maker.between(3, 5);
    for part in 1..=parts {
        text += &maker.part(part);
    }
    let names: Vec<String> = (1..=parts).map(|part| format!("part{part}")).collect();
    text += &format!("\n\nPARTS = [{}]\n", names.join(", "));
    text + EPILOGUE
}

const PRELUDE: &str = "\
STEPS = [0]
NOTES = []


class Stop(BaseException):
    pass


class Refused(ValueError):
    pass


def tick():
    STEPS[0] += 1
    if STEPS[0] > 400:
        raise Stop('too many steps')


def clip(x):
    if isinstance(x, int) and abs(x) > 1 << 200:
        return x % 1000000007
    if isinstance(x, (str, list, tuple)) and len(x) > 40:
        return x[:40]
    return x


def show(x):
    if isinstance(x, (set, frozenset)):
        shown = [repr(i) for i in x]
        return ['set', shown if all([isinstance(i, (int, float)) for i in x]) else sorted(shown)]
    if isinstance(x, int) and abs(x) >= 1 << 53:
        return str(x % (10 ** 300 + 7))
    if isinstance(x, float):
        return repr(x)
    if isinstance(x, dict):
        return ['dict', [[show(k), show(v)] for k, v in x.items()]]
    if isinstance(x, list):
        return [show(i) for i in x]
    if isinstance(x, tuple):
        return ['tuple', [show(i) for i in x]]
    if x is None or isinstance(x, (bool, int, str)):
        return x
    return ['other', repr(x)]


def told(error):
    return str(error)


class Manager:
    def __init__(self, name, hides=False):
        self.name = name
        self.hides = hides

    def __enter__(self):
        note(['enter', self.name])
        return self.name

    def __exit__(self, kind, error, trace):
        note(['exit', error is None or chain(error)])
        return self.hides and not isinstance(error, Stop)


class Echo:
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return self

    def __next__(self):
        tick()
        if not self.items:
            raise StopIteration('end')
        return self.items.pop()

    def send(self, value):
        return ['sent', value]

    def throw(self, error):
        return ['thrown', chain(error)]


def hide():
    global oct
    oct = lambda x: 'hidden'


def unhide():
    global oct
    del oct


def note(x):
    NOTES.append(show(clip(x)))
";

const EPILOGUE: &str = "
NAMES = [
    (ZeroDivisionError, 'ZeroDivisionError'), (OverflowError, 'OverflowError'), (ArithmeticError, 'ArithmeticError'),
    (KeyError, 'KeyError'), (IndexError, 'IndexError'), (LookupError, 'LookupError'), 
    (UnboundLocalError, 'UnboundLocalError'), (NameError, 'NameError'), (AttributeError, 'AttributeError'), (TypeError, 'TypeError'), (Refused, 'Refused'),
    (ValueError, 'ValueError'), (RecursionError, 'RecursionError'), (RuntimeError, 'RuntimeError'), (AssertionError, 'AssertionError'),
    (StopIteration, 'StopIteration'), (MemoryError, 'MemoryError'), (Exception, 'Exception'), (Stop, 'Stop'),
]


def name_of(error):
    for kind, name in NAMES:
        if isinstance(error, kind):
            return name
    return 'another'


def chain(error):
    return [name_of(error), told(error)]


def fail(error):
    NOTES.append(chain(error))


def transform(_input):
    out = []
    for part in PARTS:
        STEPS[0] = 0
        del NOTES[:]
        try:
            unhide()
        except NameError as error:
            fail(error)
        try:
            got = ['returned', show(part())]
        except BaseException as error:
            got = chain(error)
        out.append([got, NOTES[:]])
    return out
";
