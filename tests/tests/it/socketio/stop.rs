//! A server that stops, seen by clients that only poll.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use parlor_tests::{Home, Person, Server};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::spawn_blocking,
};

const CLIENTS: usize = 4;
/// Below the time for which a server that stops waits for requests that are under way.
const SOON: Duration = Duration::from_secs(10);

/// Sends requests, each by a connection of its own. The server gives connections to its threads in turn.
struct Requests {
    address: String,
    sent: usize,
}

impl Requests {
    /// Sends one, and leaves its answer to come.
    async fn send(&mut self, method: &str, path: &str, body: &str) -> Result<TcpStream> {
        let mut connection = TcpStream::connect(&self.address).await?;
        let (host, length) = (&self.address, body.len());
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}");
        connection.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await?;
        self.sent += 1;
        Ok(connection)
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<String> {
        let connection = self.send(method, path, body).await?;
        answer(connection).await
    }

    /// Sees to it that the next connection is one for the first of two threads, or for the second.
    async fn next_is_for(&mut self, thread: usize) -> Result<()> {
        if self.sent % 2 != thread {
            self.ask("GET", "/healthz", "").await?;
        }
        Ok(())
    }

    /// Connects a client on the first thread; its poll hangs on the second.
    async fn poll(&mut self, token: &str) -> Result<TcpStream> {
        self.next_is_for(0).await?;
        let path = "/socket.io/?EIO=4&transport=polling";
        let opened = self.ask("GET", path, "").await?;
        let sid = opened.split('"').nth(3).context("no sid")?;
        let path = format!("{path}&sid={sid}");
        self.ask("POST", &path, &format!("40{}", json!({ "token": token }))).await?;
        while !self.ask("GET", &path, "").await?.contains("[\"ready\",") {}
        self.next_is_for(1).await?;
        self.send("GET", &path, "").await
    }
}

/// The body of an answer.
async fn answer(mut connection: TcpStream) -> Result<String> {
    let mut text = String::new();
    connection.read_to_string(&mut text).await?;
    let (head, body) = text.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "{text}");
    Ok(body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_answers_polls_also_of_sessions_that_began_on_a_thread_that_is_idle_by_then() -> Result<()>
{
    let home = Home::new()?;
    let server = Server::start(&home, &["--set", "server.workers=2", "--set", "server.shutdown_jitter=2s"])?;
    let token = Person::sign_up(server.url(), "ada").await?.token().to_owned();
    let mut requests = Requests { address: server.url().replace("http://", ""), sent: 0 };
    let mut polls = Vec::new();
    for _ in 0..CLIENTS {
        polls.push(requests.poll(&token).await?);
    }
    // What comes to both threads after the polls is answered, so the polls have come.
    for _ in 0..2 {
        requests.ask("GET", "/healthz", "").await?;
    }

    let start = Instant::now();
    let stopped = spawn_blocking(move || server.stop()).await??;
    ensure!(stopped.success() && start.elapsed() < SOON, "{stopped} after {:?}", start.elapsed());
    for poll in polls {
        assert_eq!(answer(poll).await?, "1");
    }
    Ok(())
}
