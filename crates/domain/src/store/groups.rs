//! Groups and who is in them.

use async_trait::async_trait;

use super::StoreResult;
use crate::{Conversation, ConversationId, GroupChange, GroupRefusal, Member, Message, NewGroup, Rev, UserId};

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupOutcome {
    /// It is stored, or there was nothing to change.
    Changed(Box<GroupChanged>),
    /// Nothing is changed.
    Refused(GroupRefusal),
}

/// A group after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChanged {
    /// The group as it is then.
    pub conversation: Conversation,
    /// The messages that tell of the change, in order; none if there was nothing to change.
    pub messages: Vec<Message>,
    /// Who has come in, each with the revision that this took in his own stream.
    pub joined: Vec<(UserId, Rev)>,
    /// Who has gone, likewise.
    pub left: Vec<(UserId, Rev)>,
}

/// A page of a group's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MembersPage {
    /// The conversation.
    pub conversation: ConversationId,
    /// Only those whose id is greater than this.
    pub after: Option<UserId>,
    /// At most this many.
    pub limit: usize,
}

/// Groups and who is in them.
///
/// Every change is one with the messages that tell of it, which take the next `seq` and `rev` of the group's log, and
/// with what follows from a message. Who comes in or goes has it recorded in his own stream (topic `Conversation`).
/// From then on a message of who has gone is refused: on this node at once, on another one within a second.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait GroupStore: Send + Sync {
    /// Makes a group. What comes is held back from a member whose status holds at `now`, from the beginning. Refuses
    /// `UnknownUsers`.
    async fn create(&self, new: &NewGroup) -> StoreResult<GroupOutcome>;

    /// Makes the change that [`GroupChange::plan`] plans for the group as it is. Who comes in has read what is there
    /// (the messages that tell of it come after that), and if his status holds at `now`, what comes after it is held
    /// back.
    async fn change(&self, change: &GroupChange) -> StoreResult<GroupOutcome>;

    /// A page of the members of a conversation, in the order of their ids; none if it is unknown.
    async fn members(&self, page: &MembersPage) -> StoreResult<Vec<Member>>;

    /// Whether two users are in a group together.
    async fn share_group(&self, user: UserId, other: UserId) -> StoreResult<bool>;

    /// The groups that a user is in.
    async fn of(&self, user: UserId) -> StoreResult<Vec<ConversationId>>;
}
