//! What only a server with sockets has: heads of answers, bodies that do not end, clients that go or stand still.

use std::time::Duration;

use parlor_socketio::{Config, engine};

use super::client::{Client, Incoming, UNKNOWN_SID};
use super::{Server, http, patient};

const PATHS: [&str; 2] = ["/engine.io/", "/socket.io/"];

/// A handshake without the session's id.
fn anonymous(handshake: &str, sid: &str) -> String {
    assert_eq!(sid.len(), 32, "{sid}");
    handshake.replace(sid, "sid")
}

#[actix_web::test]
async fn a_session_begins_on_either_transport() {
    let engine = engine::Config {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        ..engine::Config::default()
    };
    let server = Server::start(Config { engine, ..Config::default() });
    for path in PATHS {
        let expected = |upgrades| {
            let rest = r#""pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#;
            format!(r#"0{{"sid":"sid","upgrades":{upgrades},{rest}"#)
        };
        let (client, answer) = Client::polling(server.address, path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(anonymous(&answer.body, &client.sid), expected(r#"["websocket"]"#));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let (other, handshake) = Client::websocket(server.address, path).await;
        assert_eq!(anonymous(&handshake, &other.sid), expected("[]"));
        assert_ne!(client.sid, other.sid);
    }
    server.stop().await;
}

#[actix_web::test]
async fn what_is_no_request_of_the_protocol_is_refused_with_its_code() {
    let server = Server::start(patient());
    let cases = [
        ("GET", "transport=polling", r#"{"code":5,"message":"Unsupported protocol version"}"#),
        ("GET", "EIO=3&transport=polling", r#"{"code":5,"message":"Unsupported protocol version"}"#),
        ("GET", "EIO=abc&transport=websocket", r#"{"code":5,"message":"Unsupported protocol version"}"#),
        ("GET", "EIO=4", r#"{"code":0,"message":"Transport unknown"}"#),
        ("GET", "EIO=4&transport=abc", r#"{"code":0,"message":"Transport unknown"}"#),
        ("POST", "EIO=4&transport=polling", r#"{"code":2,"message":"Bad handshake method"}"#),
        ("PUT", "EIO=4&transport=polling", r#"{"code":2,"message":"Bad handshake method"}"#),
        ("GET", "EIO=4&transport=websocket", r#"{"code":3,"message":"Bad request"}"#),
        ("GET", "EIO=4&transport=polling&sid=abc", UNKNOWN_SID),
        ("POST", "EIO=4&transport=polling&sid=abc", UNKNOWN_SID),
    ];
    for path in PATHS {
        for (method, query, expected) in cases {
            let answer = http::send(server.address, method, &format!("{path}?{query}")).await.answer().await;
            assert_eq!((answer.status, answer.body.as_str()), (400, expected), "{method} {query}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        }
        let mut client = Client::polling(server.address, path).await.0;
        client.sid = "abc".into();
        assert_eq!(client.open_websocket().await, Err(400));
    }
    server.stop().await;
}

#[actix_web::test]
async fn what_asks_for_a_websocket_and_is_no_handshake_opens_no_session() {
    let server = Server::start(patient());
    let target = "/engine.io/?EIO=4&transport=websocket";
    // Without a key and a version.
    let request = http::send_with(server.address, "GET", target, "Upgrade: websocket\r\n", b"").await;
    let answer = request.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (400, r#"{"code":3,"message":"Bad request"}"#));
    server.stop().await;
}

#[actix_web::test]
async fn a_browser_may_ask_first() {
    let server = Server::start(patient());
    let headers = "Origin: http://localhost:1\r\nAccess-Control-Request-Method: POST\r\n";
    let answer = http::send_with(server.address, "OPTIONS", "/socket.io/", headers, b"").await.answer().await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    server.stop().await;
}

#[actix_web::test]
async fn a_poll_that_is_broken_off_ends_the_session_at_once() {
    let server = Server::start(patient());
    for path in PATHS {
        let (client, _) = Client::polling(server.address, path).await;
        drop(client.poll().await);
        client.until_forgotten().await;
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_post_that_is_broken_off_ends_the_session_and_nothing_of_it_is_taken() {
    let server = Server::start(patient());
    let (client, _) = Client::polling(server.address, "/engine.io/").await;
    let poll = client.poll().await;
    drop(client.begin_post("Content-Length: 10\r\n", b"4hell").await);
    assert_eq!(poll.answer().await.body, "1");
    client.until_forgotten().await;
    server.stop().await;
}

#[actix_web::test]
async fn a_body_that_is_too_large_is_refused_and_the_session_goes_on() {
    let mut config = patient();
    config.engine.max_payload = 10_000;
    let server = Server::start(config);
    let (client, _) = Client::polling(server.address, "/engine.io/").await;
    let largest = format!("4{}", "x".repeat(9_999));
    let refused = (413, r#"{"code":3,"message":"Payload too large"}"#);

    let answer = client.post(&format!("{largest}x")).await;
    assert_eq!((answer.status, answer.body.as_str()), refused);
    let chunked = format!("{:x}\r\n{largest}x\r\n0\r\n\r\n", largest.len() + 1);
    let answer = client.begin_post("Transfer-Encoding: chunked\r\n", chunked.as_bytes()).await.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), refused);

    assert_eq!(client.post(&largest).await.status, 200);
    assert_eq!(client.poll().await.answer().await.body, largest);
    server.stop().await;
}

#[actix_web::test]
async fn a_websocket_message_that_is_too_large_closes_the_session() {
    let mut config = patient();
    config.engine.max_payload = 10_000;
    let server = Server::start(config);
    let (mut client, _) = Client::websocket(server.address, "/engine.io/").await;
    let largest = format!("4{}", "x".repeat(9_999));
    client.send(&largest).await;
    assert_eq!(client.next().await, Incoming::Text(largest.clone()));
    client.send(&format!("{largest}x")).await;
    assert_eq!(client.next().await, Incoming::Closed(Some(1009)));
    client.until_forgotten().await;
    server.stop().await;
}

#[actix_web::test]
async fn a_websocket_is_closed_with_the_sessions_code() {
    let server = Server::start(patient());
    let (mut client, _) = Client::websocket(server.address, "/engine.io/").await;
    client.send("abc").await;
    assert_eq!(client.next().await, Incoming::Closed(Some(1002)));
    server.stop().await;
}

/// A client that asks for much and reads nothing: neither its writes nor its reads may stop the clock.
#[actix_web::test]
async fn a_session_whose_client_reads_nothing_ends_and_nobody_else_waits() {
    let mut config = patient();
    config.engine.ping_interval = Duration::from_secs(1);
    config.engine.ping_timeout = Duration::from_secs(3);
    // So that it is the clock that ends it.
    config.engine.max_buffered = usize::MAX;
    let server = Server::start(config);
    let (mut stalled, _) = Client::websocket(server.address, "/engine.io/").await;
    let large = format!("4{}", "x".repeat(900_000));
    for _ in 0..40 {
        stalled.send(&large).await;
    }
    let (mut other, _) = Client::websocket(server.address, "/engine.io/").await;
    other.send("4hello").await;
    assert_eq!(other.next_but_pings().await, Incoming::Text("4hello".into()));
    stalled.until_forgotten().await;
    server.stop().await;
}

#[actix_web::test]
async fn a_client_that_does_not_read_is_cut_off_when_too_much_waits_for_it() {
    let server = Server::start(patient());
    let (mut stalled, _) = Client::websocket(server.address, "/engine.io/").await;
    let large = format!("4{}", "x".repeat(900_000));
    let observer = stalled.twin();
    tokio::select! {
        () = observer.until_forgotten() => {}
        // At some point nothing more is taken from it, either.
        () = async { while stalled.try_send(&large).await.is_ok() {} } => {}
    }
    observer.until_forgotten().await;
    server.stop().await;
}

/// What a stock client does: both transports, one after the other, with nothing lost in between.
#[actix_web::test]
async fn messages_of_an_upgrade_arrive_once_and_in_order() {
    let server = Server::start(Config::default());
    let (mut client, _) = Client::polling(server.address, "/engine.io/").await;
    assert_eq!(client.post("4a\u{1e}4b").await.body, "ok");
    client.open_websocket().await.unwrap();
    client.send("2probe").await;
    assert_eq!(client.next().await, Incoming::Text("3probe".into()));
    assert_eq!(client.poll().await.answer().await.body, "4a\u{1e}4b");
    assert_eq!(client.post("4c").await.body, "ok");
    client.send("5").await;
    client.send("4d").await;
    assert_eq!(client.next().await, Incoming::Text("4c".into()));
    assert_eq!(client.next().await, Incoming::Text("4d".into()));
    server.stop().await;
}
