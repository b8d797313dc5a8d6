//! What follows from messages and is stored beside them: how far a conversation has come, and that who writes has read
//! what came before.
//!
//! It stands in documents of its own, so that inboxes are found by an index, and writing it costs more than the message
//! itself. So it is written behind the acknowledgement, for a whole burst at once. Whoever reads it on this node waits
//! until it is written; other nodes see it [`PAUSE`] later. What a node leaves unwritten that is killed, the next one
//! makes again from the newest messages before it shows any of it.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
    time::Duration,
};

use mongodb::bson::{Document, doc};
use parking_lot::Mutex;
use parlor_domain::{ConversationId, Message, Seq, Timestamp, UserId};
use tokio::{
    select,
    sync::{Notify, watch},
    time::sleep,
};
use tracing::warn;

use super::super::{
    database::{Collections, TimeLimits, answer},
    documents::{PlaceDocument, date, decode, long, oid},
    error::Attempt,
};

/// The least time between two writes that nobody waits for.
const PAUSE: Duration = Duration::from_secs(1);
/// Of how many of the newest messages it is made again: more than are written in a few pauses.
const REPAIRED: i64 = 10_000;
/// How many updates go in one command.
const AT_ONCE: usize = 1000;

/// What is to be written, and what is under way.
#[derive(Default)]
pub(super) struct Derived {
    state: Mutex<State>,
    /// There is something to write.
    noted: Notify,
    /// Somebody waits for it.
    hurry: Notify,
    /// How many rounds of writing are over.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    next: Changes,
    /// The conversations of the round that is under way, if one is.
    under_way: Option<HashSet<ConversationId>>,
    /// Whether what earlier nodes have left unwritten has been made again.
    repaired: bool,
    /// How many rounds have begun.
    begun: u64,
}

/// What follows from some messages.
#[derive(Clone, Default)]
struct Changes {
    activity: HashMap<ConversationId, Timestamp>,
    read: HashMap<(ConversationId, UserId), Seq>,
}

impl Derived {
    /// Takes note of what follows from these messages.
    pub(super) fn note<'a>(&self, messages: impl Iterator<Item = &'a Message>) {
        let mut state = self.state.lock();
        for message in messages {
            state.next.add(message.conversation_id, message.sender_id, message.seq, message.created_at);
        }
        drop(state);
        self.noted.notify_one();
    }

    /// Waits until everything has been written that was noted so far, what earlier nodes have left included; or could
    /// not be.
    pub(super) async fn written(&self) {
        let round = self.state.lock().round_of_everything();
        self.wait_for(round).await;
    }

    /// The same for some conversations.
    pub(super) async fn written_for(&self, conversations: &[ConversationId]) {
        let round = self.state.lock().round_of(conversations);
        if let Some(round) = round {
            self.wait_for(round).await;
        }
    }

    /// Waits until everything has been written that this node has noted; or could not be.
    pub(super) async fn flushed(&self) {
        let round = self.state.lock().round_of_noted();
        self.wait_for(round).await;
    }

    async fn wait_for(&self, round: u64) {
        let mut written = self.written.subscribe();
        while *written.borrow_and_update() < round {
            self.noted.notify_one();
            self.hurry.notify_one();
            // There is always a sender: it is this.
            let _ = written.changed().await;
        }
    }

    /// Writes, for ever.
    pub(super) async fn run(self: Arc<Self>, collections: Collections, limits: TimeLimits) {
        let mut failing = false;
        loop {
            self.noted.notified().await;
            let (changes, repaired) = self.begin();
            let outcome = write(changes.clone(), repaired, &collections, limits).await;
            if let Err(failure) = &outcome
                && !failing
            {
                warn!(%failure, "can't write what follows from messages; trying again");
            }
            failing = outcome.is_err();
            self.end(changes, !failing);
            select! {
                () = self.hurry.notified() => {}
                () = sleep(PAUSE) => {}
            }
        }
    }

    fn begin(&self) -> (Changes, bool) {
        let mut state = self.state.lock();
        let changes = std::mem::take(&mut state.next);
        state.begun += 1;
        state.under_way = Some(changes.activity.keys().copied().collect());
        (changes, state.repaired)
    }

    fn end(&self, changes: Changes, written: bool) {
        let mut state = self.state.lock();
        state.under_way = None;
        if written {
            state.repaired = true;
        } else {
            state.next.merge(changes);
            self.noted.notify_one();
        }
        drop(state);
        self.written.send_modify(|rounds| *rounds += 1);
    }
}

impl State {
    fn round_of_everything(&self) -> u64 {
        // A round makes again what was left, as long as that is not done.
        if self.repaired || self.under_way.is_some() { self.round_of_noted() } else { self.begun + 1 }
    }

    fn round_of_noted(&self) -> u64 {
        self.begun + u64::from(!self.next.is_empty())
    }

    /// The round by which everything is written of these conversations, if it is not yet.
    fn round_of(&self, conversations: &[ConversationId]) -> Option<u64> {
        if !self.repaired {
            return Some(self.round_of_everything());
        }
        if conversations.iter().any(|id| self.next.activity.contains_key(id)) {
            return Some(self.begun + 1);
        }
        let under_way = self.under_way.as_ref()?;
        conversations.iter().any(|id| under_way.contains(id)).then_some(self.begun)
    }
}

/// Writes the changes, and makes again what earlier nodes have left if that is not done yet.
async fn write(changes: Changes, repaired: bool, c: &Collections, limits: TimeLimits) -> Attempt<()> {
    let mut changes = changes;
    if !repaired {
        let collections = c.clone();
        let left = tokio::spawn(async move { left_unwritten(&collections).await });
        changes.merge(answer(limits.operation, left).await?);
    }
    if changes.is_empty() {
        return Ok(());
    }
    let collections = c.clone();
    answer(limits.attempt, tokio::spawn(async move { changes.write(&collections).await })).await
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.activity.is_empty()
    }

    fn add(&mut self, conversation: ConversationId, sender: UserId, seq: Seq, at: Timestamp) {
        raise(&mut self.activity, [(conversation, at)]);
        raise(&mut self.read, [((conversation, sender), seq)]);
    }

    fn merge(&mut self, other: Self) {
        raise(&mut self.activity, other.activity);
        raise(&mut self.read, other.read);
    }

    /// Not waited for until a majority has it, as it follows from the log.
    async fn write(self, c: &Collections) -> Attempt<()> {
        let conversations = self.activity.into_iter().map(|(id, at)| {
            doc! { "q": { "_id": oid(id.as_bytes()) }, "u": { "$max": { "updatedAt": date(at) } } }
        });
        let members = self.read.into_iter().map(|((conversation, user), seq)| {
            doc! {
                "q": { "conversation": oid(conversation.as_bytes()), "user": oid(user.as_bytes()) },
                "u": { "$max": { "readSeq": long(seq.get()) } },
            }
        });
        let (conversations, members): (Vec<_>, Vec<_>) = (conversations.collect(), members.collect());
        let (conversations, members) =
            tokio::join!(update(c, "conversations", &conversations), update(c, "members", &members));
        conversations.and(members)
    }
}

/// Sets what is lower there, or not there yet.
fn raise<K: Eq + Hash, V: Copy + Ord>(to: &mut HashMap<K, V>, values: impl IntoIterator<Item = (K, V)>) {
    for (key, value) in values {
        let known = to.entry(key).or_insert(value);
        *known = value.max(*known);
    }
}

async fn update(c: &Collections, collection: &str, updates: &[Document]) -> Attempt<()> {
    for updates in updates.chunks(AT_ONCE) {
        c.update_many(collection, updates.to_vec(), doc! { "w": 1 }).await?;
    }
    Ok(())
}

/// What follows from the newest messages of the store: a node may have ended before it wrote that. The order in which
/// they lie there is nearly that in which they came, and no index has it.
async fn left_unwritten(c: &Collections) -> Attempt<Changes> {
    let places = doc! { "_id": 0, "conversation": 1, "sender": 1, "seq": 1, "createdAt": 1 };
    // Not the places that changed ones have left.
    let messages = doc! { "seq": { "$gt": 0_i64 } };
    let newest = c.messages.find(messages).sort(doc! { "$natural": -1 }).limit(REPAIRED);
    let mut newest = newest.projection(places).await?;
    let mut changes = Changes::default();
    while newest.advance().await? {
        // One that is corrupt is told to who reads it, and must not keep the others from being repaired.
        if let Ok(place) = decode::<PlaceDocument>(newest.current()) {
            changes.add(place.conversation_id, place.sender_id, place.seq, place.created_at);
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use mongodb::event::{EventHandler, command::CommandEvent};
    use tokio::time::Instant;

    use super::*;
    use crate::{
        contract::Fixture,
        mongodb::{MongoOptions, MongoStore},
        testing::MongoDatabase,
    };

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_follows_from_a_burst_is_written_a_few_times_and_not_with_each_message() {
        let updates = Arc::<AtomicU32>::default();
        let database = MongoDatabase::fresh();
        let counter = Arc::clone(&updates);
        let count = move |event| {
            if let CommandEvent::Started(event) = event
                && event.command.get_str("update").is_ok_and(|collection| collection == "conversations")
            {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        };
        let adjust = |options: &mut mongodb::options::ClientOptions| {
            options.command_event_handler = Some(EventHandler::callback(count));
        };
        let store = MongoStore::connect_with(database.url(), &MongoOptions::default(), adjust).await.unwrap();
        store.migrate().await.unwrap();
        let fixture = Fixture::new(store.stores());
        let (ada, _, conversation) = fixture.pair().await;
        let began = Instant::now();
        for n in 0..200 {
            fixture.send(ada, conversation, &n.to_string()).await;
        }
        let entry = fixture.stores.conversations.find(conversation, ada).await.unwrap().unwrap();
        assert_eq!(entry.me.read_seq, Seq::new(200));
        let pauses = began.elapsed().as_millis() / PAUSE.as_millis();
        let written = updates.load(Ordering::Relaxed);
        assert!(u128::from(written) <= pauses + 3, "written {written} times in {pauses} pauses");
    }
}
