//! Friends, friend requests and blocks.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreResult;
use crate::{FriendRequest, FriendRequestId, RequestText, Rev, Tie, TieKind, Timestamp, UserId};

/// A wish to become friends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFriendRequest {
    /// The id that the request gets if there has been none from this one to that one.
    pub id: FriendRequestId,
    /// Who asks.
    pub from: UserId,
    /// Who is asked; never the same.
    pub to: UserId,
    /// What is said with it.
    pub text: Option<RequestText>,
    /// The present.
    pub now: Timestamp,
    /// How long after a rejection or a withdrawal the one who is asked is not asked again by the same one.
    pub cooldown: Duration,
    /// How many friends each may have.
    pub friends: u32,
}

/// What one of the two of a friend request says to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestAnswer {
    /// The request.
    pub id: FriendRequestId,
    /// Who answers.
    pub by: UserId,
    /// What he says.
    pub answer: Answer,
    /// The present.
    pub now: Timestamp,
    /// How many friends each may have.
    pub friends: u32,
}

/// What one of the two makes of a friend request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The one who was asked wants it.
    Accept,
    /// The one who was asked does not want it.
    Reject,
    /// The one who asked takes it back.
    Cancel,
}

/// What came of a friend request or an answer to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// Of a new one: the one who is asked is unknown or deleted. Of an answer: there is no such request, or it is not
    /// for this user to answer so.
    Unknown,
    /// Who asks blocks the other one.
    Blocking,
    /// They are friends already.
    Friends,
    /// They would be friends, and this one has as many as one may have.
    TooManyFriends(UserId),
    /// The request waits no longer, and something else became of it.
    NotPending,
    /// It is so already.
    Unchanged(FriendRequest),
    /// It has come to this.
    Changed(RequestChange),
}

/// A change of a friend request. It is in no stream but those that are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestChange {
    /// The request as it is then.
    pub request: FriendRequest,
    /// Those who learn of the request, each with the revision that this took in his own stream (topic
    /// `FriendRequest`).
    pub told: Vec<(UserId, Rev)>,
    /// If the two became friends: both, each with the revision that this took in his own stream (topic `Friend`),
    /// after that of the request.
    pub befriended: Vec<(UserId, Rev)>,
    /// Whether to the one who asked it is a new request.
    pub new: bool,
}

/// A wish to have nothing to do with somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewBlock {
    /// Whose block it is.
    pub user: UserId,
    /// Who is blocked; never the same.
    pub other: UserId,
    /// The present.
    pub now: Timestamp,
    /// How many one may block.
    pub at_most: u32,
}

/// What came of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockOutcome {
    /// It is made: the revision that this took.
    Made(Rev),
    /// It is so already, or one of the two is unknown or deleted.
    Unchanged,
    /// The user blocks as many as one may.
    TooMany,
}

/// Whose requests: those to a user or those from him.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To him.
    Incoming,
    /// From him.
    Outgoing,
}

/// A page of a user's friend requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestPage {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub direction: Direction,
    /// Only what comes after this one in the order.
    pub after: Option<(Timestamp, FriendRequestId)>,
    /// At most this many.
    pub limit: usize,
}

/// A page of a user's friends, or of those whom he blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TiePage {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub kind: TieKind,
    /// Only those whose [`Tie::name`] is greater than this.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// What two users are to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// What the first has made of the second.
    pub tie: Option<TieKind>,
    /// What the second has made of the first.
    pub back: Option<TieKind>,
    /// The request from the first to the second.
    pub sent: Option<FriendRequest>,
    /// The request from the second to the first.
    pub received: Option<FriendRequest>,
}

/// Of how many of the newest messages one has to be by who was written to, so that he is taken to want an answer: a bound
/// of what is read.
pub const CONSENT: u64 = 1000;

/// Friends, friend requests and blocks. Of deleted accounts there are none.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait RelationStore: Send + Sync {
    /// Asks somebody to be friends.
    /// - If he has asked as well, and waits as far as he knows (also if he was rejected), the two become friends by
    ///   his request.
    /// - If a request waits already, it stays as it is. One that was rejected stays so for the cooldown, and then
    ///   waits again, as it was.
    /// - Else the request from the one to the other is made, or is used anew with this text and time. If the one who is
    ///   asked blocks the other, or it was rejected or taken back within the cooldown, it is rejected from the beginning,
    ///   and only the stream of the one who asks records it.
    ///
    /// Of several calls at once, in both directions, there comes one request or one friendship.
    async fn request(&self, new: &NewFriendRequest) -> StoreResult<RequestOutcome>;

    /// Answers a request that waits: `Accept` and `Reject` by the one who was asked, `Cancel` by the one who asked.
    /// An acceptance and a withdrawal are recorded in both streams, a rejection in that of the one who was asked. A
    /// request that was rejected can be taken back; only the stream of the one who asked records that.
    ///
    /// The answer that was given already changes nothing (`Unchanged`), any other does not either (`NotPending`), nor
    /// an acceptance of which nothing is left because the two are friends no more. Of several answers at once one counts.
    async fn answer(&self, answer: &RequestAnswer) -> StoreResult<RequestOutcome>;

    /// These requests, in any order; unknown ones are left out.
    async fn requests_of(&self, ids: &[FriendRequestId]) -> StoreResult<Vec<FriendRequest>>;

    /// A page of the requests to a user that wait, or of those from him that wait as far as he knows: rejected ones
    /// too. The newest (`created_at`) first, and among equals the greater id first.
    async fn requests(&self, page: &RequestPage) -> StoreResult<Vec<FriendRequest>>;

    /// Ends a friendship, and records it in both streams (topic `Friend`): the revisions that this took. `None` if the
    /// two are not friends.
    async fn unfriend(&self, user: UserId, other: UserId) -> StoreResult<Option<[(UserId, Rev); 2]>>;

    /// Ends at most so many (at least one) of a user's friendships, as [`Self::unfriend`] does each.
    async fn end_friendships(&self, user: UserId, at_most: usize) -> StoreResult<Vec<[(UserId, Rev); 2]>>;

    /// Makes a user block another one, and records it in his own stream alone (topic `Block`, as the last one). Ends a friendship of the two; his request that waits or was rejected is as if taken back,
    /// and the other one's that waits is rejected. His own stream records what of this has happened, the other one's does
    /// not.
    async fn block(&self, block: &NewBlock) -> StoreResult<BlockOutcome>;

    /// Ends a block, and records it in the user's own stream (topic `Block`): the revision that this took. `None` if
    /// there was none.
    async fn unblock(&self, user: UserId, other: UserId) -> StoreResult<Option<Rev>>;

    /// A page of a user's friends or blocks, ordered by [`Tie::name`].
    async fn ties(&self, page: &TiePage) -> StoreResult<Vec<Tie>>;

    /// What a user has made of each of these, in any order; who is nothing to him is left out.
    async fn ties_to(&self, user: UserId, others: &[UserId]) -> StoreResult<Vec<Tie>>;

    /// What the first of two users has made of the second, and the second of the first.
    async fn ties_between(&self, user: UserId, other: UserId) -> StoreResult<(Option<TieKind>, Option<TieKind>)>;

    /// What two users are to each other.
    async fn between(&self, user: UserId, other: UserId) -> StoreResult<Between>;

    /// The blocks that these users have made or that were made against them, in any order: who blocks whom.
    async fn blocks(&self, users: &[UserId]) -> StoreResult<Vec<(UserId, UserId)>>;

    /// Whether a user has written one of the newest [`CONSENT`] messages in the direct conversation with another one.
    async fn has_written(&self, user: UserId, to: UserId) -> StoreResult<bool>;
}
