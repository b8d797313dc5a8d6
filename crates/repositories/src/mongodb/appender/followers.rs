//! What follows from messages: how far a conversation has come, and that who writes has read what came before.
//!
//! It stands in documents of its own, so that inboxes are found by an index, and writing it costs more than the message
//! itself. So it is written behind the acknowledgement, for a whole burst at once. Whatever is read of it on this node
//! waits until it is written; other nodes see it at most [`PAUSE`] later. What a node that ends leaves unwritten is
//! made again from the log.

use std::{
    collections::{HashMap, HashSet},
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
    database::{Collections, TimeLimits, all, answer},
    documents::{PlaceDocument, date, long, oid},
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
pub(super) struct Followers {
    state: Mutex<State>,
    /// There is something to write.
    noted: Notify,
    /// Somebody waits for it.
    hurry: Notify,
    /// How many turns of writing are over.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// For the next turn.
    next: Changes,
    /// Which conversations the turn is about that is under way.
    under_way: HashSet<ConversationId>,
    /// How many turns have begun. The first makes again what earlier nodes have left undone.
    begun: u64,
}

/// What follows from some messages.
#[derive(Clone, Default)]
struct Changes {
    activity: HashMap<ConversationId, Timestamp>,
    read: HashMap<(ConversationId, UserId), Seq>,
}

impl Followers {
    /// Takes note of what follows from these messages.
    pub(super) fn note<'a>(&self, messages: impl Iterator<Item = &'a Message>) {
        let mut state = self.state.lock();
        for message in messages {
            state.next.add(message.conversation_id, message.sender_id, message.seq, message.created_at);
        }
        drop(state);
        self.noted.notify_one();
    }

    /// Waits until all is written that has been noted so far, what earlier nodes have left undone included; or has
    /// failed.
    pub(super) async fn written(&self) {
        let turn = self.state.lock().turn_of_all();
        self.wait_for(turn).await;
    }

    /// The same for some conversations alone, as far as this node has written in them.
    pub(super) async fn written_for(&self, conversations: &[ConversationId]) {
        let turn = self.state.lock().turn_of(conversations);
        if let Some(turn) = turn {
            self.wait_for(turn).await;
        }
    }

    async fn wait_for(&self, turn: u64) {
        let mut written = self.written.subscribe();
        while *written.borrow_and_update() < turn {
            self.noted.notify_one();
            self.hurry.notify_one();
            // There is always a sender: it is this.
            let _ = written.changed().await;
        }
    }

    /// Writes, for ever.
    pub(super) async fn run(self: Arc<Self>, collections: Collections, limits: TimeLimits) {
        self.noted.notified().await;
        let undone = {
            let collections = collections.clone();
            answer(limits.attempt, tokio::spawn(async move { left_undone(&collections).await })).await
        };
        let undone = undone.unwrap_or_else(|failure| {
            warn!(%failure, "can't read what follows from the last messages");
            Changes::default()
        });
        self.begin(|_| undone.clone());
        self.write(undone, &collections, limits).await;
        loop {
            let changes = self.begin(|state| std::mem::take(&mut state.next));
            self.write(changes, &collections, limits).await;
            select! {
                () = self.hurry.notified() => {}
                () = sleep(PAUSE) => {}
            }
            self.noted.notified().await;
        }
    }

    fn begin(&self, choose: impl FnOnce(&mut State) -> Changes) -> Changes {
        let mut state = self.state.lock();
        let changes = choose(&mut state);
        state.begun += 1;
        state.under_way = changes.activity.keys().copied().collect();
        changes
    }

    async fn write(&self, changes: Changes, collections: &Collections, limits: TimeLimits) {
        if !changes.activity.is_empty() {
            let collections = collections.clone();
            let writing = tokio::spawn(async move { changes.write(&collections).await });
            if let Err(failure) = answer(limits.attempt, writing).await {
                warn!(%failure, "can't write what follows from messages");
            }
        }
        self.state.lock().under_way = HashSet::new();
        self.written.send_modify(|turns| *turns += 1);
    }
}

impl State {
    fn turn_of_all(&self) -> u64 {
        if self.next.activity.is_empty() { self.begun.max(1) } else { self.next_turn() }
    }

    /// The turn by which everything noted of these conversations is written, if it is not yet.
    fn turn_of(&self, conversations: &[ConversationId]) -> Option<u64> {
        if conversations.iter().any(|id| self.next.activity.contains_key(id)) {
            return Some(self.next_turn());
        }
        conversations.iter().any(|id| self.under_way.contains(id)).then_some(self.begun)
    }

    fn next_turn(&self) -> u64 {
        self.begun.max(1) + 1
    }
}

impl Changes {
    fn add(&mut self, conversation: ConversationId, sender: UserId, seq: Seq, at: Timestamp) {
        let newest = self.activity.entry(conversation).or_insert(at);
        *newest = (*newest).max(at);
        let read = self.read.entry((conversation, sender)).or_insert(seq);
        *read = (*read).max(seq);
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

async fn update(c: &Collections, collection: &str, updates: &[Document]) -> Attempt<()> {
    for updates in updates.chunks(AT_ONCE) {
        c.update_many(collection, updates.to_vec(), doc! { "w": 1 }).await?;
    }
    Ok(())
}

/// What follows from the newest messages of the store: a node may have ended before it wrote that.
async fn left_undone(c: &Collections) -> Attempt<Changes> {
    let places = doc! { "_id": 0, "conversation": 1, "sender": 1, "seq": 1, "createdAt": 1 };
    let newest = c.messages.find(doc! {}).sort(doc! { "_id": -1 }).limit(REPAIRED).projection(places).await?;
    let mut changes = Changes::default();
    for place in all::<PlaceDocument>(newest).await? {
        changes.add(place.conversation_id, place.sender_id, place.seq, place.created_at);
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
