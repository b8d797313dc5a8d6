//! Commands in Socket.IO's own clothes; what they do is compared in `parity`.

use serde_json::{Value, json};

use super::client::{Engine, SocketIo, TRANSPORTS, Transport};
use crate::support::TestServer;

#[tokio::test]
async fn an_acknowledgement_has_one_argument_with_the_data_or_the_problem() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    for transport in TRANSPORTS {
        let mut socket = SocketIo::ready(&ada, transport).await;
        let data = json!({ "conversationId": conversation, "text": "hi" });
        let answer = socket.command("message.send", data).await;
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["data"]);
        assert_eq!(answer["data"]["text"], "hi");
        let answer = socket.command("message.send", json!({})).await;
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["problem"]);
        assert_eq!(answer["problem"]["status"], 422);
    }
}

#[tokio::test]
async fn commands_are_acknowledged_in_order_by_their_numbers() {
    let server = TestServer::start().await;
    let mut socket = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    let ids = [0, 7, 3, 9_007_199_254_740_991_u64];
    for id in ids {
        socket.send(&format!("42{id}[\"ping\"]")).await;
    }
    for id in ids {
        assert_eq!(socket.packet().await.unwrap(), format!(r#"43{id}[{{"data":{{}}}}]"#));
    }
}

#[tokio::test]
async fn without_a_callback_only_a_problem_is_told_and_as_an_event() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        let mut socket = SocketIo::ready(&ada, transport).await;
        socket.send("42[\"ping\"]").await;
        socket.send("42[\"message.send\",{}]").await;
        let event = socket.event().await;
        assert_eq!((&*event.name, event.place), ("problem", json!({ "command": "message.send" })));
        assert_eq!((&event.data["code"], &event.data["status"]), (&json!("validation_failed"), &json!(422)));
        socket.send("42[\"explode\"]").await;
        let event = socket.event().await;
        assert_eq!((&event.data["code"], event.place), (&json!("unknown_command"), json!({ "command": "explode" })));
        assert!(!event.offset.is_empty());
    }
}

#[tokio::test]
async fn a_number_is_a_name_that_no_command_has() {
    let server = TestServer::start().await;
    let mut socket = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    assert_eq!(socket.emit("[1,{}]").await["problem"]["code"], "unknown_command");
}

fn is_refused_data(answer: &Value) -> bool {
    answer["problem"]["code"] == "validation_failed" && answer["problem"]["errors"][0]["field"] == "data"
}

#[tokio::test]
async fn a_command_has_one_argument_at_most() {
    let server = TestServer::start().await;
    let mut socket = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    for more in [r#",{},{}"#, ",{},null", ",1,2,3"] {
        let answer = socket.emit(&format!(r#"["ping"{more}]"#)).await;
        assert!(is_refused_data(&answer), "{more}: {answer}");
    }
    assert_eq!(socket.emit(r#"["ping"]"#).await, json!({ "data": {} }));
    assert_eq!(socket.emit(r#" [ "ping" , { } ] "#.trim_start()).await, json!({ "data": {} }));
}

#[tokio::test]
async fn binary_is_refused_with_a_problem_and_ends_nothing() {
    let server = TestServer::start().await;
    let mut socket = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    socket.send(r#"451-1["message.send",{"text":{"_placeholder":true,"num":0}}]"#).await;
    socket.websocket().send(tokio_tungstenite::tungstenite::Message::binary(vec![1, 2, 3])).await;
    let answer = socket.acknowledged(1).await;
    assert!(is_refused_data(&answer), "{answer}");
    socket.is_alive_from(2).await;

    let mut polling = SocketIo::ready(&server.signup("bob").await, Transport::Polling).await;
    polling.send("451-1[\"ping\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID").await;
    let answer = polling.acknowledged(1).await;
    assert!(is_refused_data(&answer), "{answer}");
    polling.is_alive_from(2).await;
}

#[tokio::test]
async fn a_command_by_polling_is_answered_on_the_websocket_after_the_upgrade() {
    let server = TestServer::start().await;
    let mut socket = SocketIo::ready(&server.signup("ada").await, Transport::Polling).await;
    let mut upgraded = super::engine::WebSocket::upgrade(socket.polling()).await;
    upgraded.send("2probe").await;
    assert_eq!(upgraded.text().await, "3probe");
    socket.send("421[\"ping\"]").await;
    upgraded.send("5").await;
    socket.engine = Engine::WebSocket(upgraded);
    assert_eq!(socket.acknowledged(1).await, json!({ "data": {} }));
}

#[tokio::test]
async fn what_is_no_event_ends_the_session() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for packet in [
        "42",
        "42[]",
        "42{}",
        "42[\"ping\"",
        "42[\"connect\"]",
        "42[\"disconnect\"]",
        "42[\"connect_error\"]",
        "42[\"disconnecting\"]",
        "42[\"newListener\"]",
        "42[\"removeListener\"]",
        "4299999999999999999999[\"ping\"]",
        "429007199254740992[\"ping\"]",
        "4511-[\"ping\"]",
        "45-[\"ping\"]",
        "45451000000-[\"ping\"]",
        "451-[\"ping\",{\"_placeholder\":true,\"num\":1}]",
        "43",
        "44{}",
        "47",
        "42/other,[\"ping\"]",
    ] {
        let mut socket = SocketIo::ready(&ada, Transport::WebSocket).await;
        socket.send(packet).await;
        assert_eq!(socket.websocket().closed().await.0, 1002, "{packet}");
    }
}
