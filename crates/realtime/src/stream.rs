//! One stream that somebody listens to: puts its changes in order and hands them to its listeners.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};
use parlor_domain::{Change, Rev, StreamId, UserId};

use crate::{Connection, Envelope, places::Standing, user::UserSlot};

/// A stream with listeners on this node.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    state: Mutex<StreamState>,
}

/// Everything about a stream happens under one lock, so that all its listeners see one order.
#[derive(Debug)]
pub(crate) struct StreamState {
    /// The last change that was handed out.
    pub(crate) head: Rev,
    pub(crate) listeners: Vec<Arc<UserSlot>>,
    /// The newest change that the stream is known to have.
    known: Rev,
    /// Changes that came before their turn.
    parked: BTreeMap<Rev, Arc<Envelope>>,
    /// Somebody is reading the log for what is missing between `head` and `known`.
    repairing: bool,
}

impl Stream {
    pub(crate) fn new(id: StreamId, head: Rev) -> Self {
        let state = StreamState { head, listeners: Vec::new(), known: head, parked: BTreeMap::new(), repairing: false };
        Self { id, state: Mutex::new(state) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, StreamState> {
        self.state.lock()
    }
}

impl StreamState {
    /// Adds a listener who knows the stream up to a revision. Where the stream has come further, those who did not
    /// hear it get the difference from the log: all the user's connections if he did not listen yet, and in any
    /// case the newcomer. `false` for a retired user, who is not added.
    pub(crate) fn add(
        &mut self,
        slot: &Arc<UserSlot>,
        (id, known): (StreamId, Rev),
        newcomer: Option<&Connection>,
    ) -> bool {
        let mut user = slot.lock();
        if user.retired {
            return false;
        }
        let new = user.streams.insert(id);
        if new {
            self.listeners.push(Arc::clone(slot));
        }
        if self.head > known {
            let is_newcomer = |connection: &Connection| newcomer.is_some_and(|other| std::ptr::eq(other, connection));
            for connection in user.connections.iter().filter(|connection| new || is_newcomer(connection)) {
                connection.fall_behind(id, known);
            }
        }
        true
    }

    /// Takes a listener out, and whatever his connections had yet to get.
    pub(crate) fn remove(&mut self, slot: &Arc<UserSlot>, id: StreamId) {
        let mut user = slot.lock();
        user.streams.remove(&id);
        self.listeners.retain(|listener| !Arc::ptr_eq(listener, slot));
        for connection in &user.connections {
            connection.forget(id);
        }
    }

    /// Hands out a change when its turn has come. `true` asks the caller to repair the stream: a change before
    /// this one is missing, and nobody is looking for it yet.
    pub(crate) fn publish(&mut self, rev: Rev, envelope: Arc<Envelope>) -> bool {
        if rev <= self.head {
            return false;
        }
        self.parked.insert(rev, envelope);
        self.hand_out_parked();
        self.is_at(rev)
    }

    /// Hands out what the log has beyond the head, and what was parked behind it. The log leaves out changes that
    /// later ones made obsolete, so its revisions may skip.
    pub(crate) fn hand_out_logged(&mut self, changes: Vec<Change>, rev: Rev) {
        for change in changes {
            if change.rev > self.head {
                self.hand_out(&Envelope::new(Some((change.stream, change.rev)), change.event), change.rev);
            }
        }
        self.head = self.head.max(rev);
        self.parked = self.parked.split_off(&self.head.next());
        self.hand_out_parked();
    }

    /// The stream has come to `rev` in the log. `true` asks the caller to repair it.
    pub(crate) fn is_at(&mut self, rev: Rev) -> bool {
        self.known = self.known.max(rev);
        let repair = self.known > self.head && !self.repairing;
        self.repairing |= repair;
        repair
    }

    /// After which change the log is to be read to repair the stream. `None` ends the repair: nothing is missing,
    /// or nobody listens.
    pub(crate) fn missing_after(&mut self) -> Option<Rev> {
        self.repairing = self.known > self.head && !self.listeners.is_empty();
        self.repairing.then_some(self.head)
    }

    /// Pushes what is no change: it keeps its place behind the changes that were handed out before.
    pub(crate) fn announce(&self, envelope: &Envelope, standing: Standing, except: &HashSet<UserId>) {
        for listener in self.listeners.iter().filter(|listener| !except.contains(&listener.user)) {
            listener.push(envelope, standing);
        }
    }

    /// How many changes came before their turn and wait for it.
    pub(crate) fn parked(&self) -> usize {
        self.parked.len()
    }

    fn hand_out_parked(&mut self) {
        while let Some(envelope) = self.parked.remove(&self.head.next()) {
            self.hand_out(&envelope, self.head.next());
        }
    }

    fn hand_out(&mut self, envelope: &Envelope, rev: Rev) {
        // Not the revision before `rev`: the log may have skipped some, and a connection must not seem to know them.
        let standing = Standing::Change { after: self.head };
        self.head = rev;
        for listener in &self.listeners {
            listener.push(envelope, standing);
        }
    }
}
