//! Views: entities together with what their reader needs beside them. Services make them, `api` writes them.

use crate::{
    Conversation, ConversationId, Delivery, FriendRequest, Member, MemberRole, Message, Presence, Relation, Seq,
    Status, Timestamp, Unread, User, UserId,
};

/// A user as a certain reader sees him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserView {
    /// The account. Which of its fields the reader gets, depends on `own`.
    pub user: User,
    /// The presence that the reader may see.
    pub presence: Presence,
    /// The status that the reader may see.
    pub status: Status,
    /// Whether the reader is this user.
    pub own: bool,
    /// What the user is to the reader, where that is told.
    pub relation: Option<Relation>,
}

/// A friend request as the one who sent it, or the one who got it, sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendRequestView {
    /// The request, in the state that the reader may know of.
    pub request: FriendRequest,
    /// The other one of the two.
    pub other: UserView,
}

/// A friend of the reader, or somebody whom he blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TieView {
    /// Who.
    pub user: UserView,
    /// Since when.
    pub since: Timestamp,
}

/// Whether the reader blocks somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockView {
    /// Whom.
    pub user_id: UserId,
    /// Whether he is blocked.
    pub blocked: bool,
}

/// A message, and its way if the reader sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// The message.
    pub message: Message,
    /// How far it has come; for its sender alone.
    pub delivery: Option<Delivery>,
    /// The beginning of the message that it answers, unless that is deleted.
    pub quote: Option<String>,
}

/// A conversation as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationView {
    /// The conversation.
    pub conversation: Conversation,
    /// The reader in it.
    pub me: Member,
    /// In a direct conversation, the other user.
    pub other: Option<UserView>,
    /// The other members' positions, as far as they show them.
    pub receipts: Vec<ReceiptView>,
    /// The newest message.
    pub last_message: Option<MessageView>,
    /// What the reader has not read.
    pub unread: Unread,
}

/// A member of a group as the other members see him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Who.
    pub user: UserView,
    /// What he may do.
    pub role: MemberRole,
    /// Since when he is in it.
    pub joined_at: Timestamp,
}

/// How far a member has come in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptView {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The member.
    pub user_id: UserId,
    /// How far the member has read, as far as the reader may know.
    pub read_seq: Seq,
    /// How far the member's devices have received, as far as the reader may know.
    pub delivered_seq: Seq,
    /// What is unread; for the member alone.
    pub unread: Option<Unread>,
}

/// A user's presence and status as others see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceView {
    /// Whose.
    pub user_id: UserId,
    /// What the server observed.
    pub presence: Presence,
    /// What the user chose to show.
    pub status: Status,
}
