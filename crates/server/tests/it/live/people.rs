//! Friends and blocks over sockets: told to whom they concern, and found again by a resume.

use serde_json::{Value, json};

use super::ready;
use crate::support::TestServer;

#[tokio::test]
async fn a_friendship_is_made_by_commands_and_told_to_all_tabs_of_both() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let (mut asking, mut tab, mut answering) = (ready(&ada).await, ready(&ada).await, ready(&bob).await);
    let sent = asking.command("friendRequest.send", json!({ "userId": bob.id(), "text": "It's me" })).await;
    let id = sent["data"]["id"].clone();
    for (socket, me, other) in [(&mut tab, &ada, &bob), (&mut answering, &bob, &ada)] {
        let event = socket.event("friendRequest.created").await;
        assert_eq!((&event["stream"], &event["rev"]), (&json!(me.id()), &json!(1)));
        assert_eq!((&event["data"]["id"], &event["data"]["otherUser"]["id"]), (&id, &json!(other.id())));
    }
    let accepted = answering.command("friendRequest.accept", json!({ "requestId": id })).await;
    assert_eq!(accepted["data"]["state"], "accepted");
    // The tab that accepts has passed over its own while it waited for the answer.
    for (socket, other) in [(&mut asking, &bob), (&mut tab, &bob)] {
        let event = socket.event("friend.added").await;
        assert_eq!((&event["rev"], &event["data"]["user"]["id"]), (&json!(3), &json!(other.id())));
    }
    let removed = asking.command("friend.remove", json!({ "userId": bob.id() })).await;
    assert_eq!(removed["data"], json!({}));
    assert_eq!(answering.event("friend.removed").await["data"], json!({ "userId": ada.id() }));
}

#[tokio::test]
async fn a_request_that_is_taken_back_or_rejected_is_told_as_it_should_be() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let (mut asking, mut answering) = (ready(&ada).await, ready(&bob).await);
    let ask = json!({ "userId": bob.id() });
    let id = asking.command("friendRequest.send", ask.clone()).await["data"]["id"].clone();
    let cancelled = asking.command("friendRequest.cancel", json!({ "requestId": id })).await;
    assert_eq!(cancelled["data"], json!({}));
    let event = answering.event("friendRequest.updated").await;
    assert_eq!((&event["data"]["id"], &event["data"]["state"]), (&id, &json!("cancelled")));
    // One that is taken back is told anew to nobody for a while; somebody else's is told.
    let dan = server.signup("dan").await;
    let mut asking = ready(&dan).await;
    let id = asking.command("friendRequest.send", ask.clone()).await["data"]["id"].clone();
    let rejected = answering.command("friendRequest.reject", json!({ "requestId": id })).await;
    assert_eq!(rejected["data"]["state"], "rejected");
    let again = asking.command("friendRequest.send", ask).await;
    assert_eq!(again["data"]["state"], "pending");
    // Whatever had been pushed would stand before the next thing that is.
    let other = server.signup("cem").await;
    other.direct(&dan).await;
    loop {
        let event = asking.next().await;
        assert_ne!(event["data"]["state"], "rejected", "{event}");
        if event["event"] == "conversation.created" {
            break;
        }
    }
}

#[tokio::test]
async fn a_block_keeps_everything_away_until_it_ends() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    let (mut ada_socket, mut tab, mut bob_socket) = (ready(&ada).await, ready(&ada).await, ready(&bob).await);
    let user = json!({ "userId": bob.id() });
    assert_eq!(ada_socket.command("user.block", user.clone()).await["data"], json!({}));
    let event = tab.event("block.updated").await;
    assert_eq!((&event["stream"], &event["data"]["blocked"]), (&json!(ada.id()), &json!(true)));
    let message = json!({ "conversationId": conversation, "text": "hello" });
    let refused = bob_socket.command("message.send", message.clone()).await;
    assert_eq!(refused["problem"]["code"], "not_allowed_to_write");
    let typing = json!({ "conversationId": conversation });
    assert_eq!(bob_socket.command("typing.start", typing).await["data"], json!({}), "he can't tell");
    assert_eq!(ada_socket.command("user.unblock", user).await["data"], json!({}));
    bob_socket.command("message.send", message).await;
    loop {
        let event = tab.next().await;
        assert_ne!(event["event"], "typing", "{event}");
        if event["event"] == "message.created" {
            break;
        }
    }
}

#[tokio::test]
async fn who_comes_back_is_told_the_present_state_of_friends_and_requests() {
    let server = TestServer::start().await;
    let (ada, bob, cem) = (server.signup("ada").await, server.signup("bob").await, server.signup("cem").await);
    for other in [&bob, &cem] {
        let sent = other.post("/api/v1/friend-requests", json!({ "userId": ada.id() })).await.body;
        if other.id() == bob.id() {
            let path = format!("/api/v1/friend-requests/{}/accept", sent["id"].as_str().unwrap());
            ada.post(&path, json!({})).await;
        }
    }
    let mut socket = ada.socket_with("?resume=true", &[]).await;
    socket.event("ready").await;
    let reply = socket.command("resume", json!({ "streams": { (ada.id()): 0 } })).await;
    let events: Vec<(Value, Value)> = reply["data"]["streams"][ada.id()]["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["event"].clone(), event["rev"].clone()))
        .collect();
    let expected = [("friendRequest.updated", 2), ("friend.added", 3), ("friendRequest.created", 4)]
        .map(|(e, r)| (json!(e), json!(r)));
    assert_eq!(events, expected);
}
