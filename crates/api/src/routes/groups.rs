//! Groups, and how one wants to see a conversation.

use actix_web::{HttpResponse, delete, get, patch, post, web::Json};
use parlor_domain::ConversationId;

use super::{
    State,
    params::{IdParam, MemberParam, MembersParams},
};
use crate::{
    extract::{Authenticated, Body, PathId, PathMember, Query},
    problem::Problem,
    wire,
};

/// Make a group
///
/// The caller owns it. All members are told of it at once.
#[utoipa::path(
    tag = "Groups",
    operation_id = "createGroup",
    request_body = wire::CreateGroup,
    responses((status = 201, description = "The group", body = wire::Conversation)),
    extensions(("x-problems" = json!(["user_blocked", "not_allowed_to_write", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/conversations")]
pub(super) async fn create(
    state: State,
    caller: Authenticated,
    body: Body<wire::CreateGroup>,
) -> Result<HttpResponse, Problem> {
    let view = state.services.groups.create(caller.0, body.0.try_into()?).await?;
    Ok(HttpResponse::Created().json(wire::Conversation::from(&view)))
}

/// Rename or describe a group
///
/// For its owner and administrators, who also turn its read receipts on and off. A message of the kind `system` tells the members.
#[utoipa::path(
    tag = "Groups",
    operation_id = "updateConversation",
    params(IdParam),
    request_body = wire::UpdateConversation,
    responses((status = 200, description = "The group as it is then", body = wire::Conversation)),
    extensions(("x-problems" = json!(["not_permitted", "not_a_group", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[patch("/conversations/{id}")]
pub(super) async fn update(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::UpdateConversation>,
) -> Result<Json<wire::Conversation>, Problem> {
    let view = state.services.groups.describe(caller.0, id.0, body.0.try_into()?).await?;
    Ok(Json((&view).into()))
}

/// Choose how one sees a conversation
///
/// Mute, pin, archive or hide it. Nobody else gets to know; one's own devices are told.
#[utoipa::path(
    tag = "Conversations",
    operation_id = "updateConversationSettings",
    params(IdParam),
    request_body = wire::UpdateConversationSettings,
    responses((status = 200, description = "The conversation as one sees it then", body = wire::Conversation)),
    extensions(("x-problems" = json!(["rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[patch("/conversations/{id}/settings")]
pub(super) async fn set_settings(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::UpdateConversationSettings>,
) -> Result<Json<wire::Conversation>, Problem> {
    let view = state.services.conversations.set_settings(caller.0, id.0, body.0.try_into()?).await?;
    Ok(Json((&view).into()))
}

/// List the members of a group, a community or a channel
///
/// In the order of their ids.
#[utoipa::path(
    tag = "Groups",
    operation_id = "listMembers",
    params(IdParam, MembersParams),
    responses((status = 200, description = "A page of members", body = wire::Page<wire::GroupMember>)),
    extensions(("x-problems" = json!(["not_a_group"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/conversations/{id}/members")]
pub(super) async fn members(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    query: Query<MembersParams>,
) -> Result<Json<wire::Page<wire::GroupMember>>, Problem> {
    let (after, limit) = query.0.page()?;
    let page = state.services.groups.members(caller.0, id.0, after, limit).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(wire::Page { items, next_cursor: page.next.map(|user| user.to_string()) }))
}

/// Add members to a group, a community or a private channel
///
/// For its owner and administrators. Who is a member already stays as he is. Who comes into a community comes into its
/// public channels; into a private channel come members of the community.
#[utoipa::path(
    tag = "Groups",
    operation_id = "addMembers",
    params(IdParam),
    request_body = wire::AddMembers,
    responses((status = 200, description = "The group as it is then", body = wire::Conversation)),
    extensions(("x-problems" = json!([
        "not_permitted", "not_a_group", "channel_is_public", "limit_reached", "user_blocked", "not_allowed_to_write",
        "rate_limited", "store_full"
    ]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/conversations/{id}/members")]
pub(super) async fn add(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::AddMembers>,
) -> Result<Json<wire::Conversation>, Problem> {
    let view = state.services.groups.add(caller.0, id.0, body.0.users()?).await?;
    Ok(Json((&view).into()))
}

/// Give a member of a group or a community another role
///
/// For the owner. `owner` hands the group over; who had it stays as an administrator.
#[utoipa::path(
    tag = "Groups",
    operation_id = "updateMember",
    params(MemberParam),
    request_body = wire::SetRole,
    responses((status = 200, description = "The group as it is then", body = wire::Conversation)),
    extensions(("x-problems" = json!(["not_permitted", "not_a_group", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[patch("/conversations/{id}/members/{userId}")]
pub(super) async fn set_role(
    state: State,
    caller: Authenticated,
    member: PathMember,
    body: Body<wire::SetRole>,
) -> Result<Json<wire::Conversation>, Problem> {
    let PathMember(conversation, user) = member;
    let view = state.services.groups.set_role(caller.0, conversation, user, body.0.role.into()).await?;
    Ok(Json((&view).into()))
}

/// Remove a member from a group, a community or a private channel
///
/// Oneself, to leave: an owner who leaves hands over to the administrator, else the member, who has been there longest.
/// Who is gone gets nothing of the group any more.
#[utoipa::path(
    tag = "Groups",
    operation_id = "removeMember",
    params(MemberParam),
    responses((status = 204, description = "He is gone")),
    extensions(("x-problems" = json!(["not_permitted", "not_a_group", "channel_is_public", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/conversations/{id}/members/{userId}")]
pub(super) async fn remove(state: State, caller: Authenticated, member: PathMember) -> Result<HttpResponse, Problem> {
    let PathMember(conversation, user) = member;
    state.services.groups.remove(caller.0, conversation, user).await?;
    Ok(HttpResponse::NoContent().finish())
}
