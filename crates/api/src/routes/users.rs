//! Other users.

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{self, ETag, EntityTag, Header as _, IfNoneMatch},
    web::Json,
};
use parlor_domain::UserId;

use super::{
    State,
    params::{DirectoryParams, IdParam},
};
use crate::{
    avatar,
    extract::{Authenticated, PathId, Query},
    problem::Problem,
    wire,
};

/// Look for users
///
/// All other users by user name, or those whose names have words that begin with the words of `q`.
#[utoipa::path(
    tag = "Users",
    operation_id = "listUsers",
    params(DirectoryParams),
    responses((status = 200, description = "A page of users", body = wire::Page<wire::User>)),
    extensions(("x-problems" = json!(["rate_limited"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/users")]
pub(super) async fn directory(
    state: State,
    caller: Authenticated,
    query: Query<DirectoryParams>,
) -> Result<Json<wire::Page<wire::User>>, Problem> {
    let page = state.services.users.directory(caller.0, query.0.try_into()?).await?;
    Ok(Json(wire::Page { items: page.items.iter().map(Into::into).collect(), next_cursor: page.next }))
}

/// Show a user
#[utoipa::path(
    tag = "Users",
    operation_id = "getUser",
    params(IdParam),
    responses((status = 200, description = "The user", body = wire::User)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/users/{id}")]
pub(super) async fn show(state: State, caller: Authenticated, id: PathId<UserId>) -> Result<Json<wire::User>, Problem> {
    let view = state.services.users.find(caller.0, id.0).await?;
    Ok(Json((&view).into()))
}

/// Show a user's picture
///
/// Initials on a colour. Open to all who know the id, because a page's `img` brings no token; it tells no more than
/// the initials.
#[utoipa::path(
    tag = "Users",
    operation_id = "getAvatar",
    params(IdParam),
    responses(
        (status = 200, description = "The picture", body = String, content_type = "image/svg+xml",
            example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        (status = 304, description = "The picture is the one named in `If-None-Match`")
    )
)]
#[get("/users/{id}/avatar")]
pub(super) async fn picture(state: State, request: HttpRequest, id: PathId<UserId>) -> Result<HttpResponse, Problem> {
    let avatar = state.services.users.avatar(id.0).await?;
    let tag = EntityTag::new_strong(avatar::version(&avatar));
    let known = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Ok(IfNoneMatch::Any) => true,
        Err(_) => false,
    };
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(ETag(tag)).insert_header((header::CACHE_CONTROL, "public, max-age=300"));
    if known {
        return Ok(response.finish());
    }
    response.insert_header((header::CONTENT_SECURITY_POLICY, avatar::SECURITY_POLICY));
    Ok(response.content_type("image/svg+xml").body(avatar::draw(&avatar)))
}
