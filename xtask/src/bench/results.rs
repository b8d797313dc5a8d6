//! `docs/performance.json`: the reports of all runs, from which the page is made.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{
    figures::Outcome,
    plan::{Experiment, PLAN},
};

/// Where the reports are, in their directory.
pub(crate) const FILE: &str = "performance.json";

/// An experiment that has been made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    /// Its name in the plan.
    pub(crate) name: String,
    /// About the machine and the programs.
    pub(crate) machine: Vec<String>,
    /// The reports of the base; none if it was left out.
    pub(crate) base: Vec<Value>,
    /// The reports of who is measured.
    pub(crate) run: Vec<Value>,
}

impl Made {
    /// What it is in the plan.
    pub(crate) fn experiment(&self) -> Result<&'static Experiment> {
        let found = PLAN.iter().find(|experiment| experiment.name == self.name);
        found.with_context(|| format!("the plan has no experiment {} any more: take it out of {FILE}", self.name))
    }

    /// What came of each of its figures.
    pub(crate) fn outcomes(&self) -> Result<Vec<Outcome>> {
        let figures = self.experiment()?.figures.iter();
        let outcomes = figures.map(|figure| figure.compare(&self.base, &self.run)).collect::<Result<_>>();
        outcomes.with_context(|| format!("the experiment {}", self.name))
    }

    /// All reports, in no order of time.
    pub(crate) fn reports(&self) -> impl Iterator<Item = &Value> {
        self.base.iter().chain(&self.run)
    }

    /// What the reports say that does not hold.
    pub(crate) fn wrong(&self) -> Vec<String> {
        self.reports().flat_map(wrong).collect()
    }
}

/// Reads what has been made until now; nothing if there is no file.
pub(crate) fn read(docs: &Path) -> Result<Vec<Made>> {
    let path = docs.join(FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let json: Value = serde_json::from_slice(&fs::read(&path)?)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let made = |value: &Value| Made {
        name: text(&value["name"]).to_owned(),
        machine: list(&value["machine"]).iter().map(|line| text(line).to_owned()).collect(),
        base: list(&value["base"]),
        run: list(&value["run"]),
    };
    Ok(list(&json["experiments"]).iter().map(made).collect())
}

/// Writes all of it, in the order of the plan.
pub(crate) fn write(docs: &Path, results: &mut [Made]) -> Result<()> {
    results.sort_by_key(|made| PLAN.iter().position(|experiment| experiment.name == made.name));
    let made = |made: &Made| json!({ "name": made.name, "machine": made.machine, "base": made.base, "run": made.run });
    let experiments: Vec<Value> = results.iter().map(made).collect();
    let json = serde_json::to_string_pretty(&json!({ "experiments": experiments }))?;
    fs::write(docs.join(FILE), json + "\n").with_context(|| format!("cannot write {FILE}"))
}

/// What a report says that does not hold.
fn wrong(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let label = text(&report["label"]);
    let broken = checks.iter().filter(|check| check["holds"] != json!(true));
    broken.map(|check| format!("{label}: {} ({})", text(&check["what"]), text(&check["detail"]))).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str) -> Made {
        Made { name: name.to_owned(), machine: vec!["a core".to_owned()], base: vec![json!({})], run: Vec::new() }
    }

    #[test]
    fn what_a_report_does_not_vouch_for_is_wrong() {
        let report = json!({ "label": "send-run-1", "checks": [
            { "what": "stored", "holds": true, "detail": "5" },
            { "what": "once", "holds": false, "detail": "2 twice" },
            { "what": "all" },
        ]});
        assert_eq!(wrong(&report), ["send-run-1: once (2 twice)", "send-run-1: all ()"]);
        assert_eq!(wrong(&json!({})), [""; 0]);
    }

    #[test]
    fn reports_are_read_back_in_the_order_of_the_plan() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        write(folder.path(), &mut [made("resume"), made("send")]).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [made("send"), made("resume")]);
    }

    #[test]
    fn an_experiment_that_is_in_the_plan_no_more_is_told() {
        let error = made("gone").experiment().unwrap_err().to_string();
        assert_eq!(error, "the plan has no experiment gone any more: take it out of performance.json");
    }
}
