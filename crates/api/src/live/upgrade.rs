//! `GET /api/v1/ws`: from a request to a socket.

use std::sync::Arc;

use actix_http::ws::{HandshakeError, verify_handshake};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use bytes::Bytes;
use parlor_domain::InvalidValue;
use parlor_services::{Caller, ServiceError};

use super::{
    connection::{Entry, Socket},
    guard::FrameLimits,
    quota::Quota,
    websocket::WebSocket,
};
use crate::{
    extract::{Client, Credential, check_origin, credential},
    http::upgrade,
    problem::{Problem, ProblemCode},
    state::AppState,
};

/// Parameters by which other servers take tokens. Here a token in a URL is refused rather than ignored, because it
/// is in somebody's log by now.
const TOKEN_PARAMETERS: [&str; 6] = ["token", "access_token", "accessToken", "auth", "authorization", "jwt"];

/// How many bytes a client may send before it has said who it is.
const UNAUTHENTICATED_BYTES: usize = 4096;

/// What the URL may say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parameters {
    ticket: Option<String>,
    resume: bool,
}

/// Opens a socket.
///
/// # Errors
/// `token_in_url`, `validation_failed` for unknown parameters, `upgrade_required`, `origin_not_allowed`, the
/// problems of tokens and tickets, `too_many_connections` for too many unauthenticated sockets of one address,
/// `overloaded` while the server stops.
pub(crate) async fn open_socket(
    request: HttpRequest,
    client: Client,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let parameters = parameters(request.query_string())?;
    verify_handshake(request.head()).map_err(|error| not_a_handshake(&error))?;
    let entry = match authenticate(&request, &state, parameters.ticket).await? {
        Some(caller) => Entry::Known(caller),
        None => Entry::Unknown(state.live.lobby.enter(client.0.address).ok_or_else(lobby_full)?),
    };
    if state.live.is_stopping() {
        return Err(stopping());
    }
    let config = &state.live.config;
    let limits = FrameLimits { frame: config.max_frame, message: config.max_message, binary: false };
    let quota = Arc::new(Quota::new(config.frames_per_connection, UNAUTHENTICATED_BYTES));
    if matches!(entry, Entry::Known(_)) {
        quota.authenticated();
    }
    let resume = parameters.resume;
    let serve = move |stream, read: Bytes, writers| {
        let socket = WebSocket::new(stream, &read, limits, Arc::clone(&quota));
        Socket { state, socket, quota, writers, resume }.serve(entry)
    };
    upgrade(&request, serve).ok_or_else(no_upgrade)
}

/// Who calls: by `Authorization`, by ticket, or by cookie, in this order; `None` if there is none of these.
async fn authenticate(
    request: &HttpRequest,
    state: &AppState,
    ticket: Option<String>,
) -> Result<Option<Caller>, Problem> {
    let credential = credential(request)?;
    let by_cookie = matches!(credential, Some(Credential::Cookie(_))) && ticket.is_none();
    // Browsers let pages of any origin open sockets, and send the cookies along.
    if by_cookie || request.headers().contains_key(header::ORIGIN) {
        check_origin(request)?;
    }
    let auth = &state.services.auth;
    let caller = match (credential, ticket) {
        (Some(Credential::Bearer(token)), _) => auth.authenticate(&token)?,
        (_, Some(ticket)) => auth.redeem_ticket(&ticket).await?,
        (Some(Credential::Cookie(token)), None) => auth.authenticate(&token)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(caller))
}

/// Whether a parameter of this name would be a token.
pub(super) fn is_token(name: &str) -> bool {
    TOKEN_PARAMETERS.contains(&name)
}

fn parameters(query: &str) -> Result<Parameters, Problem> {
    let malformed = |_| Problem::new(ProblemCode::BadRequest, "the query string is malformed");
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map_err(malformed)?.into_inner();
    if pairs.iter().any(|(name, _)| is_token(name)) {
        return Err(Problem::new(ProblemCode::TokenInUrl, "a token must not stand in a URL"));
    }
    let mut parameters = Parameters::default();
    let mut resume = None;
    for (name, value) in pairs {
        let repeated = match name.as_str() {
            "ticket" => parameters.ticket.replace(value).is_some(),
            "resume" => resume.replace(value).is_some(),
            _ => {
                let name: String = name.chars().take(64).collect();
                return Err(Problem::invalid_field(name, InvalidValue::new("unknown_field", "is not known here")));
            }
        };
        if repeated {
            return Err(Problem::invalid_field(name, InvalidValue::new("duplicate", "must be given once")));
        }
    }
    parameters.resume = match resume.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            let reason = InvalidValue::new("wrong_type", "must be true or false");
            return Err(Problem::invalid_field("resume", reason));
        }
    };
    Ok(parameters)
}

fn not_a_handshake(error: &HandshakeError) -> Problem {
    match error {
        HandshakeError::GetMethodRequired
        | HandshakeError::NoWebsocketUpgrade
        | HandshakeError::NoConnectionUpgrade
        | HandshakeError::NoVersionHeader
        | HandshakeError::UnsupportedVersion => {
            Problem::new(ProblemCode::UpgradeRequired, "this path serves WebSockets of version 13")
                .header(header::UPGRADE, HeaderValue::from_static("websocket"))
                .header(header::CONNECTION, HeaderValue::from_static("upgrade"))
                .header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
        }
        HandshakeError::BadWebsocketKey => {
            Problem::new(ProblemCode::BadRequest, "`Sec-WebSocket-Key` must be 16 bytes in Base64")
        }
    }
}

/// The handshake was verified before, so this is about the connection that it came by.
fn no_upgrade() -> Problem {
    Problem::new(ProblemCode::BadRequest, "this connection can't become a WebSocket")
}

fn lobby_full() -> Problem {
    Problem::new(
        ProblemCode::TooManyConnections,
        "too many sockets of this address are open whose clients have not said who they are",
    )
}

fn stopping() -> Problem {
    ServiceError::Overloaded { retry_after: std::time::Duration::from_secs(5) }.into()
}
