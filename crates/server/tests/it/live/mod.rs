//! The plain WebSocket: who may open one, what goes over it, and how it ends.

mod authentication;
mod changes;
mod commands;
mod events;
mod groups;
mod lifetime;
mod people;
mod protocol;
pub(crate) mod raw;
mod resume;
mod upgrade;

use serde_json::{Value, json};

use crate::support::{Answer, Client, PASSWORD, Socket};

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

/// The access cookie of a new session of this client's user, as a `Cookie` header.
pub(crate) async fn cookie(client: &Client) -> String {
    let login = json!({ "login": client.user["username"], "password": PASSWORD, "session": "cookie" });
    let answer = client.post("/api/v1/auth/login", login).await;
    let cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let access = cookies.into_iter().find(|cookie| cookie.starts_with("parlor_access=")).unwrap();
    access.split(';').next().unwrap().to_owned()
}

/// A socket of this client that is ready.
pub(crate) async fn ready(client: &Client) -> Socket {
    let mut socket = client.socket().await;
    socket.event("ready").await;
    socket
}
