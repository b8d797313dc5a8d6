//! From polling to a WebSocket.

use super::{
    client::{Engine, SocketIo, Transport},
    engine::{Polling, WebSocket},
};
use crate::support::{Setup, TestServer};

#[tokio::test]
async fn a_session_moves_to_a_websocket() {
    let server = TestServer::start().await;
    let session = Polling::open(&server.anonymous()).await;
    let mut socket = WebSocket::upgrade(&session).await;
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    // The poll that hangs is ended by a noop, so that the client can go over.
    assert_eq!(session.poll().await.line(), (200, "6"));
    socket.send("5").await;
    socket.send("40/other,").await;
    assert_eq!(socket.text().await, r#"44/other,{"message":"Invalid namespace"}"#);
    assert_eq!(session.poll().await.status, 400);
    assert_eq!(session.post("40").await.status, 400);
    socket.send("40/other,").await;
    assert_eq!(socket.text().await, r#"44/other,{"message":"Invalid namespace"}"#, "which did no harm");
}

#[tokio::test]
async fn nothing_is_lost_or_turned_round_on_the_way() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut tab = SocketIo::ready(&bob, Transport::Polling).await;
    for number in 0..20 {
        ada.say(&conversation, &number.to_string()).await;
    }
    let mut socket = WebSocket::upgrade(tab.polling()).await;
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    for number in 20..40 {
        ada.say(&conversation, &number.to_string()).await;
    }
    let mut texts = tab.texts(20).await;
    socket.send("5").await;
    tab.engine = Engine::WebSocket(socket);
    ada.say(&conversation, "40").await;
    texts.extend(tab.texts(21).await);
    assert_eq!(texts, (0..=40).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn polling_goes_on_when_the_websocket_fails() {
    let server = TestServer::start().await;
    let mut tab = SocketIo::ready(&server.signup("ada").await, Transport::Polling).await;
    for probe in [None, Some("2probe")] {
        let mut socket = WebSocket::upgrade(tab.polling()).await;
        if let Some(probe) = probe {
            socket.send(probe).await;
            assert_eq!(socket.text().await, "3probe");
        }
        drop(socket);
        tab.is_alive().await;
    }
    let mut socket = WebSocket::upgrade(tab.polling()).await;
    socket.send("nonsense").await;
    while socket.next().await.is_some_and(|frame| !frame.is_close()) {}
    tab.is_alive().await;
}

#[tokio::test]
async fn a_session_is_upgraded_once() {
    let server = TestServer::start().await;
    let session = Polling::open(&server.anonymous()).await;
    let mut first = WebSocket::upgrade(&session).await;
    first.send("2probe").await;
    assert_eq!(first.text().await, "3probe");
    let path = format!("{}&sid={}", super::engine::WEBSOCKET, session.sid);
    let second = WebSocket::request(&server.anonymous(), &path, &[]).await;
    assert_eq!(second.err().map(|answer| answer.line().0), Some(400));
    first.send("5").await;
    first.send("40/other,").await;
    assert_eq!(first.text().await, r#"44/other,{"message":"Invalid namespace"}"#);
    let third = WebSocket::request(&server.anonymous(), &path, &[]).await;
    assert_eq!(third.err().map(|answer| answer.line().0), Some(400));
}

#[tokio::test]
async fn an_upgraded_session_ends_with_its_websocket() {
    let server = TestServer::start_with(Setup { set: &[("presence.grace", "10ms")], ..Setup::default() }).await;
    let session = Polling::open(&server.signup("ada").await).await;
    session.say("40").await;
    let mut socket = WebSocket::upgrade(&session).await;
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    socket.send("5").await;
    // What was not polled comes here.
    assert!(socket.text().await.starts_with("40{"));
    drop(socket);
    session.is_forgotten().await;
}
