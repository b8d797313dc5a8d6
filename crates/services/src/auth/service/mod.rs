//! Accounts' doors as methods.

mod passwords;
mod sessions;
mod sign_in;

use std::{net::IpAddr, sync::Arc, time::Duration};

use parlor_domain::{
    DeviceLabel, DisplayName, Email, Login, Session, SessionId, Timestamp, UserId, UserView, Username,
    store::{StoreError, StoreResult},
};
use parlor_realtime::CloseReason;
use secrecy::SecretString;

use super::{familiar::FamiliarNetworks, hashing::PasswordHasher, revocations::Revocations, tokens::AccessTokens};
use crate::{AuthConfig, AuthFailure, Budget, Deps, Password, ServiceError, ServiceResult};

/// Makes accounts and sessions, and says who a caller is.
pub struct AuthService {
    deps: Arc<Deps>,
    hasher: PasswordHasher,
    tokens: AccessTokens,
    revocations: Arc<Revocations>,
    familiar: FamiliarNetworks,
    idle_ttl: Duration,
    max_ttl: Duration,
    ticket_ttl: Duration,
}

/// What a device says of itself when it comes.
#[derive(Clone, Debug)]
pub struct ClientInfo {
    /// Where it comes from.
    pub address: IpAddr,
    /// What it calls itself.
    pub device: DeviceLabel,
}

/// Who calls: proven by an access token or a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
}

/// An account to make.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// The unique name.
    pub username: Username,
    /// The address, if one is given.
    pub email: Option<Email>,
    /// The password.
    pub password: Password,
    /// The name that others see; the user name if none is given.
    pub display_name: Option<DisplayName>,
}

/// A login.
#[derive(Clone, Debug)]
pub struct LogIn {
    /// The user name or e-mail address.
    pub login: Login,
    /// The password, as a [candidate](Password::candidate).
    pub password: Password,
}

/// The tokens of a session.
#[derive(Debug)]
pub struct Tokens {
    /// The access token, to be shown with every request.
    pub access: SecretString,
    /// The refresh token, to be exchanged once for new tokens.
    pub refresh: SecretString,
    /// How long the access token is good.
    pub access_ttl: Duration,
    /// How long the refresh token is good if it is not used.
    pub refresh_ttl: Duration,
}

/// What a sign-up or login gives.
#[derive(Debug)]
pub struct SignedIn {
    /// The account as its owner sees it.
    pub user: UserView,
    /// The new session's tokens.
    pub tokens: Tokens,
    /// What is left of the limit that is nearest to its end.
    pub budget: Budget,
}

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// The session.
    pub session: Session,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A one-time ticket for opening a socket.
#[derive(Debug)]
pub struct Ticket {
    /// The ticket.
    pub secret: SecretString,
    /// How long it is good.
    pub ttl: Duration,
}

impl AuthService {
    /// Starts the threads that hash passwords. Sessions that were revoked before are unknown until
    /// [`Self::load_revocations`].
    pub(crate) fn new(deps: Arc<Deps>, config: &AuthConfig) -> Self {
        let tokens = AccessTokens::new(config);
        Self {
            hasher: PasswordHasher::new(config, Arc::clone(&deps.entropy)),
            revocations: Arc::new(Revocations::new(Arc::clone(&deps), tokens.reach())),
            deps,
            tokens,
            familiar: FamiliarNetworks::default(),
            idle_ttl: config.refresh_idle_ttl,
            max_ttl: config.refresh_max_ttl,
            ticket_ttl: config.ticket_ttl,
        }
    }

    /// Who shows this access token. Reads no store: a session that is revoked is refused at once, by a list in
    /// memory.
    ///
    /// # Errors
    /// `Unauthenticated`: `Invalid`, `Expired` or `SessionEnded`.
    pub fn authenticate(&self, access_token: &str) -> ServiceResult<Caller> {
        let verified = self.tokens.verify(access_token, self.deps.clock.now());
        let caller = verified.map_err(ServiceError::Unauthenticated)?;
        if self.revocations.contains(caller.session) {
            return Err(ServiceError::Unauthenticated(AuthFailure::SessionEnded));
        }
        Ok(caller)
    }

    /// Refuses the access tokens of revoked sessions from now on, and closes their sockets.
    pub(crate) fn sessions_ended(&self, user: UserId, sessions: &[SessionId]) {
        self.revocations.add(user, sessions);
    }

    /// Learns of the sessions that were revoked before this process started.
    pub(crate) async fn load_revocations(&self) -> StoreResult<()> {
        self.revocations.load().await.map(drop)
    }

    /// Learns of the sessions that were ended without this process, and closes those sockets of a user that they had.
    pub(crate) async fn reload_revocations(&self, user: UserId) -> StoreResult<()> {
        let revoked = self.revocations.load().await?;
        self.deps.hub.close_sessions(user, &revoked, CloseReason::SessionEnded);
        Ok(())
    }

    /// Forgets, here and in the store, what is over. To be called now and then.
    pub(crate) async fn purge(&self) -> StoreResult<()> {
        self.familiar.prune(self.deps.clock.now());
        self.revocations.purge().await
    }

    /// The tokens of a session that was made or renewed at `now`.
    fn tokens_of(&self, session: &Session, refresh: SecretString, now: Timestamp) -> ServiceResult<Tokens> {
        // Signing fails only if the key is none, which no client can help: our failure, like a store's.
        let (access, access_ttl) = self.tokens.issue(session, now).map_err(StoreError::corrupt)?;
        Ok(Tokens { access, refresh, access_ttl, refresh_ttl: session.ends_at().since(now) })
    }
}
