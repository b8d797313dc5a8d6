//! Settings of logs and measurements.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, de::Error as _};

/// What is logged and how: the section `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// For people or for programs.
    pub format: LogFormat,
    /// A level, or levels by module, as `tracing_subscriber::EnvFilter` reads them.
    pub filter: String,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Where measurements are read: the section `[metrics]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsSettings {
    /// Where `/metrics` is served.
    pub listener: MetricsListener,
}

/// Where `/metrics` is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListener {
    /// With the API.
    Public,
    /// Nowhere.
    Off,
    /// At an address of its own.
    Own(SocketAddr),
}

impl<'de> Deserialize<'de> for MetricsListener {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "public" => Ok(Self::Public),
            "off" => Ok(Self::Off),
            address => address.parse().map(Self::Own).map_err(|_| {
                D::Error::custom("must be \"public\", \"off\", or an address and port like \"127.0.0.1:9090\"")
            }),
        }
    }
}
