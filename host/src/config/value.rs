//! Text to value: one function a kind of setting. An error is the end of the sentence "must be …".

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("true or false (1, yes, on; 0, no, off)".to_owned()),
    }
}

/// A whole number within `min..=max`.
pub fn whole<N>(text: &str, min: N, max: N) -> Result<N, String>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display + Copy,
{
    let bad = || format!("a whole number from {min} to {max}");
    let digits = text.trim().replace('_', "");
    let value = digits.parse::<N>().map_err(|_| bad())?;
    if value < min || value > max { Err(bad()) } else { Ok(value) }
}

/// A size: bytes, or a number with `KiB`, `MiB` or `GiB`.
pub fn size(text: &str, min: u64) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "kib" => Some(1 << 10),
        "mib" => Some(1 << 20),
        "gib" => Some(1 << 30),
        _ => None,
    };
    let number = digits.trim().replace('_', "").parse::<u64>().ok();
    match number.zip(unit).and_then(|(n, u)| n.checked_mul(u)) {
        Some(bytes) if bytes >= min => Ok(bytes),
        _ => Err(format!(
            "a size of at least {min} bytes (bytes, or a number with KiB, MiB or GiB)"
        )),
    }
}

/// A length of time: seconds, or a number with `ms`, `s`, `m`, `h` or `d`.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let bad = || "a length of time (seconds, or a number with ms, s, m, h or d)".to_owned();
    let text = text.trim();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match &text[number.len()..] {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(bad()),
    };
    let value = number.trim().parse::<f64>().map_err(|_| bad())? * scale;
    Duration::try_from_secs_f64(value).map_err(|_| bad())
}

/// A length of time of at least `min`, or 0 for none.
pub fn age(text: &str, min: Duration) -> Result<Option<Duration>, String> {
    let allowed = || format!("a length of time from {} seconds on, or 0", min.as_secs());
    match seconds(text).map_err(|_| allowed())? {
        Duration::ZERO => Ok(None),
        age if age >= min => Ok(Some(age)),
        _ => Err(allowed()),
    }
}

/// An IP address and a port; blank is none.
pub fn address(text: &str) -> Result<Option<SocketAddr>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let bad = |_| "an IP address and a port, like 127.0.0.1:9464".to_owned();
    text.parse().map(Some).map_err(bad)
}

/// Comma-separated, trimmed, blanks dropped.
pub fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A path; `~/` is the home directory.
pub fn path(text: &str) -> Result<PathBuf, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a path".to_owned());
    }
    Ok(match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    })
}

/// One of a few words, in any case.
pub fn choice<T: Copy>(text: &str, of: &[(&str, T)]) -> Result<T, String> {
    let text = text.trim();
    let found = of.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| of.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or "))
}
