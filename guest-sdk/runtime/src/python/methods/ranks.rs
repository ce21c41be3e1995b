//! Sorting by keys that are all of one simple type, or tuples of such: what decides most comparisons is kept beside the place, so
//! that sorting looks at few objects.

use std::cmp::Ordering;

use crate::python::object::Obj;

/// A key by its beginning, and where its item stands.
struct Ranked {
    head: (u64, u64),
    at: u32,
}

/// The types of keys that are ordered without asking anybody, and by a total order.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Int,
    Float,
    Text,
    Tuple,
}

fn kind(key: &Obj) -> Option<Kind> {
    match key {
        Obj::Int(_) => Some(Kind::Int),
        // NaN has no place in an order.
        Obj::Float(float) if !float.is_nan() => Some(Kind::Float),
        Obj::Str(_) => Some(Kind::Text),
        Obj::Tuple(_) => Some(Kind::Tuple),
        _ => None,
    }
}

/// The stable order of the keys: the places from the least key to the greatest. `None` when they are not that simple.
pub fn order<'a>(keys: impl ExactSizeIterator<Item = &'a Obj> + Clone) -> Option<Vec<u32>> {
    let count = u32::try_from(keys.len()).ok()?;
    if !alike(keys.clone()) {
        return None;
    }
    let keys: Vec<&Obj> = keys.collect();
    let mut ranked: Vec<Ranked> = (0..count)
        .zip(&keys)
        .map(|(at, key)| Ranked { head: head(key), at })
        .collect();
    let rest = |a: &Ranked, b: &Ranked| match (keys.get(a.at as usize), keys.get(b.at as usize)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    };
    // The place decides at last, so any sort is stable.
    match keys.first() {
        // The head is all of the key.
        Some(Obj::Int(_)) => ranked.sort_unstable_by_key(|ranked| (ranked.head.0, ranked.at)),
        _ => ranked.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| rest(a, b)).then_with(|| a.at.cmp(&b.at))),
    }
    Some(ranked.iter().map(|ranked| ranked.at).collect())
}

/// Whether all keys are of one kind; tuples of one length, in each place of one kind that is no tuple.
fn alike<'a>(mut keys: impl Iterator<Item = &'a Obj>) -> bool {
    let Some(first) = keys.next() else { return true };
    match (first, kind(first)) {
        (_, None) => false,
        (Obj::Tuple(first), _) => {
            let Some(kinds) = first.iter().map(kind).collect::<Option<Vec<_>>>() else {
                return false;
            };
            let like_first = |key: &Obj| match key {
                Obj::Tuple(items) => {
                    items.len() == kinds.len() && items.iter().zip(&kinds).all(|(item, known)| kind(item) == Some(*known))
                }
                _ => false,
            };
            !kinds.contains(&Kind::Tuple) && keys.all(like_first)
        }
        (_, known) => keys.all(|key| kind(key) == known),
    }
}

/// The beginning of a key: the order of two heads that differ is that of their keys.
fn head(key: &Obj) -> (u64, u64) {
    match key {
        Obj::Tuple(items) => match &**items {
            [] => (0, 0),
            // Only a number is all there is of it, so that what follows may decide.
            [Obj::Str(text), ..] => text_head(text.as_bytes()),
            [first] => (number_head(first), 0),
            [first, Obj::Str(second), ..] => (number_head(first), text_head(second.as_bytes()).0),
            [first, second, ..] => (number_head(first), number_head(second)),
        },
        Obj::Str(text) => text_head(text.as_bytes()),
        number => (number_head(number), 0),
    }
}

fn number_head(number: &Obj) -> u64 {
    match number {
        Obj::Int(n) => (*n as u64) ^ (1 << 63),
        Obj::Float(float) => {
            // The two zeros are equal. Of negative numbers the greater in size is the lesser.
            let bits = (float + 0.0).to_bits();
            if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
        }
        _ => 0,
    }
}

/// The first sixteen bytes; UTF-8 keeps the order of code points.
fn text_head(text: &[u8]) -> (u64, u64) {
    let word = |from: usize| match text.get(from..).and_then(|rest| rest.first_chunk()) {
        Some(word) => u64::from_be_bytes(*word),
        None => {
            let rest = text.get(from..).unwrap_or_default();
            let word = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            word.checked_shl(64 - 8 * rest.len() as u32).unwrap_or(0)
        }
    };
    (word(0), word(8))
}

/// The order of two keys that are alike.
fn compare(a: &Obj, b: &Obj) -> Ordering {
    match (a, b) {
        (Obj::Int(a), Obj::Int(b)) => a.cmp(b),
        (Obj::Float(a), Obj::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        (Obj::Str(a), Obj::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Obj::Tuple(a), Obj::Tuple(b)) => {
            let differ = a.iter().zip(b.iter()).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            differ.unwrap_or(Ordering::Equal)
        }
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys of every kind that is ranked, with what is hard about it.
    fn samples() -> Vec<Vec<Obj>> {
        let texts = [
            "",
            "a",
            "a\0",
            "ab",
            "b",
            "é",
            "exactly 16 bytes",
            "exactly 16 bytes and more",
            "exactly 16 bytes and less",
            "\u{10ffff}",
        ];
        let floats = [0.0, -0.0, 1.5, -1.5, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -5e-324];
        let ints = [0, -1, 1, i64::MIN, i64::MAX];
        let texts: Vec<Obj> = texts.iter().map(|text| Obj::str(*text)).collect();
        let floats: Vec<Obj> = floats.iter().map(|float| Obj::Float(*float)).collect();
        let ints: Vec<Obj> = ints.iter().map(|n| Obj::Int(*n)).collect();
        let pairs = |first: &[Obj], second: &[Obj]| -> Vec<Obj> {
            let all = first
                .iter()
                .flat_map(|a| second.iter().map(move |b| Obj::tuple([a.clone(), b.clone()])));
            all.collect()
        };
        vec![
            pairs(&ints, &texts),
            pairs(&texts, &ints),
            pairs(&floats, &texts),
            pairs(&ints, &floats),
            texts.iter().map(|text| Obj::tuple([text.clone()])).collect(),
            vec![Obj::tuple([]), Obj::tuple([])],
            texts,
            floats,
            ints,
        ]
    }

    #[test]
    fn the_order_is_that_of_comparisons_and_stable() {
        let mut seed: u64 = 7;
        for keys in samples() {
            let mut random = |below: usize| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 33) as usize % below
            };
            let keys: Vec<Obj> = (0..200).map(|_| keys[random(keys.len())].clone()).collect();
            let mut expected: Vec<u32> = (0..keys.len() as u32).collect();
            expected.sort_by(|a, b| {
                let less = |a: u32, b: u32| crate::python::compare::less(&keys[a as usize], &keys[b as usize]).unwrap();
                match (less(*a, *b), less(*b, *a)) {
                    (true, _) => Ordering::Less,
                    (_, true) => Ordering::Greater,
                    _ => Ordering::Equal,
                }
            });
            assert_eq!(order(keys.iter()), Some(expected));
        }
    }

    #[test]
    fn what_is_not_ordered_by_itself_is_not_ranked() {
        let unlike = [
            vec![Obj::Int(1), Obj::Float(1.0)],
            vec![Obj::Float(f64::NAN)],
            vec![Obj::None],
            vec![Obj::tuple([Obj::Int(1)]), Obj::tuple([])],
            vec![Obj::tuple([Obj::Int(1)]), Obj::tuple([Obj::str("a")])],
            vec![Obj::tuple([Obj::tuple([])])],
        ];
        for keys in unlike {
            assert_eq!(order(keys.iter()), None);
        }
    }
}
