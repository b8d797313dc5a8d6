//! The stores behind the domain's store traits.
//!
//! Rows and documents are private to each store; what comes out are the domain's own types. This crate knows nothing of
//! HTTP, events or services.

#[cfg(feature = "testing")]
pub mod contract;
mod marks;
mod mentions;
mod migration;
pub mod mongodb;
mod requests;
pub mod sqlite;
#[cfg(feature = "testing")]
pub mod testing;

pub use migration::MigrationError;
