//! The rules of the house that the compiler does not know: who may use whom, what may come in, how the source looks.

mod dependencies;
mod licence;
mod supply_chain;
mod tidy;

use std::path::{Path, PathBuf};

/// The directory of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
