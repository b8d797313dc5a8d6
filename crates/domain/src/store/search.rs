//! What messages are found by.

use std::collections::HashMap;

use async_trait::async_trait;

use super::StoreResult;
use crate::{ConversationId, MessageId, Rev, Timestamp};

/// A message's place among results: they are ordered by time, and at the same time by id. Both never change.
pub type ResultKey = (Timestamp, MessageId);

/// A message, as the index has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The message.
    pub message: MessageId,
    /// The revision at which it said that.
    pub rev: Rev,
    /// When it was sent.
    pub created_at: Timestamp,
    /// What it is found by, as [`index_terms`](crate::index_terms) gives it; nothing for a deleted one.
    pub terms: Vec<String>,
}

/// How far the index has come in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexProgress {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its newest revision.
    pub rev: Rev,
    /// The revision up to which the index has it.
    pub indexed: Rev,
}

/// What to look for in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// In which conversations: at most [`Look::CONVERSATIONS`].
    pub conversations: Vec<ConversationId>,
    /// The terms that a message must have, at least one; those first that tell most.
    pub terms: Vec<String>,
    /// Only messages that come after this one in the order of results.
    pub below: Option<ResultKey>,
    /// Only messages sent at this time or later.
    pub from: Option<Timestamp>,
    /// At most this many.
    pub limit: usize,
}

impl Look {
    /// The most conversations that are looked into at once.
    pub const CONVERSATIONS: usize = 100;
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// The messages, the newest first, and of one time the greatest id.
    pub found: Vec<ResultKey>,
    /// Where to look on, if there may be more: behind this. Every message before it that has the terms is in `found`.
    pub next: Option<ResultKey>,
}

/// The index of messages. It follows the log with a delay, by whoever calls [`Self::enter`]; but what a message does not
/// say any more is out of it with the change that took it away ([`MessageStore::change`](super::MessageStore::change)).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait SearchStore: Send + Sync {
    /// How far the index has come in these conversations; those are left out where it has not begun.
    async fn indexed(&self, conversations: &[ConversationId]) -> StoreResult<HashMap<ConversationId, Rev>>;

    /// How far the index has come in all conversations, in the order of their ids: at most `limit` of those after one.
    async fn progress(&self, after: Option<ConversationId>, limit: usize) -> StoreResult<Vec<IndexProgress>>;

    /// Enters messages of a conversation, and then that the index has come to a revision, never back. A message that is
    /// entered already as it was at this revision or a later one stays as it is, and so do the messages of others who
    /// enter them at the same time. It is not one atomic change: who is interrupted may leave some of it behind, and
    /// not that the index has come so far.
    async fn enter(
        &self,
        conversation: ConversationId,
        entries: &[IndexEntry],
        indexed: Option<Rev>,
    ) -> StoreResult<()>;

    /// Finds the entered messages that have all these terms. The work is bounded by a number of messages, so it may find
    /// fewer than `limit` though there are more.
    async fn look(&self, look: &Look) -> StoreResult<Looked>;
}
