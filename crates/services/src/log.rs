//! The stored log behind the streams, read as the hub and a resuming client need it.

use std::{
    collections::{HashMap, HashSet},
    sync::Weak,
};

use async_trait::async_trait;
use parlor_domain::{
    BlockView, Change, ConversationId, ConversationView, Event, FriendRequestId, FriendRequestView, Member, Message,
    MessageView, ReceiptView, RequestState, Rev, StreamId, TieKind, TieView, Unread, UserChange, UserId, UserTopic,
    store::{InboxEntry, StoreError, StoreResult},
};
use parlor_realtime::{CatchUp, ChangeLog, ChangePage};
use tracing::warn;

use crate::{
    Deps,
    views::{delivery, receipt_view},
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
    deps.follow(id, &page.messages).await?;
    let members = deps.stores.conversations.told_members(id).await?;
    let receipts = members.iter().filter(|_| !more).map(|member| receipt_view(id, member)).collect();
    let mut views: Vec<MessageView> =
        page.messages.into_iter().map(|message| everyones_view(message, &members)).collect();
    deps.quote(views.iter_mut()).await?;
    let stream = StreamId::Conversation(id);
    let change = |view: MessageView| {
        let rev = view.message.rev;
        Change { stream, rev, event: Event::of_message(view, after) }
    };
    let changes = views.into_iter().map(change).collect();
    Ok(CatchUp::Page(ChangePage { changes, rev, more, receipts }))
}

/// A message on its way to all members; how far it has come is for its sender to see, and writers of frames leave it out
/// for others.
fn everyones_view(message: Message, members: &[Member]) -> MessageView {
    let other = Member::other_than(members, message.sender_id);
    let delivery = other.map(|other| delivery(&message, other));
    MessageView { message, delivery, quote: None }
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

/// Tells a user's devices of a change of his own stream.
pub(crate) async fn tell_own(deps: &Deps, user: UserId, change: UserChange) {
    match present_state(deps, user, &[change]).await {
        Ok(events) => events.into_iter().for_each(|event| deps.hub.publish(event)),
        Err(error) => {
            warn!(%user, error = &error as &dyn std::error::Error, "a user's devices were not told of a change yet");
        }
    }
    // If there was nothing to tell, the stream has come on all the same.
    deps.hub.reconcile(&[(StreamId::User(user), change.rev)]);
}

/// The topics' present state, as the events that tell of it.
async fn present_state(deps: &Deps, user: UserId, changes: &[UserChange]) -> StoreResult<Vec<Change>> {
    let ids: Vec<ConversationId> = changes.iter().filter_map(|change| conversation_of(change.topic)).collect();
    let entries = if ids.is_empty() { Vec::new() } else { deps.stores.conversations.find_many(&ids, user).await? };
    let entries: HashMap<ConversationId, InboxEntry> =
        entries.into_iter().map(|entry| (entry.conversation.id, entry)).collect();
    let mut relations = Relations::of(deps, user, changes).await?;
    let mut events = Vec::with_capacity(changes.len());
    for change in changes {
        if let UserTopic::Conversation(id) = change.topic {
            deps.follow_one(id, user, entries.contains_key(&id)).await?;
        }
        let event = match change.topic {
            UserTopic::Profile => deps.stores.users.find(user).await?.map(|me| own_profile(deps, me)),
            UserTopic::Read(id) => {
                entries.get(&id).map(|entry| Event::ReceiptUpdated(own_receipt(id, &entry.me, entry.unread)))
            }
            UserTopic::Conversation(id) => match entries.get(&id) {
                Some(entry) => conversation_created(deps, entry.clone(), user).await?,
                None => Some(Event::ConversationDeleted(id)),
            },
            UserTopic::Settings(id) => match entries.get(&id) {
                Some(entry) => conversation_view(deps, entry.clone(), user).await?.map(Event::ConversationUpdated),
                None => None,
            },
            UserTopic::FriendRequest(id) => relations.requests.remove(&id).map(request_event),
            UserTopic::Friend(id) => Some(match relations.friends.remove(&id) {
                Some(friend) => Event::FriendAdded(Box::new(friend)),
                None => Event::FriendRemoved(id),
            }),
            UserTopic::Block(id) => {
                Some(Event::BlockUpdated(BlockView { user_id: id, blocked: relations.blocked.contains(&id) }))
            }
        };
        // What is gone since needs no telling.
        events.extend(event.map(|event| Change { stream: StreamId::User(user), rev: change.rev, event }));
    }
    Ok(events)
}

fn conversation_of(topic: UserTopic) -> Option<ConversationId> {
    match topic {
        UserTopic::Conversation(id) | UserTopic::Settings(id) | UserTopic::Read(id) => Some(id),
        UserTopic::Profile | UserTopic::FriendRequest(_) | UserTopic::Friend(_) | UserTopic::Block(_) => None,
    }
}

/// What somebody is to others at present.
#[derive(Default)]
struct Relations {
    requests: HashMap<FriendRequestId, FriendRequestView>,
    friends: HashMap<UserId, TieView>,
    blocked: HashSet<UserId>,
}

impl Relations {
    /// As far as changes are about it.
    async fn of(deps: &Deps, user: UserId, changes: &[UserChange]) -> StoreResult<Self> {
        let (mut requests, mut others) = (Vec::new(), Vec::new());
        for change in changes {
            match change.topic {
                UserTopic::FriendRequest(id) => requests.push(id),
                UserTopic::Friend(id) | UserTopic::Block(id) => others.push(id),
                UserTopic::Conversation(_) | UserTopic::Settings(_) | UserTopic::Read(_) | UserTopic::Profile => {}
            }
        }
        let mut relations = Self::default();
        if !requests.is_empty() {
            let requests = deps.stores.relations.requests_of(&requests).await?;
            let views = deps.request_views(requests, user).await?;
            relations.requests = views.into_iter().map(|view| (view.request.id, view)).collect();
        }
        if !others.is_empty() {
            let ties = deps.stores.relations.ties_to(user, &others).await?;
            let (friends, blocks): (Vec<_>, Vec<_>) = ties.into_iter().partition(|tie| tie.kind == TieKind::Friend);
            let friends = deps.tie_views(&friends, user).await?;
            relations.friends = friends.into_iter().map(|friend| (friend.user.user.id, friend)).collect();
            relations.blocked = blocks.into_iter().map(|tie| tie.other).collect();
        }
        Ok(relations)
    }
}

/// The event that tells one of the two of a friend request.
fn request_event(view: FriendRequestView) -> Event {
    match view.request.state {
        RequestState::Pending => Event::FriendRequestCreated(Box::new(view)),
        RequestState::Accepted | RequestState::Rejected | RequestState::Cancelled => {
            Event::FriendRequestUpdated(Box::new(view))
        }
    }
}

fn own_profile(deps: &Deps, me: parlor_domain::User) -> Event {
    Event::UserUpdated(Box::new(deps.own_view(me)))
}

/// How far a member has read, for his own devices. What he has read has arrived, whether others are told of it or not.
pub(crate) fn own_receipt(conversation: ConversationId, me: &Member, unread: Unread) -> ReceiptView {
    let delivered_seq = me.delivered_seq.max(me.read_seq);
    ReceiptView { read_seq: me.read_seq, delivered_seq, unread: Some(unread), ..receipt_view(conversation, me) }
}

/// The event that tells a member of a conversation that is new to him.
pub(crate) async fn conversation_created(deps: &Deps, entry: InboxEntry, user: UserId) -> StoreResult<Option<Event>> {
    Ok(conversation_view(deps, entry, user).await?.map(Event::ConversationCreated))
}

async fn conversation_view(deps: &Deps, entry: InboxEntry, user: UserId) -> StoreResult<Option<Box<ConversationView>>> {
    Ok(deps.conversation_views(vec![entry], user).await?.into_iter().next().map(Box::new))
}
