//! Messages.

use actix_web::{HttpResponse, get, http::header::ContentType, post};
use parlor_domain::ConversationId;

use super::{
    State,
    params::{HistoryParams, IdParam},
};
use crate::{
    extract::{Authenticated, Body, PathId, Query},
    headers,
    problem::{Problem, ProblemCode},
    wire,
};

/// Read a conversation's messages
///
/// In ascending order of `seq`: the newest ones, the newest before a place, or the oldest after one. `nextCursor` is
/// the `beforeSeq`, or after `afterSeq` the `afterSeq`, of the next page in the same direction.
#[utoipa::path(
    tag = "Messages",
    operation_id = "listMessages",
    params(IdParam, HistoryParams),
    responses((status = 200, description = "A page of messages", body = wire::Page<wire::Message>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/conversations/{id}/messages")]
pub(super) async fn history(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    query: Query<HistoryParams>,
) -> Result<HttpResponse, Problem> {
    let (window, limit) = query.0.window()?;
    let page = state.services.messages.history(caller.0, id.0, window, limit).await?;
    let page = wire::MessagePage { items: &page.items, next_cursor: page.next.map(|seq| seq.to_string()) };
    let json =
        page.to_json().map_err(|error| Problem::new(ProblemCode::Internal, "the server failed").caused_by(error))?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(json))
}

/// Send a message
///
/// When this is answered, the message is stored for good. With a `clientMessageId` it can be repeated without
/// harm: the same message again is answered by the first one.
#[utoipa::path(
    tag = "Messages",
    operation_id = "sendMessage",
    params(IdParam),
    request_body = wire::SendMessage,
    responses(
        (status = 201, description = "The message, stored now", body = wire::Message),
        (status = 200, description = "The message, which had been sent before", body = wire::Message)
    ),
    extensions(("x-problems" = json!([
        "not_permitted", "not_allowed_to_write", "user_blocked", "client_message_id_reused", "recipient_deleted",
        "rate_limited",
        "store_full"
    ]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/conversations/{id}/messages")]
pub(super) async fn send(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::SendMessage>,
) -> Result<HttpResponse, Problem> {
    let sent = state.services.messages.send(caller.0, body.0.to(id.0)?).await?;
    let mut response = if sent.repeated { HttpResponse::Ok() } else { HttpResponse::Created() };
    for header in headers::rate_limit(sent.budget) {
        response.insert_header(header);
    }
    Ok(response.json(wire::Message::from(&sent.message)))
}
