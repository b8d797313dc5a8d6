//! Two people chat, over REST and over sockets.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn two_users_find_each_other_and_talk_in_real_time() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let found = ada.get("/api/v1/users?q=bo").await;
    assert_eq!(found.body["items"][0]["id"], bob.id(), "{:?}", found.body);

    let conversation = ada.direct(&bob).await;
    let mut socket = bob.socket().await;
    socket.event("ready").await;
    let sent = ada.say(&conversation, "hello Bob").await;
    let event = socket.event("message.created").await;
    assert_eq!((&event["stream"], &event["data"]["id"]), (&json!(conversation), &sent["id"]));
    assert_eq!(event["data"]["text"], "hello Bob");

    let reply = socket.command("message.send", json!({ "conversationId": conversation, "text": "hello Ada" })).await;
    assert_eq!(reply["data"]["seq"], 2, "{reply}");
    let page = ada.get(&format!("/api/v1/conversations/{conversation}/messages")).await;
    let texts: Vec<_> = page.body["items"].as_array().unwrap().iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["hello Bob", "hello Ada"]);
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    ada.say(&conversation, "one").await;
    let mut socket = bob.socket().await;
    socket.event("ready").await;
    drop(socket);
    ada.say(&conversation, "two").await;

    let mut socket = bob.socket().await;
    let resumed = socket.command("resume", json!({ "streams": { (conversation.as_str()): 1 } })).await;
    assert!(resumed.to_string().contains("\"two\"") && !resumed.to_string().contains("\"one\""), "{resumed}");
}

#[tokio::test]
async fn a_profile_is_changed_by_its_owner() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let changed = ada.patch("/api/v1/users/me", json!({ "displayName": "Ada Lovelace" })).await;
    assert_eq!((changed.status, &changed.body["displayName"]), (StatusCode::OK, &json!("Ada Lovelace")));
    let status = ada.put("/api/v1/users/me/status", json!({ "kind": "busy", "text": "in a meeting" })).await;
    assert_eq!(status.status, StatusCode::OK, "{:?}", status.body);
    assert_eq!(ada.get("/api/v1/users/me").await.body["status"]["kind"], "busy");
    assert_eq!(ada.delete("/api/v1/users/me/sessions").await.status, StatusCode::NO_CONTENT);
}
