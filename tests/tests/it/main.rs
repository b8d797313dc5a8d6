//! One test program: a real server with real clients, and the rules of the house.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod architecture;
mod changes;
mod container;
mod durability;
mod failover;
mod groups;
mod mongod;
mod mongodb;
mod parts;
mod people;
mod readme;
mod sending;
mod socketio;
