//! `cargo xtask bench`: Parlor, its peer and the floors, measured in the same run.

mod figures;
mod machine;
mod page;
mod peer;
mod plan;
mod results;
mod run;
mod servers;
mod start;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use self::{
    plan::{Experiment, PLAN, Run, Subject},
    results::Made,
    servers::Programs,
};
use crate::{parts, workspace::Workspace};

pub(crate) use self::page::made_in as page_in;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Whether everything works, in a few minutes; the figures mean nothing.
    pub(crate) short: bool,
    /// Only experiments of these names; all if there are none.
    pub(crate) only: Vec<String>,
    /// How often the base and Parlor take turns; then comes the base once more.
    pub(crate) rounds: u8,
    /// The sources of the peer; without them Parlor runs alone where it would be held against it.
    pub(crate) peer: Option<PathBuf>,
}

/// Builds what takes part, brings the rest, and measures.
pub(crate) fn run(workspace: &Workspace, request: &Request) -> Result<()> {
    let folder = workspace.target.join("bench");
    fs::create_dir_all(&folder).context("cannot make a directory for the measurements")?;
    // What is shipped is what is measured; whether everything works is seen with what the tests have built.
    let profile: &[&str] = if request.short { &["--workspace", "--all-targets"] } else { &["--profile", "dist"] };
    let packages: &[&str] = if request.short { &[] } else { &["-p", "parlor-server", "-p", "parlor-bench"] };
    let scope = [profile, packages].concat();
    let peer = request.peer.as_deref();
    let programs = Programs {
        server: workspace.build_program("parlor", &scope)?,
        settings: workspace.root.join("crates/bench/servers/parlor.toml"),
        generator: workspace.build_program("parlor-bench", &scope)?,
        mongod: parts::bring_mongod(workspace)?,
        peer: peer.map(|peer| peer::bring(peer, &folder.join("peer"))).transpose()?,
    };
    measure(&programs, request, &folder, &workspace.root.join("docs"))
}

/// Measures. `folder` holds what the servers store meanwhile; the reports and the page go to `docs`, and in the short
/// form to the folder.
fn measure(programs: &Programs, request: &Request, folder: &Path, docs: &Path) -> Result<()> {
    machine::check()?;
    servers::raise_file_limit()?;
    let chosen = chosen(request)?;
    let to = if request.short { folder } else { docs };
    // What is not made anew stays.
    let mut results = if request.short || request.only.is_empty() { Vec::new() } else { results::read(docs)? };
    let machine = machine::describe(programs, folder, request.short);
    let (mut bench, mut wrong) = (Bench { programs, request, folder, machine, done: Vec::new() }, Vec::new());
    for experiment in chosen {
        eprintln!("== {}", experiment.name);
        let made = bench.make(experiment).with_context(|| format!("the experiment {}", experiment.name))?;
        wrong.extend(made.wrong());
        results.retain(|other| other.name != made.name);
        results.push(made);
        // All of it takes most of an hour: what is there is kept if the next one fails.
        results::write(to, &mut results)?;
    }
    let template = fs::read_to_string(docs.join(page::TEMPLATE))?;
    fs::write(to.join(page::FILE), page::page(&template, &results)?)?;
    ensure!(wrong.is_empty(), "what must hold does not:\n{}", wrong.join("\n"));
    Ok(())
}

fn chosen(request: &Request) -> Result<Vec<&'static Experiment>> {
    for name in &request.only {
        ensure!(PLAN.iter().any(|experiment| experiment.name == name), "there is no experiment {name}");
    }
    let named = |name: &str| request.only.is_empty() || request.only.iter().any(|only| only == name);
    Ok(PLAN.iter().filter(|experiment| named(experiment.name)).collect())
}

/// Makes experiments.
struct Bench<'a> {
    programs: &'a Programs,
    request: &'a Request,
    folder: &'a Path,
    machine: Vec<String>,
    /// In the short form: the runs that have been done, and need not be done again for another experiment.
    done: Vec<(Run, Value)>,
}

impl Bench<'_> {
    /// The base and Parlor take turns, and the base has the last one; without a base Parlor runs as often as the base
    /// would. In the short form each once.
    fn make(&mut self, experiment: &'static Experiment) -> Result<Made> {
        let base = experiment.base.filter(|base| base.subject != Subject::Peer || self.programs.peer.is_some());
        let mut made =
            Made { name: experiment.name.to_owned(), machine: self.machine.clone(), base: Vec::new(), run: Vec::new() };
        let rounds = if self.request.short { 0 } else { self.request.rounds };
        for round in 1..=rounds.max(1) {
            if let Some(base) = &base {
                made.base.push(self.run(base, &format!("{}, base {round}", experiment.name))?);
            }
            made.run.push(self.run(&experiment.run, &format!("{}, Parlor {round}", experiment.name))?);
        }
        match &base {
            _ if rounds == 0 => {}
            Some(base) => made.base.push(self.run(base, &format!("{}, base {}", experiment.name, rounds + 1))?),
            None => {
                made.run.push(self.run(&experiment.run, &format!("{}, Parlor {}", experiment.name, rounds + 1))?);
            }
        }
        // A figure that the reports do not have is seen now, and not when all are made.
        made.outcomes()?;
        Ok(made)
    }

    fn run(&mut self, run: &Run, label: &str) -> Result<Value> {
        let short = self.request.short;
        let same = |(done, _): &&(Run, Value)| short && done.is_same_in_short(run);
        if let Some((_, report)) = self.done.iter().find(same) {
            return Ok(report.clone());
        }
        let report = run::run(self.programs, run, label, short, self.folder)?;
        self.done.push((*run, report.clone()));
        Ok(report)
    }
}
