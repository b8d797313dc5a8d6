//! Conversations that the appender leaves alone for a moment, because a change of them would be refused again and again
//! while messages are added. What is sent there waits, in its order; everything else goes on.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use parlor_domain::ConversationId;
use tokio::sync::{Notify, watch};

use super::{GROUP, Job, QUEUE};

/// Which conversations are closed, and what waits for them.
#[derive(Default)]
pub(crate) struct Closed {
    state: Mutex<State>,
    /// Something that waited can go on.
    opened: Notify,
    /// How many groups have been written.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    closed: HashSet<ConversationId>,
    /// The conversations of the group that is on its way.
    under_way: HashSet<ConversationId>,
    waiting: VecDeque<Job>,
}

/// A closed conversation. Dropping it opens it.
pub(crate) struct Closing {
    closed: Arc<Closed>,
    id: ConversationId,
}

impl Closed {
    /// Closes a conversation, of which nobody else may be doing the same, and waits until nothing of it is on its way.
    pub(crate) async fn close(self: Arc<Self>, id: ConversationId) -> Closing {
        self.state.lock().closed.insert(id);
        let closing = Closing { closed: Arc::clone(&self), id };
        let mut written = self.written.subscribe();
        while self.state.lock().under_way.contains(&id) {
            // There is always a sender: it is this.
            let _ = written.changed().await;
        }
        closing
    }

    /// Waits until something can go on that waited for its conversation.
    pub(super) async fn opened(&self) {
        self.opened.notified().await;
    }

    /// Whether more may wait.
    pub(super) fn has_room(&self) -> bool {
        self.state.lock().waiting.len() < QUEUE
    }

    /// What of these, and of what waits, can be written now, in its order. It is on its way from now on. The rest waits.
    pub(super) fn begin(&self, jobs: Vec<Job>) -> VecDeque<Job> {
        let mut state = self.state.lock();
        let mut all = std::mem::take(&mut state.waiting);
        all.extend(jobs);
        // Who has waited too long has been told so, and may be sending again.
        all.retain(|job| !job.answer.is_closed());
        let mut group = VecDeque::new();
        for job in all {
            if group.len() < GROUP && !state.closed.contains(&job.new.conversation_id) {
                state.under_way.insert(job.new.conversation_id);
                group.push_back(job);
            } else {
                state.waiting.push_back(job);
            }
        }
        if state.can_go_on() {
            self.opened.notify_one();
        }
        group
    }

    /// The group that was on its way is there no longer.
    pub(super) fn end(&self) {
        self.state.lock().under_way.clear();
        self.written.send_modify(|groups| *groups += 1);
    }
}

impl State {
    fn can_go_on(&self) -> bool {
        self.waiting.iter().any(|job| !self.closed.contains(&job.new.conversation_id))
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let mut state = self.closed.state.lock();
        state.closed.remove(&self.id);
        if state.can_go_on() {
            self.closed.opened.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use parlor_domain::{Mentions, MessageId, MessageText, Metadata, NewMessage, Timestamp, UserId};
    use tokio::sync::oneshot;

    use super::*;

    const HERE: ConversationId = ConversationId::from_bytes([1; 12]);
    const THERE: ConversationId = ConversationId::from_bytes([2; 12]);

    type Outcome = oneshot::Receiver<parlor_domain::store::StoreResult<parlor_domain::store::AppendOutcome>>;

    fn job(conversation_id: ConversationId, text: &str) -> (Job, Outcome) {
        let (answer, outcome) = oneshot::channel();
        let new = NewMessage {
            id: MessageId::from_bytes([3; 12]),
            conversation_id,
            sender_id: UserId::from_bytes([4; 12]),
            text: MessageText::parse(text).unwrap(),
            metadata: Metadata::default(),
            mentions: Mentions::default(),
            client_message_id: None,
            reply_to: None,
            forward: None,
            created_at: Timestamp::from_millis(5),
        };
        (Job { new, unanswered: false, answer, runtime: None }, outcome)
    }

    /// What is written of these.
    fn written(closed: &Closed, jobs: Vec<Job>) -> Vec<String> {
        closed.begin(jobs).iter().map(|job| job.new.text.to_string()).collect()
    }

    #[tokio::test]
    async fn what_is_sent_to_a_closed_conversation_waits_and_everything_else_goes_on() {
        let closed = Arc::<Closed>::default();
        let closing = Arc::clone(&closed).close(HERE).await;
        let (sent, _outcomes): (Vec<_>, Vec<_>) =
            [job(HERE, "1"), job(THERE, "a"), job(HERE, "2"), job(THERE, "b")].into_iter().unzip();
        assert_eq!(written(&closed, sent), ["a", "b"]);
        closed.end();
        assert!(closed.opened().now_or_never().is_none());
        drop(closing);
        closed.opened().await;
        let (late, _outcome) = job(HERE, "3");
        assert_eq!(written(&closed, vec![late]), ["1", "2", "3"]);
    }

    #[tokio::test]
    async fn a_conversation_is_closed_when_what_was_on_its_way_has_been_written() {
        let closed = Arc::<Closed>::default();
        let (sent, _outcome) = job(HERE, "1");
        assert_eq!(written(&closed, vec![sent]), ["1"]);
        let mut closing = Box::pin(Arc::clone(&closed).close(HERE));
        assert!(closing.as_mut().now_or_never().is_none());
        assert!(Arc::clone(&closed).close(THERE).now_or_never().is_some());
        closed.end();
        closing.await;
    }

    #[tokio::test]
    async fn who_has_waited_too_long_is_not_written() {
        let closed = Arc::<Closed>::default();
        let closing = Arc::clone(&closed).close(HERE).await;
        let (gone, outcome) = job(HERE, "gone");
        assert_eq!(written(&closed, vec![gone]), Vec::<String>::new());
        drop((outcome, closing));
        closed.opened().await;
        assert_eq!(written(&closed, Vec::new()), Vec::<String>::new());
    }
}
