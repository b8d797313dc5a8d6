//! A session over a WebSocket.

use std::sync::Arc;

use parlor_socketio::engine::{Frame, SocketId, ToSocket};
use tokio::select;

use super::session::Session;
use crate::live::{
    frame::{BINARY, TEXT, frame},
    incoming::{End, Received},
    websocket::WebSocket,
};

/// A WebSocket that a session has. Dropping it tells the session that it is gone.
pub(super) struct OpenSocket {
    pub(super) session: Arc<Session>,
    pub(super) socket: SocketId,
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.session.receive(|connection, now| connection.session().websocket_closed(self.socket, now));
    }
}

impl OpenSocket {
    /// Serves the WebSocket until it ends.
    #[expect(clippy::manual_async_fn, reason = "it would hold its arguments twice, for as long as the socket is open")]
    pub(super) fn serve(self, mut websocket: WebSocket) -> impl Future<Output = ()> {
        async move {
            let end = self.run(&mut websocket).await;
            drop(self);
            Box::pin(websocket.close(end)).await;
        }
    }

    async fn run(&self, websocket: &mut WebSocket) -> End {
        // What the chat has not read yet keeps the rest where it is.
        let mut reading = true;
        loop {
            let is_flushed = websocket.is_flushed();
            select! {
                () = self.session.drained(), if !reading => reading = true,
                received = websocket.next(reading) => {
                    let frame = match received {
                        Some(Received::Text(text)) => Frame::Text(text),
                        Some(Received::Binary(bytes)) => Frame::Binary(bytes),
                        Some(Received::Ping(_) | Received::Pong) | None => continue,
                        Some(Received::End(end)) => return end,
                    };
                    self.session.receive(|connection, now| {
                        connection.session().websocket_message(self.socket, frame, now);
                    });
                    reading = false;
                }
                next = self.session.take(|connection| connection.session().next_frame(self.socket)), if is_flushed => {
                    match next {
                        ToSocket::Frame(Frame::Text(text)) => websocket.send(frame(TEXT, text.as_bytes())),
                        ToSocket::Frame(Frame::Binary(bytes)) => websocket.send(frame(BINARY, &bytes)),
                        ToSocket::Close(code) => {
                            return self.session.close_code().map_or(End::Closed(Some(code)), End::Close);
                        }
                    }
                }
            }
        }
    }
}
