//! What messages bear, and what changes them.

use parlor_domain::{Forwarded, MessageAction, MessageId, MessageText, MessageView, UserReaction, Version as Said};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use validator::Validate;

use super::{Metadata, field, rules};
use crate::problem::Problem;

/// The message that another one answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplyTo {
    /// Its id.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6bbbbbbbb")]
    pub id: String,
    /// Its place in the conversation.
    #[schema(minimum = 1, maximum = 9007199254740991i64, example = 41)]
    pub seq: u64,
    /// Who sent it.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub sender_id: String,
    /// Its first 200 characters as they are now; absent if it was deleted since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "Good morning, Ada.")]
    pub text: Option<String>,
}

impl ReplyTo {
    /// What a message answers, if anything.
    pub(super) fn of(view: &MessageView) -> Option<Self> {
        let reply = view.message.marks.reply_to?;
        Some(Self {
            id: reply.message.to_string(),
            seq: reply.seq.get(),
            sender_id: reply.sender.to_string(),
            text: view.quote.clone(),
        })
    }
}

/// Where a message that was passed on comes from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForwardedFrom {
    /// Who said it first.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub sender_id: String,
    /// When.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub created_at: String,
}

impl From<Forwarded> for ForwardedFrom {
    fn from(forwarded: Forwarded) -> Self {
        Self { sender_id: forwarded.sender.to_string(), created_at: forwarded.created_at.to_string() }
    }
}

/// What several users make of a message by one emoji.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// The emoji, or a short name between colons.
    #[schema(example = "👍")]
    pub emoji: String,
    /// How many users.
    #[schema(minimum = 1, example = 2)]
    pub count: u64,
    /// The first 50 of them, in the order in which they came.
    #[schema(max_items = 50, example = json!(["6740a1b2c3d4e5f601234567", "6740a1b2c3d4e5f689abcdef"]))]
    pub user_ids: Vec<String>,
}

impl From<&parlor_domain::Reaction> for Reaction {
    fn from(reaction: &parlor_domain::Reaction) -> Self {
        Self {
            emoji: reaction.emoji.to_string(),
            count: reaction.count,
            user_ids: reaction.users.iter().map(ToString::to_string).collect(),
        }
    }
}

/// That a message is pinned.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PinnedBy {
    /// Who has pinned it.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub user_id: String,
    /// When.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub at: String,
}

impl From<parlor_domain::Pin> for PinnedBy {
    fn from(pin: parlor_domain::Pin) -> Self {
        Self { user_id: pin.by.to_string(), at: pin.at.to_string() }
    }
}

/// What a message said before it was edited.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageVersion {
    /// What it said.
    #[schema(max_length = 8000, example = "Good mroning, Charles.")]
    pub text: String,
    /// What the front end kept with it.
    pub metadata: Metadata,
    /// Since when it had said so.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub created_at: String,
}

impl From<&Said> for MessageVersion {
    fn from(version: &Said) -> Self {
        Self {
            text: version.text.to_string(),
            metadata: (&version.metadata).into(),
            created_at: version.at.to_string(),
        }
    }
}

/// Who has reacted to a message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reactor {
    /// Who.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub user_id: String,
    /// The emoji, or a short name between colons.
    #[schema(example = "👍")]
    pub emoji: String,
    /// When.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub created_at: String,
}

impl From<&UserReaction> for Reactor {
    fn from(reaction: &UserReaction) -> Self {
        Self {
            user_id: reaction.user.to_string(),
            emoji: reaction.emoji.to_string(),
            created_at: reaction.at.to_string(),
        }
    }
}

/// A message to pass on.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "conversationId": "6740a1b2c3d4e5f6aaaaaaaa", "messageId": "6740a1b2c3d4e5f6bbbbbbbb" }))]
pub struct ForwardMessage {
    /// The conversation that it is in, which has to be the sender's as well.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub conversation_id: String,
    /// The message.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub message_id: String,
}

/// Another text of a message.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "text": "Good morning, Charles!" }))]
pub struct EditMessage {
    /// What it says from now on: 1 to 8,000 characters that are not all white space.
    #[validate(custom(function = "rules::message_text"))]
    #[schema(min_length = 1, max_length = 8000)]
    pub text: String,
    /// What the front end keeps with it from now on; what it keeps already if left out.
    #[validate(custom(function = "rules::metadata"))]
    #[schema(value_type = Option<Metadata>)]
    pub metadata: Option<Box<RawValue>>,
}

impl EditMessage {
    /// The change that it is.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn action(self) -> Result<MessageAction, Problem> {
        let metadata = self.metadata.map(|json| field("metadata", parlor_domain::Metadata::parse(json.get())));
        Ok(MessageAction::Edit {
            text: field("text", MessageText::parse(&self.text))?,
            metadata: metadata.transpose()?,
        })
    }
}

/// Another text of a message, for a command of a socket.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "messageId": "6740a1b2c3d4e5f6bbbbbbbb", "text": "Good morning, Charles!" }))]
pub struct EditOneMessage {
    /// The message.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub message_id: String,
    /// What it says from now on: 1 to 8,000 characters that are not all white space.
    #[validate(custom(function = "rules::message_text"))]
    #[schema(min_length = 1, max_length = 8000)]
    pub text: String,
    /// What the front end keeps with it from now on; what it keeps already if left out.
    #[validate(custom(function = "rules::metadata"))]
    #[schema(value_type = Option<Metadata>)]
    pub metadata: Option<Box<RawValue>>,
}

impl EditOneMessage {
    /// The message, and the change.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn parts(self) -> Result<(MessageId, MessageAction), Problem> {
        let message = field("messageId", self.message_id.parse())?;
        Ok((message, EditMessage { text: self.text, metadata: self.metadata }.action()?))
    }
}

/// Which message a command of a socket is about, which REST has in its path.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "messageId": "6740a1b2c3d4e5f6bbbbbbbb" }))]
pub struct OneMessage {
    /// The message.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub message_id: String,
}

impl OneMessage {
    /// The message.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn message(&self) -> Result<MessageId, Problem> {
        field("messageId", self.message_id.parse())
    }
}

/// A reaction, for a command of a socket.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "messageId": "6740a1b2c3d4e5f6bbbbbbbb", "emoji": "👍" }))]
pub struct React {
    /// The message.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub message_id: String,
    /// One emoji, or a short name between colons such as `:party_parrot:`.
    #[validate(custom(function = "rules::emoji"))]
    #[schema(min_length = 1, max_length = 64)]
    pub emoji: String,
}

impl React {
    /// The message, and the emoji.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn parts(&self) -> Result<(MessageId, parlor_domain::Emoji), Problem> {
        let message = field("messageId", self.message_id.parse())?;
        Ok((message, field("emoji", parlor_domain::Emoji::parse(&self.emoji))?))
    }
}
