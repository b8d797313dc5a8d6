//! Friends, friend requests and blocks.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{request, start};

#[actix_web::test]
async fn a_friend_request_is_answered_in_the_promised_shape() {
    let app = start().await;
    let (ada, bob) = (app.sign_up("ada").await, app.sign_up("bob").await);
    let body = json!({ "userId": bob.id, "text": "We met\nat the station" });
    let sent = app.post("/api/v1/friend-requests", &ada.access, body.clone()).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    assert_eq!(
        sent.body,
        json!({
            "id": sent.body["id"], "fromId": ada.id, "toId": bob.id, "otherUser": sent.body["otherUser"],
            "text": "We met\nat the station", "state": "pending",
            "createdAt": "2023-11-14T22:13:20.000Z", "updatedAt": "2023-11-14T22:13:20.000Z"
        })
    );
    assert_eq!(sent.body["otherUser"]["username"], "bob");
    let again = app.post("/api/v1/friend-requests", &ada.access, body).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &sent.body));
    let incoming = app.get("/api/v1/friend-requests", &bob.access).await.body;
    assert_eq!((&incoming["items"][0]["id"], &incoming["nextCursor"]), (&sent.body["id"], &Value::Null));
    assert_eq!(incoming["items"][0]["otherUser"]["username"], "ada");
    let outgoing = app.get("/api/v1/friend-requests?direction=outgoing", &ada.access).await.body;
    assert_eq!(outgoing["items"], json!([sent.body]));
}

#[actix_web::test]
async fn friends_are_made_listed_and_parted() {
    let app = start().await;
    let (ada, bob) = (app.sign_up("ada").await, app.sign_up("bob").await);
    let relation = async |of: &str| app.get(&format!("/api/v1/users/{of}"), &ada.access).await.body["relation"].clone();
    assert_eq!((relation(&ada.id).await, relation(&bob.id).await), (json!("self"), json!("none")));
    let sent = app.post("/api/v1/friend-requests", &ada.access, json!({ "userId": bob.id })).await.body;
    assert_eq!((&sent["text"], relation(&bob.id).await), (&Value::Null, json!("requestSent")));
    let path = format!("/api/v1/friend-requests/{}", sent["id"].as_str().unwrap());
    let accept = async || app.send(request(Method::POST, &format!("{path}/accept"), &bob.access)).await;
    let accepted = accept().await;
    assert_eq!((accepted.status.as_u16(), &accepted.body["state"]), (200, &json!("accepted")));
    assert_eq!(accept().await.body, accepted.body, "a repeat has the same answer");
    app.send(request(Method::DELETE, &path, &ada.access)).await.assert_problem(409, "request_not_pending");
    let friends = app.get("/api/v1/friends?limit=1", &ada.access).await.body;
    assert_eq!(friends["items"][0]["since"], "2023-11-14T22:13:20.000Z");
    assert_eq!((&friends["items"][0]["user"]["id"], &friends["nextCursor"]), (&json!(bob.id), &Value::Null));
    assert_eq!(relation(&bob.id).await, "friend");
    let again = app.post("/api/v1/friend-requests", &ada.access, json!({ "userId": bob.id })).await;
    again.assert_problem(409, "already_friends");
    for _ in 0..2 {
        let parted = app.send(request(Method::DELETE, &format!("/api/v1/friends/{}", ada.id), &bob.access)).await;
        assert_eq!(parted.status, 204);
    }
    assert_eq!(app.get("/api/v1/friends", &ada.access).await.body["items"], json!([]));
}

#[actix_web::test]
async fn a_rejection_is_told_to_the_one_who_rejects_alone() {
    let app = start().await;
    let (ada, bob) = (app.sign_up("ada").await, app.sign_up("bob").await);
    let sent = app.post("/api/v1/friend-requests", &ada.access, json!({ "userId": bob.id })).await.body;
    let path = format!("/api/v1/friend-requests/{}", sent["id"].as_str().unwrap());
    let rejected = app.send(request(Method::POST, &format!("{path}/reject"), &bob.access)).await;
    assert_eq!((rejected.status.as_u16(), &rejected.body["state"]), (200, &json!("rejected")));
    let again = app.post("/api/v1/friend-requests", &ada.access, json!({ "userId": bob.id })).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &sent));
    let outgoing = app.get("/api/v1/friend-requests?direction=outgoing", &ada.access).await.body;
    assert_eq!(outgoing["items"], json!([sent]));
    assert_eq!(app.get("/api/v1/friend-requests", &bob.access).await.body["items"], json!([]));
    for _ in 0..2 {
        assert_eq!(app.send(request(Method::DELETE, &path, &ada.access)).await.status, 204);
    }
}

#[actix_web::test]
async fn of_a_block_the_answers_tell_nothing() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    let block = format!("/api/v1/blocks/{}", bob.id);
    for _ in 0..2 {
        assert_eq!(app.send(request(Method::PUT, &block, &ada.access)).await.status, 204);
    }
    let blocks = app.get("/api/v1/blocks", &ada.access).await.body;
    assert_eq!(blocks["items"][0]["user"]["username"], "bob");
    let to_ada = json!({ "userId": ada.id });
    let opened = app.post("/api/v1/conversations/direct", &bob.access, to_ada.clone()).await;
    opened.assert_problem(403, "not_allowed_to_write");
    let asked = app.post("/api/v1/friend-requests", &bob.access, to_ada).await;
    assert_eq!(asked.status, 201);
    assert_eq!(asked.body["state"], "pending");
    assert_eq!(app.get("/api/v1/friend-requests", &ada.access).await.body["items"], json!([]));
    let messages = format!("/api/v1/conversations/{id}/messages");
    let hello = json!({ "text": "hello" });
    app.post(&messages, &bob.access, hello.clone()).await.assert_problem(403, "not_allowed_to_write");
    app.post(&messages, &ada.access, hello.clone()).await.assert_problem(409, "user_blocked");
    let seen = app.get(&format!("/api/v1/users/{}", ada.id), &bob.access).await.body;
    assert_eq!((&seen["username"], &seen["relation"]), (&json!("ada"), &json!("requestSent")));
    assert_eq!(app.get("/api/v1/users?q=ada", &bob.access).await.body["items"], json!([]));
    for _ in 0..2 {
        assert_eq!(app.send(request(Method::DELETE, &block, &ada.access)).await.status, 204);
    }
    assert_eq!(app.post(&messages, &bob.access, hello).await.status, 201);
}

#[actix_web::test]
async fn who_can_write_is_set_alone_and_refuses_as_a_block_does() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    let patch = request(Method::PATCH, "/api/v1/users/me", &ada.access);
    let answer = app.send(patch.set_json(json!({ "settings": { "whoCanWrite": "friends" } }))).await;
    let expected = json!({ "showLastSeen": true, "readReceipts": true, "whoCanWrite": "friends" });
    assert_eq!(answer.body["settings"], expected, "{answer:?}");
    let hello = json!({ "text": "hello" });
    let messages = format!("/api/v1/conversations/{id}/messages");
    app.post(&messages, &bob.access, hello.clone()).await.assert_problem(403, "not_allowed_to_write");
    let eve = app.sign_up("eve").await;
    let opened = app.post("/api/v1/conversations/direct", &eve.access, json!({ "userId": ada.id })).await;
    opened.assert_problem(403, "not_allowed_to_write");
    assert_eq!(app.post(&messages, &ada.access, hello.clone()).await.status, 201);
    assert_eq!(app.post(&messages, &bob.access, hello).await.status, 201, "who was written to may answer");
}

#[actix_web::test]
async fn what_is_sent_about_people_is_checked() {
    let app = start().await;
    let (ada, bob) = (app.sign_up("ada").await, app.sign_up("bob").await);
    let ask = |body: Value| app.post("/api/v1/friend-requests", &ada.access, body);
    ask(json!({})).await.assert_invalid("userId", "missing");
    ask(json!({ "userId": "x" })).await.assert_invalid("userId", "invalid_id");
    ask(json!({ "userId": ada.id })).await.assert_invalid("userId", "self");
    ask(json!({ "userId": bob.id, "text": " " })).await.assert_invalid("text", "empty");
    ask(json!({ "userId": bob.id, "text": "x".repeat(501) })).await.assert_invalid("text", "too_long");
    let own = format!("/api/v1/blocks/{}", ada.id);
    app.send(request(Method::PUT, &own, &ada.access)).await.assert_invalid("userId", "self");
    let nobody = "/api/v1/blocks/000000000000000000000000";
    app.send(request(Method::PUT, nobody, &ada.access)).await.assert_problem(404, "not_found");
    for (query, field, code) in [
        ("direction=both", "direction", "unknown_value"),
        ("limit=0", "limit", "out_of_range"),
        ("cursor=x", "cursor", "invalid_cursor"),
    ] {
        let path = format!("/api/v1/friend-requests?{query}");
        app.get(&path, &ada.access).await.assert_invalid(field, code);
    }
    for path in ["friends", "blocks"] {
        let path = format!("/api/v1/{path}?cursor=%00");
        app.get(&path, &ada.access).await.assert_invalid("cursor", "invalid_cursor");
    }
    let unknown = "/api/v1/friend-requests/000000000000000000000000/accept";
    app.send(request(Method::POST, unknown, &ada.access)).await.assert_problem(404, "not_found");
}

#[actix_web::test]
async fn requests_are_paged() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    for name in ["bob", "cem", "dan"] {
        let other = app.sign_up(name).await;
        app.post("/api/v1/friend-requests", &other.access, json!({ "userId": ada.id })).await;
        app.clock.advance(std::time::Duration::from_secs(1));
    }
    let mut names = Vec::new();
    let mut path = "/api/v1/friend-requests?limit=2".to_owned();
    loop {
        let page = app.get(&path, &ada.access).await.body;
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["otherUser"]["username"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/friend-requests?limit=2&cursor={cursor}");
    }
    assert_eq!(names, ["dan", "cem", "bob"]);
}
