//! Clients that go while something is under way: nothing of them stays.

use reqwest::Method;
use serde_json::json;

use super::{
    client::{SocketIo, Transport},
    engine::{POLLING, Polling, reply},
};
use crate::support::{Client, PATIENCE, Setup, TestServer};

/// How many sessions an address may have here.
const PLACES: usize = 4;

/// A server with few places, a user, and nobody.
async fn narrow() -> (TestServer, Client, Client) {
    let set = [("live.sessions_per_address", "4"), ("live.auth_timeout", "60s")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let (ada, nobody) = (server.signup("ada").await, server.anonymous());
    (server, ada, nobody)
}

/// Takes all places of an address, each as soon as it is free.
async fn all_places_become_free(client: &Client) {
    let take_all = async {
        let mut taken = 0;
        while taken < PLACES {
            taken += usize::from(reply(client.request(Method::GET, POLLING)).await.status == 200);
        }
    };
    tokio::time::timeout(PATIENCE, take_all).await.expect("every session ends");
}

#[tokio::test]
async fn a_client_that_goes_while_it_is_let_in_leaves_nothing_behind() {
    for goodbye in ["1", "41\x1e1"] {
        let (_server, ada, nobody) = narrow().await;
        for _ in 0..PLACES {
            let enter = format!("40{}\x1e{goodbye}", json!({ "token": ada.token }));
            Polling::open(&nobody).await.post(enter).await;
        }
        all_places_become_free(&nobody).await;
    }
    let (_server, ada, nobody) = narrow().await;
    for _ in 0..PLACES {
        let mut socket = SocketIo::open(&nobody, Transport::WebSocket).await;
        socket.send(&format!("40{}", json!({ "token": ada.token }))).await;
        drop(socket);
    }
    all_places_become_free(&nobody).await;
}

#[tokio::test]
async fn a_session_that_is_not_read_ends_with_the_sign_in_all_the_same() {
    let server = TestServer::start_with(Setup { set: &[("live.queue_bytes", "512KiB")], ..Setup::default() }).await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let session = SocketIo::ready(&bob, Transport::Polling).await;
    let text = "a".repeat(8000);
    for _ in 0..40 {
        ada.say(&conversation, &text).await;
    }
    assert_eq!(bob.post("/api/v1/auth/logout", json!({})).await.status, 204);
    // It is not polled, and its client goes on to say that it is alive.
    let gone = async { while session.polling().post("3").await.status == 200 {} };
    tokio::time::timeout(PATIENCE, gone).await.expect("the session ends");
}

#[tokio::test]
async fn a_session_that_nobody_is_signed_in_to_ends_whatever_it_asks_for() {
    let set = [("live.auth_timeout", "1s")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    let mut socket = SocketIo::ready(&ada, Transport::WebSocket).await;
    socket.send("41").await;
    let socket = socket.websocket();
    let asking = async {
        loop {
            socket.send("40/nowhere,").await;
            match socket.next().await {
                Some(frame) if frame.is_text() => {}
                end => break end,
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the session ends");
}

#[tokio::test]
async fn a_large_answer_is_not_taken_for_a_slow_reader() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    // Written in JSON, each of these characters takes six.
    let text = "\u{1}".repeat(7000);
    for _ in 0..70 {
        ada.say(&conversation, &text).await;
    }
    for transport in [Transport::Polling, Transport::WebSocket] {
        let mut socket = SocketIo::ready(&bob, transport).await;
        let answer = socket.command("resume", json!({ "streams": { (conversation.as_str()): 0 } })).await;
        let given = answer["data"]["streams"][&conversation]["events"].as_array().unwrap().len();
        assert!((1..70).contains(&given), "{given}");
        assert!(answer.to_string().len() < 1 << 20);
        assert_eq!(socket.texts(70 - given).await.len(), 70 - given);
    }
}

#[tokio::test]
async fn a_head_request_opens_nothing_and_takes_nothing() {
    let server = TestServer::start().await;
    let answer = reply(server.anonymous().request(Method::HEAD, POLLING)).await;
    assert_eq!(answer.status, 400);
    let mut socket = SocketIo::ready(&server.signup("ada").await, Transport::Polling).await;
    assert_eq!(reply(socket.polling().request(Method::HEAD)).await.status, 400);
    socket.is_alive().await;
}

#[tokio::test]
async fn an_unknown_client_has_the_same_few_bytes_however_it_sends_them() {
    let server = TestServer::start().await;
    let polling = Polling::open(&server.anonymous()).await;
    let half = format!("3{}", "a".repeat(40_000));
    assert_eq!(polling.post(half.clone()).await.status, 200);
    assert_eq!(polling.post(half).await.status, 413);
}
