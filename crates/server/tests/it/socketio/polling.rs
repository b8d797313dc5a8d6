//! Sessions over HTTP long-polling.

use std::time::Duration;

use reqwest::{Body, Method};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    client::{SocketIo, Transport},
    engine::{POLLING, Polling, reply},
};
use crate::support::{Setup, TestServer};

const UNKNOWN_SID: (u16, &str) = (400, r#"{"code":1,"message":"Session ID unknown"}"#);
const BAD_REQUEST: (u16, &str) = (400, r#"{"code":3,"message":"Bad request"}"#);
const TOO_LARGE: (u16, &str) = (413, r#"{"code":3,"message":"Payload too large"}"#);

#[tokio::test]
async fn a_session_begins_with_the_handshake_and_nothing_else() {
    let server = TestServer::start().await;
    let nobody = server.anonymous();
    let answer = reply(nobody.request(Method::GET, POLLING)).await;
    let session = Polling::opened(&nobody, &answer);
    let text = format!(
        r#"0{{"sid":"{}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":35000,"maxPayload":131072}}"#,
        session.sid
    );
    assert_eq!(answer.line(), (200, &*text));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert!(session.sid.len() >= 20, "impossible to guess: {}", session.sid);
    assert_ne!(session.sid, Polling::open(&nobody).await.sid);
}

#[tokio::test]
async fn the_handshake_tells_what_is_configured() {
    let set = [
        ("live.ping_interval", "300ms"),
        ("live.idle_timeout", "500ms"),
        ("live.max_message", "64KiB"),
        ("live.max_frame", "64KiB"),
    ];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let handshake = Polling::open(&server.anonymous()).await.handshake;
    let told = ["pingInterval", "pingTimeout", "maxPayload"].map(|name| handshake[name].as_u64().unwrap());
    assert_eq!(told, [300, 200, 65_536]);
}

#[tokio::test]
async fn the_path_may_lack_its_last_slash() {
    let server = TestServer::start().await;
    let answer = server.anonymous().get("/socket.io?EIO=4&transport=polling").await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn what_is_posted_is_answered_by_a_poll() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let session = Polling::open(&server.anonymous()).await;
    let connect = format!("40{}", json!({ "token": ada.token }));
    let posted = session.post(connect).await;
    assert_eq!((posted.line(), posted.header("content-type")), ((200, "ok"), Some("text/plain; charset=UTF-8")));
    let polled = session.poll().await;
    assert_eq!((polled.status, polled.header("content-type")), (200, Some("text/plain; charset=UTF-8")));
    assert!(polled.body.starts_with(r#"40{"sid":""#), "{}", polled.body);
}

#[tokio::test]
async fn a_poll_waits_for_what_comes() {
    let server = TestServer::start().await;
    let session = Polling::open(&server.anonymous()).await;
    let (polled, ()) = tokio::join!(session.poll(), session.say("40/other,"));
    assert_eq!(polled.line(), (200, r#"44/other,{"message":"Invalid namespace"}"#));
}

#[tokio::test]
async fn several_packets_go_in_one_payload_either_way() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut socket = SocketIo::ready(&ada, Transport::Polling).await;
    socket.send("421[\"ping\"]\x1e422[\"ping\",{}]\x1e423[\"ping\"]").await;
    for id in 1..=3 {
        assert_eq!(socket.acknowledged(id).await, json!({ "data": {} }));
    }
    socket.polling().say("424[\"ping\"]\x1e425[\"ping\"]").await;
    let mut received = String::new();
    while !received.contains("435[") {
        received.push_str(&socket.polling().poll().await.body);
        received.push('\x1e');
    }
    assert_eq!(received, "434[{\"data\":{}}]\x1e435[{\"data\":{}}]\x1e");
}

#[tokio::test]
async fn the_content_type_of_a_post_does_not_matter() {
    let server = TestServer::start().await;
    let session = Polling::open(&server.anonymous()).await;
    for kind in ["text/plain;charset=UTF-8", "application/octet-stream", "application/json", "nonsense", ""] {
        let request = session.request(Method::POST).header("Content-Type", kind).body("40/other,");
        assert_eq!(reply(request).await.line(), (200, "ok"), "{kind}");
    }
}

#[tokio::test]
async fn answers_are_kept_by_no_cache_and_taken_for_nothing_else() {
    let server = TestServer::start().await;
    let session = Polling::open(&server.anonymous()).await;
    session.say("40/other,").await;
    let answers = [
        reply(server.anonymous().request(Method::GET, POLLING)).await,
        session.poll().await,
        session.post("40/other,").await,
        session.post("nonsense").await,
        session.poll().await,
    ];
    for answer in answers {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_second_poll_at_once_is_refused_and_ends_the_session() {
    let server = TestServer::start().await;
    let session = Polling::open(&server.anonymous()).await;
    let (first, second) = tokio::join!(session.poll(), session.poll());
    // Which of them comes first, the network decides.
    let mut answers = [first.line(), second.line()];
    answers.sort_unstable();
    assert_eq!(answers, [(200, "1"), BAD_REQUEST]);
    assert_eq!(session.poll().await.line(), UNKNOWN_SID);
}

/// Begins a POST of the session on a connection of its own, of which the server has read the head.
async fn begin_post(server: &TestServer, session: &Polling, length: usize) -> TcpStream {
    let mut post = TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
    let path = session.path();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: parlor\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n");
    post.write_all(head.as_bytes()).await.unwrap();
    // The interim answer says that the request is being served.
    let mut interim = [0; 25];
    post.read_exact(&mut interim).await.unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&interim));
    post
}

#[tokio::test]
async fn a_second_post_at_once_is_refused_and_ends_the_session() {
    let server = TestServer::start().await;
    let session = Polling::open(&server.anonymous()).await;
    let mut first = begin_post(&server, &session, 9).await;
    let second = session.post("40/other,").await;
    assert_eq!(second.line(), BAD_REQUEST);
    first.write_all(b"40/other,").await.unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *b"HTTP/1.1 400");
    assert_eq!(session.poll().await.line(), UNKNOWN_SID);
}

/// Whether the other user is online, as this one is told.
async fn online(watcher: &mut SocketIo, user: &str) -> Value {
    loop {
        let event = watcher.event_of("presence.updated").await;
        if event.data["userId"] == user {
            return event.data["presence"]["online"].clone();
        }
    }
}

#[tokio::test]
async fn a_poll_that_is_broken_off_ends_the_session_and_the_user_is_gone() {
    let server = TestServer::start_with(Setup { set: &[("presence.grace", "10ms")], ..Setup::default() }).await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    ada.direct(&bob).await;
    let mut watcher = SocketIo::ready(&ada, Transport::WebSocket).await;
    let tab = SocketIo::ready(&bob, Transport::Polling).await;
    assert_eq!(online(&mut watcher, bob.id()).await, true);
    // Nothing comes for it, so that it hangs until this side hangs up.
    let poll = tab.polling().request(Method::GET).timeout(Duration::from_millis(300));
    while poll.try_clone().unwrap().send().await.is_ok() {}
    assert_eq!(online(&mut watcher, bob.id()).await, false);
    assert_eq!(tab.polling().poll().await.line(), UNKNOWN_SID);
}

#[tokio::test]
async fn a_session_ends_when_nobody_polls() {
    let set = [("live.ping_interval", "200ms"), ("live.idle_timeout", "1s"), ("presence.grace", "10ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    ada.direct(&bob).await;
    let mut watcher = SocketIo::ready(&ada, Transport::WebSocket).await;
    let tab = SocketIo::ready(&bob, Transport::Polling).await;
    assert_eq!(online(&mut watcher, bob.id()).await, true);
    // The watcher answers pings while it waits.
    assert_eq!(online(&mut watcher, bob.id()).await, false);
    assert_eq!(tab.polling().poll().await.line(), UNKNOWN_SID);
    watcher.is_alive().await;
}

#[tokio::test]
async fn pings_come_by_polls_and_who_answers_them_stays() {
    let set = [("live.ping_interval", "100ms"), ("live.idle_timeout", "500ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let tab = SocketIo::ready(&server.signup("ada").await, Transport::Polling).await;
    for _ in 0..12 {
        polls_until(tab.polling(), "2").await;
        tab.polling().say("3").await;
    }
    tab.polling().say("4217[\"ping\"]").await;
    polls_until(tab.polling(), r#"4317[{"data":{}}]"#).await;
}

/// Polls until this packet comes; others before it are passed over.
async fn polls_until(session: &Polling, packet: &str) {
    loop {
        let answer = session.poll().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.body.split('\x1e').any(|came| came == packet) {
            return;
        }
    }
}

#[tokio::test]
async fn a_client_can_close_its_session() {
    let server = TestServer::start().await;
    let session = Polling::open(&server.anonymous()).await;
    let (_, ()) = tokio::join!(session.poll(), session.say("1"));
    session.is_forgotten().await;
}

#[tokio::test]
async fn a_payload_that_is_none_is_refused_and_ends_the_session() {
    let server = TestServer::start().await;
    for body in ["abc", "", "\x1e", "4\x1e", "9", "b%%%", "40\x1eabc", "\u{1f642}"] {
        let session = Polling::open(&server.anonymous()).await;
        assert_eq!(session.post(body.to_owned()).await.line(), BAD_REQUEST, "{:.20}", body);
        assert_eq!(session.poll().await.line(), UNKNOWN_SID, "{:.20}", body);
    }
    let session = Polling::open(&server.anonymous()).await;
    assert_eq!(session.post(b"4\xff".to_vec()).await.line(), BAD_REQUEST, "no UTF-8");
    session.is_forgotten().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not() {
    let server = TestServer::start_with(Setup {
        set: &[("live.max_message", "64KiB"), ("live.max_frame", "64KiB")],
        ..Setup::default()
    })
    .await;
    let session = Polling::open(&server.anonymous()).await;
    let largest = format!("40/{},", "n".repeat(65_536 - 4));
    let larger = format!("{largest} ");
    assert_eq!(session.post(larger.clone()).await.line(), TOO_LARGE);
    let chunks: Vec<_> =
        larger.into_bytes().chunks(1000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    let unsaid = Body::wrap_stream(futures_util::stream::iter(chunks));
    assert_eq!(session.post(unsaid).await.line(), TOO_LARGE);
    assert_ne!(session.post(largest).await.status, 413);
}

#[tokio::test]
async fn a_post_that_is_broken_off_ends_the_session() {
    let server = TestServer::start().await;
    let session = Polling::open(&server.anonymous()).await;
    drop(begin_post(&server, &session, 100).await);
    session.is_forgotten().await;
}
