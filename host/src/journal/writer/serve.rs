//! Requests to rules, and after the commit the news to whoever listens.

use std::collections::HashSet;

use super::*;
use crate::record::RunStatus;

impl<S: Store> Writer<S> {
    /// Which of the runs that this commit is to make exist already, and what its commands name: one question for all of them each.
    pub(super) async fn look_up(&mut self, batch: &[Request]) -> Result<(), Error> {
        let new = batch.iter().flat_map(|request| match request {
            Request::Start(run, _, _) => std::slice::from_ref(&**run),
            Request::StartDynamic(made, _) => std::slice::from_ref(&made.1),
            Request::Advance(prepared, _) => prepared.advance.children.as_slice(),
            _ => &[],
        });
        self.unit.look_up_ids(new).await?;
        let commands = batch.iter().filter_map(|request| match request {
            Request::Command(command, _) => Some((command.tenant, command.command_id.trim(), command.run_id.as_str())),
            _ => None,
        });
        self.unit.look_up_commands(commands).await
    }

    /// Serves one request. An error here is the database's and fails the commit; a refusal is kept as the request's answer.
    pub(super) async fn serve(&mut self, request: Request) -> Result<(), Error> {
        let unit = &mut self.unit;
        let answer = match request {
            Request::Start(run, artifacts, reply) => settle(reply, unit.start(*run, artifacts).await),
            Request::StartDynamic(made, reply) => {
                let (workflow, run) = *made;
                settle(reply, unit.start_dynamic(workflow, run).await)
            }
            Request::Advance(prepared, reply) => settle(reply, unit.advance(*prepared).await),
            Request::FinishCall(call, reply) => settle(reply, unit.finish_call(*call).await),
            Request::Command(command, reply) => settle(reply, unit.command(*command, self.role == Role::Runner).await),
            Request::InstallBundle(bundle, replace, reply) => settle(reply, unit.install_bundle(*bundle, replace).await),
            Request::RemoveBundle(tenant, id, version, reply) => {
                settle(reply, unit.store.remove_bundle(tenant, (&id, &version)).await)
            }
            Request::PutComponent(tenant, component, reply) => settle(reply, unit.put_component(tenant, *component).await),
            Request::KeepCompiled(tenant, compiled, reply) => settle(reply, unit.store.put_compiled(tenant, &compiled).await),
            Request::DescribeComponent(tenant, digest, description, reply) => {
                settle(reply, unit.describe_component(tenant, digest, description).await)
            }
            Request::PutBlob(tenant, bytes, reply) => {
                let digest = Digest::of(&bytes);
                settle(reply, unit.store.put_blob(tenant, digest, bytes).await.map(|()| digest))
            }
            Request::ImportRun(run, reply) => settle(reply, unit.import_run(*run).await),
            Request::MoveRun(run, reply) => settle(reply, unit.move_run(*run).await),
            Request::ImportCommand(command, reply) => settle(reply, unit.import_command(*command).await),
            Request::PutArtifact(tenant, put, reply) => settle(reply, unit.put_artifact(tenant, *put).await),
            Request::ImportArtifact(tenant, artifact, reply) => settle(reply, unit.import_artifact(tenant, *artifact).await),
            Request::SessionMemory(tenant, session, reply) => settle(reply, unit.session_memory(tenant, &session).await),
            Request::NoteAccess(note) => {
                unit.out.writes.accesses.push(*note);
                return Ok(());
            }
            Request::Deprecate(tenant, row, reply) => settle(reply, unit.deprecate(tenant, &row).await),
            Request::Undeprecate(tenant, bundle_id, flow_id, reply) => {
                settle(reply, unit.undeprecate(tenant, &bundle_id, flow_id.as_deref()).await)
            }
            Request::FireDue(now, reply) => settle(reply, unit.fire_all_due(now).await),
            Request::Chore(chore, reply) => settle(reply, unit.chore(chore).await),
            Request::TouchBundles(tenant, reply) => settle(reply, unit.store.touch_bundles(tenant).await),
            Request::Probe(reply) => {
                let now = unit.out.now;
                settle(reply, unit.store.probe(now).await)
            }
            Request::Close(reply) => {
                self.closing = Some(reply);
                return Ok(());
            }
        };
        match answer {
            Ok(answer) => {
                self.answers.push(answer);
                Ok(())
            }
            Err((answer, error)) => {
                // The failing request's caller is answered with all the others.
                self.answers.push(answer);
                Err(error)
            }
        }
    }

    /// Step 4: what earlier commits, other processes and the clock have left to do.
    pub(super) async fn catch_up(&mut self, now: Micros) -> Result<(), Error> {
        if std::mem::take(&mut self.unit.deliveries_open) {
            self.unit.continue_deliveries().await?;
        }
        if std::mem::take(&mut self.unit.commands_open) | self.unit.out.listener_armed {
            self.unit.apply_stored().await?;
        }
        if std::mem::take(&mut self.unit.due_unknown) {
            self.unit.flush().await?;
            self.unit.next_due = self.unit.store.next_due().await?;
        }
        if let Some(at) = self.unit.out.armed_until.take() {
            self.unit.next_due = Some(self.unit.next_due.map_or(at, |due| due.min(at)));
        }
        if !self.clock.is_virtual() && self.unit.next_due.is_some_and(|due| due <= now) {
            self.unit.fire_due(now, timer::AT_ONCE).await?;
        }
        Ok(())
    }

    /// Keeps the runs that this commit makes for their drivers; with `ahead`, those that clients have started get them at once. What these
    /// compute is worth nothing until their own commit, which comes behind this one, and is refused if this one has failed. Children
    /// wait: their driver may ask the database for their ancestors.
    pub(super) fn keep_new(&mut self, ahead: bool) {
        let out = &mut self.unit.out;
        // What is kept of a run that was just made is worth something only until the run moves.
        self.shared.fresh.forget(out.news.keys());
        let mut early = HashSet::new();
        for run in out.fresh.drain(..) {
            let (at, is_root) = (run.row.at, run.row.parent_run_id.is_none());
            let news = out.news.get(&at);
            let is_unmoved = news.is_none_or(|news| news.rows.is_empty() && news.status == RunStatus::Running);
            if is_unmoved && self.shared.fresh.keep(run) && is_root && ahead {
                early.insert(at);
            }
        }
        let is_early = |wake: &mut Wake| matches!(wake, Wake::Ready(run) if early.contains(run));
        self.shared.wakes.add(out.wakes.extract_if(.., is_early));
    }

    /// Step 6, less the callers.
    pub(super) fn tell(&mut self) {
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        let out = &mut self.unit.out;
        for at in out
            .news
            .iter()
            .filter(|(_, news)| news.status.is_terminal())
            .map(|(at, _)| *at)
        {
            self.unit.heads.forget(at);
        }
        self.unit.heads.age();
        self.moved.extend(out.news.keys());
        let due = self.unit.next_due.map_or(i64::MAX, |due| due.0);
        self.shared.next_due.store(due, Ordering::Release);
        self.shared.topics.warm(out.born.iter().map(|(at, _)| *at));
        self.shared.fresh.name(out.born.drain(..));
        if !self.shared.topics.is_empty() {
            let news = out.news.drain(..).filter(|(at, _)| self.shared.topics.has(*at));
            let news = news
                .map(|(run, n)| Published {
                    run,
                    first_seq: n.first_seq,
                    rows: n.rows,
                    status: n.status,
                })
                .collect();
            self.shared.topics.publish(news);
        }
        if self.role == Role::Runner && !out.wakes.is_empty() {
            self.shared.wakes.add(out.wakes.drain(..));
        }
    }
}

/// An answer to be given after the commit; with the error, if that must fail the commit.
fn settle<T: Send + 'static>(reply: Reply<T>, answer: Result<T, Error>) -> Result<Pending, (Pending, Error)> {
    match answer {
        Err(error @ (Error::Database(_) | Error::Corrupt(_) | Error::Blobs(_))) => {
            let text = copy(&error);
            Err((pending(reply, Err(text)), error))
        }
        answer => Ok(pending(reply, answer)),
    }
}
