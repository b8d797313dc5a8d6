//! Plays the scripts of the state machines over the wire.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

use super::client::{Client, Incoming};
use super::http::Pending;
use crate::script::{Begin, Step};

/// How many times slower than in the scripts the time goes.
pub(super) const SLOWER: u32 = 4;

/// A client's script against a server.
pub(super) struct Player {
    client: Client,
    poll: Option<Pending>,
}

impl Player {
    /// Opens a session and reads its handshake.
    pub(super) async fn open(address: SocketAddr, path: &'static str, begin: Begin) -> Self {
        let client = match begin {
            Begin::Polling => Client::polling(address, path).await.0,
            Begin::WebSocket => Client::websocket(address, path).await.0,
        };
        Self { client, poll: None }
    }

    /// Plays the steps; `what` is said when one fails.
    pub(super) async fn play(&mut self, what: &str, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            let at = format!("{what}: step {index}, {step:?}");
            self.step(step, steps.get(index + 1), &at).await;
        }
    }

    async fn step(&mut self, step: &Step, next: Option<&Step>, at: &str) {
        match *step {
            Step::Get => self.poll = Some(self.client.poll().await),
            Step::GetRefused(status) => {
                assert_eq!(self.client.poll().await.answer().await.status, status, "{at}");
            }
            Step::Gets(body) => {
                let answer = self.poll.take().expect(at).answer().await;
                assert_eq!((answer.status, without_ids(&answer.body).as_str()), (200, body), "{at}");
            }
            Step::GetFails(status) => {
                assert_eq!(self.poll.take().expect(at).answer().await.status, status, "{at}");
            }
            Step::Abort => drop(self.poll.take().expect(at)),
            Step::Post(body) => {
                let answer = self.client.post(body).await;
                assert_eq!((answer.status, answer.body.as_str()), (200, "ok"), "{at}");
            }
            Step::PostRefused(body, status) => assert_eq!(self.client.post(body).await.status, status, "{at}"),
            Step::Upgrade => assert_eq!(self.client.open_websocket().await, Ok(()), "{at}"),
            Step::UpgradeRefused(status) => {
                let mut other = self.client.twin();
                assert_eq!(other.open_websocket().await, Err(status), "{at}");
            }
            Step::Send(text) => self.client.send(text).await,
            Step::SendBinary(bytes) => self.client.send_binary(bytes).await,
            Step::Recv(text) => assert_eq!(self.receive(text).await, Incoming::Text(text.to_owned()), "{at}"),
            Step::RecvBinary(bytes) => {
                assert_eq!(self.receive("").await, Incoming::Binary(bytes.into()), "{at}");
            }
            Step::Closed => {
                let next = self.receive("").await;
                assert!(matches!(next, Incoming::Closed(_)), "{at}: {next:?}");
            }
            Step::Leave => self.client.leave().await,
            Step::Wait(millis) => {
                // A step that waits for something takes the time by itself.
                if next.is_some_and(asks_at_once) {
                    sleep(SLOWER * Duration::from_millis(millis)).await;
                }
            }
            // That nothing comes can only be seen where the time stands still.
            Step::Hangs | Step::Silent => {}
        }
    }

    /// What comes next; a ping that is not expected comes because the machine is slow, and is answered.
    async fn receive(&mut self, expected: &str) -> Incoming {
        loop {
            match self.client.next().await {
                Incoming::Text(text) if text == "2" && expected != "2" => self.client.send("3").await,
                Incoming::Text(text) => return Incoming::Text(without_ids(&text)),
                other @ (Incoming::Binary(_) | Incoming::Closed(_)) => return other,
            }
        }
    }
}

/// Whether the step's outcome depends on when it happens.
fn asks_at_once(step: &Step) -> bool {
    matches!(step, Step::Get | Step::GetRefused(_) | Step::PostRefused(..) | Step::UpgradeRefused(_))
}

/// The text with `id` in the place of each id, as the scripts have it.
fn without_ids(text: &str) -> String {
    const BEFORE: &str = r#""sid":""#;
    let mut parts = text.split(BEFORE);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_once('"').expect("the end of an id");
        result = [&result, BEFORE, "id\"", rest].concat();
    }
    result
}
