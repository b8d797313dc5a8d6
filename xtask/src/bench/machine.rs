//! The machine and the programs that figures come from.

use std::{fs, path::Path, thread::available_parallelism};

use anyhow::{Context as _, Result, ensure};

use super::{servers::Programs, start::version};

/// Lines about the machine and the programs, for people.
pub(crate) fn describe(programs: &Programs) -> Vec<String> {
    let mut lines = vec![
        format!("processor: {}, {} cores", processor(), available_parallelism().map_or(0, usize::from)),
        format!("memory: {} MiB", memory_mib()),
        format!("kernel: {}", first_line("/proc/sys/kernel/osrelease")),
        format!("Parlor: {}", version(&programs.server)),
        format!("MongoDB: {}", version(&programs.mongod)),
    ];
    if programs.peer.is_some() {
        lines.push(format!("Node: {}", version(Path::new("node"))));
    }
    lines
}

/// Fails on a machine that can't give the server a core of its own.
pub(crate) fn check() -> Result<()> {
    let cores = available_parallelism().context("how many cores are there?")?;
    ensure!(cores.get() >= 2, "one core is the server's and one everybody else's: two are needed");
    Ok(())
}

/// What disturbs: the load of the last minute, before anything was started.
pub(crate) fn load() -> String {
    first_line("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned()
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
