//! The machine and the programs that figures come from.

use std::{fs, path::Path, process::Command, thread::available_parallelism};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Resource, getrlimit};

use super::{servers::Programs, start::version};

/// Lines about the machine and the programs, for people.
pub(crate) fn describe(programs: &Programs, folder: &Path, short: bool) -> Vec<String> {
    let mut lines = vec![
        format!("processor: {}, {} cores", processor(), available_parallelism().map_or(0, usize::from)),
        format!("memory: {} MiB", memory_mib()),
        format!("kernel: {}", first_line("/proc/sys/kernel/osrelease")),
        format!("congestion control of TCP: {}", first_line("/proc/sys/net/ipv4/tcp_congestion_control")),
        format!("what the stores write goes to: {}", file_system(folder)),
        format!("files that may be open: {}", getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)),
        format!("Parlor: {}, commit {}, {}", version(&programs.server), commit(), version(Path::new("rustc"))),
        format!("MongoDB: {}", version(&programs.mongod)),
    ];
    if programs.peer.is_some() {
        lines.push(format!("Node: {}", version(Path::new("node"))));
    }
    if short {
        lines.push("short form: whether everything works; the figures mean nothing".to_owned());
    }
    lines
}

/// What was built, as git names it.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let commit = git(&["describe", "--always", "--abbrev=12"]);
    // What the measurements have written is no change of what they measure.
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/performance.*"]);
    match (commit.as_str(), changed.as_str()) {
        ("", _) => "unknown".to_owned(),
        (commit, "") => commit.to_owned(),
        (commit, _) => format!("{commit}, changed"),
    }
}

/// Of which kind the file system is that holds this directory, and on which device.
fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mount = |line: &str| {
        let mut fields = line.split(' ').map(str::to_owned);
        Some((fields.next()?, fields.next()?, fields.next()?))
    };
    let holding = mounts.lines().filter_map(mount).filter(|(_, point, _)| folder.starts_with(point));
    // Of mounts at the same place the last one is seen.
    let found = holding.max_by_key(|(_, point, _)| Path::new(point).components().count());
    found.map_or_else(|| "unknown".to_owned(), |(device, _, kind)| format!("{kind} on {device}"))
}

/// Fails on a machine that can't give the server a core of its own.
pub(crate) fn check() -> Result<()> {
    let cores = available_parallelism().context("how many cores are there?")?;
    ensure!(cores.get() >= 2, "one core is the server's and one everybody else's: two are needed");
    Ok(())
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    name.trim_start_matches([' ', '\t', ':']).to_owned()
}

fn memory_mib() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    total.trim().trim_end_matches(" kB").parse().map_or(0, |kib: u64| kib / 1024)
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
