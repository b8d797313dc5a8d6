//! Making an account, and making a session.

use std::sync::Arc;

use parlor_domain::{
    DisplayName, PasswordHash, Session, SessionId, Timestamp, User, UserId, UserView,
    store::{Credentials, NewSession, NewUser},
};
use secrecy::SecretString;
use tracing::{field::display, info, warn};

use crate::{
    AuthService, Budget, Caller, ClientInfo, Deps, LogIn, Password, ServiceError, ServiceResult, SignUp, SignedIn,
    Tokens,
    auth::{
        SECURITY,
        tokens::{REFRESH, new_secret},
    },
    detached,
    users::taken,
};

impl AuthService {
    /// Makes an account and its first session.
    ///
    /// # Errors
    /// `RateLimited`, `Invalid` for a password that is the name or address, `Taken`, `Overloaded`, `Store`.
    pub async fn sign_up(&self, new: SignUp, client: &ClientInfo) -> ServiceResult<SignedIn> {
        let budget = self.deps.limits.signup(client.address)?;
        let differs = new.password.differs_from(&new.username, new.email.as_ref());
        differs.map_err(|reason| ServiceError::Invalid { field: "password", reason })?;
        let password = self.hasher.hash(new.password.clone()).await?;
        let now = self.deps.clock.now();
        let user = self.new_user(new, now);
        let (refresh, session) = self.new_session(user.id, client, now);
        let tokens = self.tokens_of(&session.session, refresh, now)?;
        insert_account(Arc::clone(&self.deps), NewUser { user: user.clone(), password }, session.clone()).await?;
        self.familiar.note(user.id, client.address, now);
        info!(target: SECURITY, user = %user.id, session = %session.session.id, address = %client.address, "signed up");
        Ok(SignedIn { user: self.deps.own_view(user), tokens, budget })
    }

    /// Makes a session for who knows an account's password. Somebody else's account and nobody's look alike, and
    /// take the same time; that an account is locked learns only who knows its password.
    ///
    /// # Errors
    /// `InvalidCredentials`, `AccountLocked`, `RateLimited`, `Overloaded`, `Store`.
    pub async fn log_in(&self, login: LogIn, client: &ClientInfo) -> ServiceResult<SignedIn> {
        let of_address = self.deps.limits.login(client.address)?;
        let credentials = self.deps.stores.users.credentials(&login.login).await?;
        let familiar = credentials.as_ref().is_some_and(|found| self.familiar.contains(found.user_id, client.address));
        let of_account = self.deps.limits.login_to(&login.login, familiar.then_some(client.address))?;
        let hash = credentials.as_ref().map(|found| &found.password);
        let matches = self.hasher.check(login.password.clone(), hash).await?;
        let user = credentials.as_ref().map(|found| display(found.user_id));
        let Some(credentials) = credentials.filter(|_| matches) else {
            info!(target: SECURITY, user, address = %client.address, "login refused");
            return Err(ServiceError::InvalidCredentials);
        };
        let (user, tokens) = self.begin_session(&credentials, &login.password, client).await?;
        self.renew_hash(&credentials, login.password).await;
        Ok(SignedIn { user, tokens, budget: tighter(of_address, of_account) })
    }

    /// Makes a session for who has shown the password of these credentials.
    async fn begin_session(
        &self,
        credentials: &Credentials,
        password: &Password,
        client: &ClientInfo,
    ) -> ServiceResult<(UserView, Tokens)> {
        let id = credentials.user_id;
        // An account that is deleted meanwhile has no password either.
        let user = self.deps.stores.users.find(id).await?.ok_or(ServiceError::InvalidCredentials)?;
        let now = self.deps.clock.now();
        not_locked(&user, client, now)?;
        let (refresh, session) = self.new_session(id, client, now);
        let tokens = self.tokens_of(&session.session, refresh, now)?;
        if !self.deps.stores.sessions.insert(&session).await? {
            // It was deleted or locked meanwhile.
            let user = self.deps.stores.users.find(id).await?.ok_or(ServiceError::InvalidCredentials)?;
            return not_locked(&user, client, now).and(Err(ServiceError::InvalidCredentials));
        }
        let session = session.session.id;
        if !self.is_still_right(credentials, password).await? {
            self.log_out(Caller { user: id, session }).await?;
            return Err(ServiceError::InvalidCredentials);
        }
        self.familiar.note(id, client.address, now);
        info!(target: SECURITY, user = %id, %session, address = %client.address, "signed in");
        Ok((self.deps.own_view(user), tokens))
    }

    /// Whether the password has not been changed since the credentials were read. To be asked once there is a
    /// session: a change that comes later ends it, one that came before could not.
    async fn is_still_right(&self, credentials: &Credentials, password: &Password) -> ServiceResult<bool> {
        let present = self.deps.stores.users.credentials_of(credentials.user_id).await?;
        match present {
            Some(present) if present == *credentials => Ok(true),
            // Another login may have renewed the hash.
            Some(present) => self.hasher.check(password.clone(), Some(&present.password)).await,
            None => Ok(false),
        }
    }

    /// Hashes a password, that has just been right, again if it was hashed at another cost. A failure costs the user
    /// nothing: the next login tries again.
    async fn renew_hash(&self, credentials: &Credentials, password: Password) {
        if !self.hasher.is_outdated(&credentials.password) {
            return;
        }
        let renewed: ServiceResult<()> = async {
            let hash: PasswordHash = self.hasher.hash(password).await?;
            Ok(self.deps.stores.users.rehash_password(credentials.user_id, &credentials.password, &hash).await?)
        }
        .await;
        if let Err(error) = renewed {
            warn!(user = %credentials.user_id, error = &error as &dyn std::error::Error, "password hash not renewed");
        }
    }

    fn new_user(&self, new: SignUp, now: Timestamp) -> User {
        let id = UserId::generate(&*self.deps.clock, &*self.deps.entropy);
        let user = User::new(id, new.username, new.email, now);
        User { display_name: new.display_name.unwrap_or_else(|| DisplayName::from(&user.username)), ..user }
    }

    fn new_session(&self, user: UserId, client: &ClientInfo, now: Timestamp) -> (SecretString, NewSession) {
        let (refresh, token) = new_secret(REFRESH, &*self.deps.entropy);
        let session = Session {
            id: SessionId::generate(&*self.deps.clock, &*self.deps.entropy),
            user_id: user,
            device: client.device.clone(),
            created_at: now,
            renewed_at: now,
            idle_expires_at: now + self.idle_ttl,
            expires_at: now + self.max_ttl,
        };
        (refresh, NewSession { session, token })
    }
}

/// Stores an account with its first session, or neither.
async fn insert_account(deps: Arc<Deps>, new: NewUser, session: NewSession) -> ServiceResult<()> {
    detached(async move {
        deps.stores.users.insert(&new).await.map_err(taken)?;
        let error = match deps.stores.sessions.insert(&session).await {
            Ok(true) => return Ok(()),
            // An administrator has found and deleted or locked the account in between.
            Ok(false) => return Err(ServiceError::InvalidCredentials),
            Err(error) => error,
        };
        // Whoever is told of a failure tries again with the same name, so it must be free.
        if let Err(error) = deps.stores.users.delete(new.user.id, session.session.created_at).await {
            warn!(user = %new.user.id, error = &error as &dyn std::error::Error, "account left without a session");
        }
        Err(error.into())
    })
    .await
}

/// Refuses who may not sign in for now.
fn not_locked(user: &User, client: &ClientInfo, now: Timestamp) -> ServiceResult<()> {
    let Some(lock) = user.lock.as_ref().filter(|lock| lock.holds(now)) else { return Ok(()) };
    info!(target: SECURITY, user = %user.id, address = %client.address, "login to a locked account refused");
    Err(ServiceError::AccountLocked(lock.clone()))
}

/// The budget that lasts for fewer requests.
fn tighter(one: Budget, other: Budget) -> Budget {
    if other.remaining < one.remaining { other } else { one }
}
