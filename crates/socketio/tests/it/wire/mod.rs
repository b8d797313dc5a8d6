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

/// How many times slower than usual the time goes for a server that is patient.
const PATIENT: u32 = 40;

/// Times that never come while a test runs; but a poll that overtook an upgrade is told.
fn patient() -> Config {
    let (never, engine) = (Duration::MAX, engine::Config::default());
    let noop_delay = PATIENT * engine.noop_delay;
    let engine = engine::Config { ping_interval: never, ping_timeout: never, noop_delay, ..engine };
    Config { engine, connect_timeout: never, ..Config::default() }
}
