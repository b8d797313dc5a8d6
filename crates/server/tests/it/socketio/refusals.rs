//! Requests that are no part of any session: refused in the protocol's own words.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{SocketIo, Transport},
    engine::{POLLING, Polling, Reply, WEBSOCKET, WebSocket, reply},
};
use crate::support::{Client, PATIENCE, Setup, TestServer};

async fn asked(client: &Client, method: &str, path: &str) -> Reply {
    reply(client.request(method.parse::<Method>().unwrap(), path)).await
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_by_its_code() {
    let server = TestServer::start().await;
    let nobody = server.anonymous();
    let session = Polling::open(&nobody).await;
    let (transport, sid) =
        (r#"{"code":0,"message":"Transport unknown"}"#, r#"{"code":1,"message":"Session ID unknown"}"#);
    let (method, bad) = (r#"{"code":2,"message":"Bad handshake method"}"#, r#"{"code":3,"message":"Bad request"}"#);
    let version = r#"{"code":5,"message":"Unsupported protocol version"}"#;
    let cases = [
        ("GET", "/socket.io/".to_owned(), transport),
        ("GET", "/socket.io/?EIO=4".to_owned(), transport),
        ("GET", "/socket.io/?EIO=4&transport=".to_owned(), transport),
        ("GET", "/socket.io/?EIO=4&transport=webtransport".to_owned(), transport),
        ("GET", "/socket.io/?EIO=4&transport=POLLING".to_owned(), transport),
        ("GET", "/socket.io/?transport=polling".to_owned(), version),
        ("GET", "/socket.io/?EIO=3&transport=polling".to_owned(), version),
        ("GET", "/socket.io/?EIO=abc&transport=polling".to_owned(), version),
        ("GET", "/socket.io/?EIO=3&transport=websocket".to_owned(), version),
        ("POST", POLLING.to_owned(), method),
        ("PUT", POLLING.to_owned(), method),
        ("DELETE", POLLING.to_owned(), method),
        ("GET", WEBSOCKET.to_owned(), bad),
        ("GET", format!("{POLLING}&sid=nonsense"), sid),
        ("POST", format!("{POLLING}&sid=nonsense"), sid),
        ("GET", format!("{POLLING}&sid={}", "x".repeat(5000)), sid),
        ("PUT", session.path(), bad),
        ("PATCH", session.path(), bad),
        ("DELETE", session.path(), bad),
        ("GET", format!("{WEBSOCKET}&sid={}", session.sid), bad),
        ("POST", format!("{WEBSOCKET}&sid={}", session.sid), bad),
    ];
    for (verb, path, body) in cases {
        let answer = asked(&nobody, verb, &path).await;
        assert_eq!(answer.line(), (400, body), "{verb} {path:.80}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{verb} {path:.80}");
    }
    session.say("40/other,").await;
    assert_eq!(session.poll().await.status, 200, "nothing of that has ended the session");
}

#[tokio::test]
async fn a_websocket_is_refused_before_it_is_one() {
    let server = TestServer::start().await;
    let nobody = server.anonymous();
    for (path, body) in [
        ("/socket.io/?EIO=3&transport=websocket", r#"{"code":5,"message":"Unsupported protocol version"}"#),
        ("/socket.io/?EIO=4&transport=abc", r#"{"code":0,"message":"Transport unknown"}"#),
        (POLLING, r#"{"code":3,"message":"Bad request"}"#),
        (&format!("{WEBSOCKET}&sid=nonsense"), r#"{"code":1,"message":"Session ID unknown"}"#),
    ] {
        let Err(answer) = WebSocket::request(&nobody, path, &[]).await else { panic!("{path} was opened") };
        assert_eq!(answer.line(), (400, body), "{path}");
    }
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_even_a_good_one() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for name in ["token", "access_token", "jwt"] {
        let query = format!("&{name}={}", ada.token.as_ref().unwrap());
        let answer = asked(&server.anonymous(), "GET", &format!("{POLLING}{query}")).await;
        let body = r#"{"code":3,"message":"A token must not stand in a URL; send it in `auth`"}"#;
        assert_eq!(answer.line(), (400, body), "{name}");
        let opened = WebSocket::request(&server.anonymous(), &format!("{WEBSOCKET}{query}"), &[]).await;
        assert_eq!(opened.err().map(|answer| answer.status), Some(400), "{name}");
    }
}

#[tokio::test]
async fn what_the_stock_clients_add_to_the_query_does_no_harm() {
    let server = TestServer::start().await;
    for query in ["&t=abc123", "&b64=1", "&mine=yes"] {
        assert_eq!(asked(&server.anonymous(), "GET", &format!("{POLLING}{query}")).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn a_session_is_nobody_elses() {
    let server = TestServer::start().await;
    let (ada, eve) = (server.signup("ada").await, server.signup("eve").await);
    let session = Polling::open(&ada).await;
    session.say("40").await;
    let unknown = (400, r#"{"code":1,"message":"Session ID unknown"}"#);
    let foreign = session.by(&eve);
    assert_eq!(foreign.poll().await.line(), unknown);
    assert_eq!(foreign.post("1").await.line(), unknown);
    let path = format!("{WEBSOCKET}&sid={}", session.sid);
    let opened = WebSocket::request(&eve, &path, &[]).await;
    assert_eq!(opened.err().unwrap().line(), unknown);
    assert!(session.poll().await.body.starts_with("40{"), "and the session goes on");
}

#[tokio::test]
async fn an_address_has_so_many_sessions_of_the_unknown() {
    let set = [("live.unauthenticated_per_address", "2")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let (ada, nobody) = (server.signup("ada").await, server.anonymous());
    let first = Polling::open(&nobody).await;
    let _second = WebSocket::open(&nobody).await;
    let full = asked(&nobody, "GET", POLLING).await;
    assert_eq!((full.status, full.header("retry-after")), (429, Some("5")), "{full:?}");
    assert!(serde_json::from_str::<Value>(&full.body).unwrap()["message"].is_string(), "{full:?}");
    let opened = WebSocket::request(&nobody, WEBSOCKET, &[]).await;
    assert_eq!(opened.err().map(|answer| answer.status), Some(429));
    // Who says who he is makes room.
    first.say(format!("40{}", json!({ "token": ada.token }))).await;
    assert!(first.poll().await.body.starts_with("40{"));
    let room = async { while asked(&nobody, "GET", POLLING).await.status != 200 {} };
    tokio::time::timeout(PATIENCE, room).await.unwrap();
}

#[tokio::test]
async fn an_address_has_so_many_sessions() {
    let set = [("live.sessions_per_address", "2")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    let mut first = SocketIo::ready(&ada, Transport::Polling).await;
    let _second = SocketIo::ready(&ada, Transport::WebSocket).await;
    assert_eq!(asked(&ada, "GET", POLLING).await.status, 429);
    let opened = WebSocket::request(&ada, WEBSOCKET, &[]).await;
    assert_eq!(opened.err().map(|answer| answer.status), Some(429));
    first.send("1").await;
    first.ended().await;
    let room = async { while asked(&ada, "GET", POLLING).await.status != 200 {} };
    tokio::time::timeout(PATIENCE, room).await.unwrap();
}
