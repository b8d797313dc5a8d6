//! What is about MongoDB alone.

use std::{net::TcpListener, time::Instant};

use mongodb::{
    Client, Database,
    bson::{Document, doc},
};

use super::{Running, SECRET, outcome, parlor, refusal};
use crate::{data::Data, support::PATIENCE};

/// Leaves only what ends the program to be told.
const QUIET: [&str; 4] = ["--port", "0", "--set", "log.filter=error"];

/// The database, seen from beside the program.
async fn beside(data: &Data) -> Database {
    Client::with_uri_str(data.url()).await.unwrap().default_database().unwrap()
}

/// A server that was started and stopped, so that the database has everything that it needs.
fn serve_once(data: &Data) -> (String, String) {
    let mut command = parlor(data, &["--port", "0"]);
    let server = Running::start(command.env("PARLOR__AUTH__SECRET", SECRET));
    let greeting = server.greeting.clone();
    server.signal("-TERM");
    (greeting, server.end().1)
}

#[test]
fn the_server_says_what_it_has_found() {
    let data = Data::mongodb();
    let (greeting, logged) = serve_once(&data);
    assert!(greeting.contains(data.url()), "{greeting}");
    for part in
        ["connected to a MongoDB replica set ", "acknowledged by a majority and journaled", "version=", "parlor_test_"]
    {
        assert!(logged.contains(part), "{part}: {logged}");
    }
}

#[test]
fn a_secret_of_one_machine_is_warned_of() {
    let data = Data::mongodb();
    let server = Running::start(&mut parlor(&data, &["--port", "0"]));
    server.signal("-TERM");
    let (_, logged) = server.end();
    assert!(logged.contains("WARN") && logged.contains("kept on this machine alone"), "{logged}");
}

#[test]
fn a_url_that_can_not_be_used_is_told_in_one_line_without_its_password() {
    for url in [
        "mongodb://ada:canary@127.0.0.1:port/chat",
        "mongodb://ada:canary:canary@127.0.0.1/chat",
        "mongodb://ada:canary/canary@127.0.0.1/chat",
        "mongodb://ada:9/canary@127.0.0.1/chat",
        "mongodb://ada:can@canary@127.0.0.1/chat",
        "mongodb://ada:canary%zz@127.0.0.1/chat",
        "mongodb://ada:canary@127.0.0.1/chat?replicaSet",
        "mongodb://ada:canary@127.0.0.1/chat?authMechanism=none",
        "mongodb://:canary@127.0.0.1/chat",
        "mongodb://ada:canary@127.0.0.1/ch at",
        "mongodb+srv://ada:canary@127.0.0.1:1/chat",
        "mongodb://127.0.0.1/chat?tlsCertificateKeyFilePassword=canary&tls=maybe",
    ] {
        let data = Data::sqlite();
        let arguments = ["migrate", "--set", "store.timeout=1s"];
        let told = refusal(parlor(&data, &arguments).env("PARLOR__STORE__URL", url));
        assert!(
            told.starts_with("parlor: cannot use the database mongodb") && !told.contains("canary"),
            "{url}: {told}"
        );
    }
}

#[test]
fn a_server_that_does_not_answer_is_told_in_one_line_and_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let [silent_port, closed_port] = [&silent, &closed].map(|listener| listener.local_addr().unwrap().port());
    drop(closed);
    for (port, reason) in [(silent_port, "no MongoDB server"), (closed_port, "Connection refused")] {
        let data = Data::sqlite();
        let start = Instant::now();
        let url = format!("mongodb://ada:canary@127.0.0.1:{port}/chat");
        let command = &mut parlor(&data, &QUIET);
        let told = refusal(command.env("PARLOR__STORE__URL", &url).env("PARLOR__STORE__TIMEOUT", "1s"));
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
        let place = format!("mongodb://(hidden)@127.0.0.1:{port}/chat");
        assert!(
            told.contains(&place)
                && told.contains("answers within 1 s")
                && told.contains(reason)
                && !told.contains("canary"),
            "{told}"
        );
    }
}

#[test]
fn the_url_may_stand_in_a_file() {
    let data = Data::mongodb();
    std::fs::write(data.folder().join("url"), format!("{}\n", data.url())).unwrap();
    let migrate = |data| {
        let mut command = parlor(data, &["migrate"]);
        command.env_remove("PARLOR__STORE__URL").env("PARLOR__STORE__URL_FILE", "url");
        command
    };
    let (code, stdout, stderr) = outcome(&mut migrate(&data));
    assert!(code == Some(0) && stdout.starts_with("Applied V1__accounts"), "{stdout}{stderr}");
    let told = refusal(migrate(&data).env("PARLOR__STORE__URL", data.url()));
    assert!(told.contains("`store.url` and `store.url_file` are both set"), "{told}");
    std::fs::remove_file(data.folder().join("url")).unwrap();
    assert!(refusal(&mut migrate(&data)).contains("cannot read the file of the database's URL"));
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let data = Data::mongodb();
    serve_once(&data);
    let newer =
        doc! { "_id": 1000, "name": "V1000__later", "checksum": "0", "appliedAt": mongodb::bson::DateTime::now() };
    beside(&data).await.collection::<Document>("migrations").insert_one(newer).await.unwrap();
    for arguments in [&QUIET[..], &["migrate"], &["clear", "--yes"]] {
        let told = refusal(&mut parlor(&data, arguments));
        assert!(told.contains("V1000__later") && told.contains("a newer one has written it"), "{told}");
    }
}

#[tokio::test]
async fn a_dropped_index_is_found_at_start_and_said() {
    const INDEX: &str = "users.byUsername";
    let data = Data::mongodb();
    serve_once(&data);
    let users = beside(&data).await.collection::<Document>("users");

    users.drop_index("byUsername").await.unwrap();
    let must_not = [&QUIET[..], &["--set", "store.migrate_at_start=false"]].concat();
    let told = refusal(&mut parlor(&data, &must_not));
    assert!(told.contains(&format!("lacks the indexes {INDEX}: run `parlor migrate`")), "{told}");
    assert_eq!(outcome(&mut parlor(&data, &["migrate"])).1, format!("Made the index {INDEX} again\n"));
    Running::start(&mut parlor(&data, &must_not));

    users.drop_index("byUsername").await.unwrap();
    let (_, logged) = serve_once(&data);
    assert!(logged.contains("WARN") && logged.contains("dropped an index") && logged.contains(INDEX), "{logged}");
    assert!(users.list_index_names().await.unwrap().contains(&"byUsername".to_owned()));
    assert!(!serve_once(&data).1.contains("WARN"));
}
