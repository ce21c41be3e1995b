//! The end of a run and who is told of it.
//!
//! Order within the commit: the run's own last rows, then the `resume` rows of the runs that waited for it. A paused run is not
//! touched: what it has missed is looked up when it is resumed (see [`tree`](super::tree)), so nothing has to be remembered for it.

use std::sync::Arc;

use super::super::rows::{Members, json};
use super::super::store::{Found, Store, Watched};
use super::super::types::{Error, Outcome};
use super::advance::SUBWORKFLOW;
use super::head::Head;
use super::unit::Unit;
use crate::ids::RunRef;
use crate::record::{Json, RunStatus};

use serde_json::value::RawValue;

impl Head {
    /// What a run that waited for this one is told: `{"sub_run_id", "output"}`. The output is an object: the child's own, another value as
    /// its `result`; for a failed or cancelled child with `success`, `error` and `cancelled` set.
    pub(crate) fn ending(&self) -> Json {
        #[derive(serde::Serialize)]
        struct Payload<'a> {
            sub_run_id: &'a str,
            output: &'a RawValue,
        }
        let output = self
            .state
            .output
            .as_deref()
            .and_then(|text| RawValue::from_string(text.to_owned()).ok());
        let mut object = match output {
            None => Members::default(),
            Some(output) => Members::of(&output).unwrap_or_else(|| Members(vec![("result".to_owned(), output)])),
        };
        if self.state.status != RunStatus::Completed {
            object.set("success", json(&false));
            object.set("error", json(&self.state.error.as_deref()));
            if self.state.status == RunStatus::Cancelled {
                object.set("cancelled", json(&true));
            }
        }
        json(&Payload {
            sub_run_id: &self.id.run_id,
            output: &json(&object),
        })
    }
}

impl<S: Store> Unit<S> {
    /// Ends a run whose last rows are appended, and answers those that wait for it.
    pub(crate) async fn end(
        &mut self,
        at: RunRef,
        status: RunStatus,
        node: Option<String>,
        output: Option<Arc<str>>,
        error: Option<Arc<str>>,
    ) -> Result<(), Error> {
        let (head, out) = self.known_head(at).await?;
        head.state.status = status;
        head.state.output = output;
        head.state.error = error;
        if let Some(node) = node {
            head.state.node = Some(node.into());
            head.state.calls = None;
        }
        head.clear_waits();
        head.touch(out);
        let (watched, parent) = (head.state.watched, head.id.parent);
        let key = format!("{SUBWORKFLOW}{}", head.id.run_id);
        let payload = (watched != Watched::Nobody).then(|| head.ending());
        self.armed(at).await?;
        let Some(payload) = payload else { return Ok(()) };
        let outcome = Outcome::Completed(payload);

        let waiting: Vec<Found> = match (watched, parent) {
            (Watched::Others, _) => {
                self.flush().await?;
                self.store.watchers(at.tenant, &key).await?
            }
            (_, Some(run)) => {
                let parent = RunRef { tenant: at.tenant, run };
                let (head, _) = self.known_head(parent).await?;
                let of_mine = head.waits.iter().filter(|w| w.wait.wait_key.as_deref() == Some(&key));
                of_mine
                    .map(|w| Found {
                        at: parent,
                        effect_id: w.effect_id,
                        ord: w.ord,
                        claimed: None,
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        for found in waiting {
            let (head, out) = self.known_head(found.at).await?;
            if !head.state.pause.paused {
                head.answer(out, found.effect_id, &outcome)?;
            }
        }
        Ok(())
    }

    /// A listener is at its first wait, or will never be. The run that was started with it may go when it was the last.
    pub(crate) async fn armed(&mut self, at: RunRef) -> Result<(), Error> {
        let (head, out) = self.known_head(at).await?;
        if !std::mem::take(&mut head.state.arming) {
            return Ok(());
        }
        head.touch(out);
        out.listener_armed = true;
        let Some(run) = head.id.parent else { return Ok(()) };
        let (head, out) = self.known_head(RunRef { tenant: at.tenant, run }).await?;
        head.state.unarmed = head.state.unarmed.saturating_sub(1);
        head.touch(out);
        if head.state.unarmed == 0 {
            head.wake(out);
        }
        Ok(())
    }
}
