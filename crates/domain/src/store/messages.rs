//! The message log.

use async_trait::async_trait;

use super::StoreResult;
use crate::{ConversationId, Message, NewMessage, Rev, Seq};

/// What came of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It is stored.
    Appended {
        /// The message with its `seq` and `rev`.
        message: Message,
        /// Whether, in a direct conversation, it is held back from the other one: his
        /// [`held_from`](crate::Member::held_from) is set.
        held: bool,
    },
    /// The sender has sent this message before: the first one, as it is now.
    Repeated(Message),
    /// The sender has sent another message under this client message id; nothing is stored.
    ClientIdReused,
    /// There is no such conversation, or the sender is not in it.
    NotAMember,
    /// The conversation is direct and the other user's account is deleted.
    RecipientDeleted,
}

/// A part of a conversation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The messages.
    pub messages: Vec<Message>,
    /// The newest revision of the conversation; zero for an unknown one.
    pub head: Rev,
}

/// How many bytes the texts and metadata of a page have: see [`MessageStore::page`].
pub const PAGE_BYTES: usize = 1024 * 1024;

/// Which messages of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The newest ones.
    Newest,
    /// The newest ones before this place.
    Before(Seq),
    /// The oldest ones after this place.
    After(Seq),
}

/// The log of messages: in each conversation `seq` and `rev` count 1, 2, 3 … without a hole, whoever writes.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Appends a message with the next `seq` and `rev`, and in the same change sets the conversation's
    /// `last_seq`, `rev` and `updated_at` (to `created_at`, never back) and the sender's `read_seq` to the message. Concurrent
    /// calls are written together; those of one caller that awaits each before the next keep their order.
    async fn append(&self, new: &NewMessage) -> StoreResult<AppendOutcome>;

    /// At most `limit` messages of the window, in ascending order of `seq`. What is read ends with the message, if any,
    /// by which their [sizes](Message::size) come to more than [`PAGE_BYTES`].
    async fn page(&self, conversation: ConversationId, window: Window, limit: usize) -> StoreResult<Vec<Message>>;

    /// The messages that changed after a revision, as they are now, in ascending order of `rev`, at most `limit`,
    /// and the conversation's newest revision at the same moment.
    async fn changes(&self, conversation: ConversationId, after: Rev, limit: usize) -> StoreResult<LogPage>;
}
