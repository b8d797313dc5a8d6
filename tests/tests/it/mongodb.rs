//! MongoDB servers as one may find them: alone, not set up, closed to strangers, hanging.

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bson::doc;
use parlor_tests::{Home, Part, Person, Server, mongod::Standalone};
use serde_json::json;
use tempfile::TempDir;

/// How long a server of Parlor may take to say that its store is gone, or back.
const SOON: Duration = Duration::from_secs(5);
/// Within it there is an answer: the second in which it should be there, and another one on a busy machine.
const PROMPT: Duration = Duration::from_secs(2);

fn mongod(options: &[&str]) -> Result<(TempDir, Standalone)> {
    let folder = tempfile::tempdir()?;
    let server = Standalone::start(&Part::Mongod.path()?, folder.path(), options)?;
    Ok((folder, server))
}

/// What `parlor migrate` says when it can't use a database: one line, and exit code 1.
fn refusal(url: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(Part::Server.path()?);
    command.arg("migrate").env("PARLOR__STORE__URL", url).env("PARLOR__STORE__TIMEOUT", "2s");
    let Output { status, stdout, stderr } = command.current_dir(folder.path()).output()?;
    let told = String::from_utf8(stderr)?;
    ensure!(status.code() == Some(1) && stdout.is_empty() && told.lines().count() == 1, "{status}: {told}");
    Ok(told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_server_is_served_with_a_warning_that_says_how_to_make_it_a_replica_set() -> Result<()> {
    let (_folder, mongod) = mongod(&[])?;
    let home = Home::on_mongodb(&mongod.url())?;
    let server = Server::start(&home, &[])?;
    let (ada, bob) = (Person::sign_up(server.url(), "ada").await?, Person::sign_up(server.url(), "bob").await?);
    let conversation = ada.open(server.url(), &bob).await?;
    let path = format!("/conversations/{conversation}/messages");
    let (status, _) = ada.post(server.url(), &path, &json!({ "text": "alone" })).await?;
    assert_eq!(status, 201);
    assert_eq!(bob.history(server.url(), &conversation).await?[0]["text"], "alone");

    let log = server.log()?;
    let warning = log.lines().find(|line| line.contains("is no replica set")).context("there is no warning")?;
    let address = format!("127.0.0.1:{}", mongod.port());
    let line = format!(
        "mongosh 'mongodb://{address}' --eval \
         'rs.initiate({{ _id: \"rs0\", members: [{{ _id: 0, host: \"{address}\" }}] }})'"
    );
    for part in ["WARN", "not atomic", "nobody takes over", "--replSet rs0", &line] {
        assert!(warning.contains(part), "{part}: {warning}");
    }
    Ok(())
}

#[test]
fn a_replica_set_that_nobody_has_set_up_is_told_in_one_line() -> Result<()> {
    let (_folder, mongod) = mongod(&["--replSet", "rs0"])?;
    let told = refusal(&format!("{}/chat", mongod.url()))?;
    assert!(told.contains("waits for rs.initiate()"), "{told}");
    Ok(())
}

#[test]
fn wrong_credentials_and_a_missing_privilege_are_told_in_one_line_without_the_password() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = Part::Mongod.path()?;
    let open = Standalone::start(&program, folder.path(), &[])?;
    for (name, role) in [("ada", "readWrite"), ("bob", "dbAdmin")] {
        let user = doc! {
            "createUser": name,
            "pwd": "canary",
            "roles": [{ "role": role, "db": "chat" }],
            "writeConcern": { "w": 1, "j": true },
        };
        open.command("admin", user)?;
    }
    drop(open);
    let closed = Standalone::start(&program, folder.path(), &["--auth"])?;
    let url = |user: &str| format!("mongodb://{user}@127.0.0.1:{}/chat?authSource=admin", closed.port());
    for (user, reason) in [("ada:no-canary", "refuses the credentials"), ("bob:canary", "needs the roles readWrite")] {
        let told = refusal(&url(user))?;
        assert!(told.contains(reason) && !told.contains("canary"), "{told}");
    }
    let told = refusal(&format!("{}/chat", closed.url()))?;
    assert!(told.contains("needs the roles readWrite"), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_database_makes_the_server_unready_until_it_goes_on() -> Result<()> {
    let (_folder, mongod) = mongod(&[])?;
    let home = Home::on_mongodb(&mongod.url())?;
    let server = Server::start(&home, &[])?;
    for _ in 0..3 {
        is_ready(&server, true).await?;
        mongod.pause()?;
        is_ready(&server, false).await?;
        assert_eq!(reqwest::get(format!("{}/healthz", server.url())).await?.status(), 200);
        mongod.resume()?;
    }
    is_ready(&server, true).await
}

/// Waits until the server says that it is ready, or not.
async fn is_ready(server: &Server, ready: bool) -> Result<()> {
    let start = Instant::now();
    loop {
        let asked = Instant::now();
        let answer = reqwest::get(format!("{}/readyz", server.url())).await?;
        ensure!(asked.elapsed() < PROMPT, "it takes the server {:?} to say whether it is ready", asked.elapsed());
        let (status, wait) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
        ensure!(if status == 200 { !wait } else { status == 503 && wait }, "{status}: {}", answer.text().await?);
        if (status == 200) == ready {
            println!("ready={ready} after {:?}", start.elapsed());
            return Ok(());
        }
        ensure!(start.elapsed() < SOON, "the server still says {status}");
    }
}
