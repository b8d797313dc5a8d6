//! WebSockets: one task for each, which reads and writes at the same time.

use std::sync::Arc;
use std::time::Duration;

use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, MessageStream, ProtocolError};
use parlor_socketio::engine::{Frame, SocketId, ToSocket};
use tokio::select;
use tokio::time::{sleep, timeout};

use super::application::Endpoint;
use super::hub::Peer;

/// How long the last frames of a session that has ended may take.
const LAST_FRAMES: Duration = Duration::from_secs(1);

/// Serves a WebSocket until either side closes it.
pub(crate) async fn serve<E: Endpoint>(
    peer: Arc<Peer<E>>,
    socket: SocketId,
    sink: actix_ws::Session,
    stream: MessageStream,
    max: usize,
) {
    let stream = stream.max_frame_size(max).aggregate_continuations().max_continuation_size(max);
    let code = select! {
        code = read(&peer, socket, stream, sink.clone()) => code,
        code = write(&peer, socket, sink.clone()) => code,
        // A write to a client that does not read takes for ever.
        code = stalled(&peer) => code,
    };
    // Before the answer: a client that has read it may rely on it.
    peer.with(|session, now| session.websocket_closed(socket, now));
    let _ = timeout(LAST_FRAMES, sink.close(Some(code.into()))).await;
}

/// Hands in what comes, until nothing more does. Returns the code to close with.
async fn read<E: Endpoint>(
    peer: &Peer<E>,
    socket: SocketId,
    mut stream: AggregatedMessageStream,
    mut sink: actix_ws::Session,
) -> CloseCode {
    let take = |frame| peer.with(|session, now| session.websocket_message(socket, frame, now));
    while let Some(message) = stream.recv().await {
        match message {
            Ok(AggregatedMessage::Text(text)) => take(Frame::Text(text)),
            Ok(AggregatedMessage::Binary(bytes)) => take(Frame::Binary(bytes)),
            Ok(AggregatedMessage::Ping(bytes)) => drop(sink.pong(&bytes).await),
            Ok(AggregatedMessage::Pong(_)) => {}
            Ok(AggregatedMessage::Close(_)) => return CloseCode::Normal,
            Err(ProtocolError::Overflow) => return CloseCode::Size,
            Err(_) => return CloseCode::Protocol,
        }
    }
    CloseCode::Normal
}

/// Writes what the session has, until it has nothing more. Returns the code to close with.
///
/// The session learns of each frame that is taken, and holds back the next until that is written: a client that does
/// not read fills its session's own buffer, which is bounded.
async fn write<E: Endpoint>(peer: &Peer<E>, socket: SocketId, mut sink: actix_ws::Session) -> CloseCode {
    loop {
        let written = match peer.next(|session| session.next_frame(socket)).await {
            ToSocket::Frame(Frame::Text(text)) => sink.text(text).await,
            ToSocket::Frame(Frame::Binary(bytes)) => sink.binary(bytes).await,
            ToSocket::Close(code) => return code.into(),
        };
        if written.is_err() {
            return CloseCode::Normal;
        }
    }
}

async fn stalled<E: Endpoint>(peer: &Peer<E>) -> CloseCode {
    peer.ended().await;
    sleep(LAST_FRAMES).await;
    CloseCode::Policy
}
