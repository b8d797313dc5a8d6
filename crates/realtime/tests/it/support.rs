//! A hub over a log that a test can make fail, lag, wait and forget, and readers that see frames as short texts.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use parlor_domain::{
    Change, ConnectionId, Content, ConversationId, Event, Marks, Message, MessageId, MessageText, MessageView,
    Metadata, Presence, PresenceView, ReceiptView, Rev, Seq, SessionId, Status, StreamId, Timestamp, UserId,
    store::{StoreError, StoreResult},
    testing::SettableClock,
};
use parlor_realtime::{
    Attachment, CatchUp, ChangeLog, ChangePage, CloseReason, Connection, Envelope, Format, Hub, HubConfig, Identity,
    Outbox, Outgoing, Registration, Viewer,
};
use tokio::sync::watch;

pub(crate) const GRACE: Duration = Duration::from_secs(5);
pub(crate) const LEASE: Duration = Duration::from_secs(60);

pub(crate) const ADA: UserId = UserId::from_bytes([1; 12]);
pub(crate) const BOB: UserId = UserId::from_bytes([2; 12]);
pub(crate) const CARL: UserId = UserId::from_bytes([3; 12]);

/// The conversation that most tests are about.
pub(crate) const ROOM: ConversationId = ConversationId::from_bytes([9; 12]);
pub(crate) const HERE: StreamId = StreamId::Conversation(ROOM);
pub(crate) const OTHER_ROOM: ConversationId = ConversationId::from_bytes([8; 12]);
pub(crate) const THERE: StreamId = StreamId::Conversation(OTHER_ROOM);

/// Writes an event as a short text such as `c9:3 hello`: the stream's kind and first byte, the revision, what
/// happened.
pub(crate) static TEXT: Format = Format { slot: 1, encode };

fn encode(envelope: &Envelope, viewer: Viewer) -> Bytes {
    let place = match envelope.position {
        Some((StreamId::Conversation(id), rev)) => format!("c{}:{rev} ", id.as_bytes()[0]),
        Some((StreamId::User(id), rev)) => format!("u{}:{rev} ", id.as_bytes()[0]),
        None => String::new(),
    };
    let own = if viewer == Viewer::Author { " (own)" } else { "" };
    let text = match &envelope.event {
        Event::MessageCreated(view) | Event::MessageUpdated(view) | Event::MessageDeleted(view) => {
            format!("{}{own}", view.message.text())
        }
        Event::ReceiptUpdated(receipt) => format!("{} read {}", receipt.user_id.as_bytes()[0], receipt.read_seq),
        Event::Typing { user_id, .. } => format!("{} types", user_id.as_bytes()[0]),
        Event::PresenceUpdated(view) => format!("{} online {}", view.user_id.as_bytes()[0], view.presence.online),
        Event::UserUpdated(_)
        | Event::ConversationCreated(_)
        | Event::ConversationUpdated(_)
        | Event::ConversationDeleted(_)
        | Event::FriendRequestCreated(_)
        | Event::FriendRequestUpdated(_)
        | Event::FriendAdded(_)
        | Event::FriendRemoved(_)
        | Event::BlockUpdated(_) => "other".to_owned(),
        Event::Resync => "resync".to_owned(),
    };
    Bytes::from(format!("{place}{text}"))
}

/// The frames of messages from one revision to another, as a listener gets them.
pub(crate) fn messages(stream: StreamId, from: u64, to: u64) -> Vec<String> {
    let (kind, first) = match stream {
        StreamId::Conversation(id) => ('c', id.as_bytes()[0]),
        StreamId::User(id) => ('u', id.as_bytes()[0]),
    };
    (from..=to).map(|rev| format!("{kind}{first}:{rev} m{rev}")).collect()
}

pub(crate) fn revs(positions: &[(StreamId, u64)]) -> Vec<(StreamId, Rev)> {
    positions.iter().map(|(stream, rev)| (*stream, Rev::new(*rev))).collect()
}

/// A message as an event. Sent by a user who is in no test, so that no frame is an author's.
pub(crate) fn message(text: &str) -> Event {
    message_by(UserId::from_bytes([99; 12]), text)
}

pub(crate) fn message_by(sender_id: UserId, text: &str) -> Event {
    let message = Message {
        id: MessageId::from_bytes([0; 12]),
        conversation_id: ROOM,
        seq: Seq::new(1),
        rev: Rev::new(1),
        created_rev: Rev::new(1),
        sender_id,
        content: Content::Text(MessageText::parse(text).unwrap()),
        metadata: Metadata::default(),
        client_message_id: None,
        created_at: Timestamp::from_millis(0),
        marks: Marks::default(),
    };
    Event::MessageCreated(Box::new(MessageView { message, delivery: None, quote: None }))
}

pub(crate) fn receipt(user_id: UserId, read: u64) -> ReceiptView {
    let read_seq = Seq::new(read);
    ReceiptView { conversation_id: ROOM, user_id, read_seq, delivered_seq: read_seq, unread: None }
}

pub(crate) fn typing(user_id: UserId) -> Event {
    Event::Typing { conversation_id: ROOM, user_id, typing: true }
}

pub(crate) fn online(user_id: UserId) -> Event {
    presence(user_id, true)
}

pub(crate) fn offline(user_id: UserId) -> Event {
    presence(user_id, false)
}

fn presence(user_id: UserId, online: bool) -> Event {
    let presence = Presence { online, last_seen_at: None };
    Event::PresenceUpdated(PresenceView { user_id, presence, status: Status::default() })
}

/// A log in memory.
#[derive(Debug)]
pub(crate) struct FakeLog {
    state: Mutex<LogState>,
    /// How many readings have begun.
    reads: watch::Sender<usize>,
    /// Whether readings may come to their end.
    open: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct LogState {
    streams: HashMap<StreamId, Vec<Change>>,
    receipts: HashMap<StreamId, Vec<ReceiptView>>,
    /// Streams that can't be read.
    failing: HashSet<StreamId>,
    /// Streams whose readers see only what was written up to a revision.
    lagging: HashMap<StreamId, Rev>,
    /// Streams of which nothing is known before a revision.
    lost: HashMap<StreamId, Rev>,
    /// Changes that later ones made obsolete.
    obsolete: HashSet<(StreamId, Rev)>,
    asked: Vec<StreamId>,
    /// How often a reader yields after it has seen the log, in turn.
    yields: Vec<u8>,
    /// Whether each so-and-so-many-th reading fails.
    fails_each: Option<usize>,
}

impl FakeLog {
    fn new() -> Self {
        Self { state: Mutex::default(), reads: watch::Sender::new(0), open: watch::Sender::new(true) }
    }

    /// Writes the next change of a stream, without telling anybody.
    pub(crate) fn append(&self, stream: StreamId) -> Change {
        self.append_event(stream, |rev| message(&format!("m{rev}")))
    }

    pub(crate) fn append_event(&self, stream: StreamId, event: impl FnOnce(Rev) -> Event) -> Change {
        let mut state = self.state.lock();
        let changes = state.streams.entry(stream).or_default();
        let rev = Rev::new(changes.len() as u64 + 1);
        let change = Change { stream, rev, event: event(rev) };
        changes.push(change.clone());
        change
    }

    pub(crate) fn head(&self, stream: StreamId) -> Rev {
        self.state.lock().head(stream)
    }

    pub(crate) fn set_receipts(&self, stream: StreamId, receipts: &[ReceiptView]) {
        self.state.lock().receipts.insert(stream, receipts.to_vec());
    }

    pub(crate) fn fail(&self, stream: StreamId, fails: bool) {
        let mut state = self.state.lock();
        if fails {
            state.failing.insert(stream)
        } else {
            state.failing.remove(&stream)
        };
    }

    /// Hides what was written after a revision, as a reader does that lags behind the writer; `None` ends it.
    pub(crate) fn lag(&self, stream: StreamId, at: Option<u64>) {
        let mut state = self.state.lock();
        match at {
            Some(rev) => state.lagging.insert(stream, Rev::new(rev)),
            None => state.lagging.remove(&stream),
        };
    }

    /// Loses what came before a revision.
    pub(crate) fn lose(&self, stream: StreamId, before: u64) {
        self.state.lock().lost.insert(stream, Rev::new(before));
    }

    pub(crate) fn make_obsolete(&self, stream: StreamId, rev: u64) {
        self.state.lock().obsolete.insert((stream, Rev::new(rev)));
    }

    /// Makes each reading yield to other tasks as often as the next of these numbers says, after it has seen the
    /// log; and each `fails_each`-th fail.
    pub(crate) fn disturb(&self, yields: Vec<u8>, fails_each: Option<usize>) {
        let mut state = self.state.lock();
        state.yields = yields;
        state.fails_each = fails_each;
    }

    /// Lets no reading come to its end until [`Self::open`]. What it returns was true when it began.
    pub(crate) fn shut(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    pub(crate) fn reads(&self) -> usize {
        *self.reads.borrow()
    }

    /// Which streams were read, in order.
    pub(crate) fn asked(&self) -> Vec<StreamId> {
        self.state.lock().asked.clone()
    }

    /// Waits until so many readings have begun.
    pub(crate) async fn asked_times(&self, times: usize) {
        self.reads.subscribe().wait_for(|reads| *reads >= times).await.unwrap();
    }
}

impl LogState {
    fn head(&self, stream: StreamId) -> Rev {
        Rev::new(self.streams.get(&stream).map_or(0, Vec::len) as u64)
    }

    fn read(&mut self, stream: StreamId, after: Rev, limit: usize) -> StoreResult<CatchUp> {
        self.asked.push(stream);
        assert!(self.asked.len() < 20_000, "the log is asked without end");
        if self.failing.contains(&stream) || self.fails_each.is_some_and(|each| self.asked.len().is_multiple_of(each)) {
            return Err(StoreError::unavailable("the test says so"));
        }
        let head = self.lagging.get(&stream).copied().unwrap_or_else(|| self.head(stream));
        if after > head || self.lost.get(&stream).is_some_and(|before| after < *before) {
            return Ok(CatchUp::Lost { head });
        }
        let changes = self.streams.get(&stream).into_iter().flatten();
        let present = changes.filter(|change| change.rev > after && change.rev <= head);
        let present = present.filter(|change| !self.obsolete.contains(&(stream, change.rev)));
        let changes: Vec<Change> = present.take(limit + 1).cloned().collect();
        let more = changes.len() > limit;
        let changes: Vec<Change> = changes.into_iter().take(limit).collect();
        let rev = if more { changes.last().map_or(after, |change| change.rev) } else { head };
        let receipts = if more { Vec::new() } else { self.receipts.get(&stream).cloned().unwrap_or_default() };
        Ok(CatchUp::Page(ChangePage { changes, rev, more, receipts }))
    }
}

#[async_trait]
impl ChangeLog for FakeLog {
    async fn changes(&self, stream: StreamId, after: Rev, limit: usize) -> StoreResult<CatchUp> {
        let (seen, yields) = {
            let mut state = self.state.lock();
            let seen = state.read(stream, after, limit);
            let turn = state.asked.len() % state.yields.len().max(1);
            (seen, state.yields.get(turn).copied().unwrap_or(0))
        };
        self.reads.send_modify(|reads| *reads += 1);
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        seen
    }
}

/// A hub, its log and its clock.
pub(crate) struct World {
    pub(crate) hub: Arc<Hub>,
    pub(crate) log: Arc<FakeLog>,
    pub(crate) clock: Arc<SettableClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_queue(1 << 20)
    }

    pub(crate) fn with_queue(queue_bytes: usize) -> Self {
        let (log, clock) = (Arc::new(FakeLog::new()), Arc::new(SettableClock::default()));
        let config = HubConfig { queue_bytes, lease: LEASE, grace: GRACE };
        let hub = Hub::new(config, Arc::clone(&log) as _, Arc::clone(&clock) as _);
        Self { hub, log, clock }
    }

    pub(crate) fn register(&self, user: UserId) -> (Reader, Registration) {
        self.register_session(user, SessionId::from_bytes([0; 12]))
    }

    fn register_session(&self, user: UserId, session: SessionId) -> (Reader, Registration) {
        let connection = ConnectionId::from_bytes([0; 12]);
        let (connection, outbox, registration) = self.hub.register(Identity { connection, user, session }, &TEXT);
        (Reader { connection, outbox }, registration)
    }

    /// What the store says at present of a user who may see these streams.
    pub(crate) fn heads(&self, streams: &[StreamId]) -> Attachment {
        let heads = streams.iter().map(|stream| (*stream, self.log.head(*stream))).collect();
        Attachment { heads, ..Attachment::default() }
    }

    /// A connection that is live on these streams.
    pub(crate) fn connect(&self, user: UserId, streams: &[StreamId]) -> Reader {
        self.connect_session(user, SessionId::from_bytes([0; 12]), streams)
    }

    pub(crate) fn connect_session(&self, user: UserId, session: SessionId, streams: &[StreamId]) -> Reader {
        let (reader, registration) = self.register_session(user, session);
        let _ = self.hub.attach(&reader.connection, registration, &self.heads(streams));
        self.hub.start(&reader.connection);
        reader
    }

    /// Writes the next changes of a stream and publishes them.
    pub(crate) fn send(&self, stream: StreamId, count: usize) {
        for _ in 0..count {
            self.hub.publish(self.log.append(stream));
        }
    }

    /// Writes the next changes of a stream; who publishes them, is left to the caller.
    pub(crate) fn write(&self, stream: StreamId, count: usize) -> Vec<Change> {
        (0..count).map(|_| self.log.append(stream)).collect()
    }

    /// Sets a connection to these positions, as a client does that resumes.
    pub(crate) fn resume(&self, reader: &Reader, positions: &[(StreamId, u64)]) {
        self.hub.rewind(&reader.connection, &revs(positions));
        self.hub.start(&reader.connection);
    }
}

/// Lets everything that is under way come to its end. For tests whose time is paused, where it takes none.
pub(crate) async fn settled() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

/// A client's end of a connection.
pub(crate) struct Reader {
    pub(crate) connection: Arc<Connection>,
    pub(crate) outbox: Outbox,
}

impl Reader {
    /// The frames that wait, without waiting for more.
    pub(crate) fn waiting(&mut self) -> Vec<String> {
        std::iter::from_fn(|| match self.outbox.try_next()? {
            Outgoing::Frame(frame) => Some(text(&frame.bytes)),
            Outgoing::Close(_) => None,
        })
        .collect()
    }

    /// The frames that come when all that is under way has come to its end, read as fast as they come.
    pub(crate) async fn all(&mut self) -> Vec<String> {
        let mut frames = Vec::new();
        while let Ok(Outgoing::Frame(frame)) = tokio::time::timeout(Duration::from_secs(60), self.outbox.next()).await {
            frames.push(text(&frame.bytes));
        }
        frames
    }

    /// Why the connection was closed, if it was.
    pub(crate) fn closed(&mut self) -> Option<CloseReason> {
        std::iter::from_fn(|| self.outbox.try_next()).take(100_000).find_map(|outgoing| match outgoing {
            Outgoing::Frame(_) => None,
            Outgoing::Close(reason) => Some(reason),
        })
    }
}

pub(crate) fn text(frame: &Bytes) -> String {
    String::from_utf8(frame.to_vec()).unwrap()
}
