//! What is answered to whom nobody knows: every operation of the document has its case.

use actix_web::http::Method;
use serde_json::Value;

use crate::support::{request, start};

/// The operations that need no token, each with what it answers a request without body or parameters.
const PUBLIC: [(&str, &str, u16); 13] = [
    ("post", "/api/v1/auth/signup", 400),
    ("post", "/api/v1/auth/login", 400),
    ("post", "/api/v1/auth/refresh", 401),
    ("get", "/api/v1/users/{id}/avatar", 404),
    ("get", "/api/v1/ws", 426),
    ("get", "/healthz", 200),
    ("get", "/readyz", 200),
    ("get", "/metrics", 404),
    ("get", "/api/docs", 308),
    ("get", "/api/docs/openapi.json", 200),
    ("get", "/api/docs/asyncapi.json", 200),
    ("get", "/api/docs/errors", 200),
    ("get", "/api/docs/{file}", 404),
];

/// Method, path and operation of everything in the document.
fn operations() -> Vec<(String, String, Value)> {
    let document = serde_json::to_value(parlor_api::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((method.clone(), path.clone(), operation.clone()));
        }
    }
    operations
}

/// A path with something in the place of each of its parameters.
fn filled(path: &str) -> String {
    path.replace("{id}", "65f0c0ffee65f0c0ffee65f0")
        .replace("{userId}", "65f0c0ffee65f0c0ffee65f1")
        .replace("{sessionId}", "65f0c0ffee65f0c0ffee65f1")
        .replace("{messageId}", "65f0c0ffee65f0c0ffee65f1")
        .replace("{emoji}", "%F0%9F%91%8D")
        .replace("{file}", "no-such-file")
}

#[actix_web::test]
async fn every_operation_refuses_parameters_that_it_does_not_know() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    for (method, path, operation) in operations() {
        let is_public = PUBLIC.iter().any(|(verb, place, _)| *verb == method && *place == path);
        if is_public && operation["requestBody"].is_null() {
            continue;
        }
        let verb: Method = method.to_uppercase().parse().unwrap();
        let answer = app.send(request(verb, &format!("{}?surprise=1", filled(&path)), &ada.access)).await;
        answer.assert_problem(422, "validation_failed");
        assert_eq!(answer.body["errors"][0]["code"], "unknown_field", "{method} {path}");
        assert_eq!(answer.body["errors"][0]["field"], "surprise", "{method} {path}");
    }
}

#[actix_web::test]
async fn every_operation_refuses_who_has_no_token_unless_it_is_listed_as_public() {
    let app = start().await;
    for (method, path, operation) in operations() {
        let public = PUBLIC.iter().find(|(verb, place, _)| *verb == method && *place == path);
        let wants_token =
            operation["security"].as_array().is_some_and(|ways| ways.iter().all(|way| way != &serde_json::json!({})));
        assert_eq!(wants_token, public.is_none(), "{method} {path}: document and list differ");
        let at = filled(&path);
        let verb: Method = method.to_uppercase().parse().unwrap();
        let answer = app.send(request(verb, &at, "")).await;
        match public {
            Some((_, _, status)) => assert_eq!(answer.status.as_u16(), *status, "{method} {path}: {}", answer.text),
            None => answer.assert_problem(401, "unauthenticated"),
        }
    }
}

#[actix_web::test]
async fn every_public_operation_of_the_list_is_in_the_document() {
    let operations = operations();
    for (method, path, _) in PUBLIC {
        assert!(operations.iter().any(|(verb, place, _)| verb == method && place == path), "{method} {path}");
    }
}

#[actix_web::test]
async fn nothing_answers_that_is_not_in_the_document() {
    let app = start().await;
    for path in [
        "/",
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/users",
        "/api/v1/admin",
        "/api/v1/debug",
        "/api/v1/users/me/",
        "/api/v1/conversations/direct/x",
        "/admin",
        "/debug",
        "/__test",
        "/socket.io/x",
        "/engine.io/",
        "/.env",
        "/config",
        "/data/parlor.db",
        "/api/v1/../../etc/passwd",
        "/api/docs/../../Cargo.toml",
        "//api/v1/users",
        "/API/V1/users",
    ] {
        let answer = app.get(path, "").await;
        assert!(matches!(answer.status.as_u16(), 404 | 405), "{path}: {} {}", answer.status, answer.text);
    }
}
