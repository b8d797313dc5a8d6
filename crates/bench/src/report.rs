//! What a run has found, as JSON and as a table.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};

use crate::{
    process::{Core, Usage, Used},
    stats::{Summary, Tally, real},
};

/// What a run has found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The command.
    pub(crate) scenario: String,
    /// The profile, or the floor's name.
    pub(crate) subject: String,
    /// What the caller calls this run.
    pub(crate) label: String,
    /// The command line.
    pub(crate) command: Vec<String>,
    /// How many files could be open.
    pub(crate) file_limit: u64,
    pub(crate) counts: BTreeMap<String, u64>,
    /// Named with their units.
    pub(crate) figures: BTreeMap<String, f64>,
    /// In milliseconds.
    pub(crate) latencies: BTreeMap<String, Summary>,
    pub(crate) processes: Vec<Usage>,
    /// How busy each core was: at one that is always busy, it is not the server that is measured.
    pub(crate) cores: Vec<Core>,
    pub(crate) failures: BTreeMap<String, u64>,
    /// One of each kind of failure, as it was told.
    pub(crate) examples: BTreeMap<String, String>,
    pub(crate) checks: Vec<Check>,
}

/// Something that must hold if the figures are to mean anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) what: String,
    pub(crate) holds: bool,
    pub(crate) detail: String,
}

impl Report {
    /// Adds a number of things.
    pub(crate) fn count(&mut self, name: &str, number: u64) {
        self.counts.insert(name.to_owned(), number);
    }

    /// Adds a figure.
    pub(crate) fn figure(&mut self, name: &str, value: f64) {
        self.figures.insert(name.to_owned(), value);
    }

    /// Adds something that must hold.
    pub(crate) fn check(&mut self, what: &str, holds: bool, detail: String) {
        self.checks.push(Check { what: what.to_owned(), holds, detail });
    }

    /// Adds what became of operations, and that none of them was forgotten.
    pub(crate) fn tally(&mut self, operations: &str, tally: &Tally) {
        self.count(&format!("{operations} begun"), tally.begun);
        self.count(&format!("{operations} succeeded"), tally.succeeded);
        self.count(&format!("{operations} failed"), tally.failed());
        self.count(&format!("{operations} counted"), tally.counted);
        self.figure(&format!("{operations}/s"), tally.rate());
        let (latency, service) = (tally.latencies.summary(), tally.service.summary());
        self.latencies.insert(operations.to_owned(), latency);
        if latency != service {
            self.latencies.insert(format!("{operations}, from when they began"), service);
        }
        for (name, number) in &tally.failures {
            *self.failures.entry(name.clone()).or_default() += number;
        }
        self.examples.extend(tally.examples.clone());
        let detail = format!("{} begun, {} succeeded, {} failed", tally.begun, tally.succeeded, tally.failed());
        let ended = tally.succeeded + tally.failed();
        self.check(&format!("all {operations} have an end"), tally.begun == ended && tally.succeeded > 0, detail);
        let examples: Vec<_> = tally.examples.values().cloned().collect();
        self.check(&format!("no failures of {operations}"), tally.failed() == 0, examples.join("; "));
    }

    /// Adds what was used, of processes also for every 1,000 of so many operations.
    pub(crate) fn usage(&mut self, operations: &str, number: u64, used: Used) {
        for usage in &used.processes {
            if number > 0 {
                let each = usage.cpu_seconds * 1000.0 / real(number);
                self.figure(&format!("{} CPU s per 1,000 {operations}", usage.role), each);
            }
        }
        self.processes = used.processes;
        self.cores = used.cores;
    }

    /// Whether everything holds that must.
    pub(crate) fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }

    /// The report for people.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("{} · {} {}\n", self.scenario, self.subject, self.label);
        // Writing to a `String` can't fail.
        for (name, value) in &self.figures {
            let _ = writeln!(table, "  {name:<48} {}", digits(*value));
        }
        for (name, number) in &self.counts {
            let _ = writeln!(table, "  {name:<48} {number}");
        }
        if !self.latencies.is_empty() {
            let _ = writeln!(
                table,
                "  {:<48} {:>9} {:>9} {:>9} {:>9} {:>9}",
                "milliseconds", "p50", "p95", "p99", "max", "count"
            );
        }
        for (name, Summary { count, p50, p95, p99, max, .. }) in &self.latencies {
            let _ = writeln!(table, "  {name:<48} {p50:>9.3} {p95:>9.3} {p99:>9.3} {max:>9.3} {count:>9}");
        }
        for usage in &self.processes {
            let mib = |bytes: u64| real(bytes) / 1_048_576.0;
            let (before, after, most) = (usage.resident_before, usage.resident_after, usage.resident_max);
            let _ = writeln!(
                table,
                "  {:<48} {:.2} s CPU, {:.2} cores; resident {:.1} -> {:.1} MiB, at most {:.1}",
                format!("{} ({})", usage.role, usage.pid),
                usage.cpu_seconds,
                usage.cpu_seconds / usage.seconds,
                mib(before),
                mib(after),
                mib(most)
            );
        }
        for Core { core, busy, stolen } in &self.cores {
            let (busy, stolen) = (busy * 100.0, stolen * 100.0);
            let _ = writeln!(table, "  {:<48} {busy:.0} % busy, {stolen:.0} % stolen", format!("core {core}"));
        }
        for check in &self.checks {
            let word = if check.holds { "holds" } else { "DOES NOT HOLD" };
            let _ = writeln!(table, "  {word}: {} ({})", check.what, check.detail);
        }
        table
    }
}

fn digits(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        http::Failure,
        stats::{Times, Window},
    };

    fn tally(outcomes: &[Result<(), Failure>]) -> Tally {
        let window = Window::after(Duration::ZERO, Duration::from_secs(2));
        let mut tally = Tally::new(window).unwrap();
        for outcome in outcomes {
            tally.begun += 1;
            let at = window.begin;
            tally.record(Times { intended: at, begun: at, over: at, paced: false }, outcome);
        }
        tally
    }

    #[test]
    fn a_report_of_successes_holds_and_tells_its_figures() {
        let mut report = Report { scenario: "send".into(), subject: "parlor".into(), ..Report::default() };
        report.tally("sends", &tally(&[Ok(()), Ok(())]));
        let usage = Usage {
            role: "server".into(),
            pid: 7,
            seconds: 1.0,
            cpu_seconds: 0.004,
            resident_before: 1 << 20,
            resident_after: 1 << 20,
            resident_max: 1 << 20,
        };
        let core = Core { core: 1, busy: 0.97, stolen: 0.0 };
        report.usage("sends", 2, Used { processes: vec![usage], cores: vec![core] });
        assert!(report.holds(), "{report:?}");
        assert!((report.figures["sends/s"] - 1.0).abs() < 1e-9);
        assert!((report.figures["server CPU s per 1,000 sends"] - 2.0).abs() < 1e-9);
        let table = report.table();
        assert!(table.contains("97 % busy"), "{table}");
        assert!(table.contains("holds: all sends have an end (2 begun, 2 succeeded, 0 failed)"), "{table}");
    }

    #[test]
    fn a_failure_a_lost_operation_or_no_operation_at_all_does_not_hold() {
        let mut lost = tally(&[Ok(())]);
        lost.begun += 1;
        for tally in [tally(&[Ok(()), Err(Failure::Timeout)]), lost, tally(&[])] {
            let mut report = Report::default();
            report.tally("sends", &tally);
            assert!(!report.holds(), "{report:?}");
            assert!(report.table().contains("DOES NOT HOLD"));
        }
    }

    #[test]
    fn json_says_all_that_the_table_says() {
        let mut report = Report::default();
        report.tally("sends", &tally(&[Ok(())]));
        let json = serde_json::to_string(&report).unwrap();
        let read: Report = serde_json::from_str(&json).unwrap();
        assert_eq!(read.table(), report.table());
    }
}
