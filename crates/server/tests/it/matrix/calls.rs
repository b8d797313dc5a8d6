//! How each operation is called: with which ids in its path, and with which body. `$name` stands for what the stage has
//! of that name; `$object` is what the row is about.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{stage::Scene, table::Row};
use crate::support::PASSWORD;

/// What is sent, with names in the place of ids.
pub(super) struct Call {
    pub(super) method: Method,
    /// The whole path; empty for what sockets alone have.
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// The command.
    pub(super) command: String,
    /// The command's data.
    pub(super) data: Value,
    /// What has to be hidden from who must not know of it.
    pub(super) object: &'static str,
}

impl Call {
    /// Whether another id can be put in the place of the object's.
    pub(super) fn names_its_object(&self) -> bool {
        self.path.contains(self.object) || self.body.as_ref().is_some_and(|body| body.to_string().contains(self.object))
    }
}

/// The call of a row, by who is this to its object.
pub(super) fn call(scene: Scene, row: &Row, relation: &str) -> Call {
    let outside = ["former", "stranger", "outsider", "removed"].contains(&relation);
    let ids = ids(row, scene.has_members() && !outside);
    let body = body(scene, row);
    let (method, path) = row.operation.split_once(' ').unwrap_or(("GET", ""));
    let mut data: Map<String, Value> = body.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    data.remove("typing");
    for (placeholder, name) in &ids.in_path {
        data.insert(in_data(path, placeholder).to_owned(), json!(name));
    }
    if row.command == "auth" {
        data.insert("token".to_owned(), json!("$token"));
    }
    let path = ids.in_path.iter().fold(whole(path), |path, (placeholder, name)| path.replace(placeholder, name));
    Call {
        method: method.parse().unwrap(),
        path: path + query(row),
        body,
        command: row.command.clone(),
        data: data.into(),
        object: ids.object,
    }
}

/// The names in the place of a path's ids, and which of all names is the object's.
struct Ids {
    in_path: Vec<(&'static str, &'static str)>,
    object: &'static str,
}

fn ids(row: &Row, inside: bool) -> Ids {
    let operation = &*row.operation;
    // Who is in a group may know of it, but not of who is somewhere else.
    let elsewhere = inside && operation.contains("/members/");
    let object = match &*row.about {
        "a stranger" | "a stranger becomes admin" if elsewhere => "$newcomer",
        "by his name" => "$name",
        "a private one" => "$private",
        "a deleted account" if operation.contains("/admin/") => "$deleted",
        "one's own account" => "$self",
        "one's own" if operation.contains("/sessions") => "$session",
        "another user's" | "a session of somebody else" => "$foreign",
        "of another conversation" if inside => "$elsewhere",
        _ => "$object",
    };
    let whose = if elsewhere || operation.contains("{messageId}") || operation.contains("{sessionId}") {
        "$object"
    } else {
        object
    };
    let of_session = if row.about == "an account" { "$session" } else { "$foreign" };
    let message = match &*row.about {
        "one's own" => "$mine",
        "the owner's" => "$theirs",
        "of another conversation" => "$elsewhere",
        _ => "$message",
    };
    let all = [
        ("{id}", whose),
        ("{messageId}", message),
        ("{emoji}", ":wave:"),
        ("{userId}", member(&row.about)),
        ("{sessionId}", of_session),
        ("{file}", "swagger-ui.css"),
    ];
    let in_path = all.into_iter().filter(|(placeholder, _)| operation.contains(placeholder)).collect();
    Ids { in_path, object }
}

/// Which member an operation is about.
fn member(about: &str) -> &'static str {
    let who = about.split_once(" becomes ").map_or(about, |(who, _)| who);
    match who {
        "oneself" => "$self",
        "a member" => "$bystander",
        "an admin" => "$deputy",
        "the owner" => "$owner",
        "a stranger" => "$newcomer",
        "a member of the community" => "$outsider",
        "who blocks the caller" => "$hostile",
        "whom the caller blocks" => "$avoided",
        "a deleted account" => "$deleted",
        _ => "$nobody",
    }
}

fn whole(path: &str) -> String {
    let as_it_is = ["/healthz", "/readyz", "/metrics", "/api/"].iter().any(|start| path.starts_with(start));
    if as_it_is { path.to_owned() } else { format!("/api/v1{path}") }
}

fn query(row: &Row) -> &'static str {
    match (&*row.operation, &*row.about) {
        ("GET /users", _) => "?q=$name",
        ("GET /communities/directory", "a private one") => "?q=$privateName",
        ("GET /communities/directory", _) => "?q=$publicName",
        ("GET /search/messages", "in one conversation") => "?q=hello&conversationId=$object",
        ("GET /search/messages", _) => "?q=hello&limit=100",
        ("GET /friend-requests", "outgoing") => "?direction=outgoing",
        (operation, _) if operation.starts_with("GET ") && operation.ends_with("/reactions") => "?emoji=:wave:",
        _ => "",
    }
}

/// What a command calls an id that stands in a path.
fn in_data(path: &str, placeholder: &str) -> &'static str {
    match (path.split('/').nth(1), placeholder) {
        (_, "{messageId}") => "messageId",
        (_, "{emoji}") => "emoji",
        (Some("conversations"), "{id}") => "conversationId",
        (Some("communities"), "{id}") => "communityId",
        (Some("channels"), "{id}") => "channelId",
        (Some("friend-requests"), "{id}") => "requestId",
        _ => "userId",
    }
}

fn body(scene: Scene, row: &Row) -> Option<Value> {
    let body = match &*row.operation {
        "POST /auth/signup" => json!({ "username": "$fresh", "password": PASSWORD }),
        "POST /auth/login" => {
            let password = if row.about == "a wrong password" { "not the right one" } else { PASSWORD };
            json!({ "login": "$login", "password": password })
        }
        "POST /auth/refresh" => json!({ "refreshToken": "$refresh" }),
        "DELETE /users/me" => json!({ "currentPassword": PASSWORD }),
        "PATCH /users/me" => json!({ "displayName": "Somebody else" }),
        "POST /users/me/password" => json!({ "currentPassword": PASSWORD, "newPassword": "battery staple horse" }),
        "PUT /users/me/status" => json!({ "kind": "away" }),
        "POST /conversations/direct" | "POST /friend-requests" => json!({ "userId": "$object" }),
        "POST /conversations" => json!({ "name": "Guild", "memberIds": ["$object"] }),
        "POST /communities" => json!({ "name": "$fresh", "privacy": "public" }),
        "PATCH /communities/{id}" => json!({ "description": "For knights" }),
        "POST /communities/{id}/channels" => json!({ "name": "tournaments" }),
        "PATCH /channels/{id}" => json!({ "position": 3 }),
        "PATCH /conversations/{id}" if row.about == "its read receipts" => json!({ "readReceipts": false }),
        "PATCH /conversations/{id}" => json!({ "name": "Square table" }),
        "PATCH /conversations/{id}/settings" => json!({ "pinned": true }),
        "POST /conversations/{id}/read" | "POST /conversations/{id}/delivered" => json!({ "seq": 1 }),
        "POST /conversations/{id}/typing" => json!({ "typing": row.about == "begins" }),
        "POST /conversations/{id}/messages" => json!({ "text": "hello" }),
        "PATCH /conversations/{id}/messages/{messageId}" => json!({ "text": "something else" }),
        "POST /conversations/{id}/members" => json!({ "userIds": [member(&row.about)] }),
        "PATCH /conversations/{id}/members/{userId}" => {
            json!({ "role": row.about.rsplit(' ').next() })
        }
        "POST /sync" => {
            let own = scene == Scene::Oneself && row.about == "one's own stream";
            json!({ "streams": { (if own { "$self" } else { "$object" }): 0 } })
        }
        "POST /admin/users/{id}/lock" => json!({ "reason": "spam" }),
        "PUT /admin/users/{id}/role" => json!({ "role": "group_admin" }),
        _ => return None,
    };
    Some(body)
}
