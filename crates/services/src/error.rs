//! Why a rule or a store said no.

use std::time::Duration;

use parlor_domain::{InvalidValue, Lock, Seq, UserId, store::StoreError};

use crate::Budget;

/// What every method of a service gives.
pub type ServiceResult<T> = Result<T, ServiceError>;

/// Why a service did not do what it was asked. Nothing of it was done.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The access token, refresh token or ticket is not good.
    #[error("not authenticated: {0}")]
    Unauthenticated(AuthFailure),
    /// The user name, e-mail address or password is wrong; which of them is not told.
    #[error("wrong credentials")]
    InvalidCredentials,
    /// Somebody else has this user name or e-mail address.
    #[error("the {0} is taken")]
    Taken(&'static str),
    /// A value breaks a rule that needs more than the value itself to be checked.
    #[error("{field} {reason}")]
    Invalid {
        /// The field of the request.
        field: &'static str,
        /// What is wrong with it.
        reason: InvalidValue,
    },
    /// Some of these users do not exist.
    #[error("there are no such users: {ids:?}")]
    UnknownUsers {
        /// The field of the request.
        field: &'static str,
        /// Those that do not.
        ids: Vec<UserId>,
    },
    /// Some of these users do not let the caller add them, or the caller blocks them.
    #[error("the caller may not add these users: {ids:?}")]
    MayNotAdd {
        /// The field of the request.
        field: &'static str,
        /// Those whom it is about.
        ids: Vec<UserId>,
        /// Whether it is the caller who blocks them.
        blocking: bool,
    },
    /// The conversation is none that has a name, roles, and members who come and go.
    #[error("the conversation is no group")]
    NotAGroup,
    /// Another community has this name, or another channel of the community.
    #[error("the name is taken")]
    NameTaken,
    /// Nobody is added to a public channel or removed from it.
    #[error("the channel is public")]
    PublicChannel,
    /// There is no such thing, or it is not the caller's to see.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The caller may see the thing, and may not do this.
    #[error("the caller's role does not allow it")]
    NotPermitted,
    /// The password is right, and the account is locked.
    #[error("the account is locked")]
    AccountLocked(Lock),
    /// Nobody could administer the system after it.
    #[error("it is the last super admin")]
    LastSuperAdmin,
    /// A super admin can't do this to his own account.
    #[error("it is the caller's own account")]
    OwnAccount,
    /// A message with this client message id and another content was sent before.
    #[error("the client message id was used for another message")]
    ClientMessageIdReused,
    /// The message is deleted.
    #[error("the message is deleted")]
    MessageDeleted,
    /// There can't be more of these; the text says of what.
    #[error("{0}")]
    LimitReached(&'static str),
    /// The account that the message is for is deleted.
    #[error("the recipient's account is deleted")]
    RecipientDeleted,
    /// The other one does not let the caller write to him; why is not told.
    #[error("the caller may not write to this user")]
    NotAllowedToWrite,
    /// The caller blocks the other one.
    #[error("the caller blocks this user")]
    Blocking,
    /// The two are friends.
    #[error("the two are friends already")]
    AlreadyFriends,
    /// There are as many friends or blocks as one may have; whose and which, it says.
    #[error("{0}")]
    ListFull(&'static str),
    /// The friend request has been answered otherwise.
    #[error("the friend request waits no longer")]
    RequestNotPending,
    /// The conversation does not reach that far.
    #[error("the conversation ends at {0}")]
    SeqBeyondLast(Seq),
    /// The caller has used up what is allowed for now.
    #[error("too many requests")]
    RateLimited(Budget),
    /// The user has as many connections as one may have.
    #[error("too many connections")]
    TooManyConnections,
    /// The server is at its limit of work.
    #[error("too much to do")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with a token or ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthFailure {
    /// There is none.
    #[error("there is no token")]
    Missing,
    /// It is not ours, not of this kind, or damaged.
    #[error("the token is not valid")]
    Invalid,
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// Its session was revoked or is over.
    #[error("the session has ended")]
    SessionEnded,
    /// It was used before; the session is revoked, because somebody else may hold a copy.
    #[error("the token was used before")]
    Reused,
}
