//! The documents: what they say of every operation, and that the committed ones are those of the code.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::support::{Setup, start, start_with};

fn committed(name: &str, now: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    let then = fs::read_to_string(&path).unwrap_or_default();
    assert!(then == now, "docs/{name} is not what the code says: write it anew with `cargo xtask docs`");
}

fn document() -> Value {
    serde_json::to_value(parlor_api::openapi()).unwrap()
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((format!("{method} {path}"), operation));
        }
    }
    operations
}

#[test]
fn the_committed_documents_are_those_of_the_code() {
    committed("openapi.json", &(parlor_api::openapi().to_pretty_json().unwrap() + "\n"));
    committed("errors.md", &parlor_api::problem::errors_markdown());
}

#[test]
fn every_operation_has_a_name_a_summary_and_a_tag() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = Vec::new();
    for (name, operation) in operations(&document) {
        assert!(operation["summary"].as_str().is_some_and(|summary| summary.len() > 5), "{name}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{name}");
        ids.push(operation["operationId"].as_str().unwrap().to_owned());
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
    assert!(all >= 26, "{all}");
}

#[test]
fn every_problem_that_an_operation_names_is_in_the_table_and_among_its_answers() {
    let document = document();
    let known: Vec<&str> = parlor_api::problem::ProblemCode::ALL.iter().map(|code| code.name()).collect();
    let mut named = Vec::new();
    for (name, operation) in operations(&document) {
        for code in operation["x-problems"].as_array().unwrap() {
            let code = code.as_str().unwrap();
            assert!(known.contains(&code), "{name}: {code}");
            let answers = operation["responses"].as_object().unwrap().values();
            let examples =
                answers.filter_map(|answer| answer["content"]["application/problem+json"]["examples"].as_object());
            assert!(examples.into_iter().any(|examples| examples.contains_key(code)), "{name}: {code}");
            named.push(code.to_owned());
        }
    }
    // What no operation of REST can have comes from the routing itself, or from sockets alone.
    let elsewhere = ["unknown_path", "method_not_allowed", "unknown_command", "already_authenticated"];
    for code in known.iter().filter(|code| !elsewhere.contains(*code)) {
        assert!(named.iter().any(|name| name == code), "no operation has {code}");
    }
}

#[test]
fn every_field_of_a_request_has_its_bounds_and_every_body_an_example() {
    let document = document();
    for (name, operation) in operations(&document) {
        let Some(body) = operation.get("requestBody") else { continue };
        let schema = &body["content"]["application/json"]["schema"];
        let reference = schema["$ref"].as_str().unwrap();
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        assert!(schema.get("example").or(schema.get("examples")).is_some(), "{name}");
        for (field, schema) in schema["properties"].as_object().unwrap() {
            assert!(is_bounded(schema), "{name}: {field} {schema}");
        }
    }
}

fn is_bounded(schema: &Value) -> bool {
    let kind = &schema["type"];
    let kinds = kind.as_array().map_or(std::slice::from_ref(kind), Vec::as_slice);
    let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
    kinds.iter().all(|kind| match *kind {
        "string" => {
            ["maxLength", "pattern", "enum"].iter().any(|bound| schema.get(bound).is_some())
                || schema["format"] == "date-time"
        }
        "integer" => schema.get("maximum").is_some(),
        _ => true,
    })
}

#[actix_web::test]
async fn the_documents_and_the_explorer_are_served_by_this_server_alone() {
    let app = start().await;
    let served = app.get("/api/docs/openapi.json", "").await;
    assert_eq!(served.body, document());
    let page = app.get("/api/docs/errors", "").await;
    assert!(page.text.contains("id=\"validation_failed\""));
    let moved = app.get("/api/docs", "").await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (308, "/api/docs/"));
    let explorer = app.get("/api/docs/", "").await;
    assert_eq!((explorer.status.as_u16(), explorer.header("content-type")), (200, "text/html"));
    let policy = explorer.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("http"), "{policy}");
    for part in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        assert_eq!(app.get(&format!("/api/docs/{part}"), "").await.status, 200, "{part}");
    }
    app.get("/api/docs/../../etc/passwd", "").await.assert_problem(404, "unknown_path");
    app.get("/api/docs/nothing.js", "").await.assert_problem(404, "unknown_path");
}

#[actix_web::test]
async fn the_documents_can_be_turned_off() {
    let mut setup = Setup::default();
    setup.api.explorer = false;
    let app = start_with(setup).await;
    for path in ["/api/docs", "/api/docs/", "/api/docs/openapi.json", "/api/docs/asyncapi.json"] {
        app.get(path, "").await.assert_problem(404, "unknown_path");
    }
    assert_eq!(app.get("/api/docs/errors", "").await.status, 200, "the `type` of every problem leads there");
}
