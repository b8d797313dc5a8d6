//! What one client may send, over all its sockets and requests together.

use parking_lot::Mutex;
use parlor_services::Rate;
use tokio::time::Instant;

use super::{CloseCode, allowance::Allowance};

/// What one client may still send.
#[derive(Debug)]
pub(super) struct Quota(Mutex<State>);

#[derive(Debug)]
struct State {
    allowance: Allowance,
    /// How many bytes before the client has said who it is; `None` once it has.
    unauthenticated: Option<usize>,
}

impl Quota {
    /// That of a client that has sent nothing and not said who it is.
    pub(super) fn new(rate: Rate, unauthenticated_bytes: usize) -> Self {
        let allowance = Allowance::new(rate, Instant::now());
        Self(Mutex::new(State { allowance, unauthenticated: Some(unauthenticated_bytes) }))
    }

    /// Takes what was sent from what may be sent.
    ///
    /// # Errors
    /// The code to close with.
    pub(super) fn take(&self, frames: u32, bytes: usize) -> Result<(), CloseCode> {
        let mut state = self.0.lock();
        if !state.allowance.take(frames, Instant::now()) {
            return Err(CloseCode::RateLimited);
        }
        if let Some(left) = state.unauthenticated {
            let left = left.checked_sub(bytes).ok_or(CloseCode::AuthenticationTimeout)?;
            state.unauthenticated = Some(left);
        }
        Ok(())
    }

    /// The client has said who it is.
    pub(super) fn authenticated(&self) {
        self.0.lock().unauthenticated = None;
    }

    /// How many bytes may come before the client has said who it is, if it has not.
    pub(super) fn unauthenticated_bytes(&self) -> Option<usize> {
        self.0.lock().unauthenticated
    }
}
