//! How commands are answered.

use parlor_domain::InvalidValue;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{extract::object, wire};

/// Under which name a command is answered: what the client gave it as `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ReplyId {
    /// None was given, or none that can be one.
    None,
    /// A number between -2^53 and 2^53.
    Number(i64),
    /// A text of at most 64 characters.
    Text(String),
}

impl ReplyId {
    /// The most characters of a text.
    pub const MAX_CHARS: usize = 64;

    pub(super) fn parse(json: &RawValue) -> Result<Self, InvalidValue> {
        const MAX: u64 = (1 << 53) - 1;
        match serde_json::from_str(json.get()) {
            Ok(serde_json::Value::String(text)) if text.chars().count() <= Self::MAX_CHARS => Ok(Self::Text(text)),
            Ok(serde_json::Value::Number(number)) => {
                let whole = number.as_i64().filter(|number| number.unsigned_abs() <= MAX);
                whole.map(Self::Number).ok_or(Self::INVALID)
            }
            _ => Err(Self::INVALID),
        }
    }

    const INVALID: InvalidValue =
        InvalidValue::new("invalid_reply_id", "must be a text of at most 64 characters or a whole number below 2^53");

    /// The id in a frame that is otherwise wrong, so that its sender learns which one it was.
    pub(super) fn search(text: &str) -> Self {
        #[derive(Deserialize)]
        struct Named {
            id: Box<RawValue>,
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let named: Option<Named> = object(&mut reader).ok().filter(|_| reader.end().is_ok());
        named.and_then(|named| Self::parse(&named.id).ok()).unwrap_or(Self::None)
    }
}

/// The answer to a command that was carried out.
#[derive(Debug, Serialize)]
pub struct Answer<'a, T> {
    /// The command's id.
    pub reply: &'a ReplyId,
    /// What REST answers to the same.
    pub data: T,
}

/// The answer to a command that was refused.
#[derive(Debug, Serialize)]
pub struct Refusal<'a> {
    /// The command's id.
    pub reply: &'a ReplyId,
    /// Why.
    pub problem: wire::Problem,
}
