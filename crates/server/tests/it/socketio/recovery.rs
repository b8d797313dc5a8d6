//! Coming back with `pid` and `offset`, as the stock client does: exactly what was missed.

use parlor_server::application::Stop;
use serde_json::json;

use super::client::{Former, SocketIo, TRANSPORTS, Transport};
use crate::support::{Client, Setup, TestServer};

pub(super) async fn pair(server: &TestServer) -> (Client, Client, String) {
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    (ada, bob, conversation)
}

/// Comes back and is recovered.
pub(super) async fn recovered(client: &Client, transport: Transport, former: &Former) -> SocketIo {
    let (socket, recovered) = SocketIo::back(client, transport, former).await;
    assert!(recovered, "{former:?}");
    socket
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn what_was_missed_comes_first_in_order_and_once_and_then_what_happens() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    for (before, after) in
        [(TRANSPORTS[0], TRANSPORTS[0]), (TRANSPORTS[1], TRANSPORTS[1]), (TRANSPORTS[0], TRANSPORTS[1])]
    {
        let mut socket = SocketIo::ready(&bob, before).await;
        ada.say(&conversation, "before").await;
        assert_eq!(socket.texts(1).await, ["before"]);
        let former = socket.lost();
        for text in numbers(0..30) {
            ada.say(&conversation, &text).await;
        }
        let mut socket = recovered(&bob, after, &former).await;
        ada.say(&conversation, "live").await;
        let mut expected = numbers(0..30);
        expected.push("live".to_owned());
        assert_eq!(socket.texts(31).await, expected);
    }
}

#[tokio::test]
async fn a_client_that_has_received_no_event_is_recovered_too() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    ada.say(&conversation, "known from the history").await;
    let socket = SocketIo::connect(&bob, Transport::WebSocket, &json!({ "token": bob.token })).await.unwrap();
    let former = socket.lost();
    assert_eq!(former.offset, None);
    ada.say(&conversation, "one").await;
    let mut socket = recovered(&bob, Transport::WebSocket, &former).await;
    assert_eq!(socket.texts(1).await, ["one"]);
    let former = socket.lost();
    ada.say(&conversation, "two").await;
    let mut socket = recovered(&bob, Transport::Polling, &former).await;
    ada.say(&conversation, "three").await;
    assert_eq!(socket.texts(2).await, ["two", "three"]);
}

#[tokio::test]
async fn the_offset_of_ready_is_as_good_as_none() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let former = SocketIo::ready(&bob, Transport::WebSocket).await.lost();
    assert!(former.offset.is_some());
    ada.say(&conversation, "one").await;
    assert_eq!(recovered(&bob, Transport::WebSocket, &former).await.texts(1).await, ["one"]);
}

#[tokio::test]
async fn what_was_sent_but_not_received_comes_again() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let mut socket = SocketIo::ready(&bob, Transport::WebSocket).await;
    for text in numbers(0..5) {
        ada.say(&conversation, &text).await;
    }
    let mut formers = Vec::new();
    for text in numbers(0..5) {
        assert_eq!(socket.texts(1).await, [text]);
        formers.push(socket.former());
    }
    ada.say(&conversation, "5").await;
    for (received, former) in (1..).zip(&formers) {
        let mut socket = recovered(&bob, Transport::WebSocket, former).await;
        assert_eq!(socket.texts(6 - received).await, numbers(u32::try_from(received).unwrap()..6));
        socket.is_alive().await;
    }
}

#[tokio::test]
async fn one_can_come_back_again_and_again() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let first = SocketIo::ready(&bob, Transport::WebSocket).await.lost();
    let mut former = first.clone();
    for round in 0..10 {
        if round % 2 == 0 {
            ada.say(&conversation, &round.to_string()).await;
        }
        let mut socket = recovered(&bob, TRANSPORTS[round % 2], &former).await;
        if round % 2 == 0 {
            assert_eq!(socket.texts(1).await, [round.to_string()]);
        }
        former = socket.lost();
        assert_eq!(former.pid, first.pid);
    }
    let mut socket = recovered(&bob, Transport::WebSocket, &former).await;
    ada.say(&conversation, "the end").await;
    assert_eq!(socket.texts(1).await, ["the end"], "nothing came twice");
}

#[tokio::test]
async fn more_than_a_page_of_messages_is_recovered() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let former = SocketIo::ready(&bob, Transport::WebSocket).await.lost();
    for text in numbers(0..350) {
        ada.say(&conversation, &text).await;
    }
    for transport in TRANSPORTS {
        let mut socket = recovered(&bob, transport, &former).await;
        assert_eq!(socket.texts(350).await, numbers(0..350));
        socket.is_alive().await;
    }
}

#[tokio::test]
async fn who_is_cut_off_in_the_middle_of_a_recovery_recovers_the_rest() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let mut former = SocketIo::ready(&bob, Transport::WebSocket).await.lost();
    for text in numbers(0..120) {
        ada.say(&conversation, &text).await;
    }
    let mut received = Vec::new();
    for _ in 0..4 {
        let mut socket = recovered(&bob, Transport::WebSocket, &former).await;
        received.extend(socket.texts(30).await);
        former = socket.lost();
    }
    assert_eq!(received, numbers(0..120));
}

#[tokio::test]
async fn conversations_that_were_opened_meanwhile_come_with_their_messages() {
    let server = TestServer::start().await;
    let (_, bob, _) = pair(&server).await;
    let former = SocketIo::ready(&bob, Transport::WebSocket).await.lost();
    let eve = server.signup("eve").await;
    let conversation = eve.direct(&bob).await;
    for text in numbers(0..3) {
        eve.say(&conversation, &text).await;
    }
    let mut socket = recovered(&bob, Transport::WebSocket, &former).await;
    assert_eq!(socket.event_of("conversation.created").await.data["id"], conversation);
    assert_eq!(socket.texts(3).await, numbers(0..3));
    eve.say(&conversation, "3").await;
    assert_eq!(socket.texts(1).await, ["3"]);
    let former = socket.lost();
    eve.say(&conversation, "4").await;
    assert_eq!(recovered(&bob, Transport::Polling, &former).await.texts(1).await, ["4"]);
}

#[tokio::test]
async fn each_conversation_has_its_own_place() {
    let server = TestServer::start().await;
    let (ada, bob, with_ada) = pair(&server).await;
    let eve = server.signup("eve").await;
    let with_eve = eve.direct(&bob).await;
    for _ in 0..5 {
        ada.say(&with_ada, "old").await;
    }
    let mut socket = SocketIo::ready(&bob, Transport::WebSocket).await;
    eve.say(&with_eve, "seen").await;
    socket.texts(1).await;
    let former = socket.lost();
    ada.say(&with_ada, "a").await;
    eve.say(&with_eve, "e").await;
    let mut texts = recovered(&bob, Transport::WebSocket, &former).await.texts(2).await;
    texts.sort();
    assert_eq!(texts, ["a", "e"]);
}

#[tokio::test]
async fn passing_states_do_not_move_the_place() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let mut socket = SocketIo::ready(&bob, Transport::WebSocket).await;
    ada.say(&conversation, "one").await;
    socket.texts(1).await;
    assert_eq!(
        ada.post(&format!("/api/v1/conversations/{conversation}/typing"), json!({ "typing": true })).await.status,
        204
    );
    socket.event_of("typing").await;
    let after_typing = socket.former();
    let path = format!("/api/v1/conversations/{conversation}/read");
    assert_eq!(ada.post(&path, json!({ "seq": 1 })).await.status, 200);
    socket.event_of("receipt.updated").await;
    let after_receipt = socket.lost();
    ada.say(&conversation, "two").await;
    for former in [after_typing, after_receipt] {
        let mut socket = recovered(&bob, Transport::WebSocket, &former).await;
        assert_eq!(socket.texts(1).await, ["two"]);
    }
}

#[tokio::test]
async fn what_others_have_read_meanwhile_is_told() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    ada.say(&conversation, "one").await;
    let former = SocketIo::ready(&ada, Transport::WebSocket).await.lost();
    let path = format!("/api/v1/conversations/{conversation}/read");
    assert_eq!(bob.post(&path, json!({ "seq": 1 })).await.status, 200);
    let mut socket = recovered(&ada, Transport::WebSocket, &former).await;
    let told = socket.event_of("receipt.updated").await;
    assert_eq!((&told.data["userId"], &told.data["readSeq"]), (&json!(bob.id()), &json!(1)));
}

#[tokio::test]
async fn what_was_read_on_another_device_meanwhile_is_told() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    ada.say(&conversation, "one").await;
    let former = SocketIo::ready(&bob, Transport::WebSocket).await.lost();
    let path = format!("/api/v1/conversations/{conversation}/read");
    assert_eq!(bob.post(&path, json!({ "seq": 1 })).await.status, 200);
    let mut socket = recovered(&bob, Transport::WebSocket, &former).await;
    let told = socket.event_of("receipt.updated").await;
    assert_eq!((&told.data["userId"], &told.data["unread"]), (&json!(bob.id()), &json!(0)));
}

#[tokio::test]
async fn what_is_held_back_for_a_busy_user_comes_when_he_is_available_and_once() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let mut socket = SocketIo::ready(&bob, Transport::WebSocket).await;
    ada.say(&conversation, "before").await;
    socket.texts(1).await;
    let busy = json!({ "kind": "busy" });
    assert!(socket.command("status.set", busy).await["data"].is_object());
    ada.say(&conversation, "held").await;
    socket.is_alive().await;
    let former = socket.lost();
    ada.say(&conversation, "held too").await;
    let mut socket = recovered(&bob, Transport::WebSocket, &former).await;
    socket.send("421[\"ping\"]").await;
    loop {
        let packet = socket.packet().await.unwrap();
        assert!(!packet.contains("message.created"), "{packet}");
        if packet.starts_with("431[") {
            break;
        }
    }
    let former = socket.former();
    assert_eq!(bob.put("/api/v1/users/me/status", json!({ "kind": "available" })).await.status, 200);
    ada.say(&conversation, "after").await;
    assert_eq!(socket.texts(3).await, ["held", "held too", "after"]);
    // Who was away at that moment gets them as well.
    assert_eq!(recovered(&bob, Transport::Polling, &former).await.texts(3).await, ["held", "held too", "after"]);
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    for stop in [Stop::InOrder, Stop::Now] {
        let first = TestServer::start().await;
        let (ada, bob, conversation) = pair(&first).await;
        let mut socket = SocketIo::ready(&bob, Transport::WebSocket).await;
        ada.say(&conversation, "before").await;
        socket.texts(1).await;
        let (seen, fresh) = (socket.lost(), SocketIo::ready(&ada, Transport::Polling).await.lost());
        ada.say(&conversation, "at the end").await;
        first.begin_to_stop(stop);
        let (_, data) = first.ended().await;

        let second = TestServer::start_in(data, Setup::default()).await;
        let (ada, bob) = (second.adopt(&ada), second.adopt(&bob));
        ada.say(&conversation, "after").await;
        let mut socket = recovered(&bob, Transport::WebSocket, &seen).await;
        ada.say(&conversation, "live").await;
        assert_eq!(socket.texts(3).await, ["at the end", "after", "live"]);
        let mut socket = recovered(&ada, Transport::Polling, &fresh).await;
        assert_eq!(socket.texts(3).await, ["at the end", "after", "live"]);
    }
}

#[tokio::test]
async fn another_session_of_the_same_user_may_come_back_in_its_place() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let former = SocketIo::ready(&bob, Transport::WebSocket).await.lost();
    ada.say(&conversation, "one").await;
    // He signed in again, for instance because the tokens had been lost.
    let mut again = bob.clone();
    let login = json!({ "login": "bob", "password": crate::support::PASSWORD });
    let answer = bob.post("/api/v1/auth/login", login).await;
    again.token = Some(answer.body["accessToken"].as_str().unwrap().to_owned());
    assert_eq!(recovered(&again, Transport::WebSocket, &former).await.texts(1).await, ["one"]);
}
