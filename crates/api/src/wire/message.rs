//! Messages.

use parlor_domain::{
    ClientMessageId, Content, ConversationId, Delivery, InvalidValue, MessageText, MessageView, SystemEvent,
};
use parlor_services::MessageBody;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use validator::Validate;

use super::{ForwardMessage, ForwardedFrom, Mentions, Metadata, PinnedBy, Reaction, ReplyTo, field, rules};
use crate::problem::Problem;

/// A message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The message's id.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6bbbbbbbb")]
    pub id: String,
    /// The conversation it is in.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    pub conversation_id: String,
    /// Its place in the conversation: 1, 2, 3 … without a hole, the same for everyone.
    #[schema(minimum = 1, maximum = 9007199254740991i64, example = 42)]
    pub seq: u64,
    /// The change of the conversation that made it what it is now.
    #[schema(minimum = 1, maximum = 9007199254740991i64, example = 42)]
    pub rev: u64,
    /// What sort of message it is.
    pub kind: Kind,
    /// Who sent it; of a system message, who did what it tells.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub sender_id: String,
    /// What it says, byte for byte as it was sent; empty in a system message and in a deleted one.
    #[schema(max_length = 8000, example = "Good morning, Charles.")]
    pub text: String,
    /// What a system message tells; absent in others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = SystemNote, required = false)]
    pub system: Option<SystemNote>,
    /// Files that come with it. None so far.
    #[schema(value_type = Vec<Object>, max_items = 0)]
    pub attachments: [(); 0],
    /// The message that it answers.
    #[schema(required = true)]
    pub reply_to: Option<ReplyTo>,
    /// Where it was said first, if it was passed on; absent in others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ForwardedFrom, required = false)]
    pub forwarded_from: Option<ForwardedFrom>,
    /// Reactions to it: each emoji once, in the order in which they came.
    #[schema(max_items = 20)]
    pub reactions: Vec<Reaction>,
    /// Whom it mentions.
    pub mentions: Mentions,
    /// What the front end keeps with it.
    pub metadata: Metadata,
    /// The name that its sender gave it to send it once.
    #[schema(required = true, max_length = 128, example = "b9c5-1")]
    pub client_message_id: Option<String>,
    /// How far it has come; for its sender alone, and only in direct conversations.
    #[schema(required = true)]
    pub delivery: Option<DeliveryState>,
    /// When it was stored.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub created_at: String,
    /// When its text was changed the last time.
    #[schema(format = DateTime, required = true)]
    pub edited_at: Option<String>,
    /// When it was deleted. There is nothing left of it then but its place.
    #[schema(format = DateTime, required = true)]
    pub deleted_at: Option<String>,
    /// Who has deleted it; absent if it is not deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub deleted_by: Option<String>,
    /// That it is pinned; absent if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = PinnedBy, required = false)]
    pub pinned: Option<PinnedBy>,
}

impl From<&MessageView> for Message {
    fn from(view: &MessageView) -> Self {
        let message = &view.message;
        let (kind, system) = match &message.content {
            Content::Text(_) | Content::Deleted(_) => (Kind::Text, None),
            Content::System(event) => (Kind::System, Some(event.into())),
        };
        let deletion = message.deletion();
        let marks = &message.marks;
        Self {
            id: message.id.to_string(),
            conversation_id: message.conversation_id.to_string(),
            seq: message.seq.get(),
            rev: message.rev.get(),
            kind,
            sender_id: message.sender_id.to_string(),
            text: message.text().to_owned(),
            system,
            attachments: [],
            reply_to: ReplyTo::of(view),
            forwarded_from: marks.forwarded.map(Into::into),
            reactions: marks.reactions.iter().map(Into::into).collect(),
            mentions: (&marks.mentions).into(),
            metadata: (&message.metadata).into(),
            client_message_id: message.client_message_id.as_ref().map(ToString::to_string),
            delivery: view.delivery.map(Into::into),
            created_at: message.created_at.to_string(),
            edited_at: marks.edited_at.map(|at| at.to_string()),
            deleted_at: deletion.map(|deletion| deletion.at.to_string()),
            deleted_by: deletion.map(|deletion| deletion.by.to_string()),
            pinned: marks.pin.map(Into::into),
        }
    }
}

/// The sorts of messages.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MessageKind)]
pub enum Kind {
    /// What a user wrote.
    Text,
    /// What the server noted; it counts as unread for nobody.
    System,
}

/// What a system message tells.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemNote {
    /// What the sender did: `group_created`, `members_added`, `members_removed`, `member_left`, `role_changed`,
    /// `owner_changed`, `renamed`, `description_changed`, `community_created`, `member_joined`, `category_changed`,
    /// `access_changed`, `channel_created`, `position_changed` or `read_receipts_changed`. There will be more.
    #[schema(example = "members_added")]
    pub action: &'static str,
    /// To whom, if to users.
    #[schema(example = json!(["6740a1b2c3d4e5f601234567"]))]
    pub user_ids: Vec<String>,
    /// The new value, if something has one now: the name, the description, the role, or `on` or `off`.
    #[schema(required = true)]
    pub value: Option<String>,
    /// How many members the conversation has since.
    #[schema(example = 3)]
    pub member_count: u32,
}

impl From<&SystemEvent> for SystemNote {
    fn from(event: &SystemEvent) -> Self {
        Self {
            action: event.action.name(),
            user_ids: event.users.iter().map(ToString::to_string).collect(),
            value: event.value.clone(),
            member_count: event.member_count,
        }
    }
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Stored.
    Sent,
    /// Stored, and held back while the other user is busy.
    Held,
    /// On a device of the other user.
    Delivered,
    /// Read by the other user.
    Read,
}

impl From<Delivery> for DeliveryState {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Sent => Self::Sent,
            Delivery::Held => Self::Held,
            Delivery::Delivered => Self::Delivered,
            Delivery::Read => Self::Read,
        }
    }
}

/// A message to send: a text, or another message to pass on.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "text": "Good morning, Charles.", "clientMessageId": "b9c5-1" }))]
pub struct SendMessage {
    /// What it says: 1 to 8,000 characters that are not all white space. Needed unless there is `forward`.
    #[validate(custom(function = "rules::message_text"))]
    #[schema(min_length = 1, max_length = 8000)]
    pub text: Option<String>,
    /// What the front end keeps with it: a JSON object of at most 4,096 bytes.
    #[validate(custom(function = "rules::metadata"))]
    #[schema(value_type = Option<Metadata>)]
    pub metadata: Option<Box<RawValue>>,
    /// The message of the same conversation that it answers.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub reply_to: Option<String>,
    /// A message to pass on, with its text and metadata. Not together with `text`, `metadata` or `replyTo`.
    #[validate(nested)]
    pub forward: Option<ForwardMessage>,
    /// A name of the client's own for it, so that it is sent once: 1 to 128 bytes in one line.
    #[validate(custom(function = "rules::client_message_id"))]
    #[schema(min_length = 1, max_length = 128)]
    pub client_message_id: Option<String>,
}

impl SendMessage {
    /// The message on its way to a conversation.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn to(self, conversation: ConversationId) -> Result<parlor_services::SendMessage, Problem> {
        let client_message_id = self.client_message_id.map(|id| field("clientMessageId", ClientMessageId::parse(&id)));
        let body = match self.forward {
            None => {
                let missing = InvalidValue::new("missing", "is missing");
                let metadata = self.metadata.map(|json| field("metadata", parlor_domain::Metadata::parse(json.get())));
                MessageBody::Text {
                    text: field("text", self.text.ok_or(missing).and_then(|text| MessageText::parse(&text)))?,
                    metadata: metadata.transpose()?.unwrap_or_default(),
                    reply_to: self.reply_to.map(|id| field("replyTo", id.parse())).transpose()?,
                }
            }
            Some(forward) => {
                let others = [self.text.is_some(), self.metadata.is_some(), self.reply_to.is_some()];
                if others.contains(&true) {
                    let reason = "must not be given together with `text`, `metadata` or `replyTo`";
                    return Err(Problem::invalid_field("forward", InvalidValue::new("exclusive", reason)));
                }
                MessageBody::Forward {
                    conversation: field("forward.conversationId", forward.conversation_id.parse())?,
                    message: field("forward.messageId", forward.message_id.parse())?,
                }
            }
        };
        Ok(parlor_services::SendMessage { conversation, body, client_message_id: client_message_id.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_named_as_in_the_domain() {
        for delivery in [Delivery::Sent, Delivery::Held, Delivery::Delivered, Delivery::Read] {
            assert_eq!(serde_json::to_value(DeliveryState::from(delivery)).unwrap(), delivery.name());
        }
    }
}
