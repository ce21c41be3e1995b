//! How a run is shown: the summary of one run and the row of a list. Neither shows the flow's state or output.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::journal::RunRow;
use crate::record::{Json, Object, WaitReason, WaitState};

/// `GET /runs/{run_id}`.
#[derive(Serialize, ToSchema)]
#[schema(as = RunSummary)]
pub struct Summary<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    flow_warnings: Option<Vec<String>>,
    #[serde(flatten)]
    tail: Tail<'a>,
    limits: Option<Limits>,
    #[schema(value_type = Option<Object>)]
    run_lifecycle: Option<&'a RawValue>,
    is_draft: bool,
}

/// A row of `GET /runs`.
#[derive(Serialize, ToSchema)]
#[schema(as = RunListRow)]
pub struct ListRow<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(flatten)]
    tail: Tail<'a>,
    /// Lists leave the limits out; the summary has them.
    limits: Option<Limits>,
    #[schema(value_type = Option<Object>)]
    run_lifecycle: Option<&'a RawValue>,
    is_draft: bool,
    #[serde(flatten)]
    #[schema(value_type = Metrics)]
    metrics: Option<Metrics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger_len: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RunHead)]
pub(super) struct Head<'a> {
    run_id: &'a str,
    workflow_id: &'a str,
    status: &'static str,
    current_node: Option<&'a str>,
    created_at: String,
    updated_at: String,
    actor_id: Option<&'a str>,
    session_id: Option<&'a str>,
    parent_run_id: Option<&'a str>,
    error: Option<&'a str>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RunTail)]
struct Tail<'a> {
    paused: bool,
    pause_reason: Option<&'a str>,
    paused_at: Option<String>,
    resumed_at: Option<String>,
    waiting: Option<Waiting<'a>>,
    is_scheduled: bool,
    schedule: Option<Schedule<'a>>,
    /// Number of the first ledger row that is still there, where others have expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger_horizon: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RunWaiting)]
struct Waiting<'a> {
    reason: WaitReason,
    wait_key: Option<&'a str>,
    until: Option<&'a str>,
    #[schema(value_type = Option<serde_json::Value>)]
    prompt: Option<&'a Json>,
    #[schema(value_type = Option<serde_json::Value>)]
    choices: Option<&'a Json>,
    allow_free_text: bool,
    #[schema(value_type = Option<serde_json::Value>)]
    details: Option<&'a Json>,
}

/// As `_meta.schedule` has them.
#[derive(Serialize, ToSchema)]
#[schema(as = RunSchedule)]
struct Schedule<'a> {
    #[schema(value_type = Option<serde_json::Value>)]
    kind: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    interval: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    repeat_count: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    repeat_until: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    start_at: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    share_context: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    target_workflow_id: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    target_bundle_ref: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    target_flow_id: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    created_at: Option<&'a RawValue>,
    #[schema(value_type = Option<serde_json::Value>)]
    updated_at: Option<&'a RawValue>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RunLimits)]
struct Limits {
    tokens: Tokens,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RunTokens)]
struct Tokens {
    estimated_used: i64,
    max_tokens: Option<i64>,
    max_input_tokens: Option<i64>,
    pct: f64,
    warn_tokens_pct: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RunMetrics)]
struct Metrics {
    #[schema(required = false)]
    steps: u64,
    #[schema(required = false)]
    llm_calls: u64,
    #[schema(required = false)]
    tool_calls: u64,
    #[schema(required = false)]
    tokens_total: u64,
}

/// The host's variables of a run that are shown.
pub struct Vars<'a>(Option<Object<'a>>);

impl<'a> Vars<'a> {
    pub fn of(run: &'a RunRow) -> Self {
        Vars(Object::of(&run.host_vars))
    }
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.as_ref()?.get(name)
    }
    fn lifecycle(&self) -> Option<&'a RawValue> {
        self.get("_run_lifecycle")
            .filter(|lifecycle| lifecycle.get().starts_with('{'))
    }
    fn is_draft(&self) -> bool {
        let lifecycle = self.lifecycle().and_then(Object::of);
        lifecycle
            .and_then(|lifecycle| lifecycle.get("purpose"))
            .is_some_and(|purpose| purpose.get() == r#""draft_test""#)
    }
    /// `_meta.schedule`, if the run is a schedule.
    pub fn about_schedule(&self) -> Option<Object<'a>> {
        let schedule = Object::of(Object::of(self.get("_meta")?)?.get("schedule")?)?;
        schedule.get("kind").filter(|kind| kind.get() == r#""scheduled_run""#)?;
        Some(schedule)
    }
    /// The interval of a recurrent schedule.
    pub fn interval(&self) -> Option<String> {
        serde_json::from_str(self.about_schedule()?.get("interval")?.get()).ok()
    }
    fn schedule(&self) -> Option<Schedule<'a>> {
        let schedule = self.about_schedule()?;
        let get = |name| schedule.get(name);
        Some(Schedule {
            kind: get("kind"),
            interval: get("interval"),
            repeat_count: get("repeat_count"),
            repeat_until: get("repeat_until"),
            start_at: get("start_at"),
            share_context: get("share_context"),
            target_workflow_id: get("target_workflow_id"),
            target_bundle_ref: get("target_bundle_ref"),
            target_flow_id: get("target_flow_id"),
            created_at: get("created_at"),
            updated_at: get("updated_at"),
        })
    }
    fn limits(&self) -> Option<Limits> {
        let limits = Object::of(self.get("_limits")?)?;
        let number = |name| limits.get(name).and_then(|value| value.get().parse::<i64>().ok());
        let estimated_used = number("estimated_tokens_used").unwrap_or(0);
        let (max_tokens, max_input_tokens) = (number("max_tokens"), number("max_input_tokens"));
        #[expect(clippy::cast_precision_loss, reason = "a share of token counts, far below 2^52")]
        let pct = match max_input_tokens.or(max_tokens) {
            Some(budget) if budget > 0 => estimated_used as f64 / budget as f64,
            _ => 0.0,
        };
        let warn_tokens_pct = number("warn_tokens_pct").unwrap_or(80);
        Some(Limits {
            tokens: Tokens {
                estimated_used,
                max_tokens,
                max_input_tokens,
                pct,
                warn_tokens_pct,
            },
        })
    }
}

impl<'a> Waiting<'a> {
    fn of(wait: &'a WaitState) -> Self {
        Waiting {
            reason: wait.reason,
            wait_key: wait.wait_key.as_deref(),
            until: wait.until.as_deref(),
            prompt: wait.prompt.as_ref(),
            choices: wait.choices.as_ref(),
            allow_free_text: wait.allow_free_text,
            details: wait.details.as_ref(),
        }
    }
}

pub(super) fn head(run: &RunRow) -> Head<'_> {
    Head {
        run_id: run.run_id.as_str(),
        workflow_id: &run.workflow_id,
        status: run.status.as_str(),
        current_node: run.current_node.as_deref(),
        created_at: run.created_at.iso(),
        updated_at: run.updated_at.iso(),
        actor_id: run.actor_id.as_deref(),
        session_id: run.session_id.as_deref(),
        parent_run_id: run.parent_run_id.as_ref().map(|parent| parent.as_str()),
        error: run.error.as_deref(),
    }
}

fn tail<'a>(run: &'a RunRow, vars: &Vars<'a>) -> Tail<'a> {
    let schedule = vars.schedule();
    Tail {
        paused: run.paused.paused,
        pause_reason: run.paused.reason.as_deref(),
        paused_at: run.paused.paused_at.map(|at| at.iso()),
        resumed_at: run.paused.resumed_at.map(|at| at.iso()),
        waiting: run.waiting.as_ref().map(Waiting::of),
        is_scheduled: schedule.is_some() || run.workflow_id.starts_with("scheduled:"),
        schedule,
        ledger_horizon: (run.horizon > 1).then_some(run.horizon),
    }
}

impl Metrics {
    fn of(run: &RunRow) -> Self {
        Metrics {
            steps: run.metrics.steps,
            llm_calls: run.metrics.llm_calls,
            tool_calls: run.metrics.tool_calls,
            tokens_total: run.metrics.tokens,
        }
    }
}

impl<'a> Summary<'a> {
    pub fn of(run: &'a RunRow, flow_warnings: Option<Vec<String>>) -> Self {
        let vars = Vars::of(run);
        Summary {
            head: head(run),
            flow_warnings,
            tail: tail(run, &vars),
            limits: vars.limits(),
            run_lifecycle: vars.lifecycle(),
            is_draft: vars.is_draft(),
        }
    }
}

impl<'a> ListRow<'a> {
    pub fn of(run: &'a RunRow, with_metrics: bool, with_ledger_len: bool) -> Self {
        let vars = Vars::of(run);
        ListRow {
            head: head(run),
            tail: tail(run, &vars),
            limits: None,
            run_lifecycle: vars.lifecycle(),
            is_draft: vars.is_draft(),
            metrics: with_metrics.then(|| Metrics::of(run)),
            ledger_len: with_ledger_len.then_some(run.last_seq),
        }
    }
}
