//! Sending and reading messages.

use std::sync::Arc;

use parlor_domain::{
    Change, ClientMessageId, Content, ConversationId, Delivery, Event, Fingerprint, Forward, Forwarded, InvalidValue,
    Member, Mentions, Message, MessageId, MessageText, MessageView, Metadata, NewMessage, ReplyTo, SendKey, Seq, Shape,
    StreamId, Timestamp, UserId,
    store::{AppendOutcome, PAGE_BYTES, StoreResult, Window},
};
use tokio::join;
use tracing::warn;

use crate::{Budget, Caller, Deps, ServiceError, ServiceResult, detached, reach::Verdict, views::message_view};

/// How many messages are read at most before it is known whether the caller may have them.
const READ_UNASKED: usize = 100;

/// Sends and reads messages.
pub struct MessageService {
    pub(crate) deps: Arc<Deps>,
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct SendMessage {
    /// Where to.
    pub conversation: ConversationId,
    /// What it says.
    pub body: MessageBody,
    /// The name that makes a repeat harmless.
    pub client_message_id: Option<ClientMessageId>,
}

/// What a message to send says.
#[derive(Clone, Debug)]
pub enum MessageBody {
    /// What its sender writes.
    Text {
        /// The text.
        text: MessageText,
        /// What the front end keeps with it.
        metadata: Metadata,
        /// Which message of the conversation it answers.
        reply_to: Option<MessageId>,
    },
    /// What another message says that its sender can read.
    Forward {
        /// Where that is.
        conversation: ConversationId,
        /// Which one.
        message: MessageId,
    },
}

/// What came of sending.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The message, stored.
    pub message: MessageView,
    /// It had been sent before; nothing happened now.
    pub repeated: bool,
    /// What is left of the caller's limit.
    pub budget: Budget,
}

/// A part of a conversation's history.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The messages, in ascending order of `seq`.
    pub items: Vec<MessageView>,
    /// Where to go on in the same direction: before this for [`Window::Newest`] and [`Window::Before`], after this
    /// for [`Window::After`]. Absent at the end.
    pub next: Option<Seq>,
}

impl MessageService {
    pub(crate) fn new(deps: Arc<Deps>) -> Self {
        Self { deps }
    }

    /// Sends a message. When this returns, it is stored for good, and pushed to whoever listens.
    ///
    /// # Errors
    /// `NotFound` if the caller is not in the conversation, or not in that of a message to pass on; `Invalid` for a
    /// message that can't be answered or passed on; `NotAllowedToWrite`, `Blocking`, `ClientMessageIdReused`,
    /// `RecipientDeleted`, `RateLimited`, `Store`.
    pub async fn send(&self, caller: Caller, send: SendMessage) -> ServiceResult<Sent> {
        let budget = self.deps.limits.message(caller.user)?;
        let now = self.deps.clock.now();
        let deps = Arc::clone(&self.deps);
        let (message, repeated) = detached(async move { send_message(&deps, caller.user, send, now).await }).await?;
        Ok(Sent { message, repeated, budget })
    }

    /// A part of a conversation's history: at most `limit` messages, of which texts and metadata together have at most
    /// [`PAGE_BYTES`].
    ///
    /// # Errors
    /// `NotFound` if the caller is not in the conversation, `Store`.
    pub async fn history(
        &self,
        caller: Caller,
        conversation: ConversationId,
        window: Window,
        limit: usize,
    ) -> ServiceResult<HistoryPage> {
        let other = self.deps.other_member(caller.user, conversation);
        let page = self.deps.stores.messages.page(conversation, window, limit + 1);
        let (other, mut messages) = if limit > READ_UNASKED {
            (other.await?, page.await?)
        } else {
            // At the same time: almost everyone who asks is a member. Who is none, learns nothing of the page.
            let (other, page) = join!(other, page);
            (other?, page?)
        };
        let next = cut(&mut messages, window, limit);
        let view = |message| message_view(message, caller.user, other.as_ref());
        let mut items: Vec<_> = messages.into_iter().map(view).collect();
        self.deps.quote(items.iter_mut()).await?;
        Ok(HistoryPage { items, next })
    }
}

impl Deps {
    /// The other member of a direct conversation, for one of its members; nobody for a member of a group.
    pub(crate) async fn other_member(
        &self,
        reader: UserId,
        conversation: ConversationId,
    ) -> ServiceResult<Option<Member>> {
        let other = self.other_of(reader, conversation).await?;
        if other.is_some() || self.stores.conversations.member(conversation, reader).await?.is_some() {
            return Ok(other);
        }
        Err(ServiceError::NotFound("conversation"))
    }

    /// The other member of a direct conversation of this user's; nobody otherwise.
    pub(crate) async fn other_of(&self, user: UserId, conversation: ConversationId) -> StoreResult<Option<Member>> {
        if self.other_in(conversation, user).await?.is_none() {
            return Ok(None);
        }
        let members = self.stores.conversations.members(conversation).await?;
        Ok(Member::other_than(&members, user).cloned())
    }
}

/// Takes the one message too many off the far end, and says where the next page begins.
fn cut(messages: &mut Vec<Message>, window: Window, limit: usize) -> Option<Seq> {
    let bytes: usize = messages.iter().map(Message::size).sum();
    if messages.len() <= limit && bytes <= PAGE_BYTES {
        return None;
    }
    match window {
        Window::Newest | Window::Before(_) => {
            messages.remove(0);
            messages.first().map(|message| message.seq)
        }
        Window::After(_) => {
            messages.pop();
            messages.last().map(|message| message.seq)
        }
    }
}

/// What tells a repeat of a send. It takes no look at other messages: they may be gone since.
fn key_of(deps: &Deps, sender: UserId, send: &SendMessage) -> SendKey {
    let SendMessage { conversation, body, client_message_id } = send;
    SendKey {
        id: MessageId::for_send(*conversation, sender, client_message_id.as_ref(), &*deps.entropy),
        conversation_id: *conversation,
        sender_id: sender,
        client_message_id: client_message_id.clone(),
        fingerprint: match body {
            MessageBody::Text { text, metadata, reply_to } => Fingerprint::of_text(text, metadata, *reply_to),
            MessageBody::Forward { conversation, message } => Fingerprint::of_forward(*conversation, *message),
        },
    }
}

async fn send_message(
    deps: &Deps,
    sender: UserId,
    send: SendMessage,
    now: Timestamp,
) -> ServiceResult<(MessageView, bool)> {
    let key = key_of(deps, sender, &send);
    match prepare(deps, &key, send.body, now).await {
        Ok(prepared) => append(deps, &key, prepared).await,
        Err(refusal) => sent_before(deps, &key, refusal).await,
    }
}

/// What was sent while it was allowed, was sent, whatever became of the answer. Who is in the conversation no more learns
/// nothing of it.
async fn sent_before(deps: &Deps, key: &SendKey, refusal: ServiceError) -> ServiceResult<(MessageView, bool)> {
    deps.other_member(key.sender_id, key.conversation_id).await?;
    match deps.stores.messages.sent_before(key).await? {
        Some(outcome) => tell(deps, key.sender_id, outcome).await,
        None => Err(refusal),
    }
}

/// Looks up what a message refers to.
async fn prepare(deps: &Deps, key: &SendKey, body: MessageBody, now: Timestamp) -> ServiceResult<NewMessage> {
    let (text, metadata, reply_to, forward) = match body {
        MessageBody::Text { text, metadata, reply_to: None } => (text, metadata, None, None),
        MessageBody::Text { text, metadata, reply_to: Some(message) } => {
            let answered = answerable(deps, key, message).await?;
            let Message { id: message, seq, sender_id: sender, .. } = answered;
            (text, metadata, Some(ReplyTo { message, seq, sender }), None)
        }
        MessageBody::Forward { conversation, message } => {
            let (_, original) = deps.readable(key.sender_id, (conversation, message)).await?;
            let Content::Text(text) = original.content else { return Err(unknown_message("forward")) };
            let said = Forwarded { sender: original.sender_id, created_at: original.created_at };
            let origin = original.marks.forwarded.unwrap_or(said);
            (text, original.metadata, None, Some(Forward { conversation, message, origin }))
        }
    };
    let mentions = match forward {
        // Whom its first author called, he called there.
        Some(_) => Mentions::default(),
        None => deps.mentions(key.sender_id, key.conversation_id, &text).await?,
    };
    Ok(NewMessage {
        id: key.id,
        conversation_id: key.conversation_id,
        sender_id: key.sender_id,
        text,
        metadata,
        client_message_id: key.client_message_id.clone(),
        reply_to,
        forward,
        mentions,
        created_at: now,
    })
}

/// A message that a message of the same conversation may answer.
async fn answerable(deps: &Deps, key: &SendKey, message: MessageId) -> ServiceResult<Message> {
    deps.other_member(key.sender_id, key.conversation_id).await?;
    let found = deps.stores.messages.find_many(&[message]).await?.pop();
    let found = found.filter(|found| found.conversation_id == key.conversation_id && !found.is_deleted());
    found.ok_or_else(|| unknown_message("replyTo"))
}

fn unknown_message(field: &'static str) -> ServiceError {
    let reason = InvalidValue::new("unknown_message", "must be a message that is there and is not deleted");
    ServiceError::Invalid { field, reason }
}

async fn append(deps: &Deps, key: &SendKey, new: NewMessage) -> ServiceResult<(MessageView, bool)> {
    if deps.shape(new.conversation_id).await? == Some(Shape::Community) {
        // Its log tells of it alone.
        return sent_before(deps, key, ServiceError::NotPermitted).await;
    }
    let other = deps.other_in(new.conversation_id, new.sender_id).await?;
    let verdict = match other {
        Some(other) => deps.may_write(new.sender_id, other).await?,
        None => Verdict::Allowed,
    };
    let refusal = match verdict {
        // Of whom there is no more, the log knows.
        Verdict::Allowed | Verdict::Unknown => None,
        Verdict::Blocking => Some(ServiceError::Blocking),
        Verdict::Unwanted => Some(ServiceError::NotAllowedToWrite),
    };
    if let Some(refusal) = refusal {
        return sent_before(deps, key, refusal).await;
    }
    let sent = tell(deps, new.sender_id, deps.stores.messages.append(&new).await?).await?;
    if let Some(other) = other {
        deps.reach.wrote(new.sender_id, other);
    }
    Ok(sent)
}

/// Pushes what was stored, and gives it to its sender, with whether it had been stored before.
async fn tell(deps: &Deps, sender: UserId, outcome: AppendOutcome) -> ServiceResult<(MessageView, bool)> {
    match outcome {
        AppendOutcome::Appended { message, held } => {
            deps.activities.has_sent(sender, message.created_at);
            deps.indexer.note(message.conversation_id);
            let delivery = held.map(|held| if held { Delivery::Held } else { Delivery::Sent });
            let mut view = MessageView { message, delivery, quote: None };
            // Read behind the append: a deletion that came before it leaves nothing to quote, a later one is told later.
            if let Err(error) = deps.quote(std::iter::once(&mut view)).await {
                warn!(message = %view.message.id, error = &error as &dyn std::error::Error, "told without a quote");
            }
            deps.hub.publish(Change {
                stream: StreamId::Conversation(view.message.conversation_id),
                rev: view.message.rev,
                event: Event::MessageCreated(Box::new(view.clone())),
            });
            Ok((view, false))
        }
        AppendOutcome::Repeated(message) => {
            // The first attempt may have ended without an answer and without a push.
            deps.hub.reconcile(&[(StreamId::Conversation(message.conversation_id), message.rev)]);
            let other = deps.other_of(sender, message.conversation_id).await?;
            let view = message_view(message, sender, other.as_ref());
            Ok((deps.quoted(view).await?, true))
        }
        AppendOutcome::ClientIdReused => Err(ServiceError::ClientMessageIdReused),
        AppendOutcome::NotAMember => Err(ServiceError::NotFound("conversation")),
        AppendOutcome::RecipientDeleted => Err(ServiceError::RecipientDeleted),
    }
}
