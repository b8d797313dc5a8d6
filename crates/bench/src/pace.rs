//! Moments at which operations should begin, whether or not those before are over.

use std::{
    thread,
    time::{Duration, Instant as StdInstant},
};

use anyhow::{Result, ensure};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::Instant,
};

/// Gives each moment when it has come, `rate` a second, the first at `from` and none at or after `until`.
///
/// A thread of its own does the waiting: the runtime's timers are exact to a millisecond, which is as long as some of
/// the latencies that are to be measured.
pub(crate) fn moments(rate: u32, from: Instant, until: Instant) -> Result<UnboundedReceiver<Instant>> {
    let (sender, receiver) = unbounded_channel();
    ensure!(rate > 0, "a rate of 0");
    let (from, until) = (from.into_std(), until.into_std());
    let pacer = move || {
        let due = |number: u32| from + offset(number, rate);
        for moment in (0..).map(due).take_while(|due| *due < until) {
            wait_until(moment);
            if sender.send(moment.into()).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("pacer".to_owned()).spawn(pacer)?;
    Ok(receiver)
}

fn offset(number: u32, rate: u32) -> Duration {
    Duration::from_nanos(u64::from(number) * 1_000_000_000 / u64::from(rate))
}

fn wait_until(moment: StdInstant) {
    while let Some(left) = moment.checked_duration_since(StdInstant::now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn moments_come_evenly_never_early_and_all_of_them() {
        let from = Instant::now();
        let mut moments = moments(300, from, from + Duration::from_millis(200)).unwrap();
        let mut got = Vec::new();
        while let Some(moment) = moments.recv().await {
            assert!(Instant::now() >= moment);
            got.push(moment - from);
        }
        assert_eq!(got.len(), 60);
        assert!(got.is_sorted());
        assert_eq!(got[0], Duration::ZERO);
    }

    #[test]
    fn rounding_does_not_add_up() {
        assert_eq!(offset(3_000, 3), Duration::from_secs(1000));
        assert_eq!(offset(u32::MAX, 1), Duration::from_secs(u32::MAX.into()));
    }

    #[test]
    fn a_rate_of_nothing_is_refused() {
        assert!(moments(0, Instant::now(), Instant::now()).is_err());
    }
}
