//! Made-up data, through the store traits.

use parlor_domain::{
    PasswordHash, TieKind, UserId,
    store::{Directory, Inbox, Stores, TiePage, Window},
};
use parlor_server::{
    seed::{Plan, SeedError, seed},
    store::Database,
};

use crate::data::Data;

const PLAN: Plan =
    Plan { users: 5, conversations: 7, messages: 40, groups: 2, communities: 1, message_chars: 30, seed: 42 };

async fn database() -> (Database, Data) {
    let data = Data::fresh();
    let database = Database::open(&data.settings(&[]).store).await.unwrap();
    database.migrate().await.unwrap();
    (database, data)
}

async fn fill(stores: &Stores, plan: &Plan) -> Result<(), SeedError> {
    seed(stores, plan, &PasswordHash::new("$2b$04$made-up".to_owned()), &|| {}).await
}

/// Every user, friendship, conversation and message with its id, as text.
async fn contents(stores: &Stores) -> (usize, usize, Vec<String>) {
    let everyone = Directory { terms: Vec::new(), after: None, except: UserId::from_bytes([0; 12]), limit: 1000 };
    let users = stores.users.directory(&everyone).await.unwrap();
    let mut lines: Vec<String> = users.iter().map(|user| format!("{user:?}")).collect();
    let (mut conversations, mut messages) = (std::collections::BTreeSet::new(), 0);
    for user in &users {
        let friends = TiePage { user: user.id, kind: TieKind::Friend, after: None, limit: 1000 };
        let friends = stores.relations.ties(&friends).await.unwrap();
        lines.extend(friends.iter().map(|friend| format!("{friend:?}")));
        let inbox = stores
            .conversations
            .inbox(&Inbox { user: user.id, after: None, archived: None, limit: 1000 })
            .await
            .unwrap();
        for entry in inbox {
            let id = entry.conversation.id;
            if conversations.insert(id) {
                for message in stores.messages.page(id, Window::Newest, 1000).await.unwrap() {
                    lines.push(format!("{id} {} {} {} {}", message.seq, message.id, message.sender_id, message.text()));
                    messages += 1;
                }
            }
        }
    }
    lines.sort();
    (conversations.len(), messages, lines)
}

#[tokio::test]
async fn the_same_seed_makes_the_same_on_every_database() {
    let ((first, _a), (second, _b), (other, _c)) = (database().await, database().await, database().await);
    fill(&first.stores(), &PLAN).await.unwrap();
    fill(&second.stores(), &PLAN).await.unwrap();
    fill(&other.stores(), &Plan { seed: 43, ..PLAN }).await.unwrap();

    let (conversations, messages, lines) = contents(&first.stores()).await;
    assert_eq!((conversations, messages, lines.len()), (7 + 2 + 3, 40 + 2 * 21 + 3 * 21, 8 + 5 + 145));
    assert_eq!(lines, contents(&second.stores()).await.2);
    assert_ne!(lines, contents(&other.stores()).await.2);
}

#[tokio::test]
async fn a_second_seed_is_refused_and_changes_nothing() {
    let (store, _data) = database().await;
    fill(&store.stores(), &PLAN).await.unwrap();
    let before = contents(&store.stores()).await;
    assert!(matches!(fill(&store.stores(), &Plan { seed: 43, ..PLAN }).await, Err(SeedError::Plan(_))));
    assert_eq!(contents(&store.stores()).await, before);
}

#[tokio::test]
async fn progress_counts_everything_that_is_made() {
    let (store, _data) = database().await;
    let steps = std::cell::Cell::new(0);
    let password = PasswordHash::new("$2b$04$made-up".to_owned());
    seed(&store.stores(), &PLAN, &password, &|| steps.set(steps.get() + 1)).await.unwrap();
    assert_eq!(steps.get(), PLAN.steps());
}
