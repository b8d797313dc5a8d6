//! Health, measurements, start and stop.

use std::{sync::Arc, time::Duration};

use parlor_domain::testing::SettableClock;
use parlor_server::application::Stop;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{PATIENCE, Setup, TestServer};

#[tokio::test]
async fn a_running_server_is_healthy_and_ready() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    assert_eq!(client.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(client.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn measurements_are_on_the_public_listener_by_default() {
    let server = TestServer::start().await;
    let answer = server.anonymous().get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
}

#[tokio::test]
async fn measurements_can_be_off_or_elsewhere() {
    for listener in ["off", "127.0.0.1:0"] {
        let server = TestServer::start_with(Setup { set: &[("metrics.listener", listener)], ..Setup::default() }).await;
        assert_eq!(server.anonymous().get("/metrics").await.status, StatusCode::NOT_FOUND, "{listener}");
        assert_eq!(server.metrics.is_some(), listener != "off");
        if let Some(address) = server.metrics {
            let get = |path| reqwest::get(format!("http://{address}{path}"));
            assert_eq!(get("/metrics").await.unwrap().status(), StatusCode::OK);
            assert_eq!(get("/api/v1/users").await.unwrap().status(), StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn time_passes_by_the_clock_that_is_given() {
    let clock = Arc::new(SettableClock::default());
    let server = TestServer::start_with(Setup { clock: clock.clone(), ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    clock.advance(Duration::from_secs(14 * 60));
    assert_eq!(ada.get("/api/v1/users/me").await.status, StatusCode::OK);
    clock.advance(Duration::from_secs(2 * 60));
    let answer = ada.get("/api/v1/users/me").await;
    assert_eq!((answer.status, &answer.body["code"]), (StatusCode::UNAUTHORIZED, &json!("token_expired")));
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_server_stops() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let body = json!({ "displayName": "Countess" }).to_string();
    let (first, rest) = body.split_at(5);
    let mut socket = tokio::net::TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "PATCH /api/v1/users/me HTTP/1.1\r\nHost: parlor\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        ada.token.as_ref().unwrap(),
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    // The interim answer says that the request is being served.
    let mut interim = [0; 25];
    socket.read_exact(&mut interim).await.unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&interim));
    socket.write_all(first.as_bytes()).await.unwrap();

    server.begin_to_stop(Stop::InOrder);
    server.refuses_connections().await;
    socket.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Countess"), "{answer}");
    server.ended().await.0.unwrap();
}

#[tokio::test]
async fn open_sockets_are_told_that_the_server_restarts() {
    let server = TestServer::start().await;
    let mut socket = server.signup("ada").await.socket().await;
    socket.event("ready").await;
    server.begin_to_stop(Stop::InOrder);
    assert_eq!(socket.close_code().await, Some(1012));
    server.ended().await.0.unwrap();
}

#[tokio::test]
async fn before_it_stops_it_is_not_ready_but_goes_on_serving() {
    let set = &[("server.shutdown_delay", "10m")];
    let server = TestServer::start_with(Setup { set, ..Setup::default() }).await;
    let client = server.anonymous();
    server.begin_to_stop(Stop::InOrder);
    let unready = async { while client.get("/readyz").await.status != StatusCode::SERVICE_UNAVAILABLE {} };
    tokio::time::timeout(PATIENCE, unready).await.expect("the server says that it is not ready");
    assert_eq!(client.get("/healthz").await.status, StatusCode::OK);
    server.signup("ada").await;
}

#[tokio::test]
async fn a_second_request_to_stop_ends_it_at_once() {
    let set = &[("server.shutdown_jitter", "10m"), ("server.shutdown_timeout", "11m")];
    let server = TestServer::start_with(Setup { set, ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    let mut sockets = [ada.socket().await, ada.socket().await];
    for socket in &mut sockets {
        socket.event("ready").await;
    }
    server.begin_to_stop(Stop::InOrder);
    server.refuses_connections().await;
    server.begin_to_stop(Stop::Now);
    server.ended().await.0.unwrap();
}

#[tokio::test]
async fn a_server_that_is_cut_off_keeps_what_it_acknowledged() {
    let first = TestServer::start().await;
    let (ada, bob) = (first.signup("ada").await, first.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    ada.say(&conversation, "are you there?").await;
    first.begin_to_stop(Stop::Now);
    let (_, data) = first.ended().await;

    let second = TestServer::start_in(data, Setup::default()).await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    // The same token is good: the secret was kept beside the data.
    let answer = second.adopt(&bob).get(&path).await;
    assert_eq!(answer.body["items"][0]["text"], "are you there?", "{:?}", answer.body);
}
