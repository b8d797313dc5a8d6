//! Sign-ins, their refresh tokens, and one-time tickets.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
    options::ReturnDocument,
};
use parlor_domain::{
    SecretHash, Session, SessionId, Timestamp, UserId,
    store::{NewSession, Renewal, SessionStore, StoreResult},
};

use super::{
    administration::not_locked,
    database::{Collections, Database, all, one},
    documents::{RefreshTokenDocument, SessionDocument, TicketDocument, binary, date, encode, oid},
    error::Attempt,
    users::existing,
};

/// How many dead sessions are forgotten at a time.
const PURGED_AT_ONCE: i64 = 500;

#[async_trait]
impl SessionStore for Database {
    async fn insert(&self, new: &NewSession) -> StoreResult<bool> {
        self.change(new.clone(), |c, new, session| insert(c, session, new).boxed()).await
    }

    async fn find(&self, id: SessionId, now: Timestamp) -> StoreResult<Option<Session>> {
        let found = self.sessions.get(self, id).await?;
        let live =
            |(session, revoked_at): &(Session, Option<Timestamp>)| revoked_at.is_none() && session.ends_at() > now;
        Ok(found.filter(live).map(|(session, _)| session))
    }

    async fn renew(
        &self,
        token: &SecretHash,
        next: &SecretHash,
        now: Timestamp,
        idle: Duration,
    ) -> StoreResult<Renewal> {
        self.change((*token, *next, now, idle), |c, (token, next, now, idle), session| {
            renew(c, session, token, next, *now, *idle).boxed()
        })
        .await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> StoreResult<Vec<Session>> {
        self.read((user, now), |c, (user, now)| {
            async move {
                let newest_first = doc! { "renewedAt": -1, "_id": -1 };
                let found = c.sessions.find(live(doc! { "user": oid(user.as_bytes()) }, *now)).sort(newest_first);
                let found = all::<SessionDocument>(found.await?).await?;
                Ok(found.into_iter().map(|(session, _)| session).collect())
            }
            .boxed()
        })
        .await
    }

    async fn revoke(&self, user: UserId, id: SessionId, now: Timestamp) -> StoreResult<bool> {
        self.write((user, id, now), |c, (user, id, now)| {
            async move {
                let own = live(own(*user, *id), *now);
                Ok(c.sessions.update_one(own, revoked(*now)).await?.modified_count > 0)
            }
            .boxed()
        })
        .await
    }

    async fn revoke_others(&self, user: UserId, keep: SessionId, now: Timestamp) -> StoreResult<Vec<SessionId>> {
        self.change((user, keep, now), |c, (user, keep, now), session| {
            revoke_all_but(c, session, *user, Some(*keep), *now).boxed()
        })
        .await
    }

    async fn revoked_since(&self, since: Timestamp) -> StoreResult<Vec<(SessionId, Timestamp)>> {
        self.read(since, |c, since| {
            async move {
                let found = c.sessions.find(doc! { "revokedAt": { "$gte": date(*since) } }).await?;
                let found = all::<SessionDocument>(found).await?;
                Ok(found.into_iter().filter_map(|(session, at)| Some((session.id, at?))).collect())
            }
            .boxed()
        })
        .await
    }

    async fn insert_ticket(&self, ticket: &SecretHash, session: SessionId, expires_at: Timestamp) -> StoreResult<()> {
        self.write((*ticket, session, expires_at), |c, (ticket, session, expires_at)| {
            async move {
                let (hash, session) = (binary(ticket.as_bytes()), oid(session.as_bytes()));
                let ticket = TicketDocument { hash, session, expires_at: date(*expires_at) };
                c.tickets.insert_one(encode(&ticket)?).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn take_ticket(&self, ticket: &SecretHash, now: Timestamp) -> StoreResult<Option<Session>> {
        let taken = self.write(*ticket, |c, ticket| {
            async move { Ok(one::<TicketDocument>(c.tickets.find_one_and_delete(by_hash(ticket)).await?)?) }.boxed()
        });
        match taken.await? {
            Some((_, id, expires_at)) if expires_at > now => SessionStore::find(self, id, now).await,
            _ => Ok(None),
        }
    }

    async fn purge(&self, before: Timestamp) -> StoreResult<()> {
        // In parts, each with the time that an operation may take.
        while self.write(before, |c, before| purge_some(c, *before).boxed()).await? {}
        self.write(before, |c, before| {
            async move {
                c.tickets.delete_many(doc! { "expiresAt": { "$lt": date(*before) } }).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

/// The session of this user with this id.
fn own(user: UserId, id: SessionId) -> Document {
    doc! { "_id": oid(id.as_bytes()), "user": oid(user.as_bytes()) }
}

/// The filter for sessions that are live as well.
pub(crate) fn live(mut filter: Document, now: Timestamp) -> Document {
    filter.insert("revokedAt", None::<bool>);
    filter.insert("idleExpiresAt", doc! { "$gt": date(now) });
    filter.insert("expiresAt", doc! { "$gt": date(now) });
    filter
}

fn revoked(now: Timestamp) -> Document {
    doc! { "$set": { "revokedAt": date(now) } }
}

fn by_hash(hash: &SecretHash) -> Document {
    doc! { "_id": binary(hash.as_bytes()) }
}

async fn insert(c: &Collections, session: &mut ClientSession, new: &NewSession) -> Attempt<bool> {
    // A write, so that it meets the deletion or the lock of the account, which would not see a session that comes to be meanwhile.
    let user = not_locked(existing(new.session.user_id), new.session.created_at);
    let counted = doc! { "$inc": { "signIns": 1_i64 } };
    if c.users.update_one(user, counted).session(&mut *session).await?.matched_count == 0 {
        return Ok(false);
    }
    let document = encode(&SessionDocument::new(&new.session, None))?;
    c.sessions.insert_one(document).session(&mut *session).await?;
    insert_token(c, session, &new.token, new.session.id).await?;
    Ok(true)
}

async fn insert_token(c: &Collections, session: &mut ClientSession, token: &SecretHash, of: SessionId) -> Attempt<()> {
    let token = RefreshTokenDocument { hash: binary(token.as_bytes()), session: oid(of.as_bytes()), replaced_at: None };
    c.refresh_tokens.insert_one(encode(&token)?).session(session).await?;
    Ok(())
}

/// Sessions, live or not, each with the time when it was revoked.
pub(crate) async fn by_ids(
    c: &Collections,
    ids: &[SessionId],
) -> Attempt<HashMap<SessionId, (Session, Option<Timestamp>)>> {
    let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let found = all::<SessionDocument>(c.sessions.find(doc! { "_id": { "$in": ids } }).await?).await?;
    Ok(found.into_iter().map(|found| (found.0.id, found)).collect())
}

async fn renew(
    c: &Collections,
    transaction: &mut ClientSession,
    token: &SecretHash,
    next: &SecretHash,
    now: Timestamp,
    idle: Duration,
) -> Attempt<Renewal> {
    let known = c.refresh_tokens.find_one(by_hash(token)).session(&mut *transaction).await?;
    let Some((_, id, replaced_at)) = one::<RefreshTokenDocument>(known)? else { return Ok(Renewal::Unknown) };
    if replaced_at.is_some() {
        return reused(c, transaction, id, now).await;
    }
    let alive = live(doc! { "_id": oid(id.as_bytes()) }, now);
    if c.sessions.find_one(alive).session(&mut *transaction).await?.is_none() {
        return Ok(Renewal::Ended);
    }
    let mut newest = by_hash(token);
    newest.insert("replacedAt", None::<bool>);
    let replaced = c.refresh_tokens.update_one(newest, doc! { "$set": { "replacedAt": date(now) } });
    if replaced.session(&mut *transaction).await?.matched_count == 0 {
        // Without transactions, another one was faster.
        return reused(c, transaction, id, now).await;
    }
    insert_token(c, transaction, next, id).await?;
    let renewed = doc! { "$set": { "renewedAt": date(now), "idleExpiresAt": date(now + idle) } };
    // It was alive when the token was replaced; without transactions, the slower one may have revoked it since.
    let session = doc! { "_id": oid(id.as_bytes()) };
    let renewed = c.sessions.find_one_and_update(session, renewed).return_document(ReturnDocument::After);
    let renewed = one::<SessionDocument>(renewed.session(transaction).await?)?;
    Ok(renewed.map_or(Renewal::Unknown, |(session, _)| Renewal::Renewed(session)))
}

/// Somebody holds a copy of a token: ends its session.
async fn reused(c: &Collections, transaction: &mut ClientSession, id: SessionId, now: Timestamp) -> Attempt<Renewal> {
    let not_revoked = doc! { "_id": oid(id.as_bytes()), "revokedAt": null };
    c.sessions.update_one(not_revoked, revoked(now)).session(&mut *transaction).await?;
    let session = c.sessions.find_one(doc! { "_id": oid(id.as_bytes()) }).session(transaction).await?;
    Ok(one::<SessionDocument>(session)?.map_or(Renewal::Unknown, |(session, _)| Renewal::Reused(session)))
}

/// Revokes a user's live session; `false` if there is none of this id.
pub(crate) async fn revoke(
    c: &Collections,
    session: &mut ClientSession,
    user: UserId,
    id: SessionId,
    now: Timestamp,
) -> Attempt<bool> {
    let revoked = c.sessions.update_one(live(own(user, id), now), revoked(now)).session(session).await?;
    Ok(revoked.modified_count > 0)
}

/// Revokes a user's live sessions but one, and gives them.
pub(crate) async fn revoke_all_but(
    c: &Collections,
    session: &mut ClientSession,
    user: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> Attempt<Vec<SessionId>> {
    let mut found = c.sessions.find(live(doc! { "user": oid(user.as_bytes()) }, now)).session(&mut *session).await?;
    let mut ids = Vec::new();
    while found.advance(session).await? {
        let (live, _) = super::documents::decode::<SessionDocument>(found.current())?;
        ids.extend(Some(live.id).filter(|id| Some(*id) != keep));
    }
    let chosen: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    c.sessions.update_many(doc! { "_id": { "$in": chosen } }, revoked(now)).session(session).await?;
    Ok(ids)
}

/// Forgets some sessions that have ended before this time, and says whether there may be more.
async fn purge_some(c: &Collections, before: Timestamp) -> Attempt<bool> {
    let ended = doc! { "$lt": date(before) };
    let dead = doc! { "$or": [{ "revokedAt": &ended }, { "idleExpiresAt": &ended }, { "expiresAt": &ended }] };
    let found = all::<SessionDocument>(c.sessions.find(dead).limit(PURGED_AT_ONCE).await?).await?;
    if found.is_empty() {
        return Ok(false);
    }
    let ids: Vec<_> = found.iter().map(|(session, _)| oid(session.id.as_bytes())).collect();
    // The session last: who is interrupted finds it again.
    c.tickets.delete_many(doc! { "session": { "$in": &ids } }).await?;
    c.refresh_tokens.delete_many(doc! { "session": { "$in": &ids } }).await?;
    c.sessions.delete_many(doc! { "_id": { "$in": &ids } }).await?;
    Ok(true)
}
