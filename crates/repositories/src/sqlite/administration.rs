//! What administrators do to accounts, and what they see of them.

use async_trait::async_trait;
use parlor_domain::{
    Act, Acting, Actor, AuditEntry, Lock, SystemRole, Timestamp, User, UserId, UserTopic,
    store::{
        ADMINISTERS_NO_MORE, AccountCounts, Accounts, Acted, AdminStore, Deleted, LAST_SUPER_ADMIN, NewUser,
        StoreError, StoreResult,
    },
};
use rusqlite::{Connection, params, params_from_iter, types::Value};

use super::{
    Database, audit,
    rows::{self, USER, all, first, get, run},
    sessions::{self, LIVE},
    users::{self, TERM},
};

#[async_trait]
impl AdminStore for Database {
    async fn create(&self, new: &NewUser, acting: &Acting) -> StoreResult<()> {
        let (new, entry) = (new.clone(), AuditEntry::of_creation(acting, &new.user));
        self.writer
            .write(move |connection| {
                users::insert(connection, &new)?;
                audit::append(connection, &entry)
            })
            .await
    }

    async fn act(&self, id: UserId, act: &Act, acting: &Acting) -> StoreResult<Option<Acted>> {
        let (act, acting) = (act.clone(), acting.clone());
        self.writer.write(move |connection| self::act(connection, id, &act, &acting)).await
    }

    async fn delete(&self, id: UserId, acting: &Acting) -> StoreResult<Option<Deleted>> {
        let acting = acting.clone();
        self.writer
            .write(move |connection| {
                check_actor(connection, &acting)?;
                let Some(before) = users::existing(connection, id)? else { return Ok(None) };
                let ended = users::delete(connection, id, acting.at)?;
                audit::append(connection, &AuditEntry::of_deletion(&acting, &before))?;
                Ok(ended)
            })
            .await
    }

    async fn accounts(&self, page: &Accounts) -> StoreResult<Vec<User>> {
        let page = page.clone();
        self.readers.read(move |connection| accounts(connection, &page)).await
    }

    async fn counts(&self, id: UserId, now: Timestamp) -> StoreResult<AccountCounts> {
        const CONVERSATIONS: &str = "SELECT count(*) AS count FROM members WHERE user_id = ?1";
        self.readers
            .read(move |connection| {
                let sql = format!("SELECT count(*) AS count FROM sessions WHERE user_id = ?1 AND {LIVE}");
                let sessions =
                    first(connection, &sql, params![id.as_bytes(), now.as_millis()], |row| get(row, "count"))?;
                let conversations = first(connection, CONVERSATIONS, [id.as_bytes()], |row| get(row, "count"))?;
                Ok(AccountCounts {
                    sessions: sessions.unwrap_or_default(),
                    conversations: conversations.unwrap_or_default(),
                })
            })
            .await
    }
}

fn act(connection: &Connection, id: UserId, act: &Act, acting: &Acting) -> StoreResult<Option<Acted>> {
    check_actor(connection, acting)?;
    let Some(before) = users::existing(connection, id)? else { return Ok(None) };
    let now = acting.at;
    if !act.is_needed(&before, now) {
        return Ok(Some(Acted { user: before, changed: false, ended: Vec::new() }));
    }
    if act.takes_away() {
        leave_a_super_admin(connection, &before, now)?;
    }
    let ended = match act {
        Act::SetRole(role) => {
            set_role(connection, id, *role)?;
            Vec::new()
        }
        Act::Lock(lock) => {
            if !act.is_of_sessions(&before, now) {
                set_lock(connection, id, Some(lock))?;
            }
            sessions::revoke_all_but(connection, id, None, now)?
        }
        Act::Unlock => {
            set_lock(connection, id, None)?;
            Vec::new()
        }
        Act::EndSession(session) => {
            sessions::revoke(connection, id, *session, now)?.then_some(*session).into_iter().collect()
        }
        Act::EndSessions => sessions::revoke_all_but(connection, id, None, now)?,
    };
    let changed = !act.is_of_sessions(&before, now) || !ended.is_empty();
    if changed {
        audit::append(connection, &AuditEntry::of_act(act, acting, &before, ended.len()))?;
    }
    let user = users::find(connection, id)?.unwrap_or(before);
    Ok(Some(Acted { user, changed, ended }))
}

fn set_role(connection: &Connection, id: UserId, role: SystemRole) -> StoreResult<()> {
    run(connection, "UPDATE users SET role = ?2 WHERE id = ?1", params![id.as_bytes(), role.name()])?;
    users::record(connection, id, UserTopic::Profile).map(|_| ())
}

fn set_lock(connection: &Connection, id: UserId, lock: Option<&Lock>) -> StoreResult<()> {
    const SQL: &str = "UPDATE users SET lock_reason = ?2, locked_at = ?3, locked_until = ?4 WHERE id = ?1";
    let params = params![
        id.as_bytes(),
        lock.map(|lock| lock.reason.as_str()),
        lock.map(|lock| lock.at.as_millis()),
        lock.and_then(|lock| lock.until).map(Timestamp::as_millis),
    ];
    run(connection, SQL, params).map(|_| ())
}

/// Refuses a user who administers no more.
fn check_actor(connection: &Connection, acting: &Acting) -> StoreResult<()> {
    let Actor::User(actor) = &acting.actor else { return Ok(()) };
    let actor = users::existing(connection, actor.id)?;
    if actor.is_some_and(|actor| actor.administers(acting.at)) {
        Ok(())
    } else {
        Err(StoreError::Conflict(ADMINISTERS_NO_MORE))
    }
}

/// Refuses what takes the last super admin away.
pub(crate) fn leave_a_super_admin(connection: &Connection, leaving: &User, now: Timestamp) -> StoreResult<()> {
    const OTHERS: &str = "SELECT 1 FROM users WHERE role = 'super_admin' AND id <> ?1 AND deleted_at IS NULL \
         AND (locked_at IS NULL OR locked_until <= ?2)";
    if leaving.role != SystemRole::SuperAdmin {
        return Ok(());
    }
    let other = first(connection, OTHERS, params![leaving.id.as_bytes(), now.as_millis()], |_| Ok(()))?;
    other.ok_or(StoreError::Conflict(LAST_SUPER_ADMIN))
}

fn accounts(connection: &Connection, page: &Accounts) -> StoreResult<Vec<User>> {
    // The keys of deleted accounts begin with `-`, which sorts before this.
    let after = page.after.clone().unwrap_or_else(|| ".".to_owned());
    let mut params = vec![Value::from(after)];
    params.extend(page.role.map(|role| Value::from(role.name().to_owned())));
    params.extend(page.locked.map(|_| Value::from(page.now.as_millis())));
    for term in &page.terms {
        params.extend([Value::from(term.clone()), Value::from(term.clone())]);
    }
    params.push(i64::try_from(page.limit).unwrap_or(i64::MAX).into());
    let sql = accounts_statement(page.terms.len(), page.role.is_some(), page.locked);
    all(connection, &sql, params_from_iter(params), rows::user)
}

/// The statement that finds accounts with so many words, with a role or not, locked or not.
pub(crate) fn accounts_statement(words: usize, role: bool, locked: Option<bool>) -> String {
    // As in the directory: with words, few users are left, and they are sorted. Else the accounts are read in their
    // order, of a role or of the locked ones alone.
    let (key, index) = match (words, locked, role) {
        (0, Some(true), _) => ("username_key", "INDEXED BY users_locked "),
        (0, _, true) => ("username_key", "INDEXED BY users_by_role "),
        (0, _, false) => ("username_key", ""),
        _ => ("+username_key", ""),
    };
    let of_role = match role {
        true if index.contains("role") => "AND role = ? ",
        true => "AND +role = ? ",
        false => "",
    };
    let if_locked = match locked {
        Some(true) => "AND locked_at IS NOT NULL AND (locked_until IS NULL OR locked_until > ?) ",
        Some(false) => "AND (locked_at IS NULL OR locked_until <= ?) ",
        None => "",
    };
    let terms = TERM.repeat(words);
    format!(
        "SELECT {USER} FROM users {index}WHERE {key} > ? {of_role}{if_locked}{terms}AND deleted_at IS NULL \
         ORDER BY {key} LIMIT ?"
    )
}
