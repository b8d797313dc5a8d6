//! An echo server on which external protocol suites and stock clients can be tried: Engine.IO at `/engine.io/`,
//! Socket.IO at `/socket.io/` with the namespaces `/` and `/custom`.
//!
//! `cargo run --example echo` serves on 127.0.0.1:3000; `… -- 8000` on another port, `… -- 0` on one that is free.
//!
//! It is also the pattern for a server of one's own, on actix-web or anything else: `server/hub.rs` keeps sessions and
//! their time, `server/http.rs` and `server/websocket.rs` are the transports, and `server/application.rs` is what one
//! would write anew.
//!
//! A server that strangers reach needs more, which depends on its application and its framework: bounds on the number
//! of sessions and on how many events a client may send in a second. With actix-ws also a look at the head of each
//! frame, since it keeps a frame of any length until the whole of it is there; and a bound on what is handed to it,
//! since it takes 32 messages for a client that reads none.

mod server;

use std::env;
use std::error::Error;
use std::time::Duration;

use parlor_socketio::{Config, engine};

/// What the protocols' own suites expect of the server under test.
fn config() -> Config {
    let engine = engine::Config {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
        ..engine::Config::default()
    };
    Config { engine, connect_timeout: Duration::from_secs(1), ..Config::default() }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).map_or(Ok(3000), |port| port.parse())?;
    let (server, address) = server::bind(port, config())?;
    println!("listening on http://{address}");
    Ok(server.await?)
}
