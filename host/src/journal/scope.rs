//! Whose rows a read sees. There are two ways to a reading connection, and a query is written for one of them:
//!
//! * [`Scoped`], from [`Reads::of`]: the rows of one tenant. It binds the tenant as `?1` before the caller binds anything, and takes
//!   only a [`TenantSql`], a text that compares `tenant = ?1`; [`tenant_sql!`] refuses any other when it is compiled. Everything that a
//!   client is told comes this way.
//! * [`HostWide`], from [`Reads::host_wide`]: the rows of all tenants, for what the host itself must know (what to drive at boot,
//!   what to count). Nothing that it reads is shown to a client.
//!
//! In the host's unit tests every scoped text that is run is also explained by SQLite, and a table that it would read without going
//! through its tenant fails the test (`tests/tenancy.rs`).

use std::borrow::Cow;
use std::ops::DerefMut;
use std::sync::Arc;

use futures::TryStreamExt as _;
use sqlx::pool::PoolConnection;
use sqlx::query::Query as Prepared;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Connection as _, Decode, Encode, Row as _, Sqlite as Db, Transaction, Type};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::options::Options;
use super::store::connect::connect_options;
use super::store::sqlite::Sqlite;
use super::types::Error;
use crate::ids::TenantId;

/// What every scoped text compares.
const TENANT: &str = "tenant = ?1";

/// The text of a query over the rows of one tenant, which it names as `?1`.
#[derive(Debug, Clone)]
pub(crate) struct TenantSql(Cow<'static, str>);

/// A [`TenantSql`] of a literal; one that forgets its tenant does not compile.
macro_rules! tenant_sql {
    ($text:expr) => {
        const { $crate::journal::scope::TenantSql::literal($text) }
    };
}
pub(crate) use tenant_sql;

impl TenantSql {
    /// For [`tenant_sql!`], which evaluates it when the program is compiled.
    pub(crate) const fn literal(text: &'static str) -> Self {
        assert!(names_tenant(text), "a scoped query compares `tenant = ?1`");
        TenantSql(Cow::Borrowed(text))
    }

    /// A text put together of literals.
    pub(crate) fn composed(text: String) -> Result<Self, Error> {
        if names_tenant(&text) {
            Ok(TenantSql(Cow::Owned(text)))
        } else {
            Err(Error::Corrupt(format!("a query that does not name its tenant: {text}")))
        }
    }
}

const fn names_tenant(text: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), TENANT.as_bytes());
    let mut from = 0;
    while from + wanted.len() <= text.len() {
        let mut same = 0;
        while same < wanted.len() && text[from + same] == wanted[same] {
            same += 1;
        }
        // `?1` and not `?10`.
        let ends = from + wanted.len() == text.len() || !text[from + wanted.len()].is_ascii_digit();
        if same == wanted.len() && ends {
            return true;
        }
        from += 1;
    }
    false
}

/// Where reads go.
#[derive(Debug)]
pub(crate) enum Reads {
    /// Read-only connections of their own: they see the last commit and never wait for the writer.
    Pool(SqlitePool),
    /// A database in memory has one connection: reads take it between commits.
    Shared(Arc<Mutex<SqliteConnection>>),
}

impl Reads {
    pub(crate) async fn open(options: &Options, store: &Sqlite) -> Result<Self, Error> {
        if options.path.is_none() {
            return Ok(Reads::Shared(store.shared()));
        }
        Reads::pool(options).await
    }

    /// Connections to the database of a file.
    pub(crate) async fn pool(options: &Options) -> Result<Self, Error> {
        let pool = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .test_before_acquire(false)
            .connect_with(connect_options(options, true))
            .await?;
        Ok(Reads::Pool(pool))
    }

    /// A connection for the rows of one tenant.
    pub(crate) async fn of(&self, tenant: TenantId) -> Result<Scoped, Error> {
        let conn = self.conn().await?;
        Ok(Scoped { conn, tenant })
    }

    /// A connection for the rows of all tenants. Nothing that is read through it is shown to a client.
    pub(crate) async fn host_wide(&self) -> Result<HostWide, Error> {
        Ok(HostWide(self.conn().await?))
    }

    async fn conn(&self) -> Result<Conn, Error> {
        match self {
            Reads::Pool(pool) => Ok(Conn::Pooled(pool.acquire().await.map_err(|e| match e {
                sqlx::Error::PoolClosed => Error::Closed,
                other => Error::Database(other),
            })?)),
            Reads::Shared(conn) => Ok(Conn::Shared(Arc::clone(conn).lock_owned().await)),
        }
    }
}

/// A connection, held until it is dropped.
pub(crate) enum Conn {
    Pooled(PoolConnection<Db>),
    Shared(OwnedMutexGuard<SqliteConnection>),
}

impl std::ops::Deref for Conn {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        match self {
            Conn::Pooled(conn) => conn,
            Conn::Shared(conn) => conn,
        }
    }
}

impl DerefMut for Conn {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Conn::Pooled(conn) => conn,
            Conn::Shared(conn) => conn,
        }
    }
}

/// Reads the rows of one tenant.
pub(crate) struct Scoped<C = Conn> {
    conn: C,
    tenant: TenantId,
}

impl<C: DerefMut<Target = SqliteConnection>> Scoped<C> {
    /// A query whose `?1` is the tenant; bind the rest, from `?2` on, in order.
    pub(crate) fn query(&mut self, sql: TenantSql) -> Query<'_> {
        Query::new(&mut self.conn, sql.0, true).bind(self.tenant.0)
    }

    /// Several queries as of one commit: those made with what this gives see the same database.
    pub(crate) async fn at_one_commit(&mut self) -> Result<Scoped<Transaction<'_, Db>>, Error> {
        let tenant = self.tenant;
        Ok(Scoped {
            conn: self.conn.begin().await?,
            tenant,
        })
    }
}

/// Reads the rows of all tenants.
pub(crate) struct HostWide(Conn);

impl HostWide {
    pub(crate) fn query(&mut self, sql: &'static str) -> Query<'_> {
        Query::new(&mut self.0, Cow::Borrowed(sql), false)
    }
}

/// A query and what has been bound to it.
pub(crate) struct Query<'c> {
    conn: &'c mut SqliteConnection,
    prepared: Prepared<'c, Db, SqliteArguments>,
    /// The text of a scoped query, for the look at its plan.
    #[cfg(test)]
    scoped: Option<String>,
}

impl<'c> Query<'c> {
    #[cfg_attr(not(test), expect(unused_variables, reason = "plans are looked at in tests"))]
    fn new(conn: &'c mut SqliteConnection, sql: Cow<'static, str>, scoped: bool) -> Self {
        Query {
            conn,
            #[cfg(test)]
            scoped: scoped.then(|| sql.clone().into_owned()),
            prepared: sqlx::query(AssertSqlSafe(sql)),
        }
    }

    /// The value of the next parameter.
    pub(crate) fn bind<'t, T: Encode<'t, Db> + Type<Db>>(self, value: T) -> Self {
        Query {
            prepared: self.prepared.bind(value),
            ..self
        }
    }

    pub(crate) async fn all(self) -> Result<Vec<SqliteRow>, Error> {
        #[cfg(test)]
        super::tests::tenancy::look_at_plan(self.conn, self.scoped.as_deref()).await;
        Ok(self.prepared.fetch_all(self.conn).await?)
    }

    /// Row by row, as long as `take` says that it wants more.
    pub(crate) async fn each(self, mut take: impl FnMut(&SqliteRow) -> Result<bool, Error>) -> Result<(), Error> {
        #[cfg(test)]
        super::tests::tenancy::look_at_plan(self.conn, self.scoped.as_deref()).await;
        let mut rows = self.prepared.fetch(self.conn);
        while let Some(row) = rows.try_next().await? {
            if !take(&row)? {
                break;
            }
        }
        Ok(())
    }

    pub(crate) async fn one(self) -> Result<Option<SqliteRow>, Error> {
        #[cfg(test)]
        super::tests::tenancy::look_at_plan(self.conn, self.scoped.as_deref()).await;
        Ok(self.prepared.fetch_optional(self.conn).await?)
    }

    /// The first column of the first row.
    pub(crate) async fn value<T: for<'r> Decode<'r, Db> + Type<Db>>(self) -> Result<Option<T>, Error> {
        let row = self.one().await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}
