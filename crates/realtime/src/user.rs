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
