//! Tokens, sessions and one's own account.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::json;

use crate::support::{PASSWORD, request, start};

const ME: &str = "/api/v1/users/me";

#[actix_web::test]
async fn a_sign_up_answers_with_tokens_and_the_whole_own_account() {
    let app = start().await;
    let body = json!({ "username": "Ada", "email": "ada@example.org", "password": PASSWORD, "displayName": "Ada L." });
    let answer = app.post("/api/v1/auth/signup", "", body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body["tokenType"], "Bearer");
    assert_eq!(answer.body["expiresIn"], 900);
    let user = &answer.body["user"];
    let id = user["id"].as_str().unwrap();
    assert_eq!(
        user,
        &json!({
            "id": id, "username": "Ada", "displayName": "Ada L.", "avatarUrl": format!("/api/v1/users/{id}/avatar"),
            "bio": "", "status": { "kind": "available", "text": null, "until": null },
            "presence": { "online": false, "lastSeenAt": null }, "metadata": {},
            "createdAt": "2023-11-14T22:13:20.000Z", "email": "ada@example.org", "role": "user",
            "settings": { "showLastSeen": true, "readReceipts": true, "whoCanWrite": "anyone" }, "rev": user["rev"]
        })
    );
    assert!(answer.header("ratelimit-limit").parse::<u32>().unwrap() > 0);
}

#[actix_web::test]
async fn others_see_nothing_of_an_account_that_is_its_owner_s_alone() {
    let app = start().await;
    let (ada, bob) = (app.sign_up("ada").await, app.sign_up("bob").await);
    let seen = app.get(&format!("/api/v1/users/{}", bob.id), &ada.access).await;
    assert_eq!(seen.status, 200);
    for field in ["email", "role", "settings", "rev"] {
        assert_eq!(seen.body.get(field), None, "{field}");
    }
}

#[actix_web::test]
async fn a_taken_name_is_a_conflict_that_names_the_field() {
    let app = start().await;
    app.sign_up("ada").await;
    let answer = app.post("/api/v1/auth/signup", "", json!({ "username": "ADA", "password": PASSWORD })).await;
    answer.assert_problem(409, "taken");
    assert_eq!(answer.body["errors"][0]["field"], "username");
}

#[actix_web::test]
async fn without_a_good_token_nobody_comes_in() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    let answer = app.get(ME, "").await;
    answer.assert_problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let mut forged = ada.access.clone();
    forged.replace_range(forged.len() - 4.., "AAAA");
    for token in ["x", "a.b.c", &forged, &ada.refresh] {
        let answer = app.get(ME, token).await;
        answer.assert_problem(401, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
    for value in ["Basic YWRhOng=", "Bearer", ""] {
        let request = request(Method::GET, ME, "").insert_header(("authorization", value));
        app.send(request).await.assert_problem(401, "invalid_token");
    }
}

#[actix_web::test]
async fn an_unauthenticated_request_is_refused_before_its_body_is_read() {
    let app = start().await;
    app.post_text("/api/v1/conversations/direct", "", "{").await.assert_problem(401, "unauthenticated");
}

#[actix_web::test]
async fn an_expired_token_is_told_apart_and_a_refresh_helps() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    app.clock.advance(Duration::from_secs(1000));
    app.get(ME, &ada.access).await.assert_problem(401, "token_expired");
    let renewed = app.post("/api/v1/auth/refresh", "", json!({ "refreshToken": ada.refresh })).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    assert_eq!(renewed.cookies(), Vec::<&str>::new());
    assert_eq!(app.get(ME, renewed.body["accessToken"].as_str().unwrap()).await.status, 200);
    app.post("/api/v1/auth/refresh", "", json!({ "refreshToken": ada.refresh }))
        .await
        .assert_problem(401, "token_reused");
    app.get(ME, renewed.body["accessToken"].as_str().unwrap()).await.assert_problem(401, "session_ended");
}

#[actix_web::test]
async fn a_refresh_without_any_token_is_unauthenticated() {
    let app = start().await;
    app.send(request(Method::POST, "/api/v1/auth/refresh", "")).await.assert_problem(401, "unauthenticated");
    app.post("/api/v1/auth/refresh", "", json!({})).await.assert_problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let app = start().await;
    app.sign_up("ada").await;
    let mut details = Vec::new();
    for login in ["ada", "nobody"] {
        let answer = app.post("/api/v1/auth/login", "", json!({ "login": login, "password": "wrong password" })).await;
        answer.assert_problem(401, "invalid_credentials");
        details.push(answer.body["detail"].clone());
    }
    assert_eq!(details[0], details[1]);
    let answer = app.post("/api/v1/auth/login", "", json!({ "login": "ADA", "password": PASSWORD })).await;
    assert_eq!(answer.status, 200);
}

#[actix_web::test]
async fn sessions_are_listed_and_ended_one_by_one_and_together() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    let login = async || {
        let answer = app.post("/api/v1/auth/login", "", json!({ "login": "ada", "password": PASSWORD })).await;
        answer.body["accessToken"].as_str().unwrap().to_owned()
    };
    let (second, third) = (login().await, login().await);
    let list = app.get("/api/v1/users/me/sessions", &second).await;
    let sessions = list.body["items"].as_array().unwrap();
    assert_eq!(sessions.len(), 3);
    let own = sessions.iter().find(|session| session["current"] == true).unwrap();
    let end = format!("/api/v1/users/me/sessions/{}", own["id"].as_str().unwrap());
    assert_eq!(app.send(request(Method::DELETE, &end, &third)).await.status, 204);
    app.get(ME, &second).await.assert_problem(401, "session_ended");
    app.send(request(Method::DELETE, &end, &third)).await.assert_problem(404, "not_found");
    assert_eq!(app.send(request(Method::DELETE, "/api/v1/users/me/sessions", &third)).await.status, 204);
    app.get(ME, &ada.access).await.assert_problem(401, "session_ended");
    assert_eq!(app.get(ME, &third).await.status, 200);
}

#[actix_web::test]
async fn a_logged_out_session_is_refused_at_once() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    assert_eq!(app.send(request(Method::POST, "/api/v1/auth/logout", &ada.access)).await.status, 204);
    app.get(ME, &ada.access).await.assert_problem(401, "session_ended");
}

#[actix_web::test]
async fn a_profile_changes_in_what_is_given_alone() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    let patch = |body: serde_json::Value| app.send(request(Method::PATCH, ME, &ada.access).set_json(body));
    let body = json!({ "email": "ada@example.org", "currentPassword": PASSWORD, "metadata": { "b": 1, "a": [ ] } });
    assert_eq!(patch(body).await.status, 200);
    let changed = patch(json!({ "bio": "Poetical\nscience", "displayName": null })).await;
    assert_eq!(changed.body["email"], "ada@example.org");
    assert_eq!(changed.body["bio"], "Poetical\nscience");
    assert_eq!(changed.body["displayName"], "ada");
    assert!(
        changed.text.contains(r#""metadata":{"a":[],"b":1}"#) || changed.text.contains(r#""metadata":{"b":1,"a":[]}"#)
    );
    patch(json!({ "email": null })).await.assert_invalid("currentPassword", "missing");
    assert_eq!(patch(json!({ "email": null, "currentPassword": PASSWORD })).await.body["email"], json!(null));
}

#[actix_web::test]
async fn a_status_is_set_and_checked() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    let put =
        |body: serde_json::Value| app.send(request(Method::PUT, "/api/v1/users/me/status", &ada.access).set_json(body));
    let set = put(json!({ "kind": "busy", "text": "thinking", "until": "2023-11-15T01:00:00+01:00" })).await;
    assert_eq!(set.body["status"], json!({ "kind": "busy", "text": "thinking", "until": "2023-11-15T00:00:00.000Z" }));
    put(json!({ "kind": "offline" })).await.assert_invalid("kind", "unknown_value");
    put(json!({ "kind": "busy", "until": "tomorrow" })).await.assert_invalid("until", "invalid_time");
    put(json!({ "kind": "busy", "until": "2020-01-01T00:00:00Z" })).await.assert_invalid("until", "in_the_past");
    put(json!({ "kind": "away", "text": "" })).await.assert_invalid("text", "empty");
}

#[actix_web::test]
async fn a_deleted_account_is_gone() {
    let app = start().await;
    let (ada, bob) = (app.sign_up("ada").await, app.sign_up("bob").await);
    let delete = async |password: &str| {
        let body = json!({ "currentPassword": password });
        app.send(request(Method::DELETE, ME, &ada.access).set_json(body)).await
    };
    app.send(request(Method::DELETE, ME, &ada.access)).await.assert_problem(400, "missing_body");
    delete("not my password").await.assert_invalid("currentPassword", "wrong_password");
    assert_eq!(delete(PASSWORD).await.status, 204);
    app.get(ME, &ada.access).await.assert_problem(401, "session_ended");
    app.get(&format!("/api/v1/users/{}", ada.id), &bob.access).await.assert_problem(404, "not_found");
}

#[actix_web::test]
async fn a_password_change_needs_the_present_one() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    let change = async |current: &str, new: &str| {
        let body = json!({ "currentPassword": current, "newPassword": new });
        app.post("/api/v1/users/me/password", &ada.access, body).await
    };
    change("wrong password", "analytical engine").await.assert_problem(422, "validation_failed");
    change(PASSWORD, "short").await.assert_invalid("newPassword", "too_short");
    assert_eq!(change(PASSWORD, "analytical engine").await.status, 204);
    let login = app.post("/api/v1/auth/login", "", json!({ "login": "ada", "password": "analytical engine" })).await;
    assert_eq!(login.status, 200);
}
