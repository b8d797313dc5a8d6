//! Groups over the plain WebSocket: commands like REST's, and what is pushed.

use serde_json::json;

use super::ready;
use crate::support::TestServer;

#[tokio::test]
async fn a_group_lives_over_a_socket_as_by_rest() {
    let server = TestServer::start().await;
    let (ada, bob, cem) = (server.signup("ada").await, server.signup("bob").await, server.signup("cem").await);
    let (mut owner, mut tablet, mut member) = (ready(&ada).await, ready(&ada).await, ready(&bob).await);
    let made = owner.command("conversation.create", json!({ "name": "Round table", "memberIds": [bob.id()] })).await;
    let id = made["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!(ada.get(&format!("/api/v1/conversations/{id}")).await.body, made["data"]);
    let created = member.event("conversation.created").await;
    assert_eq!((&created["data"]["name"], &created["stream"]), (&json!("Round table"), &json!(bob.id())));
    let told = member.event("message.created").await;
    assert_eq!((&told["stream"], &told["data"]["system"]["action"]), (&json!(id), &json!("group_created")));

    let renamed = owner.command("conversation.update", json!({ "conversationId": id, "name": "Square table" })).await;
    assert_eq!(renamed["data"]["name"], "Square table");
    let system = member.event("message.created").await["data"].clone();
    let expected = json!({ "action": "renamed", "userIds": [], "value": "Square table", "memberCount": 2 });
    assert_eq!((&system["kind"], &system["text"], &system["system"]), (&json!("system"), &json!(""), &expected));

    let added = owner.command("member.add", json!({ "conversationId": id, "userIds": [cem.id()] })).await;
    assert_eq!(added["data"]["memberCount"], 3);
    let role = json!({ "conversationId": id, "userId": bob.id(), "role": "owner" });
    assert_eq!(owner.command("member.update", role).await["data"]["role"], "admin");
    let remove = |user: &str| json!({ "conversationId": id, "userId": user });
    let refused = owner.command("member.remove", remove(bob.id())).await;
    assert_eq!(refused["problem"]["code"], "not_permitted");
    assert_eq!(owner.command("member.remove", remove(ada.id())).await["data"], json!({}));
    let gone = tablet.event("conversation.deleted").await;
    assert_eq!((&gone["data"], &gone["stream"]), (&json!({ "id": id }), &json!(ada.id())));
    assert_eq!(owner.command("member.remove", remove(cem.id())).await["problem"]["code"], "not_found");
}

#[tokio::test]
async fn how_one_sees_a_conversation_comes_to_ones_other_devices() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let id = ada.direct(&bob).await;
    let (mut phone, mut tablet) = (ready(&ada).await, ready(&ada).await);
    let settings = json!({ "conversationId": id, "pinned": true, "muted": true });
    let set = phone.command("conversation.settings", settings).await;
    let updated = tablet.event("conversation.updated").await;
    assert_eq!((&updated["data"], &updated["stream"]), (&set["data"], &json!(ada.id())));
    assert_eq!(updated["data"]["settings"]["pinned"], true);
}
