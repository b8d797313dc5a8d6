//! Changes of messages over the plain WebSocket: commands like REST's, what is pushed, and what was missed.

use serde_json::{Value, json};

use super::ready;
use crate::support::TestServer;

#[tokio::test]
async fn a_message_is_changed_over_a_socket_and_everyone_gets_it_whole() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let id = ada.direct(&bob).await;
    let sent = ada.say(&id, "frist").await;
    let (mut writer, mut reader) = (ready(&ada).await, ready(&bob).await);
    let at = |more: Value| {
        let mut data = json!({ "conversationId": id, "messageId": sent["id"] });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let edited = writer.command("message.edit", at(json!({ "text": "first" }))).await["data"].clone();
    let told = reader.event("message.updated").await;
    let mut for_others = edited.clone();
    for_others["delivery"] = Value::Null;
    assert_eq!((&told["data"], &told["stream"], &told["rev"]), (&for_others, &json!(id), &json!(2)));
    assert_eq!((&edited["text"], &edited["delivery"]), (&json!("first"), &json!("sent")));

    let reacted = reader.command("reaction.add", at(json!({ "emoji": "👍" }))).await["data"].clone();
    assert_eq!(reacted["reactions"][0]["userIds"], json!([bob.id()]));
    assert_eq!(writer.event("message.updated").await["data"]["reactions"], reacted["reactions"]);
    reader.command("message.pin", at(json!({}))).await;
    assert_eq!(writer.event("message.updated").await["data"]["pinned"]["userId"], bob.id());
    assert_eq!(reader.command("message.unpin", at(json!({}))).await["data"].get("pinned"), None);
    reader.command("reaction.remove", at(json!({ "emoji": "👍" }))).await;
    let refused = reader.command("message.delete", at(json!({}))).await;
    assert_eq!(refused["problem"]["code"], "not_permitted");
    assert_eq!(writer.command("message.delete", at(json!({}))).await["data"], json!({}));
    let gone = reader.event("message.deleted").await;
    assert_eq!((&gone["rev"], &gone["data"]["text"]), (&json!(7), &json!("")));
    assert_eq!(gone["data"]["deletedBy"], ada.id());
}

#[tokio::test]
async fn what_became_of_messages_meanwhile_comes_with_a_resume() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let id = ada.direct(&bob).await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(ada.say(&id, text).await["id"].as_str().unwrap().to_owned());
    }
    let path = |n: usize| format!("/api/v1/conversations/{id}/messages/{}", ids[n]);
    // Rev 4, 5, 6.
    assert_eq!(ada.patch(&path(0), json!({ "text": "ONE" })).await.status, 200);
    assert_eq!(ada.delete(&path(1)).await.status, 204);
    assert_eq!(bob.put(&format!("{}/reactions/👍", path(2)), json!({})).await.status, 200);
    let of = [
        (2, [("message.updated", 4), ("message.deleted", 5), ("message.created", 6)].as_slice()),
        (3, &[("message.updated", 4), ("message.deleted", 5), ("message.updated", 6)]),
        (5, &[("message.updated", 6)]),
    ];
    for (known, expected) in of {
        let mut socket = bob.socket_with("?resume=true", &[]).await;
        socket.event("ready").await;
        let reply = socket.command("resume", json!({ "streams": { (&*id): known } })).await;
        let events = reply["data"]["streams"][&id]["events"].as_array().unwrap().clone();
        let events: Vec<_> =
            events.iter().map(|event| (event["event"].as_str().unwrap(), event["rev"].as_u64().unwrap())).collect();
        assert_eq!(events, expected, "after {known}");
    }
}
