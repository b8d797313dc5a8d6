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
        documents::{ConversationDocument, MemberDocument, MessageDocument, StoredConversation, UserDocument, oid},
        error::Attempt,
        messages,
    },
    memory::{Memory, Participants},
};

/// Who takes part in the conversations that messages go to. A conversation that does not exist is not there.
#[derive(Default)]
pub(super) struct Conversations {
    found: HashMap<ConversationId, Arc<Participants>>,
    /// Whether those are in their conversations who write where the members are not named.
    senders: HashMap<(ConversationId, UserId), bool>,
}

impl Conversations {
    /// Remembers them, or looks them up.
    pub(super) async fn of<'a>(
        c: &Collections,
        limits: TimeLimits,
        memory: &Mutex<Memory>,
        messages: impl Iterator<Item = &'a NewMessage> + Clone,
    ) -> Attempt<Self> {
        let ids: HashSet<ConversationId> = messages.clone().map(|new| new.conversation_id).collect();
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
        let senders = senders(c, limits, memory, &found, messages).await?;
        Ok(Self { found, senders })
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
        self.found.get(&new.conversation_id).is_some_and(|found| {
            if found.are_named() {
                return found.has(new.sender_id);
            }
            self.senders.get(&(new.conversation_id, new.sender_id)).copied().unwrap_or(false)
        })
    }

    /// Whether there is nobody any more who could read it.
    pub(super) fn is_deserted(&self, new: &NewMessage) -> bool {
        self.found.get(&new.conversation_id).is_some_and(|found| found.is_deserted(new))
    }
}

/// Whether those who write are in their conversations, where these don't name their members: remembered or looked up.
async fn senders<'a>(
    c: &Collections,
    limits: TimeLimits,
    memory: &Mutex<Memory>,
    conversations: &HashMap<ConversationId, Arc<Participants>>,
    messages: impl Iterator<Item = &'a NewMessage>,
) -> Attempt<HashMap<(ConversationId, UserId), bool>> {
    let (mut known, mut unknown) = (HashMap::new(), HashMap::new());
    {
        let memory = memory.lock();
        let is_open = |id| conversations.get(id).is_some_and(|found| !found.are_named());
        for new in messages.filter(|new| is_open(&new.conversation_id)) {
            let place = (new.conversation_id, new.sender_id);
            match memory.sender(place.0, place.1) {
                Some(is_in) => drop(known.insert(place, is_in)),
                None => drop(unknown.insert(place, false)),
            }
        }
    }
    if !unknown.is_empty() {
        let at = Instant::now();
        let collections = c.clone();
        let places: Vec<_> = unknown.keys().copied().collect();
        let reading = tokio::spawn(async move { present(&collections, &places).await });
        for place in answer(limits.attempt, reading).await? {
            unknown.entry(place).and_modify(|is_in| *is_in = true);
        }
        memory.lock().learn_senders(at, &unknown);
        known.extend(unknown);
    }
    Ok(known)
}

/// Those of these users who are in these conversations, and perhaps others of both.
async fn present(c: &Collections, places: &[(ConversationId, UserId)]) -> Attempt<Vec<(ConversationId, UserId)>> {
    let conversations: HashSet<_> = places.iter().map(|(id, _)| oid(id.as_bytes())).collect();
    let users: HashSet<_> = places.iter().map(|(_, user)| oid(user.as_bytes())).collect();
    let (conversations, users): (Vec<_>, Vec<_>) = (conversations.into_iter().collect(), users.into_iter().collect());
    let filter = doc! { "conversation": { "$in": conversations }, "user": { "$in": users } };
    let found = all::<MemberDocument>(c.members.find(filter).await?).await?;
    Ok(found.into_iter().map(|found| (found.conversation, found.member.user_id)).collect())
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
    let participants = |StoredConversation { conversation, members, .. }| {
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
