//! Every command of this store finds its documents by an index, in the order that it needs: none reads through a whole
//! collection, none sorts. What was stored last is read without an index, and no more of it than a limit.

#![expect(clippy::wildcard_enum_match_arm, reason = "this is a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mongodb::{
    bson::{Bson, Document, doc},
    event::{EventHandler, command::CommandEvent},
};
use parking_lot::Mutex;

use super::{MongoOptions, MongoStore};
use crate::{
    contract::{self, Fixture},
    testing::MongoDatabase,
};

/// The commands that were sent, one of each shape.
type Sent = Arc<Mutex<BTreeMap<String, Document>>>;

macro_rules! run_every_behaviour {
    ($store:ident $($module:ident [$($behaviour:ident)*])*) => {
        $($(
            $store.stores().maintenance.clear().await.unwrap();
            contract::$module::$behaviour(&Fixture::new($store.stores())).await;
        )*)*
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_scans_a_collection_or_sorts() {
    let sent = Sent::default();
    let database = MongoDatabase::fresh();
    let store = connect(&database, &sent).await;
    store.migrate().await.unwrap();
    run_all(&store).await;
    // As many of everything as make a scan or a sort look bad to the planner.
    store.stores().maintenance.clear().await.unwrap();
    contract::fill(&Fixture::new(store.stores())).await;
    let commands: Vec<Document> = sent.lock().values().cloned().collect();
    let mut checked = BTreeSet::new();
    let mut wrong = Vec::new();
    for command in &commands {
        for command in single(command).into_iter().filter(|command| !takes_the_newest(command)) {
            let plan = explain(&store, &command).await;
            if let Some(stage) = forbidden(&plan) {
                wrong.push(format!("{stage}: {command}"));
            }
            checked.insert(command.keys().next().cloned().unwrap_or_default());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(commands.len() > 60, "only {} sorts of commands were seen", commands.len());
    let every_kind = ["aggregate", "delete", "find", "findAndModify", "update"].map(str::to_owned);
    assert_eq!(checked, BTreeSet::from(every_kind));
}

async fn run_all(store: &MongoStore) {
    crate::store_behaviours! { run_every_behaviour, store }
}

async fn connect(database: &MongoDatabase, sent: &Sent) -> MongoStore {
    let sent = Arc::clone(sent);
    let note = move |event: CommandEvent| {
        if let CommandEvent::Started(event) = event
            && let Some(command) = explainable(&event.command)
        {
            // The last one of each shape: those who have asked before have asked for what was cleared since.
            sent.lock().insert(shape(&Bson::Document(command.clone())), command);
        }
    };
    let adjust = |options: &mut mongodb::options::ClientOptions| {
        options.command_event_handler = Some(EventHandler::callback(note));
    };
    MongoStore::connect_with(database.url(), &MongoOptions::default(), adjust).await.unwrap()
}

/// A command without what belongs to its session, if it is one that looks for documents.
fn explainable(command: &Document) -> Option<Document> {
    const LOOK: [&str; 5] = ["aggregate", "delete", "find", "findAndModify", "update"];
    const SCHEMA: [&str; 2] = ["migrations", "migrationLock"];
    let (name, collection) = command.iter().next()?;
    let looks = LOOK.contains(&name.as_str()) && !SCHEMA.contains(&collection.as_str()?);
    let kept = command.iter().filter(|(key, _)| {
        !key.starts_with('$')
            && !["lsid", "txnNumber", "startTransaction", "autocommit", "readConcern", "writeConcern"]
                .contains(&key.as_str())
    });
    let kept: Document = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    // To clear the store is to read through everything.
    let clears = kept.get_array("deletes").is_ok_and(|deletes| {
        deletes
            .iter()
            .any(|delete| delete.as_document().is_some_and(|d| d.get_document("q").is_ok_and(Document::is_empty)))
    });
    (looks && !clears).then_some(kept)
}

/// A command with nothing but the types of its values, to tell those apart that differ in more than values.
fn shape(value: &Bson) -> String {
    match value {
        Bson::Document(document) => {
            let fields: Vec<_> = document.iter().map(|(key, value)| format!("{key}: {}", shape(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Bson::Array(items) => {
            let shapes: BTreeSet<_> = items.iter().map(shape).collect();
            format!("[{}]", shapes.into_iter().collect::<Vec<_>>().join(", "))
        }
        // Names of collections and joined fields are part of the shape, what users wrote is not.
        Bson::String(text) if text.chars().all(char::is_alphabetic) => text.clone(),
        other => format!("{:?}", other.element_type()),
    }
}

/// Whether a command reads what was stored last, and no more of it than its limit.
fn takes_the_newest(command: &Document) -> bool {
    command.get_document("sort").is_ok_and(|order| order.contains_key("$natural")) && command.contains_key("limit")
}

/// The same command with one update or delete alone, as `explain` wants it.
fn single(command: &Document) -> Vec<Document> {
    for list in ["updates", "deletes"] {
        if let Ok(items) = command.get_array(list) {
            let one = |item: &Bson| {
                let mut command = command.clone();
                command.insert(list, vec![item.clone()]);
                command
            };
            return items.iter().take(1).map(one).collect();
        }
    }
    vec![command.clone()]
}

async fn explain(store: &MongoStore, command: &Document) -> Document {
    let explain = doc! { "explain": command.clone(), "verbosity": "executionStats" };
    let database = &store.database.collections.database;
    database.run_command(explain).await.unwrap_or_else(|error| panic!("{error}: {command}"))
}

/// The first stage of a plan that must not be, wherever it stands.
fn forbidden(plan: &Document) -> Option<String> {
    plan.iter().find_map(|(key, value)| match (key.as_str(), value) {
        ("stage", Bson::String(stage)) if stage == "COLLSCAN" || stage == "SORT" => Some(stage.clone()),
        ("$sort", _) => Some("$sort".to_owned()),
        // What it is to do is repeated here; what it has done stands beside it.
        ("$lookup", _) => joins_badly(plan).then(|| "$lookup".to_owned()),
        // What the planner has thought of and not chosen.
        ("rejectedPlans" | "command", _) => None,
        (_, Bson::Document(inner)) => forbidden(inner),
        (_, Bson::Array(items)) => items.iter().filter_map(Bson::as_document).find_map(forbidden),
        _ => None,
    })
}

/// Whether a `$lookup` has looked at more than the one message that it joins to each conversation.
fn joins_badly(stage: &Document) -> bool {
    let number = |field: &str| match stage.get(field) {
        Some(Bson::Int64(number)) => *number,
        Some(Bson::Int32(number)) => i64::from(*number),
        other => panic!("{field} is {other:?}"),
    };
    let (joined, keys) = (number("nReturned"), number("totalKeysExamined"));
    assert!(joined > 0 && keys > 0, "nothing was joined: {stage}");
    number("collectionScans") > 0 || keys > joined
}
