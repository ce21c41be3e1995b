//! `hash()`: CPython's values for numbers and tuples, because the order of a set of them comes from these, and a fixed function for
//! texts, so that a run computes the same wherever it runs.

use std::cell::Cell;
use std::rc::Rc;

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::compare;
use super::depth;
use super::dunder::{self, Special};
use super::error::{Py, type_error};
use super::keyed;
use super::object::{Obj, Range, Set, Text};
use super::subscript::range_len;
use super::text::type_name;

/// Hashes of numbers are remainders by this prime (`sys.hash_info.modulus`).
const MODULUS: u64 = (1 << 61) - 1;
/// Of infinity.
const INFINITE: i64 = 314_159;
const NONE: i64 = 0xfca8_6420;

/// `hash(value)`, which runs `__hash__` of user classes. `TypeError: unhashable type: 'list'` where there is none.
pub fn hash(value: &Obj) -> Py<i64> {
    if dunder::defines(value, Special::Hash) {
        let _level = depth::enter("")?;
        return match dunder::call(value, Special::Hash, &[])? {
            Some(Obj::Int(n)) => Ok(signed(n)),
            Some(result @ (Obj::Bool(_) | Obj::Big(_))) => number(&result),
            _ => Err(type_error("__hash__ method should return an integer")),
        };
    }
    keyed::prepare(value)?;
    Ok(key(value)? as i64)
}

/// The hash under which tables keep a key; as [`hash`], but runs no code of the program.
#[inline(always)]
pub fn key(value: &Obj) -> Py<u64> {
    match value {
        Obj::Str(known) => Ok(text(known)),
        Obj::Int(n) => Ok(int(*n) as u64),
        _ => other(value).map(|hash| hash as u64),
    }
}

/// The hash of a text, computed once.
#[inline(always)]
pub fn text(text: &Text) -> u64 {
    match text.hash.get() {
        0 => first_hash(text),
        hash => hash,
    }
}

#[inline(never)]
fn first_hash(text: &Text) -> u64 {
    let hash = str(text);
    text.hash.set(hash);
    hash
}

/// The hash of a text without an object; never 0.
pub fn str(text: &str) -> u64 {
    bytes(text.as_bytes())
}

fn bytes(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = FACTOR ^ bytes.len() as u64;
    let mut add = |word: u64| hash = (hash.rotate_left(29) ^ word).wrapping_mul(FACTOR);
    let mut words = bytes.chunks_exact(8);
    for word in words.by_ref() {
        add(word.try_into().map_or(0, u64::from_le_bytes));
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        add(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^= hash >> 32;
    // Zero says "not computed", and -1 is no hash in Python.
    if hash == 0 || hash == u64::MAX { 1 } else { hash }
}

#[inline(never)]
fn other(value: &Obj) -> Py<i64> {
    Ok(match value {
        Obj::None | Obj::Unbound => NONE,
        Obj::Bool(_) | Obj::Int(_) | Obj::Float(_) | Obj::Big(_) => number(value)?,
        Obj::Str(known) => text(known) as i64,
        Obj::Bytes(known) => bytes(known) as i64,
        Obj::Tuple(items) => tuple(items)?,
        Obj::Range(range) => of_range(range)?,
        Obj::Set(set) if set.frozen => frozen(set)?,
        Obj::Native(native) => native.hash().ok_or_else(|| unhashable(value))?,
        Obj::List(_) | Obj::Dict(_) | Obj::Set(_) | Obj::Slice(_) => return Err(unhashable(value)),
        Obj::Bound(bound) => identity(&bound.this) ^ identity(&bound.function).rotate_left(1),
        Obj::BuiltinMethod(method) => identity(&method.this) ^ text(&method.name.text) as i64,
        Obj::Builtin(builtin) => *builtin as i64 + 0x1000,
        Obj::Module(module) => *module as i64 + 0x2000,
        Obj::NativeFn(function) => str(function.name) as i64 ^ str(function.module) as i64,
        Obj::NativeType(class) => str(class.name) as i64 ^ str(class.module) as i64,
        Obj::Ellipsis => 0x3000,
        Obj::NotImplemented => 0x3001,
        Obj::Instance(_) | Obj::Exception(_) => {
            // A class that says what is equal, but not by which hash, has none.
            if dunder::defines(value, Special::Eq) && !dunder::defines(value, Special::Hash) {
                return Err(unhashable(value));
            }
            identity(value)
        }
        Obj::Iter(_) | Obj::Generator(_) | Obj::Function(_) | Obj::Class(_) | Obj::Cell(_) => identity(value),
    })
}

fn unhashable(value: &Obj) -> super::error::Raised {
    type_error(format!("unhashable type: '{}'", type_name(value)))
}

thread_local! {
    /// Instances that were hashed by identity, since the program started.
    static INSTANCES: Cell<i64> = const { Cell::new(0) };
}

/// Instances are numbered from the start again: called when a program starts, so that the order of its sets is the same each time.
pub fn restart() {
    INSTANCES.set(0);
}

/// The hash of an object that is equal to itself only. Instances have a number, not an address, because an address would differ
/// between a run and its recomputation.
pub fn identity(value: &Obj) -> i64 {
    match value {
        Obj::Instance(instance) => {
            if instance.hash.get() == 0 {
                INSTANCES.set(INSTANCES.get() + 1);
                instance.hash.set(INSTANCES.get());
            }
            instance.hash.get()
        }
        _ => match value.address() {
            Some(address) => signed((address as i64).rotate_right(4)),
            None => key(value).unwrap_or_default() as i64,
        },
    }
}

fn number(value: &Obj) -> Py<i64> {
    Ok(match value {
        Obj::Bool(b) => i64::from(*b),
        Obj::Int(n) => int(*n),
        Obj::Float(f) => float(*f),
        Obj::Big(n) => big(n),
        _ => return Err(unhashable(value)),
    })
}

/// -1 means failure inside CPython, so nothing hashes to it.
fn signed(hash: i64) -> i64 {
    if hash == -1 { -2 } else { hash }
}

#[inline]
pub fn int(n: i64) -> i64 {
    let size = n.unsigned_abs();
    // One subtraction is the whole remainder of most numbers.
    let rest = (if size < MODULUS { size } else { size % MODULUS }) as i64;
    signed(if n < 0 { -rest } else { rest })
}

fn big(n: &BigInt) -> i64 {
    signed((n % BigInt::from(MODULUS)).to_i64().unwrap_or_default())
}

/// Agrees with [`int`] for whole numbers.
pub fn float(f: f64) -> i64 {
    if f.is_nan() {
        return 0;
    }
    if f.is_infinite() {
        return if f > 0.0 { INFINITE } else { -INFINITE };
    }
    if f.fract() == 0.0 && f.abs() < 9e18 {
        return int(f as i64);
    }
    // The value is mantissa * 2 ** exponent; two to the 61st is 1, so a power of two is a rotation.
    let bits = f.to_bits();
    let (fraction, raw) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i64);
    let (mantissa, exponent) = match raw {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, raw - 1075),
    };
    let turn = exponent.rem_euclid(61) as u32;
    let hash = match turn {
        0 => mantissa,
        _ => (mantissa << turn & MODULUS) | mantissa >> (61 - turn),
    };
    let hash = (if hash >= MODULUS { hash - MODULUS } else { hash }) as i64;
    signed(if f < 0.0 { -hash } else { hash })
}

/// CPython's variant of xxHash.
fn tuple(items: &[Obj]) -> Py<i64> {
    const PRIME_1: u64 = 11_400_714_785_074_694_791;
    const PRIME_2: u64 = 14_029_467_366_897_019_727;
    const PRIME_5: u64 = 2_870_177_450_012_600_261;
    let _level = depth::enter("")?;
    let mut sum = PRIME_5;
    for item in items {
        let lane = key(item)?;
        sum = sum
            .wrapping_add(lane.wrapping_mul(PRIME_2))
            .rotate_left(31)
            .wrapping_mul(PRIME_1);
    }
    sum = sum.wrapping_add(items.len() as u64 ^ (PRIME_5 ^ 3_527_539));
    Ok(if sum == u64::MAX { 1_546_275_796 } else { sum as i64 })
}

/// Ranges of the same numbers are equal, so the hash is of what decides that.
fn of_range(range: &Range) -> Py<i64> {
    let len = range_len(range);
    let count = Obj::big(BigInt::from(len));
    tuple(&match len {
        0 => [count, Obj::None, Obj::None],
        1 => [count, Obj::Int(range.start), Obj::None],
        _ => [count, Obj::Int(range.start), Obj::Int(range.step)],
    })
}

/// Independent of the order.
fn frozen(set: &Rc<Set>) -> Py<i64> {
    let _level = depth::enter("")?;
    let table = set.table.borrow();
    let mut hash: u64 = 0;
    for (_, known) in table.hashes() {
        hash ^= (known ^ 89_869_747 ^ known << 16).wrapping_mul(3_644_798_167);
    }
    hash ^= (table.len() as u64 + 1).wrapping_mul(1_927_868_237);
    hash ^= (hash >> 11) ^ (hash >> 25);
    hash = hash.wrapping_mul(69_069).wrapping_add(907_133_923);
    Ok(if hash == u64::MAX { 590_923_713 } else { hash as i64 })
}

/// Equality of two keys; runs no code of the program.
#[inline(always)]
pub fn same_key(a: &Obj, b: &Obj) -> bool {
    match (a, b) {
        (Obj::Str(a), Obj::Str(b)) => Rc::ptr_eq(a, b) || same_bytes(a.text.as_bytes(), b.text.as_bytes()),
        (Obj::Int(a), Obj::Int(b)) => a == b,
        _ => other_same_key(a, b),
    }
}

#[inline(never)]
fn other_same_key(a: &Obj, b: &Obj) -> bool {
    if let (Obj::Tuple(a), Obj::Tuple(b)) = (a, b)
        && a.iter().all(keyed::is_simple)
    {
        return a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same_key(a, b));
    }
    a.is(b) || compare::quietly(|| compare::equals(a, b))
}

/// Equality of short texts, which keys are: without a call, eight bytes at a time.
#[inline]
pub fn same_bytes(mut a: &[u8], mut b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    while let (Some((word, rest)), Some((other, other_rest))) = (a.split_first_chunk::<8>(), b.split_first_chunk::<8>()) {
        if word != other {
            return false;
        }
        (a, b) = (rest, other_rest);
    }
    a.iter().zip(b).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::super::set::SetTable;
    use super::*;

    fn range(start: i64, stop: i64) -> Obj {
        Obj::Range(Rc::new(Range { start, stop, step: 1 }))
    }

    fn frozen(items: impl IntoIterator<Item = i64>) -> Obj {
        let mut table = SetTable::default();
        for item in items {
            table.add(Obj::Int(item)).unwrap();
        }
        Obj::set(table, true)
    }

    #[test]
    fn numbers_and_tuples_hash_as_in_cpython() {
        let cases = [
            (Obj::Int(-1), -2),
            (Obj::Int(1 << 61), 1),
            (Obj::Int(i64::MIN), -4),
            (Obj::Bool(true), 1),
            (Obj::Float(1.5), 1_152_921_504_606_846_977),
            (Obj::Float(-0.1), -230_584_300_921_369_408),
            (Obj::Float(1e300), 1_224_995_262_755_759_164),
            (Obj::Float(5e-324), 16_777_216),
            (Obj::Float(2.0), 2),
            (Obj::Float(f64::NEG_INFINITY), -314_159),
            (Obj::big(BigInt::from(10).pow(30)), 465_258_685_558_744_706),
            (Obj::Float(1e20), 848_750_603_811_160_107),
            (Obj::tuple(vec![]), 5_740_354_900_026_072_187),
            (Obj::tuple(vec![Obj::Int(1), Obj::Int(2)]), -3_550_055_125_485_641_917),
            (range(0, 3), -8_338_477_496_398_685_190),
            (frozen([1, 2, 3]), -272_375_401_224_217_160),
        ];
        for (value, expected) in cases {
            assert_eq!(hash(&value).unwrap(), expected, "{:?}", super::super::text::repr(&value));
        }
    }
}
