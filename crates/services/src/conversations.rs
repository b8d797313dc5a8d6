//! Opening and listing conversations, receipts, typing.

use std::sync::Arc;

use parlor_domain::{
    Change, ConversationId, ConversationKind, ConversationView, Event, InvalidValue, MemberSettingsChange, ReceiptKind,
    ReceiptView, Rev, Seq, StatusKind, StreamId, Timestamp, UnreadTotals, UserId,
    store::{Inbox, InboxEntry, NewDirect, OpenedDirect, ReceiptAdvance, ReceiptOutcome, SettingsSet, StoreResult},
};
use tracing::warn;

use crate::{
    Caller, Deps, Page, ServiceError, ServiceResult, detached,
    log::{conversation_created, own_receipt},
    reach::Verdict,
    relations::refuse_self,
    views::receipt_view,
};

/// Opens and lists conversations, and passes receipts and typing on.
pub struct ConversationService {
    deps: Arc<Deps>,
}

/// Where a page of the inbox begins: after this conversation.
pub type InboxCursor = (Timestamp, ConversationId);

/// What came of opening a conversation.
#[derive(Clone, Debug)]
pub struct OpenedConversation {
    /// The conversation.
    pub view: ConversationView,
    /// Whether it was made now.
    pub created: bool,
}

impl ConversationService {
    pub(crate) fn new(deps: Arc<Deps>) -> Self {
        Self { deps }
    }

    /// The direct conversation of the caller and another user, made if there is none.
    ///
    /// # Errors
    /// `Invalid` for oneself, `NotFound` for an unknown or deleted user, `Blocking`, `NotAllowedToWrite`, `RateLimited`,
    /// `Store`.
    pub async fn open_direct(&self, caller: Caller, other: UserId) -> ServiceResult<OpenedConversation> {
        self.deps.limits.conversation(caller.user)?;
        refuse_self(caller, other)?;
        match self.deps.may_write(caller.user, other).await? {
            Verdict::Allowed => {}
            Verdict::Unknown => return Err(ServiceError::NotFound("user")),
            Verdict::Blocking => return Err(ServiceError::Blocking),
            Verdict::Unwanted => return Err(ServiceError::NotAllowedToWrite),
        }
        let new = NewDirect {
            id: ConversationId::generate(&*self.deps.clock, &*self.deps.entropy),
            opener: caller.user,
            other,
            now: self.deps.clock.now(),
        };
        let deps = Arc::clone(&self.deps);
        let opened = detached(async move {
            let opened = deps.stores.conversations.open_direct(&new).await?;
            tell_members(&deps, &opened).await;
            Ok(opened)
        })
        .await?;
        let view = self.find(caller, opened.id).await?;
        Ok(OpenedConversation { view, created: opened.created.is_some() })
    }

    /// A page of the caller's conversations, the newest activity first, without those that he hides; only those that
    /// he has put away or has not, if that is asked for.
    ///
    /// # Errors
    /// `Store`.
    pub async fn inbox(
        &self,
        caller: Caller,
        archived: Option<bool>,
        after: Option<InboxCursor>,
        limit: usize,
    ) -> ServiceResult<Page<ConversationView, InboxCursor>> {
        let inbox = Inbox { user: caller.user, after, archived, limit: limit + 1 };
        let entries = self.deps.stores.conversations.inbox(&inbox).await?;
        let Page { items, next } =
            Page::cut(entries, limit, |entry: &InboxEntry| (entry.conversation.updated_at, entry.conversation.id));
        Ok(Page { items: self.deps.conversation_views(items, caller.user).await?, next })
    }

    /// What the caller has not read in all his conversations.
    ///
    /// # Errors
    /// `Store`.
    pub async fn unread(&self, caller: Caller) -> ServiceResult<UnreadTotals> {
        Ok(self.deps.stores.conversations.unread_totals(caller.user, self.deps.clock.now()).await?)
    }

    /// One of the caller's conversations.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn find(&self, caller: Caller, id: ConversationId) -> ServiceResult<ConversationView> {
        self.deps.conversation_for(caller.user, id).await
    }

    /// Moves one of the caller's positions forward, and tells the caller's other devices and, if they may know,
    /// the other members. Gives the caller's own view of the position.
    ///
    /// # Errors
    /// `NotFound`, `SeqBeyondLast`, `RateLimited`, `Store`.
    pub async fn advance_receipt(
        &self,
        caller: Caller,
        conversation: ConversationId,
        kind: ReceiptKind,
        seq: Seq,
    ) -> ServiceResult<ReceiptView> {
        self.deps.limits.signal(caller.user)?;
        let deps = Arc::clone(&self.deps);
        detached(async move {
            let Shown { delivered, read } = shown(&deps, caller.user, conversation).await?;
            let user = caller.user;
            let advance = |kind, shown| ReceiptAdvance { conversation, user, kind, seq, shown };
            if kind == ReceiptKind::Read && delivered && !read {
                // What is read has arrived, which may be told.
                let arrived = advance(ReceiptKind::Delivered, true);
                tell_of_receipt(&deps, deps.stores.conversations.advance_receipt(&arrived).await?)?;
            }
            let shown = if kind == ReceiptKind::Read { read } else { delivered };
            let outcome = deps.stores.conversations.advance_receipt(&advance(kind, shown)).await?;
            tell_of_receipt(&deps, outcome)
        })
        .await
    }

    /// Changes how the caller sees a conversation, and tells his devices.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for an end that is not in the future, `RateLimited`, `Store`.
    pub async fn set_settings(
        &self,
        caller: Caller,
        id: ConversationId,
        change: MemberSettingsChange,
    ) -> ServiceResult<ConversationView> {
        self.deps.limits.signal(caller.user)?;
        if change.muted_until.flatten().is_some_and(|until| until <= self.deps.clock.now()) {
            let reason = InvalidValue::new("in_the_past", "must be in the future");
            return Err(ServiceError::Invalid { field: "mutedUntil", reason });
        }
        let deps = Arc::clone(&self.deps);
        detached(async move {
            let set = deps.stores.conversations.set_settings(id, caller.user, &change).await?;
            let SettingsSet { entry, own_rev } = set.ok_or(ServiceError::NotFound("conversation"))?;
            let views = deps.conversation_views(vec![entry], caller.user).await?;
            let view = views.into_iter().next().ok_or(ServiceError::NotFound("conversation"))?;
            if let Some(rev) = own_rev {
                let event = Event::ConversationUpdated(Box::new(view.clone()));
                deps.hub.publish(Change { stream: StreamId::User(caller.user), rev, event });
            }
            Ok(view)
        })
        .await
    }

    /// Tells the other members that the caller writes, or no longer does. Nobody is told of an invisible user's, nor
    /// who does not let the caller write.
    ///
    /// # Errors
    /// `NotFound`, `RateLimited`, `Store`.
    pub async fn set_typing(&self, caller: Caller, id: ConversationId, typing: bool) -> ServiceResult<()> {
        self.deps.limits.signal(caller.user)?;
        let verdict = match self.deps.other_in(id, caller.user).await? {
            Some(other) => self.deps.may_write(caller.user, other).await?,
            // In a direct conversation one stays.
            None => {
                let me = self.deps.stores.conversations.member(id, caller.user).await?;
                me.map(|_| Verdict::Allowed).ok_or(ServiceError::NotFound("conversation"))?
            }
        };
        // Typing is a sign of life like an arrival.
        if verdict == Verdict::Allowed && shown(&self.deps, caller.user, id).await?.delivered {
            let event = Event::Typing { conversation_id: id, user_id: caller.user, typing };
            let blocks = self.deps.blocks_of(caller.user).await?;
            self.deps.hub.announce(id, event, blocks.either().iter().copied().chain([caller.user]));
        }
        Ok(())
    }
}

/// Makes the members of a new conversation listen to it, and tells them of it. If telling fails, the hub reads it
/// from the log.
async fn tell_members(deps: &Deps, opened: &OpenedDirect) {
    let created = opened.created.into_iter().flatten();
    for (user, rev) in created {
        let told = tell_member(deps, opened.id, user, rev).await;
        deps.hub.reconcile(&[(StreamId::User(user), rev)]);
        deps.hub.join(user, opened.id, Rev::ZERO, rev);
        let told = match told {
            // What was written since may have been told before anybody listened.
            Ok(()) => deps.reconcile(opened.id).await,
            failed => failed,
        };
        if let Err(error) = told {
            warn!(%user, error = &error as &dyn std::error::Error, "a member was not told of a conversation yet");
        }
    }
}

async fn tell_member(deps: &Deps, id: ConversationId, user: UserId, rev: Rev) -> StoreResult<()> {
    let Some(entry) = deps.stores.conversations.find(id, user).await? else { return Ok(()) };
    if let Some(event) = conversation_created(deps, entry, user).await? {
        deps.hub.publish(Change { stream: StreamId::User(user), rev, event });
    }
    Ok(())
}

fn tell_of_receipt(deps: &Deps, outcome: ReceiptOutcome) -> ServiceResult<ReceiptView> {
    let (me, conversation, unread, own_rev, shown) = match outcome {
        ReceiptOutcome::NotAMember => return Err(ServiceError::NotFound("conversation")),
        ReceiptOutcome::Beyond(last) => return Err(ServiceError::SeqBeyondLast(last)),
        ReceiptOutcome::Advanced { member, conversation, unread, own_rev, shown } => {
            (member, conversation, unread, own_rev, shown)
        }
    };
    // In large communities everybody would be told of everybody.
    let is_told = conversation.kind != ConversationKind::Channel && conversation.kind != ConversationKind::Community
        || conversation.member_count <= InboxEntry::POSITIONS_TOLD;
    if shown && is_told {
        let event = Event::ReceiptUpdated(receipt_view(conversation.id, &me));
        deps.hub.announce(conversation.id, event, Some(me.user_id));
    }
    let user = me.user_id;
    let receipt = own_receipt(conversation.id, &me, unread);
    if let Some(rev) = own_rev {
        deps.hub.publish(Change { stream: StreamId::User(user), rev, event: Event::ReceiptUpdated(receipt) });
    }
    Ok(receipt)
}

/// What others are told of how far a user has come: nothing while he is invisible or one of the two blocks the other,
/// and what he reads only if he wants it.
struct Shown {
    delivered: bool,
    read: bool,
}

async fn shown(deps: &Deps, id: UserId, conversation: ConversationId) -> StoreResult<Shown> {
    let user = deps.stores.users.find(id).await?;
    let apart = match deps.other_in(conversation, id).await? {
        Some(other) => deps.blocks_of(id).await?.part(other),
        None => false,
    };
    let now = deps.clock.now();
    let visible = !apart && user.as_ref().is_some_and(|user| user.status.at(now).kind != StatusKind::Invisible);
    Ok(Shown { delivered: visible, read: visible && user.is_some_and(|user| user.settings.read_receipts) })
}
