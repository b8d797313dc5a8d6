//! Communities, their channels, and who is in them.

use async_trait::async_trait;

use super::StoreResult;
use crate::{
    Category, ChannelChange, CommunityChange, CommunityRefusal, Conversation, ConversationId, Member, Message,
    NewChannel, NewCommunity, Rev, Timestamp, UserId,
};

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommunityOutcome {
    /// It is stored, or there was nothing to change.
    Changed(Box<CommunityChanged>),
    /// Nothing is changed.
    Refused(CommunityRefusal),
}

/// A community or a channel after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunityChanged {
    /// The one that was changed, as it is then.
    pub conversation: Conversation,
    /// The messages in its log that tell of the change, in order; none if there was nothing to change.
    pub messages: Vec<Message>,
    /// Who has come into it or gone, and likewise what other conversations followed from that.
    pub moves: Vec<Move>,
}

/// That somebody has come into a conversation or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The conversation.
    pub conversation: ConversationId,
    /// Who.
    pub user: UserId,
    /// As what he has come; nothing if he has gone.
    pub member: Option<Member>,
    /// The revision that this took in his own stream.
    pub rev: Rev,
}

/// A page of the communities that everyone finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunityDirectory {
    /// With what the [key](crate::name_key) of their names begins.
    pub prefix: String,
    /// Only those of this category.
    pub category: Option<Category>,
    /// Only those whose name's key comes after this.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// Communities, their channels, and who is in them.
///
/// Every change is one with the messages that tell of it, as with [groups](super::GroupStore). Who comes into a community
/// comes into all its channels that are public, and who has a role that manages it into the others as well; who goes is
/// out of all of them. The role of a channel's member is the one that he has in the community. Who comes into a
/// conversation has read what is there, and if his status holds at `now`, what comes after it is held back. It is
/// recorded in his own stream (topic `Conversation`), and so is that he has gone.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait CommunityStore: Send + Sync {
    /// Makes a community. Refuses `UnknownUsers`, `NameTaken` and `TooManyCommunities`.
    async fn create(&self, new: &NewCommunity) -> StoreResult<CommunityOutcome>;

    /// Makes the change that [`CommunityChange::plan`] plans. Refuses also `UnknownUsers`, `NameTaken` and
    /// `TooManyCommunities`.
    async fn change(&self, change: &CommunityChange) -> StoreResult<CommunityOutcome>;

    /// Makes a channel, with all members of the community in it or those who manage it. Refuses `NotFound` to who is not
    /// in the community, `NotPermitted`, `NameTaken` and `TooManyChannels`.
    async fn create_channel(&self, new: &NewChannel) -> StoreResult<CommunityOutcome>;

    /// Makes the change that [`ChannelChange::plan`] plans. Where it opens, all members of the community come in; where it
    /// closes, those go who don't manage it. Refuses also `Outsiders` and `NameTaken`.
    ///
    /// A channel that is deleted is in no list any more, and nobody comes in. Who is in it is taken out by
    /// [`Self::expel`].
    async fn change_channel(&self, change: &ChannelChange) -> StoreResult<CommunityOutcome>;

    /// Deletes a community for its owner: it and its channels are in no list any more, its name is free, and nobody comes
    /// in. Who is in them is taken out by [`Self::expel`]. Gives the ids of all of them, the community's first. Refuses
    /// `NotFound` and `NotPermitted`.
    async fn delete(
        &self,
        community: ConversationId,
        actor: UserId,
        now: Timestamp,
    ) -> StoreResult<Result<Vec<ConversationId>, CommunityRefusal>>;

    /// Takes at most `limit` members out of a deleted community or channel. When there are none left, it gives none.
    async fn expel(&self, id: ConversationId, limit: usize) -> StoreResult<Vec<Move>>;

    /// Communities and channels that are deleted and not erased, in any order, at most `limit`.
    async fn deleted(&self, limit: usize) -> StoreResult<Vec<ConversationId>>;

    /// Erases at most `limit` messages of a deleted community or channel in which nobody is, with all that belongs to
    /// them; and when there are none, and it was deleted before that time, itself. Gives how many messages were erased.
    async fn erase(&self, id: ConversationId, deleted_before: Timestamp, limit: usize) -> StoreResult<usize>;

    /// A community that is not deleted, whoever is in it. How far its log goes is not said.
    async fn find(&self, id: ConversationId) -> StoreResult<Option<Conversation>>;

    /// The ids of a community's channels, in the order of their positions, and among equals of their ids.
    async fn channels(&self, community: ConversationId) -> StoreResult<Vec<ConversationId>>;

    /// A page of the public communities, in the order of their names' keys. How far their logs go is not said.
    async fn directory(&self, page: &CommunityDirectory) -> StoreResult<Vec<Conversation>>;

    /// The communities that a user is in after one of them, in the order of their ids; at most `limit`.
    async fn of(&self, user: UserId, after: Option<ConversationId>, limit: usize) -> StoreResult<Vec<ConversationId>>;
}
