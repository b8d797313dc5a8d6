//! What only shows on a real connection.

use std::{
    future::pending,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_service::{Service as _, ServiceFactory as _};
use actix_web::{dev::Server, http::Method, test::TestRequest};
use parlor_api::HttpConfig;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Setup, TestState, request, start, state};

/// Serves the application on a free port until the test ends.
async fn serve(body_timeout: Duration) -> (SocketAddr, TestState) {
    let mut setup = Setup::default();
    setup.api.body_timeout = body_timeout;
    let test = state(setup).await;
    let app_state = test.state.clone();
    let patience = Duration::from_secs(30);
    let config = HttpConfig { keep_alive: patience, header_timeout: patience, write_timeout: patience };
    let listener = listen();
    let address = listener.local_addr().unwrap();
    let connections = move || parlor_api::connections(app_state.clone(), config, pending);
    let server = Server::build().workers(1).disable_signals().listen("test", listener, connections);
    actix_web::rt::spawn(server.unwrap().run());
    (address, test)
}

/// A free port whose connections hold little that is not read, so that a client that reads little has the server wait.
fn listen() -> TcpListener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    SockRef::from(&listener).set_send_buffer_size(4096).unwrap();
    listener
}

/// A connection of a client that holds little that is not read.
async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(address).await.unwrap()
}

/// Sends the bytes and reads until the server closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer));
    read.await.expect("the server closes the connection").unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads an answer until this many bytes of it are missing, sends a byte, and reads until the server closes. Gives how
/// many bytes are missing then.
async fn interrupt(address: SocketAddr, request: &str, missing: usize) -> usize {
    let mut stream = connect(address).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
    stream.read_exact(&mut vec![0; length - missing]).await.unwrap();
    stream.write_all(b"x").await.unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest));
    read.await.expect("the server closes the connection").unwrap();
    missing - rest.len()
}

const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// A request for a WebSocket.
fn handshake(path: &str) -> String {
    let headers: String = HANDSHAKE.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n")
}

#[actix_web::test]
async fn a_connection_that_can_not_be_upgraded_is_told_so() {
    let app = start().await;
    let handshake = HANDSHAKE.into_iter().fold(request(Method::GET, "/api/v1/ws", ""), TestRequest::insert_header);
    app.send(handshake).await.assert_problem(400, "bad_request");
}

#[actix_web::test]
async fn a_request_that_asks_for_an_upgrade_in_vain_is_answered_like_any_other_and_the_connection_closed() {
    let (address, _state) = serve(Duration::from_secs(30)).await;
    for (path, status) in [("/healthz", 200), ("/nowhere", 404), ("/api/v1/ws?token=x", 400)] {
        let answer = exchange(address, handshake(path).as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        assert!(answer.ends_with('}'), "{answer}");
    }
}

#[actix_web::test]
async fn a_long_answer_to_an_upgrade_in_vain_comes_whole_however_its_client_reads_and_what_it_sends_meanwhile() {
    let (address, _state) = serve(Duration::from_secs(30)).await;
    let request = handshake("/api/docs/openapi.json");
    for missing in (1..=32).map(|kilobytes| kilobytes * 1024) {
        assert_eq!(interrupt(address, &request, missing).await, 0, "{missing}");
    }
}

#[actix_web::test]
async fn a_client_that_does_not_take_the_answer_to_an_upgrade_in_vain_is_let_go_and_that_is_no_error() {
    let test = state(Setup::default()).await;
    let (patience, write_timeout) = (Duration::from_secs(30), Duration::from_millis(50));
    let config = HttpConfig { keep_alive: patience, header_timeout: patience, write_timeout };
    let connections = parlor_api::connections(test.state.clone(), config, pending).new_service(()).await.unwrap();
    let listener = listen();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let mut client = connect(listener.local_addr().unwrap()).await;
    client.write_all(handshake("/api/docs/openapi.json").as_bytes()).await.unwrap();
    let ended = connections.call(listener.accept().await.unwrap().0);
    assert!(tokio::time::timeout(patience, ended).await.expect("the connection ends").is_ok());
}

#[actix_web::test]
async fn a_body_that_does_not_arrive_is_answered_and_the_connection_closed() {
    let (address, _state) = serve(Duration::from_millis(50)).await;
    let answer = exchange(
        address,
        b"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
}

#[actix_web::test]
async fn a_body_that_is_announced_too_large_is_answered_and_the_connection_closed() {
    let (address, _state) = serve(Duration::from_secs(30)).await;
    let answer = exchange(
        address,
        b"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n{",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[actix_web::test]
async fn a_chunked_body_that_grows_too_large_is_answered_and_the_connection_closed() {
    let (address, _state) = serve(Duration::from_secs(30)).await;
    let mut bytes = b"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n"
        .to_vec();
    bytes.extend(format!("5000\r\n{}\r\n", " ".repeat(0x5000)).into_bytes());
    let answer = exchange(address, &bytes).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[actix_web::test]
async fn a_body_that_is_cut_off_or_badly_framed_is_refused() {
    let (address, _state) = serve(Duration::from_secs(30)).await;
    let answer = exchange(
        address,
        b"POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
          transfer-encoding: chunked\r\n\r\nzz\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[actix_web::test]
async fn a_chunked_body_that_nobody_reads_does_not_keep_the_connection() {
    let (address, _state) = serve(Duration::from_millis(50)).await;
    for path in ["/api/v1/auth/login", "/api/v1/auth/logout", "/nowhere"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n");
        let answer = exchange(address, format!("{head}transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
}

#[actix_web::test]
async fn a_whole_body_leaves_the_connection_open_for_the_next_request() {
    let (address, _state) = serve(Duration::from_secs(30)).await;
    let login = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let chunked = format!("{login}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");
    let sized = format!("{login}content-length: 2\r\n\r\n{{}}");
    let last = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answers = exchange(address, format!("{chunked}{sized}{last}").as_bytes()).await;
    assert_eq!(answers.matches("HTTP/1.1 422").count(), 2, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
}
