//! How much there is, and how much happens.

use async_trait::async_trait;

use super::StoreResult;
use crate::{Activity, Day, DaySum};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Accounts that are not deleted.
    pub users: u64,
    /// Conversations.
    pub conversations: u64,
    /// Messages, as nearly as can be told without counting them.
    pub messages: u64,
}

/// How much there is, and how much happens. Days are summed up as it happens; no log is read for it.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait StatisticsStore: Send + Sync {
    /// How much there is.
    async fn totals(&self) -> StoreResult<Totals>;

    /// Adds to a day that these users, each named once, were active. A user counts once a day, however often that is
    /// noted; messages add up. It is known who was active on this day and the one before; of earlier days only sums are
    /// kept.
    async fn note(&self, day: Day, activity: &[Activity]) -> StoreResult<()>;

    /// The sums from a day on, in order. Days on which nothing happened are left out.
    async fn days(&self, from: Day) -> StoreResult<Vec<DaySum>>;
}
