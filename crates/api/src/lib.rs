//! HTTP and WebSocket: routes, extractors, wire shapes, the error map, the API documents.
//!
//! A handler extracts, calls one service method and wraps what it gives. No rule stands here: what this crate knows
//! is how requests are read and how answers are written. It does not know which store is behind the services.

mod app;
mod asyncapi;
mod avatar;
pub mod config;
mod cookies;
mod extract;
mod headers;
mod http;
pub mod live;
mod middleware;
mod openapi;
pub mod problem;
mod routes;
mod state;
pub mod wire;

pub use app::{app, metrics_app};
pub use asyncapi::asyncapi;
pub use http::{HttpConfig, connections};
pub use openapi::openapi;
pub use state::{AppState, Stopping};
