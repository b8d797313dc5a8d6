//! JSON as text: checked once, parsed only by who wants the values.

use bytestring::ByteString;
use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The text of one JSON value. A clone shares the bytes.
///
/// As a part of something that is written as JSON or read from it, it stands for its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(ByteString);

impl Json {
    /// Serialises a value.
    ///
    /// # Errors
    /// What the value's `Serialize` fails with, or a map whose keys are not strings.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// Checks that the text is one JSON value.
    ///
    /// # Errors
    /// A text that is not.
    pub fn from_text(text: &ByteString) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Self(text.slice_ref(raw.get())))
    }

    /// Takes a text that is JSON by the way it was made.
    pub(crate) fn trusted(text: String) -> Self {
        Self(text.into())
    }

    /// The text, without white space around it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn text(&self) -> &ByteString {
        &self.0
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }

    /// Reads the value.
    ///
    /// # Errors
    /// A value that is not a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: Box<RawValue> = Deserialize::deserialize(deserializer)?;
        Ok(Self(String::from(Box::<str>::from(raw)).into()))
    }
}

/// A JSON string literal.
pub(crate) fn quote(text: &str) -> String {
    // `Display` of a `Value`, since `to_string` of a str returns a `Result` that is never an error.
    serde_json::Value::from(text).to_string()
}
