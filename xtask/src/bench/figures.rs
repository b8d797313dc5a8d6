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
        let (base, run): (Result<Vec<f64>>, Result<Vec<f64>>) = (read(self.base, bases), read(self.run, runs));
        let (base, run) = (Values(base?), Values(run?));
        let found = run.mean().context("there was no run")?;
        let ratio = base.mean().filter(|base| *base > 0.0).map(|base| found / base);
        let reached = match self.goal {
            Goal::AtLeast(goal) => ratio.map(|ratio| ratio >= goal),
            Goal::AtMost(goal) => ratio.map(|ratio| ratio <= goal),
            Goal::Absolute(goal) => Some(found <= goal),
            Goal::None => None,
        };
        Ok(Outcome { base, run, ratio, reached })
    }
}

/// What came of holding runs against each other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) base: Values,
    pub(crate) run: Values,
    /// Of the means.
    pub(crate) ratio: Option<f64>,
    /// `None` if nothing was to be reached, or the base has nothing to compare.
    pub(crate) reached: Option<bool>,
}

/// One figure of several runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values(pub(crate) Vec<f64>);

impl Values {
    /// `None` of no runs.
    pub(crate) fn mean(&self) -> Option<f64> {
        let count = u32::try_from(self.0.len()).ok().filter(|count| *count > 0)?;
        Some(self.0.iter().sum::<f64>() / f64::from(count))
    }

    /// How far the runs are from the middle between them, as a part of their mean: what the machine alone makes of
    /// it. `None` of fewer than two.
    pub(crate) fn spread(&self) -> Option<f64> {
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let mean = self.mean().filter(|mean| self.0.len() > 1 && *mean > 0.0)?;
        Some((most - least) / 2.0 / mean)
    }
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
    fn a_ratio_is_that_of_the_means() {
        let outcome = figure(Goal::AtLeast(15.0)).compare(&[report(90.0), report(110.0)], &[report(1600.0)]).unwrap();
        let (base, run) = (Values(vec![90.0, 110.0]), Values(vec![1600.0]));
        assert_eq!(outcome, Outcome { base, run, ratio: Some(16.0), reached: Some(true) });
    }

    #[test]
    fn the_spread_is_how_far_runs_are_from_their_middle() {
        assert_eq!(Values(vec![90.0, 95.0, 110.0, 105.0]).spread(), Some(0.1));
        assert_eq!((Values(vec![90.0]).spread(), Values(vec![]).spread()), (None, None));
        assert_eq!(Values(vec![0.0, 0.0]).spread(), None);
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
    fn without_a_base_only_what_is_absolute_is_reached_or_not() {
        let compare = |goal| figure(goal).compare(&[], &[report(4.0), report(6.0)]).unwrap();
        assert_eq!((compare(Goal::Absolute(5.0)).ratio, compare(Goal::Absolute(5.0)).reached), (None, Some(true)));
        assert_eq!(compare(Goal::AtLeast(2.0)).reached, None);
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
