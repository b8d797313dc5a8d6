//! Who may connect, and with which words the others are refused.

use std::{sync::Arc, time::Duration};

use parlor_domain::testing::SettableClock;
use serde_json::{Value, json};

use super::{
    client::{SocketIo, TRANSPORTS, Transport},
    engine::{Polling, WebSocket},
};
use crate::{
    live::ticket,
    support::{Client, Setup, TestServer},
};

async fn refused(client: &Client, transport: Transport, auth: &Value) -> Value {
    match SocketIo::connect(client, transport, auth).await {
        Ok(_) => panic!("{auth} was let in"),
        Err(refusal) => refusal,
    }
}

#[tokio::test]
async fn the_first_event_says_where_and_who_one_is() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        let mut socket = SocketIo::connect(&ada, transport, &json!({ "token": ada.token })).await.unwrap();
        let ready = socket.event().await;
        assert_eq!((&*ready.name, &ready.place), ("ready", &json!({})));
        assert_eq!((&ready.data["userId"], &ready.data["rev"]), (&json!(ada.id()), &json!(0)));
        assert_eq!(ready.data["heartbeat"], json!({ "pingIntervalMs": 25_000, "idleTimeoutMs": 60_000 }));
        assert!(!ready.offset.is_empty() && !socket.pid.is_empty());
    }
}

#[tokio::test]
async fn the_connection_and_the_session_have_different_ids() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let session = Polling::open(&ada).await;
    session.say("40").await;
    let answer = session.poll().await;
    let welcome: Value = serde_json::from_str(answer.body[2..].split('\x1e').next().unwrap()).unwrap();
    assert_eq!(welcome.as_object().unwrap().keys().collect::<Vec<_>>(), ["pid", "sid"]);
    assert_ne!(welcome["sid"], session.sid);
}

#[tokio::test]
async fn a_bearer_token_of_the_request_is_enough() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        for auth in [Value::Null, json!({}), json!({ "theme": "dark", "more": [1] })] {
            let mut socket = SocketIo::open(&ada, transport).await;
            socket.enter(&auth).await.unwrap();
            assert_eq!(socket.event().await.data["userId"], ada.id());
        }
    }
}

#[tokio::test]
async fn a_ticket_connects_once() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        let auth = json!({ "ticket": ticket(&ada).await });
        let mut socket = SocketIo::connect(&server.anonymous(), transport, &auth).await.unwrap();
        assert_eq!(socket.event().await.data["userId"], ada.id());
        assert_eq!(refused(&server.anonymous(), transport, &auth).await["message"], "invalid_token");
    }
}

/// What REST answers to this credential, without what is the request's own.
async fn by_rest(server: &TestServer, token: Option<&str>) -> Value {
    let mut client = server.anonymous();
    client.token = token.map(str::to_owned);
    let mut problem = client.get("/api/v1/users/me").await.body;
    problem.as_object_mut().unwrap().remove("requestId").unwrap();
    problem
}

#[tokio::test]
async fn a_bad_credential_is_refused_as_rest_refuses_it() {
    let clock = Arc::new(SettableClock::default());
    let server = TestServer::start_with(Setup { clock: clock.clone(), ..Setup::default() }).await;
    let expired = server.signup("ada").await.token;
    clock.advance(Duration::from_secs(16 * 60));
    let (gone, out) = (server.signup("bob").await, server.signup("eve").await);
    let refresh = out.tokens["refreshToken"].as_str().map(str::to_owned);
    assert_eq!(gone.delete_account().await.status, 204);
    assert_eq!(out.post("/api/v1/auth/logout", json!({})).await.status, 204);
    let cases = [
        (None, "unauthenticated"),
        (Some("nonsense".to_owned()), "invalid_token"),
        (Some(format!("{}x", out.token.as_ref().unwrap())), "invalid_token"),
        (refresh, "invalid_token"),
        (expired, "token_expired"),
        (out.token, "session_ended"),
        (gone.token, "session_ended"),
    ];
    for (token, code) in cases {
        let problem = by_rest(&server, token.as_deref()).await;
        assert_eq!(problem["code"], code, "{token:?}");
        let refusal = json!({ "message": code, "data": problem });
        let mut client = server.anonymous();
        client.token = token;
        for transport in TRANSPORTS {
            let auth = client.token.as_ref().map_or(json!({}), |token| json!({ "token": token }));
            assert_eq!(refused(&client, transport, &auth).await, refusal, "{transport:?}, {:?}", client.token);
        }
    }
}

#[tokio::test]
async fn a_ticket_that_has_expired_is_refused_as_the_plain_socket_refuses_it() {
    let clock = Arc::new(SettableClock::default());
    let server = TestServer::start_with(Setup { clock: clock.clone(), ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    let ticket = ticket(&ada).await;
    clock.advance(Duration::from_secs(31));
    let auth = json!({ "ticket": ticket });
    let problem = server.anonymous().socket().await.command("auth", auth.clone()).await["problem"].clone();
    for transport in TRANSPORTS {
        let refusal = refused(&server.anonymous(), transport, &auth).await;
        assert_eq!(refusal, json!({ "message": problem["code"], "data": problem }));
    }
}

#[tokio::test]
async fn a_bad_token_in_the_header_is_refused_as_well() {
    let server = TestServer::start().await;
    let mut client = server.anonymous();
    client.token = Some("nonsense".to_owned());
    for transport in TRANSPORTS {
        let mut socket = SocketIo::open(&client, transport).await;
        assert_eq!(socket.enter(&Value::Null).await.unwrap_err()["message"], "invalid_token");
    }
}

#[tokio::test]
async fn what_is_no_credential_is_told_by_its_field() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let both = json!({ "token": ada.token, "ticket": ticket(&ada).await });
    for (auth, field) in [(both, "ticket"), (json!({ "token": 5 }), "token"), (json!({ "ticket": [] }), "ticket")] {
        let refusal = refused(&server.anonymous(), Transport::WebSocket, &auth).await;
        assert_eq!(refusal["message"], "validation_failed", "{refusal}");
        assert_eq!(refusal["data"]["errors"][0]["field"], field, "{refusal}");
    }
}

#[tokio::test]
async fn who_was_refused_may_try_again_on_the_same_session() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        let mut socket = SocketIo::open(&server.anonymous(), transport).await;
        for _ in 0..3 {
            let refusal = socket.enter(&json!({ "token": "old" })).await.unwrap_err();
            assert_eq!(refusal["message"], "invalid_token");
        }
        socket.enter(&json!({ "token": ada.token })).await.unwrap();
        assert_eq!(socket.event().await.name, "ready");
        socket.is_alive().await;
    }
}

#[tokio::test]
async fn there_is_one_namespace() {
    let server = TestServer::start().await;
    let mut socket = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    for name in ["/admin", "/nope", "/a/b"] {
        socket.send(&format!("40{name},{{}}")).await;
        let refusal = socket.packet().await.unwrap();
        assert_eq!(refusal, format!(r#"44{name},{{"message":"Invalid namespace"}}"#));
    }
    socket.is_alive().await;
}

#[tokio::test]
async fn who_leaves_the_namespace_may_enter_it_again() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut socket = SocketIo::ready(&ada, Transport::WebSocket).await;
    socket.send("41").await;
    socket.enter(&json!({ "token": ada.token })).await.unwrap();
    assert_eq!(socket.event().await.name, "ready");
    socket.is_alive().await;
}

#[tokio::test]
async fn who_enters_twice_is_cut_off() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        let mut socket = SocketIo::ready(&ada, transport).await;
        let again = format!("40{}", json!({ "token": ada.token }));
        match transport {
            Transport::Polling => drop(socket.polling().post(again).await),
            Transport::WebSocket => socket.send(&again).await,
        }
        assert_eq!(socket.ended().await, Vec::<String>::new(), "{transport:?}");
    }
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_another_hears_why() {
    let server = TestServer::start_with(Setup { set: &[("live.connections_per_user", "1")], ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    let auth = json!({ "token": ada.token });
    for transport in TRANSPORTS {
        let mut first = SocketIo::ready(&ada, transport).await;
        let refusal = refused(&ada, transport, &auth).await;
        assert_eq!((&refusal["message"], &refusal["data"]["status"]), (&json!("too_many_connections"), &json!(429)));
        // Whatever carries it, a connection is one.
        assert_eq!(ada.socket().await.close_code().await, Some(4004));
        first.send("1").await;
        first.ended().await;
    }
    let _plain = crate::live::ready(&ada).await;
    assert_eq!(refused(&ada, Transport::WebSocket, &auth).await["message"], "too_many_connections");
}

#[tokio::test]
async fn who_says_nothing_is_cut_off_after_a_while() {
    let server = TestServer::start_with(Setup { set: &[("live.auth_timeout", "200ms")], ..Setup::default() }).await;
    let nobody = server.anonymous();
    let mut socket = WebSocket::open(&nobody).await;
    assert_eq!(socket.closed().await, (4001, "authentication_timeout".to_owned()));
    let mut polling = SocketIo::open(&nobody, Transport::Polling).await;
    assert_eq!(polling.ended().await, Vec::<String>::new());
}

#[tokio::test]
async fn who_is_refused_again_and_again_does_not_stay_longer() {
    let server = TestServer::start_with(Setup { set: &[("live.auth_timeout", "300ms")], ..Setup::default() }).await;
    let mut socket = WebSocket::open(&server.anonymous()).await;
    let mut refusals = 0;
    loop {
        socket.send("40{}").await;
        match socket.next().await {
            Some(frame) if !frame.is_close() => refusals += 1,
            _ => break,
        }
    }
    assert!(refusals > 1, "{refusals}");
}

#[tokio::test]
async fn who_is_connected_is_not_cut_off_by_that_time_limit() {
    let set = [("live.auth_timeout", "200ms"), ("live.ping_interval", "100ms"), ("live.idle_timeout", "2s")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    let mut socket = SocketIo::ready(&ada, Transport::WebSocket).await;
    for _ in 0..5 {
        while socket.websocket().text().await != "2" {}
        socket.send("3").await;
    }
    socket.is_alive().await;
}

#[tokio::test]
async fn with_resume_nothing_is_pushed_before_the_command() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    ada.say(&conversation, "one").await;
    for transport in TRANSPORTS {
        let auth = json!({ "token": bob.token, "resume": true });
        let mut socket = SocketIo::connect(&bob, transport, &auth).await.unwrap();
        assert_eq!(socket.event().await.name, "ready");
        let rev = ada.say(&conversation, "two").await["rev"].as_u64().unwrap();
        socket.send("421[\"ping\"]").await;
        assert_eq!(socket.packet().await.unwrap(), r#"431[{"data":{}}]"#, "and no event before it");
        let known = json!({ "streams": { (&*conversation): rev - 1 } });
        // The numbers of acknowledgements are the client's own.
        socket.send(&format!("422[\"resume\",{known}]")).await;
        let answer = socket.acknowledged(2).await;
        assert_eq!(answer["data"]["streams"][&conversation]["events"][0]["data"]["text"], "two");
        ada.say(&conversation, "three").await;
        assert_eq!(socket.texts(1).await, ["three"]);
    }
}
