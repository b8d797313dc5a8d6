//! A world for one test: services over a fresh store, a clock that stands still, and connections that read text.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parlor_domain::{
    Change, ClientMessageId, Clock as _, Content, ConversationId, ConversationName, DeviceLabel, Event, MessageText,
    Metadata, ReceiptView, Status, StatusKind, Timestamp, UserId, Username,
    store::Stores,
    testing::{SeededEntropy, SettableClock},
};
use parlor_realtime::{Connection, Envelope, Format, Frame, HubConfig, Outbox, Outgoing, Viewer};
use parlor_services::{
    AuthConfig, Caller, ClientInfo, CommunityLimits, CreateGroup, LimitsConfig, MessageBody, Password, Rate, Ready,
    RelationLimits, SendMessage, Sent, ServiceResult, Services, ServicesConfig, SignUp, Sources,
};

use crate::store::TestStore;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// How long anything that has to come may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const HUB: HubConfig =
    HubConfig { queue_bytes: 1 << 20, lease: Duration::from_secs(90), grace: Duration::from_secs(2) };

/// Writes events as short texts.
pub(crate) static TEXT: Format = Format { slot: 0, encode };

fn encode(envelope: &Envelope, viewer: Viewer) -> Bytes {
    let at = envelope.position.map_or(String::new(), |(_, rev)| format!("@{rev}"));
    let text = match &envelope.event {
        Event::MessageCreated(view) => {
            let delivery = view.delivery.filter(|_| viewer == Viewer::Author).map_or("", |delivery| delivery.name());
            match &view.message.content {
                Content::Text(text) => format!("message {text} {delivery}"),
                Content::System(event) => format!("system {}", event.action.name()),
                Content::Deleted(_) => format!("tombstone {}", view.message.seq),
            }
        }
        Event::MessageUpdated(view) => {
            let reactions = view.message.marks.reactions.iter();
            let reactions: String =
                reactions.map(|reaction| format!(" {}{}", reaction.emoji, reaction.count)).collect();
            format!("changed {}{reactions}", view.message.text())
        }
        Event::MessageDeleted(view) => format!("gone {}", view.message.seq),
        Event::ReceiptUpdated(receipt) => {
            let ReceiptView { user_id, read_seq, delivered_seq, unread, .. } = receipt;
            let mentions = unread.map(|unread| unread.mentions).filter(|mentions| *mentions > 0);
            let mentions = mentions.map_or(String::new(), |mentions| format!(" mentions {mentions}"));
            let unread = unread.map(|unread| unread.messages);
            format!("receipt {user_id} read {read_seq} delivered {delivered_seq} unread {unread:?}{mentions}")
        }
        Event::Typing { typing, .. } => format!("typing {typing}"),
        Event::PresenceUpdated(view) => {
            format!("presence {} {} {}", view.user_id, view.presence.online, view.status.kind.name())
        }
        Event::UserUpdated(view) => format!("user {} {}", view.user.display_name, view.status.kind.name()),
        Event::ConversationCreated(view) => format!("conversation {}", view.conversation.id),
        Event::FriendRequestCreated(view) | Event::FriendRequestUpdated(view) => {
            format!("request {} {}", view.other.user.username, view.request.state.name())
        }
        Event::FriendAdded(view) => format!("friend {}", view.user.user.username),
        Event::FriendRemoved(user) => format!("no friend {user}"),
        Event::BlockUpdated(view) => format!("block {} {}", view.user_id, view.blocked),
        Event::ConversationUpdated(view) => format!("updated {}", view.conversation.id),
        Event::ConversationDeleted(id) => format!("deleted {id}"),
        Event::Resync => "resync".to_owned(),
    };
    Bytes::from(format!("{}{at}", text.trim_end()))
}

pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) clock: Arc<SettableClock>,
    store: TestStore,
    starts: u64,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::over(TestStore::fresh().await, Arc::new(SettableClock::default()), 0).await
    }

    /// The same world after a restart of the server.
    pub(crate) async fn restarted(self) -> Self {
        let Self { services, clock, store, starts } = self;
        drop(services);
        Self::over(store.reopened().await, clock, starts + 1).await
    }

    async fn over(store: TestStore, clock: Arc<SettableClock>, starts: u64) -> Self {
        // Another seed each time: a restarted server must not make the same ids again.
        let seed = u64::try_from(clock.now().as_millis()).unwrap() ^ u64::from(std::process::id());
        let entropy = Arc::new(SeededEntropy::new(seed.wrapping_add(starts)));
        let sources = Sources { clock: Arc::clone(&clock) as _, entropy };
        let services = Services::build(store.stores(), &config(), HUB, sources).await.unwrap();
        Self { services, clock, store, starts }
    }

    pub(crate) async fn user(&self, name: &str) -> Caller {
        let sign_up = SignUp {
            username: Username::parse(name).unwrap(),
            email: None,
            password: Password::parse(PASSWORD).unwrap(),
            display_name: None,
        };
        let signed_in = self.services.auth.sign_up(sign_up, &client()).await.unwrap();
        self.services.auth.authenticate(secret(&signed_in.tokens.access)).unwrap()
    }

    pub(crate) async fn delete_account(&self, of: Caller) -> ServiceResult<()> {
        self.services.users.delete(of, Password::parse(PASSWORD).unwrap()).await
    }

    /// The stores behind the services.
    pub(crate) fn stores(&self) -> Stores {
        self.store.stores()
    }

    /// The same world, its services over other stores.
    pub(crate) async fn with_stores(self, other: impl FnOnce(Stores) -> Stores) -> Self {
        let sources = Sources { clock: Arc::clone(&self.clock) as _, entropy: Arc::new(SeededEntropy::new(0)) };
        let services = Services::build(other(self.stores()), &config(), HUB, sources).await.unwrap();
        Self { services, ..self }
    }

    /// Two users and their conversation.
    pub(crate) async fn pair(&self) -> (Caller, Caller, ConversationId) {
        let (ada, bob) = (self.user("ada").await, self.user("bob").await);
        let opened = self.services.conversations.open_direct(ada, bob.user).await.unwrap();
        (ada, bob, opened.view.conversation.id)
    }

    /// A group of its owner and others.
    pub(crate) async fn group(&self, owner: Caller, others: &[Caller]) -> ConversationId {
        let create = CreateGroup {
            name: ConversationName::parse("Round table").unwrap(),
            description: None,
            members: others.iter().map(|other| other.user).collect(),
        };
        self.services.groups.create(owner, create).await.unwrap().conversation.id
    }

    pub(crate) async fn send(&self, from: Caller, to: ConversationId, text: &str) -> ServiceResult<Sent> {
        self.services.messages.send(from, message(to, text, None)).await
    }

    pub(crate) async fn set_status(&self, caller: Caller, kind: StatusKind, until: Option<Timestamp>) {
        let status = Status { kind, text: None, until };
        self.services.presence.set_status(caller, status).await.unwrap();
    }

    /// Another server on the same store.
    pub(crate) async fn other_server(&self) -> Services {
        let sources = Sources { clock: Arc::clone(&self.clock) as _, entropy: Arc::new(SeededEntropy::new(1)) };
        let config = ServicesConfig { shared_store: true, ..config() };
        Services::build(self.stores(), &config, HUB, sources).await.unwrap()
    }

    /// A started connection.
    pub(crate) async fn connect(&self, caller: Caller) -> Reader {
        connect(&self.services, caller).await
    }

    /// A connection that waits to be resumed.
    pub(crate) async fn connect_paused(&self, caller: Caller) -> Reader {
        self.connect_ready(caller).await.0
    }

    /// A connection that was not started, and how it stands.
    pub(crate) async fn connect_ready(&self, caller: Caller) -> (Reader, Ready) {
        let (connection, outbox, ready) = self.services.live.connect(caller, &TEXT).await.unwrap();
        (Reader { connection, outbox, read: Vec::new() }, ready)
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The revision of a user's own stream.
    pub(crate) async fn rev(&self, caller: Caller) -> u64 {
        self.stores().users.rev(caller.user).await.unwrap().get()
    }
}

/// A started connection to a server.
pub(crate) async fn connect(services: &Services, caller: Caller) -> Reader {
    let (connection, outbox, _) = services.live.connect(caller, &TEXT).await.unwrap();
    services.live.start(&connection);
    Reader { connection, outbox, read: Vec::new() }
}

/// The reading end of a connection.
pub(crate) struct Reader {
    pub(crate) connection: Arc<Connection>,
    outbox: Outbox,
    read: Vec<String>,
}

impl Reader {
    /// Reads on until a text has come that begins like this, and gives all that has come since the last call.
    pub(crate) async fn until(&mut self, beginning: &str) -> Vec<String> {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !self.read.iter().any(|text| text.starts_with(beginning)) {
                match self.outbox.next().await {
                    Outgoing::Frame(frame) => self.read.push(String::from_utf8(frame.bytes.to_vec()).unwrap()),
                    Outgoing::Close(reason) => panic!("closed: {reason:?}"),
                }
            }
        })
        .await;
        assert!(waited.is_ok(), "{beginning:?} did not come, but {:?}", self.read);
        std::mem::take(&mut self.read)
    }

    /// Everything that has come so far. A marker is sent through the connection itself, so nothing that was queued
    /// before is missed.
    pub(crate) async fn so_far(&mut self) -> Vec<String> {
        self.connection.send(Frame::answer(Bytes::from_static(b"-- marker")));
        let mut texts = self.until("-- marker").await;
        texts.pop();
        texts
    }

    /// The messages among what comes until this one, as their texts.
    pub(crate) async fn messages_until(&mut self, text: &str) -> Vec<String> {
        let texts = self.until(&format!("message {text}")).await;
        texts.iter().filter_map(|text| text.strip_prefix("message ")).map(str::to_owned).collect()
    }
}

pub(crate) fn message(to: ConversationId, text: &str, client_id: Option<&str>) -> SendMessage {
    SendMessage {
        conversation: to,
        body: MessageBody::Text {
            text: MessageText::parse(text).unwrap(),
            metadata: Metadata::default(),
            reply_to: None,
        },
        client_message_id: client_id.map(|id| ClientMessageId::parse(id).unwrap()),
    }
}

/// The texts of the messages among changes.
pub(crate) fn texts(changes: &[Change]) -> Vec<&str> {
    changes
        .iter()
        .filter_map(|change| match &change.event {
            Event::MessageCreated(view) => Some(view.message.text()),
            _ => None,
        })
        .collect()
}

pub(crate) fn client() -> ClientInfo {
    ClientInfo { address: [127, 0, 0, 1].into(), device: DeviceLabel::new("test") }
}

pub(crate) fn config() -> ServicesConfig {
    let rate = Rate { burst: 10_000, per_minute: 10_000 };
    ServicesConfig {
        auth: AuthConfig {
            secret: "a secret of at least thirty-two bytes".into(),
            previous_secret: None,
            access_ttl: Duration::from_secs(900),
            refresh_idle_ttl: Duration::from_secs(30 * 86_400),
            refresh_max_ttl: Duration::from_secs(90 * 86_400),
            ticket_ttl: Duration::from_secs(30),
            bcrypt_cost: 4,
            hash_threads: 1,
            hash_queue: 64,
        },
        limits: LimitsConfig {
            signup_per_address: rate,
            login_per_address: rate,
            login_per_account: rate,
            refresh_per_address: rate,
            messages_per_user: rate,
            conversations_per_user: rate,
            friend_requests_per_user: rate,
            searches_per_user: rate,
            signals_per_user: rate,
            syncs_per_user: rate,
        },
        connections_per_user: 20,
        shared_store: false,
        relations: RelationLimits { cooldown: Duration::from_secs(86_400), friends: 3, blocks: 2 },
        group_members: 5,
        communities: CommunityLimits { everyone_creates: true, per_user: 5, members: 5, channels: 5 },
    }
}

pub(crate) fn secret(secret: &secrecy::SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(secret)
}

/// An id that nobody has.
pub(crate) fn nobody() -> UserId {
    UserId::from_bytes([7; 12])
}
