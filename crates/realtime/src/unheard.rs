//! What was published while nobody listened.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicU32, Ordering},
};

use parlor_domain::StreamId;

/// How many counters there are; streams whose hashes agree share one.
const COUNTERS: usize = 512;

/// Counts publications that nobody heard. Whoever begins to listen compares the counters with those from before he read
/// where his streams are: where nothing was counted, he has missed nothing in between.
#[derive(Debug)]
pub(crate) struct Unheard {
    counters: [AtomicU32; COUNTERS],
    hasher: RandomState,
}

/// The counters at a time.
#[derive(Debug)]
pub(crate) struct Snapshot(Box<[u32]>);

impl Unheard {
    pub(crate) fn new() -> Self {
        Self { counters: [const { AtomicU32::new(0) }; COUNTERS], hasher: RandomState::new() }
    }

    /// Counts a publication on a stream.
    pub(crate) fn count(&self, stream: StreamId) {
        self.counters[self.place(stream)].fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot(self.counters.iter().map(|counter| counter.load(Ordering::SeqCst)).collect())
    }

    /// Whether something may have been published on a stream since.
    pub(crate) fn since(&self, snapshot: &Snapshot, stream: StreamId) -> bool {
        let place = self.place(stream);
        self.counters[place].load(Ordering::SeqCst) != snapshot.0[place]
    }

    fn place(&self, stream: StreamId) -> usize {
        usize::try_from(self.hasher.hash_one(stream) % COUNTERS as u64).unwrap_or(0)
    }
}
