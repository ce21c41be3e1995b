//! Reading a ledger along, page by page of bounded size: after a cursor, back from one, or following a run that is on its way.

use std::sync::Arc;

use super::handle::Handle;
use super::scope::tenant_sql;
use super::store::query::{self, Columns};
use super::subscribe::{Page, Subscription, Tail};
use super::types::Error;
use crate::ids::{LedgerSeq, RunRef};

/// Rows that are read at a time.
pub(super) const PAGE_ROWS: u32 = 32;

impl Handle {
    /// What a subscriber that has `after` rows has not seen yet: 32 rows or 64 KiB at most, but one row at least if there is one.
    ///
    /// # Errors
    /// The run is not there any more, or these rows are not ([`Error::Expired`]), or what the database says.
    pub async fn tail(&self, news: &Subscription, after: LedgerSeq) -> Result<Tail, Error> {
        if let Some(tail) = news.peek(after) {
            return Ok(tail);
        }
        let _turn = news.turn().await;
        if let Some(tail) = news.peek(after) {
            return Ok(tail);
        }
        let version = news.version();
        let (tail, end) = self.read_tail(news.run(), after).await?;
        news.offer(version, (after, end), &tail);
        Ok(tail)
    }

    /// The rows after a cursor: as many as [`tail`](Self::tail) gives, always from the database.
    pub async fn next_rows(&self, at: RunRef, after: LedgerSeq) -> Result<Vec<Arc<str>>, Error> {
        Ok(self.read_tail(at, after).await?.0.rows.to_vec())
    }

    /// The rows before a cursor (those with a lower number), newest first: 32 rows or 64 KiB at most, but one row at least if there is one.
    pub async fn rows_before(&self, at: RunRef, before: LedgerSeq) -> Result<Vec<Arc<str>>, Error> {
        let sql = tenant_sql!("SELECT record FROM ledger WHERE tenant = ?1 AND run = ?2 AND seq < ?3 ORDER BY seq DESC LIMIT ?4");
        let mut rows = self.reads().of(at.tenant).await?;
        let found = rows
            .query(sql)
            .bind(at.run.0)
            .bind(cursor(before))
            .bind(PAGE_ROWS)
            .all()
            .await?;
        let texts: Vec<Arc<str>> = found
            .iter()
            .map(|row| Ok(Columns::of(row).get::<&str>()?.into()))
            .collect::<Result<_, Error>>()?;
        Ok(Page::of(texts.into_iter()).into_rows())
    }

    /// The rows after a cursor, the status and the number of all rows, as of one commit.
    async fn read_tail(&self, at: RunRef, after: LedgerSeq) -> Result<(Tail, LedgerSeq), Error> {
        let sql = tenant_sql!(
            "SELECT s.status, s.last_seq, s.horizon, l.record FROM run_state s LEFT JOIN ledger l ON l.tenant = s.tenant AND l.run = s.run AND l.seq > ?3 \
             WHERE s.tenant = ?1 AND s.run = ?2 ORDER BY l.seq LIMIT ?4"
        );
        let mut rows = self.reads().of(at.tenant).await?;
        let found = rows
            .query(sql)
            .bind(at.run.0)
            .bind(cursor(after))
            .bind(PAGE_ROWS)
            .all()
            .await?;
        let Some(first) = found.first() else {
            return Err(Error::UnknownRun(format!("#{}", at.run.0)));
        };
        let mut c = Columns::of(first);
        let (status, end, horizon) = (query::status(c.get()?)?, c.u64()?, c.u64()?);
        if after.saturating_add(1) < horizon {
            return Err(Error::Expired { horizon });
        }
        let mut texts = Vec::with_capacity(found.len());
        for row in &found {
            let mut c = Columns::of(row);
            c.skip(3);
            if let Some(text) = c.get::<Option<&str>>()? {
                texts.push(Arc::from(text));
            }
        }
        let rows = Arc::new(Page::of(texts.into_iter()));
        Ok((Tail { rows, status }, end))
    }
}

/// A cursor as SQLite takes it; one beyond every row stays beyond.
fn cursor(seq: LedgerSeq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
