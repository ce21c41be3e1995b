//! Reading a ledger page by page.

use std::io;
use std::time::{Duration, Instant};

use super::{Target, refused};
use crate::lean::find;

/// What was read.
#[derive(Debug, Clone, Copy)]
pub struct Pages {
    pub rows: u64,
    pub bytes: u64,
    pub took: Duration,
}

/// Reads the ledger of a run from its begin to its end, `times` over, in pages of `limit` rows.
///
/// # Errors
/// The gateway refuses a page, or goes away.
pub async fn ledger(target: &Target, run: &str, limit: u32, times: u32) -> io::Result<Pages> {
    let mut connection = target.connect().await?;
    let began = Instant::now();
    let mut pages = Pages {
        rows: 0,
        bytes: 0,
        took: Duration::ZERO,
    };
    for _ in 0..times {
        let mut after = 0;
        loop {
            let page = target.page(run, &format!("/ledger?after={after}&limit={limit}"));
            let (status, body) = connection.exchange(&page).await?;
            let next = next_after(body).filter(|_| status == 200);
            let next = next.ok_or_else(|| refused("ledger", status, body))?;
            pages.bytes += body.len() as u64;
            if next <= after {
                break;
            }
            pages.rows += next - after;
            after = next;
        }
    }
    pages.took = began.elapsed();
    Ok(pages)
}

/// The cursor stands behind the rows.
fn next_after(body: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"next_after\"";
    let tail = &body[body.len().saturating_sub(64)..];
    let at = find(tail, NAME)? + NAME.len();
    let digits = tail[at..].iter().skip_while(|byte| !byte.is_ascii_digit());
    let digits: Vec<u8> = digits.take_while(|byte| byte.is_ascii_digit()).copied().collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}
