//! Short texts, made and grown without a call of the host.
//!
//! A copy of a length that is not known before is one instruction of WebAssembly, and the sandbox makes a call of the host out of it:
//! more than everything else that a word of a text costs. Up to sixteen bytes are two loads and two stores here.
#![allow(unsafe_code)] // Bytes are written into a text's spare room.

use std::cell::Cell;
use std::rc::Rc;

use compact_str::CompactString;

use super::object::Text;
use crate::py::IntText;

/// More bytes than this are copied as usual.
pub const MOST: usize = 16;

/// Copies at most [`MOST`] bytes, in words that may overlap.
///
/// # Safety
/// As [`std::ptr::copy_nonoverlapping`].
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: each access is within the first `len` bytes, by the arm that it stands in.
    unsafe {
        match len {
            0 => {}
            1..4 => {
                let (first, middle, last) = (*from, *from.add(len / 2), *from.add(len - 1));
                to.write(first);
                to.add(len / 2).write(middle);
                to.add(len - 1).write(last);
            }
            4..8 => {
                let (first, last) = (from.cast::<u32>(), from.add(len - 4).cast::<u32>());
                let (first, last) = (first.read_unaligned(), last.read_unaligned());
                to.cast::<u32>().write_unaligned(first);
                to.add(len - 4).cast::<u32>().write_unaligned(last);
            }
            _ => {
                let (first, last) = (from.cast::<u64>(), from.add(len - 8).cast::<u64>());
                let (first, last) = (first.read_unaligned(), last.read_unaligned());
                to.cast::<u64>().write_unaligned(first);
                to.add(len - 8).cast::<u64>().write_unaligned(last);
            }
        }
    }
}

/// Appends; as `push_str` for a text that is not short.
#[inline(always)]
pub fn push(text: &mut CompactString, more: &str) {
    let (len, added) = (text.len(), more.len());
    if added > MOST {
        return text.push_str(more);
    }
    // SAFETY: what is written is whole characters, and counted to the text at once.
    let spare = unsafe { text.spare_capacity_mut() };
    if added > spare.len() {
        return text.push_str(more);
    }
    // SAFETY: the room is there, as was just seen, and belongs to nobody else; its bytes are then those of a text.
    unsafe {
        copy(more.as_ptr(), spare.as_mut_ptr().cast(), added);
        text.set_len(len + added);
    }
}

/// A text object of so many code points, which is written where it stays.
#[inline(always)]
pub fn object(of: &str, chars: usize) -> Rc<Text> {
    joined(of, "", chars)
}

/// A text object of two texts, with room for a little more, since what is put together in steps goes on to grow.
#[inline(always)]
pub fn joined(a: &str, b: &str, chars: usize) -> Rc<Text> {
    const INLINE: usize = size_of::<CompactString>();
    let len = a.len() + b.len();
    let room = if len <= INLINE || b.is_empty() {
        len
    } else {
        len.next_multiple_of(16)
    };
    let mut made = Rc::new(Text {
        text: CompactString::with_capacity(room),
        chars,
        hash: Cell::new(0),
    });
    if let Some(made) = Rc::get_mut(&mut made) {
        push(&mut made.text, a);
        push(&mut made.text, b);
    }
    made
}

/// `str(n)`
#[inline]
pub fn int(n: i64) -> Rc<Text> {
    let digits = IntText::of(n);
    let bytes = digits.as_bytes();
    // SAFETY: digits and a sign are ASCII.
    object(unsafe { std::str::from_utf8_unchecked(bytes) }, bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_lengths_come_out_as_they_went_in() {
        let letters = "abcdefghijklmnopqrstuvwxyzäöü0123456789";
        for (end, _) in letters.char_indices() {
            let part = &letters[..end];
            let mut grown = CompactString::default();
            for (at, c) in part.char_indices() {
                push(&mut grown, &part[at..at + c.len_utf8()]);
            }
            assert_eq!(grown, part);
            for (cut, _) in part.char_indices() {
                let chars = part.chars().count();
                assert_eq!(joined(&part[..cut], &part[cut..], chars).text, part);
            }
            push(&mut grown, part);
            assert_eq!(grown, part.repeat(2));
        }
        for n in [0, 7, 10, 99, 100, 12_345, -1, -100, i64::MIN, i64::MAX] {
            let text = int(n);
            assert_eq!(
                (text.text.as_str(), text.chars),
                (n.to_string().as_str(), n.to_string().len())
            );
        }
    }
}
