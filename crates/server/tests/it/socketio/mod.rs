//! Socket.IO: its transports, who may connect, and that everything is as over REST and the plain WebSocket.

mod browsers;
pub(crate) mod client;
mod commands;
mod endings;
mod engine;
mod events;
mod forged;
mod leaving;
mod limits;
mod parity;
mod polling;
mod recovery;
mod refusals;
mod upgrade;
mod websocket;
mod who;
