//! A server, and the accounts that every stage needs.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use parlor_domain::{OsEntropy, SystemClock, Username};
use parlor_server::store::Database;
use parlor_services::{Password, SignUp, Sources, create_super_admin};
use reqwest::Method;
use serde_json::{Value, json};

use super::stage::{Caller, Session};
use crate::{
    data::Data,
    support::{Client, PASSWORD, Setup, TestServer},
};

/// Nobody is stopped by a limit.
const LIMITS: [(&str, &str); 13] = [
    ("limits.signup_per_address", FREE),
    ("limits.login_per_address", FREE),
    ("limits.login_per_account", FREE),
    ("limits.refresh_per_address", FREE),
    ("limits.messages_per_user", FREE),
    ("limits.conversations_per_user", FREE),
    ("limits.friend_requests_per_user", FREE),
    ("limits.searches_per_user", FREE),
    ("limits.signals_per_user", FREE),
    ("limits.syncs_per_user", FREE),
    ("limits.communities", "1000"),
    ("live.unauthenticated_per_address", "100000"),
    ("live.connections_per_user", "10000"),
];
const FREE: &str = "{ burst = 1000000, per_minute = 1000000 }";

/// A server, and who is always there.
pub(super) struct Cast {
    server: TestServer,
    made: AtomicU32,
    pub(super) root: Client,
    /// A user without any relation to others.
    pub(super) stranger: Client,
    pub(super) deleted: Caller,
    pub(super) locked: Caller,
}

impl Cast {
    pub(super) async fn assemble() -> Self {
        let data = Data::fresh();
        make_root(&data).await;
        let server = TestServer::start_in(data, Setup { set: &LIMITS, ..Setup::default() }).await;
        let root = signed_in(&server, "root").await;
        let made = AtomicU32::new(0);
        let user = async || server.signup(&fresh_name(&made)).await;
        let ended = async || Caller { client: user().await, session: Session::Ended };
        let (stranger, deleted, locked) = (user().await, ended().await, ended().await);
        Self { server, made, root, stranger, deleted, locked }
    }

    /// Ends the sessions of those who have none, after everything that they are to be is so.
    pub(super) async fn end_sessions(&self) {
        delete(&self.deleted.client).await;
        let lock = format!("/api/v1/admin/users/{}/lock", self.locked.client.id());
        done(&self.root, Method::POST, &lock, json!({ "reason": "spam" })).await;
    }

    /// The stranger without a token.
    pub(super) fn anonymous(&self) -> Caller {
        let mut client = self.stranger.clone();
        client.token = None;
        Caller { client, session: Session::None }
    }

    /// A name that nobody has yet.
    pub(super) fn fresh_name(&self) -> String {
        fresh_name(&self.made)
    }

    /// A new user.
    pub(super) async fn user(&self) -> Client {
        self.server.signup(&self.fresh_name()).await
    }
}

/// None of these is the beginning of another.
fn fresh_name(made: &AtomicU32) -> String {
    format!("u{:05}x", made.fetch_add(1, Ordering::Relaxed))
}

/// Makes a super admin before the server starts.
async fn make_root(data: &Data) {
    let database = Database::open(&data.settings(&[]).store).await.unwrap();
    database.migrate().await.unwrap();
    let new = SignUp {
        username: Username::parse("root").unwrap(),
        email: None,
        password: Password::parse(PASSWORD).unwrap(),
        display_name: None,
    };
    let sources = Sources { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy) };
    create_super_admin(&database.stores(), &sources, new, 4).await.unwrap();
    database.close().await.unwrap();
}

async fn signed_in(server: &TestServer, login: &str) -> Client {
    let mut client = server.anonymous();
    let answer = client.post("/api/v1/auth/login", json!({ "login": login, "password": PASSWORD })).await;
    client.token = Some(answer.body["accessToken"].as_str().unwrap().to_owned());
    client.user = answer.body["user"].clone();
    client.tokens = answer.body;
    client
}

/// Sends what prepares a stage. Gives the answer's body.
pub(super) async fn done(client: &Client, method: Method, path: &str, body: Value) -> Value {
    let request = client.request(method, path);
    let answer = client.send(if body.is_null() { request } else { request.json(&body) }).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    answer.body
}

/// Deletes an account.
pub(super) async fn delete(client: &Client) {
    assert_eq!(client.delete_account().await.status, 204);
}
