//! The hub: connections in, events out.
//!
//! Locks are taken in this order and never in another: a map's shard, a stream, a user, a connection. None is held
//! across an `await`.

use std::{
    collections::HashSet,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;
use parking_lot::Mutex;
use parlor_domain::{Change, Clock, ConversationId, Event, Rev, SessionId, StreamId, UserId};

use crate::{
    ChangeLog, CloseReason, Connection, Envelope, Format, Identity, Outbox,
    places::Standing,
    stream::Stream,
    unheard::{Snapshot, Unheard},
    user::UserSlot,
};

/// What can be set about the hub.
#[derive(Clone, Copy, Debug)]
pub struct HubConfig {
    /// How many bytes may wait for one connection before it is closed as a slow reader. What is read from the log
    /// for it fills at most half of this, and then waits.
    pub queue_bytes: usize,
    /// How long a connection counts as live after the last sign of life.
    pub lease: Duration,
    /// How long a user counts as online after the last connection went, so that reloading a page shows nobody
    /// coming and going.
    pub grace: Duration,
}

/// Who is connected, who listens to what, and the ordered way of every change to every listener.
pub struct Hub {
    pub(crate) config: HubConfig,
    pub(crate) log: Arc<dyn ChangeLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) users: DashMap<UserId, Arc<UserSlot>>,
    pub(crate) streams: DashMap<StreamId, Arc<Stream>>,
    /// Users whose presence may have changed since the last sweep.
    pub(crate) unsettled: Mutex<HashSet<UserId>>,
    /// Orders who came when.
    turns: AtomicU64,
    pub(crate) unheard: Unheard,
    me: Weak<Hub>,
}

/// What the hub holds at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HubStats {
    /// Connections.
    pub connections: usize,
    /// Users who are connected, or were a moment ago.
    pub users: usize,
    /// Streams that these users listen to.
    pub streams: usize,
    /// Changes that wait for one that comes before them.
    pub parked: usize,
}

/// What has to be known of the time when a connection was registered, to attach it later.
#[derive(Debug)]
pub struct Registration {
    hold_calls: u64,
    unheard: Snapshot,
}

/// What the store says of a user at the time a connection is attached.
#[derive(Clone, Debug, Default)]
pub struct Attachment {
    /// The streams that the user may see, each with its newest revision.
    pub heads: Vec<(StreamId, Rev)>,
    /// Whether the user's status holds pushes back.
    pub held: bool,
    /// What was held back from the user before this connection: streams, each with the revision after which.
    pub behind: Vec<(StreamId, Rev)>,
}

/// In conversations that more users listen to, nobody is told who comes and goes: it would be everyone to everyone.
const PRESENCE_TOLD: usize = 1000;

impl Hub {
    /// A hub without connections over a log.
    pub fn new(config: HubConfig, log: Arc<dyn ChangeLog>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            config,
            log,
            clock,
            users: DashMap::new(),
            streams: DashMap::new(),
            unsettled: Mutex::default(),
            turns: AtomicU64::new(0),
            unheard: Unheard::new(),
            me: me.clone(),
        })
    }

    /// Adds a connection. Nothing is pushed to it before [`Self::start`]; what happens meanwhile on streams that
    /// the user listens to is pushed then.
    pub fn register(&self, identity: Identity, format: &'static Format) -> (Arc<Connection>, Outbox, Registration) {
        let lease_until = self.clock.now() + self.config.lease;
        let connection = Arc::new(Connection::new(identity, format, self.config.queue_bytes, lease_until));
        let slot = self.users.entry(identity.user).or_insert_with(|| Arc::new(UserSlot::new(identity.user)));
        let mut user = slot.lock();
        if user.connections.is_empty() {
            user.here_since = self.next_turn();
            user.news_since = user.here_since;
        }
        user.connections.push(Arc::clone(&connection));
        let registration = Registration { hold_calls: user.hold_calls, unheard: self.unheard.snapshot() };
        drop(user);
        drop(slot);
        self.unsettled.lock().insert(identity.user);
        let outbox = Outbox { connection: Arc::clone(&connection), hub: self.me.clone() };
        (connection, outbox, registration)
    }

    /// Makes the user of a registered connection listen to its streams. What was published on some of them between
    /// the registration and this call may have passed unheard: of those that this gives, the caller reads the heads
    /// once more and tells them by [`Self::reconcile`].
    #[must_use]
    pub fn attach(
        &self,
        connection: &Connection,
        registration: Registration,
        attachment: &Attachment,
    ) -> Vec<StreamId> {
        let Some(slot) = self.user(connection.identity.user) else { return Vec::new() };
        for (stream, head) in &attachment.heads {
            self.listen(&slot, *stream, *head, Some(connection));
        }
        for (stream, rev) in &attachment.behind {
            connection.fall_behind(*stream, *rev);
        }
        let mut user = slot.lock();
        user.attached = true;
        if user.hold_calls == registration.hold_calls {
            user.set_held(attachment.held);
        }
        drop(user);
        self.catch_up_all(&slot);
        let streams = attachment.heads.iter().map(|(stream, _)| *stream);
        streams.filter(|stream| self.unheard.since(&registration.unheard, *stream)).collect()
    }

    /// Begins, or begins again, to push to a connection: first what it is behind on, then live.
    pub fn start(&self, connection: &Arc<Connection>) {
        connection.resume();
        self.catch_up(connection);
    }

    /// Stops pushing to a connection until [`Self::start`], and sets it to these revisions of streams that its
    /// user may see: what comes after them it gets from the log then.
    pub fn rewind(&self, connection: &Connection, positions: &[(StreamId, Rev)]) {
        connection.pause_at(positions);
    }

    /// Sets a connection that is paused to the revisions that it was given from the log meanwhile. Where its stream has
    /// come no further and nothing has happened since the pause, the log is not read again.
    pub fn bring_to(&self, connection: &Connection, positions: &[(StreamId, Rev)]) {
        for (id, rev) in positions {
            let stream = self.stream(*id);
            // The lock keeps changes out until the connection is set.
            let state = stream.as_ref().map(|stream| stream.lock());
            let is_head = state.as_ref().is_some_and(|state| state.head == *rev);
            if !(is_head && connection.is_live_on(*id)) {
                connection.pause_at(&[(*id, *rev)]);
            }
        }
    }

    /// Tells the hub how far streams have come in the log. What it has not handed out, it reads there.
    pub fn reconcile(&self, heads: &[(StreamId, Rev)]) {
        for (id, rev) in heads {
            if let Some(stream) = self.heard(*id) {
                let repair = stream.lock().is_at(*rev);
                if repair {
                    self.repair(&stream);
                }
            }
        }
    }

    /// Pushes a change to all who listen to its stream, in the order of revisions, whatever the order of these
    /// calls. A change that was pushed before is not pushed again.
    pub fn publish(&self, change: Change) {
        let Some(stream) = self.heard(change.stream) else { return };
        let envelope = Arc::new(Envelope::new(Some((change.stream, change.rev)), change.event));
        let repair = stream.lock().publish(change.rev, envelope);
        if repair {
            self.repair(&stream);
        }
    }

    /// Pushes to all who listen to a conversation, but some users, what is no change of it. Who does not get a
    /// receipt now, gets the newest one later; anything else passes.
    pub fn announce(&self, conversation: ConversationId, event: Event, except: impl IntoIterator<Item = UserId>) {
        let id = StreamId::Conversation(conversation);
        let Some(stream) = self.stream(id) else { return };
        let standing = match event {
            Event::ReceiptUpdated(_) => Standing::State,
            Event::MessageCreated(_)
            | Event::MessageUpdated(_)
            | Event::MessageDeleted(_)
            | Event::Typing { .. }
            | Event::PresenceUpdated(_)
            | Event::UserUpdated(_)
            | Event::ConversationCreated(_)
            | Event::FriendRequestCreated(_)
            | Event::FriendRequestUpdated(_)
            | Event::FriendAdded(_)
            | Event::FriendRemoved(_)
            | Event::BlockUpdated(_)
            | Event::ConversationUpdated(_)
            | Event::ConversationDeleted(_)
            | Event::Resync => Standing::Passing,
        };
        let except: HashSet<UserId> = except.into_iter().collect();
        let state = stream.lock();
        state.announce(&Envelope::new(Some((id, state.head)), event), standing, &except);
    }

    /// Pushes a passing state of a user to all connected members of these conversations, each once, but not to
    /// himself nor to those in `except`. The conversations are those that he is in: he need not be connected. Who is
    /// held or paused at the time does not get it.
    pub fn announce_to_contacts(
        &self,
        user: UserId,
        conversations: &[ConversationId],
        except: &HashSet<UserId>,
        event: Event,
    ) {
        self.announce_to_those_here_before(u64::MAX, user, conversations, except, event);
        // Afterwards: whoever has been told this must be told the next thing too, though he came after the user.
        self.note_news(user);
    }

    /// The same, of a user who has come, or shows himself: who came after that has found him here.
    pub fn announce_arrival(
        &self,
        user: UserId,
        conversations: &[ConversationId],
        except: &HashSet<UserId>,
        event: Event,
    ) {
        let since = self.user(user).map_or(u64::MAX, |slot| slot.lock().news_since);
        self.announce_to_those_here_before(since, user, conversations, except, event);
    }

    fn announce_to_those_here_before(
        &self,
        turn: u64,
        user: UserId,
        conversations: &[ConversationId],
        except: &HashSet<UserId>,
        event: Event,
    ) {
        let mut told = except.clone();
        told.insert(user);
        let mut contacts = Vec::new();
        for id in conversations {
            let Some(stream) = self.stream(StreamId::Conversation(*id)) else { continue };
            let listeners = &stream.lock().listeners;
            if listeners.len() > PRESENCE_TOLD {
                continue;
            }
            contacts.extend(listeners.iter().filter(|listener| told.insert(listener.user)).cloned());
        }
        let envelope = Envelope::new(None, event);
        for contact in contacts {
            contact.push_if_here_before(turn, &envelope);
        }
    }

    /// The conversations of a user who has an attached connection, or had one a moment ago.
    pub fn conversations_of(&self, user: UserId) -> Option<Vec<ConversationId>> {
        let slot = self.user(user)?;
        let user = slot.lock();
        let conversations = user.streams.iter().filter_map(|stream| match stream {
            StreamId::Conversation(id) => Some(*id),
            StreamId::User(_) => None,
        });
        user.attached.then(|| conversations.collect())
    }

    /// Pushes what passes to one user's connections, but for those that are held or paused.
    pub fn announce_to(&self, user: UserId, event: Event) {
        if let Some(slot) = self.user(user) {
            slot.push(&Envelope::new(None, event), Standing::Passing);
        }
    }

    /// Pushes a passing state of a user to his own connections, also to those that are held or paused.
    pub fn announce_to_self(&self, user: UserId, event: Event) {
        let Some(slot) = self.user(user) else { return };
        let envelope = Envelope::new(None, event);
        for connection in &slot.lock().connections {
            connection.push_through(&envelope);
        }
    }

    /// Holds back what is pushed to a user, until [`Self::release`].
    pub fn hold(&self, user: UserId) {
        if let Some(slot) = self.user(user) {
            let mut user = slot.lock();
            user.set_held(true);
            user.hold_calls += 1;
        }
    }

    /// Pushes what was held back from a user, in order, and goes on live.
    pub fn release(&self, user: UserId) {
        let Some(slot) = self.user(user) else { return };
        let mut user = slot.lock();
        user.set_held(false);
        user.hold_calls += 1;
        drop(user);
        self.catch_up_all(&slot);
    }

    /// Notes a sign of life.
    pub fn heard_of(&self, connection: &Connection) {
        connection.renew_lease(self.clock.now() + self.config.lease);
    }

    /// Closes the user's connections that belong to these sessions.
    pub fn close_sessions(&self, user: UserId, sessions: &[SessionId], reason: CloseReason) {
        let Some(slot) = self.user(user) else { return };
        let user = slot.lock();
        for connection in user.connections.iter().filter(|c| sessions.contains(&c.identity.session)) {
            connection.close(reason);
        }
    }

    /// Closes every connection, evenly spread over a time, so that not all come back at once.
    pub async fn close_all(&self, spread: Duration) {
        let connections: Vec<_> = self.slots().iter().flat_map(|slot| slot.lock().connections.clone()).collect();
        let pause = spread / u32::try_from(connections.len().max(1)).unwrap_or(u32::MAX);
        let begin = tokio::time::Instant::now();
        for (before, connection) in (0..).zip(connections) {
            // Not a pause after each: timers are no finer than a millisecond.
            tokio::time::sleep_until(begin + pause * before).await;
            connection.close(CloseReason::Shutdown);
        }
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.slots().iter().map(|slot| slot.lock().connections.len()).sum()
    }

    /// What the hub holds at present.
    pub fn stats(&self) -> HubStats {
        let streams: Vec<Arc<Stream>> = self.streams.iter().map(|entry| Arc::clone(entry.value())).collect();
        HubStats {
            connections: self.connections(),
            users: self.users.len(),
            streams: streams.len(),
            parked: streams.iter().map(|stream| stream.lock().parked()).sum(),
        }
    }

    /// How many connections the user has.
    pub fn connections_of(&self, user: UserId) -> usize {
        self.user(user).map_or(0, |slot| slot.lock().connections.len())
    }

    pub(crate) fn disconnect(&self, connection: &Arc<Connection>) {
        connection.close(CloseReason::Silent);
        let user_id = connection.identity.user;
        let Some(slot) = self.user(user_id) else { return };
        let mut user = slot.lock();
        let before = user.connections.len();
        user.connections.retain(|other| !Arc::ptr_eq(other, connection));
        if user.connections.len() == before {
            return;
        }
        user.left_at = Some(self.clock.now());
        drop(user);
        self.unsettled.lock().insert(user_id);
    }

    pub(crate) fn user(&self, id: UserId) -> Option<Arc<UserSlot>> {
        self.users.get(&id).map(|slot| Arc::clone(&slot))
    }

    pub(crate) fn stream(&self, id: StreamId) -> Option<Arc<Stream>> {
        self.streams.get(&id).map(|stream| Arc::clone(&stream))
    }

    pub(crate) fn slots(&self) -> Vec<Arc<UserSlot>> {
        self.users.iter().map(|entry| Arc::clone(entry.value())).collect()
    }

    /// A stream on which something has happened, if anybody listens to it.
    fn heard(&self, id: StreamId) -> Option<Arc<Stream>> {
        self.stream(id).or_else(|| {
            self.unheard.count(id);
            // Whoever begins to listen at this moment sees the count, or is seen here.
            self.stream(id)
        })
    }

    /// Whether a connected user listens to a stream.
    pub fn listens(&self, user: UserId, stream: StreamId) -> bool {
        self.user(user).is_some_and(|slot| slot.lock().streams.contains(&stream))
    }

    pub(crate) fn forget_if_unheard(&self, id: StreamId) {
        self.streams.remove_if(&id, |_, stream| {
            let is_unheard = stream.lock().listeners.is_empty();
            if is_unheard {
                // What it has handed out is forgotten with it.
                self.unheard.count(id);
            }
            is_unheard
        });
    }

    pub(crate) fn next_turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// The hub itself, for a task that must not keep it alive.
    pub(crate) fn weak(&self) -> Weak<Self> {
        self.me.clone()
    }

    /// Makes a user listen to a stream that he, or at least the newcomer among his connections, knows up to `head`.
    pub(crate) fn listen(&self, slot: &Arc<UserSlot>, id: StreamId, head: Rev, newcomer: Option<&Connection>) {
        let stream = self.streams.entry(id).or_insert_with(|| Arc::new(Stream::new(id, head)));
        let mut state = stream.lock();
        let listens = state.add(slot, (id, head), newcomer);
        // What is stored and was never published, those who listen already wait for.
        let repair = listens && state.is_at(head);
        drop(state);
        if repair {
            self.repair(&stream);
        }
        drop(stream);
        if !listens {
            self.forget_if_unheard(id);
        }
    }

    pub(crate) fn catch_up_all(&self, slot: &UserSlot) {
        let connections = slot.lock().connections.clone();
        for connection in &connections {
            self.catch_up(connection);
        }
    }
}
