//! The plain WebSocket: who may open one, what goes over it, and how it ends.

mod authentication;
mod commands;
mod events;
mod lifetime;
mod protocol;
mod raw;
mod resume;
mod upgrade;

use serde_json::Value;

use crate::support::{Answer, Client, Socket};

/// Asks for a socket by HTTP alone, to see the refusal. A header that is given stands for the right one.
pub(crate) async fn refused(client: &Client, query: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request(reqwest::Method::GET, &format!("/api/v1/ws{query}"));
    let usual = raw::HANDSHAKE.iter().filter(|(name, _)| headers.iter().all(|(given, _)| given != name));
    for (name, value) in usual.chain(headers) {
        request = request.header(*name, *value);
    }
    let answer = client.send(request).await;
    assert_ne!(answer.status, 101, "the socket was opened");
    answer
}

/// A status and a problem's code.
pub(crate) fn problem(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.body["code"].as_str().unwrap_or_default())
}

/// A one-time ticket.
pub(crate) async fn ticket(client: &Client) -> String {
    let answer = client.post("/api/v1/ws/ticket", Value::Null).await;
    answer.body["ticket"].as_str().unwrap().to_owned()
}

/// A socket of this client that is ready.
pub(crate) async fn ready(client: &Client) -> Socket {
    let mut socket = client.socket().await;
    socket.event("ready").await;
    socket
}
