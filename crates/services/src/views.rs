//! What a certain reader gets to see, and who is told.

use std::collections::HashMap;

use parlor_domain::{
    ConversationId, ConversationView, Delivery, Event, Member, Message, MessageView, Presence, PresenceView,
    ReceiptView, Status, StatusKind, Timestamp, User, UserId, UserView,
    store::{InboxEntry, StoreResult},
};
use tokio::try_join;
use tracing::warn;

use crate::{Deps, ServiceError, ServiceResult, reach::Blocks};

impl Deps {
    /// A user as `viewer`, whose blocks these are, sees him: who blocks the viewer shows no more than the name, and
    /// neither of two shows the other what he does.
    pub(crate) fn user_view(&self, user: User, viewer: UserId, blocks: &Blocks) -> UserView {
        if user.id == viewer {
            return self.own_view(user);
        }
        let PresenceView { presence, status, .. } = self.presence_for(&user, blocks);
        let user = if blocks.hides(user.id) { user.name_alone() } else { user };
        UserView { presence, status, own: false, user, relation: None }
    }

    /// What the one whose blocks these are may know of another one's presence and status.
    pub(crate) fn presence_for(&self, user: &User, blocks: &Blocks) -> PresenceView {
        if blocks.part(user.id) {
            return PresenceView { user_id: user.id, presence: Presence::default(), status: Status::default() };
        }
        self.public_presence(user, self.hub.is_online(user.id))
    }

    /// A user as he sees himself.
    pub(crate) fn own_view(&self, user: User) -> UserView {
        let status = user.status.at(self.clock.now());
        let online = self.hub.is_online(user.id);
        let presence = Presence { online, last_seen_at: self.last_seen(&user, &status).filter(|_| !online) };
        UserView { presence, status, own: true, user, relation: None }
    }

    /// What others may know of a user's presence and status, if the server sees him online or not.
    pub(crate) fn public_presence(&self, user: &User, online: bool) -> PresenceView {
        let status = user.status.at(self.clock.now());
        let online = online && status.kind != StatusKind::Invisible && user.deleted_at.is_none();
        let last_seen_at = self.last_seen(user, &status).filter(|_| !online && user.settings.show_last_seen);
        PresenceView { user_id: user.id, presence: Presence { online, last_seen_at }, status: status.public() }
    }

    /// When a user was seen the last time. Who has just gone was seen later than the store knows.
    fn last_seen(&self, user: &User, status: &Status) -> Option<Timestamp> {
        let gone = self.hub.vacant_since(user.id).filter(|_| status.kind != StatusKind::Invisible);
        user.last_seen_at.max(gone)
    }

    /// Users as `viewer` sees them, by their ids.
    pub(crate) async fn user_views(&self, ids: &[UserId], viewer: UserId) -> StoreResult<HashMap<UserId, UserView>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let (users, blocks) = try_join!(self.stores.users.find_many(ids), self.blocks_of(viewer))?;
        Ok(users.into_iter().map(|user| (user.id, self.user_view(user, viewer, &blocks))).collect())
    }

    /// Conversations as `viewer`, a member of them all, sees them.
    pub(crate) async fn conversation_views(
        &self,
        entries: Vec<InboxEntry>,
        viewer: UserId,
    ) -> StoreResult<Vec<ConversationView>> {
        let others: Vec<UserId> = entries.iter().filter_map(|entry| Some(entry.other.as_ref()?.user_id)).collect();
        let users = self.user_views(&others, viewer).await?;
        let view = |entry: InboxEntry| {
            let other = entry.other.as_ref().and_then(|member| users.get(&member.user_id)).cloned();
            self.conversation_view(entry, other, viewer)
        };
        let mut views: Vec<ConversationView> = entries.into_iter().map(view).collect();
        self.quote(views.iter_mut().filter_map(|view| view.last_message.as_mut())).await?;
        Ok(views)
    }

    /// A conversation as `viewer` sees it; `NotFound` if he is not in it.
    pub(crate) async fn conversation_for(&self, viewer: UserId, id: ConversationId) -> ServiceResult<ConversationView> {
        let entry = self.stores.conversations.find(id, viewer).await?;
        let views = self.conversation_views(entry.into_iter().collect(), viewer).await?;
        views.into_iter().next().ok_or(ServiceError::NotFound("conversation"))
    }

    /// Pushes a passing state of a user to all connected users who share a conversation with him, but not between two
    /// of whom one blocks the other. What it tells of has happened whether they learn of it or not, so a failure is only logged.
    pub(crate) async fn tell_contacts(&self, user: UserId, event: Event) {
        if let Err(error) = self.try_to_tell_contacts(user, event).await {
            warn!(%user, error = &error as &dyn std::error::Error, "contacts were not told");
        }
    }

    async fn try_to_tell_contacts(&self, user: UserId, event: Event) -> StoreResult<()> {
        let conversations = self.conversations_of(user).await?;
        let blocks = self.blocks_of(user).await?;
        self.hub.announce_to_contacts(user, &conversations, blocks.either(), event);
        Ok(())
    }

    /// The conversations that a user is in. Of one who is connected the hub knows them.
    pub(crate) async fn conversations_of(&self, user: UserId) -> StoreResult<Vec<ConversationId>> {
        if let Some(conversations) = self.hub.conversations_of(user) {
            return Ok(conversations);
        }
        let heads = self.stores.conversations.heads(user).await?;
        Ok(heads.iter().map(|head| head.conversation).collect())
    }

    pub(crate) fn conversation_view(
        &self,
        entry: InboxEntry,
        other: Option<UserView>,
        viewer: UserId,
    ) -> ConversationView {
        let told = entry.other.iter().chain(&entry.others);
        let mut me = entry.me;
        // What has ended is not in force.
        me.settings.muted_until = me.settings.muted_until.filter(|until| *until > self.clock.now());
        let last_message = entry.last_message.map(|message| message_view(message, viewer, entry.other.as_ref()));
        ConversationView {
            unread: entry.unread,
            receipts: told.map(|member| receipt_view(entry.conversation.id, member)).collect(),
            conversation: entry.conversation,
            me,
            other,
            last_message,
        }
    }
}

/// A member's position as the other members see it.
pub(crate) fn receipt_view(conversation_id: ConversationId, member: &Member) -> ReceiptView {
    ReceiptView {
        conversation_id,
        user_id: member.user_id,
        read_seq: member.read_receipt_seq,
        delivered_seq: member.delivered_seq,
        unread: None,
    }
}

/// A message as `viewer` sees it; `other` is the other member of a direct conversation.
pub(crate) fn message_view(message: Message, viewer: UserId, other: Option<&Member>) -> MessageView {
    let delivery = other.filter(|_| message.sender_id == viewer).map(|other| delivery(&message, other));
    MessageView { message, delivery, quote: None }
}

/// How far a message has come on its way to the other member.
pub(crate) fn delivery(message: &Message, other: &Member) -> Delivery {
    if other.read_receipt_seq >= message.seq {
        Delivery::Read
    } else if other.delivered_seq >= message.seq {
        Delivery::Delivered
    } else if other.held_from.is_some_and(|from| message.created_rev > from) {
        Delivery::Held
    } else {
        Delivery::Sent
    }
}
