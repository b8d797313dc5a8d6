//! Friends, friend requests and blocks.

use async_trait::async_trait;
use parlor_domain::{
    FriendRequest, FriendRequestId, Rev, Tie, TieKind, Timestamp, UserId, UserTopic,
    store::{
        Between, BlockOutcome, CONSENT, Direction, NewBlock, NewFriendRequest, RelationStore, RequestAnswer,
        RequestChange, RequestOutcome, RequestPage, StoreResult, TiePage,
    },
};
use rusqlite::{Connection, Row, params};

use super::{
    Database,
    conversations::direct_key,
    rows::{self, FRIEND_REQUEST, TIE, all, all_while, first, get, run},
    users::{existing, record},
};
use crate::requests::{self, Kept, Step};

#[async_trait]
impl RelationStore for Database {
    async fn request(&self, new: &NewFriendRequest) -> StoreResult<RequestOutcome> {
        let new = new.clone();
        self.writer
            .write(move |connection| {
                if existing(connection, new.from)?.is_none() || existing(connection, new.to)?.is_none() {
                    return Ok(RequestOutcome::Unknown);
                }
                take(connection, requests::ask(between(connection, new.from, new.to)?, &new), new.friends)
            })
            .await
    }

    async fn answer(&self, answer: &RequestAnswer) -> StoreResult<RequestOutcome> {
        let answer = *answer;
        self.writer
            .write(move |connection| match request(connection, answer.id)? {
                Some(found) => {
                    let (tie, _) = ties_between(connection, found.from, found.to)?;
                    let step = requests::answer(found, tie == Some(TieKind::Friend), &answer);
                    take(connection, step, answer.friends)
                }
                None => Ok(RequestOutcome::Unknown),
            })
            .await
    }

    async fn requests_of(&self, ids: &[FriendRequestId]) -> StoreResult<Vec<FriendRequest>> {
        let ids = ids.to_vec();
        self.readers
            .read(move |connection| ids.iter().filter_map(|id| request(connection, *id).transpose()).collect())
            .await
    }

    async fn requests(&self, page: &RequestPage) -> StoreResult<Vec<FriendRequest>> {
        let page = *page;
        self.readers.read(move |connection| page_of_requests(connection, &page)).await
    }

    async fn unfriend(&self, user: UserId, other: UserId) -> StoreResult<Option<[(UserId, Rev); 2]>> {
        self.writer.write(move |connection| unfriend(connection, user, other)).await
    }

    async fn end_friendships(&self, user: UserId, at_most: usize) -> StoreResult<Vec<[(UserId, Rev); 2]>> {
        self.writer
            .write(move |connection| {
                let friends = friends(connection, user, Some(at_most))?;
                let ended = friends.into_iter().map(|friend| unfriend(connection, user, friend).transpose());
                ended.flatten().collect()
            })
            .await
    }

    async fn block(&self, block: &NewBlock) -> StoreResult<BlockOutcome> {
        let new = *block;
        self.writer.write(move |connection| make_block(connection, &new)).await
    }

    async fn unblock(&self, user: UserId, other: UserId) -> StoreResult<Option<Rev>> {
        const SQL: &str = "DELETE FROM ties WHERE user_id = ?1 AND other_id = ?2 AND kind = 'block'";
        self.writer
            .write(move |connection| {
                if run(connection, SQL, [user.as_bytes(), other.as_bytes()])? == 0 {
                    return Ok(None);
                }
                record(connection, user, UserTopic::Block(other)).map(Some)
            })
            .await
    }

    async fn ties(&self, page: &TiePage) -> StoreResult<Vec<Tie>> {
        let page = page.clone();
        self.readers
            .read(move |connection| {
                let sql = format!(
                    "SELECT {TIE} FROM ties WHERE user_id = ?1 AND kind = ?2 AND name > ?3 ORDER BY name LIMIT ?4"
                );
                let after = page.after.as_deref().unwrap_or_default();
                all(connection, &sql, params![page.user.as_bytes(), page.kind.name(), after, page.limit], rows::tie)
            })
            .await
    }

    async fn ties_to(&self, user: UserId, others: &[UserId]) -> StoreResult<Vec<Tie>> {
        let others = others.to_vec();
        self.readers
            .read(move |connection| {
                others.iter().filter_map(|other| tie(connection, user, *other).transpose()).collect()
            })
            .await
    }

    async fn ties_between(&self, user: UserId, other: UserId) -> StoreResult<(Option<TieKind>, Option<TieKind>)> {
        self.readers.read(move |connection| ties_between(connection, user, other)).await
    }

    async fn between(&self, user: UserId, other: UserId) -> StoreResult<Between> {
        self.readers.read(move |connection| between(connection, user, other)).await
    }

    async fn blocks(&self, users: &[UserId]) -> StoreResult<Vec<(UserId, UserId)>> {
        const SQL: &str = "SELECT user_id, other_id FROM ties WHERE user_id = ?1 AND kind = 'block' \
             UNION ALL SELECT user_id, other_id FROM ties WHERE other_id = ?1 AND kind = 'block'";
        let users = users.to_vec();
        self.readers
            .read(move |connection| {
                let mut blocks = Vec::new();
                for user in &users {
                    blocks.extend(all(connection, SQL, [user.as_bytes()], |row| {
                        Ok((UserId::from_bytes(get(row, "user_id")?), UserId::from_bytes(get(row, "other_id")?)))
                    })?);
                }
                Ok(blocks)
            })
            .await
    }

    async fn has_written(&self, user: UserId, to: UserId) -> StoreResult<bool> {
        const SQL: &str = "SELECT sender_id FROM messages \
             WHERE conversation_id = (SELECT id FROM conversations WHERE direct_key = ?1) ORDER BY seq DESC LIMIT ?2";
        self.readers
            .read(move |connection| {
                let key = direct_key(user, to);
                let mut found = false;
                all_while(connection, SQL, params![&key[..], CONSENT], |row| {
                    found = UserId::from_bytes(get(row, "sender_id")?) == user;
                    Ok((!found).then_some(()))
                })?;
                Ok(found)
            })
            .await
    }
}

/// Does what was decided.
fn take(connection: &Connection, step: Step, friends: u32) -> StoreResult<RequestOutcome> {
    let Kept { request, told, befriends, new } = match step {
        Step::Done(outcome) => return Ok(outcome),
        Step::Keep(kept) => kept,
    };
    for user in [request.from, request.to] {
        if befriends && count(connection, user, TieKind::Friend)? >= friends {
            return Ok(RequestOutcome::TooManyFriends(user));
        }
    }
    keep(connection, &request)?;
    let record_for = |user, topic| Ok((user, record(connection, user, topic)?));
    let told = told.into_iter().map(|user| record_for(user, UserTopic::FriendRequest(request.id)));
    let told = told.collect::<StoreResult<Vec<_>>>()?;
    let mut befriended = Vec::new();
    if befriends {
        for (user, other) in [(request.from, request.to), (request.to, request.from)] {
            make(connection, user, other, TieKind::Friend, request.updated_at)?;
            befriended.push(record_for(user, UserTopic::Friend(other))?);
        }
    }
    Ok(RequestOutcome::Changed(RequestChange { request, told, befriended, new }))
}

/// Keeps a request, in the place of the former one of the two.
fn keep(connection: &Connection, request: &FriendRequest) -> StoreResult<()> {
    run(connection, "DELETE FROM friend_requests WHERE id = ?1", [request.id.as_bytes()])?;
    insert_request(connection, request)
}

/// Adds a request as it is.
pub(crate) fn insert_request(connection: &Connection, request: &FriendRequest) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO friend_requests \
         (id, from_id, to_id, text, state, created_at, updated_at, rejected_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let params = params![
        request.id.as_bytes(),
        request.from.as_bytes(),
        request.to.as_bytes(),
        request.text.as_ref().map(|text| text.as_str()),
        request.state.name(),
        request.created_at.as_millis(),
        request.updated_at.as_millis(),
        request.rejected_at.map(Timestamp::as_millis),
    ];
    run(connection, SQL, params).map(|_| ())
}

/// Adds a tie as it is.
pub(crate) fn insert_tie(connection: &Connection, tie: &Tie) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO ties (user_id, other_id, kind, name, since) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (user, other) = (tie.user.as_bytes(), tie.other.as_bytes());
    run(connection, SQL, params![user, other, tie.kind.name(), tie.name, tie.since.as_millis()]).map(|_| ())
}

/// Makes a tie to a user who is there.
fn make(connection: &Connection, user: UserId, other: UserId, kind: TieKind, since: Timestamp) -> StoreResult<()> {
    let Some(account) = existing(connection, other)? else { return Ok(()) };
    insert_tie(connection, &Tie { user, other, kind, name: account.username.key(), since })
}

fn unfriend(connection: &Connection, user: UserId, other: UserId) -> StoreResult<Option<[(UserId, Rev); 2]>> {
    if end_friendship(connection, user, other)? == 0 {
        return Ok(None);
    }
    let mine = record(connection, user, UserTopic::Friend(other))?;
    let others = record(connection, other, UserTopic::Friend(user))?;
    Ok(Some([(user, mine), (other, others)]))
}

fn end_friendship(connection: &Connection, user: UserId, other: UserId) -> StoreResult<usize> {
    const SQL: &str = "DELETE FROM ties WHERE user_id = ?1 AND other_id = ?2 AND kind = 'friend'";
    Ok(run(connection, SQL, [user.as_bytes(), other.as_bytes()])?
        + run(connection, SQL, [other.as_bytes(), user.as_bytes()])?)
}

fn count(connection: &Connection, user: UserId, kind: TieKind) -> StoreResult<u32> {
    const SQL: &str = "SELECT count(*) AS count FROM ties WHERE user_id = ?1 AND kind = ?2";
    let count = first(connection, SQL, params![user.as_bytes(), kind.name()], |row| get(row, "count"))?;
    Ok(count.unwrap_or(0))
}

fn friends(connection: &Connection, user: UserId, at_most: Option<usize>) -> StoreResult<Vec<UserId>> {
    const SQL: &str = "SELECT other_id FROM ties WHERE user_id = ?1 AND kind = 'friend' LIMIT ?2";
    const ALL: usize = i32::MAX as usize;
    let other = |row: &Row<'_>| Ok(UserId::from_bytes(get(row, "other_id")?));
    all(connection, SQL, params![user.as_bytes(), at_most.unwrap_or(ALL)], other)
}

fn make_block(connection: &Connection, block: &NewBlock) -> StoreResult<BlockOutcome> {
    let NewBlock { user, other, now, at_most } = *block;
    let blocks = tie(connection, user, other)?.is_some_and(|tie| tie.kind == TieKind::Block);
    if blocks || existing(connection, user)?.is_none() || existing(connection, other)?.is_none() {
        return Ok(BlockOutcome::Unchanged);
    }
    if count(connection, user, TieKind::Block)? >= at_most {
        return Ok(BlockOutcome::TooMany);
    }
    if end_friendship(connection, user, other)? > 0 {
        record(connection, user, UserTopic::Friend(other))?;
    }
    for request in requests::blocked(between(connection, user, other)?, now) {
        keep(connection, &request)?;
        record(connection, user, UserTopic::FriendRequest(request.id))?;
    }
    make(connection, user, other, TieKind::Block, now)?;
    record(connection, user, UserTopic::Block(other)).map(BlockOutcome::Made)
}

fn request(connection: &Connection, id: FriendRequestId) -> StoreResult<Option<FriendRequest>> {
    let sql = format!("SELECT {FRIEND_REQUEST} FROM friend_requests WHERE id = ?1");
    first(connection, &sql, [id.as_bytes()], rows::friend_request)
}

fn request_between(connection: &Connection, from: UserId, to: UserId) -> StoreResult<Option<FriendRequest>> {
    let sql = format!("SELECT {FRIEND_REQUEST} FROM friend_requests WHERE from_id = ?1 AND to_id = ?2");
    first(connection, &sql, [from.as_bytes(), to.as_bytes()], rows::friend_request)
}

fn tie(connection: &Connection, user: UserId, other: UserId) -> StoreResult<Option<Tie>> {
    let sql = format!("SELECT {TIE} FROM ties WHERE user_id = ?1 AND other_id = ?2");
    first(connection, &sql, [user.as_bytes(), other.as_bytes()], rows::tie)
}

fn ties_between(
    connection: &Connection,
    user: UserId,
    other: UserId,
) -> StoreResult<(Option<TieKind>, Option<TieKind>)> {
    let (tie, back) = (tie(connection, user, other)?, tie(connection, other, user)?);
    Ok((tie.map(|tie| tie.kind), back.map(|tie| tie.kind)))
}

fn between(connection: &Connection, user: UserId, other: UserId) -> StoreResult<Between> {
    let (tie, back) = ties_between(connection, user, other)?;
    Ok(Between {
        tie,
        back,
        sent: request_between(connection, user, other)?,
        received: request_between(connection, other, user)?,
    })
}

fn page_of_requests(connection: &Connection, page: &RequestPage) -> StoreResult<Vec<FriendRequest>> {
    // Each is found by the index of those that wait, whose condition it has to repeat.
    let sql = match page.direction {
        Direction::Incoming => format!(
            "SELECT {FRIEND_REQUEST} FROM friend_requests \
             WHERE to_id = ?1 AND state = 'pending' AND (created_at, id) < (?2, ?3) \
             ORDER BY created_at DESC, id DESC LIMIT ?4"
        ),
        Direction::Outgoing => format!(
            "SELECT {FRIEND_REQUEST} FROM friend_requests \
             WHERE from_id = ?1 AND state IN ('pending', 'rejected') AND (created_at, id) < (?2, ?3) \
             ORDER BY created_at DESC, id DESC LIMIT ?4"
        ),
    };
    let (time, id) = page.after.unwrap_or((Timestamp::MAX, FriendRequestId::from_bytes([0xff; 12])));
    let params = params![page.user.as_bytes(), time.as_millis(), id.as_bytes(), page.limit];
    all(connection, &sql, params, rows::friend_request)
}

/// Takes everything away that a user is to others and they to him. Gives his former friends, each with the revision
/// that this took in his own stream.
pub(crate) fn remove_all(connection: &Connection, user: UserId) -> StoreResult<Vec<(UserId, Rev)>> {
    let friends = friends(connection, user, None)?;
    for sql in [
        "DELETE FROM ties WHERE user_id = ?1",
        "DELETE FROM ties WHERE other_id = ?1",
        "DELETE FROM friend_requests WHERE from_id = ?1",
        "DELETE FROM friend_requests WHERE to_id = ?1",
    ] {
        run(connection, sql, [user.as_bytes()])?;
    }
    friends.into_iter().map(|friend| Ok((friend, record(connection, friend, UserTopic::Friend(user))?))).collect()
}
