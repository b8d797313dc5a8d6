//! What super admins do and see.

mod accounts;
mod command_line;
mod statistics;

use std::sync::Arc;

use parlor_domain::{
    Acting, Actor, AuditAction, AuditEntry, AuditId, Lock, Named, SystemRole, Timestamp, User, UserId,
    store::{ADMINISTERS_NO_MORE, AccountCounts, Accounts, ActorFilter, AuditPage, LAST_SUPER_ADMIN, StoreError},
};
use tracing::info;

pub use command_line::{create_super_admin, promote_to_super_admin};
pub use statistics::Statistics;

pub(crate) use statistics::Activities;

use crate::{AuthFailure, AuthService, Caller, Deps, Page, ServiceError, ServiceResult, auth::SECURITY};

/// Administers the system, for super admins alone.
pub struct AdminService {
    deps: Arc<Deps>,
    auth: Arc<AuthService>,
}

/// Who administers, and in which request.
#[derive(Clone, Debug)]
pub struct AdminCall {
    /// Who calls.
    pub caller: Caller,
    /// What the request is called in the log.
    pub request: Option<String>,
}

/// Which accounts to list.
#[derive(Clone, Debug, Default)]
pub struct AccountQuery {
    /// As in the [directory](crate::DirectoryQuery).
    pub text: String,
    /// Only those with this role.
    pub role: Option<SystemRole>,
    /// Only those that are locked, or that are not.
    pub locked: Option<bool>,
    /// Where the page begins: the cursor of the page before.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// An account as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// The account.
    pub user: User,
    /// What keeps it from signing in at present.
    pub lock: Option<Lock>,
    /// Whether the user is connected, whoever else may know.
    pub online: bool,
}

/// The same with how much it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDetails {
    /// The account.
    pub account: AccountView,
    /// How much it has.
    pub counts: AccountCounts,
}

/// Which entries of the audit log to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditQuery {
    /// Only what they did.
    pub actor: Option<ActorFilter>,
    /// Only this.
    pub action: Option<AuditAction>,
    /// Only what was done on this user.
    pub target: Option<UserId>,
    /// Where the page begins: the cursor of the page before.
    pub after: Option<AuditCursor>,
    /// At most this many.
    pub limit: usize,
}

/// A place in the audit log.
pub type AuditCursor = (Timestamp, AuditId);

impl AdminService {
    pub(crate) fn new(deps: Arc<Deps>, auth: Arc<AuthService>) -> Self {
        Self { deps, auth }
    }

    /// A page of the audit log, the newest entry first.
    ///
    /// # Errors
    /// `NotPermitted`, `RateLimited`, `Store`.
    pub async fn audit(&self, caller: Caller, query: AuditQuery) -> ServiceResult<Page<AuditEntry, AuditCursor>> {
        self.reader(caller).await?;
        let AuditQuery { actor, action, target, after, limit } = query;
        let page = AuditPage { actor, action, target, after, limit: limit + 1 };
        let entries = self.deps.stores.audit.page(&page).await?;
        Ok(Page::cut(entries, limit, |entry: &AuditEntry| (entry.at, entry.id)))
    }

    /// Lets a super admin read.
    async fn reader(&self, caller: Caller) -> ServiceResult<User> {
        self.deps.limits.search(caller.user)?;
        self.super_admin(caller).await
    }

    /// Lets a super admin act, and says what the audit log is to know of it.
    async fn acting(&self, call: AdminCall) -> ServiceResult<Acting> {
        self.deps.limits.signal(call.caller.user)?;
        let admin = self.super_admin(call.caller).await?;
        Ok(Acting {
            id: AuditId::generate(&*self.deps.clock, &*self.deps.entropy),
            at: self.deps.clock.now(),
            actor: Actor::User(Named::from(&admin)),
            request: call.request,
        })
    }

    /// The caller's account, read anew each time: what a role allows ends with the role.
    async fn super_admin(&self, caller: Caller) -> ServiceResult<User> {
        let ended = ServiceError::Unauthenticated(AuthFailure::SessionEnded);
        let now = self.deps.clock.now();
        // Also the session, which another server may have ended: this is what a stolen token is worth most for.
        let session = self.deps.stores.sessions.find(caller.session, now).await?;
        let user = self.deps.stores.users.find(caller.user).await?;
        let user = user.filter(|user| user.deleted_at.is_none() && session.is_some()).ok_or(ended)?;
        if user.administers(now) {
            return Ok(user);
        }
        info!(target: SECURITY, user = %caller.user, session = %caller.session, "administration refused");
        Err(ServiceError::NotPermitted)
    }

    fn view(&self, user: User) -> AccountView {
        let now = self.deps.clock.now();
        let lock = user.lock.clone().filter(|lock| lock.holds(now));
        AccountView { lock, online: self.deps.hub.is_online(user.id), user }
    }
}

/// Refuses to let go of the last super admin before he has left anything. Of several at once, the store refuses one.
pub(crate) async fn keep_a_super_admin(deps: &Deps, leaving: UserId) -> ServiceResult<()> {
    let page = Accounts {
        terms: Vec::new(),
        role: Some(SystemRole::SuperAdmin),
        locked: Some(false),
        after: None,
        limit: 2,
        now: deps.clock.now(),
    };
    let admins = deps.stores.administration.accounts(&page).await?;
    let is_last = matches!(&*admins, [admin] if admin.id == leaving);
    if is_last { Err(ServiceError::LastSuperAdmin) } else { Ok(()) }
}

/// What a store's refusal of an act on an account means.
pub(crate) fn refused_act(error: StoreError) -> ServiceError {
    match error {
        StoreError::Conflict(LAST_SUPER_ADMIN) => ServiceError::LastSuperAdmin,
        StoreError::Conflict(ADMINISTERS_NO_MORE) => ServiceError::NotPermitted,
        error @ (StoreError::Conflict(_)
        | StoreError::Unavailable(_)
        | StoreError::Full(_)
        | StoreError::Corrupt(_)) => error.into(),
    }
}
