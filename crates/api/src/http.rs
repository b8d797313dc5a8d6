//! The API on TCP connections: HTTP by the framework, and what becomes of a connection by an upgrade.
//!
//! The framework passes a request for a WebSocket on together with the connection. The application answers it like
//! any other; a handler that accepts leaves in its answer what is to be done with the connection. From then on the
//! framework keeps nothing for it, which is most of what an idle socket would cost.

use std::{
    cell::Cell,
    future::Future,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_codec::{Encoder as _, Framed};
use actix_http::{
    ConnectionType, HttpMessage as _, HttpService, Protocol, Request, Response,
    body::{BodySize, BoxBody, MessageBody, to_bytes},
    error::{DispatchError, PayloadError},
    h1,
};
use actix_service::{IntoServiceFactory as _, Service, ServiceFactory, fn_factory, fn_service};
use actix_web::{
    Error, HttpRequest, HttpResponse,
    dev::{AppConfig, ServiceResponse},
    rt::net::TcpStream,
};
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    time::timeout,
};
use tracing::{debug, warn};

use crate::{
    app,
    live::{Writers, hang_up},
    state::AppState,
};

/// What can be set about connections.
#[derive(Clone, Copy, Debug)]
pub struct HttpConfig {
    /// How long a connection may wait for its next request.
    pub keep_alive: Duration,
    /// How long the head of a request may take to arrive.
    pub header_timeout: Duration,
    /// How long a client may take no bytes.
    pub write_timeout: Duration,
}

/// How long a connection may take to end after its last answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves the API with this state on connections. Each thread of a server makes one. `stopping` makes futures that
/// are ready when the server begins to stop; connections without a request under way end then.
pub fn connections<F, W>(
    state: AppState,
    config: HttpConfig,
    stopping: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    F: Fn() -> W + Clone + 'static,
    W: Future<Output = ()> + 'static,
{
    fn_factory(move || {
        let app = app(state.clone()).into_factory().new_service(AppConfig::default());
        let stopping = stopping.clone();
        async move {
            let app = Rc::new(app.await?);
            let (upgrades, writers) = (Rc::clone(&app), Writers::start());
            let http = HttpService::build()
                .keep_alive(config.keep_alive)
                .client_request_timeout(config.header_timeout)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                // Who has closed its side will not read the answer; keeping the connection would hold a place for
                // nothing.
                .h1_allow_half_closed(false)
                .graceful_shutdown_signal(stopping)
                .upgrade(fn_service(move |(request, framed): (Request, _)| {
                    request.extensions_mut().insert(Upgradable(writers.clone()));
                    answer(Rc::clone(&upgrades), request, framed, config.write_timeout)
                }))
                .finish(fn_factory(move || std::future::ready(Ok::<_, ()>(Rc::clone(&app)))));
            let http = Rc::new(http.new_service(()).await?);
            Ok(fn_service(move |stream| serve(&*http, stream, config.write_timeout)))
        }
    })
}

/// Serves one connection to its end.
fn serve<H>(http: &H, stream: TcpStream, write_timeout: Duration) -> LocalBoxFuture<'static, Result<(), DispatchError>>
where
    H: Service<(Connection, Protocol, Option<SocketAddr>), Response = (), Error = DispatchError>,
    H::Future: 'static,
{
    prepare(&stream, write_timeout);
    let peer = stream.peer_addr().ok();
    let slot = Rc::<UpgradedSlot>::default();
    // On its own, so that nothing of it stays when the connection has become something else.
    let requests = Box::pin(http.call((Connection { stream, slot: Rc::clone(&slot) }, Protocol::Http1, peer)));
    Box::pin(async move {
        requests.await?;
        if let Some(upgraded) = slot.0.take() {
            upgraded.await;
        }
        Ok(())
    })
}

/// Has answers sent at once, and makes the kernel end a connection whose other side takes no bytes for that long.
/// Nothing in the framework does: a client that never reads would keep its connection, and what waits for it, for ever.
fn prepare(stream: &TcpStream, write_timeout: Duration) {
    let set = stream.set_nodelay(true).and_then(|()| give_up_on_stalled(stream, write_timeout));
    if let Err(error) = set {
        warn!(error = &error as &dyn std::error::Error, "can't limit how long a client may take to read");
    }
}

#[cfg(target_os = "linux")]
fn give_up_on_stalled(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
    SockRef::from(stream).set_tcp_user_timeout(Some(timeout))
}

/// There is no such limit to be set here.
#[cfg(not(target_os = "linux"))]
fn give_up_on_stalled(_: &TcpStream, _: Duration) -> io::Result<()> {
    Ok(())
}

/// What a connection goes on with when its requests are over.
#[derive(Default)]
struct UpgradedSlot(Cell<Option<LocalBoxFuture<'static, ()>>>);

/// A connection that can leave HTTP.
struct Connection {
    stream: TcpStream,
    slot: Rc<UpgradedSlot>,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Marks a request (in its extensions) whose connection can be upgraded, and says what may write to it from then on.
struct Upgradable(Writers);

/// What is to be done with the connection after the answer that this is in (in its extensions).
struct OnUpgrade(Box<dyn FnOnce(TcpStream, Bytes) -> LocalBoxFuture<'static, ()>>);

/// Answers the handshake of a WebSocket. When the answer is on its way, `on_upgrade` is given the connection, what was
/// read of it beyond the request, and what writes for many. `None` if the connection can't be upgraded.
pub(crate) fn upgrade<F>(
    request: &HttpRequest,
    on_upgrade: impl FnOnce(TcpStream, Bytes, Writers) -> F + 'static,
) -> Option<HttpResponse>
where
    F: Future<Output = ()> + 'static,
{
    let Upgradable(writers) = actix_web::HttpMessage::extensions_mut(request).remove::<Upgradable>()?;
    let response = actix_http::ws::handshake(request.head()).ok()?.finish();
    let mut response = HttpResponse::from(response.map_into_boxed_body());
    let on_upgrade: Box<dyn FnOnce(_, _) -> _> =
        Box::new(move |stream, read| Box::pin(on_upgrade(stream, read, writers)) as _);
    response.extensions_mut().insert(OnUpgrade(on_upgrade));
    Some(response)
}

/// Has a request for an upgrade answered by the application, and leaves the connection to whom it gives it.
async fn answer<S, B>(
    app: Rc<S>,
    request: Request,
    framed: Framed<Connection, h1::Codec>,
    write_timeout: Duration,
) -> Result<(), actix_http::Error>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let mut response: Response<BoxBody> = match app.call(request).await {
        Ok(response) => Response::from(response).map_into_boxed_body(),
        Err(error) => error.into(),
    };
    let on_upgrade = response.extensions_mut().remove::<OnUpgrade>();
    if on_upgrade.is_none() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let (head, body) = response.into_parts();
    let body = to_bytes(body)
        .await
        .map_err(|error| actix_http::Error::from(PayloadError::Io(io::Error::other(error.to_string()))))?;
    let mut parts = framed.into_parts();
    let Connection { mut stream, slot } = parts.io;
    let written = timeout(write_timeout, async {
        encode(&mut parts.codec, head, body, &mut parts.write_buf)?;
        stream.write_all(&parts.write_buf).await
    });
    if let Err(error) = written.await.map_err(io::Error::from).flatten() {
        debug!(error = &error as &dyn std::error::Error, "the client does not take its answer");
        return Ok(());
    }
    slot.0.set(Some(match on_upgrade {
        Some(OnUpgrade(on_upgrade)) => on_upgrade(stream, parts.read_buf.freeze()),
        None => Box::pin(hang_up(stream)),
    }));
    Ok(())
}

/// Appends a whole answer to what is to be written. The framework's `SendResponse` would do both, but waits for ever if
/// it is woken at the wrong time amid a long answer.
fn encode(codec: &mut h1::Codec, head: Response<()>, body: Bytes, to: &mut BytesMut) -> io::Result<()> {
    codec.encode(h1::Message::Item((head, BodySize::Sized(body.len() as u64))), to)?;
    codec.encode(h1::Message::Chunk(Some(body)), to)?;
    codec.encode(h1::Message::Chunk(None), to)
}
