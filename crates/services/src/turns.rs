//! Who changes the same thing takes turns.

use std::collections::BTreeSet;

use tokio::sync::{Mutex, MutexGuard};

const TURNS: usize = 64;

/// Lets the changes of one thing, such as a user's status or a group, happen one after another. Some things share a lock.
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    /// The lock of the thing with this id.
    pub(crate) fn of(&self, id: &[u8; 12]) -> &Mutex<()> {
        &self.0[turn_of(id)]
    }

    /// The turns of several things at once, always taken in the same order.
    pub(crate) async fn of_all<'a>(&self, ids: impl Iterator<Item = &'a [u8; 12]>) -> Vec<MutexGuard<'_, ()>> {
        let turns: BTreeSet<usize> = ids.map(turn_of).collect();
        let mut guards = Vec::with_capacity(turns.len());
        for turn in turns {
            guards.push(self.0[turn].lock().await);
        }
        guards
    }
}

fn turn_of(id: &[u8; 12]) -> usize {
    usize::from(id[11]) % TURNS
}
