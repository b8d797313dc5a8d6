//! Communities and their channels.

use parlor_domain::{Category, ConversationName, Description, Rev, Traits};
use parlor_services::{ChannelUpdate, CommunityUpdate, CommunityView, CreateChannel, CreateCommunity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{MemberRole, field, group::even_null, rules};
use crate::problem::Problem;

/// Who comes into a community or a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everyone who likes to join the community; all its members are in the channel.
    Public,
    /// Who is added. The owner and the administrators of a community are in all its channels.
    Private,
}

impl From<parlor_domain::Access> for Access {
    fn from(access: parlor_domain::Access) -> Self {
        match access {
            parlor_domain::Access::Public => Self::Public,
            parlor_domain::Access::Private => Self::Private,
        }
    }
}

impl From<Access> for parlor_domain::Access {
    fn from(access: Access) -> Self {
        match access {
            Access::Public => Self::Public,
            Access::Private => Self::Private,
        }
    }
}

/// A community as one sees it who may: a member, or if it is public, everyone.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Community {
    /// The community's id, and that of its stream; its members are at `/conversations/{id}/members`.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    pub id: String,
    /// Its name, which no other community has.
    #[schema(example = "Analytical society")]
    pub name: String,
    /// What it is for; null for nothing said.
    #[schema(required = true)]
    pub description: Option<String>,
    /// What it is about; null for nothing said.
    #[schema(required = true, example = "Engines")]
    pub category: Option<String>,
    /// Whether everyone finds it and may join.
    pub privacy: Access,
    /// How many members it has.
    #[schema(example = 3)]
    pub member_count: u32,
    /// What one may do in it; null if one is not in it.
    #[schema(required = true)]
    pub role: Option<MemberRole>,
    /// The newest revision of its stream, to resume from; null if one is not in it.
    #[schema(required = true, maximum = 9007199254740991i64, example = 42)]
    pub rev: Option<u64>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub created_at: String,
}

impl From<&CommunityView> for Community {
    fn from(view: &CommunityView) -> Self {
        let community = &view.community;
        let traits = community.traits.community();
        Self {
            id: community.id.to_string(),
            name: community.name.as_ref().map(ToString::to_string).unwrap_or_default(),
            description: community.description.as_ref().map(ToString::to_string),
            category: traits.and_then(|traits| traits.category.as_ref()).map(ToString::to_string),
            privacy: traits.map_or(Access::Private, |traits| traits.access.into()),
            member_count: community.member_count,
            role: view.role.map(Into::into),
            rev: view.role.map(|_| Rev::get(community.rev)),
            created_at: community.created_at.to_string(),
        }
    }
}

/// What a conversation is beside what every conversation is; each member is absent where it does not apply.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationTraits)]
pub struct TraitFields {
    /// Of a channel: its community.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6cccccccc")]
    pub community_id: Option<String>,
    /// Of a channel: where it stands among the others, the least first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, required = false, maximum = 1000000, example = 1)]
    pub position: Option<u32>,
    /// Of a channel: whether all members of the community are in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Access, required = false)]
    pub access: Option<Access>,
    /// Of a community: what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "Engines")]
    pub category: Option<String>,
    /// Of a community: whether everyone finds it and may join.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Access, required = false)]
    pub privacy: Option<Access>,
}

impl From<&Traits> for TraitFields {
    fn from(traits: &Traits) -> Self {
        match traits {
            Traits::None => Self::default(),
            Traits::Community(traits) => Self {
                category: traits.category.as_ref().map(ToString::to_string),
                privacy: Some(traits.access.into()),
                ..Self::default()
            },
            Traits::Channel(traits) => Self {
                community_id: Some(traits.community.to_string()),
                position: Some(traits.position),
                access: Some(traits.access.into()),
                ..Self::default()
            },
        }
    }
}

/// A community to make.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateCommunity, example = json!({ "name": "Analytical society", "category": "Engines", "privacy": "public" }))]
pub struct NewCommunity {
    /// What it is called: one line of 1 to 100 characters. No two communities have the same name, however it is written.
    #[validate(custom(function = "rules::conversation_name"))]
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is for: at most 1,000 characters.
    #[validate(custom(function = "rules::description"))]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    /// What it is about: one line of 1 to 40 characters.
    #[validate(custom(function = "rules::category"))]
    #[schema(min_length = 1, max_length = 40)]
    pub category: Option<String>,
    /// Whether everyone finds it and may join.
    pub privacy: Access,
}

impl TryFrom<NewCommunity> for CreateCommunity {
    type Error = Problem;

    fn try_from(new: NewCommunity) -> Result<Self, Problem> {
        let category = new.category.map(|text| field("category", Category::parse(&text)));
        Ok(Self {
            name: field("name", ConversationName::parse(&new.name))?,
            description: description(new.description)?,
            category: category.transpose()?,
            access: new.privacy.into(),
        })
    }
}

/// A change of a community; what is left out stays as it is.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "description": "For those who calculate", "privacy": "private" }))]
pub struct UpdateCommunity {
    /// Another name: one line of 1 to 100 characters.
    #[validate(custom(function = "rules::conversation_name"))]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Another description of at most 1,000 characters; null takes it away.
    #[serde(default, deserialize_with = "even_null")]
    #[validate(custom(function = "rules::description"))]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub description: Option<Option<String>>,
    /// Another category of 1 to 40 characters; null takes it away.
    #[serde(default, deserialize_with = "even_null")]
    #[validate(custom(function = "rules::category"))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 40)]
    pub category: Option<Option<String>>,
    /// Whether everyone finds it and may join.
    pub privacy: Option<Access>,
}

impl TryFrom<UpdateCommunity> for CommunityUpdate {
    type Error = Problem;

    fn try_from(update: UpdateCommunity) -> Result<Self, Problem> {
        let category = match update.category {
            Some(Some(text)) => Some(Some(field("category", Category::parse(&text))?)),
            Some(None) => Some(None),
            None => None,
        };
        Ok(Self {
            name: name(update.name)?,
            description: update.description.map(description).transpose()?,
            category,
            access: update.privacy.map(Into::into),
        })
    }
}

/// A channel to make.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateChannel, example = json!({ "name": "general" }))]
pub struct NewChannel {
    /// What it is called: one line of 1 to 100 characters. No two channels of a community have the same name.
    #[validate(custom(function = "rules::conversation_name"))]
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is for: at most 1,000 characters.
    #[validate(custom(function = "rules::description"))]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    /// Where it stands among the others, the least first; 0 if left out.
    #[validate(range(max = 1_000_000, code = "out_of_range", message = "must be at most 1000000"))]
    #[schema(maximum = 1000000)]
    pub position: Option<u32>,
    /// Whether all members of the community are in it; `public` if left out.
    pub access: Option<Access>,
}

impl TryFrom<NewChannel> for CreateChannel {
    type Error = Problem;

    fn try_from(new: NewChannel) -> Result<Self, Problem> {
        Ok(Self {
            name: field("name", ConversationName::parse(&new.name))?,
            description: description(new.description)?,
            position: new.position.unwrap_or_default(),
            access: new.access.unwrap_or(Access::Public).into(),
        })
    }
}

/// A change of a channel; what is left out stays as it is.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "name": "announcements", "position": 1 }))]
pub struct UpdateChannel {
    /// Another name: one line of 1 to 100 characters.
    #[validate(custom(function = "rules::conversation_name"))]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Another description of at most 1,000 characters; null takes it away.
    #[serde(default, deserialize_with = "even_null")]
    #[validate(custom(function = "rules::description"))]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub description: Option<Option<String>>,
    /// Where it stands among the others, the least first.
    #[validate(range(max = 1_000_000, code = "out_of_range", message = "must be at most 1000000"))]
    #[schema(maximum = 1000000)]
    pub position: Option<u32>,
    /// Whether all members of the community are in it. Who is in a channel that becomes private stays only if he manages
    /// the community.
    pub access: Option<Access>,
}

impl TryFrom<UpdateChannel> for ChannelUpdate {
    type Error = Problem;

    fn try_from(update: UpdateChannel) -> Result<Self, Problem> {
        Ok(Self {
            name: name(update.name)?,
            description: update.description.map(description).transpose()?,
            position: update.position,
            access: update.access.map(Into::into),
        })
    }
}

fn name(text: Option<String>) -> Result<Option<ConversationName>, Problem> {
    text.map(|text| field("name", ConversationName::parse(&text))).transpose()
}

fn description(text: Option<String>) -> Result<Option<Description>, Problem> {
    Ok(text.map(|text| field("description", Description::parse(&text))).transpose()?.flatten())
}
