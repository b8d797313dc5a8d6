//! The one task of a node that writes messages.
//!
//! `seq` and `rev` stand on the message, under unique indexes: whichever node writes, no two messages take one place.
//! While a group of messages is on its way, those that come are collected, and go together in the next: a burst costs
//! few commits, and a single message waits for nobody. A group is inserted in order and ends at its first refusal, so
//! what is stored of it has no hole; the rest is numbered again and tried again.
//!
//! An attempt that is not answered may have happened. Messages have ids of their own, so what is tried again can't be
//! stored twice, and what is found to be stored was stored by the first attempt.

mod group;
mod lookup;

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use parlor_domain::{
    ConversationId, NewMessage, Rev, Seq,
    store::{AppendOutcome, StoreError, StoreResult},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use self::group::Group;
use super::{
    database::{Collections, Pace, TimeLimits},
    error::Failure,
};

/// How many messages may wait.
const QUEUE: usize = 4096;
/// How many messages are written together.
const GROUP: usize = 500;

/// Where to send messages that shall be appended.
pub(crate) struct Appender {
    queue: mpsc::Sender<Job>,
    ends: Ends,
    limits: TimeLimits,
}

/// Where the logs end, as far as this node knows. Wrong where another node has written since: then the place is taken.
type Ends = Arc<Mutex<HashMap<ConversationId, (Seq, Rev)>>>;

/// A message to append, and who waits for it.
struct Job {
    new: NewMessage,
    answer: oneshot::Sender<StoreResult<AppendOutcome>>,
}

impl Job {
    /// Whoever waited may have gone.
    fn answer(self, outcome: StoreResult<AppendOutcome>) {
        let _ = self.answer.send(outcome);
    }
}

impl Appender {
    pub(crate) fn start(collections: Collections, limits: TimeLimits, runtime: &Handle) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let ends = Ends::default();
        runtime.spawn(run(jobs, collections, Arc::clone(&ends), limits));
        Self { queue, ends, limits }
    }

    /// Appends a message, together with those that others append at the same time.
    pub(crate) async fn append(&self, new: NewMessage) -> StoreResult<AppendOutcome> {
        let (answer, outcome) = oneshot::channel();
        self.queue
            .try_send(Job { new, answer })
            .map_err(|_| StoreError::unavailable("too many messages are waiting"))?;
        match timeout(self.limits.operation, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(Failure::NoAnswer.into()),
        }
    }

    /// Forgets where the logs end, because something else has changed them.
    pub(crate) fn forget(&self) {
        self.ends.lock().clear();
    }
}

async fn run(mut jobs: mpsc::Receiver<Job>, collections: Collections, ends: Ends, limits: TimeLimits) {
    let mut group = Vec::new();
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        // Who has waited too long has been told so, and may be sending again.
        group.retain(|job: &Job| !job.answer.is_closed());
        if group.is_empty() {
            continue;
        }
        let pace = Pace::until(Instant::now() + limits.operation);
        let writing = Group { collections: collections.clone(), ends: Arc::clone(&ends), limits, pace };
        // A task of its own: if it is given up, it may still come to its end.
        let written = tokio::spawn(writing.write(std::mem::take(&mut group).into()));
        if timeout(limits.operation, written).await.is_err() {
            ends.lock().clear();
        }
    }
}
