//! `docs/performance.md`: the figures as a table, and how to get them again.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    figures::{Figure, Goal, Outcome},
    plan::Experiment,
};

/// An experiment that has been made.
#[derive(Debug)]
pub(crate) struct Result {
    pub(crate) experiment: &'static Experiment,
    pub(crate) outcomes: Vec<(Figure, Outcome)>,
    pub(crate) reports: Vec<Value>,
    /// What does not hold, in the words of the reports.
    pub(crate) wrong: Vec<String>,
}

const PREAMBLE: &str = "# Performance

Written by `cargo xtask bench`; every report it is made from is in [performance.json](performance.json).

One core is the server's, the other one the generator's and the database's. Each line is three runs: the base, Parlor,
the base again, each on servers and stores of its own that have just been started. The ratio is Parlor to the mean of the
base's runs; the spread is how far these are apart, as a part of their mean: a ratio within it says nothing. Times drift
from machine to machine and from hour to hour; ratios of one run do so less.

The limits on requests are on, and so high that nobody meets them (`crates/bench/servers/parlor.toml`). Everything is as
durable as the product promises: MongoDB with `w: majority, j: true`, SQLite with `synchronous=FULL`; the base likewise.
In each run nothing that was confirmed may be missing and nothing may come twice; what does not hold is told below.

";

/// The page.
pub(crate) fn page(machine: &[String], results: &[Result]) -> String {
    let mut page = String::from(PREAMBLE);
    // Writing to a `String` can't fail.
    let _ = writeln!(page, "| # | what | held against | base | Parlor | ratio | spread | to reach | reached |");
    let _ = writeln!(page, "|---|---|---|---|---|---|---|---|---|");
    for result in results {
        let base = result.experiment.base.map_or("–", |base| base.subject.name());
        for (figure, outcome) in &result.outcomes {
            let _ = writeln!(page, "{}", line(base, result.experiment, figure, outcome));
        }
    }
    let _ = writeln!(page, "\n## The machine\n");
    for line in machine {
        let _ = writeln!(page, "- {line}");
    }
    let _ = writeln!(page, "\n## The commands\n");
    let _ = writeln!(page, "`cargo xtask bench --only NAME` makes one of these again. The generator's part of each:\n");
    for result in results {
        let Experiment { name, base, run, .. } = result.experiment;
        let base = base.map_or_else(String::new, |base| format!("{}: `{}`; ", base.subject.name(), base.command));
        let _ = writeln!(page, "- **{name}**: {base}{}: `{}`", run.subject.name(), run.command);
    }
    let _ = writeln!(page, "\n## What did not hold\n");
    let wrong: Vec<_> = results.iter().flat_map(|result| &result.wrong).collect();
    if wrong.is_empty() {
        let _ = writeln!(page, "Nothing was lost, and nothing came twice.");
    }
    for wrong in wrong {
        let _ = writeln!(page, "- {wrong}");
    }
    page
}

fn line(base: &str, experiment: &Experiment, figure: &Figure, outcome: &Outcome) -> String {
    let goal = match figure.goal {
        Goal::AtLeast(goal) => format!("≥ {} ×", number(goal)),
        Goal::AtMost(goal) if goal < 1.0 => format!("≤ 1/{}", number(1.0 / goal)),
        Goal::AtMost(goal) => format!("≤ {} ×", number(goal)),
        Goal::Absolute(goal) => format!("≤ {}", number(goal)),
        Goal::None => "–".to_owned(),
    };
    let reached = match outcome.reached {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "–",
    };
    let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    let (number_of, what) = (figure.number, figure.what);
    let cells = [
        number_of.to_owned(),
        format!("{what} ({})", experiment.name),
        base.to_owned(),
        optional(outcome.base),
        number(outcome.run),
        optional(outcome.ratio),
        format!("±{:.0} %", outcome.spread * 50.0),
        goal,
        reached.to_owned(),
    ];
    format!("| {} |", cells.join(" | "))
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.5}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::PLAN;

    fn result(name: &str, wrong: &[&str]) -> Result {
        let experiment = PLAN.iter().find(|experiment| experiment.name == name).unwrap();
        let outcome = Outcome { base: Some(500.0), run: 8000.0, ratio: Some(16.0), spread: 0.1, reached: Some(true) };
        Result {
            experiment,
            outcomes: vec![(experiment.figures[0], outcome)],
            reports: Vec::new(),
            wrong: wrong.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn a_line_says_what_was_held_against_what_and_whether_it_is_enough() {
        let page = page(&["processor: one".to_owned()], &[result("send", &[])]);
        let line = "| 1 | stored sends/s (send) | reference | 500 | 8000 | 16.0 | ±5 % | ≥ 15.0 × | yes |";
        assert!(page.contains(line), "{page}");
        assert!(page.contains("- processor: one\n"));
        assert!(page.contains("Nothing was lost"));
    }

    #[test]
    fn what_does_not_hold_is_on_the_page() {
        let page = page(&[], &[result("send", &["send, run: one is missing"])]);
        assert!(page.contains("- send, run: one is missing\n") && !page.contains("Nothing was lost"), "{page}");
    }

    #[test]
    fn numbers_have_the_digits_that_say_something() {
        assert_eq!(
            ["0", "8192", "16.3", "0.25", "0.00847"],
            [0.0, 8192.4, 16.27, 0.25, 0.008_47].map(number).each_ref().map(String::as_str)
        );
    }
}
