//! A session over a WebSocket.

use std::sync::Arc;

use actix_web::rt;
use actix_ws::Session as Sink;
use parlor_socketio::engine::{Frame, SocketId, ToSocket};
use tokio::select;

use super::session::Session;
use crate::live::{
    connection::close,
    conversation::timed,
    incoming::{End, Incoming, Received},
};

/// Serves a WebSocket of a session until it ends.
pub(super) fn spawn(session: Arc<Session>, socket: SocketId, sink: Sink, incoming: Incoming) {
    rt::spawn(async move { Socket { session, socket, sink }.serve(incoming).await });
}

struct Socket {
    session: Arc<Session>,
    socket: SocketId,
    sink: Sink,
}

impl Socket {
    async fn serve(self, mut incoming: Incoming) {
        let end = select! {
            end = self.read(&mut incoming) => end,
            end = self.write() => end,
        };
        self.session.receive(|connection, now| connection.session().websocket_closed(self.socket, now));
        close(self.sink, end).await;
    }

    async fn read(&self, incoming: &mut Incoming) -> End {
        let mut sink = self.sink.clone();
        loop {
            let frame = match incoming.next().await {
                Received::Text(text) => Frame::Text(text),
                Received::Binary(bytes) => Frame::Binary(bytes),
                Received::Ping(payload) => {
                    if let Err(end) = timed(sink.pong(&payload)).await {
                        return end;
                    }
                    continue;
                }
                Received::Pong => continue,
                Received::End(end) => return end,
            };
            self.session.receive(|connection, now| connection.session().websocket_message(self.socket, frame, now));
            self.session.drained().await;
        }
    }

    async fn write(&self) -> End {
        let mut sink = self.sink.clone();
        loop {
            let sent = match self.session.take(|connection| connection.session().next_frame(self.socket)).await {
                ToSocket::Frame(Frame::Text(text)) => timed(sink.text(text)).await,
                ToSocket::Frame(Frame::Binary(bytes)) => timed(sink.binary(bytes)).await,
                ToSocket::Close(code) => {
                    return self.session.close_code().map_or(End::Closed(Some(code)), End::Close);
                }
            };
            if let Err(end) = sent {
                return end;
            }
        }
    }
}
