//! The shapes of the wire as JSON Schemas, collected while they are referred to, and examples made of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

const PREFIX: &str = "#/components/schemas/";

/// The schemas that a document refers to.
#[derive(Default)]
pub(super) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// A reference to the schema of a shape.
    pub(super) fn reference<T: ToSchema>(&mut self) -> Value {
        let mut parts = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut parts);
        self.0.extend(parts.into_iter().map(|(name, schema)| (name, plain(&schema))));
        json!({ "$ref": format!("{PREFIX}{}", T::name()) })
    }

    /// The schema of a shape itself, to be added to.
    pub(super) fn inline<T: ToSchema>(&mut self) -> Value {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        self.0.extend(parts.into_iter().map(|(name, schema)| (name, plain(&schema))));
        plain(&T::schema())
    }

    /// A value that a schema describes, made of the examples in it.
    pub(super) fn example(&self, schema: &Value) -> Value {
        if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix(PREFIX)) {
            return self.0.get(name).map_or(Value::Null, |schema| self.example(schema));
        }
        for given in [&schema["const"], &schema["example"], &schema["examples"][0], &schema["enum"][0]] {
            if !given.is_null() {
                return given.clone();
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let members = parts.iter().filter_map(|part| self.example(part).as_object().cloned());
            return members.flatten().collect::<Map<_, _>>().into();
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let choice = choices.iter().find(|choice| choice["type"] != "null");
            return choice.map_or(Value::Null, |choice| self.example(choice));
        }
        self.example_of_type(schema)
    }

    fn example_of_type(&self, schema: &Value) -> Value {
        // Where null is possible, it is the simplest example.
        match schema["type"].as_str() {
            Some("object") => {
                let members = schema["properties"].as_object().into_iter().flatten();
                members.map(|(name, schema)| (name.clone(), self.example(schema))).collect::<Map<_, _>>().into()
            }
            Some("array") => json!([]),
            Some("string") => json!(""),
            Some("boolean") => json!(true),
            Some("integer" | "number") => json!(0),
            _ => Value::Null,
        }
    }

    /// All that were referred to.
    pub(super) fn into_components(self) -> Value {
        json!(self.0)
    }
}

fn plain(schema: &RefOr<Schema>) -> Value {
    // Schemas are plain data; writing them fails for none.
    serde_json::to_value(schema).unwrap_or_default()
}
