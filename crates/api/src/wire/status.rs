//! What a user chose to show.

use parlor_domain::StatusText;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::{field, rules};
use crate::problem::Problem;

/// What a user chose to show.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The choice.
    pub kind: StatusKind,
    /// A few words with it.
    #[schema(required = true, min_length = 1, max_length = 140, example = "in a meeting")]
    pub text: Option<String>,
    /// When it ends and the user is available again.
    #[schema(required = true, format = DateTime, example = "2026-11-21T12:00:00.000Z")]
    pub until: Option<String>,
}

impl From<&parlor_domain::Status> for Status {
    fn from(status: &parlor_domain::Status) -> Self {
        Self {
            kind: status.kind.into(),
            text: status.text.as_ref().map(ToString::to_string),
            until: status.until.map(|until| until.to_string()),
        }
    }
}

/// `busy` holds back everything that would be pushed until it ends; `invisible` looks offline to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    /// Reachable.
    Available,
    /// Not to be disturbed.
    Busy,
    /// Not at the screen.
    Away,
    /// Connected, and shown to others as offline.
    Invisible,
}

impl From<parlor_domain::StatusKind> for StatusKind {
    fn from(kind: parlor_domain::StatusKind) -> Self {
        match kind {
            parlor_domain::StatusKind::Available => Self::Available,
            parlor_domain::StatusKind::Busy => Self::Busy,
            parlor_domain::StatusKind::Away => Self::Away,
            parlor_domain::StatusKind::Invisible => Self::Invisible,
        }
    }
}

impl From<StatusKind> for parlor_domain::StatusKind {
    fn from(kind: StatusKind) -> Self {
        match kind {
            StatusKind::Available => Self::Available,
            StatusKind::Busy => Self::Busy,
            StatusKind::Away => Self::Away,
            StatusKind::Invisible => Self::Invisible,
        }
    }
}

/// A status to set. What is left out is none.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "kind": "busy", "text": "in a meeting", "until": "2026-11-21T12:00:00.000Z" }))]
pub struct SetStatus {
    /// The choice.
    pub kind: StatusKind,
    /// A few words with it: one line of 1 to 140 characters.
    #[validate(custom(function = "rules::status_text"))]
    #[schema(min_length = 1, max_length = 140)]
    pub text: Option<String>,
    /// When it ends and the user is available again; in the future.
    #[validate(custom(function = "rules::time"))]
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

impl TryFrom<SetStatus> for parlor_domain::Status {
    type Error = Problem;

    fn try_from(status: SetStatus) -> Result<Self, Problem> {
        Ok(Self {
            kind: status.kind.into(),
            text: status.text.map(|text| field("text", StatusText::parse(&text))).transpose()?,
            until: status.until.map(|until| field("until", rules::parse_time(&until))).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_as_in_the_domain() {
        for kind in parlor_domain::StatusKind::ALL {
            assert_eq!(serde_json::to_value(StatusKind::from(kind)).unwrap(), kind.name());
            let read: StatusKind = serde_json::from_value(kind.name().into()).unwrap();
            assert_eq!(parlor_domain::StatusKind::from(read), kind);
        }
    }
}
