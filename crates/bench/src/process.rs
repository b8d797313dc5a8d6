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
        Ok(Self { began: Instant::now(), subjects, most, looking })
    }

    /// Ends, and says what they used meanwhile.
    pub(crate) fn end(self) -> Result<Vec<Usage>> {
        self.looking.abort();
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
        self.subjects.iter().zip(most.iter()).map(usage).collect()
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
                let usage = watch.end().unwrap().remove(0);
                // Differences of ticks as real numbers are not exact.
                assert!(usage.cpu_seconds > 0.045, "{usage:?}");
                assert!(usage.resident_max >= usage.resident_before && usage.resident_before > 100_000, "{usage:?}");
            })
            .await;
    }

    #[test]
    fn a_process_that_is_not_there_is_told() {
        let error = sample(u32::MAX).unwrap_err().to_string();
        assert!(error.contains("does the process run?"), "{error}");
    }
}
