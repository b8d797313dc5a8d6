//! The log of what administrators did.

use async_trait::async_trait;

use super::StoreResult;
use crate::{AuditAction, AuditEntry, AuditId, Timestamp, UserId};

/// Whose acts to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorFilter {
    /// A user's.
    User(UserId),
    /// Those from the command line.
    CommandLine,
}

/// A page of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Only what they did.
    pub actor: Option<ActorFilter>,
    /// Only this.
    pub action: Option<AuditAction>,
    /// Only what was done on this user.
    pub target: Option<UserId>,
    /// Only what comes after this one in the order.
    pub after: Option<(Timestamp, AuditId)>,
    /// At most this many.
    pub limit: usize,
}

/// The log of what administrators did. [`AdminStore`](super::AdminStore) writes it; nothing changes or removes an entry.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// A page of the log, the newest entry first, and among equals the greater id first.
    async fn page(&self, page: &AuditPage) -> StoreResult<Vec<AuditEntry>>;
}
