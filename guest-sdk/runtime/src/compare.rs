//! Comparing bytes by words.
//!
//! Texts are compared by a call of C's `memcmp`. The one that Rust brings for WebAssembly takes a byte at a time, and the sandbox counts fuel at
//! each turn of a loop: that was a quarter of what nodes take, since they find each other's values by name.
#![allow(unsafe_code)] // It is given addresses, and reads several bytes at once.

/// As C has it: negative, zero or positive, by the first byte that differs.
///
/// # Safety
/// `len` bytes can be read at both addresses.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    // SAFETY: each access is within the first `len` bytes, by the condition or the arm that it stands in.
    unsafe {
        match len {
            0 => 0,
            1..4 => {
                for at in [0, len / 2] {
                    let (x, y) = (*a.add(at), *b.add(at));
                    if x != y {
                        return i32::from(x) - i32::from(y);
                    }
                }
                i32::from(*a.add(len - 1)) - i32::from(*b.add(len - 1))
            }
            4..8 => {
                let (x, y) = (a.cast::<u32>().read_unaligned(), b.cast::<u32>().read_unaligned());
                if x != y {
                    return order(x.to_be(), y.to_be());
                }
                // What is read twice has been found equal.
                let (x, y) = (a.add(len - 4).cast::<u32>(), b.add(len - 4).cast::<u32>());
                order(x.read_unaligned().to_be(), y.read_unaligned().to_be())
            }
            _ => {
                let word = |at: usize| {
                    (
                        a.add(at).cast::<u64>().read_unaligned(),
                        b.add(at).cast::<u64>().read_unaligned(),
                    )
                };
                let mut at = 0;
                while at + 8 < len {
                    let (x, y) = word(at);
                    if x != y {
                        return order(x.to_be(), y.to_be());
                    }
                    at += 8;
                }
                let (x, y) = word(len - 8);
                order(x.to_be(), y.to_be())
            }
        }
    }
}

fn order<T: Ord>(a: T, b: T) -> i32 {
    a.cmp(&b) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs_decides() {
        let mut state = 7u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for len in 0..40 {
            for _ in 0..200 {
                let a: Vec<u8> = (0..len).map(|_| [0, 1, 127, 128, 255][random(5)]).collect();
                let mut b = a.clone();
                for _ in 0..random(3).min(len) {
                    b[random(len)] = random(256) as u8;
                }
                // SAFETY: both have so many bytes.
                let said = unsafe { memcmp(a.as_ptr(), b.as_ptr(), len) };
                assert_eq!(said.signum(), a.cmp(&b) as i32, "{a:?} and {b:?}");
            }
        }
    }
}
