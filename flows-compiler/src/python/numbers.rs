//! Integer literals of any size.

/// CPython reads no decimal literal longer than this.
const MAX_DIGITS: usize = 4300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Int {
    Small(i64),
    /// In decimal, with its sign.
    Big(String),
}

/// The value of a literal as the parser gives it: decimal digits, or a number with its prefix. None if it is too long.
pub(super) fn int(literal: &str, negative: bool) -> Option<Int> {
    let text: String = literal.chars().filter(|c| *c != '_').collect();
    let prefixed = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| text.strip_prefix(*prefix));
    let (digits, radix) = if let Some(digits) = prefixed(["0x", "0X"]) {
        (digits, 16)
    } else if let Some(digits) = prefixed(["0o", "0O"]) {
        (digits, 8)
    } else if let Some(digits) = prefixed(["0b", "0B"]) {
        (digits, 2)
    } else {
        (text.as_str(), 10)
    };
    let sign = if negative { "-" } else { "" };
    if let Ok(value) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
        return Some(Int::Small(value));
    }
    let decimal = decimal(digits, radix)?;
    Some(Int::Big(format!("{sign}{decimal}")))
}

/// Digits of any radix in decimal.
fn decimal(digits: &str, radix: u32) -> Option<String> {
    if radix == 10 {
        let digits = digits.trim_start_matches('0');
        return (digits.len() <= MAX_DIGITS).then(|| digits.to_owned());
    }
    if digits.len() > MAX_DIGITS * 4 {
        return None;
    }
    // Nine decimal digits a limb, the least first.
    const LIMB: u64 = 1_000_000_000;
    let mut limbs: Vec<u64> = vec![0];
    for digit in digits.chars() {
        let mut carry = u64::from(digit.to_digit(radix)?);
        for limb in &mut limbs {
            let value = *limb * u64::from(radix) + carry;
            *limb = value % LIMB;
            carry = value / LIMB;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let (last, rest) = limbs.split_last()?;
    let mut text = last.to_string();
    for limb in rest.iter().rev() {
        text.push_str(&format!("{limb:09}"));
    }
    Some(text)
}
