//! Settings of the listener and of what it accepts.

use parlor_api::config::Network;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{ByteSize, HumanDuration};

/// The listener and what it accepts: the section `[server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on; 0 for a free one.
    pub port: u16,
    /// Threads that serve; 0 for as many as there are processors.
    pub workers: usize,
    /// Most connections of each thread.
    pub max_connections: usize,
    /// Most connections that wait to be accepted.
    pub backlog: u32,
    /// How long a request's head may take.
    pub header_timeout: HumanDuration,
    /// How long a request's body may take.
    pub body_timeout: HumanDuration,
    /// Largest request body.
    pub body_limit: ByteSize,
    /// How long a client may take no bytes that wait for it.
    pub write_timeout: HumanDuration,
    /// How long a connection without a request stays open.
    pub keep_alive: HumanDuration,
    /// How long the server goes on before it stops, while `/readyz` already says no.
    pub shutdown_delay: HumanDuration,
    /// How long requests under way may take once the server stops.
    pub shutdown_timeout: HumanDuration,
    /// Over how long sockets are closed once the server stops.
    pub shutdown_jitter: HumanDuration,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<Network>,
    /// Origins of web pages that may use the API.
    pub origins: Vec<String>,
    /// Address under which clients reach the server; empty if unknown.
    pub public_url: String,
    /// Whether the documents and the explorer are served.
    pub explorer: bool,
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let network = |text: &String| text.parse().map_err(|error| D::Error::custom(format_args!("{text:?}: {error}")));
    texts.iter().map(network).collect()
}
