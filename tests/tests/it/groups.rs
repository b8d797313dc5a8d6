//! A group from its making to its end, and over a restart of the server.

use anyhow::Result;
use parlor_tests::{Home, Person, Server};
use serde_json::{Value, json};

fn actions(history: &[Value]) -> Vec<&str> {
    let told = |message: &Value| message["kind"] == "system";
    let system = history.iter().filter(|message| told(message));
    system.filter_map(|message| message["system"]["action"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_filled_left_and_there_after_a_restart() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(&home, &[])?;
    let (ada, bob) = (Person::sign_up(server.url(), "ada").await?, Person::sign_up(server.url(), "bob").await?);
    let cem = Person::sign_up(server.url(), "cem").await?;
    let new = json!({ "name": "Round table", "memberIds": [bob.id] });
    let (status, group) = ada.post(server.url(), "/conversations", &new).await?;
    assert_eq!((status, &group["role"]), (201, &json!("owner")));
    let path = format!("/conversations/{}", group["id"].as_str().unwrap());
    let (status, _) = ada.post(server.url(), &format!("{path}/members"), &json!({ "userIds": [cem.id] })).await?;
    assert_eq!(status, 200);
    for (who, text) in [(&bob, "hello"), (&cem, "good morning")] {
        assert_eq!(who.post(server.url(), &format!("{path}/messages"), &json!({ "text": text })).await?.0, 201);
    }
    assert_eq!(ada.get(server.url(), &path).await?["unread"], 2);
    assert_eq!(ada.delete(server.url(), &format!("{path}/members/{}", bob.id)).await?, 204);
    assert_eq!(ada.delete(server.url(), &format!("{path}/members/{}", ada.id)).await?, 204);
    assert!(server.stop()?.success());

    let server = Server::start(&home, &[])?;
    for gone in [&ada, &bob] {
        let (status, refusal) = gone.post(server.url(), &format!("{path}/messages"), &json!({ "text": "?" })).await?;
        assert_eq!((status, &refusal["code"]), (404, &json!("not_found")));
        assert_eq!(gone.get(server.url(), "/conversations").await?["items"], json!([]));
    }
    let left = cem.get(server.url(), &path).await?;
    assert_eq!((&left["role"], &left["memberCount"], &left["unread"]), (&json!("owner"), &json!(1), &json!(0)));
    let history = cem.history(server.url(), group["id"].as_str().unwrap()).await?;
    let expected = ["group_created", "members_added", "members_removed", "member_left", "owner_changed"];
    assert_eq!(actions(&history), expected);
    let seqs: Vec<u64> = history.iter().filter_map(|message| message["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=7).collect::<Vec<_>>());
    Ok(())
}
