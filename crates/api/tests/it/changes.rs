//! Changes of messages by REST: the promised shapes, and what is refused.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{request, start};

const NOW: &str = "2023-11-14T22:13:20.000Z";

#[actix_web::test]
async fn every_change_is_answered_by_the_message_in_the_promised_shape() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    let messages = format!("/api/v1/conversations/{id}/messages");
    let sent = app.post(&messages, &ada.access, json!({ "text": "frist", "clientMessageId": "c1" })).await.body;
    let path = format!("{messages}/{}", sent["id"].as_str().unwrap());
    let mut expected = sent.clone();
    let edited = app.change(Method::PATCH, &path, &ada, json!({ "text": "first", "metadata": { "a": 1 } })).await;
    for (name, value) in
        [("text", json!("first")), ("metadata", json!({ "a": 1 })), ("rev", json!(2)), ("editedAt", json!(NOW))]
    {
        expected[name] = value;
    }
    assert_eq!((edited.status.as_u16(), &edited.body), (200, &expected));
    assert_eq!(app.get(&path, &ada.access).await.body, expected);

    let reacted = app.send(request(Method::PUT, &format!("{path}/reactions/%F0%9F%91%8D"), &bob.access)).await;
    assert_eq!(reacted.status, 200);
    assert_eq!(reacted.body["reactions"], json!([{ "emoji": "👍", "count": 1, "userIds": [bob.id] }]));
    let listed = app.get(&format!("{path}/reactions?emoji=%F0%9F%91%8D"), &ada.access).await.body;
    let reaction = json!({ "userId": bob.id, "emoji": "👍", "createdAt": NOW });
    assert_eq!(listed, json!({ "items": [reaction], "nextCursor": null }));
    let taken = app.send(request(Method::DELETE, &format!("{path}/reactions/%F0%9F%91%8D"), &bob.access)).await;
    assert_eq!(taken.body["reactions"], json!([]));

    let versions = app.get(&format!("{path}/versions"), &bob.access).await.body;
    let version = json!({ "text": "frist", "metadata": {}, "createdAt": NOW });
    assert_eq!(versions, json!({ "items": [version], "nextCursor": null }));

    let pinned = app.send(request(Method::PUT, &format!("{path}/pin"), &bob.access)).await;
    assert_eq!(pinned.body["pinned"], json!({ "userId": bob.id, "at": NOW }));
    let pins = app.get(&format!("/api/v1/conversations/{id}/pins"), &ada.access).await.body;
    assert_eq!((&pins["items"][0]["text"], &pins["items"][1]), (&json!("first"), &Value::Null));
    let unpinned = app.send(request(Method::DELETE, &format!("{path}/pin"), &bob.access)).await;
    assert_eq!(unpinned.body.get("pinned"), None);

    for _ in 0..2 {
        assert_eq!(app.send(request(Method::DELETE, &path, &ada.access)).await.status, 204);
    }
    let mut tombstone = sent;
    for (name, value) in
        [("text", json!("")), ("rev", json!(7)), ("deletedAt", json!(NOW)), ("deletedBy", json!(ada.id))]
    {
        tombstone[name] = value;
    }
    assert_eq!(app.get(&path, &ada.access).await.body, tombstone);
    assert_eq!(app.get(&messages, &ada.access).await.body["items"], json!([tombstone]));
    let again = app.post(&messages, &ada.access, json!({ "text": "frist", "clientMessageId": "c1" })).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &tombstone), "a repeat sends nothing");
    app.change(Method::PATCH, &path, &ada, json!({ "text": "back" })).await.assert_problem(409, "message_deleted");
}

#[actix_web::test]
async fn an_answer_and_a_forward_say_what_they_refer_to() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    let messages = format!("/api/v1/conversations/{id}/messages");
    let first = app.post(&messages, &ada.access, json!({ "text": "hello" })).await.body;
    let answer = app.post(&messages, &bob.access, json!({ "text": "hi", "replyTo": first["id"] })).await;
    let reply_to = json!({ "id": first["id"], "seq": 1, "senderId": ada.id, "text": "hello" });
    assert_eq!((answer.status.as_u16(), &answer.body["replyTo"]), (201, &reply_to));
    let forward = json!({ "forward": { "conversationId": id, "messageId": first["id"] } });
    let passed_on = app.post(&messages, &bob.access, forward).await.body;
    let origin = json!({ "senderId": ada.id, "createdAt": NOW });
    assert_eq!((&passed_on["text"], &passed_on["forwardedFrom"]), (&json!("hello"), &origin));
    let page = app.get(&messages, &ada.access).await.body;
    assert_eq!(page["items"][1]["replyTo"], reply_to);
    assert_eq!(page["items"][2]["forwardedFrom"], origin);
    let path = format!("{messages}/{}", first["id"].as_str().unwrap());
    app.send(request(Method::DELETE, &path, &ada.access)).await;
    let page = app.get(&messages, &ada.access).await.body;
    assert_eq!(page["items"][1]["replyTo"], json!({ "id": first["id"], "seq": 1, "senderId": ada.id }));
}

#[actix_web::test]
async fn what_a_change_may_not_be_is_refused() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    let eve = app.sign_up("eve").await;
    let messages = format!("/api/v1/conversations/{id}/messages");
    let sent = app.post(&messages, &ada.access, json!({ "text": "hello" })).await.body;
    let path = format!("{messages}/{}", sent["id"].as_str().unwrap());
    let edit = async |by, body| app.change(Method::PATCH, &path, by, body).await;
    edit(&bob, json!({ "text": "mine" })).await.assert_problem(403, "not_permitted");
    edit(&eve, json!({ "text": "mine" })).await.assert_problem(404, "not_found");
    edit(&ada, json!({ "text": " " })).await.assert_invalid("text", "empty");
    edit(&ada, json!({ "text": "x", "replyTo": null })).await.assert_invalid("replyTo", "unknown_field");
    edit(&ada, json!({})).await.assert_invalid("text", "missing");
    for bad in ["a", "%00", "%F0%9F%91%8D%F0%9F%91%8D", "%20", "%3Ca%3E", ":A:"] {
        let answer = app.send(request(Method::PUT, &format!("{path}/reactions/{bad}"), &ada.access)).await;
        answer.assert_invalid("emoji", "not_an_emoji");
    }
    let good = app.send(request(Method::PUT, &format!("{path}/reactions/:+1:"), &ada.access)).await;
    assert_eq!(good.body["reactions"][0]["emoji"], ":+1:");
    app.get(&format!("{path}/reactions"), &ada.access).await.assert_invalid("emoji", "missing");
    app.get(&format!("{path}/versions?cursor=x"), &ada.access).await.assert_invalid("cursor", "invalid_cursor");
    app.get(&format!("{messages}/nonsense"), &ada.access).await.assert_problem(400, "invalid_id");
    for send in [
        json!({ "text": "x", "forward": { "conversationId": id, "messageId": sent["id"] } }),
        json!({ "replyTo": sent["id"], "forward": { "conversationId": id, "messageId": sent["id"] } }),
    ] {
        app.post(&messages, &ada.access, send).await.assert_invalid("forward", "exclusive");
    }
    let strange = json!({ "text": "x", "replyTo": "6740a1b2c3d4e5f601234567" });
    app.post(&messages, &ada.access, strange).await.assert_invalid("replyTo", "unknown_message");
    let nested = json!({ "forward": { "conversationId": "x", "messageId": sent["id"] } });
    app.post(&messages, &ada.access, nested).await.assert_problem(422, "validation_failed");
}

#[actix_web::test]
async fn a_conversation_shows_the_present_state_of_its_last_message() {
    let app = start().await;
    let (ada, bob, id) = app.two_users().await;
    let messages = format!("/api/v1/conversations/{id}/messages");
    let sent = app.post(&messages, &ada.access, json!({ "text": "hello" })).await.body;
    let path = format!("{messages}/{}", sent["id"].as_str().unwrap());
    app.change(Method::PATCH, &path, &ada, json!({ "text": "hello again" })).await;
    let inbox = async || app.get("/api/v1/conversations", &bob.access).await.body["items"][0].clone();
    let shown = inbox().await;
    assert_eq!((&shown["lastMessage"]["text"], &shown["unread"]), (&json!("hello again"), &json!(1)));
    app.send(request(Method::DELETE, &path, &ada.access)).await;
    let shown = inbox().await;
    assert_eq!((&shown["lastMessage"]["deletedAt"], &shown["unread"]), (&json!(NOW), &json!(0)));
}
