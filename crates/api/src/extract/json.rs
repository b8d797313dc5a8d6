//! From JSON to a typed, validated request, with an error that names the field.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{DeserializeOwned, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};
use validator::{Validate, ValidationErrors};

use super::unique_keys;
use crate::{
    problem::{Problem, ProblemCode},
    wire::FieldError,
};

/// How much of a field's name that the client made up is sent back.
const MAX_NAME: usize = 64;

/// Reads a request body, or the data of a command, and validates it.
///
/// # Errors
/// `invalid_json` for what is no JSON that everyone reads alike, `validation_failed` with the fields for what is not
/// of the type or breaks its rules.
pub(crate) fn from_json<T: DeserializeOwned + Validate>(json: &[u8]) -> Result<T, Problem> {
    unique_keys::check(json).map_err(|error| invalid_json(&error))?;
    validated(&mut serde_json::Deserializer::from_slice(json))
}

/// Reads a value of the type from anything that speaks serde_json's errors, and validates it.
///
/// # Errors
/// `validation_failed` with the fields.
pub(super) fn validated<'de, T, D>(deserializer: D) -> Result<T, Problem>
where
    T: Deserialize<'de> + Validate,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(deserializer, &mut track);
    // That it is JSON was found before; serde_json takes a list in the place of a choice for a fault of syntax.
    let value: T = object(deserializer)
        .map_err(|error| Problem::validation(vec![field_error(&track.path().to_string(), &error.to_string())]))?;
    value.validate().map_err(|errors| Problem::validation(rule_errors(&errors)))?;
    Ok(value)
}

/// Reads a struct from a JSON object alone. By itself, serde takes an array for a struct as well.
pub(crate) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(entries))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

fn invalid_json(error: &serde_json::Error) -> Problem {
    Problem::new(ProblemCode::InvalidJson, format!("the body is not acceptable JSON: {error}"))
}

/// What serde says in words, in our form. Its words may hold the refused value, which may be a secret: only what it
/// expected is taken over.
fn field_error(path: &str, message: &str) -> FieldError {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let named = |prefix: &str| message.strip_prefix(prefix)?.split('`').next();
    if let Some(name) = named("missing field `") {
        return refused(&join(path, name), "missing", "is missing");
    }
    if let Some(name) = named("unknown field `") {
        return refused(&join(path, name), "unknown_field", "is not known here");
    }
    let expected = message.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
    if message.starts_with("unknown variant") {
        let choices = expected.trim_start_matches("one of ").replace('`', "\"");
        return refused(path, "unknown_value", format!("must be one of {choices}"));
    }
    let kind = match expected {
        "a string" => "must be a text",
        "a boolean" => "must be true or false",
        "a JSON object" | "a map" => "must be a JSON object",
        "u64" | "u32" | "u16" | "u8" | "usize" => "must be a whole number, zero or more",
        _ => "is of the wrong type",
    };
    refused(path, if message.starts_with("invalid value") { "out_of_range" } else { "wrong_type" }, kind)
}

fn refused(path: &str, code: &'static str, message: impl Into<Cow<'static, str>>) -> FieldError {
    let field = if path == "." { "body".to_owned() } else { path.chars().take(MAX_NAME).collect() };
    FieldError { field, code: code.into(), message: message.into() }
}

/// The path of a field in the object at `path`, unless the path ends with it already.
fn join(path: &str, name: &str) -> String {
    match path {
        "." => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// The validator's errors without the values, which it keeps beside them.
fn rule_errors(errors: &ValidationErrors) -> Vec<FieldError> {
    let each = |(field, errors): (&Cow<'static, str>, &Vec<validator::ValidationError>)| {
        let field = camel_case(field);
        let error = |error: &validator::ValidationError| FieldError {
            field: field.clone(),
            code: error.code.clone(),
            message: error.message.clone().unwrap_or(Cow::Borrowed("is not valid")),
        };
        errors.iter().map(error).collect::<Vec<_>>()
    };
    let mut list: Vec<FieldError> =
        errors.field_errors().iter().flat_map(|(field, errors)| each((field, errors))).collect();
    list.sort_by(|a, b| a.field.cmp(&b.field));
    list
}

/// The validator names fields as Rust does.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut name, part| {
        let mut letters = part.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name + letters.as_str()
    })
}
