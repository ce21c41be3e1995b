//! Random Python programs for code nodes, the same for the same seed.
//!
//! A program is made from the tables in [`expressions`], [`texts`], [`statements`] and [`classes`], of typed values, with a wrong type
//! now and then so that it raises. It always ends: every loop has a bound and counts its steps. It never shows what CPython itself does
//! not settle: the order of a set, an identity, an address, the clock. `transform` returns a list with what each part gave or raised and
//! what was noted on the way, as JSON and as `repr`.

mod classes;
mod expressions;
mod functions;
mod maker;
mod statements;
mod texts;

use crate::random::Random;
use maker::Maker;

/// The text of one program. It defines `transform(_input)`.
pub fn program(random: &mut Random) -> String {
    let mut maker = Maker::new(random);
    let mut text = PRELUDE.to_owned();
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

// Known difference: which of the two texts a variable without a value has. CPython calls it local where it is the function's own,
// even if a closure captures it, and free within a comprehension; here it is free when captured, and local in a comprehension. So
// programs tell neither the text nor `UnboundLocalError` from `NameError`.
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
        return ['set', sorted([repr(i) for i in x])]
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
    if isinstance(error, NameError):
        return 'unbound'
    return str(error)


def note(x):
    NOTES.append(show(clip(x)))
";

const EPILOGUE: &str = "
NAMES = [
    (ZeroDivisionError, 'ZeroDivisionError'), (OverflowError, 'OverflowError'), (ArithmeticError, 'ArithmeticError'),
    (KeyError, 'KeyError'), (IndexError, 'IndexError'), (LookupError, 'LookupError'), 
    (NameError, 'NameError'), (AttributeError, 'AttributeError'), (TypeError, 'TypeError'), (Refused, 'Refused'),
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
            got = ['returned', show(part())]
        except BaseException as error:
            got = chain(error)
        out.append([got, NOTES[:]])
    return out
";
