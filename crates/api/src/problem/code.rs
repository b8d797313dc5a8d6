//! Every problem that an answer can name: the one table behind statuses, documents and the list of errors.

use actix_web::http::StatusCode;

/// What went wrong, as a stable word for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemCode {
    /// The request as a whole is malformed.
    BadRequest,
    /// An id in the path is no id.
    InvalidId,
    /// The body is not JSON, or not JSON that everyone reads alike.
    InvalidJson,
    /// The body is missing.
    MissingBody,
    /// A token stands in the URL.
    TokenInUrl,
    /// There is no access token, refresh token or ticket.
    Unauthenticated,
    /// The user name, e-mail address or password is wrong.
    InvalidCredentials,
    /// The token or ticket is not good.
    InvalidToken,
    /// The token or ticket was good once.
    TokenExpired,
    /// The session was revoked or is over.
    SessionEnded,
    /// The refresh token was used before.
    TokenReused,
    /// A page of an origin that is not allowed uses somebody's cookies.
    OriginNotAllowed,
    /// The other one does not let the caller write to him.
    NotAllowedToWrite,
    /// The caller may see the thing, and may not do this.
    NotPermitted,
    /// The password is right, and the account is locked.
    AccountLocked,
    /// There is no such thing, or it is not the caller's to see.
    NotFound,
    /// There is nothing under this path.
    UnknownPath,
    /// There is no command of this name.
    UnknownCommand,
    /// The path does not take this method.
    MethodNotAllowed,
    /// The body took too long to arrive.
    RequestTimeout,
    /// The conversation is no group.
    NotAGroup,
    /// Another community or channel has the name.
    NameTaken,
    /// Nobody is added to a public channel or removed from it.
    ChannelIsPublic,
    /// Somebody else has this user name or e-mail address.
    Taken,
    /// The client message id was used for another message.
    ClientMessageIdReused,
    /// The message is deleted.
    MessageDeleted,
    /// There can't be more of something.
    LimitReached,
    /// The account that the message is for is deleted.
    RecipientDeleted,
    /// The caller blocks the user.
    UserBlocked,
    /// The two are friends already.
    AlreadyFriends,
    /// There are as many friends or blocks as one may have.
    ListFull,
    /// The friend request waits no longer.
    RequestNotPending,
    /// Nobody could administer the system after it.
    LastSuperAdmin,
    /// A super admin can't do this to his own account.
    OwnAccount,
    /// The connection is authenticated already.
    AlreadyAuthenticated,
    /// The body is too large.
    BodyTooLarge,
    /// The body is of another media type, or encoded.
    UnsupportedMediaType,
    /// The path serves WebSockets alone.
    UpgradeRequired,
    /// A field is missing, unknown, of the wrong type, or breaks its rule.
    ValidationFailed,
    /// The caller has used up what is allowed for now.
    RateLimited,
    /// The caller has as many sockets open as one may.
    TooManyConnections,
    /// The server failed.
    Internal,
    /// The server is at its limit of work.
    Overloaded,
    /// The store can't be reached.
    StoreUnavailable,
    /// The store has no room for more.
    StoreFull,
}

/// A row of the table.
pub(crate) struct Row {
    /// The code as it is written.
    pub(crate) name: &'static str,
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// A short name for people, the same for every problem of the code.
    pub(crate) title: &'static str,
    /// When it comes.
    pub(crate) meaning: &'static str,
    /// What a client does about it.
    pub(crate) remedy: &'static str,
}

const fn row(
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    meaning: &'static str,
    remedy: &'static str,
) -> Row {
    Row { name, status, title, meaning, remedy }
}

impl ProblemCode {
    /// Every code, by status.
    pub const ALL: [Self; 45] = [
        Self::BadRequest,
        Self::InvalidId,
        Self::InvalidJson,
        Self::MissingBody,
        Self::TokenInUrl,
        Self::Unauthenticated,
        Self::InvalidCredentials,
        Self::InvalidToken,
        Self::TokenExpired,
        Self::SessionEnded,
        Self::TokenReused,
        Self::OriginNotAllowed,
        Self::NotAllowedToWrite,
        Self::NotPermitted,
        Self::AccountLocked,
        Self::NotFound,
        Self::UnknownPath,
        Self::UnknownCommand,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::NotAGroup,
        Self::NameTaken,
        Self::ChannelIsPublic,
        Self::Taken,
        Self::ClientMessageIdReused,
        Self::MessageDeleted,
        Self::LimitReached,
        Self::RecipientDeleted,
        Self::UserBlocked,
        Self::AlreadyFriends,
        Self::ListFull,
        Self::RequestNotPending,
        Self::LastSuperAdmin,
        Self::OwnAccount,
        Self::AlreadyAuthenticated,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::UpgradeRequired,
        Self::ValidationFailed,
        Self::RateLimited,
        Self::TooManyConnections,
        Self::Internal,
        Self::Overloaded,
        Self::StoreUnavailable,
        Self::StoreFull,
    ];

    /// The code as it is written in the member `code`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The status of the answer.
    pub const fn status(self) -> StatusCode {
        self.row().status
    }

    /// A short name for people, the same for every problem of this code.
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// The table. It is one long list on purpose: a code's whole meaning stands in one place.
    pub(crate) const fn row(self) -> Row {
        match self {
            Self::BadRequest => row(
                "bad_request",
                StatusCode::BAD_REQUEST,
                "Bad request",
                "The request breaks the rules of HTTP.",
                "Mend the request; sent again as it is, it will fail again.",
            ),
            Self::InvalidId => row(
                "invalid_id",
                StatusCode::BAD_REQUEST,
                "Invalid id",
                "An id in the path is not made of 24 hexadecimal digits.",
                "Use the `id` that the server gave.",
            ),
            Self::InvalidJson => row(
                "invalid_json",
                StatusCode::BAD_REQUEST,
                "Invalid JSON",
                "The body is no JSON text in UTF-8, has a lone surrogate, the same key twice in one object, a number \
                 out of range, or more than 64 levels.",
                "Mend the body; `detail` says at which line and column.",
            ),
            Self::MissingBody => row(
                "missing_body",
                StatusCode::BAD_REQUEST,
                "Missing body",
                "The operation needs a JSON body and there is none.",
                "Send a body with `Content-Type: application/json`.",
            ),
            Self::TokenInUrl => row(
                "token_in_url",
                StatusCode::BAD_REQUEST,
                "Token in the URL",
                "The URL of a socket holds a token. URLs end up in logs and histories; only a one-time ticket may stand \
                 there.",
                "Send the token as `Authorization: Bearer …`, by cookie or in the command `auth`, or get a ticket.",
            ),
            Self::Unauthenticated => row(
                "unauthenticated",
                StatusCode::UNAUTHORIZED,
                "Not authenticated",
                "The operation needs to know who calls, and the request has no token.",
                "Renew the tokens if there is a refresh token, else sign in; send the access token as \
                 `Authorization: Bearer …` or by cookie.",
            ),
            Self::InvalidCredentials => row(
                "invalid_credentials",
                StatusCode::UNAUTHORIZED,
                "Wrong credentials",
                "The user name, the e-mail address or the password is wrong; which of them is not told.",
                "Ask the user again. Renewing the token does not help.",
            ),
            Self::InvalidToken => row(
                "invalid_token",
                StatusCode::UNAUTHORIZED,
                "Invalid token",
                "The token or ticket was not made by this server, is damaged, is of another kind, or is a ticket that was \
                 used.",
                "Sign in again.",
            ),
            Self::TokenExpired => row(
                "token_expired",
                StatusCode::UNAUTHORIZED,
                "Token expired",
                "The token or ticket was good once.",
                "Renew an access token with the refresh token and repeat the request; without one, sign in again.",
            ),
            Self::SessionEnded => row(
                "session_ended",
                StatusCode::UNAUTHORIZED,
                "Session ended",
                "The session was revoked, signed out, or has reached its end.",
                "Sign in again.",
            ),
            Self::TokenReused => row(
                "token_reused",
                StatusCode::UNAUTHORIZED,
                "Token reused",
                "The refresh token had been used before. Somebody may hold a copy, so its session is ended.",
                "Sign in again. A client renews once at a time and keeps the newest refresh token.",
            ),
            Self::OriginNotAllowed => row(
                "origin_not_allowed",
                StatusCode::FORBIDDEN,
                "Origin not allowed",
                "The request carries a session's cookies or opens a socket, and does not come from a page of an allowed \
                 origin.",
                "Add the page's origin to `server.origins`; a program that is no browser sends no `Origin`, and its access \
                 token as `Authorization: Bearer …`.",
            ),
            Self::NotAllowedToWrite => row(
                "not_allowed_to_write",
                StatusCode::FORBIDDEN,
                "Not allowed to write",
                "The other user does not let the caller write to him: by his settings, or because he blocks the caller; \
                 which of the two is not told. Nothing is stored.",
                "Show that the user can't be written to. If he writes first, he can be answered.",
            ),
            Self::NotPermitted => row(
                "not_permitted",
                StatusCode::FORBIDDEN,
                "Not permitted",
                "The caller's role, in the system or in the group, does not allow this. Nothing is changed.",
                "Offer the action only to those whose `role` allows it.",
            ),
            Self::AccountLocked => row(
                "account_locked",
                StatusCode::FORBIDDEN,
                "Account locked",
                "The password is right, and an administrator has locked the account; `lock` says why and until when.",
                "Show the user the reason. Signing in works again when the lock has ended.",
            ),
            Self::NotFound => row(
                "not_found",
                StatusCode::NOT_FOUND,
                "Not found",
                "There is no such thing, or it is not the caller's to see; which of the two is not told.",
                "Forget the id.",
            ),
            Self::UnknownPath => row(
                "unknown_path",
                StatusCode::NOT_FOUND,
                "Unknown path",
                "There is no operation under this path.",
                "Compare the path with the API's documentation.",
            ),
            Self::UnknownCommand => row(
                "unknown_command",
                StatusCode::NOT_FOUND,
                "Unknown command",
                "A socket has no command of this name.",
                "Compare the name with the documentation of the socket.",
            ),
            Self::MethodNotAllowed => row(
                "method_not_allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "The path exists and does not take this method; the header `Allow` lists those that it takes.",
                "Use one of the methods in `Allow`.",
            ),
            Self::RequestTimeout => row(
                "request_timeout",
                StatusCode::REQUEST_TIMEOUT,
                "Request timeout",
                "The body did not arrive in time. The connection is closed.",
                "Repeat the request over a new connection.",
            ),
            Self::NotAGroup => row(
                "not_a_group",
                StatusCode::CONFLICT,
                "Not a group",
                "The request is for groups, and this conversation of the caller's is none: a direct one has no name, no \
                 roles, and its two members stay; communities and channels are changed by operations of their own, and \
                 the roles in a channel are those in its community.",
                "Offer the action only where the conversation's `kind` has it.",
            ),
            Self::NameTaken => row(
                "name_taken",
                StatusCode::CONFLICT,
                "Name taken",
                "Another community has this name, or another channel of the community. Names that differ only in case, \
                 width or white space are one. Nothing is changed.",
                "Ask the user for another one.",
            ),
            Self::ChannelIsPublic => row(
                "channel_is_public",
                StatusCode::CONFLICT,
                "Channel is public",
                "All members of a community are in its public channels: nobody is added to one, removed from it, or leaves \
                 it. Nothing is changed.",
                "Offer the action only where `access` is `private`; to leave a public channel is to leave the community. \
                 It can be muted or hidden.",
            ),
            Self::Taken => row(
                "taken",
                StatusCode::CONFLICT,
                "Already taken",
                "Another account has this user name or e-mail address; `errors` names the field.",
                "Ask the user for another one.",
            ),
            Self::ClientMessageIdReused => row(
                "client_message_id_reused",
                StatusCode::CONFLICT,
                "Client message id reused",
                "A message with this `clientMessageId` and another content was sent before. Nothing is stored.",
                "Give each message an id of its own, and repeat a message only as it was.",
            ),
            Self::MessageDeleted => row(
                "message_deleted",
                StatusCode::CONFLICT,
                "Message deleted",
                "The message is deleted: it can't be edited, reacted to or pinned any more. Nothing is changed.",
                "Show that it is deleted.",
            ),
            Self::LimitReached => row(
                "limit_reached",
                StatusCode::CONFLICT,
                "Limit reached",
                "A message has at most 20 different emoji, a conversation at most 100 pinned messages; a user is in at most \
                 `limits.communities`, and a community has at most `limits.community_members` and `limits.channels`. \
                 `detail` says which it is. Nothing is changed.",
                "Offer the emoji that the message has, to unpin another message, or to leave another community.",
            ),
            Self::RecipientDeleted => row(
                "recipient_deleted",
                StatusCode::CONFLICT,
                "Recipient deleted",
                "The account of the other user in this direct conversation is deleted. Nothing is stored.",
                "Show the conversation as read-only.",
            ),
            Self::UserBlocked => row(
                "user_blocked",
                StatusCode::CONFLICT,
                "User blocked",
                "The caller blocks this user, and so can't write to him or ask him to be friends. Nothing is stored.",
                "Offer to end the block.",
            ),
            Self::AlreadyFriends => row(
                "already_friends",
                StatusCode::CONFLICT,
                "Already friends",
                "The two are friends already.",
                "Load the friends anew.",
            ),
            Self::ListFull => row(
                "list_full",
                StatusCode::CONFLICT,
                "List full",
                "The caller or the other user has as many friends as one may have, or the caller blocks as many users \
                 (`limits.friends`, `limits.blocks`); `detail` says which. Nothing is changed.",
                "Offer to end a friendship or a block.",
            ),
            Self::RequestNotPending => row(
                "request_not_pending",
                StatusCode::CONFLICT,
                "Request not pending",
                "The friend request has been answered otherwise or was taken back.",
                "Load the friend requests anew.",
            ),
            Self::LastSuperAdmin => row(
                "last_super_admin",
                StatusCode::CONFLICT,
                "Last super admin",
                "The account is the last one that administers the system. It can't be deleted, locked or get another role.",
                "Make somebody else a super admin first.",
            ),
            Self::OwnAccount => row(
                "own_account",
                StatusCode::CONFLICT,
                "Own account",
                "A super admin can't lock his own account, change its role, or delete it without his password.",
                "Ask another super admin.",
            ),
            Self::AlreadyAuthenticated => row(
                "already_authenticated",
                StatusCode::CONFLICT,
                "Already authenticated",
                "The socket knows already whose it is. It lasts as long as the session, however often the session's \
                 tokens are renewed.",
                "Open another socket to be somebody else.",
            ),
            Self::BodyTooLarge => row(
                "body_too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "Body too large",
                "The body has more bytes than the server takes; `detail` names the limit.",
                "Send less.",
            ),
            Self::UnsupportedMediaType => row(
                "unsupported_media_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported media type",
                "The body is not announced as `application/json` in UTF-8, or it is compressed.",
                "Send plain JSON with `Content-Type: application/json`.",
            ),
            Self::UpgradeRequired => row(
                "upgrade_required",
                StatusCode::UPGRADE_REQUIRED,
                "Upgrade required",
                "The path serves WebSockets of version 13, and the request does not ask for one as it should.",
                "Connect with a WebSocket client.",
            ),
            Self::ValidationFailed => row(
                "validation_failed",
                StatusCode::UNPROCESSABLE_ENTITY,
                "Validation failed",
                "A field or parameter is missing, unknown, of the wrong type, or breaks its rule; `errors` names what was \
                 found with a `code` and a `message`. Nothing is stored.",
                "Mend the fields in `errors`.",
            ),
            Self::RateLimited => row(
                "rate_limited",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                "The caller has used up what is allowed for now; the `RateLimit-*` headers tell the limit.",
                "Wait for the seconds in `Retry-After`, then go on.",
            ),
            Self::TooManyConnections => row(
                "too_many_connections",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many connections",
                "The user has as many sockets open as one may have, or the address as many that have not said whose they are.",
                "Close a socket that is no longer needed.",
            ),
            Self::Internal => row(
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal error",
                "The server failed. What happened is in its log under the `requestId`.",
                "Tell the operator the `requestId`. A message with a `clientMessageId` can be sent again safely.",
            ),
            Self::Overloaded => row(
                "overloaded",
                StatusCode::SERVICE_UNAVAILABLE,
                "Overloaded",
                "The server has too much work of this sort at present. Nothing was done.",
                "Wait for the seconds in `Retry-After` and repeat the request.",
            ),
            Self::StoreUnavailable => row(
                "store_unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "Store unavailable",
                "The database can't be reached or is overloaded.",
                "Wait for the seconds in `Retry-After` and repeat the request.",
            ),
            Self::StoreFull => row(
                "store_full",
                StatusCode::INSUFFICIENT_STORAGE,
                "Store full",
                "The database has no room for more; what it holds can be read. Nothing is stored.",
                "Tell the operator.",
            ),
        }
    }
}
