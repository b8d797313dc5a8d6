//! What is pushed to connections.

use crate::{
    BlockView, ConversationId, ConversationView, FriendRequestView, MessageView, PresenceView, ReceiptView, Rev,
    StreamId, TieView, UserId, UserView,
};

/// A change of a stream: the event that tells of it, and the revision that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The stream.
    pub stream: StreamId,
    /// The revision of the stream that the event brings its reader to.
    pub rev: Rev,
    /// What happened.
    pub event: Event,
}

impl Event {
    /// The event that tells of a message as it is, to one who knows its conversation up to a revision.
    pub fn of_message(view: MessageView, known: Rev) -> Self {
        let view = Box::new(view);
        if view.message.created_rev > known {
            Self::MessageCreated(view)
        } else if view.message.is_deleted() {
            Self::MessageDeleted(view)
        } else {
            Self::MessageUpdated(view)
        }
    }
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message was sent.
    MessageCreated(Box<MessageView>),
    /// A message was edited, reacted to, or pinned, or no longer is.
    MessageUpdated(Box<MessageView>),
    /// A message was deleted; what is left of it.
    MessageDeleted(Box<MessageView>),
    /// A member has received or read further.
    ReceiptUpdated(ReceiptView),
    /// A member began or ceased to write.
    Typing {
        /// Where.
        conversation_id: ConversationId,
        /// Who.
        user_id: UserId,
        /// Whether he writes.
        typing: bool,
    },
    /// A user came, went or chose another status.
    PresenceUpdated(PresenceView),
    /// A user changed his profile.
    UserUpdated(Box<UserView>),
    /// A conversation is new to its reader.
    ConversationCreated(Box<ConversationView>),
    /// Somebody asks to be the reader's friend, or the reader has asked somebody.
    FriendRequestCreated(Box<FriendRequestView>),
    /// A friend request of or to the reader waits no longer.
    FriendRequestUpdated(Box<FriendRequestView>),
    /// The reader has a new friend.
    FriendAdded(Box<TieView>),
    /// Somebody is no longer the reader's friend.
    FriendRemoved(UserId),
    /// The reader blocks somebody, or no longer does.
    BlockUpdated(BlockView),
    /// A member has changed how he wants to see a conversation; for his own devices.
    ConversationUpdated(Box<ConversationView>),
    /// Its reader is no longer in a conversation.
    ConversationDeleted(ConversationId),
    /// What came before this revision of the stream can't be told; its reader has to load it anew.
    Resync,
}
