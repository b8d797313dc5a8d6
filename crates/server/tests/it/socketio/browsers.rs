//! Pages in browsers: those of other origins, with and without a user's cookies.

use reqwest::Method;
use serde_json::json;

use super::{
    client::{SocketIo, TRANSPORTS, Transport},
    engine::{POLLING, Polling, Reply, WEBSOCKET, WebSocket, reply},
};
use crate::{
    live::cookie,
    support::{Client, Setup, TestServer},
};

const FRIEND: &str = "https://chat.example.org";
const FOREIGN: [&str; 4] = ["https://evil.example", "http://chat.example.org", "https://chat.example.org.evil", "null"];
const FORBIDDEN: (u16, &str) = (403, r#"{"code":4,"message":"Forbidden"}"#);

async fn with_friend() -> TestServer {
    TestServer::start_with(Setup { set: &[("server.origins", FRIEND)], ..Setup::default() }).await
}

/// A request as a page's browser would send it.
async fn of_page(client: &Client, method: Method, path: &str, headers: &[(&str, &str)], body: &'static str) -> Reply {
    let request = client.request(method, path).body(body);
    reply(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[tokio::test]
async fn pages_of_an_allowed_origin_may_read_every_answer_with_their_users_cookies() {
    let server = with_friend().await;
    let nobody = server.anonymous();
    let session = Polling::open(&nobody).await;
    let origin = [("Origin", FRIEND)];
    let path = &*session.path();
    for (method, path, body, status) in [
        (Method::GET, POLLING, "", 200),
        (Method::POST, path, "40/other,", 200),
        (Method::GET, path, "", 200),
        (Method::GET, "/socket.io/?EIO=3&transport=polling", "", 400),
        (Method::POST, path, "nonsense", 400),
        (Method::GET, path, "", 400),
    ] {
        let answer = of_page(&nobody, method, path, &origin, body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(FRIEND), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{answer:?}");
        assert!(answer.header("vary").unwrap().contains("Origin"), "{answer:?}");
    }
}

#[tokio::test]
async fn without_an_origin_nothing_is_said_of_origins() {
    let server = with_friend().await;
    let answer = reply(server.anonymous().request(Method::GET, POLLING)).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_told_what_it_may_send() {
    let server = with_friend().await;
    let asked = |origin| {
        let request = server.anonymous().request(Method::OPTIONS, POLLING);
        let request = request.header("Origin", origin).header("Access-Control-Request-Method", "POST");
        reply(request.header("Access-Control-Request-Headers", "authorization,content-type"))
    };
    let answer = asked(FRIEND).await;
    assert!((200..=204).contains(&answer.status), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some(FRIEND));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
    for origin in FOREIGN {
        assert_eq!(asked(origin).await.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[tokio::test]
async fn a_cookie_connects_pages_of_an_allowed_origin_on_both_transports() {
    let server = with_friend().await;
    let ada = server.signup("ada").await;
    let cookie = cookie(&ada).await;
    let nobody = server.anonymous();
    for origin in [FRIEND, &*server.base] {
        let headers = [("Origin", origin), ("Cookie", &cookie)];
        let opened = of_page(&nobody, Method::GET, POLLING, &headers, "").await;
        let path = Polling::opened(&nobody, &opened).path();
        assert_eq!(of_page(&nobody, Method::POST, &path, &headers, "40").await.line(), (200, "ok"));
        let mut came = String::new();
        while !came.contains("42[\"ready\"") {
            came.push_str(&of_page(&nobody, Method::GET, &path, &headers, "").await.body);
        }
        assert!(came.starts_with("40{") && came.contains(ada.id()), "{came}");

        let mut socket = WebSocket::request(&nobody, WEBSOCKET, &headers).await.unwrap();
        assert!(socket.text().await.starts_with("0{"));
        socket.send("40").await;
        assert!(socket.text().await.starts_with("40{"));
        assert!(socket.text().await.contains(ada.id()));
    }
}

#[tokio::test]
async fn a_same_origin_poll_which_has_no_origin_header_may_use_the_cookie() {
    let server = with_friend().await;
    let ada = server.signup("ada").await;
    let cookie = cookie(&ada).await;
    let nobody = server.anonymous();
    let headers = [("Sec-Fetch-Site", "same-origin"), ("Cookie", &*cookie)];
    let opened = of_page(&nobody, Method::GET, POLLING, &headers, "").await;
    let session = Polling::opened(&nobody, &opened);
    session.say("40").await;
    assert!(session.poll().await.body.starts_with("40{"));
}

#[tokio::test]
async fn pages_of_a_foreign_origin_are_refused_whatever_they_have() {
    let server = with_friend().await;
    let ada = server.signup("ada").await;
    let cookie = cookie(&ada).await;
    let nobody = server.anonymous();
    for origin in FOREIGN {
        for (client, more) in [(&nobody, Some(&cookie)), (&ada, None), (&nobody, None)] {
            let mut headers = vec![("Origin", origin)];
            headers.extend(more.map(|cookie| ("Cookie", &**cookie)));
            let opened = of_page(client, Method::GET, POLLING, &headers, "").await;
            assert_eq!(opened.line(), FORBIDDEN, "{origin}");
            assert_eq!(opened.header("access-control-allow-origin"), None, "{origin}");
            let socket = WebSocket::request(client, WEBSOCKET, &headers).await;
            assert_eq!(socket.err().unwrap().line(), FORBIDDEN, "{origin}");
        }
    }
}

#[tokio::test]
async fn pages_of_a_foreign_origin_are_refused_in_sessions_too() {
    let server = with_friend().await;
    let ada = server.signup("ada").await;
    let cookie = cookie(&ada).await;
    let nobody = server.anonymous();
    let headers = [("Origin", FRIEND), ("Cookie", &cookie)];
    let opened = of_page(&nobody, Method::GET, POLLING, &headers, "").await;
    let session = Polling::opened(&nobody, &opened);
    let path = session.path();
    for origin in FOREIGN {
        let headers = [("Origin", origin), ("Cookie", &*cookie)];
        assert_eq!(of_page(&nobody, Method::GET, &path, &headers, "").await.line(), FORBIDDEN, "{origin}");
        assert_eq!(of_page(&nobody, Method::POST, &path, &headers, "1").await.line(), FORBIDDEN, "{origin}");
        let upgrade = format!("{WEBSOCKET}&sid={}", session.sid);
        let upgraded = WebSocket::request(&nobody, &upgrade, &headers).await;
        assert_eq!(upgraded.err().unwrap().line(), FORBIDDEN, "{origin}");
    }
    assert_eq!(of_page(&nobody, Method::POST, &path, &headers, "40").await.line(), (200, "ok"));
    let answer = of_page(&nobody, Method::GET, &path, &headers, "").await;
    assert!(answer.body.starts_with("40{"), "the session has gone on: {answer:?}");
}

#[tokio::test]
async fn a_cookie_from_nowhere_is_refused() {
    let server = with_friend().await;
    let ada = server.signup("ada").await;
    let headers = [("Cookie", &*cookie(&ada).await)];
    let nobody = server.anonymous();
    assert_eq!(WebSocket::request(&nobody, WEBSOCKET, &headers).await.err().unwrap().line(), FORBIDDEN);
    // A poll may come from a page of the server's own, about which browsers say nothing: the cookie counts for nothing.
    let session = Polling::opened(&nobody, &of_page(&nobody, Method::GET, POLLING, &headers, "").await);
    let path = session.path();
    assert_eq!(of_page(&nobody, Method::POST, &path, &headers, "40").await.line(), FORBIDDEN);
    session.say("40").await;
    let answer = of_page(&nobody, Method::GET, &path, &headers, "").await;
    assert!(answer.body.contains(r#""code":"unauthenticated""#), "{answer:?}");
}

#[tokio::test]
async fn a_page_of_the_servers_own_polls_by_cookie_without_https_too() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let cookie = cookie(&ada).await;
    let nobody = server.anonymous();
    let opened = of_page(&nobody, Method::GET, POLLING, &[("Cookie", &cookie)], "").await;
    let path = Polling::opened(&nobody, &opened).path();
    // Browsers name the origin of whatever is posted.
    let headers = [("Cookie", &*cookie), ("Origin", &server.base)];
    assert_eq!(of_page(&nobody, Method::POST, &path, &headers, "40").await.line(), (200, "ok"));
    let answer = of_page(&nobody, Method::GET, &path, &[("Cookie", &cookie)], "").await;
    assert!(answer.body.starts_with("40{"), "{answer:?}");
}

#[tokio::test]
async fn a_token_in_auth_needs_no_origin() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        SocketIo::connect(&ada, transport, &json!({ "token": ada.token })).await.unwrap();
    }
    let mut polling = SocketIo::ready(&ada, Transport::Polling).await;
    polling.is_alive().await;
}

/// Browsers send cookies with a WebSocket even if the page wants none with its polls.
#[tokio::test]
async fn a_cookie_that_only_an_upgrade_brings_changes_nothing() {
    let server = with_friend().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let headers = [("Origin", FRIEND), ("Cookie", &*cookie(&ada).await)];
    let nobody = server.anonymous();
    for (auth, answer) in
        [(String::new(), r#""code":"unauthenticated""#), (json!({ "token": bob.token }).to_string(), r#"40{"sid""#)]
    {
        let session = Polling::open(&nobody).await;
        let upgrade = format!("{WEBSOCKET}&sid={}", session.sid);
        let mut socket = WebSocket::request(&nobody, &upgrade, &headers).await.unwrap();
        socket.send("2probe").await;
        assert_eq!(socket.text().await, "3probe");
        socket.send("5").await;
        socket.send(format!("40{auth}")).await;
        let answered = socket.text().await;
        assert!(answered.contains(answer), "{answered}");
    }
    // The same after the client is known.
    let mut polling = SocketIo::ready(&bob, Transport::Polling).await;
    let session = polling.polling().by(&nobody);
    assert!(WebSocket::request(&nobody, &format!("{WEBSOCKET}&sid={}", session.sid), &headers).await.is_ok());
    polling.is_alive().await;
}
