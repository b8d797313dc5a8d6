//! Single messages: edits, deletions, reactions, pins.

use actix_web::{HttpResponse, delete, get, patch, put, web::Json};
use parlor_domain::{ConversationId, MessageAction, Rev, Seq};
use parlor_services::Caller;

use super::{
    State,
    params::{EmojiParam, IdParam, MessageParam, PageParams, ReactionParams},
};
use crate::{
    extract::{Authenticated, Body, PathEmoji, PathId, PathMessage, Query},
    problem::Problem,
    wire,
};

/// Changes a message, and gives it as it is then.
async fn change(
    state: &State,
    caller: Caller,
    PathMessage(conversation, message): PathMessage,
    action: MessageAction,
) -> Result<Json<wire::Message>, Problem> {
    let view = state.services.messages.change(caller, conversation, message, action).await?;
    Ok(Json((&view).into()))
}

/// Read a message
#[utoipa::path(
    tag = "Messages",
    operation_id = "getMessage",
    params(MessageParam),
    responses((status = 200, description = "The message as it is", body = wire::Message)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/conversations/{id}/messages/{messageId}")]
pub(super) async fn show(state: State, caller: Authenticated, at: PathMessage) -> Result<Json<wire::Message>, Problem> {
    let view = state.services.messages.find(caller.0, (at.0, at.1)).await?;
    Ok(Json((&view).into()))
}

/// Edit a message
///
/// For its sender. What it said before is kept as a version. The same text again changes nothing.
#[utoipa::path(
    tag = "Messages",
    operation_id = "editMessage",
    params(MessageParam),
    request_body = wire::EditMessage,
    responses((status = 200, description = "The message as it is then", body = wire::Message)),
    extensions(("x-problems" = json!([
        "not_permitted", "message_deleted", "not_allowed_to_write", "user_blocked", "recipient_deleted", "rate_limited",
        "store_full"
    ]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[patch("/conversations/{id}/messages/{messageId}")]
pub(super) async fn edit(
    state: State,
    caller: Authenticated,
    at: PathMessage,
    body: Body<wire::EditMessage>,
) -> Result<Json<wire::Message>, Problem> {
    change(&state, caller.0, at, body.0.action()?).await
}

/// Delete a message for everyone
///
/// For its sender, and in a group for its owner and administrators. Its place stays; what it said, its versions and its
/// reactions are gone.
#[utoipa::path(
    tag = "Messages",
    operation_id = "deleteMessage",
    params(MessageParam),
    responses((status = 204, description = "It is deleted")),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/conversations/{id}/messages/{messageId}")]
pub(super) async fn delete(state: State, caller: Authenticated, at: PathMessage) -> Result<HttpResponse, Problem> {
    state.services.messages.change(caller.0, at.0, at.1, MessageAction::Delete).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List what a message has said before
///
/// The oldest first, without what it says now.
#[utoipa::path(
    tag = "Messages",
    operation_id = "listVersions",
    params(MessageParam, PageParams),
    responses((status = 200, description = "A page of versions", body = wire::Page<wire::MessageVersion>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/conversations/{id}/messages/{messageId}/versions")]
pub(super) async fn versions(
    state: State,
    caller: Authenticated,
    at: PathMessage,
    query: Query<PageParams>,
) -> Result<Json<wire::Page<wire::MessageVersion>>, Problem> {
    let (after, limit) = query.0.page()?;
    let after = after.map(Rev::new).unwrap_or_default();
    let page = state.services.messages.versions(caller.0, (at.0, at.1), after, limit).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(wire::Page { items, next_cursor: page.next.map(|rev| rev.to_string()) }))
}

/// List who has reacted to a message
///
/// With one emoji, the first first.
#[utoipa::path(
    tag = "Messages",
    operation_id = "listReactions",
    params(MessageParam, ReactionParams),
    responses((status = 200, description = "A page of reactions", body = wire::Page<wire::Reactor>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/conversations/{id}/messages/{messageId}/reactions")]
pub(super) async fn reactions(
    state: State,
    caller: Authenticated,
    at: PathMessage,
    query: Query<ReactionParams>,
) -> Result<Json<wire::Page<wire::Reactor>>, Problem> {
    let (emoji, after, limit) = query.0.page()?;
    let page = state.services.messages.reactions(caller.0, (at.0, at.1), &emoji, (after, limit)).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(wire::Page { items, next_cursor: page.next.map(|rev| rev.to_string()) }))
}

/// React to a message
///
/// Several reactions of one user are fine, one with each emoji. The same again changes nothing.
#[utoipa::path(
    tag = "Messages",
    operation_id = "addReaction",
    params(MessageParam, EmojiParam),
    responses((status = 200, description = "The message as it is then", body = wire::Message)),
    extensions(("x-problems" = json!([
        "validation_failed", "message_deleted", "limit_reached", "not_allowed_to_write", "user_blocked",
        "recipient_deleted", "rate_limited", "store_full"
    ]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[put("/conversations/{id}/messages/{messageId}/reactions/{emoji}")]
pub(super) async fn react(
    state: State,
    caller: Authenticated,
    at: PathMessage,
    emoji: PathEmoji,
) -> Result<Json<wire::Message>, Problem> {
    change(&state, caller.0, at, MessageAction::React(emoji.0)).await
}

/// Take a reaction back
///
/// Where there is none, nothing changes; so it is also on a deleted message.
#[utoipa::path(
    tag = "Messages",
    operation_id = "removeReaction",
    params(MessageParam, EmojiParam),
    responses((status = 200, description = "The message as it is then", body = wire::Message)),
    extensions(("x-problems" = json!(["validation_failed", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/conversations/{id}/messages/{messageId}/reactions/{emoji}")]
pub(super) async fn unreact(
    state: State,
    caller: Authenticated,
    at: PathMessage,
    emoji: PathEmoji,
) -> Result<Json<wire::Message>, Problem> {
    change(&state, caller.0, at, MessageAction::Unreact(emoji.0)).await
}

/// List the pinned messages of a conversation
///
/// The newest message first.
#[utoipa::path(
    tag = "Messages",
    operation_id = "listPins",
    params(IdParam, PageParams),
    responses((status = 200, description = "A page of messages", body = wire::Page<wire::Message>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/conversations/{id}/pins")]
pub(super) async fn pins(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    query: Query<PageParams>,
) -> Result<Json<wire::Page<wire::Message>>, Problem> {
    let (before, limit) = query.0.page()?;
    let page = state.services.messages.pins(caller.0, id.0, before.map(Seq::new), limit).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(wire::Page { items, next_cursor: page.next.map(|seq| seq.to_string()) }))
}

/// Pin a message
///
/// For both in a direct conversation, in a group for its owner and administrators. A conversation has at most 100 pinned
/// messages.
#[utoipa::path(
    tag = "Messages",
    operation_id = "pinMessage",
    params(MessageParam),
    responses((status = 200, description = "The message as it is then", body = wire::Message)),
    extensions(("x-problems" = json!([
        "not_permitted", "message_deleted", "limit_reached", "not_allowed_to_write", "user_blocked",
        "recipient_deleted", "rate_limited", "store_full"
    ]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[put("/conversations/{id}/messages/{messageId}/pin")]
pub(super) async fn pin(state: State, caller: Authenticated, at: PathMessage) -> Result<Json<wire::Message>, Problem> {
    change(&state, caller.0, at, MessageAction::Pin).await
}

/// Unpin a message
///
/// One that is not pinned, or deleted, stays as it is.
#[utoipa::path(
    tag = "Messages",
    operation_id = "unpinMessage",
    params(MessageParam),
    responses((status = 200, description = "The message as it is then", body = wire::Message)),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/conversations/{id}/messages/{messageId}/pin")]
pub(super) async fn unpin(
    state: State,
    caller: Authenticated,
    at: PathMessage,
) -> Result<Json<wire::Message>, Problem> {
    change(&state, caller.0, at, MessageAction::Unpin).await
}
