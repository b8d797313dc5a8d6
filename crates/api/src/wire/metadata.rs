//! What front ends keep with users and messages.

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;
use utoipa::{PartialSchema, ToSchema, openapi};

/// A JSON object that belongs to the front end, written byte for byte as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata(parlor_domain::Metadata);

impl From<&parlor_domain::Metadata> for Metadata {
    fn from(metadata: &parlor_domain::Metadata) -> Self {
        Self(metadata.clone())
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object: &RawValue = serde_json::from_str(self.0.as_str()).map_err(S::Error::custom)?;
        object.serialize(serializer)
    }
}

impl PartialSchema for Metadata {
    fn schema() -> openapi::RefOr<openapi::Schema> {
        openapi::ObjectBuilder::new()
            .description(Some("A free JSON object of at most 4,096 bytes; belongs to the front end."))
            .additional_properties(Some(openapi::schema::AdditionalProperties::FreeForm(true)))
            .examples([serde_json::json!({ "theme": "dark" })])
            .build()
            .into()
    }
}

impl ToSchema for Metadata {}
