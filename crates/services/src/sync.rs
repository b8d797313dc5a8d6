//! What a client has missed.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parlor_domain::{
    Change, Content, ConversationId, Event, MessageView, ReceiptView, Rev, StreamId, UserId, UserTopic, UserView,
    store::{Head, StoreResult},
};
use parlor_realtime::{CatchUp, ChangeLog};

use crate::{Caller, Deps, ServiceResult, log::StoredLog};

/// How many changes one answer holds at most, over all streams.
const CHANGES_AT_ONCE: usize = 500;

/// How many bytes of texts and metadata one answer holds at most, unless its only change has more: ordinary clients
/// refuse frames of more than a mebibyte, and so does a connection's queue.
const BYTES_AT_ONCE: usize = 256 * 1024;

/// How many changes of a user's own stream are read at once.
const TOPICS_AT_ONCE: usize = 1000;

/// Tells clients what they have missed.
pub struct SyncService {
    deps: Arc<Deps>,
    log: StoredLog,
}

/// What a client has missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// The streams of which something was asked that could be told.
    pub streams: Vec<StreamSync>,
    /// The streams of which it can't be told what is missing, with their present revision: the client loads them
    /// anew. A stream that is unknown or not the caller's is among them, at zero.
    pub resync: Vec<(StreamId, Rev)>,
}

/// What a client has missed of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSync {
    /// The stream.
    pub stream: StreamId,
    /// The revision that the changes bring the client to.
    pub rev: Rev,
    /// The changes, in order, in their present state.
    pub changes: Vec<Change>,
    /// Whether there is more after them.
    pub more: bool,
    /// If there is no more: the positions of the members.
    pub receipts: Vec<ReceiptView>,
}

impl SyncService {
    pub(crate) fn new(deps: Arc<Deps>) -> Self {
        let log = StoredLog::new(Arc::downgrade(&deps));
        Self { deps, log }
    }

    /// What happened on streams after the revisions that the client knows: exactly that, or `resync`. With the
    /// caller's own stream come, from their beginning, the conversations that are new in it.
    ///
    /// # Errors
    /// `RateLimited`, `Store`.
    pub async fn sync(&self, caller: Caller, positions: &[(StreamId, Rev)]) -> ServiceResult<Synced> {
        self.deps.limits.sync(caller.user)?;
        let heads = self.heads(caller.user).await?;
        Ok(self.read(caller.user, positions, Readable::In { heads: &heads, held: false }).await?)
    }

    /// The caller's conversations and where each is.
    pub(crate) async fn heads(&self, user: UserId) -> StoreResult<HashMap<ConversationId, Head>> {
        let heads = self.deps.stores.conversations.heads(user).await?;
        Ok(heads.into_iter().map(|head| (head.conversation, head)).collect())
    }

    /// Reads what comes after these positions, as far as the user may read it.
    pub(crate) async fn read(
        &self,
        user: UserId,
        positions: &[(StreamId, Rev)],
        readable: Readable<'_>,
    ) -> StoreResult<Synced> {
        let mut synced = Synced::default();
        let mut todo = positions.to_vec();
        // Taken from the end, so the own stream is read first: it names the conversations that are new.
        todo.sort_by_key(|(stream, _)| matches!(stream, StreamId::User(_)));
        let mut known: HashSet<StreamId> = todo.iter().map(|(stream, _)| *stream).collect();
        let mut room = Room { changes: CHANGES_AT_ONCE, bytes: BYTES_AT_ONCE };
        while let Some((stream, from)) = todo.pop() {
            let Some(until) = readable.until(user, stream, from) else {
                synced.resync.push((stream, Rev::ZERO));
                continue;
            };
            match self.read_stream(stream, from, until, &mut room).await? {
                Ok(part) => {
                    let new = part.changes.iter().filter_map(created);
                    todo.extend(new.filter(|(stream, _)| known.insert(*stream)));
                    synced.streams.push(part);
                }
                Err(head) => synced.resync.push((stream, head)),
            }
        }
        Ok(synced)
    }

    /// The conversations that are new in the user's own stream after a revision, each with the revision after which he
    /// is told of it.
    pub(crate) async fn new_conversations(&self, user: UserId, after: Rev) -> StoreResult<Vec<(StreamId, Rev)>> {
        let (mut new, mut after) = (Vec::new(), after);
        loop {
            let page = self.deps.stores.conversations.user_changes(user, after, TOPICS_AT_ONCE).await?;
            let Some(last) = page.changes.last() else { break };
            after = last.rev;
            new.extend(page.changes.iter().filter_map(|change| match change.topic {
                UserTopic::Conversation(id) => Some(id),
                UserTopic::Settings(_)
                | UserTopic::Read(_)
                | UserTopic::Profile
                | UserTopic::FriendRequest(_)
                | UserTopic::Friend(_)
                | UserTopic::Block(_) => None,
            }));
        }
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let heads = self.heads(user).await?;
        Ok(new.into_iter().filter_map(|id| Some((StreamId::Conversation(id), heads.get(&id)?.joined_rev))).collect())
    }

    /// Reads one stream up to a revision; the `Err` inside is the stream's head, if what was asked can't be told.
    async fn read_stream(
        &self,
        stream: StreamId,
        from: Rev,
        until: Rev,
        room: &mut Room,
    ) -> StoreResult<Result<StreamSync, Rev>> {
        if room.is_full() {
            let (changes, receipts) = (Vec::new(), Vec::new());
            return Ok(Ok(StreamSync { stream, rev: from, changes, more: true, receipts }));
        }
        let page = match self.log.changes(stream, from, room.changes).await? {
            CatchUp::Page(page) => page,
            CatchUp::Lost { head } => return Ok(Err(head)),
        };
        let mut part =
            StreamSync { stream, rev: page.rev, changes: page.changes, more: page.more, receipts: page.receipts };
        if part.rev > until {
            part.changes.retain(|change| change.rev <= until);
            part.rev = until.max(from);
            part.more = false;
            part.receipts.clear();
        }
        let fitting = room.take(&part.changes);
        if let Some(cut) = part.changes.get(fitting) {
            part.rev = part.changes[..fitting].last().map_or(from, |last| last.rev);
            debug_assert!(part.rev < cut.rev, "changes come in order");
            part.changes.truncate(fitting);
            part.more = true;
            part.receipts.clear();
        }
        Ok(Ok(part))
    }
}

/// What a user may read at present.
#[derive(Clone, Copy)]
pub(crate) enum Readable<'a> {
    /// All that is asked for: it is known that the streams are his, and nothing is held back.
    Everything,
    /// What he is in.
    In {
        /// His conversations.
        heads: &'a HashMap<ConversationId, Head>,
        /// Whether his status holds pushes back: then only what came before it began to.
        held: bool,
    },
}

impl Readable<'_> {
    /// How far the user may read a stream; `None` if it is not his to read. What is held back begins in his own stream
    /// where he is, in a conversation where the hold began.
    fn until(self, user: UserId, stream: StreamId, from: Rev) -> Option<Rev> {
        let end = Rev::new(u64::MAX);
        match (stream, self) {
            (StreamId::User(id), _) if id != user => None,
            (_, Self::Everything) => Some(end),
            (StreamId::User(_), Self::In { held, .. }) => Some(if held { from } else { end }),
            (StreamId::Conversation(id), Self::In { heads, held }) => {
                let held_from = heads.get(&id)?.held_from.filter(|_| held);
                Some(held_from.unwrap_or(end))
            }
        }
    }
}

/// What still goes into an answer.
struct Room {
    changes: usize,
    bytes: usize,
}

impl Room {
    fn is_full(&self) -> bool {
        self.changes == 0 || self.bytes == 0
    }

    /// How many of these changes go in. The first of an answer does, however large it is.
    fn take(&mut self, changes: &[Change]) -> usize {
        let mut taken = 0;
        for change in changes {
            let size = size_of_change(change);
            if self.changes == 0 || (size > self.bytes && self.bytes < BYTES_AT_ONCE) {
                self.bytes = 0;
                break;
            }
            self.changes -= 1;
            self.bytes = self.bytes.saturating_sub(size);
            taken += 1;
        }
        taken
    }
}

/// About how much a change takes in an answer: what users wrote in it, and something for the rest.
fn size_of_change(change: &Change) -> usize {
    const REST: usize = 512;
    let message = |view: &MessageView| {
        size_of_content(&view.message.content)
            + view.message.metadata.as_str().len()
            + view.message.size_of_reactions()
            + view.quote.as_deref().map_or(0, size_of_text)
    };
    let user = |view: &UserView| size_of_text(view.user.bio.as_str()) + view.user.metadata.as_str().len();
    REST + match &change.event {
        Event::MessageCreated(view) | Event::MessageUpdated(view) | Event::MessageDeleted(view) => message(view),
        Event::UserUpdated(view) => user(view),
        Event::ConversationCreated(view) | Event::ConversationUpdated(view) => {
            let description = view.conversation.description.as_ref();
            description.map_or(0, |text| size_of_text(text.as_str()))
                + view.last_message.as_ref().map_or(0, message)
                + view.other.as_ref().map_or(0, user)
        }
        Event::FriendRequestCreated(view) | Event::FriendRequestUpdated(view) => {
            user(&view.other) + view.request.text.as_ref().map_or(0, |text| size_of_text(text.as_str()))
        }
        Event::FriendAdded(view) => user(&view.user),
        Event::ReceiptUpdated(_)
        | Event::Typing { .. }
        | Event::PresenceUpdated(_)
        | Event::ConversationDeleted(_)
        | Event::FriendRemoved(_)
        | Event::BlockUpdated(_)
        | Event::Resync => 0,
    }
}

fn size_of_content(content: &Content) -> usize {
    /// An id in an array.
    const ID: usize = 27;
    match content {
        Content::Text(text) => size_of_text(text.as_str()),
        Content::Deleted(_) => 0,
        Content::System(event) => ID * event.users.len() + event.value.as_deref().map_or(0, size_of_text),
    }
}

/// How much a text takes in an answer, where what can't be written as it is takes up to six times as much.
fn size_of_text(text: &str) -> usize {
    let size = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        byte if byte.is_ascii_control() => 6,
        _ => 1,
    };
    text.bytes().map(size).sum()
}

/// The conversation that a change says is new, and the revision after which its reader is told of it.
fn created(change: &Change) -> Option<(StreamId, Rev)> {
    match &change.event {
        Event::ConversationCreated(view) => Some((StreamId::Conversation(view.conversation.id), view.me.joined_rev)),
        Event::MessageCreated(_)
        | Event::MessageUpdated(_)
        | Event::MessageDeleted(_)
        | Event::ReceiptUpdated(_)
        | Event::Typing { .. }
        | Event::PresenceUpdated(_)
        | Event::UserUpdated(_)
        | Event::FriendRequestCreated(_)
        | Event::FriendRequestUpdated(_)
        | Event::FriendAdded(_)
        | Event::FriendRemoved(_)
        | Event::BlockUpdated(_)
        | Event::ConversationUpdated(_)
        | Event::ConversationDeleted(_)
        | Event::Resync => None,
    }
}
