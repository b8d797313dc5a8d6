//! `docs/performance.md`: a text written by people, with what comes from the reports at its marks.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    figures::{Figure, Goal, Outcome, Values},
    plan::{Experiment, PLAN},
    results::{self, Made},
};

/// The page, in its directory.
pub(crate) const FILE: &str = "performance.md";
/// What people write of the page, in its directory.
pub(crate) const TEMPLATE: &str = "performance.template.md";
const NOTE: &str =
    "<!-- Made from performance.template.md and performance.json by `cargo xtask docs`: change those. -->\n";
/// Writes a part of the page.
type Part = fn(&[Made]) -> Result<String>;
/// What a mark in the template stands for.
const PARTS: [(&str, Part); 6] = [
    ("<!-- figures -->", figures),
    ("<!-- values -->", values),
    ("<!-- cores -->", cores),
    ("<!-- machine -->", machine),
    ("<!-- commands -->", commands),
    ("<!-- wrong -->", wrong),
];

/// The page that the files in this directory make.
pub(crate) fn made_in(docs: &Path) -> Result<String> {
    let template = fs::read_to_string(docs.join(TEMPLATE)).with_context(|| format!("cannot read {TEMPLATE}"))?;
    page(&template, &results::read(docs)?)
}

/// The page.
pub(crate) fn page(template: &str, results: &[Made]) -> Result<String> {
    let mut page = NOTE.to_owned() + template;
    for (mark, part) in PARTS {
        ensure!(template.matches(mark).count() == 1, "{mark} must be in {TEMPLATE} once");
        page = page.replace(mark, part(results)?.trim_end());
    }
    Ok(page)
}

/// All that is compared, and what has not been measured yet.
fn figures(results: &[Made]) -> Result<String> {
    let (mut lines, mut missed) = (Vec::new(), Vec::new());
    for made in results {
        let experiment = made.experiment()?;
        for (figure, outcome) in experiment.figures.iter().zip(made.outcomes()?) {
            lines.push((order(figure), line(experiment, figure, &outcome)));
            if outcome.reached == Some(false) {
                missed.push((order(figure), format!("- {}: {} ({})\n", figure.number, figure.what, experiment.name)));
            }
        }
    }
    // Experiments have figures of several numbers.
    lines.sort_by_key(|(number, _)| *number);
    missed.sort_by_key(|(number, _)| *number);
    let mut table = String::from(
        "| # | what (experiment) | held against | goal | base | Parlor | ratio | reached |\n|---|---|---|---|---|---|---|---|\n",
    );
    // Writing to a `String` can't fail.
    for (_, line) in lines {
        let _ = writeln!(table, "{line}");
    }
    if !missed.is_empty() {
        let missed: String = missed.into_iter().map(|(_, line)| line).collect();
        let _ = write!(table, "\nNot reached ([why](#where-the-time-goes)):\n\n{missed}");
    }
    let made: BTreeSet<_> = results.iter().map(|made| made.name.as_str()).collect();
    let missing: Vec<_> = PLAN.iter().map(|experiment| experiment.name).filter(|name| !made.contains(name)).collect();
    if !missing.is_empty() {
        let _ = writeln!(table, "\nNot measured yet: {}.", missing.join(", "));
    }
    Ok(table)
}

fn order(figure: &Figure) -> usize {
    figure.number.parse().unwrap_or(usize::MAX)
}

fn line(experiment: &Experiment, figure: &Figure, outcome: &Outcome) -> String {
    let reached = match outcome.reached {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "–",
    };
    let cells = [
        figure.number.to_owned(),
        format!("{} ({})", figure.what, experiment.name),
        experiment.base.map_or("–", |base| base.subject.name()).to_owned(),
        goal(figure.goal),
        mean(&outcome.base),
        mean(&outcome.run),
        outcome.ratio.map_or_else(|| "–".to_owned(), number),
        reached.to_owned(),
    ];
    format!("| {} |", cells.join(" | "))
}

fn goal(goal: Goal) -> String {
    match goal {
        Goal::AtLeast(goal) => format!("≥ {} ×", short(goal)),
        Goal::AtMost(goal) if goal < 1.0 => format!("≤ 1/{}", short(1.0 / goal)),
        Goal::AtMost(goal) => format!("≤ {} ×", short(goal)),
        Goal::Absolute(goal) => format!("≤ {}", short(goal)),
        Goal::None => "–".to_owned(),
    }
}

fn mean(values: &Values) -> String {
    let spread = values.spread().map_or_else(String::new, |spread| format!(" ±{:.0} %", spread * 100.0));
    values.mean().map_or_else(|| "–".to_owned(), |mean| number(mean) + &spread)
}

/// Each run's figures.
fn values(results: &[Made]) -> Result<String> {
    let mut table = String::from("| experiment | what | base | Parlor |\n|---|---|---|---|\n");
    let list = |values: &Values| values.0.iter().copied().map(number).collect::<Vec<_>>().join(", ");
    for made in results {
        for (figure, outcome) in made.experiment()?.figures.iter().zip(made.outcomes()?) {
            let (base, run) = (list(&outcome.base), list(&outcome.run));
            let _ = writeln!(table, "| {} | {} | {base} | {run} |", made.name, figure.what);
        }
    }
    Ok(table)
}

/// How busy everything was in each run, so that one sees what was the bottleneck.
fn cores(results: &[Made]) -> Result<String> {
    let mut table = String::from(
        "| run | core 0 | server | core 1 | generator | database | others on both |\n|---|---|---|---|---|---|---|\n",
    );
    for report in results.iter().flat_map(Made::reports) {
        let cores: Vec<f64> = list(&report["cores"]).iter().filter_map(|core| core["busy"].as_f64()).collect();
        let [first, second, ..] = cores.as_slice() else { continue };
        let processes = list(&report["processes"]);
        let of = |role: &str| {
            let usage = processes.iter().find(|usage| usage["role"] == role)?;
            Some(usage["cpu_seconds"].as_f64()? / usage["seconds"].as_f64()?)
        };
        let ours = ["server", "generator", "database"].map(of);
        let others = first + second - ours.iter().flatten().sum::<f64>();
        let [server, generator, database] = ours.map(|used| used.map_or_else(|| "–".to_owned(), percent));
        let label = report["label"].as_str().unwrap_or_default();
        let (first, second, others) = (percent(*first), percent(*second), percent(others.max(0.0)));
        let _ = writeln!(table, "| {label} | {first} | {server} | {second} | {generator} | {database} | {others} |");
    }
    Ok(table)
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

fn machine(results: &[Made]) -> Result<String> {
    let mut lines: Vec<(&String, Vec<&str>)> = Vec::new();
    for made in results {
        for line in &made.machine {
            match lines.iter_mut().find(|(known, _)| *known == line) {
                Some((_, names)) => names.push(&made.name),
                None => lines.push((line, vec![&made.name])),
            }
        }
    }
    let mut text = String::new();
    for (line, names) in lines {
        let which = if names.len() == results.len() { String::new() } else { format!(" ({})", names.join(", ")) };
        let _ = writeln!(text, "- {line}{which}");
    }
    Ok(text)
}

/// How the generator was called.
fn commands(results: &[Made]) -> Result<String> {
    let mut text = String::new();
    for made in results {
        let Experiment { name, base, run, .. } = made.experiment()?;
        let base = base.map_or_else(String::new, |base| format!("{}: `{}`; ", base.subject.name(), base.command));
        let _ = writeln!(text, "- **{name}**: {base}{}: `{}`", run.subject.name(), run.command);
    }
    Ok(text)
}

fn wrong(results: &[Made]) -> Result<String> {
    let wrong: Vec<_> = results.iter().flat_map(Made::wrong).map(|wrong| format!("- {wrong}\n")).collect();
    Ok(match (results, wrong.as_slice()) {
        ([], _) => "Nothing has been measured yet.".to_owned(),
        (_, []) => "Nothing was lost, and nothing came twice.".to_owned(),
        (_, wrong) => wrong.concat(),
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A goal, which is a round number.
fn short(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    rounded.to_string()
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
    use serde_json::json;

    use super::*;
    use crate::workspace::Workspace;

    const EVERYTHING: &str =
        "a <!-- figures --> <!-- values --> <!-- cores --> <!-- machine --> <!-- commands --> z <!-- wrong -->";

    fn report(rate: f64) -> Value {
        json!({
            "label": "send, base 1",
            "figures": {
                "sends/s": rate,
                "server CPU s per 1,000 sends": 1.0,
                "database CPU s per 1,000 sends": 0.5,
            },
            "cores": [{ "busy": 0.96 }, { "busy": 0.5 }],
            "processes": [
                { "role": "server", "cpu_seconds": 9.5, "seconds": 10.0 },
                { "role": "generator", "cpu_seconds": 4.0, "seconds": 10.0 },
            ],
            "checks": [],
        })
    }

    fn made() -> Made {
        let (base, run) = (vec![report(400.0), report(600.0)], vec![report(8000.0)]);
        Made { name: "send".to_owned(), machine: vec!["processor: one".to_owned()], base, run }
    }

    #[test]
    fn a_line_says_what_was_held_against_what_and_whether_it_is_enough() {
        let page = page(EVERYTHING, &[made()]).unwrap();
        let line = "| 1 | stored sends/s (send) | reference | ≥ 15 × | 500 ±20 % | 8000 | 16.0 | yes |";
        assert!(page.contains(line), "{page}");
        assert!(page.contains("| send | stored sends/s | 400, 600 | 8000 |"), "{page}");
        assert!(page.contains("- processor: one\n") || page.contains("- processor: one "), "{page}");
        assert!(page.contains("Nothing was lost"));
        assert!(page.contains("Not measured yet: send-128, "), "{page}");
    }

    #[test]
    fn what_is_not_reached_is_named() {
        let named = |run: f64| page(EVERYTHING, &[Made { run: vec![report(run)], ..made() }]).unwrap();
        assert!(named(7499.0).contains(":\n\n- 1: stored sends/s (send)\n- 2: server CPU"), "{}", named(7499.0));
        assert!(!named(7500.0).contains("- 1: stored"), "{}", named(7500.0));
    }

    #[test]
    fn how_busy_the_cores_were_and_by_whom_is_on_the_page() {
        let page = page(EVERYTHING, &[made()]).unwrap();
        assert!(page.contains("| send, base 1 | 96 % | 95 % | 50 % | 40 % | – | 11 % |"), "{page}");
    }

    #[test]
    fn what_does_not_hold_is_on_the_page() {
        let mut made = made();
        made.run[0]["checks"] = json!([{ "what": "stored", "holds": false, "detail": "one is missing" }]);
        let page = page(EVERYTHING, &[made]).unwrap();
        assert!(
            page.contains("- send, base 1: stored (one is missing)") && !page.contains("Nothing was lost"),
            "{page}"
        );
    }

    #[test]
    fn what_people_wrote_stays_and_every_part_has_its_place() {
        let page_of = |template: &str| page(template, &[]);
        let page = page_of(EVERYTHING).unwrap();
        assert!(page.contains("a | # |") && page.contains(" z Nothing"), "{page}");
        assert!(page_of(&EVERYTHING.replace("<!-- cores -->", "")).is_err());
    }

    #[test]
    fn the_page_says_what_the_reports_say() {
        let docs = Workspace::find().unwrap().root.join("docs");
        let page = fs::read_to_string(docs.join(FILE)).unwrap();
        assert!(page == made_in(&docs).unwrap(), "{FILE} is not up to date: run `cargo xtask docs`");
    }

    #[test]
    fn numbers_have_the_digits_that_say_something() {
        let expected = ["0", "8192", "16.3", "0.25", "0.00847"];
        assert_eq!(expected, [0.0, 8192.4, 16.27, 0.25, 0.008_47].map(number).each_ref().map(String::as_str));
        let goals = [Goal::AtLeast(15.0), Goal::AtMost(0.05), Goal::AtMost(1.25), Goal::Absolute(8192.0)];
        assert_eq!(goals.map(goal), ["≥ 15 ×", "≤ 1/20", "≤ 1.25 ×", "≤ 8192"]);
    }
}
