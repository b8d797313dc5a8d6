//! Sign-ins, their refresh tokens, and one-time tickets.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreResult;
use crate::{SecretHash, Session, SessionId, Timestamp, UserId};

/// A sign-in to add.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// Its first refresh token.
    pub token: SecretHash,
}

/// What came of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It was the newest of a live session, and is now replaced. The session as it is then.
    Renewed(Session),
    /// It had been replaced before, so somebody holds a copy. Its session is over now, if it was not before.
    Reused(Session),
    /// It was the newest of a session that is over.
    Ended,
    /// It is nobody's.
    Unknown,
}

/// Sign-ins. A session is live until it is revoked or [ends](Session::ends_at); the dead are as good as not there.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Adds a session, if its user exists, is not deleted, and is not [locked](crate::Lock) at the time that the
    /// session begins; `false` if not.
    async fn insert(&self, new: &NewSession) -> StoreResult<bool>;

    /// The session, if it is live at `now`.
    async fn find(&self, id: SessionId, now: Timestamp) -> StoreResult<Option<Session>>;

    /// Replaces a refresh token by the next one: of two calls with one token, one alone is `Renewed`. A renewal
    /// sets `renewed_at` to `now` and `idle_expires_at` to `now + idle`.
    async fn renew(
        &self,
        token: &SecretHash,
        next: &SecretHash,
        now: Timestamp,
        idle: Duration,
    ) -> StoreResult<Renewal>;

    /// The user's live sessions, the last renewed first.
    async fn list(&self, user: UserId, now: Timestamp) -> StoreResult<Vec<Session>>;

    /// Revokes a session of this user; `false` if the user has no such live session.
    async fn revoke(&self, user: UserId, id: SessionId, now: Timestamp) -> StoreResult<bool>;

    /// Revokes every live session of the user but `keep`. Gives the revoked ones.
    async fn revoke_others(&self, user: UserId, keep: SessionId, now: Timestamp) -> StoreResult<Vec<SessionId>>;

    /// The sessions revoked at or after this time, by whatever method.
    async fn revoked_since(&self, since: Timestamp) -> StoreResult<Vec<(SessionId, Timestamp)>>;

    /// Keeps a one-time ticket of a session.
    async fn insert_ticket(&self, ticket: &SecretHash, session: SessionId, expires_at: Timestamp) -> StoreResult<()>;

    /// Takes a ticket: its session, if the ticket was there, had not expired and the session is live. Of two calls
    /// with one ticket one alone gets it.
    async fn take_ticket(&self, ticket: &SecretHash, now: Timestamp) -> StoreResult<Option<Session>>;

    /// Forgets sessions that were revoked or ended before this time, with their tokens, and expired tickets.
    async fn purge(&self, before: Timestamp) -> StoreResult<()>;
}
