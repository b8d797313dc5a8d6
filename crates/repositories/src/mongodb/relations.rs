//! Friends, friend requests and blocks.
//!
//! Two changes that must not miss each other both write the account of somebody whom they concern, so that one of them
//! runs again and sees what the other has done. Where there are no transactions, they wait for each other.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
};
use parlor_domain::{
    FriendRequest, FriendRequestId, Rev, Tie, TieKind, Timestamp, User, UserId, UserTopic,
    store::{
        Between, BlockOutcome, CONSENT, Direction, NewBlock, NewFriendRequest, RelationStore, RequestAnswer,
        RequestChange, RequestOutcome, RequestPage, StoreError, StoreResult, TiePage,
    },
};

use tokio::sync::MutexGuard;

use super::{
    conversations::direct_key,
    database::{Collections, Database, all, one},
    documents::{ConversationDocument, FriendRequestDocument, TieDocument, UserDocument, date, encode, long, oid},
    error::{Attempt, Failure},
    users::{existing, record},
};
use crate::requests::{self, Kept, Step};

/// What the first of two users has made of the second, and the second of the first.
type Ties = (Option<TieKind>, Option<TieKind>);

#[async_trait]
impl RelationStore for Database {
    async fn request(&self, new: &NewFriendRequest) -> StoreResult<RequestOutcome> {
        let _turn = self.relation_turn().await;
        self.change(new.clone(), |c, new, session| request(c, session, new).boxed()).await
    }

    async fn answer(&self, answer: &RequestAnswer) -> StoreResult<RequestOutcome> {
        let _turn = self.relation_turn().await;
        self.change(*answer, |c, answer, session| {
            async move {
                let id = doc! { "_id": oid(answer.id.as_bytes()) };
                let found = c.friend_requests.find_one(id).session(&mut *session);
                match one::<FriendRequestDocument>(found.await?)? {
                    Some(found) => {
                        let friends = are_friends(c, session, found.from, found.to).await?;
                        take(c, session, requests::answer(found, friends, answer), answer.friends).await
                    }
                    None => Ok(RequestOutcome::Unknown),
                }
            }
            .boxed()
        })
        .await
    }

    async fn requests_of(&self, ids: &[FriendRequestId]) -> StoreResult<Vec<FriendRequest>> {
        self.read(ids.to_vec(), |c, ids| {
            async move {
                let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
                all::<FriendRequestDocument>(c.friend_requests.find(doc! { "_id": { "$in": ids } }).await?).await
            }
            .boxed()
        })
        .await
    }

    async fn requests(&self, page: &RequestPage) -> StoreResult<Vec<FriendRequest>> {
        self.read(*page, |c, page| page_of_requests(c, page).boxed()).await
    }

    async fn unfriend(&self, user: UserId, other: UserId) -> StoreResult<Option<[(UserId, Rev); 2]>> {
        let _turn = self.relation_turn().await;
        self.change((user, other), |c, (user, other), session| unfriend(c, session, *user, *other).boxed()).await
    }

    async fn end_friendships(&self, user: UserId, at_most: usize) -> StoreResult<Vec<[(UserId, Rev); 2]>> {
        let _turn = self.relation_turn().await;
        self.change((user, at_most), |c, (user, at_most), session| {
            async move {
                let mut ended = Vec::new();
                for friend in friends(c, session, *user, Some(*at_most)).await? {
                    ended.extend(unfriend(c, session, *user, friend).await?);
                }
                Ok(ended)
            }
            .boxed()
        })
        .await
    }

    async fn block(&self, block: &NewBlock) -> StoreResult<BlockOutcome> {
        let _turn = self.relation_turn().await;
        self.change(*block, |c, block, session| make_block(c, session, block).boxed()).await
    }

    async fn unblock(&self, user: UserId, other: UserId) -> StoreResult<Option<Rev>> {
        let _turn = self.relation_turn().await;
        self.change((user, other), |c, (user, other), session| {
            async move {
                let mut block = tie(*user, *other);
                block.insert("kind", TieKind::Block.name());
                if c.ties.delete_one(block).session(&mut *session).await?.deleted_count == 0 {
                    return Ok(None);
                }
                Ok(Some(tell(c, session, *user, UserTopic::Block(*other)).await?.1))
            }
            .boxed()
        })
        .await
    }

    async fn ties(&self, page: &TiePage) -> StoreResult<Vec<Tie>> {
        self.read(page.clone(), |c, page| {
            async move {
                if page.limit == 0 {
                    return Ok(Vec::new());
                }
                let after = page.after.as_deref().unwrap_or_default();
                let filter = doc! {
                    "user": oid(page.user.as_bytes()), "kind": page.kind.name(), "name": { "$gt": after },
                };
                let found = c.ties.find(filter).sort(doc! { "name": 1 }).limit(long(page.limit as u64));
                all::<TieDocument>(found.await?).await
            }
            .boxed()
        })
        .await
    }

    async fn ties_to(&self, user: UserId, others: &[UserId]) -> StoreResult<Vec<Tie>> {
        self.read((user, others.to_vec()), |c, (user, others)| {
            async move {
                let others: Vec<_> = others.iter().map(|other| oid(other.as_bytes())).collect();
                let filter = doc! { "user": oid(user.as_bytes()), "other": { "$in": others } };
                all::<TieDocument>(c.ties.find(filter).await?).await
            }
            .boxed()
        })
        .await
    }

    async fn ties_between(&self, user: UserId, other: UserId) -> StoreResult<Ties> {
        Ok(self.ties.get(self, (user, other)).await?.unwrap_or_default())
    }

    async fn between(&self, user: UserId, other: UserId) -> StoreResult<Between> {
        self.read((user, other), |c, (user, other)| {
            async move {
                let requests = all::<FriendRequestDocument>(c.friend_requests.find(requests_of(*user, *other)).await?);
                let ties = all::<TieDocument>(c.ties.find(ties_of(&[(*user, *other)])).await?);
                Ok(sorted(*user, requests.await?, ties.await?))
            }
            .boxed()
        })
        .await
    }

    async fn blocks(&self, users: &[UserId]) -> StoreResult<Vec<(UserId, UserId)>> {
        self.read(users.to_vec(), |c, users| {
            async move {
                let ids: Vec<_> = users.iter().map(|user| oid(user.as_bytes())).collect();
                let mut blocks = Vec::new();
                for side in ["user", "other"] {
                    let filter = doc! { side: { "$in": &ids }, "kind": TieKind::Block.name() };
                    blocks.extend(all::<TieDocument>(c.ties.find(filter).await?).await?);
                }
                Ok(blocks.into_iter().map(|tie| (tie.user, tie.other)).collect())
            }
            .boxed()
        })
        .await
    }

    async fn has_written(&self, user: UserId, to: UserId) -> StoreResult<bool> {
        self.read((user, to), |c, (user, to)| {
            async move {
                let found = c.conversations.find_one(doc! { "directKey": direct_key(*user, *to) }).await?;
                let Some(found) = one::<ConversationDocument>(found)? else { return Ok(false) };
                let id = oid(found.conversation.id.as_bytes());
                let newest = c.messages.find(doc! { "conversation": id }).sort(doc! { "seq": -1 });
                let mut newest = newest.limit(long(CONSENT)).projection(doc! { "_id": 0, "sender": 1 }).await?;
                let sender = oid(user.as_bytes());
                while newest.advance().await? {
                    if newest.current().get_object_id("sender").is_ok_and(|by| by == sender) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            .boxed()
        })
        .await
    }
}

impl Database {
    pub(crate) async fn relation_turn(&self) -> Option<MutexGuard<'_, ()>> {
        if self.transactions { None } else { Some(self.relation_turns.lock().await) }
    }
}

/// What each of these first ones has made of its second, and the second of it.
pub(crate) async fn ties_between(
    c: &Collections,
    pairs: &[(UserId, UserId)],
) -> Attempt<HashMap<(UserId, UserId), Ties>> {
    let found = all::<TieDocument>(c.ties.find(ties_of(pairs)).await?).await?;
    let found: HashMap<(UserId, UserId), TieKind> =
        found.into_iter().map(|tie| ((tie.user, tie.other), tie.kind)).collect();
    let kind = |user, other| found.get(&(user, other)).copied();
    Ok(pairs.iter().map(|(user, other)| ((*user, *other), (kind(*user, *other), kind(*other, *user)))).collect())
}

fn tie(user: UserId, other: UserId) -> Document {
    doc! { "user": oid(user.as_bytes()), "other": oid(other.as_bytes()) }
}

/// What the two of each pair have made of each other.
fn ties_of(pairs: &[(UserId, UserId)]) -> Document {
    let ties: Vec<_> = pairs.iter().flat_map(|(a, b)| [tie(*a, *b), tie(*b, *a)]).collect();
    doc! { "$or": ties }
}

/// The requests of two users to each other.
fn requests_of(a: UserId, b: UserId) -> Document {
    let request = |from: UserId, to: UserId| doc! { "from": oid(from.as_bytes()), "to": oid(to.as_bytes()) };
    doc! { "$or": [request(a, b), request(b, a)] }
}

fn sorted(user: UserId, requests: Vec<FriendRequest>, ties: Vec<Tie>) -> Between {
    let mut between = Between::default();
    for tie in ties {
        let place = if tie.user == user { &mut between.tie } else { &mut between.back };
        *place = Some(tie.kind);
    }
    for request in requests {
        let place = if request.from == user { &mut between.sent } else { &mut between.received };
        *place = Some(request);
    }
    between
}

async fn account(c: &Collections, session: &mut ClientSession, user: UserId) -> Attempt<Option<User>> {
    Ok(one::<UserDocument>(c.users.find_one(existing(user)).session(session).await?)?)
}

/// Records a topic in the stream of a user who is there.
async fn tell(c: &Collections, session: &mut ClientSession, user: UserId, topic: UserTopic) -> Attempt<(UserId, Rev)> {
    match record(c, session, existing(user), topic, Document::new()).await? {
        Some(account) => Ok((user, account.rev)),
        None => Err(gone(user)),
    }
}

/// Writes the account of somebody who is concerned and not told, so that this and another change that concerns him, such
/// as his deletion, do not miss each other.
async fn touch(c: &Collections, session: &mut ClientSession, user: UserId) -> Attempt<()> {
    let touched = c.users.update_one(existing(user), doc! { "$inc": { "relationChanges": 1_i64 } });
    match touched.session(session).await?.matched_count {
        0 => Err(gone(user)),
        _ => Ok(()),
    }
}

fn gone(user: UserId) -> Failure {
    StoreError::unavailable(format!("user {user} is gone")).into()
}

async fn request(c: &Collections, session: &mut ClientSession, new: &NewFriendRequest) -> Attempt<RequestOutcome> {
    if account(c, session, new.from).await?.is_none() || account(c, session, new.to).await?.is_none() {
        return Ok(RequestOutcome::Unknown);
    }
    let between = between(c, session, new.from, new.to).await?;
    take(c, session, requests::ask(between, new), new.friends).await
}

async fn between(c: &Collections, session: &mut ClientSession, user: UserId, other: UserId) -> Attempt<Between> {
    let mut found = c.friend_requests.find(requests_of(user, other)).session(&mut *session).await?;
    let mut requests = Vec::new();
    while let Some(raw) = found.next(&mut *session).await.transpose()? {
        requests.extend(one::<FriendRequestDocument>(Some(raw))?);
    }
    let mut ties = Vec::new();
    for (user, other) in [(user, other), (other, user)] {
        ties.extend(one::<TieDocument>(c.ties.find_one(tie(user, other)).session(&mut *session).await?)?);
    }
    Ok(sorted(user, requests, ties))
}

async fn are_friends(c: &Collections, session: &mut ClientSession, user: UserId, other: UserId) -> Attempt<bool> {
    let tie = one::<TieDocument>(c.ties.find_one(tie(user, other)).session(session).await?)?;
    Ok(tie.is_some_and(|tie| tie.kind == TieKind::Friend))
}

/// Keeps a request, in the place of the former one of the two.
async fn keep(c: &Collections, session: &mut ClientSession, request: &FriendRequest) -> Attempt<()> {
    let document = encode(&FriendRequestDocument::new(request))?;
    let id = doc! { "_id": oid(request.id.as_bytes()) };
    c.friend_requests.replace_one(id, document).upsert(true).session(session).await?;
    Ok(())
}

/// Does what was decided.
async fn take(c: &Collections, session: &mut ClientSession, step: Step, friends: u32) -> Attempt<RequestOutcome> {
    let Kept { request, told: tells, befriends, new } = match step {
        Step::Done(outcome) => return Ok(outcome),
        Step::Keep(kept) => kept,
    };
    for user in [request.from, request.to] {
        if befriends && count(c, session, user, TieKind::Friend).await? >= u64::from(friends) {
            return Ok(RequestOutcome::TooManyFriends(user));
        }
        if !tells.contains(&user) {
            touch(c, session, user).await?;
        }
    }
    keep(c, session, &request).await?;
    let (mut told, mut befriended) = (Vec::new(), Vec::new());
    for user in tells {
        told.push(tell(c, session, user, UserTopic::FriendRequest(request.id)).await?);
    }
    if befriends {
        for (user, other) in [(request.from, request.to), (request.to, request.from)] {
            make(c, session, user, other, TieKind::Friend, request.updated_at).await?;
            befriended.push(tell(c, session, user, UserTopic::Friend(other)).await?);
        }
    }
    Ok(RequestOutcome::Changed(RequestChange { request, told, befriended, new }))
}

/// Makes a tie to a user who is there.
async fn make(
    c: &Collections,
    session: &mut ClientSession,
    user: UserId,
    other: UserId,
    kind: TieKind,
    since: Timestamp,
) -> Attempt<()> {
    let Some(account) = account(c, session, other).await? else { return Ok(()) };
    let document = TieDocument::new(&Tie { user, other, kind, name: account.username.key(), since });
    c.ties.insert_one(encode(&document)?).session(session).await?;
    Ok(())
}

async fn count(c: &Collections, session: &mut ClientSession, user: UserId, kind: TieKind) -> Attempt<u64> {
    let ties = doc! { "user": oid(user.as_bytes()), "kind": kind.name() };
    Ok(c.ties.count_documents(ties).session(session).await?)
}

async fn friends(
    c: &Collections,
    session: &mut ClientSession,
    user: UserId,
    at_most: Option<usize>,
) -> Attempt<Vec<UserId>> {
    let ties = doc! { "user": oid(user.as_bytes()), "kind": TieKind::Friend.name() };
    // A limit of 0 is none.
    let limit = at_most.map_or(0, |at_most| long(at_most as u64));
    let mut found = c.ties.find(ties).limit(limit).session(&mut *session).await?;
    let mut friends = Vec::new();
    while let Some(raw) = found.next(&mut *session).await.transpose()? {
        friends.extend(one::<TieDocument>(Some(raw))?.map(|tie| tie.other));
    }
    Ok(friends)
}

async fn unfriend(
    c: &Collections,
    session: &mut ClientSession,
    user: UserId,
    other: UserId,
) -> Attempt<Option<[(UserId, Rev); 2]>> {
    if end_friendship(c, session, user, other).await? == 0 {
        return Ok(None);
    }
    let mine = tell(c, session, user, UserTopic::Friend(other)).await?;
    let others = tell(c, session, other, UserTopic::Friend(user)).await?;
    Ok(Some([mine, others]))
}

async fn end_friendship(c: &Collections, session: &mut ClientSession, user: UserId, other: UserId) -> Attempt<u64> {
    let mut ended = 0;
    for (user, other) in [(user, other), (other, user)] {
        let mut friend = tie(user, other);
        friend.insert("kind", TieKind::Friend.name());
        ended += c.ties.delete_one(friend).session(&mut *session).await?.deleted_count;
    }
    Ok(ended)
}

async fn make_block(c: &Collections, session: &mut ClientSession, block: &NewBlock) -> Attempt<BlockOutcome> {
    let NewBlock { user, other, now, at_most } = *block;
    let found = one::<TieDocument>(c.ties.find_one(tie(user, other)).session(&mut *session).await?)?;
    let blocks = found.is_some_and(|tie| tie.kind == TieKind::Block);
    if blocks || account(c, session, user).await?.is_none() || account(c, session, other).await?.is_none() {
        return Ok(BlockOutcome::Unchanged);
    }
    if count(c, session, user, TieKind::Block).await? >= u64::from(at_most) {
        return Ok(BlockOutcome::TooMany);
    }
    touch(c, session, other).await?;
    if end_friendship(c, session, user, other).await? > 0 {
        tell(c, session, user, UserTopic::Friend(other)).await?;
    }
    for request in requests::blocked(between(c, session, user, other).await?, now) {
        keep(c, session, &request).await?;
        tell(c, session, user, UserTopic::FriendRequest(request.id)).await?;
    }
    make(c, session, user, other, TieKind::Block, now).await?;
    Ok(BlockOutcome::Made(tell(c, session, user, UserTopic::Block(other)).await?.1))
}

async fn page_of_requests(c: &Collections, page: &RequestPage) -> Attempt<Vec<FriendRequest>> {
    if page.limit == 0 {
        return Ok(Vec::new());
    }
    let (side, states) = match page.direction {
        Direction::Incoming => ("to", vec!["pending"]),
        Direction::Outgoing => ("from", vec!["pending", "rejected"]),
    };
    let mut filter = doc! { side: oid(page.user.as_bytes()), "state": { "$in": states } };
    if let Some((time, id)) = page.after {
        filter.insert("createdAt", doc! { "$lte": date(time) });
        let behind = doc! { "_id": { "$lt": oid(id.as_bytes()) } };
        filter.insert("$or", [doc! { "createdAt": { "$lt": date(time) } }, behind]);
    }
    let newest_first = doc! { "createdAt": -1, "_id": -1 };
    let found = c.friend_requests.find(filter).sort(newest_first).limit(long(page.limit as u64));
    all::<FriendRequestDocument>(found.await?).await
}

/// Takes everything away that a user is to others and they to him. Gives his former friends, each with the revision
/// that this took in his own stream.
pub(crate) async fn remove_all(
    c: &Collections,
    session: &mut ClientSession,
    user: UserId,
) -> Attempt<Vec<(UserId, Rev)>> {
    let id = oid(user.as_bytes());
    let friends = friends(c, session, user, None).await?;
    for side in ["user", "other"] {
        c.ties.delete_many(doc! { side: id }).session(&mut *session).await?;
    }
    for side in ["from", "to"] {
        c.friend_requests.delete_many(doc! { side: id }).session(&mut *session).await?;
    }
    let mut told = Vec::new();
    for friend in friends {
        told.push(tell(c, session, friend, UserTopic::Friend(user)).await?);
    }
    Ok(told)
}
