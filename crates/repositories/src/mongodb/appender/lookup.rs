//! What a group has to know before it is written.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use mongodb::bson::doc;
use parking_lot::Mutex;
use parlor_domain::{ConversationId, ConversationKind, Fingerprint, Message, MessageId, NewMessage, Rev, Seq, UserId};
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
    // Who is gone from a group is no member of it any more.
    let direct = found.iter().filter(|found| found.conversation.kind == ConversationKind::Direct);
    let members: HashSet<UserId> = direct.flat_map(|found| found.members.iter().copied()).collect();
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

/// Stored messages, by their ids, each with the fingerprint of what was sent.
pub(super) type Stored = HashMap<MessageId, (Message, Fingerprint)>;

/// Those that are stored of these.
pub(super) async fn stored(
    c: &Collections,
    limits: TimeLimits,
    ids: impl Iterator<Item = MessageId>,
) -> Attempt<Stored> {
    let ids: Vec<_> = ids.map(|id| oid(id.as_bytes())).collect();
    let log = c.messages.clone();
    let finding = async move { all::<MessageDocument>(log.find(doc! { "_id": { "$in": ids } }).await?).await };
    let found = answer(limits.attempt, tokio::spawn(finding)).await?;
    Ok(found.into_iter().map(|(message, fingerprint)| (message.id, (message, fingerprint))).collect())
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
