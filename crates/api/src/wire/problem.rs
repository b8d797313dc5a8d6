//! The shape of a problem document.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use super::Lock;

/// Why a request is refused, as RFC 9457 writes it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where the problem is explained, relative to the server.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference", example = "/api/docs/errors#validation_failed")]
    pub kind: String,
    /// A short name of the problem, the same whenever it comes up.
    #[schema(example = "Validation failed")]
    pub title: Cow<'static, str>,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// What went wrong this time, for people.
    #[schema(example = "`username` must have at least 3 characters")]
    pub detail: String,
    /// What went wrong, for programs. Never changes its meaning.
    #[schema(example = "validation_failed")]
    pub code: Cow<'static, str>,
    /// What the request is called in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = "uuid", required = false)]
    pub request_id: Option<String>,
    /// The fields that are to blame, if single ones are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// After how many seconds to try again, if waiting helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false, minimum = 0)]
    pub retry_after: Option<u64>,
    /// What keeps the account from signing in, if that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Lock, required = false)]
    pub lock: Option<Box<Lock>>,
}

/// What is wrong with a field or parameter. Never holds its value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The path of the field, such as `metadata` or `streams[0].rev`.
    #[schema(example = "username")]
    pub field: String,
    /// What is wrong, for programs.
    #[schema(example = "too_short")]
    pub code: Cow<'static, str>,
    /// What is wrong, for people; goes on from the field's name.
    #[schema(example = "must have at least 3 characters")]
    pub message: Cow<'static, str>,
}
