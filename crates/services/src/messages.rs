//! Sending and reading messages.

use std::sync::Arc;

use parlor_domain::{
    Change, ClientMessageId, ConversationId, Delivery, Event, Member, Message, MessageId, MessageText, MessageView,
    Metadata, NewMessage, Seq, StreamId, UserId,
    store::{AppendOutcome, PAGE_BYTES, StoreResult, Window},
};
use tokio::join;

use crate::{Budget, Caller, Deps, ServiceError, ServiceResult, detached, reach::Verdict, views::message_view};

/// How many messages are read at most before it is known whether the caller may have them.
const READ_UNASKED: usize = 100;

/// Sends and reads messages.
pub struct MessageService {
    deps: Arc<Deps>,
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct SendMessage {
    /// Where to.
    pub conversation: ConversationId,
    /// What it says.
    pub text: MessageText,
    /// What the front end keeps with it.
    pub metadata: Metadata,
    /// The name that makes a repeat harmless.
    pub client_message_id: Option<ClientMessageId>,
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
    /// `NotFound` if the caller is not in the conversation, `NotAllowedToWrite`, `Blocking`, `ClientMessageIdReused`,
    /// `RecipientDeleted`, `RateLimited`, `Store`.
    pub async fn send(&self, caller: Caller, send: SendMessage) -> ServiceResult<Sent> {
        let budget = self.deps.limits.message(caller.user)?;
        let name = send.client_message_id.as_ref();
        let new = NewMessage {
            id: MessageId::for_send(send.conversation, caller.user, name, &*self.deps.entropy),
            conversation_id: send.conversation,
            sender_id: caller.user,
            text: send.text,
            metadata: send.metadata,
            client_message_id: send.client_message_id,
            created_at: self.deps.clock.now(),
        };
        let deps = Arc::clone(&self.deps);
        let (message, repeated) = detached(async move { send_message(&deps, &new).await }).await?;
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
        let other = self.other_member(caller, conversation);
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
        Ok(HistoryPage { items: messages.into_iter().map(view).collect(), next })
    }

    /// The other member of a direct conversation, for one of its members; nobody for a member of a group.
    async fn other_member(&self, caller: Caller, conversation: ConversationId) -> ServiceResult<Option<Member>> {
        let is_direct = self.deps.other_in(conversation, caller.user).await?.is_some();
        if is_direct {
            return Ok(other_member(&self.deps, conversation, caller.user).await?);
        }
        let me = self.deps.stores.conversations.member(conversation, caller.user).await?;
        if me.is_some() { Ok(None) } else { Err(ServiceError::NotFound("conversation")) }
    }
}

async fn other_member(deps: &Deps, conversation: ConversationId, user: UserId) -> StoreResult<Option<Member>> {
    let members = deps.stores.conversations.members(conversation).await?;
    Ok(Member::other_than(&members, user).cloned())
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

async fn send_message(deps: &Deps, new: &NewMessage) -> ServiceResult<(MessageView, bool)> {
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
        // What was sent while it was allowed, was sent, whatever became of the answer.
        return match deps.stores.messages.sent_before(new).await? {
            Some(outcome) => tell(deps, new, outcome).await,
            None => Err(refusal),
        };
    }
    let sent = tell(deps, new, deps.stores.messages.append(new).await?).await?;
    if let Some(other) = other {
        deps.reach.wrote(new.sender_id, other);
    }
    Ok(sent)
}

/// Pushes what was stored, and gives it to its sender, with whether it had been stored before.
async fn tell(deps: &Deps, new: &NewMessage, outcome: AppendOutcome) -> ServiceResult<(MessageView, bool)> {
    match outcome {
        AppendOutcome::Appended { message, held } => {
            deps.activities.has_sent(new.sender_id, new.created_at);
            let delivery = held.map(|held| if held { Delivery::Held } else { Delivery::Sent });
            let view = MessageView { message, delivery };
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
            let other = match deps.other_in(message.conversation_id, new.sender_id).await? {
                Some(_) => other_member(deps, message.conversation_id, new.sender_id).await?,
                None => None,
            };
            Ok((message_view(message, new.sender_id, other.as_ref()), true))
        }
        AppendOutcome::ClientIdReused => Err(ServiceError::ClientMessageIdReused),
        AppendOutcome::NotAMember => Err(ServiceError::NotFound("conversation")),
        AppendOutcome::RecipientDeleted => Err(ServiceError::RecipientDeleted),
    }
}
