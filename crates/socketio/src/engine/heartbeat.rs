//! When to ping, and when a client that does not answer is gone (specification: "Heartbeat").

use std::time::Duration;

/// What the time demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing yet.
    Nothing,
    /// Send a ping.
    Ping,
    /// The client is gone.
    Expired,
}

/// At any time, either the next ping or the pong is awaited.
#[derive(Debug)]
pub(super) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    waiting: Waiting,
    /// When the client last sent anything: a pong may be stuck behind a large message on a slow line.
    heard: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Waiting {
    ToPing(Duration),
    ForPong(Duration),
}

impl Heartbeat {
    pub(super) fn new(interval: Duration, timeout: Duration, now: Duration) -> Self {
        Self { interval, timeout, waiting: Waiting::ToPing(now.saturating_add(interval)), heard: now }
    }

    /// When [`Self::beat`] has something to say.
    pub(super) fn deadline(&self) -> Duration {
        match self.waiting {
            Waiting::ToPing(at) => at,
            Waiting::ForPong(by) => by.max(self.heard.saturating_add(self.timeout)),
        }
    }

    pub(super) fn beat(&mut self, now: Duration) -> Beat {
        if now < self.deadline() {
            return Beat::Nothing;
        }
        match self.waiting {
            Waiting::ToPing(at) => {
                // Counted from when the ping was due, so that timers that are late don't add up. When the process
                // itself was held up, the client still gets half of its time.
                self.waiting =
                    Waiting::ForPong(at.saturating_add(self.timeout).max(now.saturating_add(self.timeout / 2)));
                Beat::Ping
            }
            Waiting::ForPong(_) => Beat::Expired,
        }
    }

    pub(super) fn heard(&mut self, now: Duration) {
        self.heard = self.heard.max(now);
    }

    pub(super) fn pong(&mut self, now: Duration) {
        if matches!(self.waiting, Waiting::ForPong(_)) {
            self.waiting = Waiting::ToPing(now.saturating_add(self.interval));
        }
    }
}
