//! What a group has to know before it is written.

use std::collections::{HashMap, HashSet};

use mongodb::bson::{Document, doc};
use parlor_domain::{
    ClientMessageId, ConversationId, ConversationKind, Fingerprint, Message, MessageId, NewMessage, Rev, Seq, UserId,
};

use super::super::{
    database::{Collections, TimeLimits, all, answer},
    documents::{ConversationDocument, MessageDocument, StoredConversation, UserDocument, oid},
    error::Attempt,
    messages,
};

/// What the sender of a message named it, and where: unique.
pub(super) type Name = (ConversationId, UserId, ClientMessageId);

/// The name of a message that has one.
pub(super) fn name(new: &NewMessage) -> Option<Name> {
    Some((new.conversation_id, new.sender_id, new.client_message_id.clone()?))
}

/// The other one of a direct conversation.
pub(super) fn recipient(conversation: &StoredConversation, sender: UserId) -> Option<UserId> {
    match conversation.conversation.kind {
        ConversationKind::Direct => conversation.members.iter().copied().find(|member| *member != sender),
    }
}

/// The conversations that messages go to.
pub(super) struct Conversations {
    pub(super) found: HashMap<ConversationId, StoredConversation>,
    /// Recipients whose account is deleted.
    pub(super) deleted: HashSet<UserId>,
}

impl Conversations {
    /// Looks them up.
    pub(super) async fn of<'a>(
        c: &Collections,
        limits: TimeLimits,
        messages: impl Iterator<Item = &'a NewMessage> + Clone,
    ) -> Attempt<Self> {
        let ids: HashSet<ConversationId> = messages.clone().map(|new| new.conversation_id).collect();
        let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
        let conversations = c.conversations.clone();
        let finding =
            async move { all::<ConversationDocument>(conversations.find(doc! { "_id": { "$in": ids } }).await?).await };
        let found = answer(limits.attempt, tokio::spawn(finding)).await?;
        let found: HashMap<_, _> = found.into_iter().map(|found| (found.conversation.id, found)).collect();
        let recipients: HashSet<UserId> =
            messages.filter_map(|new| recipient(found.get(&new.conversation_id)?, new.sender_id)).collect();
        let recipients: Vec<_> = recipients.iter().map(|id| oid(id.as_bytes())).collect();
        let users = c.users.clone();
        let finding = async move {
            let deleted = doc! { "_id": { "$in": recipients }, "deletedAt": { "$ne": null } };
            all::<UserDocument>(users.find(deleted).await?).await
        };
        let deleted = answer(limits.attempt, tokio::spawn(finding)).await?;
        Ok(Self { found, deleted: deleted.into_iter().map(|user| user.id).collect() })
    }

    /// Who gets a message, if that is one alone.
    pub(super) fn recipient(&self, new: &NewMessage) -> Option<UserId> {
        recipient(self.found.get(&new.conversation_id)?, new.sender_id)
    }

    /// Whether the sender is in the conversation.
    pub(super) fn has_sender(&self, new: &NewMessage) -> bool {
        self.found.get(&new.conversation_id).is_some_and(|found| found.members.contains(&new.sender_id))
    }

    /// Whether there is nobody any more who could read it.
    pub(super) fn is_deserted(&self, new: &NewMessage) -> bool {
        self.recipient(new).is_some_and(|recipient| self.deleted.contains(&recipient))
    }
}

/// Those messages of a group that are stored already.
#[derive(Default)]
pub(super) struct Stored {
    /// By an earlier attempt.
    pub(super) by_id: HashMap<MessageId, Message>,
    /// Under the same name, with the fingerprint of what was sent.
    pub(super) by_name: HashMap<Name, (Message, Fingerprint)>,
}

impl Stored {
    /// Looks them up.
    pub(super) async fn of<'a>(
        c: &Collections,
        limits: TimeLimits,
        messages: impl Iterator<Item = &'a NewMessage> + Clone,
    ) -> Attempt<Self> {
        let ids: Vec<_> = messages.clone().map(|new| oid(new.id.as_bytes())).collect();
        let mut either: Vec<Document> = messages.filter_map(name).map(by_name).collect();
        either.push(doc! { "_id": { "$in": ids } });
        let log = c.messages.clone();
        let finding = async move { all::<MessageDocument>(log.find(doc! { "$or": either }).await?).await };
        let mut stored = Self::default();
        for (message, fingerprint) in answer(limits.attempt, tokio::spawn(finding)).await? {
            if let Some(client_id) = message.client_message_id.clone() {
                let name = (message.conversation_id, message.sender_id, client_id);
                stored.by_name.insert(name, (message.clone(), fingerprint));
            }
            stored.by_id.insert(message.id, message);
        }
        Ok(stored)
    }
}

fn by_name((conversation, sender, client_id): Name) -> Document {
    doc! {
        "conversation": oid(conversation.as_bytes()),
        "sender": oid(sender.as_bytes()),
        "clientMessageId": client_id.as_str(),
    }
}

/// Where these logs end, as no failover changes it.
pub(super) async fn ends(
    c: &Collections,
    limits: TimeLimits,
    ids: Vec<ConversationId>,
) -> Attempt<HashMap<ConversationId, (Seq, Rev)>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let collections = c.clone();
    let reading = async move { messages::ends(&collections, &ids).await };
    answer(limits.attempt, tokio::spawn(reading)).await
}
