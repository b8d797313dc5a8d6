//! Changes of the same things, one after the other: those who stand in one line do not come across each other in the
//! database, where each but one would be refused and made again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// What there is a line for: the id of a conversation or of a user.
pub(crate) type Subject = [u8; 12];

/// The lines of this node. A line is there while somebody stands in it.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<HashMap<Subject, Arc<Turn<()>>>>>);

/// The turn in one line. Dropping it gives it to the next.
pub(crate) struct Place {
    lines: Lines,
    subject: Subject,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Lines {
    /// Waits for the turn in each of these lines. They are taken in one order, so that nobody waits for one who waits for
    /// him.
    pub(crate) async fn turns(&self, subjects: impl Iterator<Item = Subject>) -> Vec<Place> {
        let subjects: BTreeSet<Subject> = subjects.collect();
        let mut places = Vec::with_capacity(subjects.len());
        for subject in subjects {
            places.push(self.turn(subject).await);
        }
        places
    }

    async fn turn(&self, subject: Subject) -> Place {
        let line = Arc::clone(self.0.lock().entry(subject).or_default());
        // Before the wait, so that the line is also forgotten if whoever waits goes away.
        let mut place = Place { lines: self.clone(), subject, turn: None };
        place.turn = Some(line.lock_owned().await);
        place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.turn = None;
        let mut lines = self.lines.0.lock();
        // Nobody else can come to hold it meanwhile: that takes the lock.
        if lines.get(&self.subject).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(&self.subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const A: Subject = [1; 12];
    const B: Subject = [2; 12];

    #[tokio::test]
    async fn one_at_a_time_has_the_turn_and_who_stands_elsewhere_does_not_wait() {
        let lines = Lines::default();
        let first = lines.turns([A].into_iter()).await;
        let mut second = Box::pin(lines.turns([B, A].into_iter()));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(lines.turns([B].into_iter()).now_or_never().is_some(), "the lower one is waited for first");
        drop(first);
        assert_eq!(second.await.len(), 2);
    }

    #[tokio::test]
    async fn a_line_in_which_nobody_stands_is_forgotten() {
        let lines = Lines::default();
        let first = lines.turns([A].into_iter()).await;
        // Begun, and then dropped.
        assert!(lines.turns([A].into_iter()).now_or_never().is_none());
        assert_eq!(lines.0.lock().len(), 1);
        drop(first);
        assert_eq!(lines.0.lock().len(), 0);
    }
}
