//! A session over HTTP long-polling.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use parlor_socketio::engine::{PollId, PostId, Refusal};
use tokio::time::timeout;

use super::{request::Refused, session::Session};
use crate::{live::guard::price, state::AppState};

/// What separates the packets in a body.
const SEPARATOR: u8 = 0x1e;

/// Answers a poll when there is something to answer with.
pub(super) async fn answer(session: Arc<Session>, poll: PollId) -> Result<HttpResponse, Refused> {
    let mut waiting = Poll { session, poll: Some(poll) };
    let body = waiting.session.take(|connection| connection.session().poll_answer(poll)).await;
    waiting.poll = None;
    Ok(text(body?))
}

/// A poll that hangs. If it is dropped, the client has gone.
struct Poll {
    session: Arc<Session>,
    poll: Option<PollId>,
}

impl Drop for Poll {
    fn drop(&mut self) {
        if let Some(poll) = self.poll {
            self.session.receive(|connection, now| connection.session().poll_aborted(poll, now));
        }
    }
}

/// Takes what a client sends.
pub(super) async fn take(
    session: &Arc<Session>,
    body: web::Payload,
    state: &AppState,
) -> Result<HttpResponse, Refused> {
    let post = session.receive(|connection, now| connection.session().post_started(now))?;
    let mut reading = Post { session, post: Some(post) };
    // Only then, so that a client sends no faster than it is served.
    session.drained().await;
    let max = state.live.socketio.config.engine.max_payload;
    let limit = session.quota.unauthenticated_bytes().map_or(max, |left| max.min(left));
    // A body that breaks off, or takes too long, is left to `reading`.
    let read = timeout(state.config.body_timeout, body.to_bytes_limited(limit)).await;
    let body = match read.map_err(|_| Refusal::BadRequest)? {
        Ok(body) => body.map_err(|_| Refusal::BadRequest)?,
        Err(_) => {
            reading.post = None;
            pay(session, price(limit as u64), 0)?;
            return Err(session.receive(|connection, _| connection.session().post_too_large(post)).into());
        }
    };
    reading.post = None;
    let more_packets = body.iter().filter(|byte| **byte == SEPARATOR).count();
    let frames = price(body.len() as u64).saturating_add(u32::try_from(more_packets).unwrap_or(u32::MAX));
    pay(session, frames, body.len())?;
    session.receive(|connection, now| connection.session().post_finished(post, body, now))?;
    Ok(text("ok"))
}

/// Takes a body from what the client may send, or ends its session.
fn pay(session: &Session, frames: u32, bytes: usize) -> Result<(), Refusal> {
    session.quota.take(frames, bytes).map_err(|code| {
        session.end(code);
        Refusal::BadRequest
    })
}

/// A body that is being read. If it is dropped, it broke off.
struct Post<'a> {
    session: &'a Session,
    post: Option<PostId>,
}

impl Drop for Post<'_> {
    fn drop(&mut self) {
        if let Some(post) = self.post {
            self.session.receive(|connection, now| connection.session().post_aborted(post, now));
        }
    }
}

fn text(body: impl Into<bytestring::ByteString>) -> HttpResponse {
    let body: bytestring::ByteString = body.into();
    let mut response = HttpResponse::Ok().body(body.into_bytes());
    let text = HeaderValue::from_static("text/plain; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
