//! Events: to every socket of everyone concerned, in order, and never held up by somebody else.

use serde_json::{Value, json};

use super::{
    raw::{RawSocket, TEXT},
    ready,
};
use crate::support::{Setup, TestServer};

#[tokio::test]
async fn every_tab_of_everyone_gets_each_message_once_and_only_its_sender_sees_its_way() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut sending = ready(&ada).await;
    let mut tabs =
        [(ready(&ada).await, json!("sent")), (ready(&bob).await, Value::Null), (ready(&bob).await, Value::Null)];
    for rev in 1..=2 {
        let sent = sending.command("message.send", json!({ "conversationId": conversation, "text": "hi" })).await;
        for (tab, delivery) in &mut tabs {
            let event = tab.event("message.created").await;
            assert_eq!((&event["stream"], &event["rev"]), (&json!(conversation), &json!(rev)));
            assert_eq!((&event["data"]["id"], &event["data"]["delivery"]), (&sent["data"]["id"], &*delivery));
        }
    }
}

#[tokio::test]
async fn the_tab_that_sends_gets_the_event_beside_the_answer() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut socket = ready(&ada).await;
    let message = json!({ "conversationId": conversation, "text": "hi" });
    socket.send(json!({ "id": 1, "command": "message.send", "data": message }).to_string().into()).await;
    let mut frames = [socket.next().await, socket.next().await];
    frames.sort_by_key(|frame| frame["event"].is_string());
    assert_eq!((&frames[0]["reply"], &frames[1]["event"]), (&json!(1), &json!("message.created")));
    assert_eq!(frames[0]["data"], frames[1]["data"]);
}

#[tokio::test]
async fn a_new_conversation_is_told_to_both_and_then_its_messages() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let (mut ada_socket, mut bob_socket) = (ready(&ada).await, ready(&bob).await);
    let conversation = ada.direct(&bob).await;
    ada.say(&conversation, "hi").await;
    for (socket, owner) in [(&mut ada_socket, &ada), (&mut bob_socket, &bob)] {
        let created = socket.event("conversation.created").await;
        assert_eq!((&created["stream"], &created["rev"]), (&json!(owner.id()), &json!(1)));
        assert_eq!(created["data"]["id"], conversation);
        assert_eq!(socket.event("message.created").await["stream"], conversation);
    }
}

#[tokio::test]
async fn typing_is_told_to_the_others_alone() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let (mut tab, mut other_tab, mut reader) = (ready(&ada).await, ready(&ada).await, ready(&bob).await);
    for (command, typing) in [("typing.start", true), ("typing.stop", false)] {
        assert_eq!(tab.command(command, json!({ "conversationId": conversation })).await["data"], json!({}));
        let event = reader.event("typing").await;
        let data = json!({ "conversationId": conversation, "userId": ada.id(), "typing": typing });
        assert_eq!((&event["stream"], &event["data"]), (&json!(conversation), &data));
    }
    ada.say(&conversation, "done").await;
    loop {
        let event = other_tab.next().await;
        assert_ne!(event["event"], "typing");
        if event["event"] == "message.created" {
            break;
        }
    }
}

#[tokio::test]
async fn what_one_has_read_is_told_to_the_others_and_with_the_count_to_ones_own_tabs() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    ada.say(&conversation, "one").await;
    ada.say(&conversation, "two").await;
    let (mut sender, mut tab, mut other_tab) = (ready(&ada).await, ready(&bob).await, ready(&bob).await);
    let reply = tab.command("receipt.read", json!({ "conversationId": conversation, "seq": 1 })).await;
    assert_eq!((&reply["data"]["readSeq"], &reply["data"]["unread"]), (&json!(1), &json!(1)));
    let seen = sender.event("receipt.updated").await;
    let data = json!({ "conversationId": conversation, "userId": bob.id(), "readSeq": 1, "deliveredSeq": 1 });
    assert_eq!((&seen["stream"], &seen["data"]), (&json!(conversation), &data));
    let own = other_tab.event("receipt.updated").await;
    assert_eq!((&own["stream"], &own["data"]["unread"]), (&json!(bob.id()), &json!(1)));
    let reply = tab.command("receipt.delivered", json!({ "conversationId": conversation, "seq": 2 })).await;
    assert_eq!(reply["data"]["deliveredSeq"], 2);
    assert_eq!(sender.event("receipt.updated").await["data"]["deliveredSeq"], 2);
    let beyond = tab.command("receipt.read", json!({ "conversationId": conversation, "seq": 3 })).await;
    assert_eq!(beyond["problem"]["errors"][0]["field"], "seq");
}

#[tokio::test]
async fn contacts_are_told_of_presence() {
    let set = [("presence.grace", "10ms")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    ada.direct(&bob).await;
    let mut watcher = ready(&ada).await;
    let tab = ready(&bob).await;
    let mut told = async || loop {
        let event = watcher.event("presence.updated").await;
        if event["data"]["userId"] == bob.id() {
            return event["data"]["presence"]["online"].clone();
        }
    };
    assert_eq!(told().await, true);
    drop(tab);
    assert_eq!(told().await, false);
}

#[tokio::test]
async fn a_reader_that_stalls_is_closed_with_its_code_and_holds_up_nobody() {
    let set = [("live.queue_bytes", "64KiB")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut stalled = RawSocket::open(&server, &bob).await;
    stalled.next_of(TEXT).await;
    let mut reader = ready(&bob).await;
    let text = "🙂".repeat(8000);
    for seq in 1..=300 {
        ada.say(&conversation, &text).await;
        assert_eq!(reader.event("message.created").await["data"]["seq"], seq);
    }
    // What was on its way already arrives whole and in order, and then the code.
    assert_eq!(stalled.closed().await, (4006, "slow_reader".to_owned()));
}
