//! What a server logs while people use it.

use serde_json::json;

use crate::{
    cli::{Running, parlor},
    data::Data,
    support::{Client, PASSWORD},
};

/// All that our own code can log, down to the finest.
const EVERYTHING: &str = "debug,parlor_api=trace,parlor_services=trace,parlor_realtime=trace,parlor_repositories=trace";
const TEXT: &str = "canary message text";

#[tokio::test]
async fn no_password_token_or_text_of_a_message_is_logged() {
    for format in ["pretty", "json"] {
        let data = Data::fresh();
        let filter = format!("log.filter={EVERYTHING}");
        let format = format!("log.format={format}");
        let mut command = parlor(&data, &["--port", "0", "--set", &filter, "--set", &format]);
        let server = Running::start(command.args(["--set", "auth.bcrypt_cost=4"]));
        let mut secrets = vec![PASSWORD.to_owned(), TEXT.to_owned()];
        secrets.extend(use_everything(&server).await);
        secrets.push(std::fs::read_to_string(data.folder().join("data/secret.key")).unwrap().trim().to_owned());

        server.signal("-TERM");
        let (_, logged) = server.end();
        assert!(logged.contains("/api/v1/auth/signup"), "the requests are logged: {logged}");
        for secret in secrets {
            assert!(!logged.contains(&secret), "{secret} in {logged}");
        }
    }
}

/// Signs up, fails to log in, sends messages on both ways, renews, reuses and opens by ticket. Gives the secrets that
/// the server handed out.
async fn use_everything(server: &Running) -> Vec<String> {
    let (ada, bob) = (Client::signed_up(&server.url(), "ada").await, Client::signed_up(&server.url(), "bob").await);
    let conversation = ada.direct(&bob).await;
    ada.say(&conversation, TEXT).await;
    let mut socket = bob.socket().await;
    socket.command("message.send", json!({ "conversationId": conversation, "text": TEXT })).await;
    socket.command("auth", json!({ "token": bob.token })).await;
    ada.post("/api/v1/auth/login", json!({ "login": "ada", "password": PASSWORD.to_uppercase() })).await;
    ada.post("/api/v1/auth/login", json!({ "login": PASSWORD, "password": PASSWORD })).await;
    ada.post("/api/v1/auth/signup", json!({ "username": "eve", "password": PASSWORD, "unknown": TEXT })).await;
    let ticket = ada.post("/api/v1/ws/ticket", json!({})).await.body["ticket"].as_str().unwrap().to_owned();
    ada.get(&format!("/api/v1/ws?ticket={ticket}")).await;
    ada.get(&format!("/api/v1/ws?token={}", bob.token.as_ref().unwrap())).await;
    let refresh = json!({ "refreshToken": ada.tokens["refreshToken"] });
    let renewed = ada.post("/api/v1/auth/refresh", refresh.clone()).await.body;
    ada.post("/api/v1/auth/refresh", refresh).await;
    let mut secrets = vec![ticket, PASSWORD.to_uppercase()];
    for tokens in [&ada.tokens, &bob.tokens, &renewed] {
        secrets.extend(["accessToken", "refreshToken"].map(|name| tokens[name].as_str().unwrap().to_owned()));
    }
    secrets
}
