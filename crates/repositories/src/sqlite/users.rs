//! Accounts.

use async_trait::async_trait;
use parlor_domain::{
    ConversationId, FriendRequestId, Login, PasswordHash, ProfileChange, Rev, SessionId, Status, Timestamp, User,
    UserId, UserTopic, search_terms,
    store::{Credentials, Deleted, Directory, NewUser, StoreError, StoreResult, UserStore},
};
use rusqlite::{Connection, named_params, params, params_from_iter, types::Value};

use super::{
    Database,
    administration::leave_a_super_admin,
    error::conflict,
    relations,
    rows::{self, USER, all, first, get, run},
    sessions::revoke_all_but,
};

const UNIQUE: [(&str, &str); 2] = [("users.username_key", "username"), ("users.email_key", "email")];

#[async_trait]
impl UserStore for Database {
    async fn insert(&self, new: &NewUser) -> StoreResult<()> {
        let new = new.clone();
        self.writer.write(move |connection| insert(connection, &new)).await
    }

    async fn find(&self, id: UserId) -> StoreResult<Option<User>> {
        self.readers.read(move |connection| find(connection, id)).await
    }

    async fn find_many(&self, ids: &[UserId]) -> StoreResult<Vec<User>> {
        let ids = ids.to_vec();
        self.readers
            .read(move |connection| ids.iter().map(|id| find(connection, *id)).collect::<StoreResult<Vec<_>>>())
            .await
            .map(|users| users.into_iter().flatten().collect())
    }

    async fn credentials(&self, login: &Login) -> StoreResult<Option<Credentials>> {
        const SQL: &str = "SELECT id, password_hash FROM users WHERE username_key = ?1 AND deleted_at IS NULL \
             UNION ALL SELECT id, password_hash FROM users WHERE email_key = ?1 AND deleted_at IS NULL";
        let login = login.to_string();
        self.readers.read(move |connection| first(connection, SQL, [login], credentials)).await
    }

    async fn credentials_of(&self, id: UserId) -> StoreResult<Option<Credentials>> {
        const SQL: &str = "SELECT id, password_hash FROM users WHERE id = ?1 AND deleted_at IS NULL";
        self.readers.read(move |connection| first(connection, SQL, [id.as_bytes()], credentials)).await
    }

    async fn set_password(
        &self,
        id: UserId,
        password: &PasswordHash,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> StoreResult<Vec<SessionId>> {
        const SQL: &str = "UPDATE users SET password_hash = ?2 WHERE id = ?1 AND deleted_at IS NULL";
        let password = password.clone();
        self.writer
            .write(move |connection| {
                run(connection, SQL, params![id.as_bytes(), password.as_str()])?;
                revoke_all_but(connection, id, keep, now)
            })
            .await
    }

    async fn rehash_password(&self, id: UserId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<()> {
        const SQL: &str = "UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";
        let (old, new) = (old.clone(), new.clone());
        self.writer
            .write(move |connection| {
                run(connection, SQL, params![id.as_bytes(), old.as_str(), new.as_str()]).map(|_| ())
            })
            .await
    }

    async fn update_profile(&self, id: UserId, change: &ProfileChange) -> StoreResult<Option<User>> {
        let change = change.clone();
        self.writer.write(move |connection| update_profile(connection, id, change.clone())).await
    }

    async fn set_status(
        &self,
        id: UserId,
        status: &Status,
        last_seen_at: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreResult<Option<User>> {
        let status = status.clone();
        self.writer.write(move |connection| set_status(connection, id, &status, last_seen_at, now)).await
    }

    async fn ended_statuses(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<UserId>> {
        const SQL: &str = "SELECT id FROM users WHERE status_until IS NOT NULL AND status_until <= ?1 \
             AND deleted_at IS NULL ORDER BY status_until LIMIT ?2";
        self.readers
            .read(move |connection| {
                all(connection, SQL, params![now.as_millis(), limit], |row| Ok(UserId::from_bytes(get(row, "id")?)))
            })
            .await
    }

    async fn set_last_seen(&self, seen: &[(UserId, Timestamp)]) -> StoreResult<()> {
        const SQL: &str = "UPDATE users SET last_seen_at = ?2 \
             WHERE id = ?1 AND deleted_at IS NULL AND (last_seen_at IS NULL OR last_seen_at < ?2)";
        let seen = seen.to_vec();
        self.writer
            .write(move |connection| {
                for (id, at) in &seen {
                    run(connection, SQL, params![id.as_bytes(), at.as_millis()])?;
                }
                Ok(())
            })
            .await
    }

    async fn delete(&self, id: UserId, now: Timestamp) -> StoreResult<Option<Deleted>> {
        self.writer.write(move |connection| delete(connection, id, now)).await
    }

    async fn leaving(&self, limit: usize) -> StoreResult<Vec<UserId>> {
        const SQL: &str = "SELECT id FROM users INDEXED BY users_leaving WHERE leaving = 1 ORDER BY id LIMIT ?1";
        self.readers
            .read(move |connection| all(connection, SQL, [limit], |row| Ok(UserId::from_bytes(get(row, "id")?))))
            .await
    }

    async fn has_left(&self, id: UserId) -> StoreResult<()> {
        const SQL: &str = "UPDATE users SET leaving = 0 WHERE id = ?1 AND leaving = 1";
        self.writer
            .write(move |connection| {
                if run(connection, SQL, [id.as_bytes()])? > 0 {
                    run(connection, "DELETE FROM user_stream WHERE user_id = ?1", [id.as_bytes()])?;
                }
                Ok(())
            })
            .await
    }

    async fn directory(&self, page: &Directory) -> StoreResult<Vec<User>> {
        let page = page.clone();
        self.readers.read(move |connection| directory(connection, &page)).await
    }

    async fn rev(&self, id: UserId) -> StoreResult<Rev> {
        self.readers.read(move |connection| rev(connection, id)).await
    }
}

pub(crate) fn insert(connection: &Connection, new: &NewUser) -> StoreResult<()> {
    let username_taken = "SELECT 1 FROM users WHERE username_key = ?1";
    if first(connection, username_taken, [new.user.username.key()], |_| Ok(()))?.is_some() {
        return Err(StoreError::Conflict("username"));
    }
    insert_account(connection, &new.user, Some(&new.password))
}

/// Adds an account as it is, also a deleted one, which has no password.
pub(crate) fn insert_account(connection: &Connection, user: &User, password: Option<&PasswordHash>) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO users (id, username, username_key, email, email_key, display_name, bio, metadata, role, \
         lock_reason, locked_at, locked_until, password_hash, show_last_seen, read_receipts, who_can_write, status_kind, status_text, status_until, last_seen_at, rev, \
         created_at, deleted_at, leaving) \
         VALUES (:id, :username, :username_key, :email, :email_key, :display_name, :bio, :metadata, :role, \
         :lock_reason, :locked_at, :locked_until, :password, :show_last_seen, :read_receipts, :who_can_write, :status_kind, :status_text, :status_until, :last_seen_at, :rev, \
         :created_at, :deleted_at, :leaving)";
    let is_deleted = user.deleted_at.is_some();
    let inserted = connection.prepare_cached(SQL).and_then(|mut statement| {
        statement.execute(named_params! {
            ":id": user.id.as_bytes(),
            ":username": user.username.as_str(),
            ":username_key": if is_deleted { deleted_key(user.id) } else { user.username.key() },
            ":email": user.email.as_ref().map(|email| email.as_str()),
            ":email_key": user.email.as_ref().map(|email| email.key()),
            ":display_name": user.display_name.as_str(),
            ":bio": user.bio.as_str(),
            ":metadata": user.metadata.as_str(),
            ":role": user.role.name(),
            ":lock_reason": user.lock.as_ref().map(|lock| lock.reason.as_str()),
            ":locked_at": user.lock.as_ref().map(|lock| lock.at.as_millis()),
            ":locked_until": user.lock.as_ref().and_then(|lock| lock.until).map(Timestamp::as_millis),
            ":password": password.map(PasswordHash::as_str),
            ":show_last_seen": user.settings.show_last_seen,
            ":read_receipts": user.settings.read_receipts,
            ":who_can_write": user.settings.who_can_write.name(),
            ":status_kind": user.status.kind.name(),
            ":status_text": user.status.text.as_ref().map(|text| text.as_str()),
            ":status_until": user.status.until.map(Timestamp::as_millis),
            ":last_seen_at": user.last_seen_at.map(Timestamp::as_millis),
            ":rev": user.rev.get(),
            ":created_at": user.created_at.as_millis(),
            ":deleted_at": user.deleted_at.map(Timestamp::as_millis),
            ":leaving": user.leaving,
        })
    });
    inserted.map_err(|error| conflict(error, &UNIQUE))?;
    if is_deleted { Ok(()) } else { write_terms(connection, user) }
}

/// The key of a deleted account's name. Nobody can sign up under a name with it, so nobody can stand in the way.
fn deleted_key(id: UserId) -> String {
    format!("-deleted-{id}")
}

/// Makes the directory find the user by the words of his names.
fn write_terms(connection: &Connection, user: &User) -> StoreResult<()> {
    run(connection, "DELETE FROM user_terms WHERE user_id = ?1", [user.id.as_bytes()])?;
    for term in search_terms([user.username.as_str(), user.display_name.as_str()]) {
        const SQL: &str = "INSERT INTO user_terms (term, user_id) VALUES (?1, ?2)";
        run(connection, SQL, params![term, user.id.as_bytes()])?;
    }
    Ok(())
}

/// The account, also a deleted one.
pub(crate) fn find(connection: &Connection, id: UserId) -> StoreResult<Option<User>> {
    first(connection, &format!("SELECT {USER} FROM users WHERE id = ?1"), [id.as_bytes()], rows::user)
}

pub(crate) fn existing(connection: &Connection, id: UserId) -> StoreResult<Option<User>> {
    Ok(find(connection, id)?.filter(|user| user.deleted_at.is_none()))
}

fn rev(connection: &Connection, id: UserId) -> StoreResult<Rev> {
    let found = first(connection, "SELECT rev FROM users WHERE id = ?1", [id.as_bytes()], |row| rows::rev(row, "rev"));
    Ok(found?.unwrap_or_default())
}

fn credentials(row: &rusqlite::Row<'_>) -> StoreResult<Credentials> {
    let user_id = UserId::from_bytes(get(row, "id")?);
    Ok(Credentials { user_id, password: PasswordHash::new(get(row, "password_hash")?) })
}

/// Takes the next revision of a user's own stream for a topic, in the place of the topic's former one.
pub(crate) fn record(connection: &Connection, user: UserId, topic: UserTopic) -> StoreResult<Rev> {
    const NEXT: &str = "UPDATE users SET rev = rev + 1 WHERE id = ?1 RETURNING rev";
    const RECORD: &str = "INSERT INTO user_stream (user_id, topic, subject, rev) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (user_id, topic, subject) DO UPDATE SET rev = excluded.rev";
    let rev = first(connection, NEXT, [user.as_bytes()], |row| rows::rev(row, "rev"))?.unwrap_or_default();
    let (name, subject) = topic_columns(&topic);
    run(connection, RECORD, params![user.as_bytes(), name, subject, rev.get()])?;
    Ok(rev)
}

/// A topic as the columns hold it.
pub(crate) fn topic_columns(topic: &UserTopic) -> (&'static str, &[u8]) {
    match topic {
        UserTopic::Conversation(id) => ("conversation", id.as_bytes()),
        UserTopic::Settings(id) => ("settings", id.as_bytes()),
        UserTopic::Read(id) => ("read", id.as_bytes()),
        UserTopic::Profile => ("profile", &[]),
        UserTopic::FriendRequest(id) => ("friendRequest", id.as_bytes()),
        UserTopic::Friend(id) => ("friend", id.as_bytes()),
        UserTopic::Block(id) => ("block", id.as_bytes()),
    }
}

/// The topic that stands in these columns.
pub(crate) fn topic(name: &str, subject: &[u8]) -> Option<UserTopic> {
    let id = || <[u8; 12]>::try_from(subject).ok();
    match name {
        "conversation" => id().map(ConversationId::from_bytes).map(UserTopic::Conversation),
        "settings" => id().map(ConversationId::from_bytes).map(UserTopic::Settings),
        "read" => id().map(ConversationId::from_bytes).map(UserTopic::Read),
        "profile" => Some(UserTopic::Profile),
        "friendRequest" => id().map(FriendRequestId::from_bytes).map(UserTopic::FriendRequest),
        "friend" => id().map(UserId::from_bytes).map(UserTopic::Friend),
        "block" => id().map(UserId::from_bytes).map(UserTopic::Block),
        _ => None,
    }
}

fn update_profile(connection: &Connection, id: UserId, change: ProfileChange) -> StoreResult<Option<User>> {
    const SQL: &str = "UPDATE users SET display_name = ?2, bio = ?3, metadata = ?4, email = ?5, email_key = ?6, \
         show_last_seen = ?7, read_receipts = ?8, who_can_write = ?9 WHERE id = ?1";
    let Some(user) = existing(connection, id)? else { return Ok(None) };
    let mut user = user.changed(change);
    let params = params![
        id.as_bytes(),
        user.display_name.as_str(),
        user.bio.as_str(),
        user.metadata.as_str(),
        user.email.as_ref().map(|email| email.as_str()),
        user.email.as_ref().map(|email| email.key()),
        user.settings.show_last_seen,
        user.settings.read_receipts,
        user.settings.who_can_write.name(),
    ];
    let updated = connection.prepare_cached(SQL).and_then(|mut statement| statement.execute(params));
    updated.map_err(|error| conflict(error, &UNIQUE))?;
    write_terms(connection, &user)?;
    user.rev = record(connection, id, UserTopic::Profile)?;
    Ok(Some(user))
}

fn set_status(
    connection: &Connection,
    id: UserId,
    status: &Status,
    last_seen_at: Option<Timestamp>,
    now: Timestamp,
) -> StoreResult<Option<User>> {
    const SQL: &str = "UPDATE users SET status_kind = ?2, status_text = ?3, status_until = ?4, \
         last_seen_at = coalesce(?5, last_seen_at) WHERE id = ?1";
    const HOLD: &str = "UPDATE members SET held_from = (SELECT rev FROM conversations WHERE id = conversation_id) \
         WHERE user_id = ?1 AND held_from IS NULL";
    const RELEASE: &str = "UPDATE members SET held_from = NULL WHERE user_id = ?1 AND held_from IS NOT NULL";
    if existing(connection, id)?.is_none() {
        return Ok(None);
    }
    let params = params![
        id.as_bytes(),
        status.kind.name(),
        status.text.as_ref().map(|text| text.as_str()),
        status.until.map(Timestamp::as_millis),
        last_seen_at.map(Timestamp::as_millis),
    ];
    run(connection, SQL, params)?;
    run(connection, if status.holds(now) { HOLD } else { RELEASE }, [id.as_bytes()])?;
    record(connection, id, UserTopic::Profile)?;
    find(connection, id)
}

pub(crate) fn delete(connection: &Connection, id: UserId, now: Timestamp) -> StoreResult<Option<Deleted>> {
    const SQL: &str = "UPDATE users SET username = ?2, username_key = ?3, email = NULL, email_key = NULL, \
         display_name = ?4, bio = ?5, metadata = ?6, role = ?7, \
         lock_reason = NULL, locked_at = NULL, locked_until = NULL, password_hash = NULL, show_last_seen = ?8, \
         read_receipts = ?9, who_can_write = ?10, status_kind = ?11, status_text = NULL, status_until = NULL, \
         last_seen_at = NULL, deleted_at = ?12, leaving = 1 WHERE id = ?1";
    let Some(user) = existing(connection, id)? else { return Ok(None) };
    leave_a_super_admin(connection, &user, now)?;
    let left = user.after_deletion(now);
    let params = params![
        id.as_bytes(),
        left.username.as_str(),
        deleted_key(id),
        left.display_name.as_str(),
        left.bio.as_str(),
        left.metadata.as_str(),
        left.role.name(),
        left.settings.show_last_seen,
        left.settings.read_receipts,
        left.settings.who_can_write.name(),
        left.status.kind.name(),
        now.as_millis(),
    ];
    run(connection, SQL, params)?;
    run(connection, "DELETE FROM user_terms WHERE user_id = ?1", [id.as_bytes()])?;
    run(connection, "DELETE FROM user_stream WHERE user_id = ?1", [id.as_bytes()])?;
    run(connection, "UPDATE members SET held_from = NULL WHERE user_id = ?1", [id.as_bytes()])?;
    let friends = relations::remove_all(connection, id)?;
    Ok(Some(Deleted { sessions: revoke_all_but(connection, id, None, now)?, friends }))
}

/// The users that have a term that begins with a word. No character sorts behind U+10FFFF, so this is the range of all
/// such terms.
pub(crate) const TERM: &str =
    "AND id IN (SELECT user_id FROM user_terms WHERE term >= ? AND term <= ? || char(1114111)) ";

fn directory(connection: &Connection, page: &Directory) -> StoreResult<Vec<User>> {
    // With words, few users are left, and they are sorted; without, all are read in their order. The plus sign keeps
    // SQLite from walking through everyone in order while it looks for the few.
    let key = if page.terms.is_empty() { "username_key" } else { "+username_key" };
    let sql = format!(
        "SELECT {USER} FROM users WHERE {key} > ? AND id <> ? AND deleted_at IS NULL {}ORDER BY {key} LIMIT ?",
        TERM.repeat(page.terms.len())
    );
    let after: Value = page.after.clone().unwrap_or_default().into();
    let mut params = vec![after, page.except.as_bytes().to_vec().into()];
    for term in &page.terms {
        params.extend([Value::from(term.clone()), Value::from(term.clone())]);
    }
    params.push(i64::try_from(page.limit).unwrap_or(i64::MAX).into());
    all(connection, &sql, params_from_iter(params), rows::user)
}
