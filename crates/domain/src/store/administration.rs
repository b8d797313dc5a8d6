//! What administrators do to accounts, and what they see of them.

use async_trait::async_trait;

use super::{Deleted, NewUser, StoreResult};
use crate::{Act, Acting, SessionId, SystemRole, Timestamp, User, UserId};

/// What a store calls the conflict of an act after which nobody could administer the system.
pub const LAST_SUPER_ADMIN: &str = "last super admin";

/// What a store calls the conflict of an act by who administers no more.
pub const ADMINISTERS_NO_MORE: &str = "administers no more";

/// A page of all accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// As in the [`Directory`](super::Directory).
    pub terms: Vec<String>,
    /// Only those with this role.
    pub role: Option<SystemRole>,
    /// Only those that are locked, or that are not.
    pub locked: Option<bool>,
    /// Only users whose [`key`](crate::Username::key) is greater than this.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
    /// The present.
    pub now: Timestamp,
}

/// How much of what an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountCounts {
    /// Live sessions.
    pub sessions: u64,
    /// Conversations that it is in.
    pub conversations: u64,
}

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    /// The account as it is then.
    pub user: User,
    /// Whether anything has changed.
    pub changed: bool,
    /// The sessions that ended.
    pub ended: Vec<SessionId>,
}

/// What administrators do to accounts. Every change takes its entry in the audit log at the same time; what changes
/// nothing takes none.
///
/// There is always a super admin who is neither deleted nor locked, once there was one: of several acts at once that
/// would take away the last ones, one is refused. So is an act by a user who has meanwhile become no super admin, or a
/// locked one.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait AdminStore: Send + Sync {
    /// Adds an account, as [`UserStore::insert`](super::UserStore::insert) does.
    ///
    /// # Errors
    /// `Conflict("username")` or `Conflict("email")`.
    async fn create(&self, new: &NewUser, acting: &Acting) -> StoreResult<()>;

    /// Does something to an account; `None` for an unknown or deleted one. Another role is recorded in the user's own
    /// stream (topic `Profile`).
    ///
    /// # Errors
    /// `Conflict(`[`LAST_SUPER_ADMIN`]`)`, `Conflict(`[`ADMINISTERS_NO_MORE`]`)`.
    async fn act(&self, id: UserId, act: &Act, acting: &Acting) -> StoreResult<Option<Acted>>;

    /// Deletes an account as [`UserStore::delete`](super::UserStore::delete) does.
    ///
    /// # Errors
    /// `Conflict(`[`LAST_SUPER_ADMIN`]`)`, `Conflict(`[`ADMINISTERS_NO_MORE`]`)`.
    async fn delete(&self, id: UserId, acting: &Acting) -> StoreResult<Option<Deleted>>;

    /// A page of the accounts, ordered by [`Username::key`](crate::Username::key). Without deleted ones.
    async fn accounts(&self, page: &Accounts) -> StoreResult<Vec<User>>;

    /// How much of what an account has; zeros for an unknown one.
    async fn counts(&self, id: UserId, now: Timestamp) -> StoreResult<AccountCounts>;
}
