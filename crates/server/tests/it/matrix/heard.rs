//! Which events come to whom: the tables of the page that tell who hears.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    cast::{Cast, done},
    stage::{befriend, part},
    table::page,
    troupe::Troupe,
};
use crate::{
    live::ready,
    socketio::client::{SocketIo, Transport},
    support::{Client, PATIENCE, Socket},
};

const GROUP: &str = "Who hears of a group";
const USER: &str = "Who hears of another user";
const RELATIONS: &str = "Who hears of friends and blocks";

/// The headings of these tables.
pub(super) const SECTIONS: [&str; 3] = [GROUP, USER, RELATIONS];

/// What a row is about.
struct Row {
    event: String,
    when: String,
    /// By relation, whether he hears it.
    heard: Vec<(String, bool)>,
}

fn rows(title: &str) -> Vec<Row> {
    let when = if title == RELATIONS { "when one" } else { "when he" };
    let row = |([event, when], cells): ([String; 2], Vec<(String, String)>)| {
        let heard = |(relation, cell): (String, String)| {
            assert!(["", "heard"].contains(&&*cell), "{cell}");
            (relation, cell == "heard")
        };
        Row { event, when, heard: cells.into_iter().map(heard).collect() }
    };
    page().read(title, ["event", when]).map(row).collect()
}

#[test]
fn every_event_has_its_row_and_every_row_its_event() {
    let document = parlor_api::asyncapi();
    let messages = document["operations"]["events"]["messages"].as_array().unwrap();
    let name = |message: &Value| message["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let all: BTreeSet<String> = messages.iter().map(name).collect();
    // These are about the connection itself.
    let own = ["ready", "resync", "session.revoked"].map(str::to_owned).into();
    let rows: BTreeSet<String> = SECTIONS.into_iter().flat_map(rows).map(|row| row.event).collect();
    assert_eq!(rows, all.difference(&own).cloned().collect());
}

/// A socket of somebody who may hear something.
enum Ear {
    Plain(Box<Socket>),
    SocketIo(Box<SocketIo>),
}

impl Ear {
    /// The next event and its data.
    async fn next(&mut self) -> (String, Value) {
        match self {
            Self::Plain(socket) => {
                let mut event = socket.next().await;
                (event["event"].as_str().unwrap().to_owned(), event["data"].take())
            }
            Self::SocketIo(socket) => {
                let event = socket.event().await;
                (event.name, event.data)
            }
        }
    }

    /// How often an event of this name came that tells of this, until one came of the other name and told of the other.
    async fn count_until(&mut self, what: &Sign, end: &Sign) -> usize {
        let mut count = 0;
        loop {
            let (name, data) = self.next().await;
            count += usize::from(what.is(&name, &data));
            if end.is(&name, &data) {
                return count;
            }
        }
    }
}

/// By what an event is known.
struct Sign {
    event: String,
    /// What is in its data.
    mark: String,
}

impl Sign {
    fn new(event: &str, mark: &str) -> Self {
        Self { event: event.to_owned(), mark: mark.to_owned() }
    }

    fn is(&self, name: &str, data: &Value) -> bool {
        self.event == name && data.to_string().contains(&self.mark)
    }
}

/// Those who may hear something, and who ends their waiting.
struct Audience {
    ears: Vec<(&'static str, Ear)>,
    herald: Client,
    /// The herald's conversations with them.
    lines: Vec<String>,
    /// How often he has ended it.
    told: usize,
}

impl Audience {
    async fn gather(cast: &Cast, listeners: &[(&'static str, &Client)]) -> Self {
        let herald = cast.user().await;
        let (mut ears, mut lines) = (Vec::new(), Vec::new());
        for (relation, client) in listeners {
            lines.push(herald.direct(client).await);
            ears.push((*relation, Ear::Plain(Box::new(ready(client).await))));
            ears.push((*relation, Ear::SocketIo(Box::new(SocketIo::ready(client, Transport::WebSocket).await))));
        }
        Self { ears, herald, lines, told: 0 }
    }

    /// Who has heard it as often as he should.
    async fn check(&mut self, row: &Row, mark: &str) {
        let sign = Sign::new(&row.event, mark);
        let hears = |relation: &str| row.heard.iter().find(|(name, _)| name == relation).unwrap().1;
        for (relation, ear) in self.ears.iter_mut().filter(|(relation, _)| hears(relation)) {
            let heard = timeout(PATIENCE / 2, ear.count_until(&sign, &sign)).await;
            assert!(heard.is_ok(), "{} when he {}: {relation} hears nothing", row.event, row.when);
        }
        // All that was to come has come to some; whatever came to others stands before what comes now.
        let end = self.end().await;
        for (relation, ear) in &mut self.ears {
            let more = ear.count_until(&sign, &end).await;
            assert_eq!(more, 0, "{} when he {}: {relation}", row.event, row.when);
        }
    }

    /// Passes over what has come.
    async fn pass(&mut self) {
        let end = self.end().await;
        for (_, ear) in &mut self.ears {
            ear.count_until(&end, &end).await;
        }
    }

    /// Tells everyone something that comes after all that has happened.
    async fn end(&mut self) -> Sign {
        self.told += 1;
        let text = format!("That was number {}.", self.told);
        for line in &self.lines {
            self.herald.say(line, &text).await;
        }
        Sign::new("message.created", &text)
    }
}

/// Has somebody do something in a conversation, or to another who is in it. Gives what is in the data of the events that tell of it.
async fn act(who: &Client, when: &str, conversation: &str, other: &Client) -> String {
    let path = format!("/api/v1/conversations/{conversation}");
    let words = format!("mark {conversation} {when}");
    let (method, path, body, mark) = match when {
        "writes" => (Method::POST, format!("{path}/messages"), json!({ "text": words }), words),
        "edits" | "deletes" => {
            let id = who.say(conversation, "first").await["id"].as_str().unwrap().to_owned();
            let method = if when == "edits" { Method::PATCH } else { Method::DELETE };
            (method, format!("{path}/messages/{id}"), json!({ "text": words }), id)
        }
        "renames it" => (Method::PATCH, path, json!({ "name": words }), words),
        "reads" => {
            let last = who.get(&path).await.body["lastSeq"].clone();
            (Method::POST, format!("{path}/read"), json!({ "seq": last }), who.id().to_owned())
        }
        "types" => (Method::POST, format!("{path}/typing"), json!({ "typing": true }), who.id().to_owned()),
        "mutes it" => (Method::PATCH, format!("{path}/settings"), json!({ "muted": true }), conversation.to_owned()),
        "is away" => {
            (Method::PUT, "/api/v1/users/me/status".to_owned(), json!({ "kind": "away" }), "\"away\"".to_owned())
        }
        "has another name" => (Method::PATCH, "/api/v1/users/me".to_owned(), json!({ "displayName": words }), words),
        "asks to be friends" => {
            let body = json!({ "userId": other.id() });
            (Method::POST, "/api/v1/friend-requests".to_owned(), body, who.id().to_owned())
        }
        unknown => panic!("how does one {unknown}?"),
    };
    let request = who.request(method, &path);
    let answer = who.send(request.json(&body)).await;
    let refused = ["not_allowed_to_write", "user_blocked"].map(Value::from).contains(&answer.body["code"]);
    assert!(answer.status.is_success() || refused, "{path}: {answer:?}");
    mark
}

#[tokio::test]
async fn what_happens_in_a_group_comes_to_its_members_alone() {
    let cast = Cast::assemble().await;
    let troupe = Troupe::assemble(&cast).await;
    let listeners = [
        ("owner", &troupe.owner),
        ("admin", &troupe.admin),
        ("member", &troupe.member),
        ("muted", &troupe.muted),
        ("blocked", &troupe.blocked),
        ("former", &troupe.former),
        ("stranger", &cast.stranger),
    ];
    let mut audience = Audience::gather(&cast, &listeners).await;
    for row in rows(GROUP) {
        let group = troupe.group(&cast).await.id;
        troupe.admin.say(&group, "something to be read").await;
        audience.pass().await;
        let mark = match (&*row.event, &*row.when) {
            ("conversation.created", _) => {
                let name = format!("Made {group}");
                let members = [troupe.admin.id(), troupe.member.id(), troupe.muted.id()];
                let body = json!({ "name": name, "memberIds": members });
                done(&troupe.owner, Method::POST, "/api/v1/conversations", body).await;
                name
            }
            (event, "removes the member") => {
                let path = format!("/api/v1/conversations/{group}/members/{}", troupe.member.id());
                done(&troupe.owner, Method::DELETE, &path, Value::Null).await;
                if event == "message.created" { removal(&troupe.owner, &group).await } else { group }
            }
            (_, when) => act(&troupe.owner, when, &group, &troupe.admin).await,
        };
        audience.check(&row, &mark).await;
    }
}

/// The id of the newest message of a group.
async fn removal(member: &Client, group: &str) -> String {
    let page = member.get(&format!("/api/v1/conversations/{group}/messages?limit=1")).await.body;
    assert_eq!(page["items"][0]["system"]["action"], "members_removed", "{page}");
    page["items"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_user_does_comes_to_whom_it_may() {
    let cast = Cast::assemble().await;
    for row in rows(USER) {
        for (relation, _) in &row.heard {
            let relation = ["member", "blocked", "blocking", "unwanted", "stranger"]
                .into_iter()
                .find(|name| name == relation)
                .unwrap();
            let (listener, other) = (cast.user().await, cast.user().await);
            let conversation = match relation {
                "stranger" => other.direct(&cast.root).await,
                _ => other.direct(&listener).await,
            };
            let partner = if relation == "stranger" { &cast.root } else { &listener };
            partner.say(&conversation, "hello").await;
            part(relation, &listener, &other).await;
            let mut audience = Audience::gather(&cast, &[(relation, &listener)]).await;
            // What is refused is told to nobody.
            let mark = act(&other, &row.when, &conversation, partner).await;
            audience.check(&row, &mark).await;
        }
    }
}

#[tokio::test]
async fn what_two_are_to_each_other_is_told_to_them_alone() {
    let cast = Cast::assemble().await;
    for row in rows(RELATIONS) {
        let (one, other) = (cast.user().await, cast.user().await);
        let ask = async |from: &Client, to: &Client| {
            let body = json!({ "userId": to.id() });
            let request = done(from, Method::POST, "/api/v1/friend-requests", body).await;
            request["id"].as_str().unwrap().to_owned()
        };
        let block = format!("/api/v1/blocks/{}", other.id());
        let mut request = String::new();
        match &*row.when {
            "takes it back" => request = ask(&one, &other).await,
            "rejects" | "accepts" => request = ask(&other, &one).await,
            "ends it" => befriend(&one, &other).await,
            "ends the block" => drop(done(&one, Method::PUT, &block, Value::Null).await),
            _ => {}
        }
        let listeners = [("oneself", &one), ("the other one", &other), ("stranger", &cast.stranger)];
        let mut audience = Audience::gather(&cast, &listeners).await;
        let path = format!("/api/v1/friend-requests/{request}");
        let (method, path) = match &*row.when {
            "asks" => (Method::GET, ask(&one, &other).await),
            "takes it back" => (Method::DELETE, path),
            "rejects" => (Method::POST, format!("{path}/reject")),
            "accepts" => (Method::POST, format!("{path}/accept")),
            "ends it" => (Method::DELETE, format!("/api/v1/friends/{}", other.id())),
            "blocks" => (Method::PUT, block),
            "ends the block" => (Method::DELETE, block),
            unknown => panic!("how does one {unknown}?"),
        };
        if method != Method::GET {
            done(&one, method, &path, Value::Null).await;
        }
        // The other one of the two is in the event's data.
        audience.check(&row, "").await;
    }
}
