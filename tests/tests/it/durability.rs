//! What is acknowledged survives the end of the process, at whatever moment it comes.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use parlor_tests::{Home, Person, Server, text};
use serde_json::{Value, json};

const KILLS: usize = 20;
const SENDERS: usize = 8;
const ACKNOWLEDGED_PER_KILL: usize = 25;

/// What was acknowledged: the `seq` for each `clientMessageId`.
type Acknowledged = Arc<Mutex<HashMap<String, u64>>>;

/// Sends until the server is gone, each message with a name of its own; one without an answer is sent again by the
/// next sender of this number.
struct Sender {
    person: Person,
    conversation: String,
    number: usize,
    acknowledged: Acknowledged,
    count: Arc<AtomicUsize>,
}

impl Sender {
    async fn run(self, url: String, mut next: usize) -> usize {
        loop {
            let name = format!("{}-{next}", self.number);
            let path = format!("/conversations/{}/messages", self.conversation);
            let body = json!({ "text": format!("message {name}"), "clientMessageId": name });
            let Ok((status, message)) = self.person.post(&url, &path, &body).await else { return next };
            assert!(status == 201 || status == 200, "{status}: {message}");
            let seq = message["seq"].as_u64().unwrap();
            self.acknowledged.lock().unwrap().insert(name, seq);
            self.count.fetch_add(1, Ordering::SeqCst);
            next += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_messages_survive_twenty_kills_under_load_once_and_in_order() -> Result<()> {
    let home = Home::new()?;
    let mut server = Server::start(&home, &[])?;
    let (ada, bob) = (Person::sign_up(server.url(), "ada").await?, Person::sign_up(server.url(), "bob").await?);
    let conversation = ada.open(server.url(), &bob).await?;
    let acknowledged = Acknowledged::default();
    let mut next = [0; SENDERS];
    for _ in 0..KILLS {
        let count = Arc::new(AtomicUsize::new(0));
        let mut senders = Vec::new();
        for (number, next) in next.iter().enumerate() {
            let person = if number % 2 == 0 { ada.clone() } else { bob.clone() };
            let (conversation, acknowledged) = (conversation.clone(), Arc::clone(&acknowledged));
            let sender = Sender { person, conversation, number, acknowledged, count: Arc::clone(&count) };
            senders.push(tokio::spawn(sender.run(server.url().to_owned(), *next)));
        }
        while count.load(Ordering::SeqCst) < ACKNOWLEDGED_PER_KILL {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill()?;
        for (next, sender) in next.iter_mut().zip(senders) {
            *next = sender.await?;
        }
        server = Server::start(&home, &[])?;
    }
    let stored = ada.history(server.url(), &conversation).await?;
    check(&stored, &acknowledged.lock().unwrap())
}

fn check(stored: &[Value], acknowledged: &HashMap<String, u64>) -> Result<()> {
    let seqs: Vec<u64> = stored.iter().filter_map(|message| message["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=stored.len() as u64).collect::<Vec<_>>(), "a hole, or a second order");
    let mut places = HashMap::new();
    for message in stored {
        let name = text(&message["clientMessageId"])?;
        assert_eq!(text(&message["text"])?, format!("message {name}"));
        assert_eq!(places.insert(name.clone(), message["seq"].as_u64().unwrap_or(0)), None, "{name} is there twice");
    }
    assert!(acknowledged.len() >= KILLS * ACKNOWLEDGED_PER_KILL);
    for (name, seq) in acknowledged {
        assert_eq!(places.get(name), Some(seq), "{name} was acknowledged at {seq}");
    }
    Ok(())
}
