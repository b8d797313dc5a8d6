//! Friend requests, and what users have made of each other.

use mongodb::bson::{DateTime, RawDocument, oid::ObjectId};
use parlor_domain::{FriendRequest, FriendRequestId, RequestState, RequestText, Tie, TieKind, UserId};
use serde::{Deserialize, Serialize};

use super::{Stored, date, fields, known, oid, parse, parse_optional, time};

/// A friend request: one for each two and direction, whatever became of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FriendRequestDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    from: ObjectId,
    to: ObjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    state: String,
    created_at: DateTime,
    updated_at: DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_at: Option<DateTime>,
}

impl FriendRequestDocument {
    pub(crate) fn new(request: &FriendRequest) -> Self {
        Self {
            id: oid(request.id.as_bytes()),
            from: oid(request.from.as_bytes()),
            to: oid(request.to.as_bytes()),
            text: request.text.as_ref().map(ToString::to_string),
            state: request.state.name().to_owned(),
            created_at: date(request.created_at),
            updated_at: date(request.updated_at),
            rejected_at: request.rejected_at.map(date),
        }
    }
}

impl Stored for FriendRequestDocument {
    const WHAT: &'static str = "friend request";
    type Value = FriendRequest;

    fn read(raw: &RawDocument) -> Result<FriendRequest, String> {
        let document: Self = fields(raw)?;
        Ok(FriendRequest {
            id: FriendRequestId::from_bytes(document.id.bytes()),
            from: UserId::from_bytes(document.from.bytes()),
            to: UserId::from_bytes(document.to.bytes()),
            text: parse_optional("text", document.text.as_deref(), RequestText::stored)?,
            state: parse("state", &document.state, known(RequestState::from_name))?,
            created_at: time(document.created_at),
            updated_at: time(document.updated_at),
            rejected_at: document.rejected_at.map(time),
        })
    }
}

/// What one user has made of another: a friend (two documents for each friendship), or somebody whom he blocks.
#[derive(Serialize, Deserialize)]
pub(crate) struct TieDocument {
    user: ObjectId,
    other: ObjectId,
    kind: String,
    /// The key of the other one's name, which lists are ordered by.
    name: String,
    since: DateTime,
}

impl TieDocument {
    pub(crate) fn new(tie: &Tie) -> Self {
        Self {
            user: oid(tie.user.as_bytes()),
            other: oid(tie.other.as_bytes()),
            kind: tie.kind.name().to_owned(),
            name: tie.name.clone(),
            since: date(tie.since),
        }
    }
}

impl Stored for TieDocument {
    const WHAT: &'static str = "tie of user";
    const ID: &'static str = "user";
    type Value = Tie;

    fn read(raw: &RawDocument) -> Result<Tie, String> {
        let document: Self = fields(raw)?;
        Ok(Tie {
            user: UserId::from_bytes(document.user.bytes()),
            other: UserId::from_bytes(document.other.bytes()),
            kind: parse("kind", &document.kind, known(TieKind::from_name))?,
            name: document.name,
            since: time(document.since),
        })
    }
}
