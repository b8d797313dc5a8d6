//! Who is here: connections counted for each user, gone ones forgotten by time.

use std::sync::Arc;

use parlor_domain::{Timestamp, UserId};

use crate::{Hub, user::UserState};

/// A user whose presence may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The user has a connection.
    Here(UserId),
    /// The user's last connection went at that time, and none came since.
    Gone(UserId, Timestamp),
}

impl Hub {
    /// Whether the user has a connection, or had one a moment ago.
    pub fn is_online(&self, user: UserId) -> bool {
        self.user(user).is_some_and(|slot| !self.is_gone(&slot.lock()))
    }

    /// Since when the user has no connection, if that is known: it is forgotten with [`Self::retire`].
    pub fn vacant_since(&self, user: UserId) -> Option<Timestamp> {
        self.user(user)?.lock().vacant_since()
    }

    /// The users who have a connection, or had one a moment ago.
    pub fn present(&self) -> Vec<UserId> {
        let slots = self.slots();
        slots.iter().filter(|slot| !self.is_gone(&slot.lock())).map(|slot| slot.user).collect()
    }

    /// The users whose presence may have changed since the last call, each once however often it changed. The
    /// caller tells their contacts, and then forgets the gone by [`Self::retire`].
    pub fn settle(&self) -> Vec<Arrival> {
        let unsettled = std::mem::take(&mut *self.unsettled.lock());
        let mut arrivals = Vec::new();
        for id in unsettled {
            let Some(slot) = self.user(id) else { continue };
            let vacant_since = slot.lock().vacant_since();
            match vacant_since {
                None => arrivals.push(Arrival::Here(id)),
                Some(since) if self.within_grace(since) => self.unsettle(id),
                Some(since) => arrivals.push(Arrival::Gone(id, since)),
            }
        }
        arrivals
    }

    /// Asks for the user to be among the next [`Self::settle`]'s, because what others may see of him changed.
    pub fn unsettle(&self, user: UserId) {
        self.note_news(user);
        self.unsettled.lock().insert(user);
    }

    /// Notes that whoever is here by now does not know the newest of the user.
    pub(crate) fn note_news(&self, user: UserId) {
        if let Some(slot) = self.user(user) {
            slot.lock().news_since = self.next_turn();
        }
    }

    /// Forgets a user who is still gone.
    pub fn retire(&self, id: UserId) {
        let gone = self.users.remove_if(&id, |_, slot| {
            let mut user = slot.lock();
            user.retired = self.is_gone(&user);
            user.retired
        });
        let Some((_, slot)) = gone else { return };
        let streams = std::mem::take(&mut slot.lock().streams);
        for id in streams {
            if let Some(stream) = self.stream(id) {
                stream.lock().listeners.retain(|listener| !Arc::ptr_eq(listener, &slot));
            }
            self.forget_if_unheard(id);
        }
    }

    /// Ends the connections of which nothing was heard within their lease. They count no longer, even if their
    /// transport is stuck and does not let go of them.
    pub fn expire_leases(&self) {
        let now = self.clock.now();
        for slot in self.slots() {
            let connections = slot.lock().connections.clone();
            for connection in connections.iter().filter(|connection| connection.lease_until() <= now) {
                self.disconnect(connection);
            }
        }
    }

    fn is_gone(&self, user: &UserState) -> bool {
        user.vacant_since().is_some_and(|since| !self.within_grace(since))
    }

    fn within_grace(&self, since: Timestamp) -> bool {
        self.clock.now() < since + self.config.grace
    }
}
