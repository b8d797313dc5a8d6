//! Searching in messages.

use actix_web::{get, web::Json};
use parlor_domain::{InvalidValue, SearchQuery};
use parlor_services::MessageSearch;
use serde::Deserialize;
use utoipa::IntoParams;
use validator::Validate;

use super::{
    State,
    params::{INVALID_CURSOR, read_cursor, write_cursor},
};
use crate::{
    extract::{Authenticated, Query, number},
    problem::Problem,
    wire::{self, rules},
};

/// How many entries a page has if nothing is said.
const DEFAULT_LIMIT: u64 = 20;

/// Which messages.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchParams {
    /// Words that a message has, all of them; case and diacritics don't count. The last one may go on in the message if it
    /// has three characters or more. Words in quotation marks stand in the message in this order. Needed, if there is no
    /// `senderId`.
    #[validate(custom(function = "rules::search_query"))]
    #[param(max_length = 200, example = "round noon")]
    q: Option<String>,
    /// In which conversation; in all of one's own if left out.
    #[validate(custom(function = "rules::id"))]
    #[param(pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    conversation_id: Option<String>,
    /// Who has sent them.
    #[validate(custom(function = "rules::id"))]
    #[param(pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f601234567")]
    sender_id: Option<String>,
    /// Only messages that were sent at this time or later.
    #[validate(custom(function = "rules::time"))]
    #[param(format = DateTime, example = "2026-11-01T00:00:00Z")]
    after: Option<String>,
    /// Only messages that were sent before this time.
    #[validate(custom(function = "rules::time"))]
    #[param(format = DateTime, example = "2026-12-01T00:00:00Z")]
    before: Option<String>,
    /// The `nextCursor` of the page before.
    #[param(max_length = 40)]
    cursor: Option<String>,
    /// At most this many messages; 20 if left out. Of long ones a page has fewer: about a mebibyte of texts and metadata.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl TryFrom<SearchParams> for MessageSearch {
    type Error = Problem;

    fn try_from(params: SearchParams) -> Result<Self, Problem> {
        if params.q.is_none() && params.sender_id.is_none() {
            return Err(Problem::invalid_field(
                "q",
                InvalidValue::new("missing", "is needed if there is no `senderId`"),
            ));
        }
        let invalid = || Problem::invalid_field("cursor", INVALID_CURSOR);
        let cursor = params.cursor.as_deref().map(|cursor| read_cursor(cursor).ok_or_else(invalid)).transpose()?;
        Ok(Self {
            query: read("q", params.q.as_deref(), SearchQuery::parse)?,
            conversation: read("conversationId", params.conversation_id.as_deref(), str::parse)?,
            sender: read("senderId", params.sender_id.as_deref(), str::parse)?,
            from: read("after", params.after.as_deref(), rules::parse_time)?,
            before: read("before", params.before.as_deref(), rules::parse_time)?,
            cursor,
            limit: usize::try_from(params.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX),
        })
    }
}

fn read<T>(
    field: &'static str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, InvalidValue>,
) -> Result<Option<T>, Problem> {
    text.map(parse).transpose().map_err(|reason| Problem::invalid_field(field, reason))
}

/// Search in messages
///
/// Those that one can read, by their words, sender and time, the newest first. Whoever has got the answer to a send
/// finds that message at once. What the words of a message are stands in `docs/search.md`.
#[utoipa::path(
    tag = "Messages",
    operation_id = "searchMessages",
    params(SearchParams),
    responses((status = 200, description = "A page of messages that were found", body = wire::SearchPage)),
    extensions(("x-problems" = json!(["not_found", "rate_limited"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/search/messages")]
pub(super) async fn messages(
    state: State,
    caller: Authenticated,
    query: Query<SearchParams>,
) -> Result<Json<wire::SearchPage>, Problem> {
    let page = state.services.search.messages(caller.0, query.0.try_into()?).await?;
    Ok(Json(wire::SearchPage::new(&page, page.next.map(write_cursor))))
}
