//! The stored log behind the streams, read as the hub and a resuming client need it.

use std::{collections::HashMap, sync::Weak};

use async_trait::async_trait;
use parlor_domain::{
    Change, Conversation, ConversationId, Event, Member, Message, MessageView, ReceiptView, Rev, StreamId, UserChange,
    UserId, UserTopic,
    store::{InboxEntry, StoreError, StoreResult},
};
use parlor_realtime::{CatchUp, ChangeLog, ChangePage};

use crate::{
    Deps,
    views::{delivery, receipt_view, unread},
};

/// The log as the stores keep it: each message carries its revision, and a user's own stream names what changed.
pub(crate) struct StoredLog {
    /// Weak, because the hub that is part of these holds the log.
    deps: Weak<Deps>,
}

impl StoredLog {
    pub(crate) fn new(deps: Weak<Deps>) -> Self {
        Self { deps }
    }
}

#[async_trait]
impl ChangeLog for StoredLog {
    async fn changes(&self, stream: StreamId, after: Rev, limit: usize) -> StoreResult<CatchUp> {
        let deps = self.deps.upgrade().ok_or_else(|| StoreError::unavailable("the services are stopping"))?;
        match stream {
            StreamId::Conversation(id) => conversation_changes(&deps, id, after, limit).await,
            StreamId::User(id) => user_changes(&deps, id, after, limit).await,
        }
    }
}

async fn conversation_changes(deps: &Deps, id: ConversationId, after: Rev, limit: usize) -> StoreResult<CatchUp> {
    let page = deps.stores.messages.changes(id, after, limit).await?;
    if after > page.head {
        return Ok(CatchUp::Lost { head: page.head });
    }
    let rev = page.messages.last().map_or(page.head, |message| message.rev);
    let more = rev < page.head;
    let members = deps.stores.conversations.members(id).await?;
    let receipts = if more { Vec::new() } else { members.iter().map(|member| receipt_view(id, member)).collect() };
    let changes = page.messages.into_iter().map(|message| message_change(message, &members)).collect();
    Ok(CatchUp::Page(ChangePage { changes, rev, more, receipts }))
}

/// The change that a message is; how far it has come is for its sender to see, and writers of frames leave it out
/// for others.
fn message_change(message: Message, members: &[Member]) -> Change {
    let other = members.iter().find(|member| member.user_id != message.sender_id);
    let delivery = other.map(|other| delivery(&message, other));
    Change {
        stream: StreamId::Conversation(message.conversation_id),
        rev: message.rev,
        event: Event::MessageCreated(Box::new(MessageView { message, delivery })),
    }
}

async fn user_changes(deps: &Deps, user: UserId, after: Rev, limit: usize) -> StoreResult<CatchUp> {
    let page = deps.stores.conversations.user_changes(user, after, limit).await?;
    if after > page.head {
        return Ok(CatchUp::Lost { head: page.head });
    }
    let rev = page.changes.last().map_or(page.head, |change| change.rev);
    let more = rev < page.head;
    let changes = present_state(deps, user, &page.changes).await?;
    Ok(CatchUp::Page(ChangePage { changes, rev, more, receipts: Vec::new() }))
}

/// The topics' present state, as the events that tell of it.
async fn present_state(deps: &Deps, user: UserId, changes: &[UserChange]) -> StoreResult<Vec<Change>> {
    let ids: Vec<ConversationId> = changes.iter().filter_map(|change| conversation_of(change.topic)).collect();
    let entries = deps.stores.conversations.find_many(&ids, user).await?;
    let entries: HashMap<ConversationId, InboxEntry> =
        entries.into_iter().map(|entry| (entry.conversation.id, entry)).collect();
    let mut events = Vec::with_capacity(changes.len());
    for change in changes {
        let event = match change.topic {
            UserTopic::Profile => deps.stores.users.find(user).await?.map(|me| own_profile(deps, me)),
            UserTopic::Read(id) => {
                entries.get(&id).map(|entry| Event::ReceiptUpdated(own_receipt(&entry.conversation, &entry.me)))
            }
            UserTopic::Conversation(id) => match entries.get(&id) {
                Some(entry) => conversation_created(deps, entry.clone(), user).await?,
                None => None,
            },
        };
        // What is gone since needs no telling.
        events.extend(event.map(|event| Change { stream: StreamId::User(user), rev: change.rev, event }));
    }
    Ok(events)
}

fn conversation_of(topic: UserTopic) -> Option<ConversationId> {
    match topic {
        UserTopic::Conversation(id) | UserTopic::Read(id) => Some(id),
        UserTopic::Profile => None,
    }
}

fn own_profile(deps: &Deps, me: parlor_domain::User) -> Event {
    Event::UserUpdated(Box::new(deps.own_view(me)))
}

/// How far a member has read, for his own devices.
pub(crate) fn own_receipt(conversation: &Conversation, me: &Member) -> ReceiptView {
    let receipt = receipt_view(conversation.id, me);
    ReceiptView { read_seq: me.read_seq, unread: Some(unread(conversation, me)), ..receipt }
}

/// The event that tells a member of a conversation that is new to him.
pub(crate) async fn conversation_created(deps: &Deps, entry: InboxEntry, user: UserId) -> StoreResult<Option<Event>> {
    let views = deps.conversation_views(vec![entry], user).await?;
    Ok(views.into_iter().next().map(|view| Event::ConversationCreated(Box::new(view))))
}
