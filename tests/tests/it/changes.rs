//! What becomes of messages, over a kill of the server.

use anyhow::Result;
use parlor_tests::{Home, Person, Server};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_messages_survives_a_kill_and_is_told_by_a_sync() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(&home, &[])?;
    let (ada, bob) = (Person::sign_up(server.url(), "ada").await?, Person::sign_up(server.url(), "bob").await?);
    let id = ada.open(server.url(), &bob).await?;
    let messages = format!("/conversations/{id}/messages");
    let mut paths = Vec::new();
    for text in ["frist", "secret", "third"] {
        let body = json!({ "text": text, "clientMessageId": text });
        let (_, sent) = ada.post(server.url(), &messages, &body).await?;
        paths.push(format!("{messages}/{}", parlor_tests::text(&sent["id"])?));
    }
    let edit = json!({ "text": "first" });
    assert_eq!(ada.call(server.url(), "PATCH", &paths[0], Some(&edit)).await?.0, 200);
    let reaction = format!("{}/reactions/%F0%9F%91%8D", paths[0]);
    assert_eq!(bob.call(server.url(), "PUT", &reaction, None).await?.0, 200);
    assert_eq!(ada.delete(server.url(), &paths[1]).await?, 204);
    let pin = format!("{}/pin", paths[2]);
    assert_eq!(bob.call(server.url(), "PUT", &pin, None).await?.0, 200);
    server.kill()?;

    let server = Server::start(&home, &[])?;
    let history = bob.history(server.url(), &id).await?;
    let texts: Vec<&Value> = history.iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["first", "", "third"]);
    assert_eq!(history[0]["reactions"], json!([{ "emoji": "👍", "count": 1, "userIds": [bob.id] }]));
    assert!(history[1]["deletedAt"].is_string() && history[2]["pinned"]["userId"] == bob.id.as_str());
    let body = json!({ "text": "secret", "clientMessageId": "secret" });
    let (status, again) = ada.post(server.url(), &messages, &body).await?;
    assert_eq!((status, &again["text"], &again["seq"]), (200, &json!(""), &json!(2)), "a repeat brings nothing back");
    let (_, synced) = bob.post(server.url(), "/sync", &json!({ "streams": { (&*id): 3 } })).await?;
    let events = synced["streams"][&id]["events"].as_array().unwrap();
    let told: Vec<_> = events.iter().map(|event| (event["event"].as_str().unwrap(), &event["rev"])).collect();
    let (five, six, seven) = (json!(5), json!(6), json!(7));
    assert_eq!(told, [("message.updated", &five), ("message.deleted", &six), ("message.updated", &seven)]);
    assert_eq!(bob.get(server.url(), &format!("/conversations/{id}")).await?["unread"], 2);
    assert_eq!(bob.get(server.url(), &format!("/conversations/{id}/pins")).await?["items"][0]["text"], "third");
    server.stop()?;
    Ok(())
}
