//! How much one connection may send: a token bucket.

use std::time::Duration;

use parlor_services::Rate;
use tokio::time::Instant;

/// What a connection may still send at present.
#[derive(Debug)]
pub(super) struct Allowance {
    rate: Rate,
    /// Tokens in millionths, so that slow rates fill as well.
    millionths: u64,
    filled_at: Instant,
}

const TOKEN: u64 = 1_000_000;

impl Allowance {
    /// A full bucket.
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, millionths: u64::from(rate.burst) * TOKEN, filled_at: now }
    }

    /// Takes tokens; `false` if there are not as many, and then none are taken.
    pub(super) fn take(&mut self, tokens: u32, now: Instant) -> bool {
        self.fill(now.saturating_duration_since(self.filled_at));
        self.filled_at = now;
        let left = self.millionths.checked_sub(u64::from(tokens) * TOKEN);
        self.millionths = left.unwrap_or(self.millionths);
        left.is_some()
    }

    fn fill(&mut self, elapsed: Duration) {
        let gained = elapsed.as_micros().saturating_mul(u128::from(self.rate.per_minute)) / 60;
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        self.millionths = self.millionths.saturating_add(gained).min(u64::from(self.rate.burst) * TOKEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut allowance = Allowance::new(Rate { burst: 3, per_minute: 60 }, start);
        assert!(allowance.take(3, start));
        assert!(!allowance.take(1, start));
        assert!(!allowance.take(1, start + Duration::from_millis(999)));
        assert!(allowance.take(1, start + Duration::from_millis(1000)));
        assert!(!allowance.take(1, start + Duration::from_millis(1500)));
    }

    #[test]
    fn a_long_pause_gives_no_more_than_a_burst() {
        let start = Instant::now();
        let mut allowance = Allowance::new(Rate { burst: 3, per_minute: 60 }, start);
        let later = start + Duration::from_secs(1_000_000);
        assert!(!allowance.take(4, later));
        assert!(allowance.take(3, later));
    }

    #[test]
    fn many_small_steps_fill_like_one_large_one() {
        let start = Instant::now();
        let mut allowance = Allowance::new(Rate { burst: 10, per_minute: 60 }, start);
        assert!(allowance.take(10, start));
        for step in 1..=1000 {
            assert!(allowance.take(0, start + Duration::from_millis(step)));
        }
        assert!(allowance.take(1, start + Duration::from_secs(1)));
    }
}
