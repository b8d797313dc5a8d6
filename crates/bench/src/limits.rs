//! How many files a process may have open: each connection is one, here and in the server.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;

/// Those that are not connections: standard streams, the event loop, files of `/proc`.
const SPARE: u64 = 64;

/// The limit on open files.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct FileLimit {
    /// In force now.
    pub(crate) files: u64,
    /// In force when this started.
    pub(crate) files_before: u64,
}

/// Raises the limit as far as it goes without being root.
pub(crate) fn raise() -> FileLimit {
    let found = getrlimit(Resource::Nofile);
    let before = found.current.unwrap_or(u64::MAX);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: found.maximum, maximum: found.maximum });
    let now = if raised.is_ok() { found.maximum.unwrap_or(u64::MAX) } else { before };
    FileLimit { files: now, files_before: before }
}

impl FileLimit {
    /// Fails if so many connections are more than may be open here.
    pub(crate) fn allow(self, connections: u64) -> Result<()> {
        let most = self.files.saturating_sub(SPARE);
        ensure!(
            connections <= most,
            "the limit of {} open files bites: at most {most} connections, and {connections} are asked for; \
             raise it (`ulimit -Hn`) or ask for fewer",
            self.files
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_what_the_system_allows() {
        let limit = raise();
        assert!(limit.files >= limit.files_before);
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), limit.files);
    }

    #[test]
    fn a_limit_that_bites_is_told() {
        let limit = FileLimit { files: 1064, files_before: 1024 };
        assert!(limit.allow(1000).is_ok());
        let error = limit.allow(1001).unwrap_err().to_string();
        assert!(error.starts_with("the limit of 1064 open files bites: at most 1000 connections"), "{error}");
    }
}
