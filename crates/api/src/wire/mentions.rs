//! Mentions, and what is unread in all conversations.

use serde::Serialize;
use utoipa::ToSchema;

/// Whom a message mentions.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mentions {
    /// Members by their names, in the order in which the text names them.
    #[schema(max_items = 50, example = json!(["6740a1b2c3d4e5f601234567"]))]
    pub user_ids: Vec<String>,
    /// Whether it is everyone.
    pub everyone: bool,
    /// Whoever has one of these roles: `owner`, or `admins`, who are the owner and the administrators. There will be more.
    #[schema(example = json!([]))]
    pub roles: Vec<&'static str>,
}

impl From<&parlor_domain::Mentions> for Mentions {
    fn from(mentions: &parlor_domain::Mentions) -> Self {
        Self {
            user_ids: mentions.users.iter().map(ToString::to_string).collect(),
            everyone: mentions.everyone,
            roles: mentions.roles.iter().map(|role| role.name()).collect(),
        }
    }
}

/// What one has not read in several conversations.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct UnreadSum {
    /// How many messages of others.
    #[schema(example = 7)]
    pub unread: u64,
    /// How many of these mention one.
    #[schema(example = 1)]
    pub mentions: u64,
    /// In how many conversations.
    #[schema(example = 2)]
    pub conversations: u64,
}

impl From<parlor_domain::UnreadSum> for UnreadSum {
    fn from(sum: parlor_domain::UnreadSum) -> Self {
        Self { unread: sum.unread.messages, mentions: sum.unread.mentions, conversations: sum.conversations }
    }
}

/// What one has not read in all one's conversations.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct UnreadTotals {
    /// In those that are neither muted nor archived.
    #[serde(flatten)]
    pub listed: UnreadSum,
    /// In those that are muted and not archived.
    pub muted: UnreadSum,
    /// In those that are archived.
    pub archived: UnreadSum,
}

impl From<parlor_domain::UnreadTotals> for UnreadTotals {
    fn from(totals: parlor_domain::UnreadTotals) -> Self {
        Self { listed: totals.listed.into(), muted: totals.muted.into(), archived: totals.archived.into() }
    }
}
