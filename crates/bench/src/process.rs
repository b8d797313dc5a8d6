//! What other processes use of the machine, as Linux tells it in `/proc`.

use std::{cell::RefCell, fs, rc::Rc, time::Duration};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use tokio::{
    task::{JoinHandle, spawn_local},
    time::{Instant, sleep},
};

/// How often memory is looked at between the beginning and the end.
const PERIOD: Duration = Duration::from_millis(200);

/// A process that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// `server`, `database`, `generator`.
    pub(crate) role: String,
    pub(crate) pid: u32,
}

impl Subject {
    /// This process.
    pub(crate) fn ourselves() -> Self {
        Self { role: "generator".to_owned(), pid: std::process::id() }
    }
}

/// What a process has used until one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Of all threads, in the kernel and outside.
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: u64,
}

/// What a process used between two moments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) role: String,
    pub(crate) pid: u32,
    /// How long it was looked at. A generator that takes a whole core measures itself.
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_before: u64,
    pub(crate) resident_after: u64,
    pub(crate) resident_max: u64,
}

/// How busy a core was between two moments, with whatever.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Core {
    pub(crate) core: u32,
    /// As a part of the time.
    pub(crate) busy: f64,
    /// As a part of the time: a virtual machine had something to do, and the real one did something else.
    pub(crate) stolen: f64,
}

/// What was used of the machine between two moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used {
    pub(crate) processes: Vec<Usage>,
    pub(crate) cores: Vec<Core>,
}

/// The ticks of a core since the machine was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct CoreTicks {
    core: u32,
    idle: u64,
    stolen: u64,
    all: u64,
}

/// The lines of `/proc/stat` that are about one core each.
fn core_ticks(stat: &str) -> Vec<CoreTicks> {
    let core = |line: &str| {
        let (core, ticks) = line.strip_prefix("cpu")?.split_once(' ')?;
        // Time of guests, which comes behind these eight, is in that of the users already.
        let ticks: Vec<u64> = ticks.split(' ').take(8).map_while(|ticks| ticks.parse().ok()).collect();
        let [_, _, _, idle, waiting, _, _, stolen] = ticks.as_slice() else { return None };
        let all = ticks.iter().sum();
        Some(CoreTicks { core: core.parse().ok()?, idle: idle + waiting, stolen: *stolen, all })
    };
    stat.lines().filter_map(core).collect()
}

fn cores_between(before: &[CoreTicks], after: &[CoreTicks]) -> Vec<Core> {
    let between = |(before, after): (&CoreTicks, &CoreTicks)| {
        let all = crate::stats::real(after.all.saturating_sub(before.all));
        let part = |before: u64, after: u64| crate::stats::ratio(after.saturating_sub(before), all);
        let stolen = part(before.stolen, after.stolen);
        let busy = (1.0 - part(before.idle, after.idle) - stolen).max(0.0);
        Core { core: after.core, busy, stolen }
    };
    before.iter().zip(after).map(between).collect()
}

/// Looks at the cores from its beginning to its end.
#[derive(Debug)]
pub(crate) struct CoreWatch(Vec<CoreTicks>);

impl CoreWatch {
    /// Begins.
    pub(crate) fn begin() -> Result<Self> {
        Ok(Self(core_ticks(&fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?)))
    }

    /// Ends, and says how busy they were.
    pub(crate) fn end(&self) -> Result<Vec<Core>> {
        Ok(cores_between(&self.0, &Self::begin()?.0))
    }
}

/// Looks at a process.
pub(crate) fn sample(pid: u32) -> Result<Sample> {
    let read = |name: &str| {
        let path = format!("/proc/{pid}/{name}");
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}; does the process run?"))
    };
    let ticks = cpu_ticks(&read("stat")?).context("/proc/…/stat is not as expected")?;
    let pages = resident_pages(&read("statm")?).context("/proc/…/statm is not as expected")?;
    let page = u64::try_from(rustix::param::page_size())?;
    let ticks_per_second = crate::stats::real(rustix::param::clock_ticks_per_second());
    Ok(Sample { cpu_seconds: crate::stats::real(ticks) / ticks_per_second, resident_bytes: pages * page })
}

/// How many files another process may have open.
pub(crate) fn file_limit(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/limits");
    let limits = fs::read_to_string(&path).with_context(|| format!("cannot read {path}; does the process run?"))?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let soft = soft.context("/proc/…/limits is not as expected")?;
    Ok(if soft == "unlimited" { u64::MAX } else { soft.parse()? })
}

/// `utime` and `stime` of a line of `/proc/…/stat`. The name, which is in brackets, may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(") ")?;
    let mut fields = behind.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split(' ').nth(1)?.parse().ok()
}

/// Looks at processes from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Watch {
    began: Instant,
    cores: CoreWatch,
    subjects: Vec<(Subject, Sample)>,
    most: Rc<RefCell<Vec<u64>>>,
    looking: JoinHandle<()>,
}

impl Watch {
    /// Begins, within a `LocalSet`.
    pub(crate) fn begin(subjects: &[Subject]) -> Result<Self> {
        let first = |subject: &Subject| Ok((subject.clone(), sample(subject.pid)?));
        let subjects: Vec<_> = subjects.iter().map(first).collect::<Result<_>>()?;
        let most = Rc::new(RefCell::new(subjects.iter().map(|(_, sample)| sample.resident_bytes).collect::<Vec<_>>()));
        let pids: Vec<_> = subjects.iter().map(|(subject, _)| subject.pid).collect();
        let looking = spawn_local(look(pids, Rc::clone(&most)));
        Ok(Self { began: Instant::now(), cores: CoreWatch::begin()?, subjects, most, looking })
    }

    /// Ends, and says what was used meanwhile.
    pub(crate) fn end(self) -> Result<Used> {
        self.looking.abort();
        let cores = self.cores.end()?;
        let seconds = self.began.elapsed().as_secs_f64();
        let most = self.most.borrow();
        let usage = |((subject, before), most): (&(Subject, Sample), &u64)| {
            let after = sample(subject.pid)?;
            Ok(Usage {
                role: subject.role.clone(),
                pid: subject.pid,
                seconds,
                cpu_seconds: after.cpu_seconds - before.cpu_seconds,
                resident_before: before.resident_bytes,
                resident_after: after.resident_bytes,
                resident_max: after.resident_bytes.max(*most),
            })
        };
        let processes = self.subjects.iter().zip(most.iter()).map(usage).collect::<Result<_>>()?;
        Ok(Used { processes, cores })
    }
}

async fn look(pids: Vec<u32>, most: Rc<RefCell<Vec<u64>>>) {
    loop {
        sleep(PERIOD).await;
        for (pid, most) in pids.iter().zip(most.borrow_mut().iter_mut()) {
            // A process that has ended is told at the end.
            if let Ok(sample) = sample(*pid) {
                *most = sample.resident_bytes.max(*most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;

    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let stat = "7 (a ) (b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 3 4 20 0 1 0 100 1000 10";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("7 (a"), None);
        assert_eq!(resident_pages("1000 250 30 1 0 90 0"), Some(250));
    }

    #[tokio::test]
    async fn what_a_process_uses_is_seen() {
        let us = [Subject::ourselves()];
        LocalSet::new()
            .run_until(async {
                let watch = Watch::begin(&us).unwrap();
                let begin = sample(us[0].pid).unwrap().cpu_seconds;
                let started = Instant::now();
                while sample(us[0].pid).unwrap().cpu_seconds < begin + 0.05 {
                    assert!(started.elapsed() < Duration::from_secs(60), "no time passes");
                }
                let usage = watch.end().unwrap().processes.remove(0);
                // Differences of ticks as real numbers are not exact.
                assert!(usage.cpu_seconds > 0.045, "{usage:?}");
                assert!(usage.resident_max >= usage.resident_before && usage.resident_before > 100_000, "{usage:?}");
            })
            .await;
    }

    #[test]
    fn a_core_is_busy_with_what_is_neither_idle_nor_stolen() {
        let before = core_ticks("cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 10 0 10 70 0 0 0 0 5 0\nintr 7");
        let after = core_ticks("cpu0 50 0 30 100 0 5 5 10 25 0\n");
        assert_eq!(before, [CoreTicks { core: 0, idle: 70, stolen: 0, all: 90 }]);
        let [Core { core: 0, busy, stolen }] = cores_between(&before, &after)[..] else { panic!("{after:?}") };
        assert!((busy - 70.0 / 110.0).abs() < 1e-9 && (stolen - 10.0 / 110.0).abs() < 1e-9, "{busy} {stolen}");
    }

    #[test]
    fn a_process_that_is_not_there_is_told() {
        let error = sample(u32::MAX).unwrap_err().to_string();
        assert!(error.contains("does the process run?"), "{error}");
    }
}
