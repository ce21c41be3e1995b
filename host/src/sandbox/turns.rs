//! Whose turn it is to compute, so that endless loops of one flow do not keep the processor from the others.
//!
//! A flow computes in slices of [`SLICE`] fuel. As long as it has used little ([`SHORT`]), its slices follow each other as the
//! executor has it: the short runs that most are never wait here. From then on each slice needs a turn. There are fewer turns than
//! the executor has threads, so one thread is always left for short runs, requests and commits, and turns go around: tenant by
//! tenant, among a tenant's runs in the order in which they asked. Waiting for a turn does not count as a tick's time.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::ids::TenantId;

/// Fuel after which a flow lets other work run; a millisecond or less.
pub(super) const SLICE: u64 = 1_000_000;

/// Fuel that an instance uses before it computes in turns; about ten milliseconds.
const SHORT: u64 = 10_000_000;

/// The turns of one engine.
#[derive(Debug)]
pub(super) struct Turns(Mutex<Queue>);

/// Held through a slice; the next in the queue gets it when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Arc<Turns>>);

#[derive(Debug)]
struct Queue {
    /// Turns that nobody has or waits for.
    free: usize,
    /// Tenants that wait, the next one first.
    order: VecDeque<TenantId>,
    /// Who waits, by tenant. A tenant is in `order` as long as it is here.
    waiting: HashMap<TenantId, VecDeque<oneshot::Sender<Turn>>>,
}

impl Turns {
    pub fn new(turns: usize) -> Arc<Self> {
        Arc::new(Turns(Mutex::new(Queue {
            free: turns.max(1),
            order: VecDeque::new(),
            waiting: HashMap::new(),
        })))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn, as soon as it is the tenant's.
    pub async fn take(self: &Arc<Self>, tenant: TenantId) -> Turn {
        loop {
            let waiting = {
                let mut queue = self.queue();
                if queue.free > 0 {
                    queue.free -= 1;
                    return Turn(Some(Arc::clone(self)));
                }
                queue.join(tenant)
            };
            if let Ok(turn) = waiting.await {
                return turn;
            }
        }
    }

    /// Gives a turn to the next in the queue who is still there.
    fn pass_on(self: Arc<Self>) {
        loop {
            let next = {
                let mut queue = self.queue();
                let Some(next) = queue.next() else {
                    queue.free += 1;
                    return;
                };
                next
            };
            match next.send(Turn(Some(Arc::clone(&self)))) {
                Ok(()) => return,
                // Nobody was there to take it: this is not its end.
                Err(mut refused) => refused.0 = None,
            }
        }
    }
}

impl Queue {
    fn join(&mut self, tenant: TenantId) -> oneshot::Receiver<Turn> {
        let (sender, receiver) = oneshot::channel();
        let line = self.waiting.entry(tenant).or_default();
        if line.is_empty() {
            self.order.push_back(tenant);
        }
        line.push_back(sender);
        receiver
    }

    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let tenant = self.order.pop_front()?;
        let line = self.waiting.get_mut(&tenant)?;
        let next = line.pop_front();
        if line.is_empty() {
            self.waiting.remove(&tenant);
        } else {
            self.order.push_back(tenant);
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.pass_on();
        }
    }
}

/// How one instance goes through its turns.
pub(super) struct Pace {
    turns: Arc<Turns>,
    tenant: TenantId,
    /// Fuel that the instance has used, in whole slices and ended ticks.
    pub used: u64,
    pub watch: Arc<Watch>,
}

impl Pace {
    pub fn new(turns: &Arc<Turns>, tenant: TenantId) -> Self {
        Pace {
            turns: Arc::clone(turns),
            tenant,
            used: 0,
            watch: Arc::default(),
        }
    }

    /// Drives a call of the flow to its end. Each time the call gives way, a slice is over.
    pub async fn call<T>(&mut self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        self.watch.reset();
        loop {
            let turn = match self.used >= SHORT {
                true => Some(self.turns.take(self.tenant).await),
                false => None,
            };
            let began = self.watch.begin();
            let polled = futures::poll!(call.as_mut());
            self.watch.end(began);
            drop(turn);
            if let Poll::Ready(done) = polled {
                return done;
            }
            self.used = self.used.saturating_add(SLICE);
            // Whoever made the call give way wakes this task again.
            let mut given_way = false;
            poll_fn(|_| match std::mem::replace(&mut given_way, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
        }
    }
}

/// Measures how long one call has computed, without what it waited for its turns.
#[derive(Debug)]
pub(super) struct Watch {
    base: Instant,
    /// Microseconds of the slices that are over.
    spent: AtomicU64,
    /// When the slice that is going on began, in microseconds after `base`.
    began: AtomicU64,
}

impl Default for Watch {
    fn default() -> Self {
        Watch {
            base: Instant::now(),
            spent: AtomicU64::new(0),
            began: AtomicU64::new(0),
        }
    }
}

impl Watch {
    fn reset(&self) {
        self.spent.store(0, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn begin(&self) -> u64 {
        let now = self.now();
        self.began.store(now, Ordering::Relaxed);
        now
    }

    fn end(&self, began: u64) {
        self.spent.fetch_add(self.now().saturating_sub(began), Ordering::Relaxed);
    }

    /// What the call that is going on has computed; to be asked from within it.
    pub fn computed(&self) -> Duration {
        let slice = self.now().saturating_sub(self.began.load(Ordering::Relaxed));
        Duration::from_micros(self.spent.load(Ordering::Relaxed).saturating_add(slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A task that notes its name each time it has its turn.
    fn competes(turns: &Arc<Turns>, log: &Arc<Mutex<Vec<&'static str>>>, name: &'static str, tenant: i64, times: usize) -> Task {
        let (turns, log) = (Arc::clone(turns), Arc::clone(log));
        tokio::spawn(async move {
            for _ in 0..times {
                let turn = turns.take(TenantId(tenant)).await;
                log.lock().unwrap().push(name);
                tokio::task::yield_now().await;
                drop(turn);
            }
        })
    }
    type Task = tokio::task::JoinHandle<()>;

    #[tokio::test]
    async fn turns_go_around_by_tenant_and_then_by_run() {
        let (turns, log) = (Turns::new(1), Arc::default());
        let held = turns.take(TenantId(1)).await;
        let mut tasks: Vec<Task> = ["a1", "a2", "a3"].map(|name| competes(&turns, &log, name, 1, 3)).into();
        tokio::task::yield_now().await;
        tasks.push(competes(&turns, &log, "b", 2, 3));
        tokio::task::yield_now().await;
        drop(held);
        for task in tasks {
            task.await.unwrap();
        }
        let log = log.lock().unwrap();
        // The other tenant joins anew after each of its turns, and two others go before it at most.
        let expected = ["a1", "b", "a2", "a3", "b", "a1", "a2", "b", "a3", "a1", "a2", "a3"];
        assert_eq!(*log, expected);
        let queue = turns.queue();
        assert_eq!(queue.free, 1);
        assert!(queue.waiting.is_empty() && queue.order.is_empty());
    }

    #[tokio::test]
    async fn a_turn_is_not_lost_with_who_waited_for_it() {
        let turns = Turns::new(1);
        let held = turns.take(TenantId(1)).await;
        let gone = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { drop(turns.take(TenantId(1)).await) }
        });
        tokio::task::yield_now().await;
        gone.abort();
        let _ = gone.await;
        drop(held);
        assert_eq!(turns.queue().free, 1);
        drop(turns.take(TenantId(2)).await);
    }

    #[tokio::test]
    async fn a_short_call_takes_no_turn_and_a_long_one_does() {
        let turns = Turns::new(1);
        let mut pace = Pace::new(&turns, TenantId(1));
        let held = turns.take(TenantId(2)).await;
        let slices = SHORT / SLICE;
        let work = |slices: u64| async move {
            for _ in 0..slices {
                tokio::task::yield_now().await;
            }
        };
        pace.call(work(slices - 1)).await;
        assert_eq!(pace.used, SHORT - SLICE);
        let long = tokio::spawn(async move {
            pace.call(work(1)).await;
            pace.used
        });
        while turns.queue().waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!long.is_finished());
        drop(held);
        assert_eq!(long.await.unwrap(), SHORT);
    }
}
