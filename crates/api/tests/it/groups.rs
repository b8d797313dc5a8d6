//! Groups by REST: the promised shapes, and what is refused.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Account, request, start};

const CONVERSATIONS: &str = "/api/v1/conversations";

#[actix_web::test]
async fn a_group_is_answered_in_the_promised_shape() {
    let app = start().await;
    let [ada, bob, _] = app.three().await;
    let body = json!({ "name": " Round table ", "description": "for knights", "memberIds": [bob.id, bob.id, ada.id] });
    let made = app.post(CONVERSATIONS, &ada.access, body).await;
    assert_eq!(made.status, 201);
    let id = &made.body["id"];
    let message = json!({
        "id": made.body["lastMessage"]["id"], "conversationId": id, "seq": 1, "rev": 1, "kind": "system",
        "senderId": ada.id, "text": "",
        "system": { "action": "group_created", "userIds": [bob.id], "value": "Round table", "memberCount": 2 },
        "attachments": [], "replyTo": null, "reactions": [], "mentions": { "userIds": [], "everyone": false, "roles": [] }, "metadata": {}, "clientMessageId": null,
        "delivery": null, "createdAt": "2023-11-14T22:13:20.000Z", "editedAt": null, "deletedAt": null
    });
    assert_eq!(
        made.body,
        json!({
            "id": id, "kind": "group", "name": "Round table", "description": "for knights", "avatarUrl": null,
            "memberCount": 2, "readReceipts": true, "role": "owner",
            "settings": { "muted": false, "mutedUntil": null, "pinned": false, "archived": false, "hidden": false },
            "lastMessage": message, "lastSeq": 1, "rev": 1, "unread": 0, "mentions": 0, "readSeq": 1,
            "receipts": [{ "userId": bob.id, "readSeq": 0, "deliveredSeq": 0 }],
            "updatedAt": "2023-11-14T22:13:20.000Z"
        })
    );
    let path = format!("{CONVERSATIONS}/{}", id.as_str().unwrap());
    assert_eq!(app.get(&path, &ada.access).await.body, made.body);
    let history = app.get(&format!("{path}/messages"), &bob.access).await.body;
    assert_eq!(history["items"], json!([message]));
}

#[actix_web::test]
async fn the_members_are_listed_in_pages() {
    let app = start().await;
    let [ada, bob, cem] = app.three().await;
    let id = app.group(&ada, &[&bob, &cem]).await;
    let path = format!("{CONVERSATIONS}/{id}/members?limit=2");
    let first = app.get(&path, &bob.access).await.body;
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = app.get(&format!("{path}&cursor={cursor}"), &bob.access).await.body;
    assert_eq!(second["nextCursor"], Value::Null);
    let items = [&first, &second].map(|page| page["items"].as_array().unwrap().clone()).concat();
    let mut roles: Vec<_> = items.iter().map(|member| (&member["user"]["username"], &member["role"])).collect();
    roles.sort_by_key(|(name, _)| name.to_string());
    let member = json!("member");
    assert_eq!(roles, [(&json!("ada"), &json!("owner")), (&json!("bob"), &member), (&json!("cem"), &member)]);
    assert_eq!(items[0]["joinedAt"], "2023-11-14T22:13:20.000Z");
    app.get(&format!("{CONVERSATIONS}/{id}/members?cursor=x"), &bob.access)
        .await
        .assert_invalid("cursor", "invalid_cursor");
}

#[actix_web::test]
async fn a_group_is_changed_by_those_who_may_and_who_is_removed_finds_nothing() {
    let app = start().await;
    let [ada, bob, cem] = app.three().await;
    let id = app.group(&ada, &[&bob]).await;
    let path = format!("{CONVERSATIONS}/{id}");
    let (members, bobs) = (format!("{path}/members"), format!("{path}/members/{}", bob.id));
    let name = json!({ "name": "Square table" });
    app.change(Method::PATCH, &path, &bob, name.clone()).await.assert_problem(403, "not_permitted");
    app.change(Method::PATCH, &path, &cem, name.clone()).await.assert_problem(404, "not_found");
    let renamed = app.change(Method::PATCH, &path, &ada, name).await.body;
    assert_eq!(
        (&renamed["name"], &renamed["lastMessage"]["system"]["action"]),
        (&json!("Square table"), &json!("renamed"))
    );
    let added = app.post(&members, &ada.access, json!({ "userIds": [cem.id] })).await;
    assert_eq!((added.status.as_u16(), &added.body["memberCount"]), (200, &json!(3)));
    let handed = app.change(Method::PATCH, &bobs, &ada, json!({ "role": "owner" })).await;
    assert_eq!((handed.status.as_u16(), &handed.body["role"]), (200, &json!("admin")));
    app.change(Method::DELETE, &bobs, &ada, json!({})).await.assert_problem(403, "not_permitted");
    let left = app.send(request(Method::DELETE, &format!("{members}/{}", cem.id), &cem.access)).await;
    assert_eq!(left.status, 204);
    for answer in [
        app.get(&path, &cem.access).await,
        app.get(&members, &cem.access).await,
        app.get(&format!("{path}/messages"), &cem.access).await,
        app.post(&format!("{path}/messages"), &cem.access, json!({ "text": "hi" })).await,
        app.send(request(Method::DELETE, &bobs, &cem.access)).await,
        app.change(Method::PATCH, &format!("{path}/settings"), &cem, json!({ "pinned": true })).await,
    ] {
        answer.assert_problem(404, "not_found");
    }
    app.send(request(Method::DELETE, &format!("{members}/x"), &ada.access)).await.assert_problem(400, "invalid_id");
}

#[actix_web::test]
async fn what_is_wrong_with_a_group_is_named() {
    let app = start().await;
    let [ada, bob, _] = app.three().await;
    let nobody = "000000000000000000000000";
    for (body, field, code) in [
        (json!({ "memberIds": [] }), "name", "missing"),
        (json!({ "name": " ", "memberIds": [] }), "name", "empty"),
        (json!({ "name": "x".repeat(101), "memberIds": [] }), "name", "too_long"),
        (json!({ "name": "x", "description": "x".repeat(1001), "memberIds": [] }), "description", "too_long"),
        (json!({ "name": "x" }), "memberIds", "missing"),
        (json!({ "name": "x", "memberIds": ["x"] }), "memberIds", "invalid_id"),
        (json!({ "name": "x", "memberIds": vec![nobody; 101] }), "memberIds", "too_many"),
        (json!({ "name": "x", "memberIds": [bob.id, nobody] }), "memberIds", "unknown_user"),
        (json!({ "name": "x", "memberIds": [], "kind": "system" }), "kind", "unknown_field"),
    ] {
        let answer = app.post(CONVERSATIONS, &ada.access, body).await;
        answer.assert_invalid(field, code);
        if code == "unknown_user" {
            let message = answer.body["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains(nobody) && !message.contains(&*bob.id), "{message}");
        }
    }
    let id = app.group(&ada, &[&bob]).await;
    let member = format!("{CONVERSATIONS}/{id}/members/{}", bob.id);
    let role = app.change(Method::PATCH, &member, &ada, json!({ "role": "king" })).await;
    role.assert_invalid("role", "unknown_value");
    assert_eq!(app.get(CONVERSATIONS, &ada.access).await.body["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn clients_cannot_send_system_messages() {
    let app = start().await;
    let [ada, bob, _] = app.three().await;
    let id = app.group(&ada, &[&bob]).await;
    let path = format!("{CONVERSATIONS}/{id}/messages");
    for (field, value) in [("kind", json!("system")), ("system", json!({ "action": "renamed" })), ("seq", json!(9))] {
        let mut body = json!({ "text": "hi" });
        body[field] = value;
        app.post(&path, &ada.access, body).await.assert_invalid(field, "unknown_field");
    }
}

#[actix_web::test]
async fn a_conversation_is_muted_pinned_archived_and_hidden_for_oneself() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    let path = format!("{CONVERSATIONS}/{id}");
    let set = async |body| app.change(Method::PATCH, &format!("{path}/settings"), &ada, body).await;
    let muted = set(json!({ "mutedUntil": "2023-11-15T00:00:00Z", "pinned": true })).await.body["settings"].clone();
    let shape = |muted: bool, until: Value, pinned: bool| json!({ "muted": muted, "mutedUntil": until, "pinned": pinned, "archived": false, "hidden": false });
    assert_eq!(muted, shape(true, json!("2023-11-15T00:00:00.000Z"), true));
    assert_eq!(set(json!({ "muted": true })).await.body["settings"], shape(true, Value::Null, true));
    assert_eq!(
        set(json!({ "muted": false, "pinned": false })).await.body["settings"],
        shape(false, Value::Null, false)
    );
    set(json!({ "muted": true, "mutedUntil": null })).await.assert_invalid("mutedUntil", "exclusive");
    set(json!({ "mutedUntil": "soon" })).await.assert_invalid("mutedUntil", "invalid_time");
    let count = async |query: &str, who: &Account| {
        let inbox = app.get(&format!("{CONVERSATIONS}{query}"), &who.access).await;
        inbox.body["items"].as_array().unwrap_or_else(|| panic!("{inbox:?}")).len()
    };
    set(json!({ "archived": true })).await;
    assert_eq!((count("?archived=true", &ada).await, count("?archived=false", &ada).await), (1, 0));
    assert_eq!((count("", &ada).await, count("?archived=true", &bob).await), (1, 0));
    set(json!({ "hidden": true })).await;
    assert_eq!((count("", &ada).await, count("", &bob).await), (0, 1));
    app.post(&format!("{path}/messages"), &bob.access, json!({ "text": "hello" })).await;
    assert_eq!(count("", &ada).await, 1);
    app.get(&format!("{CONVERSATIONS}?archived=perhaps"), &ada.access).await.assert_invalid("archived", "wrong_type");
}

#[actix_web::test]
async fn a_refusal_of_several_users_names_those_whom_it_is_about() {
    let app = start().await;
    let [ada, bob, cem] = app.three().await;
    let id = app.group(&ada, &[]).await;
    let block = app.send(request(Method::PUT, &format!("/api/v1/blocks/{}", ada.id), &bob.access)).await;
    assert!(block.status.is_success());
    let members = format!("{CONVERSATIONS}/{id}/members");
    let refused = app.post(&members, &ada.access, json!({ "userIds": [cem.id, bob.id] })).await;
    refused.assert_problem(403, "not_allowed_to_write");
    let error = &refused.body["errors"][0];
    assert_eq!((&error["field"], &error["code"]), (&json!("userIds"), &json!("not_allowed_to_write")));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(bob.id.as_str()) && !message.contains(cem.id.as_str()), "{message}");
}

#[actix_web::test]
async fn a_direct_conversation_is_no_group() {
    let app = start().await;
    let [ada, bob, cem] = app.three().await;
    let opened = app.post(&format!("{CONVERSATIONS}/direct"), &ada.access, json!({ "userId": bob.id })).await;
    let path = format!("{CONVERSATIONS}/{}", opened.body["id"].as_str().unwrap());
    app.get(&format!("{path}/members"), &ada.access).await.assert_problem(409, "not_a_group");
    app.get(&format!("{path}/members"), &cem.access).await.assert_problem(404, "not_found");
    let add = json!({ "userIds": [cem.id] });
    app.post(&format!("{path}/members"), &ada.access, add.clone()).await.assert_problem(409, "not_a_group");
    app.post(&format!("{path}/members"), &cem.access, add).await.assert_problem(404, "not_found");
}
