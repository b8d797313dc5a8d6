//! A server for each test, and clients for it.

use std::{net::SocketAddr, sync::Arc, thread::JoinHandle, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use metrics_exporter_prometheus::PrometheusBuilder;
use parlor_domain::{Clock, OsEntropy, SystemClock};
use parlor_server::application::{Application, RunError, Stop};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::{oneshot, watch},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::data::Data;

/// Long enough for any answer on a busy machine; a test that waits that long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The password of every user that [`TestServer::signup`] makes.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How a server differs from the usual one of tests.
pub(crate) struct Setup<'a> {
    /// Settings, by their keys.
    pub(crate) set: &'a [(&'a str, &'a str)],
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { set: &[], clock: Arc::new(SystemClock) }
    }
}

/// A server with a database of its own, stopped and removed when dropped.
pub(crate) struct TestServer {
    /// `http://` and the address.
    pub(crate) base: String,
    /// The address of the measurements, if they have their own.
    pub(crate) metrics: Option<SocketAddr>,
    data: Option<Data>,
    stop: watch::Sender<Stop>,
    thread: Option<JoinHandle<Result<(), RunError>>>,
}

impl TestServer {
    /// A server with the defaults, but cheap passwords and no delay at its end.
    pub(crate) async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// A server that differs from the usual one.
    pub(crate) async fn start_with(setup: Setup<'_>) -> Self {
        Self::start_in(Data::fresh(), setup).await
    }

    /// A server on the data that another one has left.
    pub(crate) async fn start_in(data: Data, setup: Setup<'_>) -> Self {
        let mut set = vec![
            ("server.port", "0"),
            ("server.workers", "2"),
            ("server.shutdown_jitter", "10ms"),
            ("auth.bcrypt_cost", "4"),
            ("presence.coalesce", "10ms"),
        ];
        set.extend(setup.set);
        let settings = data.settings(&set);

        let sources = parlor_services::Sources { clock: setup.clock, entropy: Arc::new(OsEntropy) };
        let (stop, stops) = watch::channel(Stop::Never);
        let (started, addresses) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let metrics = PrometheusBuilder::new().build_recorder().handle();
                let application = Application::build(&settings, sources, metrics).await.unwrap();
                started.send((application.address(), application.metrics_address())).unwrap();
                application.run(stops).await
            })
        });
        let (address, metrics) = addresses.await.expect("the server starts");
        Self { base: format!("http://{address}"), metrics, data: Some(data), stop, thread: Some(thread) }
    }

    /// A client that is nobody yet.
    pub(crate) fn anonymous(&self) -> Client {
        Client::anonymous(&self.base)
    }

    /// Another server's client, as a client of this one.
    pub(crate) fn adopt(&self, client: &Client) -> Client {
        Client { base: self.base.clone(), ..client.clone() }
    }

    /// A new user and a client that is signed in as him.
    pub(crate) async fn signup(&self, username: &str) -> Client {
        Client::signed_up(&self.base, username).await
    }

    /// Asks the server to stop, without waiting for it.
    pub(crate) fn begin_to_stop(&self, how: Stop) {
        self.stop.send_replace(how);
    }

    /// Waits until nobody can connect any more.
    pub(crate) async fn refuses_connections(&self) {
        let address = self.base.trim_start_matches("http://");
        let refused = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await
            }
        };
        tokio::time::timeout(PATIENCE, refused).await.expect("the server stops to accept");
    }

    /// Waits for the end of a server that was asked to stop. Gives how it ended, and its data.
    pub(crate) async fn ended(mut self) -> (Result<(), RunError>, Data) {
        let thread = self.thread.take().unwrap();
        let ended = tokio::task::spawn_blocking(|| thread.join().unwrap());
        (tokio::time::timeout(PATIENCE, ended).await.unwrap().unwrap(), self.data.take().unwrap())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.send_replace(Stop::Now);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.unwrap().unwrap();
            }
        }
    }
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body as JSON; null for an empty one, a string for what is no JSON.
    pub(crate) body: Value,
}

/// Someone who uses the API.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    http: reqwest::Client,
    /// The access token.
    pub(crate) token: Option<String>,
    /// What sign-up said of the user.
    pub(crate) user: Value,
    /// The whole answer to sign-up.
    pub(crate) tokens: Value,
}

impl Client {
    /// A client that is nobody yet, of the server at `base`.
    pub(crate) fn anonymous(base: &str) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Self { base: base.to_owned(), http, token: None, user: Value::Null, tokens: Value::Null }
    }

    /// A new user's client, of the server at `base`.
    pub(crate) async fn signed_up(base: &str, username: &str) -> Self {
        let mut client = Self::anonymous(base);
        let answer = client.post("/api/v1/auth/signup", json!({ "username": username, "password": PASSWORD })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        client.token = Some(answer.body["accessToken"].as_str().unwrap().to_owned());
        client.user = answer.body["user"].clone();
        client.tokens = answer.body;
        client
    }

    /// The user's id.
    pub(crate) fn id(&self) -> &str {
        self.user["id"].as_str().unwrap()
    }

    /// A request to add to; send it by [`Self::send`].
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
        Answer { status, headers, body }
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST` with a JSON body.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// `PUT` with a JSON body.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// `PATCH` with a JSON body.
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// `DELETE`.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Deletes the client's own account.
    pub(crate) async fn delete_account(&self) -> Answer {
        let body = json!({ "currentPassword": PASSWORD });
        self.send(self.request(Method::DELETE, "/api/v1/users/me").json(&body)).await
    }

    /// Opens, or gets, the direct conversation with another user. Gives its id.
    pub(crate) async fn direct(&self, other: &Client) -> String {
        let answer = self.post("/api/v1/conversations/direct", json!({ "userId": other.id() })).await;
        assert!(answer.status.is_success(), "{:?}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Makes a group with others, and gives its id.
    pub(crate) async fn group(&self, others: &[&Self]) -> String {
        let ids: Vec<&str> = others.iter().map(|other| other.id()).collect();
        let made = self.post("/api/v1/conversations", json!({ "name": "Round table", "memberIds": ids })).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body["id"].as_str().unwrap().to_owned()
    }

    /// Sends a message. Gives it as stored.
    pub(crate) async fn say(&self, conversation: &str, text: &str) -> Value {
        let path = format!("/api/v1/conversations/{conversation}/messages");
        let answer = self.post(&path, json!({ "text": text })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        answer.body
    }

    /// Opens a socket, authenticated by the access token if there is one.
    pub(crate) async fn socket(&self) -> Socket {
        self.socket_with("", &[]).await
    }

    /// The same with a query string, such as `?resume=true`, and more headers.
    pub(crate) async fn socket_with(&self, query: &str, headers: &[(&'static str, &str)]) -> Socket {
        let url = format!("{}/api/v1/ws{query}", self.base.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        if let Some(token) = &self.token {
            request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
        }
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Socket { stream, commands: 0 }
    }
}

/// An open WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    commands: u64,
}

impl Socket {
    /// Sends a frame as it is.
    pub(crate) async fn send(&mut self, frame: Message) {
        self.stream.send(frame).await.unwrap();
    }

    /// The next frame other than a ping or pong; `None` after the close.
    pub(crate) async fn next_frame(&mut self) -> Option<Message> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame comes");
            match next {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(frame)) => return Some(frame),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next text frame as JSON.
    pub(crate) async fn next(&mut self) -> Value {
        match self.next_frame().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("no text frame: {other:?}"),
        }
    }

    /// The next event of that name; other frames before it are passed over.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["event"] == name {
                return frame;
            }
        }
    }

    /// Sends a command and gives its reply; events before it are passed over.
    pub(crate) async fn command(&mut self, name: &str, data: Value) -> Value {
        self.commands += 1;
        let id = self.commands.to_string();
        self.send(Message::text(json!({ "id": id, "command": name, "data": data }).to_string())).await;
        loop {
            let frame = self.next().await;
            if frame["reply"] == id {
                return frame;
            }
        }
    }

    /// The code that the server closes with, once the connection has ended; frames before it are passed over.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(frame) = self.next_frame().await {
            if let Message::Close(close) = frame {
                code = close.map(|close| close.code.into());
            }
        }
        code
    }
}
