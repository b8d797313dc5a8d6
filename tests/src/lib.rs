//! What the black-box tests share. They know Parlor only from outside: a process, its REST API, its sockets.

mod part;
mod people;
mod server;

pub use part::Part;
pub use people::{Person, text};
pub use server::Server;
