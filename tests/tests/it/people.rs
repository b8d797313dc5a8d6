//! Friends and blocks, as a new user comes across them.

use anyhow::Result;
use parlor_tests::{Home, Person, Server};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn two_become_friends_fall_out_and_make_it_up_again() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(&home, &[])?;
    let url = server.url();
    let (ada, bob) = (Person::sign_up(url, "ada").await?, Person::sign_up(url, "bob").await?);
    let chat = ada.open(url, &bob).await?;
    let messages = format!("/conversations/{chat}/messages");
    let hello = json!({ "text": "hello", "clientMessageId": "1" });

    let (status, request) = ada.post(url, "/friend-requests", &json!({ "userId": bob.id })).await?;
    assert_eq!((status, &request["state"]), (201, &json!("pending")));
    let waiting = bob.get(url, "/friend-requests").await?;
    let accept = format!("/friend-requests/{}/accept", waiting["items"][0]["id"].as_str().unwrap());
    assert_eq!(bob.call(url, "POST", &accept, None).await?.0, 200);
    assert_eq!(ada.get(url, "/friends").await?["items"][0]["user"]["username"], "bob");
    assert_eq!(bob.post(url, &messages, &hello).await?.0, 201);

    let block = format!("/blocks/{}", bob.id);
    assert_eq!(ada.call(url, "PUT", &block, None).await?.0, 204);
    let (status, problem) = bob.post(url, &messages, &json!({ "text": "why?" })).await?;
    assert_eq!((status, &problem["code"]), (403, &json!("not_allowed_to_write")));
    assert_eq!(bob.post(url, &messages, &hello).await?.0, 200, "what was sent is sent");
    assert_eq!(bob.post(url, "/friend-requests", &json!({ "userId": ada.id })).await?.0, 201, "he can't tell");
    assert_eq!(bob.get(url, "/users?q=ada").await?["items"], json!([]));
    assert!(server.stop()?.success());

    let server = Server::start(&home, &[])?;
    let url = server.url();
    assert_eq!(bob.get(url, "/friends").await?["items"], json!([]));
    assert_eq!(ada.get(url, "/blocks").await?["items"][0]["user"]["id"], bob.id);
    assert_eq!(bob.post(url, &messages, &json!({ "text": "why?" })).await?.0, 403);
    assert_eq!(ada.call(url, "DELETE", &block, None).await?.0, 204);
    assert_eq!(bob.post(url, &messages, &json!({ "text": "again" })).await?.0, 201);
    assert_eq!(ada.history(url, &chat).await?.len(), 2);
    Ok(())
}
