//! Streams: what changes in revisions, and can be resumed from one.

use std::{fmt, str::FromStr};

use crate::{ConversationId, FriendRequestId, InvalidValue, ObjectId, Rev, UserId};

/// A sequence of changes, each with the next [`Rev`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// Everything that happens in a conversation.
    Conversation(ConversationId),
    /// What concerns one user alone: new conversations, the own profile, what the own devices have read, friends.
    User(UserId),
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(id) => id.fmt(f),
            Self::User(id) => id.fmt(f),
        }
    }
}

impl StreamId {
    /// The stream that `user` means by an id: the user's own stream by the user's id, else a conversation's.
    ///
    /// # Errors
    /// `invalid_id` for what is no id.
    pub fn parse_for(user: UserId, text: &str) -> Result<Self, InvalidValue> {
        let id = ObjectId::from_str(text)?;
        Ok(if id.as_bytes() == user.as_bytes() {
            Self::User(user)
        } else {
            Self::Conversation(ConversationId::from_bytes(*id.as_bytes()))
        })
    }
}

/// What a change of a user's own stream is about. The newest change of a topic is all that is kept of it: who
/// resumes gets the topic's present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserTopic {
    /// A conversation that the user has come into, or is no longer in.
    Conversation(ConversationId),
    /// How the user wants to see a conversation.
    Settings(ConversationId),
    /// How far the user has read in a conversation.
    Read(ConversationId),
    /// The user's own profile, settings and status.
    Profile,
    /// A friend request of or to the user.
    FriendRequest(FriendRequestId),
    /// Whether that one is a friend of the user.
    Friend(UserId),
    /// Whether the user blocks that one.
    Block(UserId),
}

/// A change of a user's own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// The revision that the change took.
    pub rev: Rev,
    /// What it is about.
    pub topic: UserTopic,
}
