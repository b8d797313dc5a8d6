//! The one map from what services say to what clients get.

use std::time::Duration;

use parlor_domain::{InvalidValue, UserId, store::StoreError};
use parlor_services::{AuthFailure, ServiceError};

use super::{Problem, ProblemCode};

/// When to try again if the store can't be reached. An outage that is mended is mostly mended soon.
const STORE_RETRY: Duration = Duration::from_secs(5);

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Unauthenticated(failure) => unauthenticated(failure),
            ServiceError::InvalidCredentials => {
                Self::new(ProblemCode::InvalidCredentials, "the user name, e-mail address or password is wrong")
            }
            ServiceError::Taken(field) => {
                let mut problem = Self::invalid_field(field, InvalidValue::new("taken", "belongs to another account"));
                problem.0.code = ProblemCode::Taken;
                problem
            }
            ServiceError::Invalid { field, reason } => Self::invalid_field(field, reason),
            ServiceError::UnknownUsers { field, ids } => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                Self::validation(vec![crate::wire::FieldError {
                    field: field.into(),
                    code: "unknown_user".into(),
                    message: format!("must not name users that do not exist: {}", ids.join(", ")).into(),
                }])
            }
            ServiceError::MayNotAdd { field, ids, blocking } => may_not_add(field, &ids, blocking),
            ServiceError::NotAGroup => Self::new(ProblemCode::NotAGroup, "this conversation is no group"),
            ServiceError::NameTaken => Self::new(ProblemCode::NameTaken, "the name is taken"),
            ServiceError::PublicChannel => {
                Self::new(ProblemCode::ChannelIsPublic, "all members of the community are in this channel")
            }
            ServiceError::NotPermitted => Self::new(ProblemCode::NotPermitted, "the caller's role does not allow this"),
            ServiceError::NotFound(thing) => Self::new(ProblemCode::NotFound, format!("there is no such {thing}")),
            ServiceError::AccountLocked(lock) => {
                let mut problem =
                    Self::new(ProblemCode::AccountLocked, format!("the account is locked: {}", lock.reason));
                problem.0.lock = Some((&lock).into());
                problem
            }
            ServiceError::LastSuperAdmin => {
                Self::new(ProblemCode::LastSuperAdmin, "nobody else administers the system")
            }
            ServiceError::OwnAccount => Self::new(ProblemCode::OwnAccount, "this is your own account"),
            ServiceError::ClientMessageIdReused => Self::new(
                ProblemCode::ClientMessageIdReused,
                "another message with this `clientMessageId` was sent to this conversation before",
            ),
            ServiceError::MessageDeleted => Self::new(ProblemCode::MessageDeleted, "the message is deleted"),
            ServiceError::LimitReached(what) => Self::new(ProblemCode::LimitReached, what),
            ServiceError::RecipientDeleted => {
                Self::new(ProblemCode::RecipientDeleted, "the account of the other user is deleted")
            }
            ServiceError::NotAllowedToWrite => {
                Self::new(ProblemCode::NotAllowedToWrite, "this user can't be written to")
            }
            ServiceError::Blocking => Self::new(ProblemCode::UserBlocked, "this user is blocked by you"),
            ServiceError::ListFull(which) => Self::new(ProblemCode::ListFull, which),
            ServiceError::AlreadyFriends => Self::new(ProblemCode::AlreadyFriends, "this user is a friend already"),
            ServiceError::RequestNotPending => {
                Self::new(ProblemCode::RequestNotPending, "the friend request waits no longer")
            }
            ServiceError::SeqBeyondLast(last) => Self::validation(vec![crate::wire::FieldError {
                field: "seq".into(),
                code: "beyond_last".into(),
                message: format!("must not be more than the conversation's `lastSeq`, {last}").into(),
            }]),
            ServiceError::RateLimited(budget) => {
                Self::new(ProblemCode::RateLimited, "too many of these requests came in a short time")
                    .retry_after(budget.retry_after)
                    .budget(budget)
            }
            ServiceError::TooManyConnections => {
                Self::new(ProblemCode::TooManyConnections, "too many sockets of this user are open")
            }
            ServiceError::Overloaded { retry_after } => {
                Self::new(ProblemCode::Overloaded, "the server has too much work at present").retry_after(retry_after)
            }
            ServiceError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = match &error {
            // A service that knows of a conflict says `Taken`; one that does not has a fault.
            StoreError::Conflict(_) | StoreError::Corrupt(_) => Self::new(ProblemCode::Internal, "the server failed"),
            StoreError::Unavailable(_) => {
                Self::new(ProblemCode::StoreUnavailable, "the database can't be reached").retry_after(STORE_RETRY)
            }
            StoreError::Full(_) => Self::new(ProblemCode::StoreFull, "the database has no room for more"),
        };
        problem.caused_by(error)
    }
}

/// Names those of several users whom a refusal is about.
fn may_not_add(field: &'static str, ids: &[UserId], blocking: bool) -> Problem {
    let (code, detail, rule) = if blocking {
        (ProblemCode::UserBlocked, "some of these users are blocked by you", "must not name users whom you block")
    } else {
        (
            ProblemCode::NotAllowedToWrite,
            "some of these users can't be added",
            "must not name users whom you can't write to",
        )
    };
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut problem = Problem::new(code, detail);
    problem.0.errors = vec![crate::wire::FieldError {
        field: field.into(),
        code: code.name().into(),
        message: format!("{rule}: {}", ids.join(", ")).into(),
    }];
    problem
}

fn unauthenticated(failure: AuthFailure) -> Problem {
    let (code, detail) = match failure {
        AuthFailure::Missing => (ProblemCode::Unauthenticated, "a token is needed"),
        AuthFailure::Invalid => (ProblemCode::InvalidToken, "the token is not valid"),
        AuthFailure::Expired => (ProblemCode::TokenExpired, "the token has expired"),
        AuthFailure::SessionEnded => (ProblemCode::SessionEnded, "the session has ended"),
        AuthFailure::Reused => (ProblemCode::TokenReused, "the token was used before, so its session is ended"),
    };
    Problem::new(code, detail)
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;
    use parlor_domain::{Lock, LockReason, Seq, Timestamp};
    use parlor_services::Budget;

    use super::*;

    const BUDGET: Budget = Budget {
        limit: 10,
        remaining: 0,
        reset: Duration::from_millis(59_001),
        retry_after: Duration::from_millis(5_500),
    };

    fn cause() -> std::io::Error {
        std::io::Error::other("disk /dev/sda1 of host db7")
    }

    /// Every error of a service, with the status, the code and the `Retry-After` that a client gets.
    fn table() -> Vec<(ServiceError, u16, &'static str, Option<&'static str>)> {
        let reason = InvalidValue::new("self", "must be another user");
        let spam = LockReason::parse("spam").unwrap();
        let lock = Lock { reason: spam, at: Timestamp::MAX, until: None };
        let may_not_add = |blocking| ServiceError::MayNotAdd { field: "userIds", ids: Vec::new(), blocking };
        vec![
            (ServiceError::Unauthenticated(AuthFailure::Missing), 401, "unauthenticated", None),
            (ServiceError::Unauthenticated(AuthFailure::Invalid), 401, "invalid_token", None),
            (ServiceError::Unauthenticated(AuthFailure::Expired), 401, "token_expired", None),
            (ServiceError::Unauthenticated(AuthFailure::SessionEnded), 401, "session_ended", None),
            (ServiceError::Unauthenticated(AuthFailure::Reused), 401, "token_reused", None),
            (ServiceError::InvalidCredentials, 401, "invalid_credentials", None),
            (ServiceError::Taken("email"), 409, "taken", None),
            (ServiceError::Invalid { field: "userId", reason }, 422, "validation_failed", None),
            (ServiceError::UnknownUsers { field: "userIds", ids: Vec::new() }, 422, "validation_failed", None),
            (may_not_add(false), 403, "not_allowed_to_write", None),
            (may_not_add(true), 409, "user_blocked", None),
            (ServiceError::NotAGroup, 409, "not_a_group", None),
            (ServiceError::NameTaken, 409, "name_taken", None),
            (ServiceError::PublicChannel, 409, "channel_is_public", None),
            (ServiceError::NotPermitted, 403, "not_permitted", None),
            (ServiceError::NotFound("user"), 404, "not_found", None),
            (ServiceError::AccountLocked(lock), 403, "account_locked", None),
            (ServiceError::LastSuperAdmin, 409, "last_super_admin", None),
            (ServiceError::OwnAccount, 409, "own_account", None),
            (ServiceError::ClientMessageIdReused, 409, "client_message_id_reused", None),
            (ServiceError::MessageDeleted, 409, "message_deleted", None),
            (ServiceError::LimitReached("too many"), 409, "limit_reached", None),
            (ServiceError::RecipientDeleted, 409, "recipient_deleted", None),
            (ServiceError::NotAllowedToWrite, 403, "not_allowed_to_write", None),
            (ServiceError::Blocking, 409, "user_blocked", None),
            (ServiceError::AlreadyFriends, 409, "already_friends", None),
            (ServiceError::ListFull("the list is full"), 409, "list_full", None),
            (ServiceError::RequestNotPending, 409, "request_not_pending", None),
            (ServiceError::SeqBeyondLast(Seq::new(3)), 422, "validation_failed", None),
            (ServiceError::RateLimited(BUDGET), 429, "rate_limited", Some("6")),
            (ServiceError::TooManyConnections, 429, "too_many_connections", None),
            (ServiceError::Overloaded { retry_after: Duration::from_secs(2) }, 503, "overloaded", Some("2")),
            (StoreError::unavailable(cause()).into(), 503, "store_unavailable", Some("5")),
            (StoreError::Full(cause().into()).into(), 507, "store_full", None),
            (StoreError::corrupt(cause()).into(), 500, "internal", None),
            (StoreError::Conflict("id").into(), 500, "internal", None),
        ]
    }

    #[test]
    fn every_error_of_a_service_has_its_status_and_code() {
        for (error, status, code, retry_after) in table() {
            let name = format!("{error:?}");
            let problem = Problem::from(error);
            let response = problem.error_response();
            let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), problem.code().name()), (status, code), "{name}");
            assert_eq!(header("retry-after"), retry_after, "{name}");
            assert_eq!(header("www-authenticate").is_some(), status == 401, "{name}");
            assert_eq!(header("content-type"), Some("application/problem+json"), "{name}");
        }
    }

    #[test]
    fn an_internal_cause_is_never_sent() {
        for (error, ..) in table() {
            let body = String::from_utf8(Problem::from(error).body()).unwrap();
            assert!(!body.contains("sda1") && !body.contains("db7"), "{body}");
        }
    }

    #[test]
    fn a_rate_limit_is_told_in_headers_and_in_the_document() {
        let problem = Problem::from(ServiceError::RateLimited(BUDGET));
        let response = problem.error_response();
        for (name, value) in [("ratelimit-limit", "10"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "60")] {
            assert_eq!(response.headers().get(name).unwrap(), value);
        }
        assert_eq!(problem.document().retry_after, Some(6));
    }
}
