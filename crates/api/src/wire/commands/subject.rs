//! What commands are about.

/// What a command can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A conversation.
    Conversation,
    /// A community.
    Community,
    /// A channel.
    Channel,
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
            Self::Community => "communityId",
            Self::Channel => "channelId",
            Self::FriendRequest => "requestId",
            Self::User => "userId",
        }
    }

    /// What it is, for the documents.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Conversation => "The conversation.",
            Self::Community => "The community.",
            Self::Channel => "The channel.",
            Self::FriendRequest => "The friend request.",
            Self::User => "The other user.",
        }
    }
}
