//! What a search in messages finds.

use parlor_domain::SnippetPart as DomainPart;
use parlor_services::{FoundMessage as DomainFound, SearchPage as DomainPage};
use serde::Serialize;
use utoipa::ToSchema;

use super::Message;

/// A page of messages that were found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchPage {
    /// The messages, the newest first.
    #[schema(max_items = 100)]
    pub items: Vec<FoundMessage>,
    /// Where to look on; null at the end. It can be there although the page has room left, even on an empty page: then
    /// the server has looked through as much as it does at once.
    #[schema(required = true, max_length = 40)]
    pub next_cursor: Option<String>,
    /// Whether older messages are still being entered into the index, so that some may be missing for now.
    pub indexing: bool,
}

/// A message that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundMessage {
    /// The message as it is now.
    pub message: Message,
    /// Its text around the first place that was looked for, in parts that make the text again when they are put together.
    #[schema(max_items = 201)]
    pub snippet: Vec<SnippetPart>,
}

/// A part of a snippet.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnippetPart {
    /// The text as it was sent: plain text, and never HTML.
    #[schema(max_length = 200, example = "noon")]
    pub text: String,
    /// Whether it is what was looked for.
    pub found: bool,
}

impl SearchPage {
    /// The page with its cursor.
    pub(crate) fn new(page: &DomainPage, next_cursor: Option<String>) -> Self {
        Self { items: page.items.iter().map(FoundMessage::from).collect(), next_cursor, indexing: page.indexing }
    }
}

impl From<&DomainFound> for FoundMessage {
    fn from(found: &DomainFound) -> Self {
        Self { message: (&found.view).into(), snippet: found.snippet.iter().map(SnippetPart::from).collect() }
    }
}

impl From<&DomainPart> for SnippetPart {
    fn from(part: &DomainPart) -> Self {
        Self { text: part.text.clone(), found: part.found }
    }
}
