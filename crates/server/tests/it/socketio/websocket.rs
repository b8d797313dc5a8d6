//! Sessions that begin on a WebSocket.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{
    client::{SocketIo, Transport},
    engine::{WEBSOCKET, WebSocket},
};
use crate::support::{Setup, TestServer};

#[tokio::test]
async fn a_session_on_a_websocket_begins_with_the_handshake() {
    let server = TestServer::start().await;
    let text = WebSocket::open(&server.anonymous()).await.text().await;
    let handshake: serde_json::Value = serde_json::from_str(text.strip_prefix('0').unwrap()).unwrap();
    let sid = handshake["sid"].as_str().unwrap();
    let expected =
        format!(r#"0{{"sid":"{sid}","upgrades":[],"pingInterval":25000,"pingTimeout":35000,"maxPayload":131072}}"#);
    assert_eq!(text, expected);
}

#[tokio::test]
async fn commands_and_events_go_over_it() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut socket = SocketIo::ready(&ada, Transport::WebSocket).await;
    let answer = socket.command("message.send", json!({ "conversationId": conversation, "text": "hi" })).await;
    assert_eq!(answer["data"]["text"], "hi", "{answer}");
}

#[tokio::test]
async fn who_does_not_answer_pings_is_closed() {
    let set = [("live.ping_interval", "100ms"), ("live.idle_timeout", "300ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let mut tab = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    let socket = tab.websocket();
    assert_eq!(socket.text().await, "2");
    assert_eq!(socket.closed().await, (4007, "idle".to_owned()));
}

#[tokio::test]
async fn who_answers_pings_stays_though_he_says_nothing_else() {
    let set = [("live.ping_interval", "100ms"), ("live.idle_timeout", "500ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let mut tab = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    for _ in 0..12 {
        while tab.websocket().text().await != "2" {}
        tab.send("3").await;
    }
    tab.is_alive().await;
}

#[tokio::test]
async fn what_is_no_packet_ends_the_session() {
    let server = TestServer::start().await;
    for frame in [
        Message::text("abc"),
        Message::text(""),
        Message::text("9"),
        Message::text("4abc"),
        Message::binary(b"abc".to_vec()),
    ] {
        let mut socket = WebSocket::open(&server.anonymous()).await;
        socket.text().await;
        socket.send(frame.clone()).await;
        assert_eq!(socket.closed().await.0, 1002, "{frame}");
    }
}

#[tokio::test]
async fn a_frame_may_be_as_large_as_the_handshake_says_and_no_larger() {
    let server = TestServer::start().await;
    let mut tab = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    let command = |id, padding| format!("42{id}[\"ping\",{{\"a\":\"{}\"}}]", "a".repeat(padding));
    let frame = command(1, 131_072 - command(1, 0).len());
    tab.send(&frame).await;
    assert_eq!(tab.acknowledged(1).await["problem"]["code"], "validation_failed");
    tab.is_alive().await;
    tab.send(&command(2, 131_073 - command(2, 0).len())).await;
    assert_eq!(tab.websocket().closed().await.0, 1009);
}

#[tokio::test]
async fn a_client_can_close_it_either_way() {
    let server = TestServer::start().await;
    let mut packet = WebSocket::open(&server.anonymous()).await;
    packet.send("1").await;
    while packet.next().await.is_some_and(|frame| !frame.is_close()) {}
    let mut frame = WebSocket::open(&server.anonymous()).await;
    frame.send(Message::Close(None)).await;
    while frame.next().await.is_some_and(|frame| !frame.is_close()) {}
}

#[tokio::test]
async fn a_websocket_has_no_polls() {
    let server = TestServer::start().await;
    let nobody = server.anonymous();
    let mut socket = WebSocket::open(&nobody).await;
    let handshake = socket.text().await;
    let handshake: serde_json::Value = serde_json::from_str(&handshake[1..]).unwrap();
    let path = format!("{}&sid={}", super::engine::POLLING, handshake["sid"].as_str().unwrap());
    let answer = super::engine::reply(nobody.request(reqwest::Method::GET, &path)).await;
    assert_eq!(answer.line(), (400, r#"{"code":3,"message":"Bad request"}"#));
    let path = format!("{WEBSOCKET}&sid={}", handshake["sid"].as_str().unwrap());
    let again = WebSocket::request(&nobody, &path, &[]).await;
    assert_eq!(again.err().map(|answer| answer.status), Some(400));
    socket.send("40/other,").await;
    assert_eq!(socket.text().await, r#"44/other,{"message":"Invalid namespace"}"#);
}
