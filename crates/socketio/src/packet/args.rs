//! The arguments of an event or of an acknowledgement.

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::placeholder::{self, Attachment};
use crate::json::Json;

/// A list of JSON values, kept as text, with the bytes that placeholders in it stand for. A clone shares them.
///
/// What a client sent shares the memory of the whole message or request that it came in: copy what is kept for long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    /// The values with commas between them: the array without its brackets, so that a name fits in front of them.
    list: ByteString,
    attachments: Vec<Bytes>,
}

impl Args {
    /// No arguments.
    pub fn none() -> Self {
        Self::default()
    }

    /// Serialises arguments: a tuple, an array or a slice, so `&(value,)` for a single one.
    ///
    /// # Errors
    /// A value that is no list, and whatever its `Serialize` fails with.
    pub fn new<T: Serialize + ?Sized>(values: &T) -> Result<Self, ArgsError> {
        Self::from_json(&Json::new(values)?)
    }

    /// Takes arguments that are JSON already.
    ///
    /// # Errors
    /// A value that is no array.
    pub fn from_json(array: &Json) -> Result<Self, ArgsError> {
        let text = array.text();
        let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or(ArgsError::NotAList)?;
        Ok(Self::from_list(text.slice_ref(list.trim()), Vec::new()))
    }

    /// `list` must be valid JSON values with commas between them.
    pub(super) fn from_list(list: ByteString, attachments: Vec<Bytes>) -> Self {
        Self { list, attachments }
    }

    /// The same arguments with the bytes that they refer to: each [`Attachment`] from 0 up, exactly
    /// once. Stock clients take up to ten.
    ///
    /// # Errors
    /// Placeholders that do not match the attachments: a receiver would close the connection for them.
    pub fn with_attachments(self, attachments: Vec<Bytes>) -> Result<Self, ArgsError> {
        if !attachments.is_empty() && !placeholder::match_attachments(&self.array(), attachments.len()) {
            return Err(ArgsError::Placeholders);
        }
        Ok(Self { attachments, ..self })
    }

    /// The same arguments and one more behind them. What is there is not serialised again.
    ///
    /// # Errors
    /// Whatever the value's `Serialize` fails with.
    pub fn with_last<T: Serialize + ?Sized>(&self, value: &T) -> Result<Self, serde_json::Error> {
        let value = Json::new(value)?;
        let separator = if self.list.is_empty() { "" } else { "," };
        let list = [&*self.list, separator, value.as_str()].concat();
        Ok(Self { list: list.into(), attachments: self.attachments.clone() })
    }

    /// Reads the arguments as a tuple, a `Vec` or the like. Binary ones are [`Attachment`]s.
    ///
    /// # Errors
    /// Arguments that are not a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.array())
    }

    /// Whether there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The bytes that stand at a place among the arguments; `None` if a client speaks of bytes that it did not send.
    pub fn attachment(&self, place: Attachment) -> Option<&Bytes> {
        self.attachments.get(place.num())
    }

    /// The bytes that came along.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    pub(super) fn list(&self) -> &str {
        &self.list
    }

    pub(super) fn attach(&mut self, bytes: Bytes) {
        self.attachments.push(bytes);
    }

    fn array(&self) -> String {
        ["[", &*self.list, "]"].concat()
    }
}

/// Why something is not a list of arguments.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    /// Serialising failed.
    #[error("arguments cannot be serialised")]
    Json(#[from] serde_json::Error),
    /// The value is not an array.
    #[error("arguments are not a list")]
    NotAList,
    /// Placeholders and attachments do not match.
    #[error("the placeholders do not match the attachments")]
    Placeholders,
}
