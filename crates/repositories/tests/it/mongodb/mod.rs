//! The store on MongoDB: the contract, and what is its own.

use parlor_domain::store::Stores;
use parlor_repositories::{
    mongodb::{MongoOptions, MongoStore},
    testing::MongoDatabase,
};

mod half_way;
mod migrations;
mod nodes;
mod servers;
mod transfer;

mod contract {
    parlor_repositories::store_contract!(crate::mongodb::fresh);
}

/// One more node on a database.
async fn connect(database: &MongoDatabase) -> MongoStore {
    MongoStore::connect(database.url(), &MongoOptions { connections: 8, ..Default::default() }).await.unwrap()
}

/// A database of its own, dropped at the end.
async fn fresh() -> (Stores, MongoDatabase) {
    let database = MongoDatabase::fresh();
    let store = connect(&database).await;
    store.migrate().await.unwrap();
    (store.stores(), database)
}

/// Works on the database behind the store's back.
async fn meddle(database: &MongoDatabase) -> mongodb::Database {
    let client = mongodb::Client::with_uri_str(database.url()).await.unwrap();
    client.default_database().unwrap()
}
