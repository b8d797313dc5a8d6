//! Sign-ins, their refresh tokens, and one-time tickets.

use std::time::Duration;

use async_trait::async_trait;
use parlor_domain::{
    SecretHash, Session, SessionId, Timestamp, UserId,
    store::{NewSession, Renewal, SessionStore, StoreResult},
};
use rusqlite::{Connection, params};

use super::{
    Database,
    rows::{SESSION, all, first, get, optional_time, run, session, time},
};

/// What a live session is; `?2` is the present.
pub(crate) const LIVE: &str = "revoked_at IS NULL AND idle_expires_at > ?2 AND sessions.expires_at > ?2";

#[async_trait]
impl SessionStore for Database {
    async fn insert(&self, new: &NewSession) -> StoreResult<bool> {
        let new = new.clone();
        self.writer.write(move |connection| insert(connection, &new)).await
    }

    async fn find(&self, id: SessionId, now: Timestamp) -> StoreResult<Option<Session>> {
        self.readers.read(move |connection| find(connection, id, now)).await
    }

    async fn renew(
        &self,
        token: &SecretHash,
        next: &SecretHash,
        now: Timestamp,
        idle: Duration,
    ) -> StoreResult<Renewal> {
        let (token, next) = (*token, *next);
        self.writer.write(move |connection| renew(connection, &token, &next, now, idle)).await
    }

    async fn list(&self, user: UserId, now: Timestamp) -> StoreResult<Vec<Session>> {
        self.readers
            .read(move |connection| {
                let sql = format!(
                    "SELECT {SESSION} FROM sessions WHERE user_id = ?1 AND {LIVE} ORDER BY renewed_at DESC, id DESC"
                );
                all(connection, &sql, params![user.as_bytes(), now.as_millis()], session)
            })
            .await
    }

    async fn revoke(&self, user: UserId, id: SessionId, now: Timestamp) -> StoreResult<bool> {
        self.writer.write(move |connection| revoke(connection, user, id, now)).await
    }

    async fn revoke_others(&self, user: UserId, keep: SessionId, now: Timestamp) -> StoreResult<Vec<SessionId>> {
        self.writer.write(move |connection| revoke_all_but(connection, user, Some(keep), now)).await
    }

    async fn revoked_since(&self, since: Timestamp) -> StoreResult<Vec<(SessionId, Timestamp)>> {
        const SQL: &str = "SELECT id, revoked_at FROM sessions WHERE revoked_at IS NOT NULL AND revoked_at >= ?1";
        self.readers
            .read(move |connection| {
                all(connection, SQL, [since.as_millis()], |row| {
                    Ok((SessionId::from_bytes(get(row, "id")?), time(row, "revoked_at")?))
                })
            })
            .await
    }

    async fn insert_ticket(&self, ticket: &SecretHash, session: SessionId, expires_at: Timestamp) -> StoreResult<()> {
        const SQL: &str = "INSERT INTO tickets (hash, session_id, expires_at) VALUES (?1, ?2, ?3)";
        let ticket = *ticket;
        self.writer
            .write(move |connection| {
                run(connection, SQL, params![ticket.as_bytes(), session.as_bytes(), expires_at.as_millis()]).map(|_| ())
            })
            .await
    }

    async fn take_ticket(&self, ticket: &SecretHash, now: Timestamp) -> StoreResult<Option<Session>> {
        const SQL: &str = "DELETE FROM tickets WHERE hash = ?1 RETURNING session_id, expires_at";
        let ticket = *ticket;
        self.writer
            .write(move |connection| {
                let taken = first(connection, SQL, [ticket.as_bytes()], |row| {
                    Ok((SessionId::from_bytes(get(row, "session_id")?), time(row, "expires_at")?))
                })?;
                match taken {
                    Some((id, expires_at)) if expires_at > now => find(connection, id, now),
                    _ => Ok(None),
                }
            })
            .await
    }

    async fn purge(&self, before: Timestamp) -> StoreResult<()> {
        const SQL: [&str; 2] = [
            "DELETE FROM sessions WHERE (revoked_at IS NOT NULL AND revoked_at < ?1) OR idle_expires_at < ?1 \
             OR expires_at < ?1",
            "DELETE FROM tickets WHERE expires_at < ?1",
        ];
        self.writer
            .write(move |connection| {
                for sql in SQL {
                    run(connection, sql, [before.as_millis()])?;
                }
                Ok(())
            })
            .await
    }
}

fn insert(connection: &Connection, new: &NewSession) -> StoreResult<bool> {
    const SQL: &str = "INSERT INTO sessions (id, user_id, device, created_at, renewed_at, idle_expires_at, expires_at) \
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM users WHERE id = ?2 AND deleted_at IS NULL \
         AND (locked_at IS NULL OR locked_until <= ?4)";
    let session = &new.session;
    let params = params![
        session.id.as_bytes(),
        session.user_id.as_bytes(),
        session.device.as_str(),
        session.created_at.as_millis(),
        session.renewed_at.as_millis(),
        session.idle_expires_at.as_millis(),
        session.expires_at.as_millis(),
    ];
    let inserted = run(connection, SQL, params)? > 0;
    if inserted {
        insert_token(connection, &new.token, session.id)?;
    }
    Ok(inserted)
}

fn insert_token(connection: &Connection, token: &SecretHash, session: SessionId) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO refresh_tokens (hash, session_id) VALUES (?1, ?2)";
    run(connection, SQL, params![token.as_bytes(), session.as_bytes()]).map(|_| ())
}

fn find(connection: &Connection, id: SessionId, now: Timestamp) -> StoreResult<Option<Session>> {
    let sql = format!("SELECT {SESSION} FROM sessions WHERE id = ?1 AND {LIVE}");
    first(connection, &sql, params![id.as_bytes(), now.as_millis()], session)
}

fn renew(
    connection: &Connection,
    token: &SecretHash,
    next: &SecretHash,
    now: Timestamp,
    idle: Duration,
) -> StoreResult<Renewal> {
    const REPLACE: &str = "UPDATE refresh_tokens SET replaced_at = ?2 WHERE hash = ?1";
    const RENEW: &str = "UPDATE sessions SET renewed_at = ?2, idle_expires_at = ?3 WHERE id = ?1";
    const REVOKE: &str = "UPDATE sessions SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    let sql = format!(
        "SELECT {SESSION}, replaced_at FROM refresh_tokens JOIN sessions ON sessions.id = session_id WHERE hash = ?1"
    );
    let found = first(connection, &sql, [token.as_bytes()], |row| {
        Ok((session(row)?, optional_time(row, "replaced_at")?, optional_time(row, "revoked_at")?))
    })?;
    let Some((mut session, replaced_at, revoked_at)) = found else { return Ok(Renewal::Unknown) };
    let id = session.id;
    if replaced_at.is_some() {
        run(connection, REVOKE, params![id.as_bytes(), now.as_millis()])?;
        return Ok(Renewal::Reused(session));
    }
    if revoked_at.is_some() || session.ends_at() <= now {
        return Ok(Renewal::Ended);
    }
    session.renewed_at = now;
    session.idle_expires_at = now + idle;
    run(connection, REPLACE, params![token.as_bytes(), now.as_millis()])?;
    insert_token(connection, next, id)?;
    run(connection, RENEW, params![id.as_bytes(), now.as_millis(), session.idle_expires_at.as_millis()])?;
    Ok(Renewal::Renewed(session))
}

/// Revokes a user's live session; `false` if there is none of this id.
pub(crate) fn revoke(connection: &Connection, user: UserId, id: SessionId, now: Timestamp) -> StoreResult<bool> {
    let sql = format!("UPDATE sessions SET revoked_at = ?2 WHERE id = ?1 AND user_id = ?3 AND {LIVE}");
    Ok(run(connection, &sql, params![id.as_bytes(), now.as_millis(), user.as_bytes()])? > 0)
}

/// Revokes a user's live sessions but one, and gives them.
pub(crate) fn revoke_all_but(
    connection: &Connection,
    user: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> StoreResult<Vec<SessionId>> {
    let sql =
        format!("UPDATE sessions SET revoked_at = ?2 WHERE user_id = ?1 AND {LIVE} AND id IS NOT ?3 RETURNING id");
    let keep = keep.as_ref().map(SessionId::as_bytes);
    all(connection, &sql, params![user.as_bytes(), now.as_millis(), keep], |row| {
        Ok(SessionId::from_bytes(get(row, "id")?))
    })
}
