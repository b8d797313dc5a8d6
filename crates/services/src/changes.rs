//! Changing messages, and reading what belongs to their changes. Who may do what stands in
//! [`parlor_domain::MessageChange`].

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parlor_domain::{
    Change, ConversationId, Emoji, Event, Excerpt, Member, Mentions, Message, MessageAction, MessageChange, MessageId,
    MessageRefusal, MessageView, Rev, Seq, StreamId, UserId, UserReaction, Version,
    store::{ChangeOutcome, StoreResult},
};

use crate::{
    Caller, Deps, MessageService, Page, ServiceError, ServiceResult, detached, reach::Verdict, views::message_view,
};

/// What a caller without a message gets, whatever is the matter.
const NO_MESSAGE: ServiceError = ServiceError::NotFound("message");

impl MessageService {
    /// Changes a message. When this returns, that is stored for good, and pushed to whoever listens. Gives the message as
    /// it is then.
    ///
    /// # Errors
    /// `NotFound` if the caller is not in the conversation or the message is not there, `NotPermitted`,
    /// `MessageDeleted`, `LimitReached`, `NotAllowedToWrite`, `Blocking`, `RecipientDeleted`, `RateLimited`, `Store`.
    pub async fn change(
        &self,
        caller: Caller,
        conversation: ConversationId,
        message: MessageId,
        action: MessageAction,
    ) -> ServiceResult<MessageView> {
        match action {
            MessageAction::Edit { .. } => self.deps.limits.message(caller.user)?,
            MessageAction::Delete
            | MessageAction::React(_)
            | MessageAction::Unreact(_)
            | MessageAction::Pin
            | MessageAction::Unpin => self.deps.limits.signal(caller.user)?,
        };
        let (by, now, mentions) = (caller.user, self.deps.clock.now(), Mentions::default());
        let mut change = MessageChange { conversation, message, by, action, mentions, now };
        let deps = Arc::clone(&self.deps);
        detached(async move {
            may_change(&deps, &change).await?;
            if let MessageAction::Edit { text, .. } = &change.action {
                change.mentions = deps.mentions(by, conversation, text).await?;
            }
            make(&deps, &change).await
        })
        .await
    }

    /// A message.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn find(&self, caller: Caller, at: (ConversationId, MessageId)) -> ServiceResult<MessageView> {
        let (other, message) = self.deps.readable(caller.user, at).await?;
        let view = message_view(message, caller.user, other.as_ref());
        Ok(self.deps.quoted(view).await?)
    }

    /// What a message has said before, the oldest first: at most `limit` versions after a revision, of which texts and
    /// metadata together have at most
    /// [`PAGE_BYTES`](parlor_domain::store::PAGE_BYTES).
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn versions(
        &self,
        caller: Caller,
        at: (ConversationId, MessageId),
        after: Rev,
        limit: usize,
    ) -> ServiceResult<Page<Version, Rev>> {
        let (_, message) = self.deps.readable(caller.user, at).await?;
        let found = self.deps.stores.messages.versions(message.id, after, limit + 1).await?;
        Ok(Page::cut_by_size(found, limit, Version::size, |version| version.rev))
    }

    /// Who has reacted to a message with an emoji, the first first: at most `limit` of those after a revision.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn reactions(
        &self,
        caller: Caller,
        at: (ConversationId, MessageId),
        emoji: &Emoji,
        (after, limit): (Rev, usize),
    ) -> ServiceResult<Page<UserReaction, Rev>> {
        let (_, message) = self.deps.readable(caller.user, at).await?;
        let found = self.deps.stores.messages.reactions(message.id, emoji, after, limit + 1).await?;
        Ok(Page::cut(found, limit, |reaction: &UserReaction| reaction.rev))
    }

    /// The pinned messages of a conversation, the newest first: at most `limit` of those before a place, and before which
    /// place the next page begins.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn pins(
        &self,
        caller: Caller,
        conversation: ConversationId,
        before: Option<Seq>,
        limit: usize,
    ) -> ServiceResult<Page<MessageView, Seq>> {
        let other = self.deps.other_member(caller.user, conversation).await?;
        let found = self.deps.stores.messages.pins(conversation, before, limit + 1).await?;
        let Page { items, next } = Page::cut_by_size(found, limit, Message::size, |message| message.seq);
        let view = |message| message_view(message, caller.user, other.as_ref());
        let mut items: Vec<_> = items.into_iter().map(view).collect();
        self.deps.quote(items.iter_mut()).await?;
        Ok(Page { items, next })
    }
}

impl Deps {
    /// A message, and in a direct conversation the other member, for a member.
    pub(crate) async fn readable(
        &self,
        reader: UserId,
        (conversation, message): (ConversationId, MessageId),
    ) -> ServiceResult<(Option<Member>, Message)> {
        let other = match self.other_member(reader, conversation).await {
            Err(ServiceError::NotFound(_)) => return Err(NO_MESSAGE),
            other => other?,
        };
        let found = self.stores.messages.find_many(&[message]).await?.pop();
        let message = found.filter(|message| message.conversation_id == conversation);
        Ok((other, message.ok_or(NO_MESSAGE)?))
    }

    /// A view with the beginning of the message that it answers.
    pub(crate) async fn quoted(&self, mut view: MessageView) -> StoreResult<MessageView> {
        self.quote(std::iter::once(&mut view)).await?;
        Ok(view)
    }

    /// Puts into each of these the beginning of the message that it answers, unless that is deleted. Where there are no
    /// answers, nothing is read.
    pub(crate) async fn quote<'a>(&self, views: impl Iterator<Item = &'a mut MessageView>) -> StoreResult<()> {
        let reply = |view: &MessageView| view.message.marks.reply_to;
        let answers: Vec<_> = views.filter(|view| reply(view).is_some()).collect();
        let ids: HashSet<MessageId> = answers.iter().filter_map(|view| Some(reply(view)?.message)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let found = self.stores.messages.excerpts(&ids.into_iter().collect::<Vec<_>>()).await?;
        let excerpts: HashMap<MessageId, Option<String>> =
            found.into_iter().map(|Excerpt { message, text }| (message, text)).collect();
        for view in answers {
            view.quote = reply(view).and_then(|reply| excerpts.get(&reply.message).cloned().flatten());
        }
        Ok(())
    }
}

async fn make(deps: &Deps, change: &MessageChange) -> ServiceResult<MessageView> {
    let outcome = deps.stores.messages.change(change).await;
    if outcome.is_err() {
        // It may have happened, or happen yet: whoever listens is told as soon as it shows.
        let _turn = deps.group_turns.of(change.conversation.as_bytes()).lock().await;
        deps.doubt(change.conversation, &[]).await;
    }
    match outcome? {
        ChangeOutcome::Changed(message) => {
            deps.indexer.note(message.conversation_id);
            let told = tell(deps, change.by, &message).await;
            if told.is_err() {
                reconcile(deps, &message);
            }
            Ok(told?)
        }
        ChangeOutcome::Unchanged(message) => {
            // The first attempt may have ended without an answer and without a push.
            reconcile(deps, &message);
            let other = deps.other_of(change.by, change.conversation).await?;
            let view = message_view(*message, change.by, other.as_ref());
            Ok(deps.quoted(view).await?)
        }
        ChangeOutcome::Refused(refusal) => Err(refused(refusal)),
    }
}

fn reconcile(deps: &Deps, message: &Message) {
    deps.hub.reconcile(&[(StreamId::Conversation(message.conversation_id), message.rev)]);
}

fn refused(refusal: MessageRefusal) -> ServiceError {
    match refusal {
        MessageRefusal::NotFound => NO_MESSAGE,
        MessageRefusal::NotPermitted => ServiceError::NotPermitted,
        MessageRefusal::Deleted => ServiceError::MessageDeleted,
        MessageRefusal::TooManyReactions => ServiceError::LimitReached("the message has as many emoji as it may have"),
        MessageRefusal::TooManyPins => ServiceError::LimitReached("the conversation has as many pins as it may have"),
    }
}

/// Who may not write in a direct conversation may take back what is his, and nothing else. In a group nobody reacts to
/// what those have written whom a block parts him from.
async fn may_change(deps: &Deps, change: &MessageChange) -> ServiceResult<()> {
    let says_something = match change.action {
        MessageAction::Edit { .. } | MessageAction::React(_) | MessageAction::Pin => true,
        MessageAction::Delete | MessageAction::Unreact(_) | MessageAction::Unpin => false,
    };
    if !says_something {
        return Ok(());
    }
    if let Some(other) = deps.other_in(change.conversation, change.by).await? {
        return match deps.may_write(change.by, other).await? {
            Verdict::Allowed => Ok(()),
            Verdict::Unknown => Err(ServiceError::RecipientDeleted),
            Verdict::Blocking => Err(ServiceError::Blocking),
            Verdict::Unwanted => Err(ServiceError::NotAllowedToWrite),
        };
    }
    if change.emoji().is_some() {
        let (_, message) = deps.readable(change.by, (change.conversation, change.message)).await?;
        let blocks = deps.blocks_of(change.by).await?;
        if blocks.hides(message.sender_id) {
            return Err(ServiceError::NotAllowedToWrite);
        }
        if blocks.part(message.sender_id) {
            return Err(ServiceError::Blocking);
        }
    }
    Ok(())
}

/// Pushes a changed message, and gives it as the one who has changed it sees it.
async fn tell(deps: &Deps, by: UserId, message: &Message) -> StoreResult<MessageView> {
    // How far it has come is for its sender to see; writers of frames leave it out for others.
    let other = deps.other_of(message.sender_id, message.conversation_id).await?;
    let view = deps.quoted(message_view(message.clone(), message.sender_id, other.as_ref())).await?;
    deps.hub.publish(Change {
        stream: StreamId::Conversation(message.conversation_id),
        rev: message.rev,
        event: Event::of_message(view.clone(), message.rev.previous()),
    });
    Ok(MessageView { delivery: view.delivery.filter(|_| message.sender_id == by), ..view })
}
