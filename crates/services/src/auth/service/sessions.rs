//! Keeping, listing and ending sessions.

use std::sync::Arc;

use parlor_domain::{SecretHash, SessionId, Timestamp, store::Renewal};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::{info, warn};

use crate::{
    AuthFailure, AuthService, Caller, ClientInfo, ServiceError, ServiceResult, SessionView, Ticket, Tokens,
    auth::{
        SECURITY,
        tokens::{REFRESH, TICKET, hash_of_secret, new_secret},
    },
    detached,
};

impl AuthService {
    /// Exchanges a refresh token for new tokens. It is good once: who shows it again ends the session, since two
    /// hold it and one of them has no right to.
    ///
    /// # Errors
    /// `Unauthenticated`: `Invalid` for an unknown token, `SessionEnded` for the newest of a session that is over, or
    /// `Reused`. `RateLimited`, `Store`.
    pub async fn refresh(&self, token: &SecretString, client: &ClientInfo) -> ServiceResult<Tokens> {
        self.deps.limits.refresh(client.address)?;
        let shown = hash_of_secret(REFRESH, token.expose_secret()).map_err(ServiceError::Unauthenticated)?;
        let (refresh, next) = new_secret(REFRESH, &*self.deps.entropy);
        // Read before the renewal, so that a token is never issued after its session was revoked.
        let now = self.deps.clock.now();
        match self.renew(shown, next, now).await? {
            Renewal::Renewed(session) => {
                self.familiar.note(session.user_id, client.address, now);
                self.tokens_of(&session, refresh, now)
            }
            Renewal::Reused(session) => {
                warn!(target: SECURITY, user = %session.user_id, session = %session.id, address = %client.address, "refresh token reused");
                Err(ServiceError::Unauthenticated(AuthFailure::Reused))
            }
            Renewal::Ended => Err(ServiceError::Unauthenticated(AuthFailure::SessionEnded)),
            Renewal::Unknown => Err(ServiceError::Unauthenticated(AuthFailure::Invalid)),
        }
    }

    /// Ends the caller's session. Ending it twice is no error.
    ///
    /// # Errors
    /// `Store`.
    pub async fn log_out(&self, caller: Caller) -> ServiceResult<()> {
        self.revoke(caller, caller.session).await?;
        Ok(())
    }

    /// The caller's live sessions, the last renewed first.
    ///
    /// # Errors
    /// `Store`.
    pub async fn sessions(&self, caller: Caller) -> ServiceResult<Vec<SessionView>> {
        let sessions = self.deps.stores.sessions.list(caller.user, self.deps.clock.now()).await?;
        let view = |session: parlor_domain::Session| SessionView { current: session.id == caller.session, session };
        Ok(sessions.into_iter().map(view).collect())
    }

    /// Ends one of the caller's sessions.
    ///
    /// # Errors
    /// `NotFound` if the caller has no such live session, `Store`.
    pub async fn end_session(&self, caller: Caller, id: SessionId) -> ServiceResult<()> {
        if self.revoke(caller, id).await? { Ok(()) } else { Err(ServiceError::NotFound("session")) }
    }

    /// Ends every session of the caller but this one.
    ///
    /// # Errors
    /// `Store`.
    pub async fn end_other_sessions(&self, caller: Caller) -> ServiceResult<()> {
        let (deps, revocations) = (Arc::clone(&self.deps), Arc::clone(&self.revocations));
        detached(async move {
            let now = deps.clock.now();
            let ended = deps.stores.sessions.revoke_others(caller.user, caller.session, now).await?;
            revocations.add(caller.user, &ended);
            info!(target: SECURITY, user = %caller.user, by = %caller.session, count = ended.len(), "sessions ended");
            Ok(())
        })
        .await
    }

    /// A ticket that opens one socket in place of the access token, which must not stand in a URL.
    ///
    /// # Errors
    /// `RateLimited`, `Store`.
    pub async fn issue_ticket(&self, caller: Caller) -> ServiceResult<Ticket> {
        self.deps.limits.sync(caller.user)?;
        let (secret, hash) = new_secret(TICKET, &*self.deps.entropy);
        let expires_at = self.deps.clock.now() + self.ticket_ttl;
        self.deps.stores.sessions.insert_ticket(&hash, caller.session, expires_at).await?;
        Ok(Ticket { secret, ttl: self.ticket_ttl })
    }

    /// Takes a ticket; it is good once.
    ///
    /// # Errors
    /// `Unauthenticated(Invalid)` for one that is unknown, used, expired, or whose session has ended. `Store`.
    pub async fn redeem_ticket(&self, ticket: &str) -> ServiceResult<Caller> {
        let shown = hash_of_secret(TICKET, ticket).map_err(ServiceError::Unauthenticated)?;
        let session = self.deps.stores.sessions.take_ticket(&shown, self.deps.clock.now()).await?;
        let session = session.ok_or(ServiceError::Unauthenticated(AuthFailure::Invalid))?;
        Ok(Caller { user: session.user_id, session: session.id })
    }

    /// Until when the caller's session is good as things stand now, for a socket that outlives its access token. At most as
    /// long as an access token is, so that a session that another server has ended does not outlive it in a socket.
    ///
    /// # Errors
    /// `Unauthenticated(SessionEnded)` if it has ended, `Store`.
    pub async fn session_end(&self, caller: Caller) -> ServiceResult<Timestamp> {
        let now = self.deps.clock.now();
        let session = self.deps.stores.sessions.find(caller.session, now).await?;
        let session = session.ok_or(ServiceError::Unauthenticated(AuthFailure::SessionEnded))?;
        Ok(session.ends_at().min(now + self.tokens.reach()))
    }

    /// Renews a session. If the token was used before, the session's access tokens and sockets are dead as well.
    async fn renew(&self, shown: SecretHash, next: SecretHash, now: Timestamp) -> ServiceResult<Renewal> {
        let (deps, revocations, idle) = (Arc::clone(&self.deps), Arc::clone(&self.revocations), self.idle_ttl);
        detached(async move {
            let renewal = deps.stores.sessions.renew(&shown, &next, now, idle).await?;
            if let Renewal::Reused(session) = &renewal {
                revocations.add(session.user_id, &[session.id]);
            }
            Ok(renewal)
        })
        .await
    }

    /// Revokes a session of the caller's user; `false` if there is no such live one.
    async fn revoke(&self, caller: Caller, id: SessionId) -> ServiceResult<bool> {
        let (deps, revocations) = (Arc::clone(&self.deps), Arc::clone(&self.revocations));
        detached(async move {
            let revoked = deps.stores.sessions.revoke(caller.user, id, deps.clock.now()).await?;
            if revoked {
                revocations.add(caller.user, &[id]);
                info!(target: SECURITY, user = %caller.user, session = %id, by = %caller.session, "session ended");
            }
            Ok(revoked)
        })
        .await
    }
}
