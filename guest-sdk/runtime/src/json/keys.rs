//! Keys of objects are few and come again and again: each is allocated once and then shared.

use std::cell::RefCell;
use std::rc::Rc;

/// Longer keys are rarely names.
const MAX_LEN: usize = 32;

/// A direct-mapped table: a key has one place, and takes it from the one that was there. So it is bounded, however many
/// keys the text has.
const PLACES: usize = 256;

thread_local! {
    static KNOWN: RefCell<[Option<Rc<str>>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// `key`, shared with earlier equal keys where possible.
pub(super) fn shared(key: &str) -> Rc<str> {
    if key.len() > MAX_LEN {
        return Rc::from(key);
    }
    KNOWN.with_borrow_mut(|known| {
        let slot = &mut known[place(key.as_bytes())];
        match slot {
            Some(known) if **known == *key => known.clone(),
            _ => slot.insert(Rc::from(key)).clone(),
        }
    })
}

fn place(key: &[u8]) -> usize {
    // The first and the last eight bytes tell most names apart.
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word: u64, byte| word << 8 | u64::from(*byte));
    let word = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(7),
        _ => word(key),
    };
    ((word ^ key.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - PLACES.ilog2())) as usize
}
