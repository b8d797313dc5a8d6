//! Accounts and their sessions.

use std::sync::Arc;

use parlor_domain::{
    Act, Acting, InvalidValue, Lock, LockReason, SessionId, SystemRole, Timestamp, User, UserId, search_terms,
    store::{Accounts, Acted},
};
use tracing::info;

use super::{AccountDetails, AccountQuery, AccountView, AdminCall, AdminService, refused_act};
use crate::{
    Caller, Page, ServiceError, ServiceResult, SessionView,
    auth::SECURITY,
    detached,
    users::{delete_account, tell_devices_of_profile},
};

const NO_USER: ServiceError = ServiceError::NotFound("user");

impl AdminService {
    /// A page of all accounts, by user name.
    ///
    /// # Errors
    /// `NotPermitted`, `RateLimited`, `Store`.
    pub async fn accounts(&self, caller: Caller, query: AccountQuery) -> ServiceResult<Page<AccountView, String>> {
        self.reader(caller).await?;
        let terms = search_terms([&*query.text]);
        if terms.is_empty() && !query.text.trim().is_empty() {
            // Something was looked for, and it has no letter or digit: no name has such a word.
            return Ok(Page { items: Vec::new(), next: None });
        }
        let AccountQuery { text: _, role, locked, after, limit } = query;
        let page = Accounts { terms, role, locked, after, limit: limit + 1, now: self.deps.clock.now() };
        let users = self.deps.stores.administration.accounts(&page).await?;
        let Page { items, next } = Page::cut(users, limit, |user: &User| user.username.key());
        Ok(Page { items: items.into_iter().map(|user| self.view(user)).collect(), next })
    }

    /// An account, and how much it has.
    ///
    /// # Errors
    /// `NotPermitted`, `NotFound`, `RateLimited`, `Store`.
    pub async fn account(&self, caller: Caller, id: UserId) -> ServiceResult<AccountDetails> {
        self.reader(caller).await?;
        let user = self.existing(id).await?;
        let counts = self.deps.stores.administration.counts(id, self.deps.clock.now()).await?;
        Ok(AccountDetails { account: self.view(user), counts })
    }

    /// Keeps an account from signing in, and ends its sessions. A lock that it has is replaced; the
    /// same lock again changes nothing.
    ///
    /// # Errors
    /// `NotPermitted`, `NotFound`, `Invalid` for an end that is not in the future, `OwnAccount`, `LastSuperAdmin`,
    /// `RateLimited`, `Store`.
    pub async fn lock(
        &self,
        call: AdminCall,
        id: UserId,
        reason: LockReason,
        until: Option<Timestamp>,
    ) -> ServiceResult<AccountView> {
        let caller = call.caller;
        let acting = self.acting(call).await?;
        if until.is_some_and(|until| until <= acting.at) {
            let reason = InvalidValue::new("in_the_past", "must be in the future");
            return Err(ServiceError::Invalid { field: "until", reason });
        }
        not_oneself(caller, id)?;
        let lock = Lock { reason, at: acting.at, until };
        let acted = self.act(caller, id, Act::Lock(lock), acting).await?;
        Ok(self.view(acted.user))
    }

    /// Lets an account sign in again. One that is not locked stays as it is.
    ///
    /// # Errors
    /// `NotPermitted`, `NotFound`, `RateLimited`, `Store`.
    pub async fn unlock(&self, call: AdminCall, id: UserId) -> ServiceResult<()> {
        let caller = call.caller;
        let acting = self.acting(call).await?;
        self.act(caller, id, Act::Unlock, acting).await?;
        Ok(())
    }

    /// Gives an account another role, and tells its devices.
    ///
    /// # Errors
    /// `NotPermitted`, `NotFound`, `OwnAccount`, `LastSuperAdmin`, `RateLimited`, `Store`.
    pub async fn set_role(&self, call: AdminCall, id: UserId, role: SystemRole) -> ServiceResult<AccountView> {
        let caller = call.caller;
        let acting = self.acting(call).await?;
        not_oneself(caller, id)?;
        let acted = self.act(caller, id, Act::SetRole(role), acting).await?;
        Ok(self.view(acted.user))
    }

    /// Deletes an account, as its owner does, who alone deletes his own: he is asked for his password.
    ///
    /// # Errors
    /// `NotPermitted`, `NotFound`, `OwnAccount`, `LastSuperAdmin`, `RateLimited`, `Store`.
    pub async fn delete(&self, call: AdminCall, id: UserId) -> ServiceResult<()> {
        let caller = call.caller;
        let acting = self.acting(call).await?;
        not_oneself(caller, id)?;
        let (deps, auth) = (Arc::clone(&self.deps), Arc::clone(&self.auth));
        detached(async move {
            delete_account(&deps, &auth, id, deps.stores.administration.delete(id, &acting)).await?;
            info!(target: SECURITY, user = %id, by = %caller.user, session = %caller.session, "account deleted");
            Ok(())
        })
        .await
    }

    /// The live sessions of an account, the last renewed first.
    ///
    /// # Errors
    /// `NotPermitted`, `NotFound`, `RateLimited`, `Store`.
    pub async fn sessions(&self, caller: Caller, id: UserId) -> ServiceResult<Vec<SessionView>> {
        self.reader(caller).await?;
        self.existing(id).await?;
        let sessions = self.deps.stores.sessions.list(id, self.deps.clock.now()).await?;
        Ok(sessions.into_iter().map(|s| SessionView { current: s.id == caller.session, session: s }).collect())
    }

    /// Ends a session of an account.
    ///
    /// # Errors
    /// `NotPermitted`, `NotFound` also if the account has no such live session, `RateLimited`, `Store`.
    pub async fn end_session(&self, call: AdminCall, id: UserId, session: SessionId) -> ServiceResult<()> {
        let caller = call.caller;
        let acting = self.acting(call).await?;
        let acted = self.act(caller, id, Act::EndSession(session), acting).await?;
        if acted.ended.is_empty() { Err(ServiceError::NotFound("session")) } else { Ok(()) }
    }

    /// Ends all sessions of an account.
    ///
    /// # Errors
    /// `NotPermitted`, `NotFound`, `RateLimited`, `Store`.
    pub async fn end_sessions(&self, call: AdminCall, id: UserId) -> ServiceResult<()> {
        let caller = call.caller;
        let acting = self.acting(call).await?;
        self.act(caller, id, Act::EndSessions, acting).await?;
        Ok(())
    }

    /// Does something to an account, with all that follows from it.
    async fn act(&self, caller: Caller, id: UserId, act: Act, acting: Acting) -> ServiceResult<Acted> {
        let (deps, auth) = (Arc::clone(&self.deps), Arc::clone(&self.auth));
        detached(async move {
            let acted = deps.stores.administration.act(id, &act, &acting).await.map_err(refused_act)?;
            let acted = acted.ok_or(NO_USER)?;
            auth.sessions_ended(id, &acted.ended);
            if acted.ended.is_empty() && matches!(act, Act::Lock(_) | Act::EndSession(_) | Act::EndSessions) {
                // They may have ended with a call whose answer was lost, or on another server.
                auth.reload_revocations(id).await?;
            }
            if !acted.changed {
                return Ok(acted);
            }
            let what = told(&act);
            info!(target: SECURITY, user = %id, by = %caller.user, session = %caller.session, "{what}");
            if let Act::SetRole(_) = act {
                tell_devices_of_profile(&deps, &acted.user);
            }
            Ok(acted)
        })
        .await
    }

    async fn existing(&self, id: UserId) -> ServiceResult<User> {
        let user = self.deps.stores.users.find(id).await?;
        user.filter(|user| user.deleted_at.is_none()).ok_or(NO_USER)
    }
}

/// Refuses what would shut out the one who does it.
fn not_oneself(caller: Caller, id: UserId) -> ServiceResult<()> {
    if caller.user == id { Err(ServiceError::OwnAccount) } else { Ok(()) }
}

/// An act in the log.
const fn told(act: &Act) -> &'static str {
    match act {
        Act::SetRole(_) => "role changed",
        Act::Lock(_) => "account locked",
        Act::Unlock => "account unlocked",
        Act::EndSession(_) => "session ended by an administrator",
        Act::EndSessions => "sessions ended by an administrator",
    }
}
