//! The schema of a MongoDB database, and documents that do not fit it.

use mongodb::bson::{Document, doc};
use parlor_domain::{
    ConversationId, UserId,
    store::{NewDirect, StoreError},
};
use parlor_repositories::{MigrationError, contract::Fixture, testing::MongoDatabase};

use super::{connect, fresh, meddle};

/// All that there are, in order.
const MIGRATIONS: [&str; 13] = [
    "V1__accounts",
    "V2__conversations",
    "V3__holds",
    "V4__ids_of_messages",
    "V5__relations",
    "V6__groups",
    "V7__administration",
    "V8__message_changes",
    "V9__mentions",
    "V10__changes_by_rev",
    "V11__leaving",
    "V12__communities",
    "V13__search",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_has_everything_to_come_and_is_up_to_date_afterwards() {
    let database = MongoDatabase::fresh();
    let store = connect(&database).await;
    let pending = store.pending_migrations().await.unwrap();
    assert!(pending.len() >= 2, "{pending:?}");
    assert_eq!(store.missing_indexes().await.unwrap(), Vec::<String>::new(), "none of a migration that is to come");
    assert_eq!(store.migrate().await.unwrap(), pending);
    assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
    assert_eq!(store.migrate().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_nodes_that_start_at_once_one_applies_each_migration() {
    let database = MongoDatabase::fresh();
    let mut nodes = Vec::new();
    for _ in 0..4 {
        let store = connect(&database).await;
        nodes.push(tokio::spawn(async move { store.migrate().await.unwrap() }));
    }
    let mut applied = Vec::new();
    for node in nodes {
        applied.extend(node.await.unwrap());
    }
    let mut all = MIGRATIONS;
    all.sort_unstable();
    applied.sort_unstable();
    assert_eq!(applied, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_something_else_is_refused_and_left_as_it_is() {
    let database = MongoDatabase::fresh();
    let raw = meddle(&database).await;
    let users = raw.collection::<Document>("users");
    users.insert_one(doc! { "name": "somebody else's" }).await.unwrap();
    let error = connect(&database).await.migrate().await.unwrap_err();
    let reason = std::error::Error::source(&error).unwrap().to_string();
    assert!(reason.contains("`users` of something else"), "{reason}");
    users.insert_one(doc! { "name": "one more" }).await.unwrap();
    assert_eq!(raw.list_collection_names().await.unwrap(), ["users"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_migration_is_applied_again() {
    let (stores, database) = fresh().await;
    let raw = meddle(&database).await;
    raw.collection::<Document>("migrations").delete_many(doc! { "_id": { "$gte": 3 } }).await.unwrap();
    raw.collection::<Document>("messages").drop_index("byRev").await.unwrap();
    let store = connect(&database).await;
    assert_eq!(store.migrate().await.unwrap(), MIGRATIONS[2..]);
    assert_eq!(store.missing_indexes().await.unwrap(), Vec::<String>::new());
    Fixture::new(stores).user("ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_or_newer_migration_is_refused() {
    for (change, newer) in [
        (doc! { "$set": { "checksum": "1" } }, false),
        (doc! { "$set": { "name": "V1__else", "checksum": "2" } }, false),
    ] {
        let (_, database) = fresh().await;
        let history = meddle(&database).await.collection::<Document>("migrations");
        history.update_one(doc! { "_id": 1 }, change).await.unwrap();
        refused(&database, newer).await;
    }
    let (_, database) = fresh().await;
    let history = meddle(&database).await.collection::<Document>("migrations");
    let next = doc! { "_id": 99, "name": "V99__future", "checksum": "x", "appliedAt": mongodb::bson::DateTime::MIN };
    history.insert_one(next).await.unwrap();
    refused(&database, true).await;
}

/// Neither looked at nor changed.
async fn refused(database: &MongoDatabase, newer: bool) {
    let store = connect(database).await;
    for refused in [store.migrate().await, store.pending_migrations().await] {
        let error = refused.unwrap_err();
        let told =
            if newer { matches!(error, MigrationError::Newer(_)) } else { matches!(error, MigrationError::Edited(_)) };
        assert!(told, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_index_is_found_and_made_again() {
    let (_, database) = fresh().await;
    let raw = meddle(&database).await;
    raw.collection::<Document>("users").drop_index("byEmail").await.unwrap();
    raw.collection::<Document>("messages").drop_index("bySeq").await.unwrap();
    let store = connect(&database).await;
    assert_eq!(store.missing_indexes().await.unwrap(), ["users.byEmail", "messages.bySeq"]);
    assert_eq!(store.migrate().await.unwrap(), Vec::<String>::new());
    assert_eq!(store.missing_indexes().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_somebody_has_made_otherwise_is_found_as_well() {
    let (_, database) = fresh().await;
    let messages = meddle(&database).await.collection::<Document>("messages");
    messages.drop_index("bySeq").await.unwrap();
    let name = mongodb::options::IndexOptions::builder().name("bySeq".to_owned()).build();
    let keys = doc! { "conversation": 1, "seq": 1 };
    let not_unique = mongodb::IndexModel::builder().keys(keys).options(name).build();
    messages.create_index(not_unique).await.unwrap();
    let store = connect(&database).await;
    assert_eq!(store.missing_indexes().await.unwrap(), ["messages.bySeq"]);
    assert!(matches!(store.migrate().await, Err(MigrationError::Failed(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_the_data_forbids_by_now_is_an_error_that_says_so() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores);
    let (ada, bob) = (fixture.user("ada").await, fixture.user("bob").await);
    let users = meddle(&database).await.collection::<Document>("users");
    users.drop_index("byUsername").await.unwrap();
    let same = doc! { "$set": { "usernameKey": "ada" } };
    users.update_one(doc! { "_id": object_id(bob) }, same).await.unwrap();
    let error = connect(&database).await.migrate().await.unwrap_err();
    assert!(matches!(error, MigrationError::Failed(_)), "{error:?}");
    assert_ne!(ada, bob);
}

fn object_id(id: UserId) -> mongodb::bson::oid::ObjectId {
    mongodb::bson::oid::ObjectId::from_bytes(*id.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_we_cannot_have_written_is_corrupt_and_named() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores);
    let (ada, bob) = (fixture.user("ada").await, fixture.user("bob").await);
    let raw = meddle(&database).await;
    let change = async |collection: &str, change: Document| {
        let collection = raw.collection::<Document>(collection);
        collection.update_many(doc! {}, change).bypass_document_validation(true).await.unwrap();
    };
    for (wrong, right) in [
        (doc! { "$set": { "role": "emperor" } }, doc! { "$set": { "role": "user" } }),
        (doc! { "$set": { "metadata": "[" } }, doc! { "$set": { "metadata": "{}" } }),
        (doc! { "$set": { "rev": -1_i64 } }, doc! { "$set": { "rev": 0_i64 } }),
        (doc! { "$set": { "createdAt": "yesterday" } }, doc! { "$set": { "createdAt": mongodb::bson::DateTime::MIN } }),
        (doc! { "$unset": { "bio": "" } }, doc! { "$set": { "bio": "" } }),
    ] {
        change("users", wrong.clone()).await;
        let error = fixture.stores.users.find(ada).await.unwrap_err();
        let text = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            matches!(error, StoreError::Corrupt(_)) && text.starts_with(&format!("user {ada}: ")),
            "{wrong}: {text}"
        );
        change("users", right).await;
    }
    change("users", doc! { "$set": { "addedByANewerVersion": true } }).await;
    assert!(fixture.stores.users.find(ada).await.unwrap().is_some());

    let id = ConversationId::generate(&fixture.clock, &fixture.entropy);
    let now = parlor_domain::Clock::now(&fixture.clock);
    let new = NewDirect { id, opener: ada, other: bob, now };
    fixture.stores.conversations.open_direct(&new).await.unwrap();
    change("members", doc! { "$set": { "readSeq": -3_i64 } }).await;
    let error = fixture.stores.conversations.find(id, ada).await.unwrap_err();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(text, format!("member of conversation {id}: readSeq is negative"));
}
