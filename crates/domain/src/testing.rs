//! What tests need in place of the real clock and the real stores.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

pub use crate::SeededEntropy;
pub use crate::store::{
    MockAdminStore, MockAuditStore, MockCommunityStore, MockConversationStore, MockGroupStore, MockMaintenance,
    MockMessageStore, MockRelationStore, MockSearchStore, MockSessionStore, MockStatisticsStore, MockTransfer,
    MockUserStore,
};
use crate::{Clock, Timestamp};

/// A clock that stands still until a test moves it. It starts at 2023-11-14T22:13:20Z.
#[derive(Debug)]
pub struct SettableClock(AtomicI64);

impl Default for SettableClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_700_000_000_000))
    }
}

impl SettableClock {
    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
