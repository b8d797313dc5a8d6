//! Documents, and the domain's types that are made of them. A document that this program can't have written is corrupt:
//! the error names its collection's thing and id. Fields that are not known are left alone: a newer version may have
//! added them.

mod accounts;
mod administration;
mod changes;
mod conversations;
mod messages;
mod relations;

use std::fmt::Display;

use mongodb::bson::{
    self, Binary, DateTime, RawBsonRef, RawDocument, RawDocumentBuf, oid::ObjectId, spec::BinarySubtype,
};
use parlor_domain::{
    Timestamp,
    store::{StoreError, StoreResult},
};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use self::{
    accounts::{
        RefreshTokenDocument, SessionDocument, StatusDocument, TicketDocument, UserChangeDocument, UserDocument, prefix,
    },
    administration::{AuditDocument, DayDocument, LockDocument},
    changes::{ReactionDocument, VersionDocument},
    conversations::{ConversationDocument, MemberDocument, StoredConversation, StoredMember},
    messages::{ExcerptDocument, MessageDocument, PlaceDocument},
    relations::{FriendRequestDocument, TieDocument},
};

/// A sort of document, and what it means to the rules.
pub(crate) trait Stored {
    /// What it is called in an error.
    const WHAT: &'static str;
    /// The field that says which one it is.
    const ID: &'static str = "_id";
    /// The domain's type.
    type Value;

    /// Makes it, or says which field can't be right.
    fn read(raw: &RawDocument) -> Result<Self::Value, String>;
}

/// Reads a document as what it means.
pub(crate) fn decode<D: Stored>(raw: &RawDocument) -> StoreResult<D::Value> {
    D::read(raw).map_err(|reason| {
        let id = match raw.get(D::ID) {
            Ok(Some(RawBsonRef::ObjectId(id))) => id.to_hex(),
            _ => "without an id".to_owned(),
        };
        StoreError::corrupt(format!("{} {id}: {reason}", D::WHAT))
    })
}

/// A field that every document of its sort has.
fn there<T>(name: &str, field: Option<T>) -> Result<T, String> {
    field.ok_or_else(|| format!("{name} is missing"))
}

/// The fields of a document.
fn fields<D: DeserializeOwned>(raw: &RawDocument) -> Result<D, String> {
    bson::deserialize_from_slice(raw.as_bytes()).map_err(|error| without_value(&error.to_string()))
}

/// What is wrong with a document, without the value that is wrong, which somebody may have written.
fn without_value(reason: &str) -> String {
    match (reason.find('"'), reason.rfind('"')) {
        (Some(begin), Some(end)) if begin < end => format!("{}…{}", &reason[..begin], &reason[end + 1..]),
        _ => reason.to_owned(),
    }
}

/// Writes a document. What is made here always can be: no map has keys other than texts, no number is too large.
pub(crate) fn encode(document: &impl Serialize) -> StoreResult<RawDocumentBuf> {
    bson::serialize_to_raw_document_buf(document).map_err(StoreError::unavailable)
}

pub(crate) fn oid(id: &[u8; 12]) -> ObjectId {
    ObjectId::from_bytes(*id)
}

pub(crate) fn date(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millis())
}

pub(crate) fn time(date: DateTime) -> Timestamp {
    Timestamp::from_millis(date.timestamp_millis())
}

/// A counter as a database keeps it. No [`Rev`] or [`Seq`] is larger than 2^53.
pub(crate) fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stored counter.
fn counter(field: &str, number: i64) -> Result<u64, String> {
    u64::try_from(number).map_err(|_| format!("{field} is negative"))
}

pub(crate) fn binary(bytes: &[u8; 32]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

fn bytes(field: &str, bytes: &[u8]) -> Result<[u8; 32], String> {
    bytes.try_into().map_err(|_| format!("{field} has not 32 bytes"))
}

/// A text as one of the domain's values.
fn parse<T, E: Display>(field: &str, text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, String> {
    parse(text).map_err(|reason| format!("{field} {reason}"))
}

/// The same of a text that may be missing.
fn parse_optional<T, E: Display>(
    field: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, String> {
    text.map(parse).transpose().map_err(|reason| format!("{field} {reason}"))
}

/// Makes a lookup by name say what is wrong with a name that it does not know.
fn known<T>(from_name: impl Fn(&str) -> Option<T>) -> impl Fn(&str) -> Result<T, &'static str> {
    move |name| from_name(name).ok_or("is not one that is known")
}
