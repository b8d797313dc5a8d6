//! From a request to a socket, and what is refused before.

use serde_json::json;

use super::{cookie, problem, raw, refused, ticket};
use crate::support::TestServer;

#[tokio::test]
async fn what_asks_for_no_websocket_is_told_to() {
    let server = TestServer::start().await;
    let answer = server.signup("ada").await.get("/api/v1/ws").await;
    assert_eq!(problem(&answer), (426, "upgrade_required"));
    assert_eq!(answer.headers["upgrade"], "websocket");
    let answer = refused(&server.anonymous(), "", &[("Sec-WebSocket-Version", "8")]).await;
    assert_eq!(problem(&answer), (426, "upgrade_required"));
    assert_eq!(answer.headers["sec-websocket-version"], "13");
}

#[tokio::test]
async fn only_get_opens_a_socket() {
    let server = TestServer::start().await;
    let answer = server.anonymous().post("/api/v1/ws", json!({})).await;
    assert_eq!(problem(&answer), (405, "method_not_allowed"));
    assert_eq!(answer.headers["allow"], "GET, HEAD");
}

#[tokio::test]
async fn a_bearer_token_opens_a_socket() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let ready = ada.socket().await.event("ready").await;
    assert_eq!(ready["data"]["userId"], ada.id());
    assert_eq!(ready["data"]["rev"], 0);
    assert_eq!(ready["data"]["heartbeat"], json!({ "pingIntervalMs": 25_000, "idleTimeoutMs": 60_000 }));
    let limits = json!({
        "maxFrameBytes": 131_072, "maxMessageBytes": 131_072, "framesBurst": 1000, "framesPerMinute": 6000 });
    assert_eq!(ready["data"]["limits"], limits);
}

#[tokio::test]
async fn a_ticket_opens_one_socket_and_no_second_one() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let query = format!("?ticket={}", ticket(&ada).await);
    let nobody = server.anonymous();
    let ready = nobody.socket_with(&query, &[]).await.event("ready").await;
    assert_eq!(ready["data"]["userId"], ada.id());
    assert_eq!(problem(&refused(&nobody, &query, &[]).await), (401, "invalid_token"));
}

#[tokio::test]
async fn a_request_that_is_no_handshake_leaves_the_ticket_unused() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let query = format!("?ticket={}", ticket(&ada).await);
    let nobody = server.anonymous();
    assert_eq!(nobody.get(&format!("/api/v1/ws{query}")).await.status, 426);
    nobody.socket_with(&query, &[]).await.event("ready").await;
}

#[tokio::test]
async fn a_cookie_opens_a_socket_for_pages_of_an_allowed_origin_alone() {
    let set = [("server.origins", "https://chat.example.org")];
    let server = TestServer::start_with(crate::support::Setup { set: &set, ..Default::default() }).await;
    let ada = server.signup("ada").await;
    let cookie = cookie(&ada).await;
    let nobody = server.anonymous();
    for origin in [&*server.base, "https://chat.example.org"] {
        let mut socket = nobody.socket_with("", &[("Cookie", &cookie), ("Origin", origin)]).await;
        assert_eq!(socket.event("ready").await["data"]["userId"], ada.id());
    }
    for origin in ["https://evil.example", "http://chat.example.org", "null"] {
        let answer = refused(&nobody, "", &[("Cookie", &cookie), ("Origin", origin)]).await;
        assert_eq!(problem(&answer), (403, "origin_not_allowed"), "{origin}");
    }
    assert_eq!(problem(&refused(&nobody, "", &[("Cookie", &cookie)]).await), (403, "origin_not_allowed"));
}

#[tokio::test]
async fn a_page_of_a_foreign_origin_is_refused_whatever_it_has() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let foreign = [("Origin", "https://evil.example")];
    assert_eq!(problem(&refused(&ada, "", &foreign).await), (403, "origin_not_allowed"));
    assert_eq!(problem(&refused(&server.anonymous(), "", &foreign).await), (403, "origin_not_allowed"));
}

#[tokio::test]
async fn a_bad_token_is_refused_before_the_upgrade_by_whichever_way_it_comes() {
    let server = TestServer::start().await;
    let nobody = server.anonymous();
    let origin = ("Origin", &*server.base);
    for headers in [
        &[("Authorization", "Bearer nonsense")][..],
        &[("Authorization", "Basic YTpi")],
        &[("Cookie", "parlor_access=nonsense"), origin],
    ] {
        assert_eq!(problem(&refused(&nobody, "", headers).await), (401, "invalid_token"), "{headers:?}");
    }
    assert_eq!(problem(&refused(&nobody, "?ticket=nonsense", &[]).await), (401, "invalid_token"));
}

#[tokio::test]
async fn a_refresh_token_opens_no_socket() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let bearer = format!("Bearer {}", ada.tokens["refreshToken"].as_str().unwrap());
    let answer = refused(&server.anonymous(), "", &[("Authorization", &bearer)]).await;
    assert_eq!(problem(&answer), (401, "invalid_token"));
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_even_a_good_one() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for name in ["token", "access_token"] {
        let query = format!("?{name}={}", ada.token.as_ref().unwrap());
        assert_eq!(problem(&refused(&server.anonymous(), &query, &[]).await), (400, "token_in_url"));
    }
}

#[tokio::test]
async fn parameters_that_are_not_understood_are_refused() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for (query, field) in [("?resum=true", "resum"), ("?resume=1", "resume"), ("?resume=true&resume=true", "resume")] {
        let answer = refused(&ada, query, &[]).await;
        assert_eq!(problem(&answer), (422, "validation_failed"), "{query}");
        assert_eq!(answer.body["errors"][0]["field"], field);
    }
}

#[tokio::test]
async fn a_malformed_key_is_refused() {
    let server = TestServer::start().await;
    let answer = refused(&server.signup("ada").await, "", &[("Sec-WebSocket-Key", "short")]).await;
    assert_eq!(problem(&answer), (400, "bad_request"));
}

#[tokio::test]
async fn the_handshake_is_answered_as_the_protocol_says() {
    let server = TestServer::start().await;
    let mut socket = raw::RawSocket::open(&server, &server.signup("ada").await).await;
    let ready = socket.next_of(raw::TEXT).await;
    assert!(String::from_utf8(ready.payload).unwrap().starts_with(r#"{"event":"ready","data":{"#));
}
