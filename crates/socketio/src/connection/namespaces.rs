//! Which namespaces a client is connected to, and which acknowledgements are awaited there.

use std::time::Duration;

use crate::packet::Namespace;

/// Where a client stands with a namespace that it knows.
#[derive(Debug)]
pub(super) enum State {
    /// CONNECT has come, the application has not answered.
    Waiting,
    /// The client is connected.
    Connected(Acks),
    /// The server disconnected the client, which may have sent something before it knew.
    Left,
}

/// The acknowledgements that are awaited in one namespace.
#[derive(Debug, Default)]
pub(super) struct Acks {
    next: u64,
    pending: Vec<(u64, Duration)>,
}

impl Acks {
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn add(&mut self, by: Duration) -> u64 {
        let id = self.next;
        self.next += 1;
        self.pending.push((id, by));
        id
    }

    /// Whether `id` was awaited; it isn't any more.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        let found = self.pending.iter().position(|(pending, _)| *pending == id);
        found.map(|index| self.pending.swap_remove(index)).is_some()
    }

    fn deadline(&self) -> Option<Duration> {
        self.pending.iter().map(|(_, by)| *by).min()
    }
}

/// The namespaces of one client: a handful, so a list is searched.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    list: Vec<(Namespace, State)>,
}

impl Namespaces {
    pub(super) fn get_mut(&mut self, namespace: &Namespace) -> Option<&mut State> {
        self.list.iter_mut().find(|(name, _)| name == namespace).map(|(_, state)| state)
    }

    /// The acknowledgements of a namespace that the client is connected to.
    pub(super) fn connected(&mut self, namespace: &Namespace) -> Option<&mut Acks> {
        match self.get_mut(namespace)? {
            State::Connected(acks) => Some(acks),
            State::Waiting | State::Left => None,
        }
    }

    pub(super) fn is_connected(&self, namespace: &Namespace) -> bool {
        self.list.iter().any(|(name, state)| name == namespace && matches!(state, State::Connected(_)))
    }

    /// How many the client is connected to or waits for.
    pub(super) fn live(&self) -> usize {
        self.list.iter().filter(|(_, state)| !matches!(state, State::Left)).count()
    }

    pub(super) fn set(&mut self, namespace: &Namespace, state: State) {
        self.remove(namespace);
        // Most clients know one, and a list that grows by itself begins with room for four.
        self.list.reserve_exact(1);
        self.list.push((namespace.clone(), state));
    }

    pub(super) fn remove(&mut self, namespace: &Namespace) {
        self.list.retain(|(name, _)| name != namespace);
    }

    /// Marks a namespace as left, and forgets the one that was left first if there are more than `max` such.
    pub(super) fn leave(&mut self, namespace: &Namespace, max: usize) {
        self.set(namespace, State::Left);
        let left = |(_, state): &(Namespace, State)| matches!(state, State::Left);
        if self.list.iter().filter(|entry| left(entry)).count() > max
            && let Some(first) = self.list.iter().position(left)
        {
            self.list.remove(first);
        }
    }

    /// Forgets all, and returns those that the client was connected to.
    pub(super) fn clear(&mut self) -> Vec<Namespace> {
        let connected = |(name, state)| matches!(state, State::Connected(_)).then_some(name);
        std::mem::take(&mut self.list).into_iter().filter_map(connected).collect()
    }

    /// When the first acknowledgement has taken too long.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let deadline = |(_, state): &(Namespace, State)| match state {
            State::Connected(acks) => acks.deadline(),
            State::Waiting | State::Left => None,
        };
        self.list.iter().filter_map(deadline).min()
    }

    /// Takes out an acknowledgement that has taken too long.
    pub(super) fn expired(&mut self, now: Duration) -> Option<(Namespace, u64)> {
        self.list.iter_mut().find_map(|(name, state)| {
            let State::Connected(acks) = state else { return None };
            let index = acks.pending.iter().position(|(_, by)| now >= *by)?;
            Some((name.clone(), acks.pending.swap_remove(index).0))
        })
    }
}
