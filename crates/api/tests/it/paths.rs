//! Paths, methods and query strings.

use actix_web::http::Method;

use crate::support::{request, start};

#[actix_web::test]
async fn an_unknown_path_is_a_problem_like_any_other() {
    let app = start().await;
    for path in
        ["/", "/api", "/api/v1", "/api/v1/", "/api/v1/users/", "/api/v2/users", "/api/v1/users/me/", "/%00", "//"]
    {
        app.get(path, "").await.assert_problem(404, "unknown_path");
    }
}

#[actix_web::test]
async fn a_known_path_with_another_method_tells_which_it_takes() {
    let app = start().await;
    for (method, path, allow) in [
        ("GET", "/api/v1/auth/login", "POST"),
        ("POST", "/api/v1/users/me", "GET, HEAD, PATCH, DELETE"),
        ("DELETE", "/api/v1/users/6740a1b2c3d4e5f601234567", "GET, HEAD"),
        ("PUT", "/api/v1/conversations/6740a1b2c3d4e5f601234567/messages", "GET, HEAD, POST"),
        ("TRACE", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/healthz", "GET, HEAD"),
        ("BREW", "/healthz", "GET, HEAD"),
        ("CONNECT", "/api/v1/users/me", "GET, HEAD, PATCH, DELETE"),
    ] {
        let answer = app.send(request(Method::from_bytes(method.as_bytes()).unwrap(), path, "")).await;
        answer.assert_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}

#[actix_web::test]
async fn head_is_answered_like_get() {
    let app = start().await;
    let answer = app.send(request(Method::HEAD, "/healthz", "")).await;
    assert_eq!(answer.status, 200);
}

#[actix_web::test]
async fn what_is_no_id_is_refused_before_anything_is_looked_up() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    for id in ["1", "me2", "6740a1b2c3d4e5f60123456g", "%00", "%2e%2e%2fetc", "6740a1b2c3d4e5f601234567%0a", "%ff"] {
        for path in [format!("/api/v1/users/{id}"), format!("/api/v1/conversations/{id}/messages")] {
            let answer = app.get(&path, &ada.access).await;
            answer.assert_problem(400, "invalid_id");
            assert!(answer.body["detail"].as_str().unwrap().contains("`id`"));
        }
    }
}

#[actix_web::test]
async fn an_unknown_id_and_somebody_else_s_are_answered_alike() {
    let app = start().await;
    let (_, _, id) = app.two_users().await;
    let eve = app.sign_up("eve").await;
    let mut answers = Vec::new();
    for id in [&*id, "6740a1b2c3d4e5f601234567"] {
        let answer = app.get(&format!("/api/v1/conversations/{id}/messages"), &eve.access).await;
        answer.assert_problem(404, "not_found");
        answers.push(answer.body["detail"].clone());
    }
    assert_eq!(answers[0], answers[1]);
}

#[actix_web::test]
async fn parameters_are_checked_like_fields() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    let messages = format!("/api/v1/conversations/{id}/messages");
    for (query, field, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=1001", "limit", "out_of_range"),
        ("limit=-1", "limit", "wrong_type"),
        ("limit=NaN", "limit", "wrong_type"),
        ("limit=1e9", "limit", "wrong_type"),
        ("limit=", "limit", "wrong_type"),
        ("limit=99999999999999999999999", "limit", "out_of_range"),
        ("limit=%2B5", "limit", "wrong_type"),
        ("beforeSeq=9007199254740992", "beforeSeq", "out_of_range"),
        ("beforeSeq=1&afterSeq=1", "afterSeq", "exclusive"),
        ("limit=5&limit=6", "limit", "duplicate"),
        ("before=5", "before", "unknown_field"),
        ("limit[$ne]=5", "limit[$ne]", "unknown_field"),
    ] {
        app.get(&format!("{messages}?{query}"), &ada.access).await.assert_invalid(field, code);
    }
    for (path, cursor) in [
        ("/api/v1/users", "%00"),
        ("/api/v1/users", ""),
        ("/api/v1/conversations", "1"),
        ("/api/v1/conversations", "x-y"),
    ] {
        app.get(&format!("{path}?cursor={cursor}"), &ada.access).await.assert_invalid("cursor", "invalid_cursor");
    }
    assert_eq!(app.get(&format!("{messages}?limit=1000&afterSeq=0"), &ada.access).await.status, 200);
}
