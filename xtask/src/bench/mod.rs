//! `cargo xtask bench`: Parlor, its peer and the floors, measured in the same run.

mod figures;
mod machine;
mod page;
mod peer;
mod plan;
mod run;
mod servers;
mod start;

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use self::{
    plan::{Experiment, PLAN, Run, Subject},
    servers::Programs,
};
use crate::{parts, workspace::Workspace};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Whether everything works, in a few minutes; the figures mean nothing.
    pub(crate) short: bool,
    /// Only experiments of these names; all if there are none.
    pub(crate) only: Vec<String>,
}

/// Builds what takes part, brings the rest, and measures.
pub(crate) fn run(workspace: &Workspace, peer: Option<&Path>, request: &Request) -> Result<()> {
    let folder = workspace.target.join("bench");
    fs::create_dir_all(&folder).context("cannot make a directory for the measurements")?;
    // What is shipped is what is measured; whether everything works is seen with what the tests have built.
    let profile: &[&str] = if request.short { &["--workspace", "--all-targets"] } else { &["--profile", "dist"] };
    let packages: &[&str] = if request.short { &[] } else { &["-p", "parlor-server", "-p", "parlor-bench"] };
    let scope = [profile, packages].concat();
    let programs = Programs {
        server: workspace.build_program("parlor", &scope)?,
        settings: workspace.root.join("crates/bench/servers/parlor.toml"),
        generator: workspace.build_program("parlor-bench", &scope)?,
        mongod: parts::bring_mongod(workspace)?,
        peer: peer.map(|peer| peer::bring(peer, &folder.join("peer"))).transpose()?,
    };
    let docs = if request.short { folder.clone() } else { workspace.root.join("docs") };
    measure(&programs, request, &folder, &docs)
}

/// Measures. `folder` holds what the servers store meanwhile; the page and the reports go to `docs`.
fn measure(programs: &Programs, request: &Request, folder: &Path, docs: &Path) -> Result<()> {
    machine::check()?;
    let mut about = machine::describe(programs);
    about.push(format!("load before: {}", machine::load()));
    if request.short {
        about.push("short form: whether everything works; the figures mean nothing".to_owned());
    }
    let mut results = Vec::new();
    for experiment in chosen(programs, request)? {
        eprintln!("== {}", experiment.name);
        let result = make(programs, experiment, request.short, folder);
        results.push(result.with_context(|| format!("the experiment {}", experiment.name))?);
    }
    let reports: Vec<&Value> = results.iter().flat_map(|result| &result.reports).collect();
    fs::create_dir_all(docs)?;
    let json = serde_json::to_string_pretty(&json!({ "machine": about, "reports": reports }))?;
    fs::write(docs.join("performance.json"), json + "\n")?;
    fs::write(docs.join("performance.md"), page::page(&about, &results))?;
    let wrong: Vec<_> = results.iter().flat_map(|result| result.wrong.clone()).collect();
    ensure!(wrong.is_empty(), "what must hold does not:\n{}", wrong.join("\n"));
    Ok(())
}

fn chosen(programs: &Programs, request: &Request) -> Result<Vec<&'static Experiment>> {
    for name in &request.only {
        ensure!(PLAN.iter().any(|experiment| experiment.name == name), "there is no experiment {name}");
    }
    let wanted = |experiment: &&Experiment| {
        let named = request.only.is_empty() || request.only.iter().any(|name| name == experiment.name);
        let peer = experiment.base.is_some_and(|base| base.subject == Subject::Peer);
        if named && peer && programs.peer.is_none() {
            eprintln!("== {} is left out: there is no peer", experiment.name);
        }
        named && (!peer || programs.peer.is_some())
    };
    Ok(PLAN.iter().filter(wanted).collect())
}

/// The base, the run, the base again; without a base the run twice. In the short form each once.
fn make(programs: &Programs, experiment: &'static Experiment, short: bool, folder: &Path) -> Result<page::Result> {
    let run = |run: &Run, label: String| run::run(programs, run, &label, short, folder);
    let label = |part: &str| format!("{}-{part}", experiment.name);
    let (mut bases, mut runs) = (Vec::new(), Vec::new());
    if let Some(base) = &experiment.base {
        bases.push(run(base, label("base-1"))?);
    }
    runs.push(run(&experiment.run, label("run-1"))?);
    match &experiment.base {
        Some(base) if !short => bases.push(run(base, label("base-2"))?),
        None if !short => runs.push(run(&experiment.run, label("run-2"))?),
        Some(_) | None => {}
    }
    let compare = |figure: &figures::Figure| Ok((*figure, figure.compare(&bases, &runs)?));
    let outcomes = experiment.figures.iter().map(compare).collect::<Result<_>>()?;
    let reports: Vec<_> = bases.into_iter().chain(runs).collect();
    let wrong = reports.iter().flat_map(wrong).collect();
    Ok(page::Result { experiment, outcomes, reports, wrong })
}

/// What a report says that does not hold.
fn wrong(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let label = report["label"].as_str().unwrap_or_default();
    let broken = checks.iter().filter(|check| check["holds"] != json!(true));
    broken.map(|check| format!("{label}: {} ({})", text(&check["what"]), text(&check["detail"]))).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
