//! How connections end: by the user's session, by the server, and what the client is told.

use std::time::{Duration, Instant};

use parlor_server::application::Stop;
use serde_json::{Value, json};

use super::client::{SocketIo, TRANSPORTS, Transport};
use crate::support::{Client, PASSWORD, Setup, TestServer};

/// The same user on another device.
async fn device(client: &Client) -> Client {
    let login = json!({ "login": client.user["username"], "password": PASSWORD });
    let answer = client.post("/api/v1/auth/login", login).await;
    let mut device = client.clone();
    device.token = Some(answer.body["accessToken"].as_str().unwrap().to_owned());
    device
}

/// Reads `session.revoked`, DISCONNECT, and the end.
async fn is_signed_out(socket: &mut SocketIo, session: &Value) {
    let event = socket.event_of("session.revoked").await;
    assert_eq!((&event.data, &event.place), (&json!({ "sessionId": session }), &json!({})));
    assert_eq!(socket.packet().await.as_deref(), Some("41"));
    assert_eq!(socket.ended().await, Vec::<String>::new());
}

#[tokio::test]
async fn signing_out_ends_the_connections_of_that_session_within_a_second_and_no_others() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut kept = SocketIo::ready(&ada, Transport::WebSocket).await;
    for transport in TRANSPORTS {
        let other = device(&ada).await;
        let mut socket = SocketIo::connect(&other, transport, &json!({ "token": other.token })).await.unwrap();
        let session = socket.event().await.data["sessionId"].clone();
        let signed_out = async {
            let since = Instant::now();
            assert_eq!(other.post("/api/v1/auth/logout", json!({})).await.status, 204);
            since
        };
        let (since, ()) = tokio::join!(signed_out, is_signed_out(&mut socket, &session));
        assert!(since.elapsed() < Duration::from_secs(1), "{transport:?}: {:?}", since.elapsed());
        kept.is_alive().await;
    }
}

#[tokio::test]
async fn a_session_that_is_revoked_from_elsewhere_ends_its_connections() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        let other = device(&ada).await;
        let mut socket = SocketIo::connect(&other, transport, &json!({ "token": other.token })).await.unwrap();
        let session = socket.event().await.data["sessionId"].clone();
        let path = format!("/api/v1/users/me/sessions/{}", session.as_str().unwrap());
        assert_eq!(ada.delete(&path).await.status, 204);
        is_signed_out(&mut socket, &session).await;
    }
}

#[tokio::test]
async fn the_account_takes_its_connections_with_it() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut sockets = [SocketIo::ready(&ada, TRANSPORTS[0]).await, SocketIo::ready(&ada, TRANSPORTS[1]).await];
    assert_eq!(ada.delete_account().await.status, 204);
    for socket in &mut sockets {
        socket.event_of("session.revoked").await;
        assert_eq!(socket.packet().await.as_deref(), Some("41"));
        assert_eq!(socket.ended().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_connection_ends_with_its_session_even_if_nothing_happens() {
    let set = [("auth.access_ttl", "1s"), ("auth.refresh_idle_ttl", "1s")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    for transport in TRANSPORTS {
        let ada = server.signup(&format!("{transport:?}").to_lowercase()).await;
        let mut socket = SocketIo::connect(&ada, transport, &json!({ "token": ada.token })).await.unwrap();
        let session = socket.event().await.data["sessionId"].clone();
        is_signed_out(&mut socket, &session).await;
    }
}

#[tokio::test]
async fn the_close_frame_of_a_websocket_says_why_as_the_plain_one_does() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut socket = SocketIo::ready(&ada, Transport::WebSocket).await;
    assert_eq!(ada.post("/api/v1/auth/logout", json!({})).await.status, 204);
    assert_eq!(socket.websocket().closed().await, (4003, "session_ended".to_owned()));
}

#[tokio::test]
async fn a_session_that_was_revoked_can_not_enter() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        let other = device(&ada).await;
        let mut socket = SocketIo::open(&other, transport).await;
        let auth = json!({ "token": other.token });
        let former = SocketIo::ready(&other, transport).await.former();
        assert_eq!(other.post("/api/v1/auth/logout", json!({})).await.status, 204);
        assert_eq!(socket.enter(&auth).await.unwrap_err()["message"], "session_ended");
        let auth = json!({ "token": other.token, "pid": former.pid, "offset": former.offset });
        assert_eq!(socket.enter(&auth).await.unwrap_err()["message"], "session_ended");
    }
}

#[tokio::test]
async fn a_server_that_stops_sends_clients_away_so_that_they_come_back() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut polling = SocketIo::ready(&ada, Transport::Polling).await;
    let mut websocket = SocketIo::ready(&ada, Transport::WebSocket).await;
    let mut unknown = SocketIo::open(&server.anonymous(), Transport::WebSocket).await;
    let (ended, code, unknown, ()) =
        tokio::join!(polling.ended(), websocket.websocket().closed(), unknown.websocket().closed(), async {
            server.begin_to_stop(Stop::InOrder)
        },);
    // No DISCONNECT, after which the stock client would not come back by itself.
    assert!(!ended.iter().any(|packet| packet.starts_with("41")), "{ended:?}");
    assert_eq!(code, (1012, "service_restart".to_owned()));
    assert_eq!(unknown.0, 1012);
    server.ended().await.0.unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_is_gone_for_the_others() {
    let server = TestServer::start_with(Setup { set: &[("presence.grace", "10ms")], ..Setup::default() }).await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    ada.direct(&bob).await;
    let mut watcher = SocketIo::ready(&ada, Transport::WebSocket).await;
    for transport in TRANSPORTS {
        for goodbye in ["41", "1"] {
            let mut socket = SocketIo::ready(&bob, transport).await;
            for online in [true, false] {
                loop {
                    let data = watcher.event_of("presence.updated").await.data;
                    if data["userId"] == bob.id() && data["presence"]["online"] == online {
                        break;
                    }
                }
                if online {
                    socket.send(goodbye).await;
                }
            }
        }
    }
}
