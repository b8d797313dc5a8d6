//! The doors.

use std::collections::{BTreeMap, HashMap};

use reqwest::Method;
use serde_json::{Value, json, value::RawValue};
use tokio_tungstenite::tungstenite::Message;

use super::super::client::{SocketIo, Transport};
use crate::support::{Answer, Client, Socket};

/// A way to have a command carried out.
pub(super) trait Way {
    /// The outcome as `{"data": …}` or `{"problem": …}`; `None` if this cannot be said this way.
    async fn carry_out(&mut self, client: &Client, command: &str, data: &str) -> Option<Value>;
}

/// By a request for each command.
pub(super) struct Rest;

impl Way for Rest {
    async fn carry_out(&mut self, client: &Client, command: &str, data: &str) -> Option<Value> {
        if let Some((method, path, member)) = about_people(command) {
            let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(data).ok()?;
            let id: String = serde_json::from_str(members.remove(member)?.get()).ok()?;
            // These calls have no body, and an id that is none is told of as a part of the path.
            let path = (id.len() == 24 && members.is_empty()).then(|| path.replace("{id}", &id))?;
            return Some(outcome(client.send(client.request(method, &path)).await));
        }
        if let Some((method, path)) = about_messages(command) {
            let mut members: BTreeMap<String, String> = serde_json::from_str(data).ok()?;
            let mut path = format!("/api/v1/conversations/{{conversationId}}/messages/{{messageId}}{path}");
            for name in ["conversationId", "messageId", "emoji"] {
                let place = format!("{{{name}}}");
                if path.contains(&place) {
                    // What stands in the path is told of as a part of it if it is wrong.
                    let value = members.remove(name)?;
                    let is_emoji = value == "👍" || (value.starts_with(':') && value.ends_with(':') && value.len() > 2);
                    let good = if name == "emoji" { is_emoji } else { value.len() == 24 };
                    path = good.then(|| path.replace(&place, &value))?;
                }
            }
            return Some(outcome(members.is_empty().then_some(client.send(client.request(method, &path)))?.await));
        }
        let (method, path, typing) = match command {
            "message.edit" => (Method::PATCH, "/api/v1/conversations/{id}/messages/{messageId}", None),
            "resume" => (Method::POST, "/api/v1/sync", None),
            "message.send" => (Method::POST, "/api/v1/conversations/{id}/messages", None),
            "typing.start" => (Method::POST, "/api/v1/conversations/{id}/typing", Some("true")),
            "typing.stop" => (Method::POST, "/api/v1/conversations/{id}/typing", Some("false")),
            "receipt.read" => (Method::POST, "/api/v1/conversations/{id}/read", None),
            "receipt.delivered" => (Method::POST, "/api/v1/conversations/{id}/delivered", None),
            "conversation.create" => (Method::POST, "/api/v1/conversations", None),
            "conversation.update" => (Method::PATCH, "/api/v1/conversations/{id}", None),
            "conversation.settings" => (Method::PATCH, "/api/v1/conversations/{id}/settings", None),
            "member.add" => (Method::POST, "/api/v1/conversations/{id}/members", None),
            "member.update" => (Method::PATCH, "/api/v1/conversations/{id}/members/{userId}", None),
            "member.remove" => (Method::DELETE, "/api/v1/conversations/{id}/members/{userId}", None),
            "community.create" => (Method::POST, "/api/v1/communities", None),
            "community.update" => (Method::PATCH, "/api/v1/communities/{id}", None),
            "channel.create" => (Method::POST, "/api/v1/communities/{id}/channels", None),
            "channel.update" => (Method::PATCH, "/api/v1/channels/{id}", None),
            "status.set" => (Method::PUT, "/api/v1/users/me/status", None),
            "friendRequest.send" => (Method::POST, "/api/v1/friend-requests", None),
            // These make sense on a socket alone.
            "auth" | "ping" | "message.destroy" => return None,
            unknown => panic!("the command {unknown} needs its REST call here"),
        };
        let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(data).ok()?;
        let mut path = path.to_owned();
        if path.contains("{id}") {
            let member = match command {
                "community.update" | "channel.create" => "communityId",
                "channel.update" => "channelId",
                _ => "conversationId",
            };
            let id: String = serde_json::from_str(members.remove(member)?.get()).ok()?;
            // An id that is none is told of as a part of the path.
            path = (id.len() == 24).then(|| path.replace("{id}", &id))?;
        }
        if path.contains("{userId}") {
            let id: String = serde_json::from_str(members.remove("userId")?.get()).ok()?;
            path = (id.len() == 24).then(|| path.replace("{userId}", &id))?;
        }
        if path.contains("{messageId}") {
            let id: String = serde_json::from_str(members.remove("messageId")?.get()).ok()?;
            path = (id.len() == 24).then(|| path.replace("{messageId}", &id))?;
        }
        if command == "member.remove" && !members.is_empty() {
            // It has no body to be wrong.
            return None;
        }
        if let Some(typing) = typing {
            members.insert("typing".to_owned(), RawValue::from_string(typing.to_owned()).unwrap());
        }
        let request = client.request(method, &path).header("Content-Type", "application/json");
        Some(outcome(client.send(request.body(serde_json::to_string(&members).unwrap())).await))
    }
}

/// The calls that name in their path what they are about, and have no body.
fn about_people(command: &str) -> Option<(Method, &'static str, &'static str)> {
    Some(match command {
        "friendRequest.accept" => (Method::POST, "/api/v1/friend-requests/{id}/accept", "requestId"),
        "friendRequest.reject" => (Method::POST, "/api/v1/friend-requests/{id}/reject", "requestId"),
        "friendRequest.cancel" => (Method::DELETE, "/api/v1/friend-requests/{id}", "requestId"),
        "community.delete" => (Method::DELETE, "/api/v1/communities/{id}", "communityId"),
        "community.join" => (Method::POST, "/api/v1/communities/{id}/join", "communityId"),
        "channel.delete" => (Method::DELETE, "/api/v1/channels/{id}", "channelId"),
        "friend.remove" => (Method::DELETE, "/api/v1/friends/{id}", "userId"),
        "user.block" => (Method::PUT, "/api/v1/blocks/{id}", "userId"),
        "user.unblock" => (Method::DELETE, "/api/v1/blocks/{id}", "userId"),
        _ => return None,
    })
}

/// The calls that name a message in their path and have no body, with what comes behind it there.
fn about_messages(command: &str) -> Option<(Method, &'static str)> {
    Some(match command {
        "message.delete" => (Method::DELETE, ""),
        "message.pin" => (Method::PUT, "/pin"),
        "message.unpin" => (Method::DELETE, "/pin"),
        "reaction.add" => (Method::PUT, "/reactions/{emoji}"),
        "reaction.remove" => (Method::DELETE, "/reactions/{emoji}"),
        _ => return None,
    })
}

fn outcome(answer: Answer) -> Value {
    if answer.status.is_success() {
        return json!({ "data": if answer.body.is_null() { json!({}) } else { answer.body } });
    }
    assert_eq!(answer.body["status"], answer.status.as_u16());
    let mut problem = answer.body;
    problem.as_object_mut().unwrap().remove("requestId").unwrap();
    json!({ "problem": problem })
}

/// By the plain WebSocket, one for each user.
#[derive(Default)]
pub(super) struct Plain {
    sockets: HashMap<String, Socket>,
}

impl Way for Plain {
    async fn carry_out(&mut self, client: &Client, command: &str, data: &str) -> Option<Value> {
        let user = client.id().to_owned();
        if !self.sockets.contains_key(&user) {
            let mut socket = client.socket().await;
            socket.event("ready").await;
            self.sockets.insert(user.clone(), socket);
        }
        let socket = self.sockets.get_mut(&user).unwrap();
        let frame = format!(r#"{{"id":1,"command":"{command}","data":{data}}}"#);
        socket.send(Message::text(frame)).await;
        loop {
            let mut frame = socket.next().await;
            if let Some(reply) = frame.as_object_mut().unwrap().remove("reply") {
                // A frame whose JSON is bad as a whole has lost its number.
                assert!([json!(1), Value::Null].contains(&reply));
                return Some(frame);
            }
        }
    }
}

/// By Socket.IO, one connection for each user.
pub(super) struct Stock {
    transport: Transport,
    sockets: HashMap<String, SocketIo>,
}

impl Stock {
    pub(super) fn new(transport: Transport) -> Self {
        Self { transport, sockets: HashMap::new() }
    }
}

impl Way for Stock {
    async fn carry_out(&mut self, client: &Client, command: &str, data: &str) -> Option<Value> {
        let user = client.id().to_owned();
        if !self.sockets.contains_key(&user) {
            self.sockets.insert(user.clone(), SocketIo::ready(client, self.transport).await);
        }
        let socket = self.sockets.get_mut(&user).unwrap();
        Some(socket.emit(&format!(r#"["{command}",{data}]"#)).await)
    }
}
