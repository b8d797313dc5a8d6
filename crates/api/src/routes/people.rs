//! Friends, friend requests and blocks.

use actix_web::{HttpResponse, delete, get, post, put, web::Json};
use parlor_domain::{FriendRequestId, UserId, store::Answer};

use super::{
    State,
    params::{FriendRequestParams, IdParam, PeopleParams, write_cursor},
};
use crate::{
    extract::{Authenticated, Body, PathId, Query},
    problem::Problem,
    wire,
};

/// Ask somebody to be friends
///
/// If the other one has asked as well, both are friends at once: the answer is that request, `accepted`. If one has
/// asked before and waits, it is that request as it is.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "sendFriendRequest",
    request_body = wire::SendFriendRequest,
    responses(
        (status = 201, description = "The request, made now", body = wire::FriendRequest),
        (status = 200, description = "The request that was there", body = wire::FriendRequest)
    ),
    extensions(("x-problems" = json!(["not_found", "user_blocked", "already_friends", "list_full", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/friend-requests")]
pub(super) async fn ask(
    state: State,
    caller: Authenticated,
    body: Body<wire::SendFriendRequest>,
) -> Result<HttpResponse, Problem> {
    let (user, text) = body.0.parts()?;
    let asked = state.services.relations.request(caller.0, user, text).await?;
    let mut response = if asked.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(wire::FriendRequest::from(&asked.view)))
}

/// List the friend requests that wait
///
/// Those to oneself or those of one's own, the newest first.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "listFriendRequests",
    params(FriendRequestParams),
    responses((status = 200, description = "A page of requests", body = wire::Page<wire::FriendRequest>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/friend-requests")]
pub(super) async fn requests(
    state: State,
    caller: Authenticated,
    query: Query<FriendRequestParams>,
) -> Result<Json<wire::Page<wire::FriendRequest>>, Problem> {
    let (direction, after, limit) = query.0.page()?;
    let page = state.services.relations.requests(caller.0, direction, after, limit).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(wire::Page { items, next_cursor: page.next.map(write_cursor) }))
}

/// Accept a friend request
///
/// Both are friends from then on. As long as they are, a repeat has the same answer.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "acceptFriendRequest",
    params(IdParam),
    responses((status = 200, description = "The request, accepted", body = wire::FriendRequest)),
    extensions(("x-problems" = json!(["list_full", "request_not_pending", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/friend-requests/{id}/accept")]
pub(super) async fn accept(
    state: State,
    caller: Authenticated,
    id: PathId<FriendRequestId>,
) -> Result<Json<wire::FriendRequest>, Problem> {
    let view = state.services.relations.answer(caller.0, id.0, Answer::Accept).await?;
    Ok(Json((&view).into()))
}

/// Reject a friend request
///
/// The one who asked is not told: to him it waits on. A repeat has the same answer.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "rejectFriendRequest",
    params(IdParam),
    responses((status = 200, description = "The request, rejected", body = wire::FriendRequest)),
    extensions(("x-problems" = json!(["request_not_pending", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/friend-requests/{id}/reject")]
pub(super) async fn reject(
    state: State,
    caller: Authenticated,
    id: PathId<FriendRequestId>,
) -> Result<Json<wire::FriendRequest>, Problem> {
    let view = state.services.relations.answer(caller.0, id.0, Answer::Reject).await?;
    Ok(Json((&view).into()))
}

/// Take a friend request back
///
/// A repeat has the same answer.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "cancelFriendRequest",
    params(IdParam),
    responses((status = 204, description = "It waits no longer")),
    extensions(("x-problems" = json!(["request_not_pending", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/friend-requests/{id}")]
pub(super) async fn cancel(
    state: State,
    caller: Authenticated,
    id: PathId<FriendRequestId>,
) -> Result<HttpResponse, Problem> {
    state.services.relations.answer(caller.0, id.0, Answer::Cancel).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List one's friends
///
/// By user name.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "listFriends",
    params(PeopleParams),
    responses((status = 200, description = "A page of friends", body = wire::Page<wire::Friend>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/friends")]
pub(super) async fn friends(
    state: State,
    caller: Authenticated,
    query: Query<PeopleParams>,
) -> Result<Json<wire::Page<wire::Friend>>, Problem> {
    let (after, limit) = query.0.page()?;
    let page = state.services.relations.friends(caller.0, after, limit).await?;
    Ok(Json(wire::Page { items: page.items.iter().map(Into::into).collect(), next_cursor: page.next }))
}

/// End a friendship
///
/// Both are told. Nothing happens if there is none.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "removeFriend",
    params(IdParam),
    responses((status = 204, description = "The user is no friend")),
    extensions(("x-problems" = json!(["rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/friends/{id}")]
pub(super) async fn unfriend(state: State, caller: Authenticated, id: PathId<UserId>) -> Result<HttpResponse, Problem> {
    state.services.relations.unfriend(caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List those whom one blocks
///
/// By user name.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "listBlocks",
    params(PeopleParams),
    responses((status = 200, description = "A page of blocked users", body = wire::Page<wire::BlockedUser>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/blocks")]
pub(super) async fn blocks(
    state: State,
    caller: Authenticated,
    query: Query<PeopleParams>,
) -> Result<Json<wire::Page<wire::BlockedUser>>, Problem> {
    let (after, limit) = query.0.page()?;
    let page = state.services.relations.blocks(caller.0, after, limit).await?;
    Ok(Json(wire::Page { items: page.items.iter().map(Into::into).collect(), next_cursor: page.next }))
}

/// Block a user
///
/// The user can't write any more, and sees no more than one's name; he is not told. A friendship and friend requests
/// end. Nothing happens if he is blocked already.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "blockUser",
    params(IdParam),
    responses((status = 204, description = "The user is blocked")),
    extensions(("x-problems" = json!(["validation_failed", "list_full", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[put("/blocks/{id}")]
pub(super) async fn block(state: State, caller: Authenticated, id: PathId<UserId>) -> Result<HttpResponse, Problem> {
    state.services.relations.block(caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End a block
///
/// Nothing happens if there is none.
#[utoipa::path(
    tag = "Friends and blocks",
    operation_id = "unblockUser",
    params(IdParam),
    responses((status = 204, description = "The user is not blocked")),
    extensions(("x-problems" = json!(["rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/blocks/{id}")]
pub(super) async fn unblock(state: State, caller: Authenticated, id: PathId<UserId>) -> Result<HttpResponse, Problem> {
    state.services.relations.unblock(caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
