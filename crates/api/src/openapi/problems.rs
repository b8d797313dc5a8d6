//! The problems of each operation in the OpenAPI document.
//!
//! An operation names its own problems in the extension `x-problems`; those that follow from its form (a body, an id
//! in the path, parameters, authentication) are added here, so that no operation forgets one.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{
    ContentBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
    example::{Example, ExampleBuilder},
    path::{Operation, ParameterIn, PathItem},
};

use crate::problem::{PROBLEM_JSON, Problem, ProblemCode};

const EXTENSION: &str = "x-problems";

/// Adds to each operation the answers that tell of its problems.
pub(super) fn add(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for (is_safe, operation) in operations(item) {
            let codes = codes(path, is_safe, operation);
            let names: Vec<&str> = codes.iter().map(|code| code.name()).collect();
            operation.extensions.get_or_insert_default().insert(EXTENSION.to_owned(), json!(names));
            for (status, codes) in by_status(&codes) {
                operation.responses.responses.insert(status.to_string(), RefOr::T(response(&codes)));
            }
        }
    }
}

/// The operations of a path, each with whether its method changes nothing.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [(true, get), (false, put), (false, post), (false, delete), (false, patch)];
    all.into_iter().filter_map(|(is_safe, operation)| Some((is_safe, operation.as_mut()?)))
}

/// All problems that the operation can have: those that it names, and those that follow from its form.
fn codes(path: &str, is_safe: bool, operation: &Operation) -> Vec<ProblemCode> {
    let mut implied = Vec::new();
    if path.starts_with("/api/v1/") {
        implied.extend([ProblemCode::Internal, ProblemCode::StoreUnavailable]);
    }
    if let Some(RefOr::T(body)) = &operation.request_body {
        if body.required == Some(Required::True) {
            implied.push(ProblemCode::MissingBody);
        }
        implied.extend([
            ProblemCode::BadRequest,
            ProblemCode::InvalidJson,
            ProblemCode::RequestTimeout,
            ProblemCode::BodyTooLarge,
            ProblemCode::UnsupportedMediaType,
            ProblemCode::ValidationFailed,
        ]);
    }
    if has_parameter_in(operation, &ParameterIn::Query) {
        implied.extend([ProblemCode::BadRequest, ProblemCode::ValidationFailed]);
    }
    if has_parameter_in(operation, &ParameterIn::Path) && path.contains("{id}") {
        implied.extend([ProblemCode::InvalidId, ProblemCode::NotFound]);
    }
    if needs_token(operation) {
        implied.extend([
            // Of a parameter that is not known.
            ProblemCode::ValidationFailed,
            ProblemCode::Unauthenticated,
            ProblemCode::InvalidToken,
            ProblemCode::TokenExpired,
            ProblemCode::SessionEnded,
        ]);
        if !is_safe {
            implied.push(ProblemCode::OriginNotAllowed);
        }
    }
    let named = named(operation);
    ProblemCode::ALL.into_iter().filter(|code| implied.contains(code) || named.contains(&code.name())).collect()
}

fn named(operation: &Operation) -> Vec<&str> {
    let list = operation.extensions.as_ref().and_then(|extensions| extensions.get(EXTENSION));
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn has_parameter_in(operation: &Operation, place: &ParameterIn) -> bool {
    operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == *place,
        RefOr::Ref(_) => false,
    })
}

/// Whether nobody comes in without a token.
fn needs_token(operation: &Operation) -> bool {
    let nobody = json!({});
    let ways = operation.security.iter().flatten();
    let ways: Vec<Value> = ways.map(|way| serde_json::to_value(way).unwrap_or_default()).collect();
    !ways.is_empty() && !ways.contains(&nobody)
}

fn by_status(codes: &[ProblemCode]) -> BTreeMap<u16, Vec<ProblemCode>> {
    let mut groups: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
    for code in codes {
        groups.entry(code.status().as_u16()).or_default().push(*code);
    }
    groups
}

fn response(codes: &[ProblemCode]) -> Response {
    let names: Vec<String> = codes.iter().map(|code| format!("`{}`", code.name())).collect();
    let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    for code in codes {
        let example = Ref::new(format!("#/components/examples/{}", code.name()));
        content.examples.insert(code.name().to_owned(), RefOr::Ref(example));
    }
    ResponseBuilder::new().description(names.join(", ")).content(PROBLEM_JSON, content).build()
}

/// A problem of each code, for the operations to refer to.
pub(super) fn examples() -> impl Iterator<Item = (String, RefOr<Example>)> {
    ProblemCode::ALL.into_iter().map(|code| {
        let document = Problem::new(code, code.row().meaning).document();
        let example = ExampleBuilder::new().summary(code.title()).value(serde_json::to_value(document).ok()).build();
        (code.name().to_owned(), RefOr::T(example))
    })
}
