//! Friends, friend requests and blocks.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use parlor_domain::{
    Event, FriendRequest, FriendRequestId, FriendRequestView, InvalidValue, PresenceView, Relation, RequestState,
    RequestText, Rev, Status, StreamId, Tie, TieKind, TieView, Timestamp, UserChange, UserId, UserTopic,
    store::{
        Answer, Between, BlockOutcome, Direction, NewBlock, NewFriendRequest, RequestAnswer, RequestChange,
        RequestOutcome, RequestPage, StoreResult, TiePage,
    },
};
use tracing::warn;

use crate::{Caller, Deps, Page, ServiceError, ServiceResult, detached, log::tell_own};

/// Makes friends and keeps strangers away.
pub struct RelationService {
    deps: Arc<Deps>,
    limits: RelationLimits,
    untold: Arc<Untold>,
}

/// How much of what users may be to each other.
#[derive(Clone, Copy, Debug)]
pub struct RelationLimits {
    /// How long after a rejected or withdrawn friend request nobody is bothered by the same wish again.
    pub cooldown: Duration,
    /// How many friends one may have.
    pub friends: u32,
    /// How many users one may block.
    pub blocks: u32,
}

/// How many friendships are ended by one change when an account is deleted.
const ENDED_AT_ONCE: usize = 100;

/// Where a page of friend requests begins: after this one.
pub type RequestCursor = (Timestamp, FriendRequestId);

/// What came of asking somebody to be friends.
#[derive(Clone, Debug)]
pub struct AskedFriend {
    /// The request; accepted if the other one had asked as well.
    pub view: FriendRequestView,
    /// Whether it is a new one.
    pub created: bool,
}

impl RelationService {
    pub(crate) fn new(deps: Arc<Deps>, limits: RelationLimits) -> Self {
        Self { deps, limits, untold: Arc::default() }
    }

    /// Asks somebody to be friends. If he has asked as well, both are friends; if the caller has asked before and
    /// waits, nothing happens. Who blocks the caller, or is not to be asked again yet, does not hear of it.
    ///
    /// # Errors
    /// `Invalid` for oneself, `NotFound` for an unknown or deleted user, `Blocking`, `AlreadyFriends`, `ListFull`,
    /// `RateLimited`, `Store`.
    pub async fn request(&self, caller: Caller, to: UserId, text: Option<RequestText>) -> ServiceResult<AskedFriend> {
        self.deps.limits.friend_request(caller.user)?;
        refuse_self(caller, to)?;
        let new = NewFriendRequest {
            id: FriendRequestId::generate(&*self.deps.clock, &*self.deps.entropy),
            from: caller.user,
            to,
            text,
            now: self.deps.clock.now(),
            cooldown: self.limits.cooldown,
            friends: self.limits.friends,
        };
        let deps = Arc::clone(&self.deps);
        let (request, created) = detached(async move {
            let outcome = deps.stores.relations.request(&new).await;
            settle(&deps, new.from, [new.from, new.to], outcome).await
        })
        .await?;
        Ok(AskedFriend { view: self.view(request, caller.user).await?, created })
    }

    /// Answers a friend request that waits: accepts or rejects one that the caller got, takes one back that he sent.
    /// The same answer again has the same outcome.
    ///
    /// # Errors
    /// `NotFound` for a request that is not the caller's to answer so, `RequestNotPending`, `ListFull`, `RateLimited`,
    /// `Store`.
    pub async fn answer(
        &self,
        caller: Caller,
        id: FriendRequestId,
        answer: Answer,
    ) -> ServiceResult<FriendRequestView> {
        self.deps.limits.signal(caller.user)?;
        let (now, friends) = (self.deps.clock.now(), self.limits.friends);
        let given = RequestAnswer { id, by: caller.user, answer, now, friends };
        let deps = Arc::clone(&self.deps);
        let request = detached(async move {
            let outcome = deps.stores.relations.answer(&given).await;
            let both = match &outcome {
                Ok(RequestOutcome::Changed(RequestChange { request, .. }) | RequestOutcome::Unchanged(request)) => {
                    [request.from, request.to]
                }
                Ok(_) | Err(_) => [caller.user, caller.user],
            };
            settle(&deps, caller.user, both, outcome).await
        })
        .await;
        match request {
            Ok((request, _)) => Ok(self.view(request, caller.user).await?),
            Err(ServiceError::NotFound(_)) => Err(ServiceError::NotFound("friend request")),
            Err(error) => Err(error),
        }
    }

    /// A page of the friend requests that wait, to the caller or from him, the newest first.
    ///
    /// # Errors
    /// `Store`.
    pub async fn requests(
        &self,
        caller: Caller,
        direction: Direction,
        after: Option<RequestCursor>,
        limit: usize,
    ) -> ServiceResult<Page<FriendRequestView, RequestCursor>> {
        let page = RequestPage { user: caller.user, direction, after, limit: limit + 1 };
        let requests = self.deps.stores.relations.requests(&page).await?;
        let Page { items, next } =
            Page::cut(requests, limit, |request: &FriendRequest| (request.created_at, request.id));
        Ok(Page { items: self.deps.request_views(items, caller.user).await?, next })
    }

    /// A page of the caller's friends, by user name.
    ///
    /// # Errors
    /// `Store`.
    pub async fn friends(
        &self,
        caller: Caller,
        after: Option<String>,
        limit: usize,
    ) -> ServiceResult<Page<TieView, String>> {
        self.ties(TiePage { user: caller.user, kind: TieKind::Friend, after, limit: limit + 1 }).await
    }

    /// A page of those whom the caller blocks, by user name.
    ///
    /// # Errors
    /// `Store`.
    pub async fn blocks(
        &self,
        caller: Caller,
        after: Option<String>,
        limit: usize,
    ) -> ServiceResult<Page<TieView, String>> {
        self.ties(TiePage { user: caller.user, kind: TieKind::Block, after, limit: limit + 1 }).await
    }

    /// Ends a friendship, and tells both. Nothing happens if there is none.
    ///
    /// # Errors
    /// `RateLimited`, `Store`.
    pub async fn unfriend(&self, caller: Caller, other: UserId) -> ServiceResult<()> {
        self.deps.limits.signal(caller.user)?;
        let deps = Arc::clone(&self.deps);
        detached(async move {
            let ended = deps.stores.relations.unfriend(caller.user, other).await;
            deps.reach.changed(&[caller.user, other]);
            match ended? {
                Some(ended) => tell_of_end(&deps, ended).await,
                None => catch_up(&deps, &[caller.user, other]).await,
            }
            Ok(())
        })
        .await
    }

    /// Blocks somebody, and tells the caller's devices alone. A friendship and requests between the two end in silence,
    /// and neither sees any more what the other does.
    ///
    /// # Errors
    /// `Invalid` for oneself, `NotFound` for an unknown or deleted user, `ListFull`, `RateLimited`, `Store`.
    pub async fn block(&self, caller: Caller, other: UserId) -> ServiceResult<()> {
        self.deps.limits.signal(caller.user)?;
        refuse_self(caller, other)?;
        let user = self.deps.stores.users.find(other).await?;
        user.filter(|user| user.deleted_at.is_none()).ok_or(ServiceError::NotFound("user"))?;
        let new = NewBlock { user: caller.user, other, now: self.deps.clock.now(), at_most: self.limits.blocks };
        let (deps, untold) = (Arc::clone(&self.deps), Arc::clone(&self.untold));
        detached(async move {
            let made = deps.stores.relations.block(&new).await;
            deps.reach.changed(&[caller.user, other]);
            let rev = match made.inspect_err(|_| untold.note(caller.user, other))? {
                BlockOutcome::Made(rev) => Some(rev),
                BlockOutcome::Unchanged => None,
                BlockOutcome::TooMany => return Err(ServiceError::ListFull("you block as many users as one may")),
            };
            untold.tell_of_block(&deps, caller.user, other, rev).await;
            Ok(())
        })
        .await
    }

    /// Ends a block, and tells the caller's devices alone. Nothing happens if there is none.
    ///
    /// # Errors
    /// `RateLimited`, `Store`.
    pub async fn unblock(&self, caller: Caller, other: UserId) -> ServiceResult<()> {
        self.deps.limits.signal(caller.user)?;
        let (deps, untold) = (Arc::clone(&self.deps), Arc::clone(&self.untold));
        detached(async move {
            let unblocked = deps.stores.relations.unblock(caller.user, other).await;
            deps.reach.changed(&[caller.user, other]);
            let rev = unblocked.inspect_err(|_| untold.note(caller.user, other))?;
            untold.tell_of_block(&deps, caller.user, other, rev).await;
            Ok(())
        })
        .await
    }

    async fn ties(&self, page: TiePage) -> ServiceResult<Page<TieView, String>> {
        let ties = self.deps.stores.relations.ties(&page).await?;
        let Page { items, next } = Page::cut(ties, page.limit - 1, |tie: &Tie| tie.name.clone());
        Ok(Page { items: self.deps.tie_views(&items, page.user).await?, next })
    }

    async fn view(&self, request: FriendRequest, reader: UserId) -> ServiceResult<FriendRequestView> {
        let views = self.deps.request_views(vec![request], reader).await?;
        views.into_iter().next().ok_or(ServiceError::NotFound("user"))
    }
}

/// What the second of two is to the first.
pub(crate) fn relation(between: &Between) -> Relation {
    match between.tie {
        Some(TieKind::Block) => Relation::Blocked,
        Some(TieKind::Friend) => Relation::Friend,
        None if between.sent.as_ref().is_some_and(|sent| sent.state.is_open()) => Relation::RequestSent,
        None if between.received.as_ref().is_some_and(|got| got.state == RequestState::Pending) => {
            Relation::RequestReceived
        }
        None => Relation::None,
    }
}

/// Nobody writes to himself, or is his own friend.
pub(crate) fn refuse_self(caller: Caller, other: UserId) -> ServiceResult<()> {
    if other == caller.user {
        let reason = InvalidValue::new("self", "must be another user");
        return Err(ServiceError::Invalid { field: "userId", reason });
    }
    Ok(())
}

/// Tells those who learn of it what became of a request, and gives it, with whether it is a new one.
async fn settle(
    deps: &Deps,
    caller: UserId,
    both: [UserId; 2],
    outcome: StoreResult<RequestOutcome>,
) -> ServiceResult<(FriendRequest, bool)> {
    deps.reach.changed(&both);
    match outcome? {
        RequestOutcome::Unknown => Err(ServiceError::NotFound("user")),
        RequestOutcome::Blocking => Err(ServiceError::Blocking),
        RequestOutcome::Friends => {
            catch_up(deps, &both).await;
            Err(ServiceError::AlreadyFriends)
        }
        RequestOutcome::TooManyFriends(user) if user == caller => {
            Err(ServiceError::ListFull("you have as many friends as one may have"))
        }
        RequestOutcome::TooManyFriends(_) => {
            Err(ServiceError::ListFull("the other user has as many friends as one may have"))
        }
        RequestOutcome::NotPending => Err(ServiceError::RequestNotPending),
        RequestOutcome::Unchanged(request) => {
            catch_up(deps, &both).await;
            Ok((request, false))
        }
        RequestOutcome::Changed(RequestChange { request, told, befriended, new }) => {
            for (user, rev) in told {
                tell_own(deps, user, UserChange { rev, topic: UserTopic::FriendRequest(request.id) }).await;
            }
            for (user, rev) in befriended {
                tell_own(deps, user, UserChange { rev, topic: UserTopic::Friend(request.other(user)) }).await;
            }
            Ok((request, new))
        }
    }
}

/// Tells two whose friendship has ended.
async fn tell_of_end(deps: &Deps, [(a, a_rev), (b, b_rev)]: [(UserId, Rev); 2]) {
    for (user, rev, friend) in [(a, a_rev, b), (b, b_rev, a)] {
        tell_own(deps, user, UserChange { rev, topic: UserTopic::Friend(friend) }).await;
    }
}

/// Has these users' devices told of what they may not have been: of a change that is there already, the one who made it
/// may have got no answer, and nobody an event.
async fn catch_up(deps: &Deps, users: &[UserId]) {
    for user in users {
        match deps.stores.users.rev(*user).await {
            Ok(rev) => deps.hub.reconcile(&[(StreamId::User(*user), rev)]),
            Err(error) => {
                warn!(%user, error = &error as &dyn std::error::Error, "a user's devices may have missed a change");
            }
        }
    }
}

/// How many blocks are remembered that nobody was told of.
const UNTOLD: usize = 10_000;

/// Blocks that were made or ended without an answer of the store: the two may have been told nothing of each other's presence.
#[derive(Default)]
struct Untold(Mutex<HashSet<(UserId, UserId)>>);

impl Untold {
    fn note(&self, user: UserId, other: UserId) {
        let mut untold = self.0.lock();
        if untold.len() < UNTOLD {
            untold.insert((user, other));
        }
    }

    /// Tells the devices of the one whose block it is, and shows both the other's presence as they may see it from now on.
    async fn tell_of_block(&self, deps: &Deps, user: UserId, other: UserId, rev: Option<Rev>) {
        let is_news = self.0.lock().remove(&(user, other)) || rev.is_some();
        match rev {
            Some(rev) => tell_own(deps, user, UserChange { rev, topic: UserTopic::Block(other) }).await,
            None => catch_up(deps, &[user]).await,
        }
        if !is_news {
            return;
        }
        if let Err(error) = show_each_other(deps, user, other).await {
            warn!(%user, error = &error as &dyn std::error::Error, "two were not told of each other's presence");
        }
    }
}

/// Ends all friendships of a user, a few at a time.
pub(crate) async fn leave_friends(deps: &Deps, user: UserId) -> StoreResult<()> {
    loop {
        let ended = deps.stores.relations.end_friendships(user, ENDED_AT_ONCE).await?;
        if ended.is_empty() {
            return Ok(());
        }
        for ended in ended {
            deps.reach.changed(&ended.map(|(user, _)| user));
            tell_of_end(deps, ended).await;
        }
    }
}

/// Pushes to two who share a conversation what each may see of the other now. Who looks absent anyway is not told of:
/// an event without news would tell of the block.
async fn show_each_other(deps: &Deps, a: UserId, b: UserId) -> StoreResult<()> {
    let conversations = deps.conversations_of(a).await?;
    if !conversations.iter().any(|id| deps.hub.listens(b, StreamId::Conversation(*id))) {
        return Ok(());
    }
    let users = deps.stores.users.find_many(&[a, b]).await?;
    for (reader, shown) in [(a, b), (b, a)] {
        let blocks = deps.blocks_of(reader).await?;
        if let Some(user) = users.iter().find(|user| user.id == shown) {
            let PresenceView { presence, status, .. } = deps.public_presence(user, deps.hub.is_online(shown));
            if !presence.online && status == Status::default() {
                continue;
            }
            deps.hub.announce_to(reader, Event::PresenceUpdated(deps.presence_for(user, &blocks)));
        }
    }
    Ok(())
}

impl Deps {
    /// Friend requests as one of the two sees them, without those whose other one is gone.
    pub(crate) async fn request_views(
        &self,
        requests: Vec<FriendRequest>,
        reader: UserId,
    ) -> StoreResult<Vec<FriendRequestView>> {
        let others: Vec<UserId> = requests.iter().map(|request| request.other(reader)).collect();
        let users = self.user_views(&others, reader).await?;
        let view = |request: FriendRequest| {
            let other = users.get(&request.other(reader))?.clone();
            Some(FriendRequestView { request: request.as_seen_by(reader), other })
        };
        Ok(requests.into_iter().filter_map(view).collect())
    }

    /// Friends or blocked ones as the one sees them whose they are.
    pub(crate) async fn tie_views(&self, ties: &[Tie], reader: UserId) -> StoreResult<Vec<TieView>> {
        let others: Vec<UserId> = ties.iter().map(|tie| tie.other).collect();
        let users = self.user_views(&others, reader).await?;
        let view = |tie: &Tie| Some(TieView { user: users.get(&tie.other)?.clone(), since: tie.since });
        Ok(ties.iter().filter_map(view).collect())
    }
}
