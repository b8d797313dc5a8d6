//! Figures of reports, how two of them are held against each other, and what they have to reach.

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Where a figure is in a report of the generator.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// Among the figures.
    Figure(&'static str),
    /// Among the counts.
    Count(&'static str),
    /// The median of latencies.
    P50(&'static str),
    /// The 99th percentile of latencies.
    P99(&'static str),
}

impl Place {
    /// What a report says there.
    pub(crate) fn read(self, report: &Value) -> Result<f64> {
        let (value, name) = match self {
            Self::Figure(name) => (&report["figures"][name], name),
            Self::Count(name) => (&report["counts"][name], name),
            Self::P50(name) => (&report["latencies"][name]["p50"], name),
            Self::P99(name) => (&report["latencies"][name]["p99"], name),
        };
        value.as_f64().with_context(|| format!("the report says nothing of {name}"))
    }
}

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// At least so many times the base's.
    AtLeast(f64),
    /// At most so many times the base's.
    AtMost(f64),
    /// At most this, whatever the base has.
    Absolute(f64),
    /// To be known.
    None,
}

/// A figure of two reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// In the list of what is to be reached.
    pub(crate) number: &'static str,
    pub(crate) what: &'static str,
    pub(crate) base: Place,
    pub(crate) run: Place,
    pub(crate) goal: Goal,
}

impl Figure {
    /// One that is at the same place of both.
    pub(crate) const fn same(number: &'static str, what: &'static str, place: Place, goal: Goal) -> Self {
        Self { number, what, base: place, run: place, goal }
    }

    /// Holds the runs of both against each other. There may be no runs of a base.
    pub(crate) fn compare(&self, bases: &[Value], runs: &[Value]) -> Result<Outcome> {
        let read = |place: Place, reports: &[Value]| reports.iter().map(|report| place.read(report)).collect();
        let (bases, runs): (Vec<f64>, Vec<f64>) = (read(self.base, bases)?, Result::from(read(self.run, runs))?);
        let run = mean(&runs).context("there was no run")?;
        let base = mean(&bases);
        let ratio = base.filter(|base| *base > 0.0).map(|base| run / base);
        let reached = match self.goal {
            Goal::AtLeast(goal) => ratio.map(|ratio| ratio >= goal),
            Goal::AtMost(goal) => ratio.map(|ratio| ratio <= goal),
            Goal::Absolute(goal) => Some(run <= goal),
            Goal::None => None,
        };
        let spread = spread(if base.is_some() { &bases } else { &runs });
        Ok(Outcome { base, run, ratio, spread, reached })
    }
}

/// What came of holding runs against each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// The mean of the base's runs.
    pub(crate) base: Option<f64>,
    pub(crate) run: f64,
    pub(crate) ratio: Option<f64>,
    /// How far the runs that were made twice are apart, as a part of their mean: what the machine alone makes of it.
    pub(crate) spread: f64,
    /// `None` if nothing was to be reached, or the base has nothing to compare.
    pub(crate) reached: Option<bool>,
}

fn mean(values: &[f64]) -> Option<f64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(values.iter().sum::<f64>() / f64::from(count))
}

fn spread(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    mean(values).filter(|mean| *mean > 0.0).map_or(0.0, |mean| (most - least) / mean)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(rate: f64) -> Value {
        json!({ "figures": { "sends/s": rate }, "latencies": { "sends": { "p50": 1.0, "p99": rate } } })
    }

    fn figure(goal: Goal) -> Figure {
        Figure::same("1", "sends", Place::Figure("sends/s"), goal)
    }

    #[test]
    fn a_ratio_is_that_of_the_means_and_its_spread_that_of_the_base() {
        let outcome = figure(Goal::AtLeast(15.0)).compare(&[report(90.0), report(110.0)], &[report(1600.0)]).unwrap();
        let expected = Outcome { base: Some(100.0), run: 1600.0, ratio: Some(16.0), spread: 0.2, reached: Some(true) };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn goals_are_reached_from_their_side() {
        let reached = |goal, run| figure(goal).compare(&[report(100.0)], &[report(run)]).unwrap().reached;
        assert_eq!(reached(Goal::AtLeast(2.0), 199.0), Some(false));
        assert_eq!(reached(Goal::AtLeast(2.0), 200.0), Some(true));
        assert_eq!(reached(Goal::AtMost(0.5), 50.0), Some(true));
        assert_eq!(reached(Goal::AtMost(0.5), 51.0), Some(false));
        assert_eq!(reached(Goal::Absolute(60.0), 60.0), Some(true));
        assert_eq!(reached(Goal::None, 60.0), None);
    }

    #[test]
    fn without_a_base_the_spread_is_that_of_the_runs() {
        let outcome = figure(Goal::Absolute(10.0)).compare(&[], &[report(4.0), report(6.0)]).unwrap();
        assert_eq!(outcome, Outcome { base: None, run: 5.0, ratio: None, spread: 0.4, reached: Some(true) });
        assert!(figure(Goal::None).compare(&[], &[]).is_err());
    }

    #[test]
    fn a_base_of_nothing_gives_no_ratio_and_reaches_nothing() {
        let outcome = figure(Goal::AtMost(0.5)).compare(&[report(0.0)], &[report(4.0)]).unwrap();
        assert_eq!((outcome.ratio, outcome.reached), (None, None));
    }

    #[test]
    fn a_figure_that_is_missing_is_told() {
        let error = Place::P50("pages").read(&report(1.0)).unwrap_err().to_string();
        assert_eq!(error, "the report says nothing of pages");
        assert_eq!(Place::P99("sends").read(&report(7.0)).ok(), Some(7.0));
    }
}
