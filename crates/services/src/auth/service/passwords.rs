//! Checking and changing the password of who is signed in.

use std::sync::Arc;

use parlor_domain::{InvalidValue, UserId};
use tracing::info;

use crate::{AuthFailure, AuthService, Caller, Password, ServiceError, ServiceResult, auth::SECURITY, detached};

impl AuthService {
    /// Replaces the caller's password, and ends all other sessions of the user.
    ///
    /// # Errors
    /// `Invalid` if the current password is wrong, or the new one is the name or address,
    /// `RateLimited`, `Overloaded`, `Store`.
    pub async fn change_password(&self, caller: Caller, current: Password, new: Password) -> ServiceResult<()> {
        self.check_password(caller.user, current).await?;
        let ended = ServiceError::Unauthenticated(AuthFailure::SessionEnded);
        let user = self.deps.stores.users.find(caller.user).await?.ok_or(ended)?;
        let differs = new.differs_from(&user.username, user.email.as_ref());
        differs.map_err(|reason| ServiceError::Invalid { field: "newPassword", reason })?;
        let hash = self.hasher.hash(new).await?;
        let (deps, revocations) = (Arc::clone(&self.deps), Arc::clone(&self.revocations));
        detached(async move {
            let now = deps.clock.now();
            let ended = deps.stores.users.set_password(caller.user, &hash, Some(caller.session), now).await?;
            revocations.add(caller.user, &ended);
            info!(target: SECURITY, user = %caller.user, by = %caller.session, ended = ended.len(), "password changed");
            Ok(())
        })
        .await
    }

    /// Succeeds if this is the user's password.
    ///
    /// # Errors
    /// `Invalid` for `currentPassword` (and not `InvalidCredentials`, which tells a client to sign in again),
    /// `RateLimited`, `Overloaded`, `Store`.
    pub(crate) async fn check_password(&self, user: UserId, password: Password) -> ServiceResult<()> {
        self.deps.limits.password(user)?;
        let credentials = self.deps.stores.users.credentials_of(user).await?;
        let hash = credentials.as_ref().map(|found| &found.password);
        if self.hasher.check(password, hash).await? {
            return Ok(());
        }
        info!(target: SECURITY, %user, "password refused");
        let reason = InvalidValue::new("wrong_password", "is not your password");
        Err(ServiceError::Invalid { field: "currentPassword", reason })
    }
}
