//! The doors.

use std::collections::{BTreeMap, HashMap};

use reqwest::Method;
use serde_json::{Value, json, value::RawValue};
use tokio_tungstenite::tungstenite::Message;

use super::super::client::{SocketIo, Transport};
use crate::support::{Client, Socket};

/// A way to have a command carried out.
pub(super) trait Way {
    /// The outcome as `{"data": …}` or `{"problem": …}`; `None` if this cannot be said this way.
    async fn carry_out(&mut self, client: &Client, command: &str, data: &str) -> Option<Value>;
}

/// By a request for each command.
pub(super) struct Rest;

impl Way for Rest {
    async fn carry_out(&mut self, client: &Client, command: &str, data: &str) -> Option<Value> {
        let (method, path, typing) = match command {
            "resume" => (Method::POST, "/api/v1/sync", None),
            "message.send" => (Method::POST, "/api/v1/conversations/{id}/messages", None),
            "typing.start" => (Method::POST, "/api/v1/conversations/{id}/typing", Some("true")),
            "typing.stop" => (Method::POST, "/api/v1/conversations/{id}/typing", Some("false")),
            "receipt.read" => (Method::POST, "/api/v1/conversations/{id}/read", None),
            "receipt.delivered" => (Method::POST, "/api/v1/conversations/{id}/delivered", None),
            "status.set" => (Method::PUT, "/api/v1/users/me/status", None),
            // These make sense on a socket alone.
            "auth" | "ping" | "message.destroy" => return None,
            unknown => panic!("the command {unknown} needs its REST call here"),
        };
        let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(data).ok()?;
        let mut path = path.to_owned();
        if path.contains("{id}") {
            let id: String = serde_json::from_str(members.remove("conversationId")?.get()).ok()?;
            // An id that is none is told of as a part of the path.
            path = (id.len() == 24).then(|| path.replace("{id}", &id))?;
        }
        if let Some(typing) = typing {
            members.insert("typing".to_owned(), RawValue::from_string(typing.to_owned()).unwrap());
        }
        let request = client.request(method, &path).header("Content-Type", "application/json");
        let answer = client.send(request.body(serde_json::to_string(&members).unwrap())).await;
        if answer.status.is_success() {
            return Some(json!({ "data": if answer.body.is_null() { json!({}) } else { answer.body } }));
        }
        assert_eq!(answer.body["status"], answer.status.as_u16());
        let mut problem = answer.body;
        problem.as_object_mut().unwrap().remove("requestId").unwrap();
        Some(json!({ "problem": problem }))
    }
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
