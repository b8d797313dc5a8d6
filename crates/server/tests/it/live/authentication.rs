//! Sockets whose clients say who they are by the command `auth`.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{problem, raw, refused, ticket};
use crate::support::{Setup, TestServer};

#[tokio::test]
async fn a_token_in_the_first_frame_makes_the_socket_ready() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut socket = server.anonymous().socket().await;
    let reply = socket.command("auth", json!({ "token": ada.token })).await;
    assert_eq!(reply, json!({ "reply": "1", "data": {} }));
    assert_eq!(socket.next().await["data"]["userId"], ada.id());
    assert_eq!(socket.command("ping", json!({})).await["data"], json!({}));
}

#[tokio::test]
async fn a_ticket_in_the_first_frame_makes_the_socket_ready_once() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let data = json!({ "ticket": ticket(&ada).await });
    let mut socket = server.anonymous().socket().await;
    socket.command("auth", data.clone()).await;
    assert_eq!(socket.next().await["data"]["userId"], ada.id());
    let mut second = server.anonymous().socket().await;
    assert_eq!(second.command("auth", data).await["problem"]["code"], "invalid_token");
    assert_eq!(second.close_code().await, Some(4002));
}

#[tokio::test]
async fn before_that_nothing_else_is_done_and_nothing_bad_closes_the_socket() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut socket = server.anonymous().socket().await;
    for command in ["ping", "message.send", "resume"] {
        let data = match command {
            "message.send" => json!({ "conversationId": "6740a1b2c3d4e5f6aaaaaaaa", "text": "a" }),
            "resume" => json!({ "streams": {} }),
            _ => json!({}),
        };
        assert_eq!(socket.command(command, data).await["problem"]["code"], "unauthenticated", "{command}");
    }
    socket.send(Message::text("nonsense")).await;
    assert_eq!(socket.next().await["problem"]["code"], "invalid_json");
    assert_eq!(socket.command("auth", json!({ "token": 5 })).await["problem"]["code"], "validation_failed");
    assert_eq!(socket.command("auth", json!({ "token": ada.token })).await["data"], json!({}));
}

#[tokio::test]
async fn a_bad_token_is_answered_and_ends_the_socket() {
    let server = TestServer::start().await;
    let mut socket = server.anonymous().socket().await;
    assert_eq!(socket.command("auth", json!({ "token": "nonsense" })).await["problem"]["code"], "invalid_token");
    assert_eq!(socket.close_code().await, Some(4002));
}

#[tokio::test]
async fn a_socket_has_one_owner() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let mut socket = ada.socket().await;
    let reply = socket.command("auth", json!({ "token": bob.token })).await;
    assert_eq!(reply["problem"]["code"], "already_authenticated");
    assert_eq!(socket.command("ping", json!({})).await["data"], json!({}));
}

#[tokio::test]
async fn who_says_nothing_is_closed_after_a_while() {
    let set = [("live.auth_timeout", "200ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    assert_eq!(server.anonymous().socket().await.close_code().await, Some(4001));
}

#[tokio::test]
async fn who_is_authenticated_is_not_closed_by_that_time_limit() {
    let set = [("live.auth_timeout", "200ms"), ("live.ping_interval", "100ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let mut socket = raw::RawSocket::open(&server, &server.signup("ada").await).await;
    for _ in 0..5 {
        socket.next_of(raw::PING).await;
    }
}

#[tokio::test]
async fn no_more_than_4096_bytes_are_read_of_the_unknown() {
    let server = TestServer::start().await;
    let mut socket = raw::RawSocket::open(&server, &server.anonymous()).await;
    socket.send(&raw::frame(raw::TEXT, &[b' '; 3000])).await;
    assert_eq!(socket.next().await.unwrap().first, raw::TEXT);
    socket.send(&raw::frame(raw::TEXT, &[b' '; 3000])).await;
    assert_eq!(socket.closed().await, (4001, "authentication_timeout".to_owned()));
}

#[tokio::test]
async fn an_address_has_so_many_unauthenticated_sockets() {
    let set = [("live.unauthenticated_per_address", "2")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let (ada, nobody) = (server.signup("ada").await, server.anonymous());
    let mut first = nobody.socket().await;
    let _second = nobody.socket().await;
    assert_eq!(problem(&refused(&nobody, "", &[]).await), (429, "too_many_connections"));
    ada.socket().await.event("ready").await;
    first.command("auth", json!({ "token": ada.token })).await;
    nobody.socket().await;
}
