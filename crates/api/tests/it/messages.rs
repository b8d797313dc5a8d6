//! The main road: two users, a conversation, messages.

use parlor_services::Rate;
use serde_json::{Value, json};

use crate::support::{Setup, start, start_with};

#[actix_web::test]
async fn a_message_is_answered_in_the_promised_shape() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    let body = json!({ "text": "  Good\nmorning 🙂 ", "metadata": { "z": 1 }, "clientMessageId": "c-1" });
    let sent = app.post(&format!("/api/v1/conversations/{id}/messages"), &ada.access, body).await;
    assert_eq!(sent.status, 201);
    assert_eq!(
        sent.body,
        json!({
            "id": sent.body["id"], "conversationId": id, "seq": 1, "rev": sent.body["rev"], "kind": "text",
            "senderId": ada.id, "text": "  Good\nmorning 🙂 ", "attachments": [], "replyTo": null, "reactions": [],
            "mentions": { "userIds": [], "everyone": false, "roles": [] }, "metadata": { "z": 1 }, "clientMessageId": "c-1", "delivery": "sent",
            "createdAt": "2023-11-14T22:13:20.000Z", "editedAt": null, "deletedAt": null
        })
    );
}

#[actix_web::test]
async fn a_conversation_is_answered_in_the_promised_shape() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    let sent = app.post(&path, &bob.access, json!({ "text": "hello" })).await.body;
    let inbox = app.get("/api/v1/conversations", &ada.access).await.body;
    assert_eq!(inbox["nextCursor"], Value::Null);
    let conversation = &inbox["items"][0];
    let mut last_message = sent.clone();
    last_message["delivery"] = Value::Null;
    assert_eq!(
        conversation,
        &json!({
            "id": id, "kind": "direct", "name": null, "description": null, "avatarUrl": null,
            "otherUser": conversation["otherUser"], "readReceipts": true, "role": "member",
            "settings": { "muted": false, "mutedUntil": null, "pinned": false, "archived": false, "hidden": false },
            "lastMessage": last_message, "lastSeq": 1, "rev": sent["rev"], "unread": 1, "mentions": 0, "readSeq": 0,
            "receipts": [{ "userId": bob.id, "readSeq": conversation["receipts"][0]["readSeq"], "deliveredSeq": conversation["receipts"][0]["deliveredSeq"] }],
            "updatedAt": "2023-11-14T22:13:20.000Z"
        })
    );
    assert_eq!(conversation["otherUser"]["username"], "bob");
    assert_eq!(app.get(&format!("/api/v1/conversations/{id}"), &ada.access).await.body, *conversation);
}

#[actix_web::test]
async fn a_direct_conversation_is_opened_once() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    for (caller, other) in [(&ada, &bob), (&bob, &ada)] {
        let body = json!({ "userId": other.id.to_uppercase() });
        let again = app.post("/api/v1/conversations/direct", &caller.access, body).await;
        assert_eq!((again.status.as_u16(), again.body["id"].as_str()), (200, Some(&*id)));
    }
    let open = |body: Value| app.post("/api/v1/conversations/direct", &ada.access, body);
    open(json!({ "userId": ada.id })).await.assert_invalid("userId", "self");
    open(json!({ "userId": "bob" })).await.assert_invalid("userId", "invalid_id");
    open(json!({ "userId": "6740a1b2c3d4e5f601234567" })).await.assert_problem(404, "not_found");
}

#[actix_web::test]
async fn a_repeat_is_answered_by_the_first_message_and_another_body_is_refused() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    let body = json!({ "text": "hello", "clientMessageId": "c-1" });
    let first = app.post(&path, &ada.access, body.clone()).await;
    let again = app.post(&path, &ada.access, body).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200));
    assert_eq!(first.body, again.body);
    let other = app.post(&path, &ada.access, json!({ "text": "other", "clientMessageId": "c-1" })).await;
    other.assert_problem(409, "client_message_id_reused");
}

#[actix_web::test]
async fn texts_are_bounded() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    for (body, field, code) in [
        (json!({ "text": "" }), "text", "empty"),
        (json!({ "text": " \n " }), "text", "empty"),
        (json!({ "text": "x".repeat(8001) }), "text", "too_long"),
        (json!({ "text": "a\u{0}b" }), "text", "nul_character"),
        (json!({ "text": "a", "clientMessageId": "" }), "clientMessageId", "empty"),
        (json!({ "text": "a", "clientMessageId": "x".repeat(129) }), "clientMessageId", "too_long"),
        (json!({ "text": "a", "seq": 1 }), "seq", "unknown_field"),
        (json!({ "text": "a", "senderId": "x" }), "senderId", "unknown_field"),
    ] {
        app.post(&path, &ada.access, body).await.assert_invalid(field, code);
    }
    assert_eq!(app.get(&path, &ada.access).await.body["items"], json!([]));
    assert_eq!(app.post(&path, &ada.access, json!({ "text": "x".repeat(8000) })).await.status, 201);
}

#[actix_web::test]
async fn metadata_comes_back_byte_for_byte() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    let metadata = r#"{"z":1.00,"a":{"$ne":null,"__proto__":[]},"n":12345678901234567890123}"#;
    let sent = app.post_text(&path, &ada.access, format!(r#"{{"text":"a","metadata": {metadata} }}"#)).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    assert!(sent.text.contains(&format!("\"metadata\":{metadata}")), "{}", sent.text);
}

#[actix_web::test]
async fn history_is_walked_in_both_directions_by_its_cursors() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    for number in 1..=5 {
        app.post(&path, &ada.access, json!({ "text": number.to_string() })).await;
    }
    let walk = async |parameter: &str, first: &str| {
        let (mut seqs, mut query) = (Vec::new(), format!("limit=2{first}"));
        loop {
            let page = app.get(&format!("{path}?{query}"), &ada.access).await.body;
            seqs.push(page["items"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()).collect::<Vec<_>>());
            let Some(cursor) = page["nextCursor"].as_str() else { return seqs };
            query = format!("limit=2&{parameter}={cursor}");
        }
    };
    assert_eq!(walk("beforeSeq", "").await, [vec![4, 5], vec![2, 3], vec![1]]);
    assert_eq!(walk("afterSeq", "&afterSeq=0").await, [vec![1, 2], vec![3, 4], vec![5]]);
}

#[actix_web::test]
async fn lists_are_walked_to_their_end() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    for name in ["bob", "cy", "dan", "eve"].map(|name| format!("{name}-1")) {
        let other = app.sign_up(&name).await;
        app.post("/api/v1/conversations/direct", &ada.access, json!({ "userId": other.id })).await;
    }
    for path in ["/api/v1/users", "/api/v1/conversations"] {
        let (mut seen, mut query) = (Vec::new(), "limit=3".to_owned());
        loop {
            let page = app.get(&format!("{path}?{query}"), &ada.access).await.body;
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            query = format!("limit=3&cursor={cursor}");
        }
        assert_eq!(seen.len(), 4, "{path}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 4, "{path}");
    }
    let found = app.get("/api/v1/users?q=EV", &ada.access).await.body;
    assert_eq!(found["items"][0]["username"], "eve-1");
    assert_eq!(app.get("/api/v1/users?q=%25", &ada.access).await.body["items"], json!([]));
}

#[actix_web::test]
async fn a_receipt_moves_forward_and_never_back() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    for text in ["1", "2", "3"] {
        app.post(&format!("/api/v1/conversations/{id}/messages"), &bob.access, json!({ "text": text })).await;
    }
    let read = async |seq: u64| {
        app.post(&format!("/api/v1/conversations/{id}/read"), &ada.access, json!({ "seq": seq })).await
    };
    let receipt =
        json!({ "conversationId": id, "userId": ada.id, "readSeq": 2, "deliveredSeq": 2, "unread": 1, "mentions": 0 });
    assert_eq!(read(2).await.body, receipt);
    assert_eq!(read(1).await.body, receipt);
    read(4).await.assert_invalid("seq", "beyond_last");
    let delivered = app.post(&format!("/api/v1/conversations/{id}/delivered"), &ada.access, json!({ "seq": 3 })).await;
    assert_eq!((&delivered.body["readSeq"], &delivered.body["deliveredSeq"]), (&json!(2), &json!(3)));
    let typing = app.post(&format!("/api/v1/conversations/{id}/typing"), &ada.access, json!({ "typing": true })).await;
    assert_eq!((typing.status.as_u16(), &*typing.text), (204, ""));
}

#[actix_web::test]
async fn a_used_up_limit_tells_when_to_come_again() {
    let setup = Setup { messages: Rate { burst: 2, per_minute: 1 }, ..Setup::default() };
    let app = start_with(setup).await;
    let (ada, _, id) = app.two_users().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    for remaining in ["1", "0"] {
        let sent = app.post(&path, &ada.access, json!({ "text": "a" })).await;
        assert_eq!((sent.header("ratelimit-limit"), sent.header("ratelimit-remaining")), ("2", remaining));
    }
    let refused = app.post(&path, &ada.access, json!({ "text": "a" })).await;
    refused.assert_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(refused.body["retryAfter"], 60);
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    assert_eq!(refused.header("ratelimit-reset"), "120");
}

#[actix_web::test]
async fn a_sync_tells_what_was_missed() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    app.post(&format!("/api/v1/conversations/{id}/messages"), &bob.access, json!({ "text": "hello" })).await;
    let missed = app.post("/api/v1/sync", &ada.access, json!({ "streams": { (&*id): 0 } })).await;
    assert_eq!(missed.status, 200, "{missed:?}");
    assert_eq!(missed.body["streams"][&id]["events"][0]["event"], "message.created");
    app.post("/api/v1/sync", &ada.access, json!({ "streams": { "x": 0 } }))
        .await
        .assert_invalid("streams", "invalid_id");
    let ticket = app.post("/api/v1/ws/ticket", &ada.access, json!(null)).await;
    assert_eq!((ticket.status.as_u16(), &ticket.body["expiresIn"]), (201, &json!(30)));
}

#[actix_web::test]
async fn mentions_and_their_counts_are_answered_in_the_promised_shape() {
    let app = start().await;
    let (ada, bob, direct) = app.two_users().await;
    let group = json!({ "name": "Round table", "memberIds": [bob.id] });
    let id = app.post("/api/v1/conversations", &ada.access, group).await.body["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/conversations/{id}/messages");
    let sent = app.post(&path, &ada.access, json!({ "text": "@bob, @everyone and the @admins" })).await.body;
    assert_eq!(sent["mentions"], json!({ "userIds": [bob.id], "everyone": true, "roles": ["admins"] }));
    app.post(&format!("/api/v1/conversations/{direct}/messages"), &ada.access, json!({ "text": "hello" })).await;
    let none = json!({ "unread": 0, "mentions": 0, "conversations": 0 });
    let totals = app.get("/api/v1/conversations/unread", &bob.access).await.body;
    let all = json!({ "unread": 2, "mentions": 1, "conversations": 2, "muted": none, "archived": none });
    assert_eq!(totals, all);
    let shown = app.get(&format!("/api/v1/conversations/{id}"), &bob.access).await.body;
    assert_eq!((&shown["unread"], &shown["mentions"]), (&json!(1), &json!(1)));
    let read = app.post(&format!("/api/v1/conversations/{id}/read"), &bob.access, json!({ "seq": 2 })).await.body;
    assert_eq!((&read["unread"], &read["mentions"]), (&json!(0), &json!(0)));
}
