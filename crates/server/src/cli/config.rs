//! `parlor config`.

use crate::config::Configuration;

/// Prints what is in force.
pub(super) fn config(configuration: &Configuration) -> anyhow::Result<()> {
    super::print(&configuration.shown)
}
