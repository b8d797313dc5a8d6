//! Bodies that are not what they should be. Nothing is stored of any of them.

use actix_web::http::Method;
use serde_json::json;

use crate::support::{PASSWORD, request, start};

const SIGN_UP: &str = "/api/v1/auth/signup";

#[actix_web::test]
async fn what_is_no_json_is_refused_with_its_place() {
    let app = start().await;
    for body in
        ["{", "{\"username\":}", "nope", "{}{}", "{\"username\":\"a\",}", "\u{feff}{}", "{\"username\":\"\\ud800\"}"]
    {
        let answer = app.post_text(SIGN_UP, "", body.to_owned()).await;
        answer.assert_problem(400, "invalid_json");
        assert!(answer.body["detail"].as_str().unwrap().contains("line 1 column"), "{answer:?}");
    }
    app.post_text(SIGN_UP, "", &b"{\"username\":\"\xff\"}"[..]).await.assert_problem(400, "invalid_json");
    app.post_text(SIGN_UP, "", format!("{}{}", "[".repeat(65), "]".repeat(65)))
        .await
        .assert_problem(400, "invalid_json");
}

#[actix_web::test]
async fn the_same_key_twice_is_refused_also_inside_metadata() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    for body in [r#"{"text":"a","text":"b"}"#, r#"{"text":"a","metadata":{"x":{"y":1,"\u0079":2}}}"#] {
        app.post_text(&path, &ada.access, body).await.assert_problem(400, "invalid_json");
    }
    assert_eq!(app.get(&path, &ada.access).await.body["items"], json!([]));
}

#[actix_web::test]
async fn an_absent_body_is_told_apart_from_a_broken_one() {
    let app = start().await;
    app.post_text(SIGN_UP, "", "").await.assert_problem(400, "missing_body");
    app.send(request(Method::POST, SIGN_UP, "")).await.assert_problem(400, "missing_body");
}

#[actix_web::test]
async fn a_missing_unknown_or_mistyped_field_is_named() {
    let app = start().await;
    for (body, field, code) in [
        (json!({ "password": PASSWORD }), "username", "missing"),
        (json!({ "username": "ada", "password": PASSWORD, "role": "super_admin" }), "role", "unknown_field"),
        (json!({ "username": { "$ne": null }, "password": PASSWORD }), "username", "wrong_type"),
        (json!({ "username": ["ada"], "password": PASSWORD }), "username", "wrong_type"),
        (json!({ "username": null, "password": PASSWORD }), "username", "wrong_type"),
        (json!({ "username": 7, "password": PASSWORD }), "username", "wrong_type"),
        (json!({ "username": "ada", "password": { "$gt": "" } }), "password", "wrong_type"),
        (json!({ "username": "ada", "password": PASSWORD, "session": "both" }), "session", "unknown_value"),
        (json!(["ada", null, PASSWORD, null, null]), "body", "wrong_type"),
        (json!("ada"), "body", "wrong_type"),
        (json!(null), "body", "wrong_type"),
    ] {
        app.post(SIGN_UP, "", body).await.assert_invalid(field, code);
    }
    assert_eq!(app.post("/api/v1/auth/login", "", json!({ "login": "ada", "password": PASSWORD })).await.status, 401);
}

#[actix_web::test]
async fn a_field_that_breaks_its_rule_is_named_in_the_rule_s_words() {
    let app = start().await;
    for (body, field, code) in [
        (json!({ "username": "", "password": PASSWORD }), "username", "too_short"),
        (json!({ "username": "a".repeat(33), "password": PASSWORD }), "username", "too_long"),
        (json!({ "username": "a b c", "password": PASSWORD }), "username", "invalid_characters"),
        (json!({ "username": "ada", "password": "1234567" }), "password", "too_short"),
        (json!({ "username": "ada", "password": "é".repeat(36) }), "password", "too_long"),
        (json!({ "username": "ada", "password": PASSWORD, "email": "ada" }), "email", "invalid_email"),
        (json!({ "username": "ada", "password": PASSWORD, "displayName": "a\u{0}b" }), "displayName", "nul_character"),
        (json!({ "username": "ada", "password": PASSWORD, "displayName": " " }), "displayName", "empty"),
    ] {
        app.post(SIGN_UP, "", body).await.assert_invalid(field, code);
    }
}

#[actix_web::test]
async fn every_broken_rule_is_told_at_once() {
    let app = start().await;
    let answer = app.post(SIGN_UP, "", json!({ "username": "a", "password": "short", "email": "x" })).await;
    answer.assert_problem(422, "validation_failed");
    let fields: Vec<_> = answer.body["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["email", "password", "username"]);
}

#[actix_web::test]
async fn a_refused_secret_is_never_echoed() {
    let app = start().await;
    for body in [
        json!({ "username": "ada", "password": "hunter2" }),
        json!({ "username": "ada", "password": ["hunter2"] }),
        json!({ "username": { "a": "hunter2" }, "password": "hunter2" }),
        json!({ "username": "ada", "password": PASSWORD, "session": "hunter2" }),
    ] {
        let answer = app.post(SIGN_UP, "", body).await;
        assert_eq!(answer.status, 422);
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    }
}

#[actix_web::test]
async fn null_for_an_optional_field_is_as_good_as_none() {
    let app = start().await;
    let body = json!({ "username": "ada", "password": PASSWORD, "email": null, "displayName": null, "session": null });
    assert_eq!(app.post(SIGN_UP, "", body).await.status, 201);
}

#[actix_web::test]
async fn another_media_type_is_refused() {
    let app = start().await;
    let body = json!({ "username": "ada", "password": PASSWORD }).to_string();
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin1",
        "application/json5",
        "",
    ] {
        let request = request(Method::POST, SIGN_UP, "").insert_header(("content-type", media_type));
        app.send(request.set_payload(body.clone())).await.assert_problem(415, "unsupported_media_type");
    }
    let untyped = request(Method::POST, SIGN_UP, "").set_payload(body.clone());
    app.send(untyped).await.assert_problem(415, "unsupported_media_type");
    let packed = request(Method::POST, SIGN_UP, "")
        .insert_header(("content-type", "application/json"))
        .insert_header(("content-encoding", "gzip"));
    app.send(packed.set_payload(body.clone())).await.assert_problem(415, "unsupported_media_type");
    let good =
        request(Method::POST, SIGN_UP, "").insert_header(("content-type", "Application/JSON; Charset=\"UTF-8\""));
    assert_eq!(app.send(good.set_payload(body)).await.status, 201);
}

#[actix_web::test]
async fn a_body_over_the_limit_is_refused_with_the_limit() {
    let app = start().await;
    let body = json!({ "username": "ada", "password": PASSWORD, "displayName": "x".repeat(17_000) });
    let answer = app.post(SIGN_UP, "", body).await;
    answer.assert_problem(413, "body_too_large");
    assert!(answer.body["detail"].as_str().unwrap().contains("16384"), "{answer:?}");
}

#[actix_web::test]
async fn numbers_out_of_range_are_refused() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    let path = format!("/api/v1/conversations/{id}/read");
    for (seq, code) in [
        ("-1", "out_of_range"),
        ("9007199254740992", "out_of_range"),
        ("18446744073709551616", "wrong_type"),
        ("1.5", "wrong_type"),
        ("\"1\"", "wrong_type"),
        ("true", "wrong_type"),
        ("1", "beyond_last"),
    ] {
        app.post_text(&path, &ada.access, format!("{{\"seq\":{seq}}}")).await.assert_invalid("seq", code);
    }
    app.post_text(&path, &ada.access, "{\"seq\":1e400}").await.assert_problem(400, "invalid_json");
    app.post_text(&path, &ada.access, "{\"seq\":NaN}").await.assert_problem(400, "invalid_json");
}

#[actix_web::test]
async fn nested_fields_are_named_by_their_path() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    let patch =
        |body: serde_json::Value| app.send(request(Method::PATCH, "/api/v1/users/me", &ada.access).set_json(body));
    patch(json!({ "settings": { "readReceipts": 1, "showLastSeen": true } }))
        .await
        .assert_invalid("settings.readReceipts", "wrong_type");
    patch(json!({ "settings": { "whoCanWrite": "everyone" } }))
        .await
        .assert_invalid("settings.whoCanWrite", "unknown_value");
    patch(json!({ "settings": [true, true] })).await.assert_invalid("settings", "wrong_type");
    patch(json!({ "settings": { "readReceipts": true, "showLastSeen": true, "admin": true } }))
        .await
        .assert_invalid("settings.admin", "unknown_field");
    patch(json!({ "metadata": [] })).await.assert_invalid("metadata", "not_an_object");
    patch(json!({ "metadata": { "a": "x".repeat(4096) } })).await.assert_invalid("metadata", "too_long");
}
