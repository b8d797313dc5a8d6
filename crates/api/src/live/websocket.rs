//! A WebSocket on its TCP connection. It has no buffers: what is read passes through the stack, and what is written
//! is shared with all who get the same.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use parlor_realtime::Outgoing;
use tokio::{
    io::{AsyncRead as _, AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};

use super::{
    CloseCode,
    frame::{self, PONG},
    guard::FrameLimits,
    incoming::{End, Incoming, Received},
    quota::Quota,
};

/// How long a client may take no bytes of what is to be written.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last frames and the close frame may wait for the client to read.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to end its side of the connection after the server has.
const HANG_UP_TIMEOUT: Duration = Duration::from_secs(1);

/// How much is read at once.
const READ: usize = 4096;

/// How many frames are written at once.
const WRITE: usize = 16;

/// How many frames may wait to be written before only the newest ping is answered.
const BACKLOG: usize = 32;

/// A WebSocket after the handshake.
pub(super) struct WebSocket {
    stream: TcpStream,
    incoming: Incoming,
    /// What is to be written, in order.
    outgoing: VecDeque<Bytes>,
    /// The answer to the newest ping, if too much else is to be written to answer each.
    pong: Option<Bytes>,
    /// The time until which the client has to take something of that, while it does not.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl WebSocket {
    /// A WebSocket on a connection of which this much has been read already.
    pub(super) fn new(stream: TcpStream, read: &[u8], limits: FrameLimits, quota: Arc<Quota>) -> Self {
        let mut incoming = Incoming::new(limits, quota);
        incoming.take(read);
        Self { stream, incoming, outgoing: VecDeque::new(), pong: None, stalled: None }
    }

    /// What comes next; pings are answered here. After an `End` nothing comes.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        loop {
            if let Some(received) = self.incoming.next() {
                if let Received::Ping(payload) = &received {
                    self.pong = Some(frame::frame(PONG, payload));
                    self.send_pong();
                }
                return Poll::Ready(received);
            }
            let mut space = [MaybeUninit::uninit(); READ];
            let mut read = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut read)) {
                Ok(()) if !read.filled().is_empty() => self.incoming.take(read.filled()),
                Ok(()) | Err(_) => self.incoming.end(End::Gone),
            }
        }
    }

    fn send_pong(&mut self) {
        if self.outgoing.len() < BACKLOG {
            self.outgoing.extend(self.pong.take());
        }
    }

    /// Has a frame written, after all others.
    pub(super) fn send(&mut self, frame: Bytes) {
        self.outgoing.push_back(frame);
    }

    /// Has written what the hub has queued, until that is this many bytes.
    ///
    /// # Errors
    /// The connection is to end: the hub says so, or a frame could not be encoded, and without it the client would
    /// miss something in silence.
    pub(super) fn send_queued(&mut self, queue: impl Iterator<Item = Outgoing>, enough: usize) -> Result<(), End> {
        let mut taken = 0;
        for next in queue {
            let bytes = match next {
                Outgoing::Frame(frame) => frame.bytes,
                Outgoing::Close(reason) => return Err(End::Close(reason.into())),
            };
            if bytes.is_empty() {
                return Err(End::Close(CloseCode::InternalError));
            }
            taken += bytes.len();
            self.send(bytes);
            if taken >= enough {
                break;
            }
        }
        Ok(())
    }

    /// Writes what is to be written.
    ///
    /// # Errors
    /// The client is not there any more, or has taken nothing for too long.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        if let Poll::Ready(written) = self.poll_write_all(context) {
            return Poll::Ready(written.map_err(|_| End::Gone));
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(SEND_TIMEOUT)));
        stalled.as_mut().poll(context).map(|()| Err(End::Close(CloseCode::SlowReader)))
    }

    fn poll_write_all(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(self.poll_write(context))?;
            self.stalled = None;
            self.written(written);
            self.send_pong();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        if let [frame] = self.outgoing.as_slices().0 {
            return stream.poll_write(context, frame);
        }
        let mut parts = [IoSlice::new(&[]); WRITE];
        for (part, frame) in parts.iter_mut().zip(&self.outgoing) {
            *part = IoSlice::new(frame);
        }
        stream.poll_write_vectored(context, &parts)
    }

    fn written(&mut self, mut bytes: usize) {
        while let Some(frame) = self.outgoing.front_mut() {
            if frame.len() > bytes {
                return frame.advance(bytes);
            }
            bytes -= frame.len();
            self.outgoing.pop_front();
        }
        // Most sockets are idle most of the time.
        self.outgoing = VecDeque::new();
    }

    /// Whether everything is written.
    pub(super) fn is_flushed(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Waits for what comes next, or until what is to be written is written: then gives `None`. Unless it is
    /// `reading`, nothing comes but an end.
    pub(super) async fn next(&mut self, reading: bool) -> Option<Received> {
        let has_written = !self.is_flushed();
        poll_fn(|context| match self.poll_flush(context) {
            Poll::Ready(Err(end)) => Poll::Ready(Some(Received::End(end))),
            Poll::Ready(Ok(())) if has_written => Poll::Ready(None),
            Poll::Ready(Ok(())) | Poll::Pending if reading => self.poll_next(context).map(Some),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Waits until everything is written.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    /// Sends the rest and the close frame, if the client waits for one, and ends the connection.
    pub(super) async fn close(mut self, end: End) {
        match end {
            // It may have ended its side alone, and read on.
            End::Gone => {}
            End::Closed(code) => self.send(frame::close(code.map(|code| (code, "")))),
            End::Close(code) => {
                metrics::counter!("parlor_sockets_closed_total", "reason" => code.name()).increment(1);
                self.send(frame::close(Some((code.number(), code.name()))));
            }
        }
        // Nothing can be done for a client that is gone or does not read.
        let written = timeout(CLOSE_TIMEOUT, poll_fn(|context| self.poll_write_all(context))).await;
        if let Ok(Ok(())) = written {
            hang_up(self.stream).await;
        }
    }
}

/// Ends a connection, and lets the client do so, too: what it has sent and nobody reads would otherwise take back from
/// it what it was sent last.
pub(crate) async fn hang_up(mut stream: TcpStream) {
    let ending = async {
        stream.shutdown().await?;
        let mut nobody_wants_it = [0; 512];
        while stream.read(&mut nobody_wants_it).await? > 0 {}
        io::Result::Ok(())
    };
    // The connection is over in any case.
    let _ = timeout(HANG_UP_TIMEOUT, ending).await;
}

#[cfg(test)]
mod tests {
    use actix_web::rt::net::TcpListener;
    use parlor_realtime::{CloseReason, Frame};
    use parlor_services::Rate;

    use super::*;

    /// A WebSocket and its client's connection.
    async fn open() -> (WebSocket, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let limits = FrameLimits { frame: 1000, message: 1000, binary: false };
        let quota = Quota::new(Rate { burst: 1, per_minute: 1 }, 1);
        (WebSocket::new(stream, &[], limits, Arc::new(quota)), client)
    }

    fn queued(bytes: &'static [u8]) -> Outgoing {
        Outgoing::Frame(Frame::answer(Bytes::from_static(bytes)))
    }

    /// What the client gets of a queue until the connection is closed with what the queue says.
    async fn read(queue: Vec<Outgoing>) -> Vec<u8> {
        let (mut socket, mut client) = open().await;
        let end = socket.send_queued(queue.into_iter(), usize::MAX).unwrap_err();
        let mut read = Vec::new();
        let reading = async {
            client.read_to_end(&mut read).await.unwrap();
            drop(client);
        };
        futures_util::join!(socket.close(end), reading);
        read
    }

    #[actix_web::test]
    async fn a_frame_that_could_not_be_encoded_closes_the_connection_after_those_before_it() {
        let read = read(vec![queued(b"\x81\x01a"), queued(b""), queued(b"\x81\x01b")]).await;
        assert_eq!(read, b"\x81\x01a\x88\x10\x03\xf3internal_error");
    }

    #[actix_web::test]
    async fn what_the_hub_closes_with_ends_the_connection() {
        let read = read(vec![queued(b"\x81\x01a"), Outgoing::Close(CloseReason::SlowReader)]).await;
        assert_eq!(read, b"\x81\x01a\x88\x0d\x0f\xa6slow_reader");
    }

    #[actix_web::test]
    async fn no_more_is_taken_from_the_queue_than_is_to_be_written_at_once() {
        let (mut socket, _client) = open().await;
        let mut queue = vec![queued(b"\x81\x01a"), queued(b"\x81\x01b"), queued(b"\x81\x01c")].into_iter();
        socket.send_queued(queue.by_ref(), 4).unwrap();
        assert_eq!(queue.as_slice(), [queued(b"\x81\x01c")]);
    }
}
