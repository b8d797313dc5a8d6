//! What a message costs before and until it is stored: who sends it, whether he may, and the embedded store.

#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on fails")]

use std::{sync::Arc, time::Duration};

use divan::{Bencher, black_box};
use parlor_domain::{
    ConversationId, DeviceLabel, Login, MessageText, Metadata, OsEntropy, Username,
    store::{InboxEntry, Stores},
    testing::SettableClock,
};
use parlor_realtime::HubConfig;
use parlor_repositories::sqlite::{SqliteOptions, SqliteStore};
use parlor_services::{
    AuthConfig, Caller, ClientInfo, CommunityLimits, LimitsConfig, LogIn, MessageBody, Password, Rate, RelationLimits,
    SendMessage, Sent, ServiceResult, Services, ServicesConfig, SignUp, Sources,
};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const PASSWORD: &str = "correct horse battery";

fn main() {
    divan::main();
}

/// Two users with a conversation, and a third one.
struct World {
    runtime: Runtime,
    services: Services,
    stores: Stores,
    conversation: ConversationId,
    member: Caller,
    stranger: Caller,
    /// The member's.
    token: SecretString,
    _dir: TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("parlor.db"), &SqliteOptions::default()).unwrap();
        store.migrate().unwrap();
        let stores = store.stores();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let sources = Sources { clock: Arc::new(SettableClock::default()), entropy: Arc::new(OsEntropy) };
        let hub = HubConfig { queue_bytes: 1 << 20, lease: Duration::from_secs(90), grace: Duration::from_secs(2) };
        let services = runtime.block_on(Services::build(stores.clone(), &config(), hub, sources)).unwrap();
        let user = |name| runtime.block_on(sign_up(&services, name));
        let ((member, token), (other, _), (stranger, _)) = (user("ada"), user("bob"), user("carl"));
        let opened = runtime.block_on(services.conversations.open_direct(member, other.user)).unwrap();
        let conversation = opened.view.conversation.id;
        Self { runtime, services, stores, conversation, member, stranger, token, _dir: dir }
    }

    fn find(&self, caller: Caller) -> Option<InboxEntry> {
        self.runtime.block_on(self.stores.conversations.find(self.conversation, caller.user)).unwrap()
    }

    fn new_token(&self) -> SecretString {
        let log_in = LogIn { login: Login::new("ada"), password: Password::candidate(PASSWORD).unwrap() };
        self.runtime.block_on(self.services.auth.log_in(log_in, &client())).unwrap().tokens.access
    }

    fn send(&self, caller: Caller) -> ServiceResult<Sent> {
        let send = SendMessage {
            conversation: self.conversation,
            body: MessageBody::Text {
                text: MessageText::parse("a text as long as messages are in chats, or a little longer").unwrap(),
                metadata: Metadata::default(),
                reply_to: None,
            },
            client_message_id: None,
        };
        self.runtime.block_on(self.services.messages.send(caller, send))
    }
}

fn client() -> ClientInfo {
    ClientInfo { address: [127, 0, 0, 1].into(), device: DeviceLabel::new("benchmark") }
}

async fn sign_up(services: &Services, name: &str) -> (Caller, SecretString) {
    let sign_up = SignUp {
        username: Username::parse(name).unwrap(),
        email: None,
        password: Password::parse(PASSWORD).unwrap(),
        display_name: None,
    };
    let token = services.auth.sign_up(sign_up, &client()).await.unwrap().tokens.access;
    (services.auth.authenticate(token.expose_secret()).unwrap(), token)
}

fn config() -> ServicesConfig {
    // Not to be met.
    let rate = Rate { burst: 1_000_000_000, per_minute: 1_000_000_000 };
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
        relations: RelationLimits { cooldown: Duration::from_secs(86_400), friends: 1000, blocks: 1000 },
        group_members: 500,
        communities: CommunityLimits { everyone_creates: true, per_user: 100, members: 10_000, channels: 100 },
    }
}

#[divan::bench]
fn verify_an_access_token_again(bencher: Bencher<'_, '_>) {
    let world = World::new();
    let token = world.token.expose_secret();
    bencher.bench_local(|| world.services.auth.authenticate(black_box(token)).unwrap());
}

/// Each token once, as each costs a login that is not timed.
#[divan::bench(sample_size = 1)]
fn verify_a_new_access_token(bencher: Bencher<'_, '_>) {
    let world = World::new();
    let verify = |token: SecretString| world.services.auth.authenticate(token.expose_secret()).unwrap();
    bencher.with_inputs(|| world.new_token()).bench_local_values(verify);
}

#[divan::bench]
fn find_a_conversation_as_its_member(bencher: Bencher<'_, '_>) {
    let world = World::new();
    bencher.bench_local(|| world.find(world.member).unwrap());
}

#[divan::bench]
fn refuse_a_message_of_no_member(bencher: Bencher<'_, '_>) {
    let world = World::new();
    bencher.bench_local(|| world.send(world.stranger).unwrap_err());
}

/// One at a time, so that none shares its commit with another.
#[divan::bench]
fn store_a_message(bencher: Bencher<'_, '_>) {
    let world = World::new();
    bencher.bench_local(|| world.send(world.member).unwrap());
}
