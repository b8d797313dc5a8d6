//! Conversations and what happens in them beside messages.

use parlor_domain::{ConversationId, ConversationKind, ConversationView, ReceiptView, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{ConversationSettings, MemberRole, Message, TraitFields, User, field, rules};
use crate::problem::Problem;

/// A conversation as one of its members sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// The conversation's id, and that of its stream.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    pub id: String,
    /// What sort of conversation it is.
    pub kind: Kind,
    /// Its name; null in a direct conversation, which is shown by the other user's name.
    #[schema(required = true)]
    pub name: Option<String>,
    /// What a group is for; null for nothing said.
    #[schema(required = true)]
    pub description: Option<String>,
    /// Where its picture is. Null so far: a direct conversation is shown by the other user's picture, a group by its
    /// name.
    #[schema(required = true, format = "uri-reference")]
    pub avatar_url: Option<String>,
    /// What a community or a channel is beside.
    #[serde(flatten)]
    pub traits: TraitFields,
    /// In a direct conversation, the other user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = User, required = false)]
    pub other_user: Option<User>,
    /// How many members a group, community or channel has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, required = false, example = 3)]
    pub member_count: Option<u32>,
    /// Whether members are told how far others have read; a group can turn that off.
    pub read_receipts: bool,
    /// What one may do in it; `member` in a direct conversation, in a channel what one may in the community.
    pub role: MemberRole,
    /// How one wants to see it.
    pub settings: ConversationSettings,
    /// The newest message.
    #[schema(required = true)]
    pub last_message: Option<Message>,
    /// The `seq` of the newest message; zero before the first.
    #[schema(maximum = 9007199254740991i64, example = 42)]
    pub last_seq: u64,
    /// The newest revision, to resume from.
    #[schema(maximum = 9007199254740991i64, example = 42)]
    pub rev: u64,
    /// How many messages of others one has not read. System messages don't count.
    #[schema(example = 2)]
    pub unread: u64,
    /// How many of these mention one, or everyone, or a role that one has; without those of users whom one blocks.
    #[schema(example = 0)]
    pub mentions: u64,
    /// How far one has read.
    #[schema(maximum = 9007199254740991i64, example = 40)]
    pub read_seq: u64,
    /// The positions of the other members, as far as they show them; none in a group of more than 100.
    pub receipts: Vec<Position>,
    /// When the newest message was sent, or else when the conversation was made.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub updated_at: String,
}

impl From<&ConversationView> for Conversation {
    fn from(view: &ConversationView) -> Self {
        let conversation = &view.conversation;
        Self {
            id: conversation.id.to_string(),
            kind: conversation.kind.into(),
            name: conversation.name.as_ref().map(ToString::to_string),
            description: conversation.description.as_ref().map(ToString::to_string),
            avatar_url: None,
            traits: (&conversation.traits).into(),
            other_user: view.other.as_ref().map(Into::into),
            member_count: view.me.role.map(|_| conversation.member_count),
            read_receipts: conversation.read_receipts,
            role: view.me.role.map_or(MemberRole::Member, Into::into),
            settings: ConversationSettings::new(&view.me.settings, conversation.last_seq),
            last_message: view.last_message.as_ref().map(Into::into),
            last_seq: conversation.last_seq.get(),
            rev: conversation.rev.get(),
            unread: view.unread.messages,
            mentions: view.unread.mentions,
            read_seq: view.me.read_seq.get(),
            receipts: view.receipts.iter().map(Into::into).collect(),
            updated_at: conversation.updated_at.to_string(),
        }
    }
}

/// The sorts of conversations.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConversationKind)]
pub enum Kind {
    /// Two users; there is one for each pair.
    Direct,
    /// Users with roles, who come and go.
    Group,
    /// The like of a group, with channels to write in.
    Community,
    /// A part of a community.
    Channel,
}

impl From<ConversationKind> for Kind {
    fn from(kind: ConversationKind) -> Self {
        match kind {
            ConversationKind::Direct => Self::Direct,
            ConversationKind::Group => Self::Group,
            ConversationKind::Community => Self::Community,
            ConversationKind::Channel => Self::Channel,
        }
    }
}

/// How far a member has come in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// The member.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub user_id: String,
    /// How far the member has read.
    #[schema(maximum = 9007199254740991i64, example = 41)]
    pub read_seq: u64,
    /// How far the member's devices have received.
    #[schema(maximum = 9007199254740991i64, example = 42)]
    pub delivered_seq: u64,
}

impl From<&ReceiptView> for Position {
    fn from(view: &ReceiptView) -> Self {
        Self {
            user_id: view.user_id.to_string(),
            read_seq: view.read_seq.get(),
            delivered_seq: view.delivered_seq.get(),
        }
    }
}

/// A member's position and where it is: the data of the event `receipt.updated`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The conversation.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    pub conversation_id: String,
    /// The position.
    #[serde(flatten)]
    pub position: Position,
    /// How many messages are unread then. Only in one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, example = 1)]
    pub unread: Option<u64>,
    /// How many of these mention one. Only in one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, example = 0)]
    pub mentions: Option<u64>,
}

impl From<&ReceiptView> for Receipt {
    fn from(view: &ReceiptView) -> Self {
        Self {
            conversation_id: view.conversation_id.to_string(),
            position: view.into(),
            unread: view.unread.map(|unread| unread.messages),
            mentions: view.unread.map(|unread| unread.mentions),
        }
    }
}

/// That a member writes, or no longer does: the data of the event `typing`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    /// The conversation.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    pub conversation_id: String,
    /// The member.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub user_id: String,
    /// Whether he writes.
    pub typing: bool,
}

impl Typing {
    /// The shape of what the domain says in parts.
    pub fn new(conversation: ConversationId, user: UserId, typing: bool) -> Self {
        Self { conversation_id: conversation.to_string(), user_id: user.to_string(), typing }
    }
}

/// That one is no longer in a conversation: the data of the event `conversation.deleted`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConversationDeleted {
    /// The conversation.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    pub id: String,
}

/// Whom to open a direct conversation with.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "userId": "6740a1b2c3d4e5f601234567" }))]
pub struct OpenDirect {
    /// The other user.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub user_id: String,
}

impl OpenDirect {
    /// The other user.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn user(&self) -> Result<UserId, Problem> {
        field("userId", self.user_id.parse())
    }
}

/// How far one has read or received.
#[derive(Clone, Copy, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "seq": 42 }))]
pub struct SetReceipt {
    /// The last message's `seq`; at most the conversation's `lastSeq`.
    #[validate(range(max = rules::MAX_COUNTER, code = "out_of_range", message = "must be at most 9007199254740991"))]
    #[schema(minimum = 0, maximum = 9007199254740991i64)]
    pub seq: u64,
}

/// Whether one writes.
#[derive(Clone, Copy, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "typing": true }))]
pub struct SetTyping {
    /// Whether one writes.
    pub typing: bool,
}
