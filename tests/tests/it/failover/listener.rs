//! Who listens to a conversation on a socket: every message comes, in order, once.

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use parlor_tests::{Person, text};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::watch, time::sleep};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use super::crowd::RETRY;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open socket, and what has come.
pub(super) struct Listener {
    url: String,
    person: Person,
    conversation: String,
    socket: Socket,
    /// The ids of the messages, in order.
    seen: watch::Sender<Vec<String>>,
}

impl Listener {
    /// Opens a socket before anything is said.
    pub(super) async fn open(
        url: &str,
        person: &Person,
        conversation: &str,
        seen: watch::Sender<Vec<String>>,
    ) -> Result<Self> {
        let (url, person, conversation) = (url.to_owned(), person.clone(), conversation.to_owned());
        let socket = connect(&url, &person, "").await?.context("the first socket is refused")?;
        let mut listener = Self { url, person, conversation, socket, seen };
        while listener.next().await?["event"] != "ready" {}
        Ok(listener)
    }

    /// Listens until the test is over. The end of the socket is an error.
    pub(super) async fn stay(mut self) -> Result<()> {
        loop {
            let frame = self.next().await?;
            self.take(&frame)?;
        }
    }

    /// The same, but with each new round the socket is closed, and opened again to resume.
    pub(super) async fn leave_and_return(mut self, mut rounds: watch::Receiver<u64>) -> Result<()> {
        loop {
            tokio::select! {
                frame = self.next() => self.take(&frame?)?,
                changed = rounds.changed() => {
                    changed?;
                    self.socket.close(None).await?;
                    self.come_back().await?;
                }
            }
        }
    }

    async fn come_back(&mut self) -> Result<()> {
        self.socket = loop {
            match connect(&self.url, &self.person, "?resume=true").await? {
                Some(socket) => break socket,
                None => sleep(RETRY).await,
            }
        };
        loop {
            // Every change of these conversations is a new message: the rev is that of the last one.
            let known = self.seen.borrow().len();
            let resume =
                json!({ "command": "resume", "id": 1, "data": { "streams": { (&*self.conversation): known } } });
            self.socket.send(Message::text(resume.to_string())).await?;
            let reply = loop {
                let frame = self.next().await?;
                if frame["reply"] == 1 {
                    break frame;
                }
                ensure!(frame["event"] != "message.created", "pushed before the answer to resume: {frame}");
            };
            if reply["problem"].is_null() {
                let events = reply["data"]["streams"][&self.conversation]["events"].as_array();
                return events.into_iter().flatten().try_for_each(|event| self.take(event));
            }
            ensure!(reply["problem"]["status"] == 503, "{reply}");
            sleep(RETRY).await;
        }
    }

    /// The next frame with a text, as JSON.
    async fn next(&mut self) -> Result<Value> {
        loop {
            let frame = self.socket.next().await.context("the socket has ended")?.context("the socket is broken")?;
            if frame.is_close() {
                bail!("the socket was closed: {frame:?}");
            }
            if let Message::Text(text) = frame {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }

    fn take(&self, frame: &Value) -> Result<()> {
        if frame["stream"] != *self.conversation {
            return Ok(());
        }
        ensure!(frame["event"] != "resync", "something was lost: {frame}");
        if frame["event"] == "message.created" {
            let due = self.seen.borrow().len() + 1;
            ensure!(frame["data"]["seq"] == due && frame["rev"] == due, "{due} was due, and not {frame}");
            let id = text(&frame["data"]["id"])?;
            self.seen.send_modify(|seen| seen.push(id));
        }
        Ok(())
    }
}

/// A socket, or `None` if the server can't open one at present.
async fn connect(url: &str, person: &Person, query: &str) -> Result<Option<Socket>> {
    let mut request = format!("{}/api/v1/ws{query}", url.replacen("http", "ws", 1)).into_client_request()?;
    request.headers_mut().insert("Authorization", format!("Bearer {}", person.token()).parse()?);
    match connect_async(request).await {
        Ok((socket, _)) => Ok(Some(socket)),
        Err(Error::Http(refusal)) if refusal.status().as_u16() == 503 => Ok(None),
        Err(other) => Err(other.into()),
    }
}
