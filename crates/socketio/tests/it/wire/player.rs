//! Plays the scripts of the state machines over the wire.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

use super::client::{Client, Incoming};
use super::http::Pending;
use crate::script::{Begin, Step};

/// A client's script against a server.
pub(super) struct Player {
    client: Client,
    poll: Option<Pending>,
    /// How many times slower than in the scripts the time goes.
    slower: u32,
}

impl Player {
    /// Opens a session and reads its handshake.
    pub(super) async fn open(address: SocketAddr, path: &'static str, begin: Begin, slower: u32) -> Self {
        let client = match begin {
            Begin::Polling => Client::polling(address, path).await.0,
            Begin::WebSocket => Client::websocket(address, path).await.0,
        };
        Self { client, poll: None, slower }
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
                    sleep(self.slower * Duration::from_millis(millis)).await;
                }
            }
            // That nothing comes can only be seen where the time stands still.
            Step::Hangs | Step::Silent => {}
        }
    }

    /// What comes next. A ping that is not expected comes because the machine is slow.
    async fn receive(&mut self, expected: &str) -> Incoming {
        let next = if expected == "2" { self.client.next().await } else { self.client.next_but_pings().await };
        match next {
            Incoming::Text(text) => Incoming::Text(without_ids(&text)),
            other @ (Incoming::Binary(_) | Incoming::Closed(_)) => other,
        }
    }
}

/// Whether the step's outcome depends on when it happens.
fn asks_at_once(step: &Step) -> bool {
    matches!(step, Step::Get | Step::GetRefused(_) | Step::Abort | Step::PostRefused(..) | Step::UpgradeRefused(_))
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
