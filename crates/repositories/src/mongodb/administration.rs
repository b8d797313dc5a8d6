//! What administrators do to accounts, and what they see of them.

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Document, doc, serialize_to_bson},
    options::Hint,
};
use parlor_domain::{
    Act, Acting, Actor, AuditEntry, Lock, SystemRole, Timestamp, User, UserId, UserTopic,
    store::{
        ADMINISTERS_NO_MORE, AccountCounts, Accounts, Acted, AdminStore, Deleted, LAST_SUPER_ADMIN, NewUser,
        StoreError, StoreResult,
    },
};

use super::{
    audit,
    database::{Collections, Database, all, one},
    documents::{LockDocument, UserDocument, date, long, oid},
    error::Attempt,
    sessions::{live, revoke, revoke_all_but},
    users::{self, existing, record, words},
};

#[async_trait]
impl AdminStore for Database {
    async fn create(&self, new: &NewUser, acting: &Acting) -> StoreResult<()> {
        let entry = AuditEntry::of_creation(acting, &new.user);
        self.change((new.clone(), entry), |c, (new, entry), session| {
            async move {
                users::insert_in(c, session, new).await?;
                audit::append(c, session, entry).await
            }
            .boxed()
        })
        .await
    }

    async fn act(&self, id: UserId, act: &Act, acting: &Acting) -> StoreResult<Option<Acted>> {
        let _alone = self.alone().await?;
        let context = (id, act.clone(), acting.clone());
        self.change(context, |c, (id, act, acting), session| self::act(c, session, *id, act, acting).boxed()).await
    }

    async fn delete(&self, id: UserId, acting: &Acting) -> StoreResult<Option<Deleted>> {
        let _alone = self.alone().await?;
        let _turn = self.relation_turn().await;
        let deleted = self.change((id, acting.clone()), |c, (id, acting), session| {
            async move {
                check_actor(c, session, acting).await?;
                let found = c.users.find_one(existing(*id)).session(&mut *session).await?;
                let Some(before) = one::<UserDocument>(found)? else { return Ok(None) };
                let ended = users::delete(c, session, *id, acting.at).await?;
                audit::append(c, session, &AuditEntry::of_deletion(acting, &before)).await?;
                Ok(ended)
            }
            .boxed()
        });
        let deleted = deleted.await;
        self.appender.forget();
        deleted
    }

    async fn accounts(&self, page: &Accounts) -> StoreResult<Vec<User>> {
        self.read(page.clone(), |c, page| accounts(c, page).boxed()).await
    }

    async fn counts(&self, id: UserId, now: Timestamp) -> StoreResult<AccountCounts> {
        self.read((id, now), |c, (id, now)| {
            async move {
                let user = oid(id.as_bytes());
                let sessions = c.sessions.count_documents(live(doc! { "user": user }, *now)).await?;
                let conversations = c.members.count_documents(doc! { "user": user }).await?;
                Ok(AccountCounts { sessions, conversations })
            }
            .boxed()
        })
        .await
    }
}

async fn act(
    c: &Collections,
    session: &mut ClientSession,
    id: UserId,
    act: &Act,
    acting: &Acting,
) -> Attempt<Option<Acted>> {
    let now = acting.at;
    check_actor(c, session, acting).await?;
    let found = c.users.find_one(existing(id)).session(&mut *session).await?;
    let Some(before) = one::<UserDocument>(found)? else { return Ok(None) };
    if !act.is_needed(&before, now) {
        return Ok(Some(Acted { user: before, changed: false, ended: Vec::new() }));
    }
    if act.takes_away() {
        leave_a_super_admin(c, session, &before, now).await?;
    }
    let ended = match act {
        Act::SetRole(role) => {
            let role = doc! { "$set": { "role": role.name() } };
            record(c, session, existing(id), UserTopic::Profile, role).await?;
            Vec::new()
        }
        Act::Lock(lock) => {
            if !act.is_of_sessions(&before, now) {
                set_lock(c, session, id, Some(lock)).await?;
            }
            revoke_all_but(c, session, id, None, now).await?
        }
        Act::Unlock => {
            set_lock(c, session, id, None).await?;
            Vec::new()
        }
        Act::EndSession(of) => revoke(c, session, id, *of, now).await?.then_some(*of).into_iter().collect(),
        Act::EndSessions => revoke_all_but(c, session, id, None, now).await?,
    };
    let changed = !act.is_of_sessions(&before, now) || !ended.is_empty();
    if changed {
        audit::append(c, session, &AuditEntry::of_act(act, acting, &before, ended.len())).await?;
    }
    let after = c.users.find_one(existing(id)).session(session).await?;
    Ok(Some(Acted { user: one::<UserDocument>(after)?.unwrap_or(before), changed, ended }))
}

async fn set_lock(c: &Collections, session: &mut ClientSession, id: UserId, lock: Option<&Lock>) -> Attempt<()> {
    let change = match lock.map(LockDocument::from) {
        Some(lock) => doc! { "$set": { "lock": serialize_to_bson(&lock).map_err(StoreError::unavailable)? } },
        None => doc! { "$unset": { "lock": "" } },
    };
    c.users.update_one(existing(id), change).session(session).await?;
    Ok(())
}

/// Refuses a user who administers no more. Two who take each other's role away meet in the guard of the last super admin.
async fn check_actor(c: &Collections, session: &mut ClientSession, acting: &Acting) -> Attempt<()> {
    let Actor::User(actor) = &acting.actor else { return Ok(()) };
    let found = c.users.find_one(existing(actor.id)).session(session).await?;
    let actor: Option<User> = one::<UserDocument>(found)?;
    if actor.is_some_and(|actor| actor.administers(acting.at)) {
        return Ok(());
    }
    Err(StoreError::Conflict(ADMINISTERS_NO_MORE).into())
}

/// Refuses what takes the last super admin away.
pub(crate) async fn leave_a_super_admin(
    c: &Collections,
    session: &mut ClientSession,
    leaving: &User,
    now: Timestamp,
) -> Attempt<()> {
    if leaving.role != SystemRole::SuperAdmin {
        return Ok(());
    }
    // A write, so that two who take one of the last two away each meet: neither would see what the other does.
    let guard = doc! { "_id": "superAdmins" };
    c.guards.update_one(guard, doc! { "$inc": { "turn": 1_i64 } }).upsert(true).session(&mut *session).await?;
    let others = doc! {
        "role": SystemRole::SuperAdmin.name(),
        "_id": { "$ne": oid(leaving.id.as_bytes()) },
        "deletedAt": null,
    };
    let other = c.users.find_one(not_locked(others, now)).hint(index("byRole")).session(session).await?;
    other.map(drop).ok_or_else(|| StoreError::Conflict(LAST_SUPER_ADMIN).into())
}

/// The filter for accounts that are not locked as well.
pub(crate) fn not_locked(mut filter: Document, now: Timestamp) -> Document {
    filter.insert("$or", vec![doc! { "lock": null }, doc! { "lock.until": { "$lte": date(now) } }]);
    filter
}

/// The filter for accounts that are locked as well.
fn locked(mut filter: Document, now: Timestamp) -> Document {
    filter.insert("lock", doc! { "$exists": true });
    filter.insert("$or", vec![doc! { "lock.until": null }, doc! { "lock.until": { "$gt": date(now) } }]);
    filter
}

fn index(name: &str) -> Hint {
    Hint::Name(name.to_owned())
}

async fn accounts(c: &Collections, page: &Accounts) -> Attempt<Vec<User>> {
    if page.limit == 0 {
        return Ok(Vec::new());
    }
    // The keys of deleted accounts begin with `-`, which sorts before this.
    let after = page.after.as_deref().unwrap_or(".");
    let mut filter = doc! { "usernameKey": { "$gt": after }, "deletedAt": null };
    if let Some(role) = page.role {
        filter.insert("role", role.name());
    }
    filter = match page.locked {
        Some(true) => locked(filter, page.now),
        Some(false) => not_locked(filter, page.now),
        None => filter,
    };
    words(&mut filter, &page.terms);
    // Each has the accounts in their order; of several that would serve, this is the narrowest.
    let by = match page {
        Accounts { terms, .. } if !terms.is_empty() => "byPrefix",
        Accounts { locked: Some(true), .. } => "byLock",
        Accounts { role: Some(_), .. } => "byRole",
        Accounts { .. } => "byUsername",
    };
    let found = c.users.find(filter).sort(doc! { "usernameKey": 1 }).limit(long(page.limit as u64)).hint(index(by));
    all::<UserDocument>(found.await?).await
}
