//! A change on its way through the hub to those who listen.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use divan::Bencher;
use parlor_domain::{
    Change, ConnectionId, ConversationId, Event, Rev, SessionId, StreamId, UserId,
    store::{StoreError, StoreResult},
    testing::SettableClock,
};
use parlor_realtime::{Attachment, CatchUp, ChangeLog, Format, Hub, HubConfig, Identity, Outbox};

static FORMAT: Format = Format { slot: 0, encode: |_, _| Bytes::from_static(b"an event") };
const ROOM: ConversationId = ConversationId::from_bytes([9; 12]);
const USER: UserId = UserId::from_bytes([1; 12]);
const CONFIG: HubConfig =
    HubConfig { queue_bytes: 1 << 20, lease: Duration::from_secs(60), grace: Duration::from_secs(5) };

fn main() {
    divan::main();
}

/// Nobody has to catch up here.
struct NoLog;

#[async_trait]
impl ChangeLog for NoLog {
    async fn changes(&self, _: StreamId, _: Rev, _: usize) -> StoreResult<CatchUp> {
        Err(StoreError::unavailable("there is no log"))
    }
}

fn hub() -> Arc<Hub> {
    Hub::new(CONFIG, Arc::new(NoLog), Arc::new(SettableClock::default()))
}

/// A connection that is live on the conversation.
fn connect(hub: &Hub) -> Outbox {
    let identity =
        Identity { connection: ConnectionId::from_bytes([0; 12]), user: USER, session: SessionId::from_bytes([0; 12]) };
    let (connection, outbox, registration) = hub.register(identity, &FORMAT);
    let heads = vec![(StreamId::Conversation(ROOM), Rev::new(0))];
    let _ = hub.attach(&connection, registration, &Attachment { heads, ..Attachment::default() });
    hub.start(&connection);
    outbox
}

/// Pushed to each queue, and taken from it.
#[divan::bench(args = [1, 10, 1000])]
fn publish_to(bencher: Bencher<'_, '_>, listeners: usize) {
    let hub = hub();
    let mut outboxes: Vec<_> = (0..listeners).map(|_| connect(&hub)).collect();
    let mut rev = 0;
    bencher.bench_local(|| {
        rev += 1;
        let event = Event::Typing { conversation_id: ROOM, user_id: USER, typing: true };
        hub.publish(Change { stream: StreamId::Conversation(ROOM), rev: Rev::new(rev), event });
        let taken = outboxes.iter_mut().filter_map(Outbox::try_next).count();
        assert_eq!(taken, listeners, "each connection gets each change");
    });
}

/// What a message to a conversation costs of which nobody is connected here.
#[divan::bench]
fn publish_to_nobody(bencher: Bencher<'_, '_>) {
    let hub = hub();
    let mut rev = 0;
    bencher.bench_local(|| {
        rev += 1;
        let event = Event::Typing { conversation_id: ROOM, user_id: USER, typing: true };
        hub.publish(Change { stream: StreamId::Conversation(ROOM), rev: Rev::new(rev), event });
    });
}
