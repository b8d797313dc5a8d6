//! Extractors: how handlers get at what a request says. Whatever is wrong with it, is a problem here already.

mod address;
mod administrator;
mod authenticated;
mod body;
mod id;
mod json;
mod origin;
mod query;
mod unique_keys;

pub(crate) use address::Client;
pub(crate) use administrator::Administrator;
pub(crate) use authenticated::{Authenticated, Credential, credential};
pub(crate) use body::{Body, OptionalBody};
pub(crate) use id::{PathEmoji, PathId, PathMember, PathMessage, SessionInPath};
pub(crate) use json::{from_json, object};
pub(crate) use origin::{check_origin, is_allowed};
pub(crate) use query::{Query, TakingParameters, number};

use actix_web::{HttpRequest, web};

use crate::{
    AppState,
    problem::{Problem, ProblemCode},
};

/// The state that the app was built with.
fn state(request: &HttpRequest) -> Result<&AppState, Problem> {
    let state = request.app_data::<web::Data<AppState>>();
    let absent = || Problem::new(ProblemCode::Internal, "the server failed").caused_by("the app has no state");
    state.map(|state| state.get_ref()).ok_or_else(absent)
}
