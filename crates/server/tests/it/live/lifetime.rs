//! How sockets live and end.

use std::time::{Duration, Instant};

use parlor_server::application::Stop;
use serde_json::json;

use super::{
    raw::{PING, PONG, RawSocket, TEXT, frame},
    ready,
};
use crate::support::{PASSWORD, Setup, TestServer};

#[tokio::test]
async fn a_revoked_session_closes_its_sockets_within_a_second_and_no_others() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut other = ada.clone();
    let login = json!({ "login": "ada", "password": PASSWORD });
    other.token = Some(ada.post("/api/v1/auth/login", login).await.body["accessToken"].as_str().unwrap().to_owned());
    let (mut kept, mut revoked) = (ready(&ada).await, other.socket().await);
    let session = revoked.event("ready").await["data"]["sessionId"].clone();
    let path = format!("/api/v1/users/me/sessions/{}", session.as_str().unwrap());
    assert_eq!(ada.delete(&path).await.status, 204);
    let since = Instant::now();
    let told = revoked.next().await;
    assert_eq!(told, json!({ "event": "session.revoked", "data": { "sessionId": session } }));
    assert_eq!(revoked.close_code().await, Some(4003));
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(kept.command("ping", json!({})).await["data"], json!({}));
}

#[tokio::test]
async fn signing_out_closes_the_sockets_of_the_session() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut socket = ready(&ada).await;
    assert_eq!(ada.post("/api/v1/auth/logout", json!({})).await.status, 204);
    assert_eq!(socket.close_code().await, Some(4003));
}

#[tokio::test]
async fn a_socket_ends_with_its_session_even_if_nothing_happens() {
    let set = [("auth.access_ttl", "1s"), ("auth.refresh_idle_ttl", "1s")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let mut socket = ready(&server.signup("ada").await).await;
    assert_eq!(socket.event("session.revoked").await["data"].as_object().unwrap().len(), 1);
    assert_eq!(socket.close_code().await, Some(4003));
}

#[tokio::test]
async fn a_socket_lives_on_when_its_session_is_renewed() {
    let set = [("auth.access_ttl", "1s"), ("auth.refresh_idle_ttl", "2s"), ("live.ping_interval", "100ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    let mut socket = RawSocket::open(&server, &ada).await;
    socket.next_of(TEXT).await;
    for _ in 0..15 {
        socket.next_of(PING).await;
    }
    let renewed = ada.post("/api/v1/auth/refresh", json!({ "refreshToken": ada.tokens["refreshToken"] })).await;
    assert_eq!(renewed.status, 200, "{:?}", renewed.body);
    // Past the end that the session had at first.
    for _ in 0..10 {
        socket.next_of(PING).await;
    }
    assert_eq!(socket.closed().await.0, 4003, "and it ends with the renewed one");
}

#[tokio::test]
async fn who_does_not_answer_pings_is_closed() {
    let set = [("live.ping_interval", "50ms"), ("live.idle_timeout", "300ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let mut socket = RawSocket::open(&server, &server.signup("ada").await).await;
    socket.next_of(PING).await;
    assert_eq!(socket.closed().await, (4007, "idle".to_owned()));
}

#[tokio::test]
async fn who_answers_pings_stays_though_he_says_nothing_else() {
    let set = [("live.ping_interval", "100ms"), ("live.idle_timeout", "500ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let mut socket = RawSocket::open(&server, &server.signup("ada").await).await;
    socket.next_of(TEXT).await;
    for _ in 0..12 {
        let ping = socket.next_of(PING).await;
        socket.send(&frame(PONG, &ping.payload)).await;
    }
    socket.send(&frame(TEXT, br#"{"id":1,"command":"ping"}"#)).await;
    assert_eq!(socket.next_of(TEXT).await.payload, br#"{"reply":1,"data":{}}"#);
}

#[tokio::test]
async fn a_user_has_so_many_sockets() {
    let set = [("live.connections_per_user", "1")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    let first = ready(&ada).await;
    assert_eq!(ada.socket().await.close_code().await, Some(4004));
    let mut unknown = server.anonymous().socket().await;
    let reply = unknown.command("auth", json!({ "token": ada.token })).await;
    assert_eq!(reply["problem"]["code"], "too_many_connections");
    assert_eq!(unknown.close_code().await, Some(4004));
    drop(first);
}

#[tokio::test]
async fn a_server_that_stops_closes_all_sockets_with_1012() {
    let server = TestServer::start().await;
    let mut known = ready(&server.signup("ada").await).await;
    let mut unknown = server.anonymous().socket().await;
    server.begin_to_stop(Stop::InOrder);
    assert_eq!(known.close_code().await, Some(1012));
    assert_eq!(unknown.close_code().await, Some(1012));
    server.ended().await.0.unwrap();
}
