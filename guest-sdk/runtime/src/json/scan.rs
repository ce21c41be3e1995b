//! Finds the bytes of a string that JSON treats in a special way: quote, backslash and control characters.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// How many bytes come before the first special one.
#[inline]
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    while let Some(chunk) = bytes[len..].first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        if special != 0 {
            return len + (special.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    len + bytes[len..].iter().position(is_special).unwrap_or(bytes.len() - len)
}

/// Has the high bit set in the first special byte of eight, and in none before it. A borrow can only mark bytes behind.
fn special_bytes(word: u64) -> u64 {
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let quotes = zero_bytes(word ^ (ONES * b'"' as u64));
    let backslashes = zero_bytes(word ^ (ONES * b'\\' as u64));
    (below_space | quotes | backslashes) & HIGHS
}

#[cfg(test)]
mod tests {
    use super::plain_len;

    #[test]
    fn every_byte_is_classed_right_at_every_place() {
        for byte in 0..=255 {
            let special = byte < 0x20 || byte == b'"' || byte == b'\\';
            for place in 0..20 {
                for filler in [b'a', b' ', b'#', b'!', b']', 0xff] {
                    let mut bytes = [filler; 20];
                    bytes[place] = byte;
                    assert_eq!(plain_len(&bytes), if special { place } else { 20 }, "{byte} at {place}");
                }
            }
        }
    }
}
