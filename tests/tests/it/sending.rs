//! Sending, seen from outside: once, and with a clear answer where it can't be done.

use anyhow::Result;
use parlor_tests::{Home, Person, Server};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_sent_a_hundred_times_at_once_is_one_message() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(&home, &[])?;
    let (ada, bob) = (Person::sign_up(server.url(), "ada").await?, Person::sign_up(server.url(), "bob").await?);
    let conversation = ada.open(server.url(), &bob).await?;
    let sends: Vec<_> = (0..100)
        .map(|_| {
            let (ada, url) = (ada.clone(), server.url().to_owned());
            let path = format!("/conversations/{conversation}/messages");
            let body = json!({ "text": "once", "clientMessageId": "the-one" });
            tokio::spawn(async move { ada.post(&url, &path, &body).await })
        })
        .collect();
    let mut answers = Vec::new();
    for send in sends {
        answers.push(send.await??);
    }
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 99);
    assert!(answers.iter().all(|(_, message)| message["id"] == answers[0].1["id"]));
    assert_eq!(ada.history(server.url(), &conversation).await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_is_told_and_everything_in_it_stays_readable() -> Result<()> {
    let home = Home::on_sqlite()?;
    let server = Server::start(&home, &["--set", "store.max_bytes=400KiB"])?;
    let (ada, bob) = (Person::sign_up(server.url(), "ada").await?, Person::sign_up(server.url(), "bob").await?);
    let conversation = ada.open(server.url(), &bob).await?;
    let path = format!("/conversations/{conversation}/messages");
    let long = json!({ "text": "x".repeat(8000) });
    let mut stored = 0;
    let refusal: Value = loop {
        let (status, answer) = ada.post(server.url(), &path, &long).await?;
        match status {
            201 => stored += 1,
            507 => break answer,
            other => panic!("{other}: {answer}"),
        }
        assert!(stored < 1000, "the limit has no effect");
    };
    assert_eq!(refusal["code"], "store_full");
    assert_eq!(bob.history(server.url(), &conversation).await?.len(), stored);
    assert!(server.stop()?.success());
    let server = Server::start(&home, &[])?;
    let (status, message) = ada.post(server.url(), &path, &long).await?;
    assert_eq!((status, message["seq"].as_u64()), (201, Some(stored as u64 + 1)));
    Ok(())
}
