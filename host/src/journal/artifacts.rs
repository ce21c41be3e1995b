//! Reads of artifacts: what they are, without their bytes.

use std::collections::HashSet;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::handle::Handle;
use super::scope::{TenantSql, tenant_sql};
use super::store::query::{self, Columns};
use super::types::Error;
use crate::clock::Micros;
use crate::ids::{Digest, RunId, TenantId};
use crate::record::artifact::{Access, Action, Artifact, LastAccess, NewArtifact, Tags, session_memory_run};

/// Which artifacts are meant. What is absent or empty does not restrict them; texts are compared as they are.
#[derive(Debug, Clone, Default)]
pub struct ArtifactFilter {
    pub run_id: Option<RunId>,
    /// Those tagged with the session and those of its memory.
    pub session_id: Option<String>,
    /// One of these.
    pub semantic_kinds: Vec<String>,
    pub render_kind: Option<String>,
    pub modality: Option<String>,
    pub workflow_id: Option<String>,
    pub node_id: Option<String>,
    /// A type, or `image/*`.
    pub content_type: Option<String>,
    /// Is found in the id, the type, the run's name or a tag, in any case of letters.
    pub text: Option<String>,
    pub tags: Tags,
    /// Both inclusive.
    pub created_after: Option<Micros>,
    pub created_before: Option<Micros>,
}

/// Which part of the artifacts is wanted, ordered by the time they were made.
#[derive(Debug, Clone)]
pub struct ArtifactPart {
    pub oldest_first: bool,
    pub offset: u64,
    pub limit: u32,
    /// Only those that come after this one in the order.
    pub after: Option<(Micros, String)>,
}

#[derive(Debug, Clone)]
pub struct ArtifactPage {
    pub items: Vec<Artifact>,
    /// There are others after these.
    pub more: bool,
}

/// Figures over artifacts.
#[derive(Debug, Clone, Default)]
pub struct ArtifactStats {
    pub total: u64,
    pub bytes: u64,
    pub facets: Vec<Facet>,
}

/// How often each value of a column occurs, the most frequent first. An absent value is empty.
#[derive(Debug, Clone)]
pub struct Facet {
    pub name: &'static str,
    pub values: Vec<(String, u64)>,
}

/// The columns that are counted by value.
const FACETS: [&str; 7] = [
    "semantic_kind",
    "render_kind",
    "modality",
    "content_type",
    "workflow_id",
    "node_id",
    "run_id",
];

/// Values of a facet that are told.
const FACET_VALUES: i64 = 1000;

const COLUMNS: &str = "SELECT a.run_id, a.artifact_id, a.digest, a.size, a.content_type, a.tags, a.created_us, \
    coalesce(x.metadata, 0), coalesce(x.content, 0), coalesce(x.preview, 0), coalesce(x.download, 0), x.last_us, x.last_action, x.last_actor \
    FROM artifacts a LEFT JOIN artifact_access x USING (tenant, run_id, artifact_id) WHERE a.tenant = ?1";

/// A statement over one tenant's artifacts, put together with the values that it binds from `?2` on.
struct Statement {
    text: String,
    values: Vec<Value>,
}

enum Value {
    Int(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}

impl Statement {
    fn new(text: &str) -> Self {
        let text = text.to_owned();
        let values = Vec::new();
        Statement { text, values }
    }

    /// Adds `text`, in which each `{}` is the next of `values`.
    fn with<const N: usize>(&mut self, text: &str, values: [Value; N]) {
        let mut parts = text.split("{}");
        self.text.push_str(parts.next().unwrap_or_default());
        for (value, part) in values.into_iter().zip(parts) {
            self.values.push(value);
            self.text.push_str(&format!("?{}", self.values.len() + 1));
            self.text.push_str(part);
        }
    }

    async fn rows(self, journal: &Handle, tenant: TenantId) -> Result<Vec<SqliteRow>, Error> {
        let mut rows = journal.reads().of(tenant).await?;
        let query = rows.query(TenantSql::composed(self.text)?);
        let query = self.values.into_iter().fold(query, |query, value| match value {
            Value::Int(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
        });
        query.all().await
    }

    async fn artifacts(self, journal: &Handle, tenant: TenantId) -> Result<Vec<Artifact>, Error> {
        self.rows(journal, tenant).await?.iter().map(artifact).collect()
    }
}

impl Handle {
    /// An artifact of a run.
    pub async fn artifact(&self, tenant: TenantId, run_id: &RunId, artifact_id: &str) -> Result<Option<Artifact>, Error> {
        let mut sql = Statement::new(COLUMNS);
        sql.with(
            " AND a.run_id = {} AND a.artifact_id = {}",
            [run_id.as_str().into(), artifact_id.into()],
        );
        Ok(sql.artifacts(self, tenant).await?.pop())
    }

    /// The artifacts of that id of any run, the newest first; snapshots of workflows are found by their run only.
    pub async fn artifacts_called(&self, tenant: TenantId, artifact_id: &str) -> Result<Vec<Artifact>, Error> {
        let mut sql = Statement::new(COLUMNS);
        let rest = " AND a.artifact_id = {} AND a.semantic_kind <> 'workflow_snapshot' ORDER BY a.created_us DESC";
        sql.with(rest, [artifact_id.into()]);
        sql.artifacts(self, tenant).await
    }

    /// A part of the artifacts that are meant.
    pub async fn artifacts(&self, tenant: TenantId, filter: &ArtifactFilter, part: &ArtifactPart) -> Result<ArtifactPage, Error> {
        let mut sql = Statement::new(COLUMNS);
        sql.restrict(filter);
        let (order, beyond) = if part.oldest_first { ("ASC", ">") } else { ("DESC", "<") };
        if let Some((at, id)) = &part.after {
            let beyond = format!(" AND (a.created_us, a.artifact_id) {beyond} ({{}}, {{}})");
            sql.with(&beyond, [at.0.into(), id.as_str().into()]);
        }
        let offset = i64::try_from(part.offset).unwrap_or(i64::MAX);
        // The artifacts of a run or a session are few: found by their key and then sorted, not looked for among all in their order.
        let few = if filter.run_id.is_some() || filter.session_id.is_some() {
            "+"
        } else {
            ""
        };
        let rest = format!(" ORDER BY {few}a.created_us {order}, a.artifact_id {order} LIMIT {{}} OFFSET {{}}");
        sql.with(&rest, [(i64::from(part.limit) + 1).into(), offset.into()]);
        let mut items = sql.artifacts(self, tenant).await?;
        let more = items.len() > part.limit as usize;
        items.truncate(part.limit as usize);
        Ok(ArtifactPage { items, more })
    }

    /// How many artifacts are meant, and how many bytes they have, each counted where it is named.
    pub async fn artifact_totals(&self, tenant: TenantId, filter: &ArtifactFilter) -> Result<(u64, u64), Error> {
        let mut sql = Statement::new("SELECT count(*), coalesce(sum(a.size), 0) FROM artifacts a WHERE a.tenant = ?1");
        sql.restrict(filter);
        let rows = sql.rows(self, tenant).await?;
        let Some(row) = rows.first() else { return Ok((0, 0)) };
        let mut c = Columns::of(row);
        Ok((c.u64()?, c.u64()?))
    }

    /// Figures over the artifacts that are meant, counted by the database.
    pub async fn artifact_stats(&self, tenant: TenantId, filter: &ArtifactFilter) -> Result<ArtifactStats, Error> {
        let (total, bytes) = self.artifact_totals(tenant, filter).await?;
        let mut facets = Vec::new();
        for name in FACETS {
            let counted = format!("SELECT coalesce(a.{name}, ''), count(*) FROM artifacts a WHERE a.tenant = ?1");
            let mut sql = Statement::new(&counted);
            sql.restrict(filter);
            sql.with(" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {}", [FACET_VALUES.into()]);
            let values = sql.rows(self, tenant).await?;
            let values = values.iter().map(|row| {
                let mut c = Columns::of(row);
                Ok((c.get()?, c.u64()?))
            });
            let values = values.collect::<Result<_, Error>>()?;
            facets.push(Facet { name, values });
        }
        Ok(ArtifactStats { total, bytes, facets })
    }

    /// When the first run that names this session was made; none for a session that no run names.
    pub async fn session_began(&self, tenant: TenantId, session_id: &str) -> Result<Option<Micros>, Error> {
        let sql = tenant_sql!("SELECT min(created_us) FROM runs WHERE tenant = ?1 AND session_id = ?2");
        let mut rows = self.reads().of(tenant).await?;
        let began: Option<Option<i64>> = rows.query(sql).bind(session_id).value().await?;
        Ok(began.flatten().map(Micros))
    }

    /// The tenants there are.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, Error> {
        let sql = "SELECT tenant FROM tenants ORDER BY tenant";
        let rows = self.reads().host_wide().await?.query(sql).all().await?;
        rows.iter().map(|row| Ok(TenantId(row.try_get(0)?))).collect()
    }

    /// Every blob that a row names: what a sweep must leave.
    pub async fn named_blobs(&self, tenant: TenantId) -> Result<HashSet<Digest>, Error> {
        let sql = tenant_sql!("SELECT DISTINCT digest FROM artifacts WHERE tenant = ?1");
        let rows = self.reads().of(tenant).await?.query(sql).all().await?;
        rows.iter().map(|row| query::digest(row.try_get(0)?)).collect()
    }
}

impl Statement {
    /// Adds what says which artifacts are meant.
    fn restrict(&mut self, filter: &ArtifactFilter) {
        let equal = [
            ("run_id", filter.run_id.as_ref().map(RunId::as_str)),
            ("render_kind", filter.render_kind.as_deref()),
            ("modality", filter.modality.as_deref()),
            ("workflow_id", filter.workflow_id.as_deref()),
            ("node_id", filter.node_id.as_deref()),
        ];
        for (column, wanted) in equal {
            if let Some(wanted) = wanted {
                self.with(&format!(" AND a.{column} = {{}}"), [wanted.into()]);
            }
        }
        if let Some(session) = &filter.session_id {
            let memory = session_memory_run(session);
            // First the runs that have any, by an index: SQLite uses none for an OR over these rows.
            let text = " AND a.run_id IN (SELECT s.run_id FROM artifacts s WHERE s.tenant = ?1 AND s.session_id = {} UNION SELECT {}) \
                        AND (a.session_id = {} OR a.run_id = {})";
            let (session, memory) = (session.as_str(), memory.as_str());
            self.with(text, [session.into(), memory.into(), session.into(), memory.into()]);
        }
        for (at, kind) in filter.semantic_kinds.iter().enumerate() {
            let text = if at == 0 {
                " AND (a.semantic_kind = {}"
            } else {
                " OR a.semantic_kind = {}"
            };
            self.with(text, [kind.as_str().into()]);
        }
        if !filter.semantic_kinds.is_empty() {
            self.with(")", []);
        }
        if let Some(wanted) = filter.content_type.as_deref().map(str::to_lowercase) {
            match wanted.strip_suffix('*') {
                Some(prefix) => self.with(" AND instr(lower(a.content_type), {}) = 1", [prefix.into()]),
                None => self.with(" AND lower(a.content_type) = {}", [wanted.as_str().into()]),
            }
        }
        if let Some(text) = &filter.text {
            let all = "a.artifact_id || ' ' || a.run_id || ' ' || a.content_type || ' ' || a.tags";
            self.with(&format!(" AND instr(lower({all}), lower({{}})) > 0"), [text.as_str().into()]);
        }
        for (name, value) in &filter.tags {
            let text = " AND EXISTS (SELECT 1 FROM json_each(a.tags) t WHERE t.key = {} AND t.value = {})";
            self.with(text, [name.as_str().into(), value.as_str().into()]);
        }
        for (bound, at) in [(">=", filter.created_after), ("<=", filter.created_before)] {
            if let Some(at) = at {
                self.with(&format!(" AND a.created_us {bound} {{}}"), [at.0.into()]);
            }
        }
    }
}

/// A row of [`COLUMNS`].
fn artifact(row: &SqliteRow) -> Result<Artifact, Error> {
    let mut c = Columns::of(row);
    Ok(Artifact {
        is: NewArtifact {
            run_id: RunId::from(c.get::<&str>()?),
            artifact_id: c.get()?,
            blob: query::digest(c.get()?)?,
            size: c.u64()?,
            content_type: c.get()?,
            tags: query::parse(c.get()?)?,
        },
        created_at: Micros(c.get()?),
        access: Access {
            counts: [c.u64()?, c.u64()?, c.u64()?, c.u64()?],
            last: last_access(&mut c)?,
        },
    })
}

fn last_access(c: &mut Columns<'_>) -> Result<Option<LastAccess>, Error> {
    let (at, action): (Option<i64>, Option<&str>) = (c.get()?, c.get()?);
    let actor_id = c.get()?;
    Ok(at.zip(action.and_then(Action::parse)).map(|(at, action)| LastAccess {
        at: Micros(at),
        action,
        actor_id,
    }))
}
