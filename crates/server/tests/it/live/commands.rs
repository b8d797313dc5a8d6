//! Commands: answered by id, in order, like REST.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::ready;
use crate::support::{Setup, Socket, TestServer};

async fn answer_to(socket: &mut Socket, frame: &str) -> Value {
    socket.send(Message::text(frame)).await;
    socket.next().await
}

#[tokio::test]
async fn commands_are_answered_by_their_ids_in_order() {
    let server = TestServer::start().await;
    let mut socket = ready(&server.signup("ada").await).await;
    for id in 0..100 {
        socket.send(Message::text(json!({ "id": id, "command": "ping" }).to_string())).await;
    }
    for id in 0..100 {
        assert_eq!(socket.next().await, json!({ "reply": id, "data": {} }));
    }
}

#[tokio::test]
async fn a_bad_frame_is_answered_with_its_own_problem_and_closes_nothing() {
    let server = TestServer::start().await;
    let mut socket = ready(&server.signup("ada").await).await;
    for (frame, reply, code) in [
        ("nonsense", json!(null), "invalid_json"),
        ("", json!(null), "invalid_json"),
        (r#"{"id":1,"command":"ping","command":"ping"}"#, json!(1), "invalid_json"),
        (r#"{"id":1,"id":2,"command":"ping"}"#, json!(null), "invalid_json"),
        (r#"["ping"]"#, json!(null), "validation_failed"),
        (r#"{"id":2}"#, json!(2), "validation_failed"),
        (r#"{"id":"x","command":"explode"}"#, json!("x"), "unknown_command"),
        (r#"{"id":3,"command":"ping","extra":true}"#, json!(3), "validation_failed"),
        (r#"{"id":{},"command":"ping"}"#, json!(null), "validation_failed"),
        (r#"{"id":4,"command":"message.send","data":{"text":"hi"}}"#, json!(4), "validation_failed"),
        (r#"{"id":5,"command":"resume","data":{"streams":{"x":-1}}}"#, json!(5), "validation_failed"),
    ] {
        let answer = answer_to(&mut socket, frame).await;
        assert_eq!((&answer["reply"], &answer["problem"]["code"]), (&reply, &json!(code)), "{frame}");
    }
    assert_eq!(socket.command("ping", json!({})).await["data"], json!({}));
}

#[tokio::test]
async fn the_longest_message_goes_in_one_frame_however_its_text_is_escaped() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut socket = ready(&ada).await;
    for smile in ["🙂", r"\ud83d\ude42"] {
        let (text, metadata) = (smile.repeat(8000), "x".repeat(4086));
        let data = format!(r#"{{"conversationId":"{conversation}","text":"{text}","metadata":{{"a":"{metadata}"}}}}"#);
        let sent = answer_to(&mut socket, &format!(r#"{{"id":1,"command":"message.send","data":{data}}}"#)).await;
        assert_eq!(sent["data"]["text"], "🙂".repeat(8000), "{}", sent["problem"]);
    }
}

#[tokio::test]
async fn a_message_is_answered_as_rest_answers_it() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut socket = ready(&ada).await;
    let data =
        json!({ "conversationId": conversation, "text": "hi", "metadata": { "a": [1] }, "clientMessageId": "1" });
    let sent = socket.command("message.send", data).await["data"].clone();
    let page = ada.get(&format!("/api/v1/conversations/{conversation}/messages")).await;
    assert_eq!(page.body["items"], json!([sent]));
    assert_eq!((&sent["seq"], &sent["delivery"]), (&json!(1), &json!("sent")));
}

#[tokio::test]
async fn a_repeat_is_answered_with_the_first_message_and_pushed_to_nobody() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let (mut sender, mut reader) = (ready(&ada).await, ready(&bob).await);
    let message = |text: &str, id: &str| json!({ "conversationId": conversation, "text": text, "clientMessageId": id });
    let first = sender.command("message.send", message("hi", "a")).await;
    let again = sender.command("message.send", message("hi", "a")).await;
    assert_eq!(first["data"]["id"], again["data"]["id"]);
    let other = sender.command("message.send", message("other", "a")).await;
    assert_eq!(other["problem"]["code"], "client_message_id_reused");
    sender.command("message.send", message("end", "b")).await;
    assert_eq!(reader.event("message.created").await["data"]["text"], "hi");
    assert_eq!(reader.event("message.created").await["data"]["text"], "end");
}

#[tokio::test]
async fn conversations_of_others_are_as_good_as_unknown() {
    let server = TestServer::start().await;
    let (ada, bob, eve) = (server.signup("ada").await, server.signup("bob").await, server.signup("eve").await);
    let conversation = ada.direct(&bob).await;
    let mut socket = ready(&eve).await;
    for id in [&*conversation, "000000000000000000000000"] {
        for (command, data) in [
            ("message.send", json!({ "conversationId": id, "text": "hi" })),
            ("typing.start", json!({ "conversationId": id })),
            ("typing.stop", json!({ "conversationId": id })),
            ("receipt.read", json!({ "conversationId": id, "seq": 0 })),
            ("receipt.delivered", json!({ "conversationId": id, "seq": 0 })),
        ] {
            assert_eq!(socket.command(command, data).await["problem"]["code"], "not_found", "{command}");
        }
    }
}

#[tokio::test]
async fn the_rate_of_messages_is_that_of_rest_and_says_when_to_go_on() {
    let set = [("limits.messages_per_user", "{ burst = 2, per_minute = 1 }")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    ada.say(&conversation, "one").await;
    let mut socket = ready(&ada).await;
    let data = json!({ "conversationId": conversation, "text": "hi" });
    assert!(socket.command("message.send", data.clone()).await["data"].is_object());
    let problem = socket.command("message.send", data).await["problem"].clone();
    assert_eq!((&problem["code"], &problem["status"]), (&json!("rate_limited"), &json!(429)));
    assert!((1..=60).contains(&problem["retryAfter"].as_u64().unwrap()), "{problem}");
}

#[tokio::test]
async fn a_status_is_answered_with_ones_own_account() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut socket = ready(&ada).await;
    let reply = socket.command("status.set", json!({ "kind": "away", "text": "lunch" })).await;
    assert_eq!(reply["data"]["status"], json!({ "kind": "away", "text": "lunch", "until": null }));
    assert_eq!(reply["data"]["id"], ada.id());
    let past = json!({ "kind": "busy", "until": "2001-01-01T00:00:00Z" });
    let problem = socket.command("status.set", past).await["problem"].clone();
    assert_eq!(problem["errors"][0]["field"], "until", "{problem}");
}
