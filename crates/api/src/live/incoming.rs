//! What comes from a client: frames, guarded before they are kept, made into messages.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{FromRequest as _, HttpRequest, HttpResponse, dev, error::PayloadError, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError, Session};
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::Stream;

use super::{
    CloseCode,
    guard::{FrameGuard, FrameLimits},
    quota::Quota,
};

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client is not there any more.
    Gone,
    /// The client closes, with this code if it gave one.
    Closed(Option<u16>),
    /// The server closes.
    Close(CloseCode),
}

/// What came from the client.
#[derive(Debug)]
pub(super) enum Received {
    Text(ByteString),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    End(End),
}

/// The client's side of a socket.
pub(super) struct Incoming {
    messages: AggregatedMessageStream,
}

/// Answers the handshake, and puts the guard around what comes after it.
///
/// # Errors
/// What the handshake lacks; a verified one lacks nothing.
pub(super) async fn accept(
    request: &HttpRequest,
    body: web::Payload,
    limits: FrameLimits,
    quota: Arc<Quota>,
) -> Result<(HttpResponse, Session, Incoming), actix_web::Error> {
    let guarded = Guarded { body: body.into_inner(), guard: FrameGuard::new(limits), quota, refused: false };
    let guarded: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(guarded);
    let mut payload = dev::Payload::Stream { payload: guarded };
    // The only way to make a `web::Payload` of another stream.
    let body = web::Payload::from_request(request, &mut payload).await?;
    let (response, session, messages) = actix_ws::handle(request, body)?;
    let length = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let messages = messages
        .max_frame_size(length(limits.frame))
        .aggregate_continuations()
        .max_continuation_size(length(limits.message));
    Ok((response, session, Incoming { messages }))
}

impl Incoming {
    /// What comes next. After an `End` nothing does.
    pub(super) async fn next(&mut self) -> Received {
        match self.messages.recv().await {
            Some(Ok(AggregatedMessage::Text(text))) => Received::Text(text),
            Some(Ok(AggregatedMessage::Binary(bytes))) => Received::Binary(bytes),
            Some(Ok(AggregatedMessage::Ping(payload))) => Received::Ping(payload),
            Some(Ok(AggregatedMessage::Pong(_))) => Received::Pong,
            Some(Ok(AggregatedMessage::Close(reason))) => {
                Received::End(End::Closed(reason.map(|reason| reason.code.into())))
            }
            Some(Err(error)) => Received::End(end_of(&error)),
            None => Received::End(End::Gone),
        }
    }
}

/// Why a connection ends with this error of its stream.
fn end_of(error: &ProtocolError) -> End {
    match error {
        ProtocolError::Io(error) => match refusal(error) {
            Some(code) => End::Close(code),
            // The guard has passed the frame's head, so what is wrong with the data is its encoding.
            None if error.kind() == io::ErrorKind::InvalidData => End::Close(CloseCode::InvalidUtf8),
            None => End::Gone,
        },
        ProtocolError::Overflow => End::Close(CloseCode::MessageTooBig),
        ProtocolError::UnmaskedFrame
        | ProtocolError::MaskedFrame
        | ProtocolError::InvalidOpcode(_)
        | ProtocolError::InvalidLength(_)
        | ProtocolError::BadOpCode
        | ProtocolError::ContinuationNotStarted
        | ProtocolError::ContinuationStarted
        | ProtocolError::ContinuationFragment(_) => End::Close(CloseCode::ProtocolError),
    }
}

/// The guard's verdict, wrapped for its way through the framework.
#[derive(Debug, thiserror::Error)]
#[error("refused: {}", .0.name())]
struct Refused(CloseCode);

fn refusal(error: &io::Error) -> Option<CloseCode> {
    let PayloadError::Io(error) = error.get_ref()?.downcast_ref()? else { return None };
    error.get_ref()?.downcast_ref().map(|Refused(code)| *code)
}

/// A body whose bytes are looked at before anybody keeps them.
struct Guarded {
    body: dev::Payload,
    guard: FrameGuard,
    quota: Arc<Quota>,
    refused: bool,
}

impl Guarded {
    fn admit(&mut self, bytes: &[u8]) -> Result<(), CloseCode> {
        let cost = self.guard.pass(bytes)?;
        self.quota.take(cost, bytes.len())
    }
}

impl Stream for Guarded {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.refused {
            return Poll::Ready(None);
        }
        let bytes = match ready!(Pin::new(&mut self.body).poll_next(context)) {
            Some(Ok(bytes)) => bytes,
            end => return Poll::Ready(end),
        };
        Poll::Ready(Some(match self.admit(&bytes) {
            // A copy, because the bytes are a part of the connection's read buffer and would keep all of it.
            Ok(()) => Ok(Bytes::copy_from_slice(&bytes)),
            Err(code) => {
                self.refused = true;
                Err(PayloadError::Io(io::Error::other(Refused(code))))
            }
        }))
    }
}
