//! Where the hub reads what was not pushed: the durable log behind the streams.

use async_trait::async_trait;
use parlor_domain::{Change, ReceiptView, Rev, StreamId, store::StoreResult};

/// What a log has after a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// Changes, in order.
    Page(ChangePage),
    /// The log can't tell what came after that revision: it has never been there, or no longer is.
    Lost {
        /// Where the log is now.
        head: Rev,
    },
}

/// A part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePage {
    /// The changes, in order of their revisions. A change that a later one has made obsolete is not among them.
    pub changes: Vec<Change>,
    /// The revision that the page brings its reader to.
    pub rev: Rev,
    /// Whether there is more after it.
    pub more: bool,
    /// If there is no more: the positions of the stream's members, which are state and no changes.
    pub receipts: Vec<ReceiptView>,
}

/// The log behind the streams.
#[async_trait]
pub trait ChangeLog: Send + Sync {
    /// What the stream has after a revision, at most `limit` changes. Not asked for streams that the reader may
    /// not see.
    ///
    /// # Errors
    /// What the store says.
    async fn changes(&self, stream: StreamId, after: Rev, limit: usize) -> StoreResult<CatchUp>;
}
