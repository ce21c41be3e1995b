//! Python's character classes, where they differ from Rust's.

/// `str.isspace` of one character. Unlike Rust's, it has the four ASCII separators.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip()`.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The first of the ten digits of every decimal script beyond ASCII.
const ZEROS: [u32; 65] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20, 0x1040,
    0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0,
    0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec,
    0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// The value of a decimal digit of any script.
pub fn digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.to_digit(10).map(|digit| digit as u8);
    }
    let code = c as u32;
    let below = ZEROS.partition_point(|zero| *zero <= code);
    let offset = code - ZEROS.get(below.checked_sub(1)?)?;
    (offset < 10).then_some(offset as u8)
}

/// The text as `int()` and `float()` read it: stripped, and with every decimal digit in ASCII.
pub fn ascii_number(text: &str) -> std::borrow::Cow<'_, str> {
    let text = strip(text);
    if text.is_ascii() {
        return text.into();
    }
    let ascii = |c| digit(c).map_or(c, |d| char::from(b'0' + d));
    text.chars().map(ascii).collect::<String>().into()
}

/// `str.isprintable` of one character: false for controls, unassigned code points and every space
/// but the ASCII one.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // The standard library keeps the same table, but shows it only through the escapes of `Debug`.
    // A letter goes first because combining marks are escaped at the start of a string.
    let mut text = [b'a', 0, 0, 0, 0];
    let len = 1 + c.encode_utf8(&mut text[1..]).len();
    let text = std::str::from_utf8(&text[..len]).unwrap_or_default();
    text.escape_debug().nth(1) == Some(c)
}
