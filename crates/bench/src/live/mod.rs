//! Sockets to the server under test.

mod socketio;

use std::{cell::Cell, collections::VecDeque, io, rc::Rc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use thiserror::Error;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error as WsError, Message, Utf8Bytes,
        client::IntoClientRequest as _,
        http::{HeaderName, HeaderValue},
        protocol::WebSocketConfig,
    },
};

use self::socketio::Packet;
pub(crate) use self::socketio::Place;
use crate::{
    net::{Metered, Network},
    profile::{Live, Protocol},
};

/// How long a socket may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);
/// By default each socket would take 128 KiB for it.
const READ_BUFFER: usize = 4096;

/// Why a socket ended, or never was.
#[derive(Debug, Error)]
pub(crate) enum End {
    /// There is no connection to the server.
    #[error("connection: {0}")]
    Connection(#[from] io::Error),
    /// The handshake failed, or the protocol was broken.
    #[error("socket: {0}")]
    Socket(#[from] Box<WsError>),
    /// The server closed it.
    #[error("closed: {0}")]
    Closed(String),
    /// It was not ready in time.
    #[error("not ready in time")]
    Timeout,
}

impl From<WsError> for End {
    fn from(error: WsError) -> Self {
        Self::Socket(Box::new(error))
    }
}

/// A socket that is ready.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<Metered>,
    protocol: Protocol,
    /// With Socket.IO, if the server recovers connections.
    place: Option<Place>,
    /// What came before it was ready, such as what was missed.
    early: VecDeque<Utf8Bytes>,
}

/// Who opens a socket, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) path: &'a str,
    /// A header, as a line.
    pub(crate) credential: &'a str,
    /// Where he was before, with Socket.IO.
    pub(crate) place: Option<&'a Place>,
    /// What comes in is added to it, in bytes.
    pub(crate) received: &'a Rc<Cell<u64>>,
}

impl Socket {
    /// Opens a socket and waits until it is ready.
    pub(crate) async fn open(network: &Network, live: &Live, opening: Opening<'_>) -> Result<Self, End> {
        let opened = async {
            let mut socket = Self::shake_hands(network, live.protocol, opening).await?;
            socket.get_ready(live, opening.place).await?;
            Ok(socket)
        };
        timeout(PATIENCE, Box::pin(opened)).await.unwrap_or(Err(End::Timeout))
    }

    async fn shake_hands(network: &Network, protocol: Protocol, opening: Opening<'_>) -> Result<Self, End> {
        let mut request = format!("ws://{}{}", network.host(), opening.path).into_client_request()?;
        if let Some((name, value)) = opening.credential.trim_end().split_once(": ") {
            let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
            request.headers_mut().insert(name, HeaderValue::from_str(value).map_err(invalid)?);
        }
        let stream = Metered { stream: network.connect().await?, received: Rc::clone(opening.received) };
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER).write_buffer_size(0);
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await?;
        Ok(Self { stream, protocol, place: None, early: VecDeque::new() })
    }

    async fn get_ready(&mut self, live: &Live, place: Option<&Place>) -> Result<(), End> {
        if self.protocol == Protocol::SocketIo {
            self.enter_namespace(place).await?;
        }
        if let Some(ready) = &live.ready {
            loop {
                let frame = self.receive().await?;
                if frame.contains(ready) {
                    break;
                }
                self.early.push_back(frame);
            }
        }
        Ok(())
    }

    async fn enter_namespace(&mut self, place: Option<&Place>) -> Result<(), End> {
        loop {
            let frame = self.frame().await?;
            match Packet::parse(&frame) {
                Packet::Open => self.write(&socketio::connect(place)).await?,
                Packet::Ping => self.write(socketio::PONG).await?,
                Packet::Connected(said) => {
                    self.place = Place::parse(said);
                    return Ok(());
                }
                Packet::Refused(reason) => return Err(End::Closed(reason.to_owned())),
                Packet::Closed => return Err(End::Closed("by the engine".to_owned())),
                // Some servers send what was missed before they say that the client is in.
                Packet::Event(_) => self.early.push_back(frame),
                Packet::Other => {}
            }
        }
    }

    /// Waits for the next event or answer. Pings are answered meanwhile.
    pub(crate) async fn next(&mut self) -> Result<Utf8Bytes, End> {
        match self.early.pop_front() {
            Some(frame) => Ok(frame),
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Result<Utf8Bytes, End> {
        loop {
            let frame = self.frame().await?;
            if self.protocol == Protocol::WebSocket {
                return Ok(frame);
            }
            match Packet::parse(&frame) {
                Packet::Event(event) => {
                    if let Some(place) = &mut self.place {
                        place.advance(event);
                    }
                    return Ok(frame);
                }
                Packet::Ping => self.write(socketio::PONG).await?,
                Packet::Closed => return Err(End::Closed("by the engine".to_owned())),
                Packet::Refused(reason) => return Err(End::Closed(reason.to_owned())),
                Packet::Open | Packet::Connected(_) | Packet::Other => {}
            }
        }
    }

    /// Where one comes back to, with Socket.IO.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Sends what the profile says, which is a frame of the plain WebSocket or an event's name and arguments.
    pub(crate) async fn send(&mut self, text: &str) -> Result<(), End> {
        match self.protocol {
            Protocol::WebSocket => self.write(text).await,
            Protocol::SocketIo => self.write(&socketio::event(text)).await,
        }
    }

    async fn frame(&mut self) -> Result<Utf8Bytes, End> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(reason))) => {
                    return Err(End::Closed(reason.map_or_else(String::new, |reason| reason.to_string())));
                }
                // The answer to a ping lies ready, and goes out with the next read.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(End::Closed("without a word".to_owned())),
            }
        }
    }

    async fn write(&mut self, text: &str) -> Result<(), End> {
        Ok(self.stream.send(Message::text(text)).await?)
    }
}
