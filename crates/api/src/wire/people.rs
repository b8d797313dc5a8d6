//! Friends, friend requests and blocks.

use parlor_domain::{BlockView, FriendRequestView, RequestText, TieView, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{User, field, rules};
use crate::problem::Problem;

/// A friend request, as the one who sent it or the one who got it sees it. There is one for each two and direction: who
/// asks again asks by the same.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FriendRequest {
    /// The request's id.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6eeeeeeee")]
    pub id: String,
    /// Who asks.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub from_id: String,
    /// Who is asked.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f689abcdef")]
    pub to_id: String,
    /// The one of the two who is not the reader.
    pub other_user: User,
    /// What is said with it.
    #[schema(required = true, max_length = 500, example = "We met at the station.")]
    pub text: Option<String>,
    /// What became of it.
    pub state: RequestState,
    /// When it was asked the last time.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub created_at: String,
    /// When it came to its state.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub updated_at: String,
}

impl From<&FriendRequestView> for FriendRequest {
    fn from(view: &FriendRequestView) -> Self {
        let request = &view.request;
        Self {
            id: request.id.to_string(),
            from_id: request.from.to_string(),
            to_id: request.to.to_string(),
            other_user: (&view.other).into(),
            text: request.text.as_ref().map(ToString::to_string),
            state: request.state.into(),
            created_at: request.created_at.to_string(),
            updated_at: request.updated_at.to_string(),
        }
    }
}

/// What became of a friend request.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FriendRequestState)]
pub enum RequestState {
    /// It waits for an answer. The one who asked is not told of a rejection: to him it waits on.
    Pending,
    /// The two became friends.
    Accepted,
    /// The one who was asked does not want it.
    Rejected,
    /// The one who asked took it back.
    Cancelled,
}

impl From<parlor_domain::RequestState> for RequestState {
    fn from(state: parlor_domain::RequestState) -> Self {
        match state {
            parlor_domain::RequestState::Pending => Self::Pending,
            parlor_domain::RequestState::Accepted => Self::Accepted,
            parlor_domain::RequestState::Rejected => Self::Rejected,
            parlor_domain::RequestState::Cancelled => Self::Cancelled,
        }
    }
}

/// Somebody to ask to be friends.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "userId": "6740a1b2c3d4e5f601234567", "text": "We met at the station." }))]
pub struct SendFriendRequest {
    /// Whom to ask.
    #[validate(custom(function = "rules::id"))]
    #[schema(pattern = "^[0-9a-fA-F]{24}$")]
    pub user_id: String,
    /// What to say with it: 1 to 500 characters, lines allowed.
    #[validate(custom(function = "rules::request_text"))]
    #[schema(min_length = 1, max_length = 500)]
    pub text: Option<String>,
}

impl SendFriendRequest {
    /// Whom to ask, and what to say.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn parts(self) -> Result<(UserId, Option<RequestText>), Problem> {
        let text = self.text.map(|text| field("text", RequestText::parse(&text))).transpose()?;
        Ok((field("userId", self.user_id.parse())?, text))
    }
}

/// A friend.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Friend {
    /// Who.
    pub user: User,
    /// Since when.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub since: String,
}

impl From<&TieView> for Friend {
    fn from(view: &TieView) -> Self {
        Self { user: (&view.user).into(), since: view.since.to_string() }
    }
}

/// Somebody whom one blocks.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockedUser {
    /// Who.
    pub user: User,
    /// Since when.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub since: String,
}

impl From<&TieView> for BlockedUser {
    fn from(view: &TieView) -> Self {
        let Friend { user, since } = view.into();
        Self { user, since }
    }
}

/// Who is a friend no more: the data of the event `friend.removed`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FriendRemoved {
    /// The former friend.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub user_id: String,
}

/// Whether one blocks somebody: the data of the event `block.updated`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockUpdate {
    /// Whom.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f601234567")]
    pub user_id: String,
    /// Whether he is blocked.
    pub blocked: bool,
}

impl From<&BlockView> for BlockUpdate {
    fn from(view: &BlockView) -> Self {
        Self { user_id: view.user_id.to_string(), blocked: view.blocked }
    }
}

/// What a user is to the one who looks.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Relation {
    /// Nothing.
    None,
    /// A friend.
    Friend,
    /// Somebody whom one has asked to be friends.
    RequestSent,
    /// Somebody who has asked to be friends.
    RequestReceived,
    /// Somebody whom one blocks.
    Blocked,
    /// Oneself.
    #[serde(rename = "self")]
    Own,
}

impl From<parlor_domain::Relation> for Relation {
    fn from(relation: parlor_domain::Relation) -> Self {
        match relation {
            parlor_domain::Relation::None => Self::None,
            parlor_domain::Relation::Friend => Self::Friend,
            parlor_domain::Relation::RequestSent => Self::RequestSent,
            parlor_domain::Relation::RequestReceived => Self::RequestReceived,
            parlor_domain::Relation::Blocked => Self::Blocked,
            parlor_domain::Relation::Own => Self::Own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_named_as_in_the_domain() {
        for state in parlor_domain::RequestState::ALL {
            assert_eq!(serde_json::to_value(RequestState::from(state)).unwrap(), state.name());
        }
    }
}
