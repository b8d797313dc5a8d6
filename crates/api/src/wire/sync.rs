//! What a client that comes back knows, and what it has missed.

use std::{borrow::Cow, collections::BTreeMap};

use parlor_domain::{InvalidValue, ObjectId, Rev, StreamId, UserId};
use parlor_services::{StreamSync, Synced};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use super::{EventFrame, Receipt, field, rules};
use crate::problem::Problem;

/// The most streams that one request may name; who has more asks in parts.
const MAX_STREAMS: usize = 1000;

/// The streams that a client has, each with the revision that it has come to.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "streams": { "6740a1b2c3d4e5f601234567": 7, "6740a1b2c3d4e5f6aaaaaaaa": 42 } }))]
pub struct SyncRequest {
    /// By the stream's id (a conversation's id, or one's own user id), the revision that one has come to; 0 for
    /// everything. At most 1,000 streams. Conversations that are new since then come with one's own stream.
    #[validate(custom(function = "check_streams"))]
    pub streams: BTreeMap<String, u64>,
}

fn check_streams(streams: &BTreeMap<String, u64>) -> Result<(), ValidationError> {
    let refuse = |code, message| Err(ValidationError::new(code).with_message(Cow::<'static, str>::Borrowed(message)));
    if streams.len() > MAX_STREAMS {
        return refuse("too_many", "must name at most 1000 streams");
    }
    if streams.keys().any(|id| id.parse::<ObjectId>().is_err()) {
        return refuse("invalid_id", "must have ids of 24 hexadecimal digits as keys");
    }
    if streams.values().any(|rev| *rev > rules::MAX_COUNTER) {
        return refuse("out_of_range", "must have revisions of at most 9007199254740991");
    }
    Ok(())
}

impl SyncRequest {
    /// Where this user is in which stream.
    ///
    /// # Errors
    /// `validation_failed` for a key that is no id.
    pub fn positions(&self, user: UserId) -> Result<Vec<(StreamId, Rev)>, Problem> {
        let position = |(id, rev): (&String, &u64)| Ok((StreamId::parse_for(user, id)?, Rev::new(*rev)));
        let positions: Result<_, InvalidValue> = self.streams.iter().map(position).collect();
        field("streams", positions)
    }
}

/// What a client has missed: exactly that, or a `resync`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SyncResponse {
    /// By the stream's id, what happened there. Beside the streams that were asked for, conversations that are new.
    pub streams: BTreeMap<String, StreamChanges>,
    /// The streams of which it can't be told what was missed, each with its present revision: load what they hold
    /// anew. One that is unknown, or not one's own, is among them at 0.
    pub resync: BTreeMap<String, u64>,
}

/// What happened in a stream.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StreamChanges {
    /// The revision that one has come to with the events.
    #[schema(maximum = 9007199254740991i64, example = 42)]
    pub rev: u64,
    /// The changes in order, as the events that tell of them, in their present state.
    pub events: Vec<EventFrame>,
    /// Whether there is more: ask again from `rev`. On a socket the rest is pushed.
    pub more: bool,
    /// If there is no more: the other members' positions.
    pub receipts: Vec<Receipt>,
}

impl SyncResponse {
    /// What this user has missed.
    pub fn new(synced: &Synced, user: UserId) -> Self {
        let changes = |part: &StreamSync| StreamChanges {
            rev: part.rev.get(),
            events: part.changes.iter().map(|change| EventFrame::of_change(change, user)).collect(),
            more: part.more,
            // One's own positions come in one's own stream.
            receipts: part.receipts.iter().filter(|receipt| receipt.user_id != user).map(Into::into).collect(),
        };
        Self {
            streams: synced.streams.iter().map(|part| (part.stream.to_string(), changes(part))).collect(),
            resync: synced.resync.iter().map(|(stream, rev)| (stream.to_string(), rev.get())).collect(),
        }
    }
}
