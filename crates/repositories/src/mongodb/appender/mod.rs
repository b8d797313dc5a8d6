//! The one task of a node that writes messages.
//!
//! `seq` and `rev` stand on the message, under unique indexes: whichever node writes, no two messages take one place.
//! While a group of messages is on its way, those that come are collected, and go together in the next: a burst costs
//! few commits, and a single message waits for nobody. A group is inserted in order and ends at its first refusal, so
//! what is stored of it has no hole; the rest is numbered again and tried again.
//!
//! An attempt that is not answered may have happened. A message has its id before it is stored, so what is tried again
//! can't be stored twice; nor can what its sender repeats, which has the same id.

mod closed;
mod derived;
mod group;
mod lookup;
mod memory;

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use parlor_domain::{
    ConversationId, NewMessage, Rev, SystemClock,
    store::{AppendOutcome, StoreError, StoreResult},
};
use tokio::{
    runtime::{Handle, Id},
    select,
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::{Instant, timeout},
};

use self::{closed::Closed, derived::Derived, group::Group, memory::Memory};
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
    memory: Arc<Mutex<Memory>>,
    derived: Arc<Derived>,
    deriving: AbortHandle,
    closed: Arc<Closed>,
    limits: TimeLimits,
}

impl Drop for Appender {
    fn drop(&mut self) {
        self.deriving.abort();
    }
}

/// A message to append, and who waits for it.
struct Job {
    new: NewMessage,
    /// It was tried, and nobody knows what became of it.
    unanswered: bool,
    answer: oneshot::Sender<StoreResult<AppendOutcome>>,
    /// Where the caller waits.
    runtime: Option<Handle>,
}

impl Job {
    /// Whoever waited may have gone.
    fn answer(self, outcome: StoreResult<AppendOutcome>) {
        let _ = self.answer.send(outcome);
    }

    /// Answers many. To wake another runtime takes a call of the kernel, so each is woken once and gives its answers by
    /// itself.
    fn answer_all(answers: impl Iterator<Item = (Self, StoreResult<AppendOutcome>)>) {
        let mut by_runtime: HashMap<Option<Id>, Vec<_>> = HashMap::new();
        for (job, outcome) in answers {
            by_runtime.entry(job.runtime.as_ref().map(Handle::id)).or_default().push((job, outcome));
        }
        for answers in by_runtime.into_values() {
            let runtime = answers.first().and_then(|(job, _)| job.runtime.clone());
            let give = move || answers.into_iter().for_each(|(job, outcome)| job.answer(outcome));
            match runtime {
                Some(runtime) => drop(runtime.spawn(async move { give() })),
                None => give(),
            }
        }
    }
}

impl Appender {
    pub(crate) fn start(collections: Collections, limits: TimeLimits, runtime: &Handle) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (memory, derived) = (Arc::new(Mutex::new(Memory::new(Arc::new(SystemClock)))), Arc::<Derived>::default());
        let deriving = runtime.spawn(Arc::clone(&derived).run(collections.clone(), limits)).abort_handle();
        let closed = Arc::<Closed>::default();
        let writer = Writer {
            collections,
            memory: Arc::clone(&memory),
            derived: Arc::clone(&derived),
            closed: Arc::clone(&closed),
            limits,
        };
        runtime.spawn(writer.run(jobs));
        Self { queue, memory, derived, deriving, closed, limits }
    }

    /// Appends a message, together with those that others append at the same time.
    pub(crate) async fn append(&self, new: NewMessage) -> StoreResult<AppendOutcome> {
        let (answer, outcome) = oneshot::channel();
        self.queue
            .try_send(Job { new, unanswered: false, answer, runtime: Handle::try_current().ok() })
            .map_err(|_| StoreError::unavailable("too many messages are waiting"))?;
        match timeout(self.limits.operation, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(Failure::NoAnswer.into()),
        }
    }

    /// Waits until what follows from messages is written, so that whoever reads it reads what was acknowledged; but no
    /// longer than an attempt may take, as the read has its own time.
    pub(crate) async fn settled(&self) {
        self.in_time(self.derived.written()).await;
    }

    /// The same for some conversations alone, as far as this node has written in them.
    pub(crate) async fn settled_for(&self, conversations: &[ConversationId]) {
        self.in_time(self.derived.written_for(conversations)).await;
    }

    /// Waits until what follows from this node's messages is written.
    pub(crate) async fn flushed(&self) {
        self.in_time(self.derived.flushed()).await;
    }

    async fn in_time(&self, writing: impl Future<Output = ()>) {
        // What could not be written follows from the log all the same.
        let _ = timeout(self.limits.attempt, writing).await;
    }

    /// Where conversations are closed to new messages for a moment.
    pub(crate) const fn closed(&self) -> &Arc<Closed> {
        &self.closed
    }

    /// A change of a message has taken this revision of its conversation, which is no new place for messages.
    pub(crate) fn moved_to(&self, conversation: ConversationId, rev: Rev) {
        self.memory.lock().move_end(conversation, rev);
    }

    /// Where this log ends is not known any more.
    pub(crate) fn forget_end(&self, conversation: ConversationId) {
        self.memory.lock().forget_conversation(conversation);
    }

    /// Forgets what is remembered, because something else has changed it.
    pub(crate) fn forget(&self) {
        self.memory.lock().forget();
    }

    /// Forgets who takes part in a conversation and where its log ends, because something else has changed that.
    pub(crate) fn forget_conversation(&self, id: ConversationId) {
        self.memory.lock().change(id);
    }
}

/// What every group is written with.
struct Writer {
    collections: Collections,
    memory: Arc<Mutex<Memory>>,
    derived: Arc<Derived>,
    closed: Arc<Closed>,
    limits: TimeLimits,
}

impl Writer {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let mut received = Vec::new();
        loop {
            select! {
                count = jobs.recv_many(&mut received, GROUP), if self.closed.has_room() => {
                    if count == 0 {
                        return;
                    }
                }
                () = self.closed.opened() => {}
            }
            let group = self.closed.begin(std::mem::take(&mut received));
            if group.is_empty() {
                continue;
            }
            // A task of its own: if it is given up, it may still come to its end.
            let written = tokio::spawn(self.group().write(group));
            if timeout(self.limits.operation, written).await.is_err() {
                self.memory.lock().forget_ends();
            }
            self.closed.end();
        }
    }

    fn group(&self) -> Group {
        Group {
            collections: self.collections.clone(),
            memory: Arc::clone(&self.memory),
            derived: Arc::clone(&self.derived),
            limits: self.limits,
            pace: Pace::until(Instant::now() + self.limits.operation),
        }
    }
}
