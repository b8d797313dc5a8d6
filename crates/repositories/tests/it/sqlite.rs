//! The embedded store: the contract, and what is its own.

use std::path::PathBuf;

use parlor_domain::{
    Mentions, MessageId, MessageText, Metadata, NewMessage, PasswordHash, SecretHash, Seq, SessionId, Timestamp,
    UserId,
    store::{AppendOutcome, NewDirect, NewUser, Record, StoreError, Stores, Window},
};
use parlor_repositories::{
    MigrationError,
    contract::Fixture,
    sqlite::{SqliteOptions, SqliteStore},
};
use tempfile::TempDir;

async fn fresh() -> (Stores, (SqliteStore, TempDir)) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, &SqliteOptions::default()).unwrap();
    store.migrate().unwrap();
    (store.stores(), (store, dir))
}

fn file(dir: &TempDir) -> PathBuf {
    dir.path().join("data").join("parlor.db")
}

fn open(dir: &TempDir, options: &SqliteOptions) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(&file(dir), options)
}

/// Two users and their conversation; what is appended to it tells the store at work.
async fn chat(fixture: &Fixture) -> (UserId, parlor_domain::ConversationId) {
    let (ada, bob) = (fixture.user("ada").await, fixture.user("bob").await);
    let id = parlor_domain::ConversationId::generate(&fixture.clock, &fixture.entropy);
    let now = parlor_domain::Clock::now(&fixture.clock);
    fixture.stores.conversations.open_direct(&NewDirect { id, opener: ada, other: bob, now }).await.unwrap();
    (ada, id)
}

fn message(fixture: &Fixture, from: UserId, to: parlor_domain::ConversationId, text: &str) -> NewMessage {
    NewMessage {
        id: MessageId::for_send(to, from, None, &fixture.entropy),
        conversation_id: to,
        sender_id: from,
        text: MessageText::parse(text).unwrap(),
        metadata: Metadata::default(),
        client_message_id: None,
        reply_to: None,
        forward: None,
        mentions: Mentions::default(),
        created_at: parlor_domain::Clock::now(&fixture.clock),
    }
}

mod contract {
    parlor_repositories::store_contract!(crate::sqlite::fresh);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_drop_without_a_close() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, &SqliteOptions::default()).unwrap();
    store.migrate().unwrap();
    let fixture = Fixture::new(store.stores());
    let (ada, id) = chat(&fixture).await;
    fixture.stores.messages.append(&message(&fixture, ada, id, "kept")).await.unwrap();
    drop((fixture, store));
    let store = open(&dir, &SqliteOptions::default()).unwrap();
    let kept = store.stores().messages.page(id, Window::Newest, 10).await.unwrap();
    assert_eq!(kept[0].text(), "kept");
}

#[tokio::test]
async fn a_database_in_use_is_refused_to_others_and_free_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, &SqliteOptions::default()).unwrap();
    let error = open(&dir, &SqliteOptions::default()).err().unwrap();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert!(text.ends_with("is in use by another process"), "{text}");
    store.close().unwrap();
    open(&dir, &SqliteOptions::default()).unwrap();
}

#[tokio::test]
async fn what_is_changed_beside_who_has_the_database_open_both_see() {
    let (stores, (store, dir)) = fresh().await;
    let here = Fixture::new(stores);
    let ada = here.user("ada").await;
    let beside = SqliteStore::open_beside(&file(&dir), &SqliteOptions::default()).unwrap();
    assert!(store.is_alone() && !beside.is_alone());
    let there = Fixture::new(beside.stores());
    assert!(there.stores.users.find(ada).await.unwrap().is_some());
    let user = here.stores.users.find(ada).await.unwrap().unwrap();
    let again = NewUser { user, password: PasswordHash::new("hash".to_owned()) };
    let taken = there.stores.users.insert(&again).await;
    assert!(matches!(taken, Err(StoreError::Conflict("username"))), "{taken:?}");
    let there = Fixture { entropy: parlor_domain::SeededEntropy::new(2), ..there };
    let bob = there.user("bob").await;
    assert!(here.stores.users.find(bob).await.unwrap().is_some());
    drop(there);
    beside.close().unwrap();
    here.user("cem").await;
    store.close().unwrap();
    let alone = SqliteStore::open_beside(&file(&dir), &SqliteOptions::default()).unwrap();
    assert!(alone.is_alone() && open(&dir, &SqliteOptions::default()).is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_in_use_is_refused_by_another_name_as_well() {
    let (_, (_store, dir)) = fresh().await;
    let alias = dir.path().join("alias.db");
    std::os::unix::fs::symlink(file(&dir), &alias).unwrap();
    let error = SqliteStore::open(&alias, &SqliteOptions::default()).err().unwrap();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert!(text.ends_with("is in use by another process"), "{text}");
}

#[tokio::test]
async fn a_database_is_in_use_for_as_long_as_anybody_holds_its_stores() {
    let (stores, (store, dir)) = fresh().await;
    drop(store);
    assert!(open(&dir, &SqliteOptions::default()).is_err());
    stores.maintenance.ping().await.unwrap();
    drop(stores);
    open(&dir, &SqliteOptions::default()).unwrap();
}

#[tokio::test]
async fn a_closed_database_is_one_file_beside_its_lock() {
    let (stores, (store, dir)) = fresh().await;
    let fixture = Fixture::new(stores);
    chat(&fixture).await;
    store.close().unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(dir.path().join("data")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["parlor.db", "parlor.db.lock"]);
    open(&dir, &SqliteOptions::default()).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_, (_store, dir)) = fresh().await;
    let folder = std::fs::metadata(dir.path().join("data")).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(dir.path().join("data")).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_full_store_says_so_keeps_what_it_has_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let small = SqliteOptions { max_bytes: Some(400 * 1024), ..Default::default() };
    let store = open(&dir, &small).unwrap();
    store.migrate().unwrap();
    let fixture = Fixture::new(store.stores());
    let (ada, id) = chat(&fixture).await;
    let long = "x".repeat(8000);
    let mut acknowledged = 0;
    let error = loop {
        match fixture.stores.messages.append(&message(&fixture, ada, id, &long)).await {
            Ok(AppendOutcome::Appended { message, .. }) => acknowledged = message.seq.get(),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
        assert!(acknowledged < 1000, "the limit has no effect");
    };
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    let kept = fixture.stores.messages.page(id, Window::After(Seq::ZERO), 10_000).await.unwrap();
    assert_eq!(kept.len() as u64, acknowledged);
    store.close().unwrap();
    drop(fixture);
    let store = open(&dir, &SqliteOptions::default()).unwrap();
    let fixture = Fixture::new(store.stores());
    let outcome = fixture.stores.messages.append(&message(&fixture, ada, id, &long)).await.unwrap();
    assert!(matches!(outcome, AppendOutcome::Appended { message, .. } if message.seq.get() == acknowledged + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_refuses_only_the_writes_that_need_room() {
    let dir = tempfile::tempdir().unwrap();
    let small = SqliteOptions { max_bytes: Some(400 * 1024), ..Default::default() };
    let store = open(&dir, &small).unwrap();
    store.migrate().unwrap();
    let fixture = Fixture::new(store.stores());
    let (ada, id) = chat(&fixture).await;
    let start = parlor_domain::Clock::now(&fixture.clock);
    fixture.stores.users.set_last_seen(&[(ada, start)]).await.unwrap();
    let long = "x".repeat(8000);
    while fixture.stores.messages.append(&message(&fixture, ada, id, &long)).await.is_ok() {}
    let mut needy = Vec::new();
    for n in 1..=100 {
        let (messages, users) = (fixture.stores.messages.clone(), fixture.stores.users.clone());
        let new = message(&fixture, ada, id, &long);
        needy.push(tokio::spawn(async move { messages.append(&new).await.map(|_| ()) }));
        let seen = start + std::time::Duration::from_secs(n);
        needy.push(tokio::spawn(async move {
            users.set_last_seen(&[(ada, seen)]).await.unwrap();
            Err(StoreError::Full("this one had room".into()))
        }));
    }
    for task in needy {
        let refused = task.await.unwrap();
        assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    }
    let seen = fixture.stores.users.find(ada).await.unwrap().unwrap().last_seen_at;
    assert_eq!(seen, Some(start + std::time::Duration::from_secs(100)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_leaves_the_others_of_its_group_stored() {
    let (stores, (_store, _dir)) = fresh().await;
    let fixture = Fixture::new(stores);
    let (ada, id) = chat(&fixture).await;
    let taken = fixture.stores.users.find(ada).await.unwrap().unwrap();
    let mut tasks = Vec::new();
    for n in 0..200 {
        let (messages, users) = (fixture.stores.messages.clone(), fixture.stores.users.clone());
        let new = message(&fixture, ada, id, &n.to_string());
        let mut user = taken.clone();
        user.id = UserId::generate(&fixture.clock, &fixture.entropy);
        let user = NewUser { user, password: PasswordHash::new(String::new()) };
        tasks.push(tokio::spawn(async move {
            let (sent, refused) = tokio::join!(messages.append(&new), users.insert(&user));
            assert!(matches!(refused, Err(StoreError::Conflict("username"))), "{refused:?}");
            sent.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(fixture.stores.messages.page(id, Window::Newest, 1000).await.unwrap().len(), 200);
}

#[tokio::test]
async fn a_closed_store_is_unavailable_to_who_still_holds_it() {
    let (stores, (store, _dir)) = fresh().await;
    store.close().unwrap();
    let error = stores.maintenance.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn more_than_the_queue_holds_is_refused_at_once_and_harms_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, &SqliteOptions { queue: 1, ..Default::default() }).unwrap();
    store.migrate().unwrap();
    let fixture = Fixture::new(store.stores());
    let (ada, id) = chat(&fixture).await;
    let mut waiting = Vec::new();
    for n in 0..200 {
        let new = message(&fixture, ada, id, &n.to_string());
        let messages = fixture.stores.messages.clone();
        waiting.push(tokio::spawn(async move { messages.append(&new).await }));
    }
    let (mut stored, mut refused) = (0, 0);
    for task in waiting {
        match task.await.unwrap() {
            Ok(_) => stored += 1,
            Err(StoreError::Unavailable(_)) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(refused > 0, "the queue has no bound");
    let kept = fixture.stores.messages.page(id, Window::Newest, 1000).await.unwrap();
    assert_eq!(kept.len(), stored);
}

/// Works on the file behind the store's back.
fn meddle(dir: &TempDir, sql: &str) {
    rusqlite::Connection::open(file(dir)).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_row_that_we_cannot_have_written_is_corrupt_and_named() {
    let (stores, (_store, dir)) = fresh().await;
    let fixture = Fixture::new(stores);
    let (ada, id) = chat(&fixture).await;
    fixture.stores.messages.append(&message(&fixture, ada, id, "x")).await.unwrap();
    for sql in [
        "UPDATE users SET role = 'emperor'",
        "UPDATE users SET role = 'user', metadata = '['",
        "UPDATE users SET metadata = '{}', username = '_'",
        "UPDATE users SET username = 'ada', rev = -1 WHERE username_key = 'ada'",
    ] {
        meddle(&dir, sql);
        let error = fixture.stores.users.find(ada).await.unwrap_err();
        let text = std::error::Error::source(&error).unwrap().to_string();
        assert!(matches!(error, StoreError::Corrupt(_)) && text.contains(&ada.to_string()), "{sql}: {text}");
    }
    for sql in ["sender_id = x'00'", "sender_id = x'', text = ''", "seq = -1", "client_message_id = ''"] {
        let (stores, (_store, dir)) = fresh().await;
        let fixture = Fixture::new(stores);
        let (ada, id) = chat(&fixture).await;
        let new = message(&fixture, ada, id, "x");
        fixture.stores.messages.append(&new).await.unwrap();
        meddle(&dir, &format!("PRAGMA foreign_keys = off; UPDATE messages SET {sql}"));
        let error = fixture.stores.messages.page(id, Window::Newest, 1).await.unwrap_err();
        let text = std::error::Error::source(&error).unwrap().to_string();
        assert!(matches!(error, StoreError::Corrupt(_)), "{sql}: {error:?}");
        assert!(text.starts_with(&format!("message {}: ", new.id)), "{sql}: {text}");
    }
}

#[tokio::test]
async fn migrations_are_applied_once_and_an_edited_or_newer_one_is_refused() {
    let (_, (store, _dir)) = fresh().await;
    assert_eq!(store.pending_migrations().unwrap(), Vec::<String>::new());
    assert_eq!(store.migrate().unwrap(), Vec::<String>::new());
    for (sql, newer) in [
        ("UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1", false),
        ("UPDATE refinery_schema_history SET version = 99 WHERE version = 2", true),
    ] {
        let (_, (store, dir)) = fresh().await;
        meddle(&dir, sql);
        for refused in [store.migrate(), store.pending_migrations()] {
            let error = refused.unwrap_err();
            let told = if newer {
                matches!(error, MigrationError::Newer(_))
            } else {
                matches!(error, MigrationError::Edited(_))
            };
            assert!(told, "{sql}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_new_database_has_everything_to_come() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, &SqliteOptions::default()).unwrap();
    let pending = store.pending_migrations().unwrap();
    assert!(pending.len() >= 2, "{pending:?}");
    assert_eq!(store.migrate().unwrap(), pending);
}

#[tokio::test]
async fn an_imported_record_that_refers_to_nothing_is_named() {
    let (stores, _alive) = fresh().await;
    let now = Timestamp::from_millis(0);
    let (hash, session) = (SecretHash::from_bytes([7; 32]), SessionId::from_bytes([8; 12]));
    let ticket = Record::Ticket { hash, session, expires_at: now };
    let error = stores.transfer.import(&[ticket]).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    let reason = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(reason, "ticket 0707070707070707…: refers to something that is not there");
}
