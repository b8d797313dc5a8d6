//! People who send at a steady pace, repeat what is not acknowledged, and count only what is.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use parlor_tests::{Person, text};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::listener::Listener;

/// Each conversation is one of two people, and both send.
const CONVERSATIONS: usize = 4;
/// Between two messages of a sender.
const PACE: Duration = Duration::from_millis(25);
/// Between two attempts. Shorter than `Retry-After` asks for, to measure well.
pub(super) const RETRY: Duration = Duration::from_millis(100);
/// Within it any request is answered: it takes the store one operation or two, one after the other.
const BOUND: Duration = Duration::from_secs(2 * super::STORE_TIMEOUT.as_secs() + 2);
/// After that long without progress a test has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many messages of a sender are sent for each one that is read back.
const READ_EVERY: u64 = 10;

/// Senders, and who listens to them.
pub(super) struct Crowd {
    shared: Arc<Shared>,
    /// One of each conversation, and its id.
    conversations: Vec<(Person, String)>,
    senders: JoinSet<Result<()>>,
    listeners: JoinSet<Result<()>>,
    /// The conversation of each listener, and the ids of the messages that it has seen.
    seen: Vec<(String, watch::Receiver<Vec<String>>)>,
    /// Raised when the listeners that leave and come back shall do so.
    rounds: watch::Sender<u64>,
}

/// What the senders do together.
struct Shared {
    http: reqwest::Client,
    url: String,
    /// How many messages have been acknowledged.
    count: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    tally: Mutex<Tally>,
}

struct Tally {
    /// The `seq` of each acknowledged message, by its conversation and its `clientMessageId`.
    acknowledged: HashMap<String, HashMap<String, u64>>,
    /// When the last one was acknowledged.
    last: Instant,
    longest_stall: Duration,
    slowest_answer: Duration,
    refusals: u64,
}

impl Crowd {
    /// Signs everybody up and lets them begin. To each conversation one listener of either user stays for the whole
    /// time, and one leaves and comes back.
    pub(super) async fn gather(url: &str) -> Result<Self> {
        let tally = Tally {
            acknowledged: HashMap::new(),
            last: Instant::now(),
            longest_stall: Duration::ZERO,
            slowest_answer: Duration::ZERO,
            refusals: 0,
        };
        let shared = Shared {
            http: reqwest::Client::new(),
            url: url.to_owned(),
            count: watch::Sender::new(0),
            stop: watch::Sender::new(false),
            tally: Mutex::new(tally),
        };
        let mut crowd = Self {
            shared: Arc::new(shared),
            conversations: Vec::new(),
            senders: JoinSet::new(),
            listeners: JoinSet::new(),
            seen: Vec::new(),
            rounds: watch::Sender::new(0),
        };
        for number in 0..CONVERSATIONS {
            let ada = Person::sign_up(url, &format!("ada{number}")).await?;
            let bob = Person::sign_up(url, &format!("bob{number}")).await?;
            let conversation = ada.open(url, &bob).await?;
            for (person, leaves) in [(&ada, false), (&bob, false), (&bob, true)] {
                crowd.listen(person, &conversation, leaves).await?;
            }
            for (person, name) in [(&ada, "ada"), (&bob, "bob")] {
                let sender = Sender {
                    shared: Arc::clone(&crowd.shared),
                    person: person.clone(),
                    conversation: conversation.clone(),
                    name: name.to_owned(),
                };
                crowd.senders.spawn(sender.run());
            }
            crowd.conversations.push((ada, conversation));
        }
        Ok(crowd)
    }

    async fn listen(&mut self, person: &Person, conversation: &str, leaves: bool) -> Result<()> {
        let (seen, receiver) = watch::channel(Vec::new());
        let listener = Listener::open(&self.shared.url, person, conversation, seen).await?;
        let rounds = self.rounds.subscribe();
        self.listeners
            .spawn(async move { if leaves { listener.leave_and_return(rounds).await } else { listener.stay().await } });
        self.seen.push((conversation.to_owned(), receiver));
        Ok(())
    }

    /// Has those listeners that are to do so leave now, and come back as soon as they are let in.
    pub(super) fn come_back(&self) {
        self.rounds.send_modify(|round| *round += 1);
    }

    /// Waits until so many more messages have been acknowledged.
    pub(super) async fn progress(&mut self, messages: u64) -> Result<()> {
        let mut count = self.shared.count.subscribe();
        let goal = *count.borrow() + messages;
        tokio::select! {
            reached = timeout(PATIENCE, count.wait_for(|count| *count >= goal)) => {
                reached.context("nothing more is acknowledged")??;
                Ok(())
            }
            Some(ended) = self.senders.join_next() => ended?.context("a sender has failed"),
            Some(ended) = self.listeners.join_next() => ended?.context("a listener has failed"),
        }
    }

    /// The longest time in which nothing was acknowledged since this was last asked.
    pub(super) async fn take_longest_stall(&self) -> Duration {
        std::mem::take(&mut self.shared.tally.lock().await.longest_stall)
    }

    /// Ends the sending, and checks that the log and every listener have each acknowledged message at its place, once,
    /// and nothing else. Tells how the sending went.
    pub(super) async fn agree(mut self) -> Result<String> {
        self.shared.stop.send_replace(true);
        while let Some(ended) = self.senders.join_next().await {
            ended?.context("a sender has failed")?;
        }
        let tally = self.shared.tally.lock().await;
        for (person, conversation) in &self.conversations {
            let history = person.history(&self.shared.url, conversation).await?;
            check(&history, &tally.acknowledged[conversation])?;
            let ids = history.iter().map(|message| text(&message["id"])).collect::<Result<Vec<_>>>()?;
            for (_, seen) in self.seen.iter_mut().filter(|(listened, _)| listened == conversation) {
                tokio::select! {
                    all = timeout(PATIENCE, seen.wait_for(|seen| seen.len() >= ids.len())) => {
                        ensure!(*all.context("a listener misses messages")?? == ids, "a listener has seen others");
                    }
                    Some(ended) = self.listeners.join_next() => ended?.context("a listener has failed")?,
                }
            }
        }
        Ok(format!(
            "{} messages acknowledged, {} attempts refused with 503, slowest answer {:.1?}",
            *self.shared.count.borrow(),
            tally.refusals,
            tally.slowest_answer
        ))
    }
}

/// The log has no hole, and each acknowledged message is in it once, at its place; all that are in it were.
fn check(history: &[Value], acknowledged: &HashMap<String, u64>) -> Result<()> {
    let mut places = HashMap::new();
    for (message, place) in history.iter().zip(1..) {
        ensure!(message["seq"].as_u64() == Some(place), "{place} is missing before {message}");
        let name = text(&message["text"])?;
        ensure!(places.insert(name, place).is_none(), "there twice: {message}");
    }
    for (name, seq) in acknowledged {
        ensure!(places.get(name) == Some(seq), "{name} was acknowledged at {seq}, and is at {:?}", places.get(name));
    }
    ensure!(places.len() == acknowledged.len(), "a message is stored whose sender has not been told so");
    Ok(())
}

struct Sender {
    shared: Arc<Shared>,
    person: Person,
    conversation: String,
    name: String,
}

impl Sender {
    /// Sends until it is told to stop, and everything it has begun to send is acknowledged.
    async fn run(self) -> Result<()> {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 0.. {
            if *self.shared.stop.borrow() {
                break;
            }
            pace.tick().await;
            let name = format!("{}-{number}", self.name);
            let seq = self.send(&name).await?;
            self.acknowledged(name, seq).await;
            if number % READ_EVERY == 0 {
                self.read_back(seq).await?;
            }
        }
        Ok(())
    }

    async fn acknowledged(&self, name: String, seq: u64) {
        let mut tally = self.shared.tally.lock().await;
        tally.acknowledged.entry(self.conversation.clone()).or_default().insert(name, seq);
        tally.longest_stall = tally.longest_stall.max(tally.last.elapsed());
        tally.last = Instant::now();
        self.shared.count.send_modify(|count| *count += 1);
    }

    /// Sends a message, again and again, until it is acknowledged. Gives its `seq`.
    async fn send(&self, name: &str) -> Result<u64> {
        let url = format!("{}/api/v1/conversations/{}/messages", self.shared.url, self.conversation);
        let body = json!({ "text": name, "clientMessageId": name });
        loop {
            let request = self.shared.http.post(&url).json(&body);
            if let Some(message) = self.ask(request).await? {
                return message["seq"].as_u64().context("seq is no number");
            }
            sleep(RETRY).await;
        }
    }

    /// Who reads after an acknowledgement finds the message, or is told that nothing can be read at present.
    async fn read_back(&self, seq: u64) -> Result<()> {
        let before = seq - 1;
        let place = format!("{}/messages?afterSeq={before}&limit=1", self.conversation);
        let request = self.shared.http.get(format!("{}/api/v1/conversations/{place}", self.shared.url));
        if let Some(page) = self.ask(request).await? {
            ensure!(page["items"][0]["seq"] == seq, "{seq} was acknowledged, and is not there: {page}");
        }
        Ok(())
    }

    /// The answer to a request, or `None` if the server refuses it for now.
    async fn ask(&self, request: RequestBuilder) -> Result<Option<Value>> {
        let asked = Instant::now();
        let answer = request.bearer_auth(self.person.token()).send().await;
        let took = asked.elapsed();
        let mut tally = self.shared.tally.lock().await;
        ensure!(took <= BOUND, "an answer took {took:.1?}: {answer:?}");
        tally.slowest_answer = tally.slowest_answer.max(took);
        let answer = answer.context("the server did not answer, and it has not failed")?;
        let status = answer.status().as_u16();
        if status == 503 {
            ensure!(answer.headers().contains_key("Retry-After"), "it is not said when to try again: {answer:?}");
            tally.refusals += 1;
            return Ok(None);
        }
        drop(tally);
        let body = answer.text().await?;
        match status {
            200 | 201 => Ok(Some(serde_json::from_str(&body)?)),
            other => bail!("{other}: {body}"),
        }
    }
}
