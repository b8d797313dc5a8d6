//! Conversations, receipts, typing.

use actix_web::{HttpResponse, get, post, web::Json};
use parlor_domain::{ConversationId, ReceiptKind, Seq};

use super::{
    State,
    params::{IdParam, InboxParams, write_cursor},
};
use crate::{
    extract::{Authenticated, Body, PathId, Query},
    problem::Problem,
    wire,
};

/// Open a direct conversation
///
/// Gives the conversation with the other user, and makes it if there is none, also when both open it at once.
#[utoipa::path(
    tag = "Conversations",
    operation_id = "openDirect",
    request_body = wire::OpenDirect,
    responses(
        (status = 201, description = "The conversation, made now", body = wire::Conversation),
        (status = 200, description = "The conversation that was there", body = wire::Conversation)
    ),
    extensions(("x-problems" = json!([
        "not_found", "not_allowed_to_write", "user_blocked", "rate_limited", "store_full"
    ]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/conversations/direct")]
pub(super) async fn open_direct(
    state: State,
    caller: Authenticated,
    body: Body<wire::OpenDirect>,
) -> Result<HttpResponse, Problem> {
    let opened = state.services.conversations.open_direct(caller.0, body.0.user()?).await?;
    let mut response = if opened.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(wire::Conversation::from(&opened.view)))
}

/// List one's conversations
///
/// The newest activity first, each with the last message and what is unread. Conversations that one hides are left
/// out until something happens in them.
#[utoipa::path(
    tag = "Conversations",
    operation_id = "listConversations",
    params(InboxParams),
    responses((status = 200, description = "A page of conversations", body = wire::Page<wire::Conversation>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/conversations")]
pub(super) async fn inbox(
    state: State,
    caller: Authenticated,
    query: Query<InboxParams>,
) -> Result<Json<wire::Page<wire::Conversation>>, Problem> {
    let (after, limit) = query.0.page()?;
    let page = state.services.conversations.inbox(caller.0, query.0.archived(), after, limit).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(wire::Page { items, next_cursor: page.next.map(write_cursor) }))
}

/// Count what one has not read
///
/// In all one's conversations. Those that one hides count again as soon as something happens in them.
#[utoipa::path(
    tag = "Conversations",
    operation_id = "countUnread",
    responses((status = 200, description = "The counts", body = wire::UnreadTotals)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/conversations/unread")]
pub(super) async fn unread(state: State, caller: Authenticated) -> Result<Json<wire::UnreadTotals>, Problem> {
    Ok(Json(state.services.conversations.unread(caller.0).await?.into()))
}

/// Show a conversation
#[utoipa::path(
    tag = "Conversations",
    operation_id = "getConversation",
    params(IdParam),
    responses((status = 200, description = "The conversation", body = wire::Conversation)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/conversations/{id}")]
pub(super) async fn show(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
) -> Result<Json<wire::Conversation>, Problem> {
    let view = state.services.conversations.find(caller.0, id.0).await?;
    Ok(Json((&view).into()))
}

/// Tell how far one has read
///
/// Moves one's position forward, never back. What is read is received as well.
#[utoipa::path(
    tag = "Conversations",
    operation_id = "markRead",
    params(IdParam),
    request_body = wire::SetReceipt,
    responses((status = 200, description = "One's own position as it is then", body = wire::Receipt)),
    extensions(("x-problems" = json!(["rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/conversations/{id}/read")]
pub(super) async fn read(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::SetReceipt>,
) -> Result<Json<wire::Receipt>, Problem> {
    let seq = Seq::new(body.0.seq);
    let receipt = state.services.conversations.advance_receipt(caller.0, id.0, ReceiptKind::Read, seq).await?;
    Ok(Json((&receipt).into()))
}

/// Tell how far one's device has received
///
/// Moves one's position forward, never back.
#[utoipa::path(
    tag = "Conversations",
    operation_id = "markDelivered",
    params(IdParam),
    request_body = wire::SetReceipt,
    responses((status = 200, description = "One's own position as it is then", body = wire::Receipt)),
    extensions(("x-problems" = json!(["rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/conversations/{id}/delivered")]
pub(super) async fn delivered(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::SetReceipt>,
) -> Result<Json<wire::Receipt>, Problem> {
    let seq = Seq::new(body.0.seq);
    let receipt = state.services.conversations.advance_receipt(caller.0, id.0, ReceiptKind::Delivered, seq).await?;
    Ok(Json((&receipt).into()))
}

/// Tell that one writes
///
/// The other members are told at once, and nothing is kept.
#[utoipa::path(
    tag = "Conversations",
    operation_id = "setTyping",
    params(IdParam),
    request_body = wire::SetTyping,
    responses((status = 204, description = "The others are told")),
    extensions(("x-problems" = json!(["rate_limited"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/conversations/{id}/typing")]
pub(super) async fn typing(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::SetTyping>,
) -> Result<HttpResponse, Problem> {
    state.services.conversations.set_typing(caller.0, id.0, body.0.typing).await?;
    Ok(HttpResponse::NoContent().finish())
}
