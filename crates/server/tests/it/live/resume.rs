//! Coming back: exactly what was missed, or `resync`.

use serde_json::{Value, json};

use super::{ready, refused};
use crate::support::{Client, Socket, TestServer};

async fn pair(server: &TestServer) -> (Client, Client, String) {
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    (ada, bob, conversation)
}

/// A socket that waits to be resumed, past `ready`.
async fn waiting(client: &Client) -> Socket {
    let mut socket = client.socket_with("?resume=true", &[]).await;
    socket.event("ready").await;
    socket
}

fn texts(stream: &Value) -> Vec<&str> {
    stream["events"].as_array().unwrap().iter().map(|event| event["data"]["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_was_missed_comes_in_the_answer_and_the_rest_after_it() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    for text in ["one", "two", "three"] {
        ada.say(&conversation, text).await;
    }
    let mut socket = waiting(&bob).await;
    ada.say(&conversation, "four").await;
    let reply = socket.command("resume", json!({ "streams": { (&*conversation): 1 } })).await;
    let stream = &reply["data"]["streams"][&conversation];
    assert_eq!(texts(stream), ["two", "three", "four"]);
    assert_eq!((&stream["rev"], &stream["more"]), (&json!(4), &json!(false)));
    assert_eq!(stream["events"][0]["event"], "message.created");
    assert_eq!((&stream["events"][0]["stream"], &stream["events"][0]["rev"]), (&json!(conversation), &json!(2)));
    let receipts = stream["receipts"].as_array().unwrap();
    assert_eq!((receipts.len(), &receipts[0]["userId"]), (1, &json!(ada.id())));
    assert_eq!(reply["data"]["resync"], json!({}));
    ada.say(&conversation, "five").await;
    assert_eq!(socket.event("message.created").await["rev"], 5);
}

#[tokio::test]
async fn nothing_is_pushed_before_the_resume_is_answered() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let mut socket = waiting(&bob).await;
    ada.say(&conversation, "one").await;
    socket.send(r#"{"id":"p","command":"ping"}"#.into()).await;
    assert_eq!(socket.next().await, json!({ "reply": "p", "data": {} }));
    let reply = socket.command("resume", json!({ "streams": { (&*conversation): 0 } })).await;
    assert_eq!(texts(&reply["data"]["streams"][&conversation]), ["one"]);
}

#[tokio::test]
async fn conversations_that_were_created_meanwhile_come_with_ones_own_stream() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    ada.say(&conversation, "hello").await;
    let mut socket = waiting(&bob).await;
    let reply = socket.command("resume", json!({ "streams": { (bob.id()): 0 } })).await;
    let streams = &reply["data"]["streams"];
    assert_eq!(streams[bob.id()]["events"][0]["event"], "conversation.created");
    assert_eq!(texts(&streams[&conversation]), ["hello"]);
}

#[tokio::test]
async fn what_can_not_be_told_is_named_for_a_resync() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    ada.say(&conversation, "one").await;
    let eve = server.signup("eve").await;
    let foreign = eve.direct(&ada).await;
    let mut socket = waiting(&bob).await;
    let streams = json!({ (&*conversation): 7, (&*foreign): 0, "000000000000000000000000": 3 });
    let reply = socket.command("resume", json!({ "streams": streams })).await;
    let resync = json!({ (&*conversation): 1, (foreign): 0, "000000000000000000000000": 0 });
    assert_eq!(reply["data"]["resync"], resync);
    assert_eq!(reply["data"]["streams"], json!({}));
    ada.say(&conversation, "two").await;
    assert_eq!(socket.event("message.created").await["rev"], 2);
}

#[tokio::test]
async fn what_does_not_fit_into_one_answer_is_pushed_after_it() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    for number in 0..510 {
        ada.say(&conversation, &number.to_string()).await;
    }
    let mut socket = waiting(&bob).await;
    let reply = socket.command("resume", json!({ "streams": { (&*conversation): 0 } })).await;
    let stream = &reply["data"]["streams"][&conversation];
    assert_eq!((&stream["rev"], &stream["more"], texts(stream).len()), (&json!(500), &json!(true), 500));
    for rev in 501..=510 {
        assert_eq!(socket.event("message.created").await["rev"], rev);
    }
}

#[tokio::test]
async fn an_open_socket_may_resume_as_well() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    let mut socket = ready(&bob).await;
    ada.say(&conversation, "one").await;
    assert_eq!(socket.event("message.created").await["rev"], 1);
    let reply = socket.command("resume", json!({ "streams": { (&*conversation): 0 } })).await;
    assert_eq!(texts(&reply["data"]["streams"][&conversation]), ["one"]);
    ada.say(&conversation, "two").await;
    assert_eq!(socket.event("message.created").await["rev"], 2);
}

#[tokio::test]
async fn the_answer_is_that_of_the_rest_call() {
    let server = TestServer::start().await;
    let (ada, bob, conversation) = pair(&server).await;
    ada.say(&conversation, "one").await;
    let request = json!({ "streams": { (bob.id()): 0, (&*conversation): 0 } });
    let rest = bob.post("/api/v1/sync", request.clone()).await;
    let mut socket = waiting(&bob).await;
    // Bob is here now, which is no part of any stream but of the presence in the views.
    let reply = socket.command("resume", request).await;
    assert_eq!(reply["data"]["streams"][&conversation], rest.body["streams"][&conversation]);
    assert_eq!(reply["data"]["streams"][bob.id()]["rev"], rest.body["streams"][bob.id()]["rev"]);
}

#[tokio::test]
async fn only_true_and_false_say_whether_to_resume() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    assert_eq!(refused(&ada, "?resume=yes", &[]).await.body["errors"][0]["field"], "resume");
    ada.socket_with("?resume=false", &[]).await.event("ready").await;
}
