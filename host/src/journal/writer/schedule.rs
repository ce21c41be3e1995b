//! Schedules: the run that repeats another one is made together with its workflow, and commands change its rhythm.
//!
//! A schedule is a run like any other; its interval is one of the host's variables (`_meta.schedule.interval`), which its flow reads
//! each time before it waits. So a new interval counts from the next wait on, and a wait that is open is moved here.

use super::super::rows::{Members, json};
use super::super::store::Store;
use super::super::types::{DynamicWorkflow, Error, StartRun};
use super::super::wakes::Wake;
use super::Started;
use super::unit::Unit;
use crate::ids::RunRef;
use crate::record::RunStatus;
use crate::schedules::{Interval, WAIT_INTERVAL};

/// The root of a run's tree, if it is a schedule, with its `_meta.schedule`.
struct Schedule {
    root: RunRef,
    about: Members,
}

impl Schedule {
    /// Whether it waits again and again.
    fn is_recurrent(&self) -> bool {
        self.about.text("interval").is_some()
    }

    /// Whether nothing but a cancel ends it.
    fn is_unending(&self) -> bool {
        self.about.get("repeat_count").is_none_or(|count| count.get() == "null")
    }
}

impl<S: Store> Unit<S> {
    /// Makes a workflow and its run. Its component may have expired with another schedule since it was kept: then it is to be made again.
    pub(crate) async fn start_dynamic(&mut self, workflow: DynamicWorkflow, run: StartRun) -> Result<Started, Error> {
        if !self.store.has_component(workflow.tenant, workflow.component).await? {
            let text = format!("the component of '{}' has expired", workflow.workflow_id);
            return Err(Error::NotStored(text));
        }
        let started = self.start(run, Vec::new()).await?;
        let now = self.out.now;
        self.store.put_dynamic_workflow(&workflow, now).await?;
        Ok(started)
    }

    async fn schedule_of(&mut self, at: RunRef) -> Result<Option<Schedule>, Error> {
        self.flush().await?;
        let Some((root, host_vars)) = self.store.root_of(at).await? else {
            return Ok(None);
        };
        let about = Members::of(&host_vars)
            .and_then(|vars| Members::of(vars.get("_meta")?))
            .and_then(|meta| Members::of(meta.get("schedule")?))
            .filter(|about| about.text("kind").as_deref() == Some("scheduled_run"));
        Ok(about.map(|about| Schedule { root, about }))
    }

    /// Gives the schedule that a run belongs to another interval. The inner error is the refusal's text.
    pub(crate) async fn update_schedule(&mut self, at: RunRef, payload: &Members) -> Result<Result<(), String>, Error> {
        let refuse = |text: &str| Ok(Err(text.to_owned()));
        let Some(text) = payload.text("interval").or_else(|| payload.text("schedule")) else {
            return refuse("update_schedule requires payload.interval");
        };
        let interval = match Interval::parse(&text) {
            Ok(interval) => interval,
            Err(error) => return Ok(Err(format!("Invalid interval: {error}"))),
        };
        let Some(schedule) = self.schedule_of(at).await? else {
            return refuse("the run belongs to no schedule");
        };
        if !schedule.is_recurrent() {
            return refuse("the schedule is not recurrent: it has no interval");
        }
        if interval.is_zero() && schedule.is_unending() {
            return refuse("Invalid interval: a schedule without an end needs one above 0");
        }
        let now = self.out.now;
        let (head, _) = self.known_head(schedule.root).await?;
        if head.state.status.is_terminal() {
            return refuse("the schedule has ended");
        }
        let updated = head.tick(now);
        head.state.updated = updated;
        let patch = json(&serde_json::json!({"_meta": {"schedule": {"interval": text, "updated_at": updated.iso()}}}));
        self.store.put_host_patch(schedule.root, &patch).await?;

        let at_once = payload.get("apply_immediately").is_none_or(|flag| flag.get() != "false");
        let (head, out) = self.known_head(schedule.root).await?;
        if head.state.status == RunStatus::Running {
            // Its driver has told the flow the old interval: what it has not committed is computed again.
            head.state.epoch += 1;
            out.wakes.push(Wake::Stopped(schedule.root));
            head.wake(out);
        } else if at_once && head.state.node.as_deref() == Some(WAIT_INTERVAL) {
            head.wait_until(out, now.plus(interval.micros()));
        }
        head.touch(out);
        Ok(Ok(()))
    }

    /// A resumed run of a recurrent schedule whose root waits for its time: the time is now.
    pub(crate) async fn hasten_schedule(&mut self, at: RunRef) -> Result<(), Error> {
        let Some(schedule) = self.schedule_of(at).await?.filter(Schedule::is_recurrent) else {
            return Ok(());
        };
        let (head, out) = self.known_head(schedule.root).await?;
        let now = out.now;
        if !head.state.pause.paused && head.waits.iter().any(|w| w.until.is_some_and(|until| until > now)) {
            head.wait_until(out, now);
            head.state.updated = head.tick(now);
            head.touch(out);
        }
        Ok(())
    }
}
