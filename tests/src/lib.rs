//! What the black-box tests share. They know Parlor only from outside: a process, its REST API, its sockets.

pub mod mongod;

#[cfg(feature = "clients")]
mod home;
#[cfg(feature = "clients")]
mod part;
#[cfg(feature = "clients")]
mod people;
#[cfg(feature = "clients")]
mod server;

#[cfg(feature = "clients")]
pub use self::{
    home::Home,
    part::Part,
    people::{Person, text},
    server::Server,
};
