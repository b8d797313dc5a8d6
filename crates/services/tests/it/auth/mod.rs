//! Accounts' doors.

mod faults;
mod passwords;
mod sessions;
mod sign_in;
mod tickets;
mod tokens;

use std::{sync::Arc, time::Duration};

use parlor_domain::{
    DeviceLabel, Email, Login, Username,
    store::{StoreResult, Stores},
    testing::{SeededEntropy, SettableClock},
};
use parlor_realtime::HubConfig;
use parlor_services::{
    AuthFailure, Caller, ClientInfo, LogIn, Password, ServiceError, ServiceResult, Services, ServicesConfig, SignUp,
    SignedIn, Sources, Tokens,
};

use crate::{
    store::TestStore,
    support::{PASSWORD, config, secret},
};

/// The services over a store and a clock of their own.
struct Door {
    services: Services,
    clock: Arc<SettableClock>,
    store: TestStore,
}

impl Door {
    async fn new() -> Self {
        Self::with(&config()).await
    }

    async fn with(config: &ServicesConfig) -> Self {
        Self::over(TestStore::fresh().await, Arc::default(), config, 1).await
    }

    /// The same door after a restart of the server with another configuration.
    async fn restarted(self, config: &ServicesConfig) -> Self {
        let Self { services, clock, store } = self;
        drop(services);
        Self::over(store.reopened().await, clock, config, 2).await
    }

    async fn over(store: TestStore, clock: Arc<SettableClock>, config: &ServicesConfig, seed: u64) -> Self {
        let services = build(store.stores(), config, &clock, seed).await.unwrap();
        Self { services, clock, store }
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn try_sign_up(&self, name: &str, email: Option<&str>) -> ServiceResult<SignedIn> {
        self.services.auth.sign_up(new_account(name, email), &from("192.0.2.1")).await
    }

    async fn sign_up(&self, name: &str) -> SignedIn {
        self.try_sign_up(name, None).await.unwrap()
    }

    async fn log_in(&self, login: &str, password: &str) -> ServiceResult<SignedIn> {
        self.log_in_from(login, password, "192.0.2.1").await
    }

    async fn log_in_from(&self, login: &str, password: &str, address: &str) -> ServiceResult<SignedIn> {
        let log_in = LogIn { login: Login::new(login), password: Password::candidate(password).unwrap() };
        self.services.auth.log_in(log_in, &from(address)).await
    }

    async fn refresh(&self, tokens: &Tokens) -> ServiceResult<Tokens> {
        self.services.auth.refresh(&tokens.refresh, &from("192.0.2.1")).await
    }

    fn caller(&self, tokens: &Tokens) -> ServiceResult<Caller> {
        self.services.auth.authenticate(secret(&tokens.access))
    }
}

async fn build(
    stores: Stores,
    config: &ServicesConfig,
    clock: &Arc<SettableClock>,
    seed: u64,
) -> StoreResult<Services> {
    let sources = Sources { clock: Arc::clone(clock) as _, entropy: Arc::new(SeededEntropy::new(seed)) };
    let hub = HubConfig { queue_bytes: 1 << 20, lease: Duration::from_secs(90), grace: Duration::from_secs(2) };
    Services::build(stores, config, hub, sources).await
}

fn new_account(name: &str, email: Option<&str>) -> SignUp {
    SignUp {
        username: Username::parse(name).unwrap(),
        email: email.map(|email| Email::parse(email).unwrap()),
        password: Password::parse(PASSWORD).unwrap(),
        display_name: None,
    }
}

fn from(address: &str) -> ClientInfo {
    ClientInfo { address: address.parse().unwrap(), device: DeviceLabel::new("test") }
}

/// Why somebody was not let in.
fn failure<T: std::fmt::Debug>(result: ServiceResult<T>) -> AuthFailure {
    match result {
        Err(ServiceError::Unauthenticated(failure)) => failure,
        other => panic!("{other:?}"),
    }
}
