//! A server with the same users, conversations and limits each time, and names for their ids.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use parlor_domain::testing::SettableClock;
use serde_json::{Map, Value, json};

use crate::support::{Client, Setup, Socket, TestServer};

const LIMITS: [(&str, &str); 4] = [
    ("limits.messages_per_user", "{ burst = 80, per_minute = 1 }"),
    ("limits.friend_requests_per_user", "{ burst = 20, per_minute = 1 }"),
    ("limits.signals_per_user", "{ burst = 400, per_minute = 1 }"),
    ("limits.syncs_per_user", "{ burst = 40, per_minute = 1 }"),
];

/// A server, and who is there.
pub(super) struct World {
    _server: TestServer,
    users: HashMap<&'static str, Client>,
    /// What the ids are called.
    names: Vec<(&'static str, String)>,
    /// So that everybody is online through every door.
    _tabs: Vec<Socket>,
}

impl World {
    pub(super) async fn build() -> Self {
        // A clock that stands still makes the times equal.
        let setup = Setup { set: &LIMITS, clock: Arc::new(SettableClock::default()) };
        let server = TestServer::start_with(setup).await;
        let mut users = HashMap::new();
        let mut tabs = Vec::new();
        for name in ["ada", "bob", "eve", "flo", "gus", "ivy"] {
            let client = server.signup(name).await;
            let mut tab = client.socket().await;
            tab.event("ready").await;
            tabs.push(tab);
            users.insert(name, client);
        }
        let (ada, bob, eve, flo, gus) = (&users["ada"], &users["bob"], &users["eve"], &users["flo"], &users["gus"]);
        let ivy = &users["ivy"];
        let direct = ada.direct(bob).await;
        let said = async |by: &Client, text: &str| by.say(&direct, text).await["id"].as_str().unwrap().to_owned();
        let by_bob = said(bob, "Hello, Ada.").await;
        let (by_ada, another) = (said(ada, "Hello, Bob.").await, said(ada, "Goodbye, Bob.").await);
        let (community, bobs) = (community(ada, "Table", "public").await, community(bob, "Bob's", "public").await);
        let names = vec![
            ("$byBob", by_bob),
            ("$byAda", by_ada),
            ("$another", another),
            ("$direct", direct),
            ("$foreign", bob.direct(eve).await),
            ("$group", ada.group(&[bob]).await),
            ("$community", community.clone()),
            ("$channel", channel(ada, &community, "council").await),
            ("$passing", channel(ada, &community, "passing").await),
            ("$doomed", self::community(ada, "Doomed", "public").await),
            ("$bobsChannel", channel(bob, &bobs, "general").await),
            ("$bobs", bobs),
            ("$hidden", self::community(bob, "Hidden", "private").await),
            ("$led", bob.group(&[ada]).await),
            ("$flos", flo.direct(bob).await),
            ("$gone", ada.direct(gus).await),
            ("$byEve", ask(eve, ada).await),
            ("$byFlo", ask(flo, ada).await),
            ("$toIvy", ask(ada, ivy).await),
            ("$strange", ask(bob, eve).await),
            ("$unknown", "000000000000000000000000".to_owned()),
            ("$ada", ada.id().to_owned()),
            ("$bob", bob.id().to_owned()),
            ("$eve", eve.id().to_owned()),
            ("$flo", flo.id().to_owned()),
            ("$ivy", ivy.id().to_owned()),
            ("$eve", eve.id().to_owned()),
            ("$gus", gus.id().to_owned()),
            // A part of what is shown instead of his name.
            ("$tail", gus.id()[12..].to_owned()),
        ];
        assert_eq!(gus.delete_account().await.status, 204);
        let world = Self { _server: server, users, names, _tabs: tabs };
        world.exhaust().await;
        world
    }

    /// Takes from Flo whatever her limits allow.
    async fn exhaust(&self) {
        let flo = &self.users["flo"];
        let conversation = self.fill("/api/v1/conversations/$flos");
        for (path, body) in [
            (format!("{conversation}/messages"), json!({ "text": "again" })),
            (format!("{conversation}/typing"), json!({ "typing": true })),
            ("/api/v1/sync".to_owned(), json!({ "streams": {} })),
            ("/api/v1/friend-requests".to_owned(), json!({ "userId": self.fill("$unknown") })),
        ] {
            while flo.post(&path, body.clone()).await.status != 429 {}
        }
    }

    pub(super) fn user(&self, name: &str) -> &Client {
        &self.users[name]
    }

    /// The AsyncAPI document, as the server serves it.
    pub(super) async fn asyncapi(&self) -> Value {
        self.users["ada"].get("/api/docs/asyncapi.json").await.body
    }

    /// Puts ids in the place of names.
    pub(super) fn fill(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }

    /// Puts names in the place of ids, and leaves out of it what only one door can say.
    pub(super) fn tell(&self, mut outcome: Value) -> Value {
        if outcome["problem"]["code"] == "invalid_json" {
            // It says at which line and column.
            outcome["problem"].as_object_mut().unwrap().remove("detail").unwrap();
        }
        self.renamed(outcome)
    }

    fn renamed(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.name_of(text)),
            Value::Array(values) => {
                let mut values: Vec<Value> = values.into_iter().map(|value| self.renamed(value)).collect();
                // Members stand in the order of their ids, which are others in each world.
                values.sort_by_key(|value| value["userId"].as_str().map(str::to_owned));
                values.into()
            }
            Value::Object(members) => {
                let mut named: BTreeMap<String, Vec<Value>> = BTreeMap::new();
                for (name, value) in members {
                    named.entry(self.name_of(name)).or_default().push(self.renamed(value));
                }
                // Of several that are new, whose ids are others in each world, all stand under one name.
                let all = |(name, mut values): (String, Vec<Value>)| {
                    values.sort_by_key(Value::to_string);
                    (name, if values.len() > 1 { values.into() } else { values.remove(0) })
                };
                Value::Object(named.into_iter().map(all).collect::<Map<_, _>>())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    fn name_of(&self, text: String) -> String {
        let text = self.names.iter().fold(text, |text, (name, id)| text.replace(id, name));
        if text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) { "$new".to_owned() } else { text }
    }
}

/// Makes a community. Gives its id.
async fn community(by: &Client, name: &str, privacy: &str) -> String {
    let answer = by.post("/api/v1/communities", json!({ "name": name, "privacy": privacy })).await;
    answer.body["id"].as_str().unwrap().to_owned()
}

/// Makes a channel. Gives its id.
async fn channel(by: &Client, community: &str, name: &str) -> String {
    let answer = by.post(&format!("/api/v1/communities/{community}/channels"), json!({ "name": name })).await;
    answer.body["id"].as_str().unwrap().to_owned()
}

/// Asks somebody to be friends. Gives the request's id.
async fn ask(from: &Client, to: &Client) -> String {
    let answer = from.post("/api/v1/friend-requests", json!({ "userId": to.id() })).await;
    answer.body["id"].as_str().unwrap().to_owned()
}
