//! The example over the wire.

mod client;
mod http;
mod player;
mod protocol;
mod transports;

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use parlor_socketio::{Config, engine};

use crate::echo;

/// When a test gives up waiting: later than anything that may happen on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The example, on a port of its own.
struct Server {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    fn start(config: Config) -> Self {
        let (server, address) = echo::bind(0, config).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { address, handle }
    }

    async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// Times that never come while a test runs; but a poll that overtook an upgrade is told.
fn patient() -> Config {
    let hour = Duration::from_secs(3_600);
    let noop_delay = Duration::from_secs(2);
    let engine = engine::Config { ping_interval: hour, ping_timeout: hour, noop_delay, ..engine::Config::default() };
    Config { engine, connect_timeout: hour, ..Config::default() }
}
