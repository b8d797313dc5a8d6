//! How many files a process may have open: each connection is one, here and in the server.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Those that are not connections: standard streams, the event loop, files of `/proc`.
const SPARE: u64 = 64;

/// The limits on open files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileLimit {
    /// In force here now.
    pub(crate) files: u64,
    /// In force in the server, as far as that is known.
    pub(crate) of_server: Option<u64>,
}

/// Raises the limit as far as it goes without being root.
pub(crate) fn raise() -> FileLimit {
    let found = getrlimit(Resource::Nofile);
    let before = found.current.unwrap_or(u64::MAX);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: found.maximum, maximum: found.maximum });
    let now = if raised.is_ok() { found.maximum.unwrap_or(u64::MAX) } else { before };
    FileLimit { files: now, of_server: None }
}

impl FileLimit {
    /// Fails if so many connections are more than may be open here or in the server.
    pub(crate) fn allow(self, connections: u64) -> Result<()> {
        let limits = [("the generator", Some(self.files)), ("the server", self.of_server)];
        for (who, limit) in limits.into_iter().filter_map(|(who, limit)| Some((who, limit?))) {
            let most = limit.saturating_sub(SPARE);
            ensure!(
                connections <= most,
                "{who}'s limit of {limit} open files bites: at most {most} connections, and {connections} are asked \
                 for; raise it (`ulimit -Hn`, `ulimit -n`) or ask for fewer"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_what_the_system_allows() {
        let limit = raise();
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), limit.files);
    }

    #[test]
    fn a_limit_that_bites_is_told() {
        let limit = FileLimit { files: 1064, of_server: None };
        assert!(limit.allow(1000).is_ok());
        let error = limit.allow(1001).unwrap_err().to_string();
        assert!(error.starts_with("the generator's limit of 1064 open files bites: at most 1000 connect"), "{error}");
        let limit = FileLimit { of_server: Some(564), ..limit };
        let error = limit.allow(501).unwrap_err().to_string();
        assert!(error.starts_with("the server's limit of 564 open files bites: at most 500 connections"), "{error}");
    }
}
