//! The whole application over a fresh embedded store, with a clock that the test moves.

use std::{sync::Arc, time::Duration};

use actix_http::Request;
use actix_web::{
    Error,
    body::to_bytes,
    cookie::SameSite,
    dev::{Service, ServiceResponse},
    http::{Method, StatusCode, header::HeaderMap},
    test::{self, TestRequest},
};
use metrics_exporter_prometheus::PrometheusHandle;
use parlor_api::{
    AppState, Stopping,
    config::{ApiConfig, CookieConfig},
    live::{Live, LiveConfig},
};
use parlor_domain::{
    store::Stores,
    testing::{SeededEntropy, SettableClock},
};
use parlor_realtime::HubConfig;
use parlor_repositories::sqlite::{SqliteOptions, SqliteStore};
use parlor_services::{
    AuthConfig, CommunityLimits, LimitsConfig, Rate, RelationLimits, Services, ServicesConfig, Sources,
};
use serde_json::Value;

/// What the tests sign up with.
pub(crate) const PASSWORD: &str = "difference engine";

/// A state over a store of its own, which is gone when this is.
pub(crate) struct TestState {
    pub(crate) state: AppState,
    pub(crate) clock: Arc<SettableClock>,
    stores: Stores,
    _directory: tempfile::TempDir,
}

/// What a test changes about the usual state.
pub(crate) struct Setup {
    pub(crate) api: ApiConfig,
    pub(crate) messages: Rate,
    pub(crate) metrics: Option<PrometheusHandle>,
}

impl Default for Setup {
    fn default() -> Self {
        let api = ApiConfig {
            body_limit: 16 * 1024,
            body_timeout: Duration::from_secs(10),
            trusted_proxies: Vec::new(),
            origins: vec!["https://chat.example.org".to_owned()],
            own_origin: None,
            cookies: CookieConfig { name: "parlor".to_owned(), secure: true, same_site: SameSite::Lax },
            explorer: true,
        };
        Self { api, messages: RATE, metrics: None }
    }
}

const RATE: Rate = Rate { burst: 1000, per_minute: 1000 };

pub(crate) async fn state(setup: Setup) -> TestState {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions { readers: 1, queue: 100, max_bytes: None };
    let store = SqliteStore::open(&directory.path().join("test.db"), &options).unwrap();
    store.migrate().unwrap();
    let clock = Arc::new(SettableClock::default());
    let hub = HubConfig { queue_bytes: 1 << 20, lease: Duration::from_secs(90), grace: Duration::from_secs(2) };
    let entropy = Arc::new(SeededEntropy::new(1));
    let sources = Sources { clock: Arc::clone(&clock) as _, entropy: Arc::clone(&entropy) as _ };
    let services = Services::build(store.stores(), &services_config(setup.messages), hub, sources).await.unwrap();
    let state = AppState {
        services,
        live: Arc::new(Live::new(live_config(), Arc::clone(&clock) as _, entropy)),
        config: Arc::new(setup.api),
        stopping: Stopping::default(),
        metrics: setup.metrics,
    };
    TestState { state, clock, stores: store.stores(), _directory: directory }
}

fn services_config(messages: Rate) -> ServicesConfig {
    ServicesConfig {
        auth: AuthConfig {
            secret: "a test's own secret of more than 32 bytes".to_owned().into(),
            previous_secret: None,
            access_ttl: Duration::from_secs(900),
            refresh_idle_ttl: Duration::from_secs(86_400),
            refresh_max_ttl: Duration::from_secs(864_000),
            ticket_ttl: Duration::from_secs(30),
            bcrypt_cost: 4,
            hash_threads: 1,
            hash_queue: 10,
        },
        limits: LimitsConfig {
            signup_per_address: RATE,
            login_per_address: RATE,
            login_per_account: RATE,
            refresh_per_address: RATE,
            messages_per_user: messages,
            conversations_per_user: RATE,
            friend_requests_per_user: RATE,
            searches_per_user: RATE,
            signals_per_user: RATE,
            syncs_per_user: RATE,
        },
        connections_per_user: 10,
        shared_store: false,
        relations: RelationLimits { cooldown: Duration::from_secs(86_400), friends: 2, blocks: 2 },
        group_members: 4,
        communities: CommunityLimits { everyone_creates: true, per_user: 3, members: 10, channels: 3 },
    }
}

fn live_config() -> LiveConfig {
    LiveConfig {
        auth_timeout: Duration::from_secs(10),
        ping_interval: Duration::from_secs(25),
        idle_timeout: Duration::from_secs(60),
        max_frame: 1 << 17,
        max_message: 1 << 17,
        frames_per_connection: RATE,
        unauthenticated_per_address: 10,
        sessions_per_address: 100,
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The cookies that are set, each as its whole line.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").map(|value| value.to_str().unwrap()).collect()
    }

    /// Asserts that this is a whole problem document of that code.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], format!("/api/docs/errors#{code}"));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["requestId"], self.header("x-request-id"));
        assert!(self.body["title"].is_string() && self.body["detail"].is_string());
    }

    /// Asserts that the validation of this field alone failed for that reason.
    #[track_caller]
    pub(crate) fn assert_invalid(&self, field: &str, code: &str) {
        self.assert_problem(422, "validation_failed");
        let errors: Vec<_> =
            self.body["errors"].as_array().unwrap().iter().map(|e| (&e["field"], &e["code"])).collect();
        assert_eq!(errors, [(&Value::from(field), &Value::from(code))], "{self:?}");
    }
}

/// The running application.
pub(crate) struct TestApp<S> {
    service: S,
    pub(crate) clock: Arc<SettableClock>,
    state: TestState,
}

/// Starts the application as it usually is.
pub(crate) async fn start()
-> TestApp<impl Service<Request, Response = ServiceResponse<impl actix_web::body::MessageBody>, Error = Error>> {
    start_with(Setup::default()).await
}

pub(crate) async fn start_with(
    setup: Setup,
) -> TestApp<impl Service<Request, Response = ServiceResponse<impl actix_web::body::MessageBody>, Error = Error>> {
    let state = state(setup).await;
    let service = test::init_service(parlor_api::app(state.state.clone())).await;
    TestApp { service, clock: Arc::clone(&state.clock), state }
}

impl<S, B> TestApp<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: actix_web::body::MessageBody,
{
    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        let (status, headers, body) = match self.service.call(request.to_request()).await {
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers().clone());
                (status, headers, to_bytes(response.into_body()).await.map_err(|_| "no body").unwrap())
            }
            // What the server makes of an error that no answer came of.
            Err(error) => {
                let response = error.error_response();
                let (status, headers) = (response.status(), response.headers().clone());
                (status, headers, to_bytes(response.into_body()).await.map_err(|_| "no body").unwrap())
            }
        };
        let text = String::from_utf8_lossy(&body).into_owned();
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default(), text }
    }

    pub(crate) fn state(&self) -> &AppState {
        &self.state.state
    }

    /// The stores behind the services.
    pub(crate) fn stores(&self) -> &Stores {
        &self.state.stores
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(request(Method::GET, path, token)).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.send(request(Method::POST, path, token).set_json(body)).await
    }

    pub(crate) async fn post_text(&self, path: &str, token: &str, body: impl Into<actix_web::web::Bytes>) -> Answer {
        let request = request(Method::POST, path, token).insert_header(("content-type", "application/json"));
        self.send(request.set_payload(body)).await
    }

    /// Signs a user up.
    pub(crate) async fn sign_up(&self, username: &str) -> Account {
        let body = serde_json::json!({ "username": username, "password": PASSWORD });
        let answer = self.post("/api/v1/auth/signup", "", body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Account {
            id: text(&answer.body["user"]["id"]),
            access: text(&answer.body["accessToken"]),
            refresh: text(&answer.body["refreshToken"]),
        }
    }

    /// Makes a group; gives its id.
    pub(crate) async fn group(&self, owner: &Account, others: &[&Account]) -> String {
        let ids: Vec<&str> = others.iter().map(|other| &*other.id).collect();
        let body = serde_json::json!({ "name": "Round table", "memberIds": ids });
        let made = self.post("/api/v1/conversations", &owner.access, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn three(&self) -> [Account; 3] {
        [self.sign_up("ada").await, self.sign_up("bob").await, self.sign_up("cem").await]
    }

    /// A request with another method than POST and with a body.
    pub(crate) async fn change(&self, method: Method, path: &str, by: &Account, body: Value) -> Answer {
        self.send(request(method, path, &by.access).set_json(body)).await
    }

    /// Signs two users up and opens their conversation; gives its id.
    pub(crate) async fn two_users(&self) -> (Account, Account, String) {
        let (ada, bob) = (self.sign_up("ada").await, self.sign_up("bob").await);
        let body = serde_json::json!({ "userId": bob.id });
        let opened = self.post("/api/v1/conversations/direct", &ada.access, body).await;
        assert_eq!(opened.status, 201, "{opened:?}");
        let id = opened.body["id"].as_str().unwrap().to_owned();
        (ada, bob, id)
    }
}

/// Who has signed up.
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// A request, with a bearer token unless it is empty.
pub(crate) fn request(method: Method, path: &str, token: &str) -> TestRequest {
    let request = TestRequest::default().method(method).uri(path);
    if token.is_empty() { request } else { request.insert_header(("authorization", format!("Bearer {token}"))) }
}
