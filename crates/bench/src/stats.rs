//! What is counted and timed.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::http::Failure;

/// Longer than any request may take.
const LONGEST: Duration = Duration::from_secs(600);

/// Latencies, exact to a thousandth.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

/// Latencies in short, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Latencies {
    /// None yet.
    pub(crate) fn new() -> Result<Self> {
        let longest = u64::try_from(LONGEST.as_nanos())?;
        Ok(Self(Histogram::new_with_bounds(1, longest, 3).context("cannot make a histogram")?))
    }

    /// Adds one.
    pub(crate) fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(nanos.max(1));
    }

    /// How many there are, and how long they are.
    pub(crate) fn summary(&self) -> Summary {
        let millis = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64() * 1000.0;
        let at = |quantile| millis(self.0.value_at_quantile(quantile));
        if self.0.is_empty() {
            return Summary::default();
        }
        Summary {
            count: self.0.len(),
            mean: self.0.mean() / 1e6,
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: millis(self.0.max()),
        }
    }
}

/// The part of a run that counts: after it has warmed up, until its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
}

impl Window {
    /// From `warm_up` from now on, for so long.
    pub(crate) fn after(warm_up: Duration, length: Duration) -> Self {
        let begin = Instant::now() + warm_up;
        Self { begin, end: begin + length }
    }

    /// Whether a moment counts.
    pub(crate) fn contains(&self, moment: Instant) -> bool {
        (self.begin..self.end).contains(&moment)
    }
}

/// What became of operations.
#[derive(Debug)]
pub(crate) struct Tally {
    window: Window,
    /// Begun at any time.
    pub(crate) begun: u64,
    /// Succeeded at any time.
    pub(crate) succeeded: u64,
    /// Failed at any time, by the failure's name.
    pub(crate) failures: BTreeMap<String, u64>,
    /// The first failure of each name, as it was told.
    pub(crate) examples: BTreeMap<String, String>,
    /// Succeeded within the window.
    pub(crate) counted: u64,
    /// Of those that are counted, from when they should have begun.
    pub(crate) latencies: Latencies,
    /// The same from when they did. It differs only if operations had to wait for their turn.
    pub(crate) service: Latencies,
}

/// When an operation should have begun, did begin, and was over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) intended: Instant,
    pub(crate) begun: Instant,
    pub(crate) over: Instant,
    /// Whether operations begin when they should, or each when the one before is over.
    pub(crate) paced: bool,
}

impl Tally {
    /// Nothing has happened yet.
    pub(crate) fn new(window: Window) -> Result<Self> {
        Ok(Self {
            window,
            begun: 0,
            succeeded: 0,
            failures: BTreeMap::new(),
            examples: BTreeMap::new(),
            counted: 0,
            latencies: Latencies::new()?,
            service: Latencies::new()?,
        })
    }

    /// An operation is over. In a paced run those count that should have begun within the window, so that late ones
    /// are not left out; else those that end within it.
    pub(crate) fn record(&mut self, times: Times, outcome: &Result<(), Failure>) {
        match outcome {
            Ok(()) => self.succeeded += 1,
            Err(failure) => {
                *self.failures.entry(failure.name()).or_default() += 1;
                self.examples.entry(failure.name()).or_insert_with(|| failure.to_string());
                return;
            }
        }
        if self.window.contains(if times.paced { times.intended } else { times.over }) {
            self.counted += 1;
            self.latencies.record(times.over - times.intended);
            self.service.record(times.over - times.begun);
        }
    }

    /// All failures.
    pub(crate) fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Successes a second within the window.
    pub(crate) fn rate(&self) -> f64 {
        ratio(self.counted, (self.window.end - self.window.begin).as_secs_f64())
    }
}

/// A number as one to calculate with.
pub(crate) fn real(number: u64) -> f64 {
    number as f64
}

/// So many in or of so much; nothing of nothing.
pub(crate) fn ratio(number: u64, of: f64) -> f64 {
    if of > 0.0 { real(number) / of } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn quantiles_are_exact_to_a_thousandth() {
        let mut latencies = Latencies::new().unwrap();
        for millis in 1..=1000 {
            latencies.record(MILLI * millis);
        }
        let summary = latencies.summary();
        assert_eq!(summary.count, 1000);
        for (found, expected) in [
            (summary.p50, 500.0),
            (summary.p95, 950.0),
            (summary.p99, 990.0),
            (summary.max, 1000.0),
            (summary.mean, 500.5),
        ] {
            assert!((found - expected).abs() <= expected / 1000.0, "{found} is not {expected}");
        }
    }

    #[test]
    fn nothing_has_no_latency_and_a_latency_beyond_the_longest_is_kept_as_the_longest() {
        let mut latencies = Latencies::new().unwrap();
        assert_eq!(latencies.summary(), Summary::default());
        latencies.record(LONGEST * 3);
        let max = latencies.summary().max;
        assert!((max - 600_000.0).abs() < 600.0, "{max}");
    }

    fn at(window: &Window, intended: u32, over: u32, paced: bool) -> Times {
        let moment = |millis| window.begin - MILLI * 100 + MILLI * millis;
        Times { intended: moment(intended), begun: moment(over) - MILLI, over: moment(over), paced }
    }

    /// A window from 100 to 200 ms.
    fn tally() -> Tally {
        Tally::new(Window::after(MILLI * 100, MILLI * 100)).unwrap()
    }

    #[test]
    fn what_ends_outside_the_window_is_no_part_of_the_rate_and_is_not_forgotten() {
        let mut tally = tally();
        for (intended, over) in [(50, 99), (90, 100), (150, 199), (190, 200)] {
            let times = at(&tally.window, intended, over, false);
            tally.record(times, &Ok(()));
        }
        assert_eq!((tally.succeeded, tally.counted, tally.latencies.summary().count), (4, 2, 2));
        assert!((tally.rate() - 20.0).abs() < 1e-9);
    }

    #[test]
    fn an_operation_that_waited_for_its_turn_is_timed_from_when_it_should_have_begun() {
        let mut tally = tally();
        let times = at(&tally.window, 150, 450, true);
        tally.record(times, &Ok(()));
        assert_eq!(tally.counted, 1, "it ended after the window, and should have begun within it");
        assert!((tally.latencies.summary().max - 300.0).abs() < 1.0);
        assert!((tally.service.summary().max - 1.0).abs() < 0.01);
    }

    #[test]
    fn failures_are_counted_by_name_and_have_no_latency() {
        let mut tally = tally();
        let times = at(&tally.window, 150, 160, false);
        tally.record(times, &Err(Failure::Status(429, "one".to_owned())));
        tally.record(times, &Err(Failure::Status(429, "two".to_owned())));
        tally.record(times, &Err(Failure::Timeout));
        assert_eq!(tally.failures, [("429".to_owned(), 2), ("timeout".to_owned(), 1)].into());
        assert_eq!(tally.examples["429"], "status 429: one");
        assert_eq!((tally.failed(), tally.succeeded, tally.latencies.summary().count), (3, 0, 0));
    }
}
