//! What a group has to know before it is written.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use mongodb::bson::{Document, doc};
use parking_lot::Mutex;
use parlor_domain::{ClientMessageId, ConversationId, Fingerprint, Message, MessageId, NewMessage, Rev, Seq, UserId};
use tokio::time::Instant;

use super::{
    super::{
        database::{Collections, TimeLimits, all, answer},
        documents::{ConversationDocument, MessageDocument, StoredConversation, UserDocument, oid},
        error::Attempt,
        messages,
    },
    memory::{Memory, Participants},
};

/// What the sender of a message named it, and where: unique.
pub(super) type Name = (ConversationId, UserId, ClientMessageId);

/// The name of a message that has one.
pub(super) fn name(new: &NewMessage) -> Option<Name> {
    Some((new.conversation_id, new.sender_id, new.client_message_id.clone()?))
}

/// Who takes part in the conversations that messages go to. A conversation that does not exist is not there.
#[derive(Default)]
pub(super) struct Conversations {
    found: HashMap<ConversationId, Arc<Participants>>,
}

impl Conversations {
    /// Remembers them, or looks them up.
    pub(super) async fn of<'a>(
        c: &Collections,
        limits: TimeLimits,
        memory: &Mutex<Memory>,
        messages: impl Iterator<Item = &'a NewMessage> + Clone,
    ) -> Attempt<Self> {
        let ids: HashSet<ConversationId> = messages.map(|new| new.conversation_id).collect();
        let mut found = HashMap::with_capacity(ids.len());
        let mut unknown = Vec::new();
        {
            let mut memory = memory.lock();
            let known = memory.participants();
            for id in ids {
                match known.get(&id) {
                    Some(participants) => drop(found.insert(id, Arc::clone(participants))),
                    None => unknown.push(id),
                }
            }
        }
        if !unknown.is_empty() {
            let at = Instant::now();
            let collections = c.clone();
            let read = tokio::spawn(async move { participants(&collections, &unknown).await });
            let read = answer(limits.attempt, read).await?;
            memory.lock().learn(at, read.iter().map(|(id, participants)| (*id, Arc::clone(participants))));
            found.extend(read);
        }
        Ok(Self { found })
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ConversationId> {
        self.found.keys().copied()
    }

    /// Who gets a message, if that is one alone.
    pub(super) fn recipient(&self, new: &NewMessage) -> Option<UserId> {
        self.found.get(&new.conversation_id)?.recipient(new)
    }

    /// Whether the sender is in the conversation.
    pub(super) fn has_sender(&self, new: &NewMessage) -> bool {
        self.found.get(&new.conversation_id).is_some_and(|found| found.has(new.sender_id))
    }

    /// Whether there is nobody any more who could read it.
    pub(super) fn is_deserted(&self, new: &NewMessage) -> bool {
        self.found.get(&new.conversation_id).is_some_and(|found| found.is_deserted(new))
    }
}

async fn participants(c: &Collections, ids: &[ConversationId]) -> Attempt<Vec<(ConversationId, Arc<Participants>)>> {
    let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let found = all::<ConversationDocument>(c.conversations.find(doc! { "_id": { "$in": ids } }).await?).await?;
    let members: HashSet<UserId> = found.iter().flat_map(|found| found.members.iter().copied()).collect();
    let members: Vec<_> = members.iter().map(|id| oid(id.as_bytes())).collect();
    let deleted = doc! { "_id": { "$in": members }, "deletedAt": { "$ne": null } };
    let deleted = all::<UserDocument>(c.users.find(deleted).await?).await?;
    let deleted: HashSet<UserId> = deleted.into_iter().map(|user| user.id).collect();
    let participants = |StoredConversation { conversation, members }| {
        let deleted = members.iter().copied().filter(|member| deleted.contains(member)).collect();
        (conversation.id, Arc::new(Participants { kind: conversation.kind, members, deleted }))
    };
    Ok(found.into_iter().map(participants).collect())
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
