//! HTTP requests: what each wants from which session. Long-polling is all here.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, UPGRADE};
use actix_web::{HttpRequest, HttpResponse, rt, web};
use bytes::Bytes;
use parlor_socketio::engine::{PollId, PostId, Refusal, Request};
use tokio::select;

use super::application::Endpoint;
use super::hub::{Hub, Peer};
use super::websocket;

/// Any request to the endpoint.
pub(crate) async fn serve<E: Endpoint>(
    request: HttpRequest,
    body: web::Payload,
    hub: web::Data<Hub<E>>,
) -> HttpResponse {
    handle(&request, body, &hub.into_inner()).await.unwrap_or_else(refused)
}

fn refused(refusal: Refusal) -> HttpResponse {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    HttpResponse::build(status).content_type(ContentType::json()).body(refusal.body())
}

async fn handle<E: Endpoint>(
    request: &HttpRequest,
    body: web::Payload,
    hub: &Arc<Hub<E>>,
) -> Result<HttpResponse, Refusal> {
    match Request::parse(request.method().as_str(), request.query_string(), wants_websocket(request))? {
        Request::OpenPolling => {
            let (peer, poll) = hub.open(E::polling);
            answer_poll(&peer, poll).await
        }
        Request::Poll { sid } => {
            let peer = hub.find(&sid)?;
            let poll = peer.with(|session, now| session.poll_started(now))?;
            answer_poll(&peer, poll).await
        }
        Request::Post { sid } => take_post(&*hub.find(&sid)?, body, hub.config.engine.max_payload).await,
        Request::OpenWebSocket => {
            // Before the session is opened, which nobody would use if this is no proper handshake.
            let (response, sink, stream) = actix_ws::handle(request, body).map_err(|_| Refusal::BadRequest)?;
            let (peer, socket) = hub.open(E::websocket);
            rt::spawn(websocket::serve(peer, socket, sink, stream, hub.config.engine.max_payload));
            Ok(response)
        }
        Request::Upgrade { sid } => {
            let peer = hub.find(&sid)?;
            let (response, sink, stream) = actix_ws::handle(request, body).map_err(|_| Refusal::BadRequest)?;
            let socket = peer.with(|session, now| session.websocket_opened(now))?;
            rt::spawn(websocket::serve(peer, socket, sink, stream, hub.config.engine.max_payload));
            Ok(response)
        }
    }
}

fn wants_websocket(request: &HttpRequest) -> bool {
    request.headers().get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Waits for the answer to a poll. If the client breaks the request off, actix drops this future, and the session
/// learns of it.
async fn answer_poll<E: Endpoint>(peer: &Peer<E>, poll: PollId) -> Result<HttpResponse, Refusal> {
    let _unless_answered = AbortPoll(peer, poll);
    let body = peer.next(|session| session.poll_answer(poll)).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=UTF-8").body(body))
}

/// Says that a poll was broken off, which means nothing for one that was answered.
struct AbortPoll<'a, E: Endpoint>(&'a Peer<E>, PollId);

impl<E: Endpoint> Drop for AbortPoll<'_, E> {
    fn drop(&mut self) {
        self.0.with(|session, now| session.poll_aborted(self.1, now));
    }
}

async fn take_post<E: Endpoint>(peer: &Peer<E>, body: web::Payload, max: usize) -> Result<HttpResponse, Refusal> {
    let post = peer.with(|session, now| session.post_started(now))?;
    let _unless_read = AbortPost(peer, post);
    let body = select! {
        body = read(body, max) => body,
        // Else a client that never finishes its request would keep the task beyond the session.
        () = peer.ended() => return Err(Refusal::UnknownSid),
    };
    match body {
        Ok(body) => peer.with(|session, now| session.post_finished(post, body, now))?,
        Err(Unread::TooLarge) => return Err(peer.with(|session, _| session.post_too_large(post))),
        Err(Unread::BrokenOff) => return Err(Refusal::BadRequest),
    }
    Ok(HttpResponse::Ok().content_type("text/html").body("ok"))
}

/// Says that a POST was broken off, which means nothing for one whose body was taken or refused.
struct AbortPost<'a, E: Endpoint>(&'a Peer<E>, PostId);

impl<E: Endpoint> Drop for AbortPost<'_, E> {
    fn drop(&mut self) {
        self.0.with(|session, now| session.post_aborted(self.1, now));
    }
}

/// Why there is no body.
enum Unread {
    TooLarge,
    BrokenOff,
}

async fn read(body: web::Payload, max: usize) -> Result<Bytes, Unread> {
    match body.to_bytes_limited(max).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Unread::BrokenOff),
        Err(_) => Err(Unread::TooLarge),
    }
}
