//! The message log.

use async_trait::async_trait;

use super::{StoreError, StoreResult};
use crate::{
    ConversationId, Emoji, Excerpt, Fingerprint, Message, MessageChange, MessageId, MessageRefusal, NewMessage, Rev,
    SendKey, Seq, UserReaction, Version,
};

/// What came of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It is stored.
    Appended {
        /// The message with its `seq` and `rev`.
        message: Message,
        /// In a direct conversation, whether it is held back from the other one: his
        /// [`held_from`](crate::Member::held_from) is set.
        held: Option<bool>,
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

impl AppendOutcome {
    /// What a send comes to whose id a stored message has. The fingerprint is that of what the first one was sent with.
    ///
    /// # Errors
    /// `Conflict` if that is another message, which has the same id by chance.
    pub fn of_taken_id(key: &SendKey, first: &Message, fingerprint: Fingerprint) -> StoreResult<Self> {
        let same_name = first.conversation_id == key.conversation_id
            && first.sender_id == key.sender_id
            && first.client_message_id == key.client_message_id;
        if !same_name || key.client_message_id.is_none() {
            return Err(StoreError::Conflict("message id"));
        }
        let same = fingerprint == key.fingerprint;
        Ok(if same { Self::Repeated(first.clone()) } else { Self::ClientIdReused })
    }
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// It is stored; the message as it is since.
    Changed(Box<Message>),
    /// There was nothing to change; the message as it is.
    Unchanged(Box<Message>),
    /// Nothing is changed.
    Refused(MessageRefusal),
}

/// A part of a conversation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The messages.
    pub messages: Vec<Message>,
    /// The newest revision of the conversation; zero for an unknown one.
    pub head: Rev,
}

/// How many bytes the [sizes](Message::size) of a page's messages come to: see [`MessageStore::page`].
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
    ///
    /// The id is what tells a repeat: see [`MessageId::for_send`](crate::MessageId::for_send). One that another message
    /// has by chance is a `Conflict`.
    async fn append(&self, new: &NewMessage) -> StoreResult<AppendOutcome>;

    /// At most `limit` messages of the window, in ascending order of `seq`. What is read ends with the message, if any,
    /// by which their [sizes](Message::size) come to more than [`PAGE_BYTES`].
    async fn page(&self, conversation: ConversationId, window: Window, limit: usize) -> StoreResult<Vec<Message>>;

    /// The messages that changed after a revision, as they are now, in ascending order of `rev`, at most `limit`,
    /// and the conversation's newest revision at the same moment.
    async fn changes(&self, conversation: ConversationId, after: Rev, limit: usize) -> StoreResult<LogPage>;

    /// What [`Self::append`] says of a message that was sent before: `Repeated` or `ClientIdReused`. `None` of any
    /// other; nothing is stored.
    async fn sent_before(&self, key: &SendKey) -> StoreResult<Option<AppendOutcome>>;

    /// Makes the change that [`MessageChange::plan`] plans for the message as it is. A change that is made takes the
    /// conversation's next `rev`, which the message carries from then on; nobody is ever given the one that it had
    /// before. What it replaces stays as a [`Version`]; with a deletion every version and reaction of the message goes.
    async fn change(&self, change: &MessageChange) -> StoreResult<ChangeOutcome>;

    /// These messages as they are, in any order; those that there are not are left out. Who may see them is not asked.
    async fn find_many(&self, ids: &[MessageId]) -> StoreResult<Vec<Message>>;

    /// The beginnings of these messages as they are, in any order; of those that there are. Who may see them is not asked.
    async fn excerpts(&self, ids: &[MessageId]) -> StoreResult<Vec<Excerpt>>;

    /// What a message has said before, the oldest first: at most `limit` versions that were replaced after a revision. What
    /// is read ends with the version, if any, by which their [sizes](Version::size) come to more than [`PAGE_BYTES`].
    async fn versions(&self, message: MessageId, after: Rev, limit: usize) -> StoreResult<Vec<Version>>;

    /// Who has reacted to a message with an emoji, the first first: at most `limit` of those after a revision.
    async fn reactions(
        &self,
        message: MessageId,
        emoji: &Emoji,
        after: Rev,
        limit: usize,
    ) -> StoreResult<Vec<UserReaction>>;

    /// The pinned messages of a conversation, the newest message first: at most `limit` of those before a place. What is
    /// read ends as a [page](Self::page) does.
    async fn pins(&self, conversation: ConversationId, before: Option<Seq>, limit: usize) -> StoreResult<Vec<Message>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClientMessageId, Mentions, MessageId, MessageText, Metadata, Timestamp, UserId};

    fn send(name: Option<&str>, text: &str) -> NewMessage {
        NewMessage {
            id: MessageId::from_bytes([1; 12]),
            conversation_id: ConversationId::from_bytes([2; 12]),
            sender_id: UserId::from_bytes([3; 12]),
            text: MessageText::parse(text).unwrap(),
            metadata: Metadata::default(),
            client_message_id: name.map(|name| ClientMessageId::parse(name).unwrap()),
            reply_to: None,
            forward: None,
            mentions: Mentions::default(),
            created_at: Timestamp::from_millis(4),
        }
    }

    #[test]
    fn a_taken_id_is_a_repeat_only_under_the_same_name_and_with_the_same_content() {
        let new = send(Some("c1"), "once");
        let first = new.at((Seq::new(1), Rev::new(1)));
        let of = |new: &NewMessage| AppendOutcome::of_taken_id(&new.key(), &first, send(None, "once").fingerprint());
        assert_eq!(of(&new).unwrap(), AppendOutcome::Repeated(first.clone()));
        assert_eq!(of(&send(Some("c1"), "twice")).unwrap(), AppendOutcome::ClientIdReused);
        let elsewhere = NewMessage { conversation_id: ConversationId::from_bytes([9; 12]), ..new.clone() };
        let anothers = NewMessage { sender_id: UserId::from_bytes([9; 12]), ..new };
        for other in [send(Some("c2"), "once"), send(None, "once"), elsewhere, anothers] {
            assert!(matches!(of(&other), Err(StoreError::Conflict("message id"))), "{other:?}");
        }
    }
}
