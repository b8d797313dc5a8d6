//! Every event is that of the plain WebSocket.

use std::collections::BTreeSet;

use serde_json::{Value, json, value::RawValue};

use super::client::{SocketIo, TRANSPORTS};
use crate::{
    live::raw::{RawSocket, TEXT},
    support::{Client, PASSWORD, Setup, TestServer},
};

/// An event as both kinds of connection tell of it: name, data byte for byte, and its place.
type Told = (String, String, Value);

/// The next event of a plain socket.
async fn plain(socket: &mut RawSocket) -> Told {
    #[derive(serde::Deserialize)]
    struct Frame {
        event: String,
        data: Box<RawValue>,
        stream: Option<String>,
        rev: Option<u64>,
    }
    let frame: Frame = serde_json::from_slice(&socket.next_of(TEXT).await.payload).unwrap();
    let place = match (frame.stream, frame.rev) {
        (Some(stream), Some(rev)) => json!({ "stream": stream, "rev": rev }),
        _ => json!({}),
    };
    (frame.event, frame.data.get().to_owned(), place)
}

/// `ready` without what is each connection's own, and the largest frame that it tells of, which is each transport's own.
fn of_anyone((name, data, place): Told) -> ((String, Value, Value), Value) {
    let mut data: Value = serde_json::from_str(&data).unwrap();
    let largest = data["limits"].as_object_mut().unwrap().remove("maxFrameBytes").unwrap();
    for own in ["connectionId", "serverTime"] {
        assert!(data.as_object_mut().unwrap().remove(own).unwrap().is_string(), "{own}");
    }
    ((name, data, place), largest)
}

async fn stock(socket: &mut SocketIo) -> Told {
    let event = socket.event().await;
    (event.name, event.text, event.place)
}

/// Everything up to the end of the session, in the order of names and places: streams are told of side by side.
fn sorted(mut told: Vec<Told>) -> Vec<Told> {
    told.sort_by_key(|(name, data, place)| (place.to_string(), name.clone(), data.clone()));
    told
}

/// Lets something happen of each kind that concerns Ada.
async fn happenings(ada: &Client, bob: &Client) {
    let conversation = bob.direct(ada).await;
    bob.say(&conversation, "é 🙂 \u{2028} </script> \" \\").await;
    let sent = bob.post(&format!("/api/v1/conversations/{conversation}/typing"), json!({ "typing": true })).await;
    assert_eq!(sent.status, 204);
    let hi = ada.say(&conversation, "hi").await;
    let hi = format!("/api/v1/conversations/{conversation}/messages/{}", hi["id"].as_str().unwrap());
    assert_eq!(ada.patch(&hi, json!({ "text": "hi!" })).await.status, 200);
    assert_eq!(ada.delete(&hi).await.status, 204);
    assert_eq!(ada.post(&format!("/api/v1/conversations/{conversation}/read"), json!({ "seq": 1 })).await.status, 200);
    assert_eq!(bob.post(&format!("/api/v1/conversations/{conversation}/read"), json!({ "seq": 2 })).await.status, 200);
    let group = bob.group(&[ada]).await;
    let settings = format!("/api/v1/conversations/{conversation}/settings");
    assert_eq!(ada.patch(&settings, json!({ "pinned": true })).await.status, 200);
    assert_eq!(ada.delete(&format!("/api/v1/conversations/{group}/members/{}", ada.id())).await.status, 204);
    assert_eq!(ada.patch("/api/v1/users/me", json!({ "bio": "Poetical science." })).await.status, 200);
    let asked = bob.post("/api/v1/friend-requests", json!({ "userId": ada.id() })).await.body;
    let accept = format!("/api/v1/friend-requests/{}/accept", asked["id"].as_str().unwrap());
    assert_eq!(ada.post(&accept, json!({})).await.status, 200);
    assert_eq!(bob.delete(&format!("/api/v1/friends/{}", ada.id())).await.status, 204);
    let block = format!("/api/v1/blocks/{}", bob.id());
    assert_eq!(ada.put(&block, json!({})).await.status, 204);
    assert_eq!(ada.delete(&block).await.status, 204);
    assert_eq!(bob.put("/api/v1/users/me/status", json!({ "kind": "away" })).await.status, 200);
}

/// The events that the AsyncAPI document tells of.
async fn documented(client: &Client) -> BTreeSet<String> {
    let document = client.get("/api/docs/asyncapi.json").await.body;
    let messages = document["components"]["messages"].as_object().unwrap();
    let events = messages.iter().filter(|(_, message)| message["payload"]["properties"]["event"].is_object());
    events.map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn each_event_has_the_data_and_the_place_that_it_has_on_the_plain_socket() {
    for transport in TRANSPORTS {
        let server = TestServer::start_with(Setup { set: &[("presence.grace", "10ms")], ..Setup::default() }).await;
        let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
        let mut device = ada.clone();
        let login = json!({ "login": "ada", "password": PASSWORD });
        let login = ada.post("/api/v1/auth/login", login).await.body;
        device.token = Some(login["accessToken"].as_str().unwrap().to_owned());

        let mut raw = RawSocket::open(&server, &device).await;
        let first = plain(&mut raw).await;
        let auth = json!({ "token": device.token });
        let mut socket = SocketIo::connect(&device, transport, &auth).await.unwrap();
        let ((over_stock, largest), (over_plain, _)) = (of_anyone(stock(&mut socket).await), of_anyone(first.clone()));
        assert_eq!(over_stock, over_plain);
        assert_eq!(largest, over_stock.1["limits"]["maxMessageBytes"], "a message is one frame");
        let ready: Value = serde_json::from_str(&first.1).unwrap();
        let session = ready["sessionId"].as_str().unwrap();
        let (mut over_plain, mut over_stock): (Vec<Told>, Vec<Told>) = (Vec::new(), Vec::new());
        happenings(&ada, &bob).await;
        // Presence is told when it has settled, and is the last that comes.
        while !over_plain.iter().any(|(name, data, _)| name == "presence.updated" && data.contains("away")) {
            over_plain.push(plain(&mut raw).await);
        }
        while !over_stock.iter().any(|(name, data, _)| name == "presence.updated" && data.contains("away")) {
            over_stock.push(stock(&mut socket).await);
        }
        assert_eq!(ada.delete(&format!("/api/v1/users/me/sessions/{session}")).await.status, 204);
        while over_plain.last().is_none_or(|(name, ..)| name != "session.revoked") {
            over_plain.push(plain(&mut raw).await);
        }
        while over_stock.last().is_none_or(|(name, ..)| name != "session.revoked") {
            over_stock.push(stock(&mut socket).await);
        }

        let mut names: BTreeSet<_> = over_stock.iter().map(|(name, ..)| name.clone()).collect();
        // The first is compared above; by the other the server repairs, see the tests of recovery.
        names.extend(["ready", "resync"].map(str::to_owned));
        assert_eq!(names, documented(&ada).await, "every event was seen");
        assert_eq!(sorted(over_stock), sorted(over_plain), "{transport:?}");
    }
}

#[tokio::test]
async fn events_of_one_stream_come_in_its_order() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    for transport in TRANSPORTS {
        let mut socket = SocketIo::ready(&bob, transport).await;
        let texts: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        for text in &texts {
            ada.say(&conversation, text).await;
        }
        assert_eq!(socket.texts(100).await, texts);
    }
}

#[tokio::test]
async fn every_tab_of_everyone_gets_each_message_once() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut tabs = Vec::new();
    for client in [&ada, &ada, &bob, &bob] {
        for transport in TRANSPORTS {
            tabs.push(SocketIo::ready(client, transport).await);
        }
    }
    let data = json!({ "conversationId": conversation, "text": "one" });
    let answer = tabs[0].command("message.send", data).await;
    ada.say(&conversation, "two").await;
    for tab in &mut tabs[1..] {
        let event = tab.event_of("message.created").await;
        assert_eq!((&event.data["id"], &event.place["rev"]), (&answer["data"]["id"], &json!(1)));
        assert_eq!(tab.texts(1).await, ["two"]);
    }
}
