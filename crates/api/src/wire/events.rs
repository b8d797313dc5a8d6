//! Events: what the server pushes, and what a client that comes back has missed.

use parlor_domain::{Change, ConnectionId, Event, MessageView, Rev, SessionId, StreamId, Timestamp, UserId};
use parlor_realtime::Viewer;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{
    BlockUpdate, Conversation, ConversationDeleted, Friend, FriendRemoved, FriendRequest, Message, PresenceUpdate,
    Receipt, Typing, User,
};

/// The events that there are, named as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The connection is ready.
    Ready,
    /// A message was sent.
    MessageCreated,
    /// A message was edited, reacted to or pinned.
    MessageUpdated,
    /// A message was deleted.
    MessageDeleted,
    /// A member has received or read further.
    ReceiptUpdated,
    /// A member began or ceased to write.
    Typing,
    /// A user came, went or chose another status.
    PresenceUpdated,
    /// A user changed his profile.
    UserUpdated,
    /// A conversation is new to its reader.
    ConversationCreated,
    /// Somebody asks somebody to be friends.
    FriendRequestCreated,
    /// A friend request waits no longer.
    FriendRequestUpdated,
    /// Somebody became a friend.
    FriendAdded,
    /// Somebody is a friend no more.
    FriendRemoved,
    /// Somebody is blocked, or no longer.
    BlockUpdated,
    /// One has changed how one sees a conversation.
    ConversationUpdated,
    /// One is no longer in a conversation.
    ConversationDeleted,
    /// The connection's session has ended.
    SessionRevoked,
    /// A stream has to be loaded anew.
    Resync,
}

impl EventKind {
    /// Every event.
    pub const ALL: [Self; 18] = [
        Self::Ready,
        Self::MessageCreated,
        Self::MessageUpdated,
        Self::MessageDeleted,
        Self::ReceiptUpdated,
        Self::Typing,
        Self::PresenceUpdated,
        Self::UserUpdated,
        Self::ConversationCreated,
        Self::FriendRequestCreated,
        Self::FriendRequestUpdated,
        Self::FriendAdded,
        Self::FriendRemoved,
        Self::BlockUpdated,
        Self::ConversationUpdated,
        Self::ConversationDeleted,
        Self::SessionRevoked,
        Self::Resync,
    ];

    /// The event's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::MessageCreated => "message.created",
            Self::MessageUpdated => "message.updated",
            Self::MessageDeleted => "message.deleted",
            Self::ReceiptUpdated => "receipt.updated",
            Self::Typing => "typing",
            Self::PresenceUpdated => "presence.updated",
            Self::UserUpdated => "user.updated",
            Self::ConversationCreated => "conversation.created",
            Self::FriendRequestCreated => "friendRequest.created",
            Self::FriendRequestUpdated => "friendRequest.updated",
            Self::FriendAdded => "friend.added",
            Self::FriendRemoved => "friend.removed",
            Self::BlockUpdated => "block.updated",
            Self::ConversationUpdated => "conversation.updated",
            Self::ConversationDeleted => "conversation.deleted",
            Self::SessionRevoked => "session.revoked",
            Self::Resync => "resync",
        }
    }

    /// When it comes and what it means, for the documents.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Ready => {
                "The first event of every connection, as soon as the server knows whose it is. Belongs to no stream."
            }
            Self::MessageCreated => {
                "A message was sent, also by oneself on this or another device. A change of the conversation's stream. \
                 One of the kind `system` tells that members came or went, or of another name, description or role."
            }
            Self::MessageUpdated => {
                "A message is another than before: it was edited or pinned, somebody has reacted, or one of these was \
                 taken back. The data is the whole message as it is now, to put in the place of what was known of it. A \
                 change of the conversation's stream."
            }
            Self::MessageDeleted => {
                "A message was deleted for everyone. The data is what is left of it: its place, with `deletedAt`. If it \
                 was unread, it counts no longer. A change of the conversation's stream."
            }
            Self::ReceiptUpdated => {
                "A member has received or read further. Of others in the conversation's stream, at its present \
                 revision; of oneself, with `unread` and `mentions`, as a change of one's own stream."
            }
            Self::Typing => "A member began or ceased to write. Comes in the conversation's stream and is not kept.",
            Self::PresenceUpdated => {
                "A user with whom one shares a conversation, or oneself, came, went or chose another status. Belongs \
                 to no stream."
            }
            Self::UserUpdated => {
                "A user changed his profile. Of oneself a change of one's own stream; of others it belongs to no \
                 stream."
            }
            Self::ConversationCreated => "A conversation is new to the user. A change of one's own stream.",
            Self::FriendRequestCreated => {
                "Somebody asks one to be friends, or one has asked somebody. There is one request for each two and \
                 direction, so an older one of the same id is this one. A change of one's own stream."
            }
            Self::FriendRequestUpdated => {
                "A friend request was accepted or taken back, or one has rejected it. Who was rejected is not told. A \
                 change of one's own stream."
            }
            Self::FriendAdded => "A user became one's friend. A change of one's own stream.",
            Self::FriendRemoved => "A user is one's friend no more. A change of one's own stream.",
            Self::BlockUpdated => {
                "One has blocked a user, who is no friend then and whose friend requests, and those to him, are gone; \
                 or one no longer does. Only one's own devices are told. A change of one's own stream."
            }
            Self::ConversationUpdated => {
                "One has changed how one sees a conversation, on this or another device. A change of one's own stream."
            }
            Self::ConversationDeleted => {
                "One is no longer in a conversation: nothing more of its stream comes. A change of one's own stream."
            }
            Self::SessionRevoked => {
                "The connection's session was revoked or has reached its end; the connection is closed with 4003 next."
            }
            Self::Resync => {
                "What came before `rev` in this stream can't be told: load what it holds anew, and go on from `rev`."
            }
        }
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An event as it is pushed, and as a sync gives it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventFrame {
    /// The event's name.
    #[schema(value_type = String, example = "message.created")]
    pub event: EventKind,
    /// The stream that it belongs to: a conversation's id or one's own user id. Absent for what belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    pub stream: Option<String>,
    /// The revision of the stream that one has come to with it. An event that is no change repeats the present one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, maximum = 9007199254740991i64, example = 42)]
    pub rev: Option<u64>,
    /// What happened.
    pub data: EventData,
}

/// What happened: the shape depends on the event.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum EventData {
    /// Of `ready`.
    Ready(Ready),
    /// Of `message.created`.
    MessageCreated(Box<Message>),
    /// Of `message.updated`.
    MessageUpdated(Box<Message>),
    /// Of `message.deleted`.
    MessageDeleted(Box<Message>),
    /// Of `receipt.updated`.
    ReceiptUpdated(Receipt),
    /// Of `typing`.
    Typing(Typing),
    /// Of `presence.updated`.
    PresenceUpdated(PresenceUpdate),
    /// Of `user.updated`.
    UserUpdated(Box<User>),
    /// Of `conversation.created`.
    ConversationCreated(Box<Conversation>),
    /// Of `friendRequest.created`.
    FriendRequestCreated(Box<FriendRequest>),
    /// Of `friendRequest.updated`.
    FriendRequestUpdated(Box<FriendRequest>),
    /// Of `friend.added`.
    FriendAdded(Box<Friend>),
    /// Of `friend.removed`.
    FriendRemoved(FriendRemoved),
    /// Of `block.updated`.
    BlockUpdated(BlockUpdate),
    /// Of `conversation.updated`.
    ConversationUpdated(Box<Conversation>),
    /// Of `conversation.deleted`.
    ConversationDeleted(ConversationDeleted),
    /// Of `session.revoked`.
    SessionRevoked(SessionRevoked),
    /// Of `resync`.
    Resync(Empty),
}

impl EventData {
    /// Which event the data is of.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Ready(_) => EventKind::Ready,
            Self::MessageCreated(_) => EventKind::MessageCreated,
            Self::MessageUpdated(_) => EventKind::MessageUpdated,
            Self::MessageDeleted(_) => EventKind::MessageDeleted,
            Self::ReceiptUpdated(_) => EventKind::ReceiptUpdated,
            Self::Typing(_) => EventKind::Typing,
            Self::PresenceUpdated(_) => EventKind::PresenceUpdated,
            Self::UserUpdated(_) => EventKind::UserUpdated,
            Self::ConversationCreated(_) => EventKind::ConversationCreated,
            Self::FriendRequestCreated(_) => EventKind::FriendRequestCreated,
            Self::FriendRequestUpdated(_) => EventKind::FriendRequestUpdated,
            Self::FriendAdded(_) => EventKind::FriendAdded,
            Self::FriendRemoved(_) => EventKind::FriendRemoved,
            Self::BlockUpdated(_) => EventKind::BlockUpdated,
            Self::ConversationUpdated(_) => EventKind::ConversationUpdated,
            Self::ConversationDeleted(_) => EventKind::ConversationDeleted,
            Self::SessionRevoked(_) => EventKind::SessionRevoked,
            Self::Resync(_) => EventKind::Resync,
        }
    }

    fn of(event: &Event, viewer: Viewer) -> Self {
        match event {
            Event::MessageCreated(view) => Self::MessageCreated(message(view, viewer)),
            Event::MessageUpdated(view) => Self::MessageUpdated(message(view, viewer)),
            Event::MessageDeleted(view) => Self::MessageDeleted(message(view, viewer)),
            Event::ReceiptUpdated(view) => Self::ReceiptUpdated(view.into()),
            Event::Typing { conversation_id, user_id, typing } => {
                Self::Typing(Typing::new(*conversation_id, *user_id, *typing))
            }
            Event::PresenceUpdated(view) => Self::PresenceUpdated(view.into()),
            Event::UserUpdated(view) => Self::UserUpdated(Box::new((&**view).into())),
            Event::ConversationCreated(view) => Self::ConversationCreated(Box::new((&**view).into())),
            Event::FriendRequestCreated(view) => Self::FriendRequestCreated(Box::new((&**view).into())),
            Event::FriendRequestUpdated(view) => Self::FriendRequestUpdated(Box::new((&**view).into())),
            Event::FriendAdded(view) => Self::FriendAdded(Box::new((&**view).into())),
            Event::FriendRemoved(user) => Self::FriendRemoved(FriendRemoved { user_id: user.to_string() }),
            Event::BlockUpdated(view) => Self::BlockUpdated(view.into()),
            Event::ConversationUpdated(view) => Self::ConversationUpdated(Box::new((&**view).into())),
            Event::ConversationDeleted(id) => Self::ConversationDeleted(ConversationDeleted { id: id.to_string() }),
            Event::Resync => Self::Resync(Empty {}),
        }
    }
}

/// A message as this viewer may see it: how far it has come is for its sender alone.
fn message(view: &MessageView, viewer: Viewer) -> Box<Message> {
    let mut message = Message::from(view);
    message.delivery = message.delivery.filter(|_| viewer == Viewer::Author);
    Box::new(message)
}

impl EventFrame {
    /// An event in its place in a stream, as this viewer may see it.
    pub fn new(position: Option<(StreamId, Rev)>, event: &Event, viewer: Viewer) -> Self {
        let data = EventData::of(event, viewer);
        let (stream, rev) = position.unzip();
        Self { event: data.kind(), stream: stream.map(|id| id.to_string()), rev: rev.map(Rev::get), data }
    }

    /// A change as `reader` may see it: how far a message has come is for its sender alone.
    pub fn of_change(change: &Change, reader: UserId) -> Self {
        Self::new(Some((change.stream, change.rev)), &change.event, Viewer::of(&change.event, reader))
    }

    /// An event of the connection itself, which belongs to no stream.
    pub fn of_connection(data: EventData) -> Self {
        Self { event: data.kind(), stream: None, rev: None, data }
    }
}

/// No members.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Empty {}

/// What a client needs to know of its connection.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// The connection's id, as the server's log has it.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6cccccccc")]
    pub connection_id: String,
    /// Whose it is; also the id of one's own stream.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub user_id: String,
    /// The session that it belongs to and ends with.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6dddddddd")]
    pub session_id: String,
    /// The newest revision of one's own stream.
    #[schema(maximum = 9007199254740991i64, example = 7)]
    pub rev: u64,
    /// What time it is for the server.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub server_time: String,
    /// When the session ends unless it is renewed.
    #[schema(format = DateTime, example = "2026-12-21T10:57:31.042Z")]
    pub session_ends_at: String,
    /// How signs of life are exchanged.
    pub heartbeat: Heartbeat,
    /// What a client may send.
    pub limits: SocketLimits,
}

/// How signs of life are exchanged.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// How often the server pings, in milliseconds.
    #[schema(example = 25000)]
    pub ping_interval_ms: u64,
    /// After how many milliseconds without any sign of life the server closes.
    #[schema(example = 60000)]
    pub idle_timeout_ms: u64,
}

/// What a client may send.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SocketLimits {
    /// Most bytes of payload in one frame.
    #[schema(example = 131072)]
    pub max_frame_bytes: u64,
    /// Most bytes of payload in one message, all its frames together.
    #[schema(example = 131072)]
    pub max_message_bytes: u64,
    /// How many frames may come at once.
    #[schema(example = 200)]
    pub frames_burst: u32,
    /// How many frames a minute may come in the long run.
    #[schema(example = 3000)]
    pub frames_per_minute: u32,
}

/// Whose connection is ready, and how it stands.
#[derive(Clone, Copy, Debug)]
pub struct ReadyConnection {
    /// The connection.
    pub connection: ConnectionId,
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// The newest revision of the user's own stream.
    pub rev: Rev,
    /// The present.
    pub now: Timestamp,
    /// When the session ends as things stand.
    pub session_ends_at: Timestamp,
}

impl Ready {
    /// The shape of what a client needs to know.
    pub fn new(ready: ReadyConnection, heartbeat: Heartbeat, limits: SocketLimits) -> Self {
        Self {
            connection_id: ready.connection.to_string(),
            user_id: ready.user.to_string(),
            session_id: ready.session.to_string(),
            rev: ready.rev.get(),
            server_time: ready.now.to_string(),
            session_ends_at: ready.session_ends_at.to_string(),
            heartbeat,
            limits,
        }
    }
}

/// Which session has ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionRevoked {
    /// The session.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6dddddddd")]
    pub session_id: String,
}
