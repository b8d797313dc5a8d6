//! Ids in paths.

use std::{
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use parlor_domain::InvalidValue;

use crate::problem::{Problem, ProblemCode};

/// The id in the path, which is called `id` in every route.
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: FromStr<Err = InvalidValue>> FromRequest for PathId<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().query("id").parse();
        let invalid = |reason: InvalidValue| Problem::new(ProblemCode::InvalidId, format!("`id` in the path {reason}"));
        ready(id.map(Self).map_err(invalid))
    }
}
