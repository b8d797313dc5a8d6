//! Communities and their channels. Who is in them is at the paths of conversations.

use actix_web::{HttpResponse, delete, get, patch, post, web::Json};
use parlor_domain::ConversationId;

use super::{
    State,
    params::{CommunityParams, DirectoryOfCommunitiesParams, IdParam, write_name_cursor},
};
use crate::{
    extract::{Authenticated, Body, PathId, Query},
    problem::Problem,
    wire,
};

/// Make a community
///
/// The caller owns it. It has no channels yet. Whether everyone may make one, `communities.create` in the
/// configuration says.
#[utoipa::path(
    tag = "Communities",
    operation_id = "createCommunity",
    request_body = wire::NewCommunity,
    responses((status = 201, description = "The community", body = wire::Community)),
    extensions(("x-problems" = json!(["not_permitted", "name_taken", "limit_reached", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/communities")]
pub(super) async fn create(
    state: State,
    caller: Authenticated,
    body: Body<wire::NewCommunity>,
) -> Result<HttpResponse, Problem> {
    let view = state.services.communities.create(caller.0, body.0.try_into()?).await?;
    Ok(HttpResponse::Created().json(wire::Community::from(&view)))
}

/// List one's communities
///
/// In the order of their ids.
#[utoipa::path(
    tag = "Communities",
    operation_id = "listCommunities",
    params(CommunityParams),
    responses((status = 200, description = "A page of communities", body = wire::Page<wire::Community>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/communities")]
pub(super) async fn list(
    state: State,
    caller: Authenticated,
    query: Query<CommunityParams>,
) -> Result<Json<wire::Page<wire::Community>>, Problem> {
    let (after, limit) = query.0.page()?;
    let page = state.services.communities.mine(caller.0, after, limit).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(wire::Page { items, next_cursor: page.next.map(|id| id.to_string()) }))
}

/// Find public communities
///
/// By the beginning of their names and by category, in the order of their names.
#[utoipa::path(
    tag = "Communities",
    operation_id = "findCommunities",
    params(DirectoryOfCommunitiesParams),
    responses((status = 200, description = "A page of communities", body = wire::Page<wire::Community>)),
    extensions(("x-problems" = json!(["rate_limited"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/communities/directory")]
pub(super) async fn directory(
    state: State,
    caller: Authenticated,
    query: Query<DirectoryOfCommunitiesParams>,
) -> Result<Json<wire::Page<wire::Community>>, Problem> {
    let page = state.services.communities.directory(caller.0, query.0.try_into()?).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(wire::Page { items, next_cursor: page.next.as_deref().map(write_name_cursor) }))
}

/// Show a community
///
/// To its members, and a public one to everyone.
#[utoipa::path(
    tag = "Communities",
    operation_id = "getCommunity",
    params(IdParam),
    responses((status = 200, description = "The community", body = wire::Community)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/communities/{id}")]
pub(super) async fn show(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
) -> Result<Json<wire::Community>, Problem> {
    let view = state.services.communities.find(caller.0, id.0).await?;
    Ok(Json((&view).into()))
}

/// Change a community
///
/// For its owner and administrators. A message of the kind `system` in its stream tells the members.
#[utoipa::path(
    tag = "Communities",
    operation_id = "updateCommunity",
    params(IdParam),
    request_body = wire::UpdateCommunity,
    responses((status = 200, description = "The community as it is then", body = wire::Community)),
    extensions(("x-problems" = json!(["not_permitted", "name_taken", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[patch("/communities/{id}")]
pub(super) async fn update(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::UpdateCommunity>,
) -> Result<Json<wire::Community>, Problem> {
    let view = state.services.communities.update(caller.0, id.0, body.0.try_into()?).await?;
    Ok(Json((&view).into()))
}

/// Delete a community
///
/// For its owner. Everybody is out of it and of its channels; what was written there is erased.
#[utoipa::path(
    tag = "Communities",
    operation_id = "deleteCommunity",
    params(IdParam),
    responses((status = 204, description = "It is gone")),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/communities/{id}")]
pub(super) async fn delete(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
) -> Result<HttpResponse, Problem> {
    state.services.communities.delete(caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Join a public community
///
/// The caller is in all its public channels then. Who is in it already stays as he is.
#[utoipa::path(
    tag = "Communities",
    operation_id = "joinCommunity",
    params(IdParam),
    responses((status = 200, description = "The community", body = wire::Community)),
    extensions(("x-problems" = json!(["limit_reached", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/communities/{id}/join")]
pub(super) async fn join(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
) -> Result<Json<wire::Community>, Problem> {
    let view = state.services.communities.join(caller.0, id.0).await?;
    Ok(Json((&view).into()))
}

/// List the channels of a community
///
/// Those that the caller is in, in the order in which they stand: all of them on one page.
#[utoipa::path(
    tag = "Communities",
    operation_id = "listChannels",
    params(IdParam),
    responses((status = 200, description = "The channels", body = wire::Page<wire::Conversation>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/communities/{id}/channels")]
pub(super) async fn channels(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
) -> Result<Json<wire::Page<wire::Conversation>>, Problem> {
    let channels = state.services.communities.channels(caller.0, id.0).await?;
    Ok(Json(wire::Page { items: channels.iter().map(Into::into).collect(), next_cursor: None }))
}

/// Make a channel
///
/// For the community's owner and administrators. All members of the community are in it; in a private one those who
/// manage the community, and who is added.
#[utoipa::path(
    tag = "Communities",
    operation_id = "createChannel",
    params(IdParam),
    request_body = wire::NewChannel,
    responses((status = 201, description = "The channel", body = wire::Conversation)),
    extensions(("x-problems" = json!(["not_permitted", "name_taken", "limit_reached", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/communities/{id}/channels")]
pub(super) async fn create_channel(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::NewChannel>,
) -> Result<HttpResponse, Problem> {
    let view = state.services.communities.create_channel(caller.0, id.0, body.0.try_into()?).await?;
    Ok(HttpResponse::Created().json(wire::Conversation::from(&view)))
}

/// Change a channel
///
/// For the community's owner and administrators. A message of the kind `system` in the channel tells its members.
#[utoipa::path(
    tag = "Communities",
    operation_id = "updateChannel",
    params(IdParam),
    request_body = wire::UpdateChannel,
    responses((status = 200, description = "The channel as it is then", body = wire::Conversation)),
    extensions(("x-problems" = json!(["not_permitted", "name_taken", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[patch("/channels/{id}")]
pub(super) async fn update_channel(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
    body: Body<wire::UpdateChannel>,
) -> Result<Json<wire::Conversation>, Problem> {
    let view = state.services.communities.update_channel(caller.0, id.0, body.0.try_into()?).await?;
    Ok(Json((&view).into()))
}

/// Delete a channel
///
/// For the community's owner and administrators. Everybody is out of it; what was written there is erased.
#[utoipa::path(
    tag = "Communities",
    operation_id = "deleteChannel",
    params(IdParam),
    responses((status = 204, description = "It is gone")),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/channels/{id}")]
pub(super) async fn delete_channel(
    state: State,
    caller: Authenticated,
    id: PathId<ConversationId>,
) -> Result<HttpResponse, Problem> {
    state.services.communities.delete_channel(caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
