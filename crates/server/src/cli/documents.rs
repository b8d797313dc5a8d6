//! `parlor openapi`, `parlor asyncapi` and `parlor errors`: the documents, made from the code that serves them.

/// Prints the OpenAPI document.
pub(super) fn openapi() -> anyhow::Result<()> {
    json(&parlor_api::openapi())
}

/// Prints the AsyncAPI document.
pub(super) fn asyncapi() -> anyhow::Result<()> {
    json(&parlor_api::asyncapi())
}

/// Prints the list of error codes.
pub(super) fn errors() -> anyhow::Result<()> {
    super::print(&parlor_api::problem::errors_markdown())
}

fn json(document: &impl serde::Serialize) -> anyhow::Result<()> {
    super::print(&format!("{}\n", serde_json::to_string_pretty(document)?))
}
