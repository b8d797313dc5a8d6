//! Sessions whose access tokens are good by their signature and still refused.

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use parlor_domain::{SessionId, Timestamp, UserId, store::StoreResult};
use parlor_realtime::CloseReason;

use crate::Deps;

/// Revoked sessions, each until the last access token of it has expired. In memory, so that asking costs nothing.
pub(crate) struct Revocations {
    deps: Arc<Deps>,
    /// How long after its session was revoked an access token could be accepted at most.
    reach: Duration,
    until: DashMap<SessionId, Timestamp>,
}

impl Revocations {
    pub(crate) fn new(deps: Arc<Deps>, reach: Duration) -> Self {
        Self { deps, reach, until: DashMap::new() }
    }

    /// Refuses the access tokens of revoked sessions from now on, and closes their sockets.
    pub(crate) fn add(&self, user: UserId, sessions: &[SessionId]) {
        let until = self.deps.clock.now() + self.reach;
        for session in sessions {
            self.until.insert(*session, until);
        }
        self.deps.hub.close_sessions(user, sessions, CloseReason::SessionEnded);
    }

    pub(crate) fn contains(&self, session: SessionId) -> bool {
        self.until.contains_key(&session)
    }

    /// Learns of the sessions that were revoked lately without this process. Gives them.
    pub(crate) async fn load(&self) -> StoreResult<Vec<SessionId>> {
        let since = self.deps.clock.now().before(self.reach);
        let revoked = self.deps.stores.sessions.revoked_since(since).await?;
        for (session, revoked_at) in &revoked {
            self.until.insert(*session, *revoked_at + self.reach);
        }
        Ok(revoked.into_iter().map(|(session, _)| session).collect())
    }

    /// Forgets, here and in the store, the sessions whose access tokens have all expired.
    pub(crate) async fn purge(&self) -> StoreResult<()> {
        let now = self.deps.clock.now();
        self.until.retain(|_, until| *until >= now);
        self.until.shrink_to_fit();
        self.deps.stores.sessions.purge(now.before(self.reach)).await
    }
}
