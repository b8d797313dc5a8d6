//! Accounts, and the users' own streams.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Document, RawDocumentBuf, doc, serialize_to_bson, serialize_to_document},
    options::ReturnDocument,
};
use parlor_domain::{
    Login, PasswordHash, ProfileChange, Rev, SessionId, Status, Timestamp, User, UserId, UserTopic,
    store::{Credentials, Deleted, Directory, NewUser, StoreError, StoreResult, UserStore},
};
use tracing::warn;

use super::{
    administration::leave_a_super_admin,
    database::{Collections, Database, all, durable_document, one},
    documents::{StatusDocument, UserChangeDocument, UserDocument, date, encode, long, oid, prefix},
    error::{Attempt, conflict, duplicate},
    holds, relations,
    sessions::revoke_all_but,
};

const UNIQUE: [(&str, &str); 2] = [("byUsername", "username"), ("byEmail", "email")];

#[async_trait]
impl UserStore for Database {
    async fn insert(&self, new: &NewUser) -> StoreResult<()> {
        self.write(new.clone(), |c, new| insert(c, new).boxed()).await
    }

    async fn find(&self, id: UserId) -> StoreResult<Option<User>> {
        self.users.get(self, id).await
    }

    async fn find_many(&self, ids: &[UserId]) -> StoreResult<Vec<User>> {
        Ok(self.read(ids.to_vec(), |c, ids| by_ids(c, ids).boxed()).await?.into_values().collect())
    }

    async fn credentials(&self, login: &Login) -> StoreResult<Option<Credentials>> {
        self.read(login.to_string(), |c, login| {
            async move {
                // A name has no `@` and an address has one, so no more than one of the two is anybody's.
                let field = if login.contains('@') { "emailKey" } else { "usernameKey" };
                let found = c.users.find_one(doc! { field: login, "deletedAt": null }).projection(password()).await?;
                Ok(credentials(found)?)
            }
            .boxed()
        })
        .await
    }

    async fn credentials_of(&self, id: UserId) -> StoreResult<Option<Credentials>> {
        self.read(id, |c, id| {
            async move { Ok(credentials(c.users.find_one(existing(*id)).projection(password()).await?)?) }.boxed()
        })
        .await
    }

    async fn set_password(
        &self,
        id: UserId,
        password: &PasswordHash,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> StoreResult<Vec<SessionId>> {
        self.change((id, password.clone(), keep, now), |c, (id, password, keep, now), session| {
            async move {
                let set = doc! { "$set": { "passwordHash": password.as_str() } };
                c.users.update_one(existing(*id), set).session(&mut *session).await?;
                revoke_all_but(c, session, *id, *keep, *now).await
            }
            .boxed()
        })
        .await
    }

    async fn rehash_password(&self, id: UserId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<()> {
        self.write((id, old.clone(), new.clone()), |c, (id, old, new)| {
            async move {
                let unchanged = doc! { "_id": oid(id.as_bytes()), "passwordHash": old.as_str() };
                c.users.update_one(unchanged, doc! { "$set": { "passwordHash": new.as_str() } }).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn update_profile(&self, id: UserId, change: &ProfileChange) -> StoreResult<Option<User>> {
        self.change((id, change.clone()), |c, (id, change), session| {
            update_profile(c, session, *id, change.clone()).boxed()
        })
        .await
    }

    async fn set_status(
        &self,
        id: UserId,
        status: &Status,
        last_seen_at: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreResult<Option<User>> {
        let holds = status.holds(now);
        let context = (id, status.clone(), last_seen_at, holds);
        let user = self
            .change(context, |c, (id, status, last_seen_at, holds), session| {
                set_status(c, session, *id, status, *last_seen_at, *holds).boxed()
            })
            .await?;
        if holds && user.is_some() {
            // It is set; who comes across a mark that is not settled settles it as well.
            if let Err(error) = self.write(id, |c, id| holds::settle_all(c, *id).boxed()).await {
                warn!(error = &error as &dyn std::error::Error, "can't settle from where on changes are held back");
            }
        }
        Ok(user)
    }

    async fn ended_statuses(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<UserId>> {
        self.read((now, limit), |c, (now, limit)| {
            async move {
                if *limit == 0 {
                    return Ok(Vec::new());
                }
                let ended = doc! { "status.until": { "$lte": date(*now) }, "deletedAt": null };
                let found = c.users.find(ended).sort(doc! { "status.until": 1 }).limit(long(*limit as u64));
                Ok(all::<UserDocument>(found.await?).await?.into_iter().map(|user| user.id).collect())
            }
            .boxed()
        })
        .await
    }

    async fn set_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()> {
        self.write(seen.to_vec(), |c, seen| {
            async move {
                let update = |(id, at): &(UserId, Timestamp)| {
                    doc! { "q": existing(*id), "u": { "$max": { "lastSeenAt": date(*at) } } }
                };
                c.update_many("users", seen.iter().map(update).collect(), durable_document()).await
            }
            .boxed()
        })
        .await
    }

    async fn delete(&self, id: UserId, now: Timestamp) -> StoreResult<Option<Deleted>> {
        let _alone = self.alone().await?;
        let _turn = self.relation_turn().await;
        let deleted = self.change((id, now), |c, (id, now), session| delete(c, session, *id, *now).boxed()).await;
        self.appender.forget();
        deleted
    }

    async fn leaving(&self, limit: usize) -> StoreResult<Vec<UserId>> {
        self.read(limit, |c, limit| {
            async move {
                if *limit == 0 {
                    return Ok(Vec::new());
                }
                let found = c.users.find(doc! { "leaving": true }).sort(doc! { "_id": 1 }).limit(long(*limit as u64));
                Ok(all::<UserDocument>(found.await?).await?.into_iter().map(|user| user.id).collect())
            }
            .boxed()
        })
        .await
    }

    async fn has_left(&self, id: UserId) -> StoreResult<()> {
        self.change(id, |c, id, session| {
            async move {
                let leaving = doc! { "_id": oid(id.as_bytes()), "leaving": true };
                let left = c.users.update_one(leaving, doc! { "$unset": { "leaving": "" } }).session(&mut *session);
                if left.await?.matched_count > 0 {
                    let own = doc! { "user": oid(id.as_bytes()) };
                    c.user_stream.delete_many(own).session(session).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn directory(&self, page: &Directory) -> StoreResult<Vec<User>> {
        self.read(page.clone(), |c, page| directory(c, page).boxed()).await
    }

    async fn rev(&self, id: UserId) -> StoreResult<Rev> {
        Ok(UserStore::find(self, id).await?.map_or(Rev::ZERO, |user| user.rev))
    }
}

pub(crate) async fn by_ids(c: &Collections, ids: &[UserId]) -> Attempt<HashMap<UserId, User>> {
    let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let found = all::<UserDocument>(c.users.find(doc! { "_id": { "$in": ids } }).await?).await?;
    Ok(found.into_iter().map(|user| (user.id, user)).collect())
}

pub(crate) fn by_id(id: UserId) -> Document {
    doc! { "_id": oid(id.as_bytes()) }
}

/// An account that is not deleted.
pub(crate) fn existing(id: UserId) -> Document {
    doc! { "_id": oid(id.as_bytes()), "deletedAt": null }
}

async fn insert(c: &Collections, new: &NewUser) -> Attempt<()> {
    let document = encode(&UserDocument::new(&new.user, Some(&new.password)))?;
    let error = match c.users.insert_one(&document).await {
        Err(error) if duplicate(&error).is_some() => error,
        inserted => return Ok(inserted.map(drop)?),
    };
    // The server names the first index that it looks at; of two that refuse, the name is told.
    let found = c.users.find_one(doc! { "usernameKey": new.user.username.key() }).await?;
    match one::<UserDocument>(found)? {
        // An attempt that was not answered had done it.
        Some(user) if user.id == new.user.id => Ok(()),
        Some(_) => Err(StoreError::Conflict("username").into()),
        None => Err(conflict(error, &UNIQUE)),
    }
}

/// The same beside other changes.
pub(crate) async fn insert_in(c: &Collections, session: &mut ClientSession, new: &NewUser) -> Attempt<()> {
    let taken = c.users.find_one(doc! { "usernameKey": new.user.username.key() }).session(&mut *session).await?;
    if taken.is_some() {
        return Err(StoreError::Conflict("username").into());
    }
    let document = encode(&UserDocument::new(&new.user, Some(&new.password)))?;
    let inserted = c.users.insert_one(&document).session(session).await;
    inserted.map(drop).map_err(|error| conflict(error, &UNIQUE))
}

fn password() -> Document {
    doc! { "_id": 1, "passwordHash": 1 }
}

fn credentials(found: Option<RawDocumentBuf>) -> StoreResult<Option<Credentials>> {
    let Some(raw) = found else { return Ok(None) };
    let id = raw.get_object_id("_id").map_err(StoreError::corrupt)?;
    let hash = raw.get_str("passwordHash");
    let hash = hash.map_err(|reason| StoreError::corrupt(format!("user {id}: {reason}")))?;
    let user_id = UserId::from_bytes(id.bytes());
    Ok(Some(Credentials { user_id, password: PasswordHash::new(hash.to_owned()) }))
}

/// Takes the next revision of a user's own stream for a topic, in the place of the topic's former one. `changes` is
/// made to the account at the same time. Gives the account as it is then, if the filter `who` finds it.
pub(crate) async fn record(
    c: &Collections,
    session: &mut ClientSession,
    who: Document,
    topic: UserTopic,
    mut changes: Document,
) -> Attempt<Option<User>> {
    changes.insert("$inc", doc! { "rev": 1_i64 });
    let updated = c.users.find_one_and_update(who, changes).return_document(ReturnDocument::After);
    let updated = updated.session(&mut *session).await.map_err(|error| conflict(error, &UNIQUE))?;
    let Some(user) = one::<UserDocument>(updated)? else { return Ok(None) };
    let change = UserChangeDocument::new(user.id, &topic, user.rev);
    let mut place = doc! { "user": change.user, "topic": &change.topic };
    match change.subject {
        Some(subject) => place.insert("subject", subject),
        // What an upsert makes of a null is a null, and a missing field stays missing.
        None => place.insert("subject", doc! { "$exists": false }),
    };
    let rev = doc! { "$set": { "rev": change.rev } };
    c.user_stream.update_one(place, rev).upsert(true).session(session).await?;
    Ok(Some(user))
}

async fn update_profile(
    c: &Collections,
    session: &mut ClientSession,
    id: UserId,
    change: ProfileChange,
) -> Attempt<Option<User>> {
    let found = c.users.find_one(existing(id)).session(&mut *session).await?;
    let Some(user) = one::<UserDocument>(found)? else { return Ok(None) };
    let user = user.changed(change);
    let fields = ["displayName", "bio", "metadata", "email", "emailKey", "settings", "terms", "prefixes"];
    record(c, session, existing(id), UserTopic::Profile, replacing(&user, &fields)?).await
}

/// The update that gives some fields the values that they have in this account, or takes them away.
fn replacing(user: &User, fields: &[&str]) -> Attempt<Document> {
    let mut document = serialize_to_document(&UserDocument::new(user, None)).map_err(StoreError::unavailable)?;
    let (mut set, mut unset) = (Document::new(), Document::new());
    for field in fields {
        match document.remove(field) {
            Some(value) => set.insert(*field, value),
            None => unset.insert(*field, ""),
        };
    }
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    Ok(update)
}

async fn set_status(
    c: &Collections,
    session: &mut ClientSession,
    id: UserId,
    status: &Status,
    last_seen_at: Option<Timestamp>,
    holds: bool,
) -> Attempt<Option<User>> {
    let mut set = doc! { "status": serialize_to_bson(&StatusDocument::from(status)).map_err(StoreError::unavailable)? };
    if let Some(at) = last_seen_at {
        set.insert("lastSeenAt", date(at));
    }
    let user = record(c, session, existing(id), UserTopic::Profile, doc! { "$set": set }).await?;
    match &user {
        Some(user) if holds => holds::mark(c, session, id, user.rev).await?,
        Some(_) => holds::unmark(c, session, id).await?,
        None => {}
    }
    Ok(user)
}

pub(crate) async fn delete(
    c: &Collections,
    session: &mut ClientSession,
    id: UserId,
    now: Timestamp,
) -> Attempt<Option<Deleted>> {
    let found = c.users.find_one(existing(id)).session(&mut *session).await?;
    let Some(user) = one::<UserDocument>(found)? else { return Ok(None) };
    leave_a_super_admin(c, session, &user, now).await?;
    let left = encode(&UserDocument::new(&user.after_deletion(now), None))?;
    c.users.replace_one(existing(id), left).session(&mut *session).await?;
    let user = oid(id.as_bytes());
    c.user_stream.delete_many(doc! { "user": user }).session(&mut *session).await?;
    holds::unmark(c, session, id).await?;
    let friends = relations::remove_all(c, session, id).await?;
    let sessions = revoke_all_but(c, session, id, None, now).await?;
    Ok(Some(Deleted { sessions, friends }))
}

async fn directory(c: &Collections, page: &Directory) -> Attempt<Vec<User>> {
    if page.limit == 0 {
        return Ok(Vec::new());
    }
    // The keys of deleted accounts begin with `-`, which sorts before this.
    let after = page.after.as_deref().unwrap_or(".");
    let mut filter =
        doc! { "usernameKey": { "$gt": after }, "_id": { "$ne": oid(page.except.as_bytes()) }, "deletedAt": null };
    words(&mut filter, &page.terms);
    let found = c.users.find(filter).sort(doc! { "usernameKey": 1 }).limit(long(page.limit as u64)).await?;
    all::<UserDocument>(found).await
}

/// Adds to a filter that each of these begins a word of the user's names.
pub(crate) fn words(filter: &mut Document, terms: &[String]) {
    // The longest word finds the fewest. Each is an equality, so that the index gives the order as well.
    let longest = terms.iter().max_by_key(|term| term.len());
    if let Some(longest) = longest {
        filter.insert("prefixes", prefix(longest));
    }
    let others = terms.iter().filter(|term| Some(*term) != longest || prefix(term) != term.as_str());
    let beginnings: Vec<Document> = others.map(|term| doc! { "terms": { "$elemMatch": begins_with(term) } }).collect();
    if !beginnings.is_empty() {
        filter.insert("$and", beginnings);
    }
}

/// The range of all words that begin with this one: no character sorts behind U+10FFFF.
fn begins_with(word: &str) -> Document {
    doc! { "$gte": word, "$lte": format!("{word}\u{10ffff}") }
}
