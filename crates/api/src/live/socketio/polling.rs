//! A session over HTTP long-polling.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use parlor_socketio::engine::{PollId, PostId, Refusal};
use tokio::time::{Instant, timeout};

use super::{
    config,
    request::{Refused, UNAUTHENTICATED_BYTES},
    session::Session,
};
use crate::{live::CloseCode, state::AppState};

/// For each so many bytes of a body, it counts as one frame more.
const BYTES_PER_FRAME: usize = 4096;

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
    let max = config(&state.live.config).engine.max_payload;
    let limit = if session.is_authenticated() { max } else { max.min(UNAUTHENTICATED_BYTES) };
    // A body that breaks off, or takes too long, is left to `reading`.
    let read = timeout(state.config.body_timeout, body.to_bytes_limited(limit)).await;
    let body = match read.map_err(|_| Refusal::BadRequest)? {
        Ok(body) => body.map_err(|_| Refusal::BadRequest)?,
        Err(_) => {
            reading.post = None;
            return Err(session.receive(|connection, _| connection.session().post_too_large(post)).into());
        }
    };
    reading.post = None;
    let frames = 1 + body.iter().filter(|byte| **byte == 0x1e).count() + body.len() / BYTES_PER_FRAME;
    let allowed = session.allowance.lock().take(u32::try_from(frames).unwrap_or(u32::MAX), Instant::now());
    if !allowed {
        session.end(CloseCode::RateLimited);
        return Err(Refusal::BadRequest.into());
    }
    session.receive(|connection, now| connection.session().post_finished(post, body, now))?;
    session.drained().await;
    Ok(text("ok"))
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
