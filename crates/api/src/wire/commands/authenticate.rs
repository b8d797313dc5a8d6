//! Who a client says that it is, on a socket that was opened without saying it.

use parlor_domain::InvalidValue;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::super::Secret;
use crate::problem::Problem;

/// Who the client is: exactly one of the two.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9.…" }))]
pub struct Authenticate {
    /// An access token.
    #[schema(value_type = Option<String>)]
    token: Option<Secret>,
    /// A one-time ticket.
    #[schema(value_type = Option<String>)]
    ticket: Option<Secret>,
}

/// By what a client says who it is.
#[derive(Clone, Debug)]
pub enum SocketCredential {
    /// By an access token.
    Token(Secret),
    /// By a one-time ticket.
    Ticket(Secret),
}

impl TryFrom<Authenticate> for SocketCredential {
    type Error = Problem;

    fn try_from(data: Authenticate) -> Result<Self, Problem> {
        match (data.token, data.ticket) {
            (Some(token), None) => Ok(Self::Token(token)),
            (None, Some(ticket)) => Ok(Self::Ticket(ticket)),
            (None, None) => {
                Err(Problem::invalid_field("token", InvalidValue::new("missing", "is needed, or `ticket` instead")))
            }
            (Some(_), Some(_)) => Err(Problem::invalid_field(
                "ticket",
                InvalidValue::new("ambiguous", "must not be given together with `token`"),
            )),
        }
    }
}
