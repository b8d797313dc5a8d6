//! Names of namespaces.

use std::fmt;

use bytestring::ByteString;

/// The longest name, in bytes. A client chooses it, and a refusal repeats it.
const MAX_LEN: usize = 256;

/// The name of a namespace: it begins with `/` and has no comma, since a comma ends it on the wire.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Namespace(ByteString);

impl Namespace {
    /// The main namespace, `/`.
    pub const MAIN: Self = Self(ByteString::from_static("/"));

    /// Checks a name.
    ///
    /// # Errors
    /// A name that doesn't begin with `/`, has a comma or more than 256 bytes.
    pub fn new(name: &str) -> Result<Self, InvalidNamespace> {
        if name == "/" {
            return Ok(Self::MAIN);
        }
        if !name.starts_with('/') || name.contains(',') || name.len() > MAX_LEN {
            return Err(InvalidNamespace);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the main namespace.
    pub fn is_main(&self) -> bool {
        self.as_str() == "/"
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// This is not the name of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a namespace begins with /, has no comma and at most 256 bytes")]
pub struct InvalidNamespace;
