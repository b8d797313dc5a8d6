//! `/socket.io/`: from a request to a session.

use std::sync::Arc;

use actix_http::ws::verify_handshake;
use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web,
};
use bytes::Bytes;
use bytestring::ByteString;
use parlor_socketio::engine::{Refusal, Request};
use serde::Serialize;

use super::{
    chat::{Chat, Shown},
    polling, recovery,
    session::{Owner, Session},
    websocket::OpenSocket,
};
use crate::{
    extract::{Client, Credential, check_origin, credential},
    http::upgrade,
    live::{guard::FrameLimits, lobby::Place, quota::Quota, upgrade::is_token, websocket::WebSocket},
    middleware::{OwnShape, WasHead},
    state::AppState,
};

/// How many bytes a client may need to say who it is.
pub(super) const AUTH_BYTES: usize = 8 * 1024;

/// How many bytes a client may send before it has said who it is and where it was.
pub(super) const UNAUTHENTICATED_BYTES: usize = AUTH_BYTES + recovery::MAX_LENGTH;

/// Answers a request, whatever it is.
pub(crate) async fn handle(
    request: HttpRequest,
    body: web::Payload,
    client: Client,
    state: web::Data<AppState>,
) -> HttpResponse {
    match (Exchange { request, client, state }).serve(body).await {
        Ok(response) => response,
        Err(refused) => refused.into(),
    }
}

/// One request to the path.
struct Exchange {
    request: HttpRequest,
    client: Client,
    state: web::Data<AppState>,
}

impl Exchange {
    async fn serve(self, body: web::Payload) -> Result<HttpResponse, Refused> {
        let has_token =
            self.request.query_string().split('&').any(|pair| is_token(pair.split('=').next().unwrap_or("")));
        if has_token {
            return Err(Refused::TokenInUrl);
        }
        let upgrade = verify_handshake(self.request.head()).is_ok();
        let was_head = self.request.extensions().contains::<WasHead>();
        let method = if was_head { "HEAD" } else { self.request.method().as_str() };
        let wanted = Request::parse(method, self.request.query_string(), upgrade)?;
        let shown = self.shown(&wanted)?;
        let sessions = &self.state.live.socketio;
        match wanted {
            Request::OpenPolling => {
                let (sid, quota, place, waiting) = self.enter()?;
                let (session, poll) = Session::polling(sessions.config, sid, quota, place);
                self.open(&session, shown, waiting);
                polling::answer(session, poll).await
            }
            Request::OpenWebSocket => {
                let (sid, quota, place, waiting) = self.enter()?;
                let (session, socket) = Session::websocket(sessions.config, sid, quota, place);
                self.open(&session, shown, waiting);
                self.accept(OpenSocket { session, socket })
            }
            Request::Poll { sid } => {
                let session = self.find(&sid, &shown)?;
                let poll = session.receive(|connection, now| connection.session().poll_started(now))?;
                polling::answer(session, poll).await
            }
            Request::Post { sid } => {
                let session = self.find(&sid, &shown)?;
                session.show(shown);
                polling::take(&session, body, &self.state).await
            }
            Request::Upgrade { sid } => {
                // What comes with an upgrade alone counts for nothing: whether the client connects before or after it is
                // chance.
                let session = self.find(&sid, &shown)?;
                let socket = session.receive(|connection, now| connection.session().websocket_opened(now))?;
                self.accept(OpenSocket { session, socket })
            }
        }
    }

    /// What the request says of who calls.
    ///
    /// # Errors
    /// `Forbidden` for a page of an origin that is not allowed; browsers send the cookies of their users along from
    /// any page.
    fn shown(&self, wanted: &Request) -> Result<Shown, Refused> {
        let shown = match credential(&self.request) {
            Ok(Some(credential)) => Shown::Credential(credential),
            Ok(None) => Shown::Nothing,
            Err(problem) => Shown::Malformed(problem),
        };
        let by_cookie = matches!(shown, Shown::Credential(Credential::Cookie(_)));
        if !by_cookie && !self.request.headers().contains_key(header::ORIGIN) {
            return Ok(shown);
        }
        match check_origin(&self.request) {
            Ok(()) => Ok(shown),
            // Browsers say nothing of where a page's GET comes from that goes to its own origin without HTTPS. Others
            // can't read the answer; the cookie counts when a POST or a WebSocket brings it, which say it.
            Err(_) if is_poll(wanted) && !self.request.headers().contains_key(header::ORIGIN) => Ok(Shown::Nothing),
            Err(_) => Err(Refusal::Forbidden.into()),
        }
    }

    fn enter(&self) -> Result<(ByteString, Quota, Place, Place), Refused> {
        let live = &self.state.live;
        if live.is_stopping() {
            return Err(Refused::Stopping);
        }
        let address = self.client.0.address;
        let place = live.socketio.enter(address).ok_or(Refused::TooMany)?;
        let waiting = live.lobby.enter(address).ok_or(Refused::TooMany)?;
        let quota = Quota::new(live.config.frames_per_connection, UNAUTHENTICATED_BYTES);
        Ok((live.socketio.new_sid(), quota, place, waiting))
    }

    fn open(&self, session: &Arc<Session>, shown: Shown, waiting: Place) {
        if let Some(caller) = self.caller(&shown) {
            session.belongs_to(caller);
        }
        session.show(shown);
        self.state.live.socketio.add(session);
        Chat::spawn(self.state.clone(), Arc::clone(session), waiting);
    }

    /// The session of this id, unless it is another user's.
    fn find(&self, sid: &ByteString, shown: &Shown) -> Result<Arc<Session>, Refused> {
        let session = self.state.live.socketio.find(sid).ok_or(Refusal::UnknownSid)?;
        // A credential that is not good (any more) says nothing of who calls.
        let strange = self.caller(shown).is_some_and(|caller| !session.may_serve(caller));
        if strange { Err(Refusal::UnknownSid.into()) } else { Ok(session) }
    }

    fn caller(&self, shown: &Shown) -> Option<Owner> {
        let (token, by_cookie) = match shown {
            Shown::Credential(Credential::Bearer(token)) => (token, false),
            Shown::Credential(Credential::Cookie(token)) => (token, true),
            Shown::Nothing | Shown::Malformed(_) => return None,
        };
        let caller = self.state.services.auth.authenticate(token).ok()?;
        Some(Owner { user: caller.user, by_cookie })
    }

    fn accept(&self, socket: OpenSocket) -> Result<HttpResponse, Refused> {
        // The stock client sends a message as one frame.
        let max = self.state.live.config.max_message;
        let limits = FrameLimits { frame: max, message: max, binary: true };
        let serve = move |stream, read: Bytes, _| {
            let quota = Arc::clone(&socket.session.quota);
            socket.serve(WebSocket::new(stream, &read, limits, quota))
        };
        upgrade(&self.request, serve).ok_or_else(|| Refusal::BadRequest.into())
    }
}

/// Whether the request is a GET of long-polling.
fn is_poll(wanted: &Request) -> bool {
    match wanted {
        Request::OpenPolling | Request::Poll { .. } => true,
        Request::OpenWebSocket | Request::Post { .. } | Request::Upgrade { .. } => false,
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// As the protocol has it.
    Protocol(Refusal),
    /// The address has as many sessions as it may.
    TooMany,
    /// The server stops.
    Stopping,
    /// A token stands in the URL, and so in somebody's log.
    TokenInUrl,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Protocol(refusal)
    }
}

impl From<Refused> for HttpResponse {
    /// In the shape of the protocol's own errors, which clients read.
    fn from(refused: Refused) -> Self {
        let (status, code, message) = match refused {
            Refused::Protocol(refusal) => (refusal.status(), refusal.code(), refusal.to_string()),
            Refused::TooMany => (429, Refusal::Forbidden.code(), "Too many sessions".to_owned()),
            Refused::Stopping => (503, Refusal::BadRequest.code(), "The server stops".to_owned()),
            Refused::TokenInUrl => {
                (400, Refusal::BadRequest.code(), "A token must not stand in a URL; send it in `auth`".to_owned())
            }
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = HttpResponse::build(status).json(Body { code, message });
        response.extensions_mut().insert(OwnShape);
        if matches!(refused, Refused::TooMany | Refused::Stopping) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// The shape of the protocol's errors.
#[derive(Serialize)]
struct Body {
    code: u8,
    message: String,
}
