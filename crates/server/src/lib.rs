//! The Parlor server: configuration, composition root and command line.

pub mod application;
pub mod cli;
pub mod config;
pub mod copy;
pub mod seed;
pub mod signing_key;
pub mod store;
pub mod telemetry;
mod wiring;
