//! Domain rules as functions for the validator. Each rule stands once, in the domain type's `parse`.

use std::borrow::Cow;

use parlor_domain::{
    Bio, Category, ClientMessageId, ConversationName, Description, DisplayName, Email, Emoji, InvalidValue, LockReason,
    MessageText, ObjectId, RequestText, SearchQuery, StatusText, Timestamp, Username,
};
use parlor_services::Password;
use serde_json::value::RawValue;
use validator::ValidationError;

use super::Secret;

/// The greatest number that a position or revision can be: beyond it a browser can't tell neighbours apart.
pub(crate) const MAX_COUNTER: u64 = (1 << 53) - 1;

fn check<T>(parsed: Result<T, InvalidValue>) -> Result<(), ValidationError> {
    let refused = |reason: InvalidValue| ValidationError::new(reason.code).with_message(Cow::Borrowed(reason.message));
    parsed.map(|_| ()).map_err(refused)
}

pub(super) fn username(text: &str) -> Result<(), ValidationError> {
    check(Username::parse(text))
}

pub(super) fn email(text: &str) -> Result<(), ValidationError> {
    check(Email::parse(text))
}

pub(super) fn new_password(secret: &Secret) -> Result<(), ValidationError> {
    check(Password::parse(secret.expose()))
}

pub(super) fn password(secret: &Secret) -> Result<(), ValidationError> {
    check(Password::candidate(secret.expose()))
}

pub(super) fn display_name(text: &str) -> Result<(), ValidationError> {
    check(DisplayName::parse(text))
}

pub(super) fn bio(text: &str) -> Result<(), ValidationError> {
    check(Bio::parse(text))
}

pub(super) fn metadata(json: &RawValue) -> Result<(), ValidationError> {
    check(parlor_domain::Metadata::parse(json.get()))
}

pub(super) fn status_text(text: &str) -> Result<(), ValidationError> {
    check(StatusText::parse(text))
}

pub(super) fn message_text(text: &str) -> Result<(), ValidationError> {
    check(MessageText::parse(text))
}

pub(crate) fn emoji(text: &str) -> Result<(), ValidationError> {
    check(Emoji::parse(text))
}

pub(crate) fn search_query(text: &str) -> Result<(), ValidationError> {
    check(SearchQuery::parse(text))
}

pub(super) fn request_text(text: &str) -> Result<(), ValidationError> {
    check(RequestText::parse(text))
}

pub(super) fn client_message_id(text: &str) -> Result<(), ValidationError> {
    check(ClientMessageId::parse(text))
}

pub(super) fn conversation_name(text: &str) -> Result<(), ValidationError> {
    check(ConversationName::parse(text))
}

pub(crate) fn category(text: &str) -> Result<(), ValidationError> {
    check(Category::parse(text))
}

pub(super) fn description(text: &str) -> Result<(), ValidationError> {
    check(Description::parse(text))
}

pub(super) fn lock_reason(text: &str) -> Result<(), ValidationError> {
    check(LockReason::parse(text))
}

pub(crate) fn id(text: &str) -> Result<(), ValidationError> {
    check(text.parse::<ObjectId>())
}

pub(crate) fn time(text: &str) -> Result<(), ValidationError> {
    check(parse_time(text))
}

/// A time as clients write it.
///
/// # Errors
/// `invalid_time`.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, InvalidValue> {
    const INVALID: InvalidValue = InvalidValue::new("invalid_time", "must be a time such as 2026-11-21T10:57:31.042Z");
    Timestamp::parse_rfc3339(text).ok_or(INVALID)
}
