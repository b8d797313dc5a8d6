//! Why a store did not do what it was asked.

use std::error::Error;

type Source = Box<dyn Error + Send + Sync>;

/// Why a store did not do what it was asked. Nothing of it was done, except perhaps where it says so.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something else has this value already, in the field of that name.
    #[error("the {0} is taken")]
    Conflict(&'static str),
    /// The store can't be reached, is overloaded or did not answer in time; the same call may succeed later. If the
    /// connection was lost on the way, all of it may have been done, and only the answer is missing.
    #[error("the store is unavailable")]
    Unavailable(#[source] Source),
    /// The store has no room for more; what it holds can be read.
    #[error("the store is full")]
    Full(#[source] Source),
    /// The store holds something that this program can't have written.
    #[error("the store holds corrupt data")]
    Corrupt(#[source] Source),
}

impl StoreError {
    /// A [`StoreError::Unavailable`] with its cause.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// A [`StoreError::Corrupt`] with its cause, which names the kind and id of what is corrupt.
    pub fn corrupt(source: impl Into<Source>) -> Self {
        Self::Corrupt(source.into())
    }
}
