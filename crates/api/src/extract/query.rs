//! Query strings.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::{Payload, ResourceDef},
    http::Method,
    web,
};
use parlor_domain::InvalidValue;
use serde::{
    Deserialize,
    de::{DeserializeOwned, Deserializer, Error as _, Unexpected},
};
use serde_json::{Map, Value};
use validator::Validate;

use super::json::validated;
use crate::problem::{Problem, ProblemCode};

/// The parameters after the `?`, validated. Those that the operation does not know are refused: a misspelt one would
/// be dropped in silence otherwise.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Validate> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

/// The operations that take parameters after the `?`. It is among the data of the scope that serves them.
#[derive(Default)]
pub(crate) struct TakingParameters(Vec<(Method, ResourceDef)>);

impl TakingParameters {
    /// Notes an operation by the pattern of its whole path.
    pub(crate) fn note(&mut self, method: Method, pattern: &str) {
        self.0.push((method, ResourceDef::new(pattern)));
    }

    fn has(&self, request: &HttpRequest) -> bool {
        self.0.iter().any(|(method, pattern)| method == request.method() && pattern.is_match(request.path()))
    }
}

/// Refuses parameters of an operation that takes none; those of the others are up to [`Query`].
///
/// # Errors
/// `validation_failed`, with one that there is.
pub(super) fn refuse_parameters(request: &HttpRequest) -> Result<(), Problem> {
    /// Of an operation that takes none.
    #[derive(Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    if request.query_string().is_empty() {
        return Ok(());
    }
    let Some(taking) = request.app_data::<TakingParameters>() else { return Ok(()) };
    if taking.has(request) {
        return Ok(());
    }
    read::<Nothing>(request.query_string()).map(|Nothing {}| ())
}

fn read<T: DeserializeOwned + Validate>(query: &str) -> Result<T, Problem> {
    let malformed = |_| Problem::new(ProblemCode::BadRequest, "the query string is malformed");
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map_err(malformed)?.into_inner();
    let mut parameters = Map::new();
    for (name, value) in pairs {
        if parameters.insert(name.clone(), Value::String(value)).is_some() {
            let name: String = name.chars().take(64).collect();
            return Err(Problem::invalid_field(name, InvalidValue::new("duplicate", "must be given once")));
        }
    }
    validated(Value::Object(parameters))
}

/// A parameter that is a number, for `deserialize_with`.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    // `u64` itself would take a plus sign.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are out of range, whatever the range is.
        return Ok(Some(text.parse().unwrap_or(u64::MAX)));
    }
    Err(D::Error::invalid_type(Unexpected::Other("text"), &"u64"))
}
