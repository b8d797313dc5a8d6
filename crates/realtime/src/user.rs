//! One user who is connected, or was a moment ago.

use std::{collections::HashSet, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use parlor_domain::{StreamId, Timestamp, UserId};

use crate::{Connection, Envelope, places::Standing};

/// A connected user: all his connections, and what they listen to.
#[derive(Debug)]
pub(crate) struct UserSlot {
    pub(crate) user: UserId,
    state: Mutex<UserState>,
}

#[derive(Debug, Default)]
pub(crate) struct UserState {
    pub(crate) connections: Vec<Arc<Connection>>,
    /// The streams that have this slot among their listeners.
    pub(crate) streams: HashSet<StreamId>,
    /// Counts holds and releases, so that what was read from the store before one gives way to it.
    pub(crate) hold_calls: u64,
    /// When a connection went the last time.
    pub(crate) left_at: Option<Timestamp>,
    /// When the first of the connections came, in the order of such turns.
    pub(crate) here_since: u64,
    /// When what others see of him may have changed the last time, in the same order.
    pub(crate) news_since: u64,
    /// The streams are all that he has: a connection has been attached.
    pub(crate) attached: bool,
    /// The slot is no longer the user's; nothing may be added to it.
    pub(crate) retired: bool,
}

impl UserSlot {
    pub(crate) fn new(user: UserId) -> Self {
        Self { user, state: Mutex::default() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, UserState> {
        self.state.lock()
    }

    /// Pushes an event to each of the user's connections that takes it now.
    pub(crate) fn push(&self, envelope: &Envelope, standing: Standing) {
        for connection in &self.lock().connections {
            connection.push(envelope, standing);
        }
    }

    /// Pushes what passes, unless the user came after that turn.
    pub(crate) fn push_if_here_before(&self, turn: u64, envelope: &Envelope) {
        let user = self.lock();
        for connection in user.connections.iter().filter(|_| user.here_since < turn) {
            connection.push(envelope, Standing::Passing);
        }
    }
}

impl UserState {
    /// Since when the user has no connection; absent for who has one.
    pub(crate) fn vacant_since(&self) -> Option<Timestamp> {
        self.left_at.filter(|_| self.connections.is_empty())
    }

    /// Sets whether pushes are held back, for all connections alike.
    pub(crate) fn set_held(&self, held: bool) {
        for connection in &self.connections {
            connection.set_held(held);
        }
    }
}
