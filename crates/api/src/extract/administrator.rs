//! Who administers.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload};
use parlor_services::AdminCall;
use tracing_actix_web::RequestId;

use super::authenticated::authenticate;
use crate::problem::Problem;

/// The caller of an operation that goes into the audit log, and in which request. Whether he may, the service says.
pub(crate) struct Administrator(pub(crate) AdminCall);

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = request.extensions().get::<RequestId>().map(ToString::to_string);
        ready(authenticate(request).map(|caller| Self(AdminCall { caller, request: name })))
    }
}
