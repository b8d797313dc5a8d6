//! Everything at once: writers, losses, failing and slow readings of the log, connections that come, go, rewind and
//! are held. Whatever happens, each connection sees each stream without a hole and without a repetition.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parlor_domain::{Entropy as _, Rev, StreamId, UserId, testing::SeededEntropy};
use parlor_realtime::{CloseReason, HubStats, Outgoing};
use tokio::{
    runtime::Builder,
    sync::watch,
    task::{JoinSet, yield_now},
    time::{sleep, timeout},
};

use crate::support::{ADA, BOB, CARL, GRACE, HERE, Reader, THERE, World, text};

const USERS: [UserId; 3] = [ADA, BOB, CARL];
const WRITERS: usize = 4;
const WRITES: usize = 60;
const CONNECTIONS: usize = 6;
const STEPS: usize = 80;
/// So short that a client that does not read is closed now and then.
const QUEUE_BYTES: usize = 250;

#[test]
fn whatever_happens_each_connection_sees_each_stream_once_and_without_a_hole() {
    for seed in 0..150 {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(storm(seed, true));
    }
}

#[test]
fn whatever_happens_in_parallel_each_connection_sees_each_stream_once_and_without_a_hole() {
    for seed in 1_000..1_030 {
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
        runtime.block_on(storm(seed, false));
    }
}

/// Numbers from a seed.
struct Dice {
    entropy: SeededEntropy,
    /// Whether time is paused, so that timers run when all else waits.
    sleeps: bool,
}

impl Dice {
    fn new(seed: u64, sleeps: bool) -> Self {
        Self { entropy: SeededEntropy::new(seed), sleeps }
    }

    fn roll(&self, sides: u8) -> u8 {
        let mut byte = [0];
        self.entropy.fill(&mut byte);
        byte[0] % sides
    }

    /// Lets others go on.
    async fn dawdle(&self) {
        for _ in 0..self.roll(6) {
            yield_now().await;
        }
        if self.sleeps && self.roll(8) == 0 {
            sleep(Duration::from_millis(self.roll(20).into())).await;
        }
    }
}

/// With `time_is_paused`, the log also fails now and then: its readers pause after that.
async fn storm(seed: u64, time_is_paused: bool) {
    let world = Arc::new(World::with_queue(QUEUE_BYTES));
    let dice = |n: usize| Dice::new(seed * 1_000 + n as u64, time_is_paused);
    let delays = dice(0);
    world.log.disturb((0..31).map(|_| delays.roll(9)).collect(), time_is_paused.then_some(7));
    let over = watch::Sender::new(false);
    let mut clients = JoinSet::new();
    for (n, user) in USERS.into_iter().cycle().take(CONNECTIONS).enumerate() {
        clients.spawn(connect(Arc::clone(&world), dice(100 + n), user, over.subscribe()));
    }
    let mut others = JoinSet::new();
    for n in 0..WRITERS {
        others.spawn(write(Arc::clone(&world), dice(200 + n)));
    }
    others.spawn(hold_and_release(Arc::clone(&world), dice(300)));
    others.join_all().await;
    over.send_replace(true);
    while let Some(client) = clients.join_next().await {
        client.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    world.clock.advance(GRACE);
    USERS.iter().for_each(|user| world.hub.retire(*user));
    assert_eq!(world.hub.stats(), HubStats::default(), "seed {seed}");
}

/// Writes changes and publishes them late, twice or never.
async fn write(world: Arc<World>, dice: Dice) {
    for _ in 0..WRITES {
        let change = world.log.append([HERE, THERE][usize::from(dice.roll(2))]);
        dice.dawdle().await;
        match dice.roll(8) {
            0 => {}
            1 => {
                world.hub.publish(change.clone());
                world.hub.publish(change);
            }
            _ => world.hub.publish(change),
        }
        dice.dawdle().await;
    }
}

async fn hold_and_release(world: Arc<World>, dice: Dice) {
    for _ in 0..STEPS {
        let user = USERS[usize::from(dice.roll(3))];
        match dice.roll(2) {
            0 => world.hub.hold(user),
            _ => world.hub.release(user),
        }
        dice.dawdle().await;
    }
    USERS.iter().for_each(|user| world.hub.release(*user));
}

/// A client that does this and that, and in the end reads everything.
async fn connect(world: Arc<World>, dice: Dice, user: UserId, mut over: watch::Receiver<bool>) {
    let mut client = Client::come(&world, &dice, user, HashMap::new()).await;
    for _ in 0..STEPS {
        match dice.roll(20) {
            0 | 1 => client.rewind(&world, &dice).await,
            2 => client = client.come_again(&world, &dice, HashMap::new()).await,
            3..8 => {}
            _ => client.read_waiting(),
        }
        if client.closed {
            let known = client.known.clone();
            client = client.come_again(&world, &dice, known).await;
        }
        dice.dawdle().await;
    }
    while !client.closed {
        tokio::select! {
            _ = over.wait_for(|over| *over) => break,
            outgoing = client.reader.outbox.next() => client.take(&outgoing),
        }
    }
    over.wait_for(|over| *over).await.unwrap();
    world.hub.reconcile(&[HERE, THERE].map(|stream| (stream, world.log.head(stream))));
    client.read_to_the_end(&world, &dice).await;
}

struct Client {
    user: UserId,
    reader: Reader,
    closed: bool,
    /// What the client knows of each stream, once it knows anything.
    known: HashMap<StreamId, Rev>,
    /// What the store said when the client came; the first it hears of a stream may not leave out what follows.
    came_at: HashMap<StreamId, Rev>,
}

impl Client {
    /// Connects, and resumes what is known.
    async fn come(world: &World, dice: &Dice, user: UserId, known: HashMap<StreamId, Rev>) -> Self {
        let (reader, registration) = world.register(user);
        dice.dawdle().await;
        let attachment = world.heads(&[HERE, THERE]);
        dice.dawdle().await;
        let unheard = world.hub.attach(&reader.connection, registration, &attachment);
        dice.dawdle().await;
        world.hub.reconcile(&world.heads(&unheard).heads);
        dice.dawdle().await;
        let client = Self { user, reader, closed: false, known, came_at: attachment.heads.into_iter().collect() };
        client.resume(world, dice).await;
        client
    }

    async fn come_again(self, world: &World, dice: &Dice, known: HashMap<StreamId, Rev>) -> Self {
        let user = self.user;
        drop(self);
        Self::come(world, dice, user, known).await
    }

    /// Goes back to where it is, or further.
    async fn rewind(&mut self, world: &World, dice: &Dice) {
        world.hub.rewind(&self.reader.connection, &[]);
        dice.dawdle().await;
        self.read_waiting();
        for rev in self.known.values_mut() {
            *rev = Rev::new(rev.get().saturating_sub(u64::from(dice.roll(4)) * 20));
        }
        self.resume(world, dice).await;
    }

    async fn resume(&self, world: &World, dice: &Dice) {
        let positions: Vec<_> = self.known.iter().map(|(stream, rev)| (*stream, *rev)).collect();
        world.hub.rewind(&self.reader.connection, &positions);
        dice.dawdle().await;
        world.hub.start(&self.reader.connection);
    }

    fn read_waiting(&mut self) {
        while let Some(outgoing) = self.reader.outbox.try_next().filter(|_| !self.closed) {
            self.take(&outgoing);
        }
    }

    async fn read_to_the_end(mut self, world: &World, dice: &Dice) {
        let ends = [HERE, THERE].map(|stream| (stream, world.log.head(stream)));
        while ends.iter().any(|(stream, end)| self.place(*stream) < *end) {
            if self.closed {
                let known = self.known.clone();
                self = self.come_again(world, dice, known).await;
                continue;
            }
            let next = timeout(Duration::from_secs(15), self.reader.outbox.next()).await;
            let outgoing = next.unwrap_or_else(|_| panic!("nothing comes after {:?} of {ends:?}", self.known));
            self.take(&outgoing);
        }
        self.read_waiting();
    }

    fn place(&self, stream: StreamId) -> Rev {
        self.known.get(&stream).or(self.came_at.get(&stream)).copied().unwrap_or(Rev::ZERO)
    }

    fn take(&mut self, outgoing: &Outgoing) {
        let frame = match outgoing {
            Outgoing::Frame(frame) => text(&frame.bytes),
            Outgoing::Close(reason) => {
                assert_eq!(*reason, CloseReason::SlowReader);
                self.closed = true;
                return;
            }
        };
        let (place, said) = frame.split_once(' ').unwrap();
        let (stream, rev) = place.split_once(':').unwrap();
        let stream = if stream == "c9" { HERE } else { THERE };
        let rev = Rev::new(rev.parse().unwrap());
        assert_eq!(said, format!("m{rev}"));
        match self.known.insert(stream, rev) {
            Some(before) => assert_eq!(rev, before.next(), "{stream}"),
            None => assert!(rev <= self.came_at[&stream].next(), "{stream} begins with {rev}"),
        }
    }
}
