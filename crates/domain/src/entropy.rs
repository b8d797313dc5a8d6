//! Where random bytes come from.

use std::sync::{Mutex, PoisonError};

use rand::{
    Rng as _, SeedableRng as _, TryRng as _,
    rngs::{StdRng, SysRng},
};

/// A source of random bytes. Production takes the operating system's; tests and `parlor seed` a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator: fit for tokens and keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done without it.
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::expect_used, reason = "a token made without randomness would be worse than a stop")]
        SysRng.try_fill_bytes(buffer).expect("the operating system gives random bytes");
    }
}

/// A generator that gives the same bytes for the same seed: for tests and for `parlor seed`, never for secrets.
pub struct SeededEntropy(Mutex<StdRng>);

impl SeededEntropy {
    /// A generator that starts from the seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
    }
}
