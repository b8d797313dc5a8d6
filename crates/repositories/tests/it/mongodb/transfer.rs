//! What is exported of documents that are behind the log.

use mongodb::bson::{DateTime, Document, doc};
use parlor_repositories::contract::{
    Fixture,
    transfer::{export, furnish},
};

use super::{fresh, meddle};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_are_behind_the_log_are_exported_as_members_see_them() {
    let (stores, own) = fresh().await;
    furnish(&Fixture::new(stores.clone())).await;
    let records = export(&stores, 1000).await;

    // A node has ended before it could write what follows from its last message.
    let database = meddle(&own).await;
    let [messages, members, conversations] =
        ["messages", "members", "conversations"].map(|name| database.collection::<Document>(name));
    let last = messages.find_one(doc! { "text": "held back" }).await.unwrap().unwrap();
    let [conversation, sender] = ["conversation", "sender"].map(|field| last.get_object_id(field).unwrap());
    let place = doc! { "conversation": conversation, "user": sender };
    let behind = members.update_one(place, doc! { "$set": { "readSeq": 0_i64 } }).await.unwrap();
    let older = doc! { "$set": { "updatedAt": DateTime::from_millis(0) } };
    let older = conversations.update_one(doc! { "_id": conversation }, older).await.unwrap();
    // And another one before it could settle from where on a conversation is held back.
    let unsettled = doc! { "$set": { "heldFrom": -1_i64 } };
    let unsettled = members.update_one(doc! { "heldFrom": 0_i64 }, unsettled).await.unwrap();
    let changed = [behind, older, unsettled].map(|update| update.modified_count);
    assert_eq!(changed, [1, 1, 1]);

    assert_eq!(export(&stores, 1000).await, records);
}
