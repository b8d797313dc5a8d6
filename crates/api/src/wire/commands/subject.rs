//! What commands are about.

/// What a command can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A conversation.
    Conversation,
    /// A friend request.
    FriendRequest,
    /// Another user.
    User,
}

impl Subject {
    /// The member of the data that has its id.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Conversation => "conversationId",
            Self::FriendRequest => "requestId",
            Self::User => "userId",
        }
    }

    /// What it is, for the documents.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Conversation => "The conversation.",
            Self::FriendRequest => "The friend request.",
            Self::User => "The other user.",
        }
    }
}
