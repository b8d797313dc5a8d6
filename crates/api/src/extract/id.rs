//! Ids in paths.

use std::{
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use parlor_domain::{ConversationId, Emoji, InvalidValue, MessageId, SessionId, UserId};

use crate::problem::{Problem, ProblemCode};

/// The id in the path that the route is about, which is called `id` in every route.
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: FromStr<Err = InvalidValue>> FromRequest for PathId<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(named(request, "id").map(Self))
    }
}

/// A conversation and a user in the path, as `id` and `userId`.
pub(crate) struct PathMember(pub(crate) ConversationId, pub(crate) UserId);

impl FromRequest for PathMember {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(named(request, "id").and_then(|id| Ok(Self(id, named(request, "userId")?))))
    }
}

/// A conversation and a message in the path, as `id` and `messageId`.
pub(crate) struct PathMessage(pub(crate) ConversationId, pub(crate) MessageId);

impl FromRequest for PathMessage {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(named(request, "id").and_then(|id| Ok(Self(id, named(request, "messageId")?))))
    }
}

/// An emoji in the path, as `emoji`.
pub(crate) struct PathEmoji(pub(crate) Emoji);

impl FromRequest for PathEmoji {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = Emoji::parse(request.match_info().query("emoji"));
        ready(parsed.map(Self).map_err(|reason| Problem::invalid_field("emoji", reason)))
    }
}

fn named<T: FromStr<Err = InvalidValue>>(request: &HttpRequest, name: &str) -> Result<T, Problem> {
    let invalid = |reason| Problem::new(ProblemCode::InvalidId, format!("`{name}` in the path {reason}"));
    request.match_info().query(name).parse().map_err(invalid)
}

/// The second id in the path where it is a session's, called `sessionId`.
pub(crate) struct SessionInPath(pub(crate) SessionId);

impl FromRequest for SessionInPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(named(request, "sessionId").map(Self))
    }
}
