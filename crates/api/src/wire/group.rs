//! Groups, their members, and how one wants to see a conversation.

use std::borrow::Cow;

use parlor_domain::{
    ConversationName, Description, GroupDescription, InvalidValue, MemberSettings, MemberSettingsChange, MemberView,
    ObjectId, Seq, Timestamp, UserId,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use super::{User, field, rules};
use crate::problem::Problem;

/// How many users one request may name.
const MAX_USERS: usize = 100;

/// What a member may do in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Everything; there is one.
    Owner,
    /// Name and describe the group, add members, and remove those who are only that.
    Admin,
    /// Read, write and leave.
    Member,
}

impl From<parlor_domain::MemberRole> for MemberRole {
    fn from(role: parlor_domain::MemberRole) -> Self {
        match role {
            parlor_domain::MemberRole::Owner => Self::Owner,
            parlor_domain::MemberRole::Admin => Self::Admin,
            parlor_domain::MemberRole::Member => Self::Member,
        }
    }
}

impl From<MemberRole> for parlor_domain::MemberRole {
    fn from(role: MemberRole) -> Self {
        match role {
            MemberRole::Owner => Self::Owner,
            MemberRole::Admin => Self::Admin,
            MemberRole::Member => Self::Member,
        }
    }
}

/// A member of a group.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub struct GroupMember {
    /// Who.
    pub user: User,
    /// What he may do.
    pub role: MemberRole,
    /// Since when he is in it.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub joined_at: String,
}

impl From<&MemberView> for GroupMember {
    fn from(view: &MemberView) -> Self {
        Self { user: (&view.user).into(), role: view.role.into(), joined_at: view.joined_at.to_string() }
    }
}

/// How one wants to see a conversation; nobody else gets to know.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationSettings {
    /// Whether front ends don't ring for it.
    pub muted: bool,
    /// When that ends by itself; null if it doesn't, or if it isn't muted.
    #[schema(required = true, format = DateTime)]
    pub muted_until: Option<String>,
    /// Whether it stands above the others.
    pub pinned: bool,
    /// Whether it is put away.
    pub archived: bool,
    /// Whether it is out of the list until the next message.
    pub hidden: bool,
}

impl ConversationSettings {
    /// The shape of settings that are in force in a conversation that has come to `last`.
    pub fn new(settings: &MemberSettings, last: Seq) -> Self {
        let ends = settings.muted_until.filter(|until| *until < Timestamp::MAX);
        Self {
            muted: settings.muted_until.is_some(),
            muted_until: ends.map(|until| until.to_string()),
            pinned: settings.pinned,
            archived: settings.archived,
            hidden: settings.hides(last),
        }
    }
}

/// A group to make.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "name": "Analytical engine", "memberIds": ["6740a1b2c3d4e5f601234567"] }))]
pub struct CreateGroup {
    /// What it is called: one line of 1 to 100 characters.
    #[validate(custom(function = "rules::conversation_name"))]
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is for: at most 1,000 characters.
    #[validate(custom(function = "rules::description"))]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    /// The other members, at most 100; more can be added.
    #[validate(custom(function = "check_users"))]
    #[schema(max_items = 100)]
    pub member_ids: Vec<String>,
}

impl TryFrom<CreateGroup> for parlor_services::CreateGroup {
    type Error = Problem;

    fn try_from(group: CreateGroup) -> Result<Self, Problem> {
        let description = group.description.map(|text| field("description", Description::parse(&text)));
        Ok(Self {
            name: field("name", ConversationName::parse(&group.name))?,
            description: description.transpose()?.flatten(),
            members: users("memberIds", &group.member_ids)?,
        })
    }
}

/// A change of a group; what is left out stays as it is.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "name": "Difference engine" }))]
pub struct UpdateConversation {
    /// Another name: one line of 1 to 100 characters.
    #[validate(custom(function = "rules::conversation_name"))]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Another description of at most 1,000 characters; null takes it away.
    #[serde(default, deserialize_with = "even_null")]
    #[validate(custom(function = "rules::description"))]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub description: Option<Option<String>>,
    /// Whether members are told how far others have read.
    pub read_receipts: Option<bool>,
}

impl TryFrom<UpdateConversation> for GroupDescription {
    type Error = Problem;

    fn try_from(update: UpdateConversation) -> Result<Self, Problem> {
        let UpdateConversation { name, description, read_receipts } = update;
        let name = name.map(|name| field("name", ConversationName::parse(&name))).transpose()?;
        let description = match description {
            Some(Some(text)) => Some(field("description", Description::parse(&text))?),
            Some(None) => Some(None),
            None => None,
        };
        Ok(Self { name, description, read_receipts })
    }
}

/// Tells a field that is null from one that is absent.
pub(super) fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Whom to add to a group.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "userIds": ["6740a1b2c3d4e5f601234567"] }))]
pub struct AddMembers {
    /// The users, at most 100. Who is a member already stays as he is.
    #[validate(custom(function = "check_users"))]
    #[schema(max_items = 100)]
    pub user_ids: Vec<String>,
}

impl AddMembers {
    /// The users.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn users(&self) -> Result<Vec<UserId>, Problem> {
        users("userIds", &self.user_ids)
    }
}

/// Another role of a member.
#[derive(Clone, Copy, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "role": "admin" }))]
pub struct SetRole {
    /// The role; `owner` hands the group over.
    pub role: MemberRole,
}

/// Whom a command of a socket is about, which REST has in its path.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "userId": "6740a1b2c3d4e5f601234567" }))]
pub struct RemoveMember {
    /// The member; oneself, to leave.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub user_id: String,
}

impl RemoveMember {
    /// The member.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn user(&self) -> Result<UserId, Problem> {
        field("userId", self.user_id.parse())
    }
}

/// Another role of a member, for a command of a socket.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "userId": "6740a1b2c3d4e5f601234567", "role": "admin" }))]
pub struct UpdateMember {
    /// The member.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub user_id: String,
    /// The role; `owner` hands the group over.
    pub role: MemberRole,
}

impl UpdateMember {
    /// The member.
    ///
    /// # Errors
    /// `validation_failed`.
    pub fn user(&self) -> Result<UserId, Problem> {
        field("userId", self.user_id.parse())
    }
}

/// A change of how one sees a conversation; what is left out stays as it is.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "muted": true, "pinned": true }))]
pub struct UpdateConversationSettings {
    /// Whether front ends don't ring for it, until one says otherwise.
    pub muted: Option<bool>,
    /// Until when they don't; null ends it. Not together with `muted`.
    #[serde(default, deserialize_with = "even_null")]
    #[validate(custom(function = "rules::time"))]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub muted_until: Option<Option<String>>,
    /// Whether it stands above the others.
    pub pinned: Option<bool>,
    /// Whether it is put away.
    pub archived: Option<bool>,
    /// Whether it is out of the list until the next message.
    pub hidden: Option<bool>,
}

impl TryFrom<UpdateConversationSettings> for MemberSettingsChange {
    type Error = Problem;

    fn try_from(settings: UpdateConversationSettings) -> Result<Self, Problem> {
        let muted_until = match (settings.muted, settings.muted_until) {
            (Some(_), Some(_)) => {
                let reason = InvalidValue::new("exclusive", "must not be given together with `muted`");
                return Err(Problem::invalid_field("mutedUntil", reason));
            }
            (Some(muted), None) => Some(muted.then_some(Timestamp::MAX)),
            (None, Some(Some(time))) => Some(Some(field("mutedUntil", rules::parse_time(&time))?)),
            (None, Some(None)) => Some(None),
            (None, None) => None,
        };
        Ok(Self { muted_until, pinned: settings.pinned, archived: settings.archived, hidden: settings.hidden })
    }
}

fn check_users(ids: &[String]) -> Result<(), ValidationError> {
    let refuse = |code, message| Err(ValidationError::new(code).with_message(Cow::<'static, str>::Borrowed(message)));
    if ids.len() > MAX_USERS {
        return refuse("too_many", "must name at most 100 users");
    }
    if ids.iter().any(|id| id.parse::<ObjectId>().is_err()) {
        return refuse("invalid_id", "must be ids of 24 hexadecimal digits");
    }
    Ok(())
}

fn users(name: &'static str, ids: &[String]) -> Result<Vec<UserId>, Problem> {
    field(name, ids.iter().map(|id| id.parse()).collect())
}
