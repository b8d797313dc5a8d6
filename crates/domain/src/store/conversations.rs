//! Conversations, their members, and the users' own streams.

use std::collections::HashMap;

use async_trait::async_trait;

use super::StoreResult;
use crate::{
    Conversation, ConversationId, Member, MemberSettingsChange, Message, ReceiptKind, Rev, Seq, Shape, Timestamp,
    Unread, UnreadTotals, UserChange, UserId,
};

/// A direct conversation to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewDirect {
    /// The id that it gets if there is none of these two yet.
    pub id: ConversationId,
    /// Who opens it.
    pub opener: UserId,
    /// The other one; never the opener.
    pub other: UserId,
    /// The present.
    pub now: Timestamp,
}

/// What came of opening a direct conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedDirect {
    /// The conversation of the two users.
    pub id: ConversationId,
    /// If it was made by this call: the revision that it took in each one's own stream.
    pub created: Option<[(UserId, Rev); 2]>,
}

/// A conversation as a store gives it to one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// The conversation.
    pub conversation: Conversation,
    /// The one who asked.
    pub me: Member,
    /// In a direct conversation, the other member.
    pub other: Option<Member>,
    /// In a group of at most [`POSITIONS_TOLD`](Self::POSITIONS_TOLD) members, the other members.
    pub others: Vec<Member>,
    /// The newest message.
    pub last_message: Option<Message>,
    /// What the member has not read: what comes after his `read_seq`. A mention is of him, of everyone, or of a role that he has.
    pub unread: Unread,
}

/// A page of a user's conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// Whose.
    pub user: UserId,
    /// Only what comes after this one in the order.
    pub after: Option<(Timestamp, ConversationId)>,
    /// Only those that he has put away, or only the others.
    pub archived: Option<bool>,
    /// At most this many.
    pub limit: usize,
}

impl InboxEntry {
    /// How many members a group has at most for its members to be told each other's positions.
    pub const POSITIONS_TOLD: u32 = 100;
}

/// Where a conversation is for one of its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its newest revision.
    pub rev: Rev,
    /// The member's [`Member::joined_rev`].
    pub joined_rev: Rev,
    /// The member's [`Member::held_from`].
    pub held_from: Option<Rev>,
}

/// A part of a user's own stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserLogPage {
    /// The changes, in ascending order of `rev`.
    pub changes: Vec<UserChange>,
    /// The newest revision of the stream; zero for an unknown user.
    pub head: Rev,
}

/// A member's position to move forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptAdvance {
    /// Where.
    pub conversation: ConversationId,
    /// Whose.
    pub user: UserId,
    /// Which position.
    pub kind: ReceiptKind,
    /// Where to.
    pub seq: Seq,
    /// Whether others are told. If not, only the member's own `read_seq` moves.
    pub shown: bool,
}

/// What came of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// There is no such conversation, or the user is not in it.
    NotAMember,
    /// The conversation does not reach that far; its last `seq` is this.
    Beyond(Seq),
    /// Something moved, or nothing because the member had come as far before.
    Advanced {
        /// The member as it is then.
        member: Member,
        /// The conversation as it is then.
        conversation: Box<Conversation>,
        /// What is unread then.
        unread: Unread,
        /// If the own `read_seq` moved: the revision that this took in the user's own stream.
        own_rev: Option<Rev>,
        /// Whether a position that others see moved.
        shown: bool,
    },
}

/// What came of setting how a member sees a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsSet {
    /// The conversation as it is for him then.
    pub entry: InboxEntry,
    /// The revision that this took in his own stream; none if he has seen it so before.
    pub own_rev: Option<Rev>,
}

/// Conversations and their members.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ConversationStore: Send + Sync {
    /// The direct conversation of two users, made if there is none, also when many ask at once. A new one is
    /// recorded in both users' own streams (topic `Conversation`). For a member whose status holds at `now`, it
    /// is held from revision zero.
    async fn open_direct(&self, new: &NewDirect) -> StoreResult<OpenedDirect>;

    /// What the conversation is for ever, whoever is in it.
    async fn shape(&self, id: ConversationId) -> StoreResult<Option<Shape>>;

    /// The conversation, if the user is in it.
    async fn find(&self, id: ConversationId, user: UserId) -> StoreResult<Option<InboxEntry>>;

    /// Those of these conversations that the user is in, in any order.
    async fn find_many(&self, ids: &[ConversationId], user: UserId) -> StoreResult<Vec<InboxEntry>>;

    /// A page of the user's conversations, without communities and those that he hides, the one with the newest activity
    /// (`updated_at`) first, and among equals the greater id first.
    async fn inbox(&self, page: &Inbox) -> StoreResult<Vec<InboxEntry>>;

    /// Where every conversation is that the user is in.
    async fn heads(&self, user: UserId) -> StoreResult<Vec<Head>>;

    /// The users in the conversation; none if it is unknown. A sender's own `read_seq` may be behind what he has sent
    /// last.
    async fn members(&self, id: ConversationId) -> StoreResult<Vec<Member>>;

    /// The same of a conversation whose members are told each other's positions; none of one that has more than
    /// [`InboxEntry::POSITIONS_TOLD`].
    async fn told_members(&self, id: ConversationId) -> StoreResult<Vec<Member>>;

    /// The user as a member of the conversation, if he is in it.
    async fn member(&self, id: ConversationId, user: UserId) -> StoreResult<Option<Member>>;

    /// The members of the conversation who have one of these names, which are in lower case.
    async fn named_members(&self, id: ConversationId, names: &[String]) -> StoreResult<HashMap<String, UserId>>;

    /// What the user has not read in all his conversations, at a time.
    async fn unread_totals(&self, user: UserId, now: Timestamp) -> StoreResult<UnreadTotals>;

    /// Moves a member's position forward, never back. `Read` moves `read_seq`, and if shown `delivered_seq`, and where the
    /// conversation has read receipts `read_receipt_seq`; `Delivered` moves `delivered_seq` if shown, else nothing. If `read_seq` moves, it is recorded in the user's own stream
    /// (topic `Read`).
    async fn advance_receipt(&self, advance: &ReceiptAdvance) -> StoreResult<ReceiptOutcome>;

    /// Changes how the member sees the conversation, and records it in his own stream (topic `Settings`) if that changes
    /// anything. `None` if he is not in it.
    async fn set_settings(
        &self,
        id: ConversationId,
        user: UserId,
        change: &MemberSettingsChange,
    ) -> StoreResult<Option<SettingsSet>>;

    /// The user's own stream after a revision, in order, at most `limit` changes, and its newest revision at the
    /// same moment.
    async fn user_changes(&self, user: UserId, after: Rev, limit: usize) -> StoreResult<UserLogPage>;
}
