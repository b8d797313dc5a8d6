//! Everything, record by record.

use std::time::Duration;

use parlor_domain::{
    Act, Acting, Activity, Actor, AuditEntry, ConversationId, ConversationName, Day, DaySum, Description, DeviceLabel,
    DisplayName, Email, Fingerprint, FriendRequest, FriendRequestId, GroupAction, GroupDescription, Login, Member,
    MemberRole, MemberSettingsChange, Message, MessageId, Named, PasswordHash, ProfileChange, ReceiptKind, Rev,
    SecretHash, Seq, Session, SessionId, SettingsChange, Status, StatusKind, StatusText, SystemRole, Tie, TieKind,
    Timestamp, User, UserChange, UserId, UserTopic, Username, WhoCanWrite,
    store::{
        AppendOutcome, AuditPage, Checksum, Credentials, Direction, Directory, Head, Inbox, InboxEntry, Key, Part,
        Position, ReceiptAdvance, Record, RequestPage, StoreError, Stores, TiePage, Totals, UserLogPage, Window,
    },
};

use super::Fixture;

/// Makes one of everything: accounts with all and with nothing, busy, deleted; sign-ins that are live, renewed and
/// revoked; conversations with and without messages, read, held back; friends, requests in each state, blocks.
pub async fn furnish(f: &Fixture) {
    let ada = furnish_account(f).await;
    let (bob, cem, dan) = (f.user("bob").await, f.user("cem").await, f.user("dan").await);
    let (first, second, _empty) = (f.open(ada, bob).await.id, f.open(cem, ada).await.id, f.open(bob, dan).await.id);
    for (n, from) in [ada, bob, ada, ada, bob].into_iter().enumerate() {
        f.clock.advance(Duration::from_millis(7));
        let client_id = (n % 2 == 0).then(|| n.to_string());
        let new = f.make_message(from, first, &format!("message {n}"), client_id.as_deref());
        f.stores.messages.append(&new).await.unwrap();
    }
    f.send(cem, second, "Żółć, 漢字, 👩‍👩‍👧‍👦").await;
    read(f, first, ada, 4, true).await;
    read(f, first, bob, 2, false).await;
    let busy = Status { kind: StatusKind::Busy, text: StatusText::parse("deep in work").ok(), until: Some(later(f)) };
    f.stores.users.set_status(bob, &busy, Some(f.now()), f.now()).await.unwrap();
    f.send(ada, first, "held back").await;
    furnish_group(f, dan, [ada, bob, cem]).await;
    super::communities::furnish(f, dan, &[ada, bob]).await;
    super::changes::furnish(f, first, [ada, bob]).await;
    read(f, first, bob, 11, false).await;
    furnish_sessions(f, ada, bob).await;
    super::relations::furnish(f, [ada, bob, cem, dan]).await;
    f.act(dan, Act::Lock(f.lock_of("spam", Some(Duration::from_secs(60))))).await;
    f.act(ada, Act::SetRole(SystemRole::SuperAdmin)).await;
    let acting = Acting {
        request: Some("request".to_owned()),
        actor: Actor::User(Named::from(&f.stores.users.find(ada).await.unwrap().unwrap())),
        ..f.acting()
    };
    f.stores.administration.act(bob, &Act::EndSessions, &acting).await.unwrap();
    let activity = [ada, bob].map(|user| Activity { user, messages: 3 });
    f.stores.statistics.note(Day::of(f.now()), &activity).await.unwrap();
    f.stores.statistics.note(Day::of(f.now()).before(1), &activity[..1]).await.unwrap();
    f.stores.users.delete(cem, f.now()).await.unwrap();
}

/// A group in which everything has happened, seen in another way by each.
async fn furnish_group(f: &Fixture, owner: UserId, [ada, bob, cem]: [UserId; 3]) {
    let id = f.group(owner, &[ada, cem]).await;
    f.send(ada, id, "hello all").await;
    f.change_group(id, owner, GroupAction::Add { users: vec![bob], at_most: 10 }).await;
    let name = ConversationName::parse("Żółć & Söhne").ok();
    let description = Some(Description::parse("first\nsecond").unwrap());
    f.change_group(
        id,
        owner,
        GroupAction::Describe(GroupDescription { name, description, read_receipts: Some(false) }),
    )
    .await;
    f.change_group(id, owner, GroupAction::SetRole { user: ada, role: MemberRole::Admin }).await;
    f.change_group(id, cem, GroupAction::Remove(cem)).await;
    let change = MemberSettingsChange {
        muted_until: Some(Some(later(f))),
        pinned: Some(true),
        archived: Some(true),
        hidden: Some(true),
    };
    f.stores.conversations.set_settings(id, ada, &change).await.unwrap().unwrap();
    f.send(owner, id, "and again").await;
}

async fn furnish_account(f: &Fixture) -> UserId {
    let new = f.make_user("Ada", Some("Ada@example.org"));
    f.stores.users.insert(&new).await.unwrap();
    let change = ProfileChange {
        display_name: DisplayName::parse("Countess of Łovelace").ok(),
        bio: parlor_domain::Bio::parse("first\nsecond").ok(),
        metadata: parlor_domain::Metadata::parse(r#"{"$ne": null, "a.b": [1]}"#).ok(),
        settings: SettingsChange {
            show_last_seen: Some(false),
            who_can_write: Some(WhoCanWrite::Friends),
            ..SettingsChange::default()
        },
        ..ProfileChange::default()
    };
    f.stores.users.update_profile(new.user.id, &change).await.unwrap();
    new.user.id
}

async fn furnish_sessions(f: &Fixture, ada: UserId, bob: UserId) {
    let sessions = &f.stores.sessions;
    let renewed = f.session(ada, "first").await;
    f.clock.advance(Duration::from_secs(1));
    let [first, second] = ["first", "second"].map(|token| SecretHash::of(token.as_bytes()));
    sessions.renew(&first, &second, f.now(), Duration::from_secs(60)).await.unwrap();
    sessions.insert_ticket(&SecretHash::of(b"ticket"), renewed, later(f)).await.unwrap();
    let revoked = f.session(bob, "third").await;
    f.clock.advance(Duration::from_secs(1));
    sessions.revoke(bob, revoked, f.now()).await.unwrap();
}

async fn read(f: &Fixture, conversation: ConversationId, user: UserId, seq: u64, shown: bool) {
    let advance = ReceiptAdvance { conversation, user, kind: ReceiptKind::Read, seq: Seq::new(seq), shown };
    f.stores.conversations.advance_receipt(&advance).await.unwrap();
}

fn later(f: &Fixture) -> Timestamp {
    f.now() + Duration::from_secs(30)
}

/// Every record of a store, in the order of the keys, read in pages.
pub async fn export(stores: &Stores, limit: usize) -> Vec<Record> {
    let mut records = Vec::new();
    for part in Part::ALL {
        records.extend(export_part(stores, part, limit).await);
    }
    records
}

async fn export_part(stores: &Stores, part: Part, limit: usize) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut from = Position::Beginning(part);
    loop {
        let page = stores.transfer.export(from, limit).await.unwrap();
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { return records };
        from = Position::After(last.key());
        records.extend(page);
    }
}

/// What everyone sees through the other traits.
#[derive(Debug, PartialEq)]
pub struct View {
    users: Vec<UserView>,
    revoked: Vec<(SessionId, Timestamp)>,
    directory: Vec<Vec<User>>,
    audit: Vec<AuditEntry>,
    days: Vec<DaySum>,
    totals: Totals,
}

#[derive(Debug, PartialEq)]
struct UserView {
    user: User,
    credentials: Vec<Option<Credentials>>,
    sessions: Vec<Session>,
    inbox: Vec<InboxEntry>,
    heads: Vec<Head>,
    members: Vec<Vec<Member>>,
    messages: Vec<Vec<Message>>,
    requests: Vec<FriendRequest>,
    ties: Vec<Tie>,
    /// Nobody reads the stream of a deleted account.
    log: Option<UserLogPage>,
}

impl View {
    /// Everything that is to see.
    pub async fn of(stores: &Stores) -> Self {
        const LIMIT: usize = 10_000;
        let long_ago = Timestamp::from_millis(0);
        let mut users = Vec::new();
        for record in export_part(stores, Part::Users, LIMIT).await {
            let Record::User { user, .. } = record else { panic!("{record:?}") };
            users.push(UserView::of(stores, user).await);
        }
        let mut directory = Vec::new();
        for terms in [&[][..], &["ad"], &["łove", "count"], &["delet"]] {
            let terms = terms.iter().map(|term| (*term).to_owned()).collect();
            let page = Directory { terms, after: None, except: UserId::from_bytes([0; 12]), limit: LIMIT };
            directory.push(stores.users.directory(&page).await.unwrap());
        }
        let mut revoked = stores.sessions.revoked_since(long_ago).await.unwrap();
        revoked.sort_unstable();
        let audit = AuditPage { actor: None, action: None, target: None, after: None, limit: LIMIT };
        Self {
            users,
            revoked,
            directory,
            audit: stores.audit.page(&audit).await.unwrap(),
            days: stores.statistics.days(Day::from_number(0)).await.unwrap(),
            totals: stores.statistics.totals().await.unwrap(),
        }
    }
}

impl UserView {
    async fn of(stores: &Stores, user: User) -> Self {
        const LIMIT: usize = 10_000;
        let id = user.id;
        let inbox = Inbox { user: id, after: None, archived: None, limit: LIMIT };
        let inbox = stores.conversations.inbox(&inbox).await.unwrap();
        let (mut members, mut messages) = (Vec::new(), Vec::new());
        for entry in &inbox {
            let conversation = entry.conversation.id;
            let mut here = stores.conversations.members(conversation).await.unwrap();
            here.sort_unstable_by_key(|member| member.user_id);
            members.push(here);
            messages.push(stores.messages.page(conversation, Window::Newest, LIMIT).await.unwrap());
            messages.push(stores.messages.changes(conversation, Rev::ZERO, LIMIT).await.unwrap().messages);
        }
        let mut heads = stores.conversations.heads(id).await.unwrap();
        heads.sort_unstable_by_key(|head| head.conversation);
        let mut credentials = vec![stores.users.credentials_of(id).await.unwrap()];
        let logins = [Some(user.username.as_str()), user.email.as_ref().map(|email| email.as_str())];
        for login in logins.into_iter().flatten() {
            credentials.push(stores.users.credentials(&Login::new(login)).await.unwrap());
        }
        let log = match user.deleted_at {
            None => Some(stores.conversations.user_changes(id, Rev::ZERO, LIMIT).await.unwrap()),
            Some(_) => None,
        };
        let (mut requests, mut ties) = (Vec::new(), Vec::new());
        for direction in [Direction::Incoming, Direction::Outgoing] {
            let page = RequestPage { user: id, direction, after: None, limit: LIMIT };
            requests.extend(stores.relations.requests(&page).await.unwrap());
        }
        for kind in [TieKind::Friend, TieKind::Block] {
            ties.extend(stores.relations.ties(&TiePage { user: id, kind, after: None, limit: LIMIT }).await.unwrap());
        }
        let sessions = stores.sessions.list(id, Timestamp::from_millis(0)).await.unwrap();
        assert_eq!(stores.users.find(id).await.unwrap().as_ref(), Some(&user));
        Self { user, credentials, sessions, inbox, heads, members, messages, requests, ties, log }
    }
}

/// The checksum of every part.
fn checksums(records: &[Record]) -> Vec<(Part, usize, String)> {
    let checksum = |part| {
        let records = records.iter().filter(|record| record.key().part() == part);
        let mut checksum = Checksum::default();
        records.clone().for_each(|record| checksum.add(record));
        (part, records.count(), checksum.to_string())
    };
    Part::ALL.map(checksum).to_vec()
}

async fn conflict(f: &Fixture, record: Record) -> &'static str {
    match f.stores.transfer.import(std::slice::from_ref(&record)).await {
        Err(StoreError::Conflict(field)) => field,
        other => panic!("{record:?}: {other:?}"),
    }
}

pub async fn what_was_exported_makes_the_same_database(f: &Fixture) {
    furnish(f).await;
    let (records, view) = (export(&f.stores, 1000).await, View::of(&f.stores).await);
    let sorts: Vec<Part> = Part::ALL.into_iter().filter(|part| of(&records, *part).next().is_some()).collect();
    assert_eq!(sorts, Part::ALL, "there is something of each part");
    f.stores.maintenance.clear().await.unwrap();
    assert_eq!(export(&f.stores, 1000).await, []);
    for part in Part::ALL {
        let records: Vec<Record> = of(&records, part).cloned().collect();
        f.stores.transfer.import(&records).await.unwrap();
    }
    let again = export(&f.stores, 1000).await;
    assert_eq!(again, records);
    assert_eq!(checksums(&again), checksums(&records));
    assert_eq!(View::of(&f.stores).await, view);
}

fn of(records: &[Record], part: Part) -> impl Iterator<Item = &Record> {
    records.iter().filter(move |record| record.key().part() == part)
}

pub async fn records_come_in_the_order_of_their_keys_without_a_gap(f: &Fixture) {
    furnish(f).await;
    let records = export(&f.stores, 1000).await;
    assert!(records.is_sorted_by(|a, b| a.key() < b.key()));
    for limit in [1, 2, 3, 5] {
        assert_eq!(export(&f.stores, limit).await, records, "{limit} at a time");
    }
    for part in Part::ALL {
        let count = f.stores.transfer.count(part).await.unwrap();
        assert_eq!(count, of(&records, part).count() as u64, "{}", part.name());
        assert_eq!(f.stores.transfer.export(Position::Beginning(part), 0).await.unwrap(), []);
    }
}

pub async fn a_read_goes_on_behind_a_record_that_is_not_there(f: &Fixture) {
    furnish(f).await;
    let messages = export_part(&f.stores, Part::Messages, 1000).await;
    let Key::Message(conversation, _) = messages[0].key() else { panic!("{:?}", messages[0]) };
    let behind = Position::After(Key::Message(conversation, Seq::new(1000)));
    let expected: Vec<Record> = messages
        .into_iter()
        .filter(|record| !matches!(record.key(), Key::Message(here, _) if here == conversation))
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(f.stores.transfer.export(behind, 1000).await.unwrap(), expected);
}

pub async fn importing_again_changes_nothing(f: &Fixture) {
    furnish(f).await;
    let (records, view) = (export(&f.stores, 1000).await, View::of(&f.stores).await);
    f.stores.transfer.import(&records).await.unwrap();
    f.stores.transfer.import(&records[3..4]).await.unwrap();
    assert_eq!(export(&f.stores, 1000).await, records);
    assert_eq!(View::of(&f.stores).await, view);
}

pub async fn an_interrupted_import_is_completed_by_a_repeat(f: &Fixture) {
    furnish(f).await;
    let records = export(&f.stores, 1000).await;
    f.stores.maintenance.clear().await.unwrap();
    for end in 0..=records.len() {
        f.stores.transfer.import(&records[..end]).await.unwrap();
    }
    assert_eq!(export(&f.stores, 1000).await, records);
}

pub async fn another_record_under_the_same_key_is_refused(f: &Fixture) {
    furnish(f).await;
    let records = export(&f.stores, 1000).await;
    for part in Part::ALL {
        let record = of(&records, part).next().unwrap();
        assert_eq!(conflict(f, changed(record)).await, "key", "{}", part.name());
    }
    assert_eq!(export(&f.stores, 1000).await, records);
}

/// Another record with the same key.
fn changed(record: &Record) -> Record {
    let mut record = record.clone();
    match &mut record {
        Record::User { user, .. } => user.created_at = Timestamp::from_millis(1),
        Record::UserChange { change, .. } => change.topic = UserTopic::Read(ConversationId::from_bytes([9; 12])),
        Record::Session { session, .. } => session.device = DeviceLabel::new("another"),
        Record::RefreshToken { replaced_at, .. } => *replaced_at = Some(Timestamp::from_millis(1)),
        Record::Ticket { expires_at, .. } => *expires_at = Timestamp::from_millis(1),
        Record::Conversation { created_at, .. } => *created_at = Timestamp::from_millis(1),
        Record::Member { member, .. } => member.joined_at = Timestamp::from_millis(1),
        Record::Message { fingerprint, .. } => *fingerprint = Fingerprint::from_bytes([9; 32]),
        Record::Version(version) => version.at = Timestamp::from_millis(1),
        Record::Reaction(reaction) => reaction.at = Timestamp::from_millis(1),
        Record::FriendRequest(request) => request.updated_at = Timestamp::from_millis(1),
        Record::Tie(tie) => tie.since = Timestamp::from_millis(1),
        Record::Audit(entry) => entry.at = Timestamp::from_millis(1),
        Record::Day(sum) => sum.messages += 1,
    }
    record
}

pub async fn what_must_be_unique_is_refused_twice(f: &Fixture) {
    furnish(f).await;
    let records = export(&f.stores, 1000).await;
    let named = |name: &str, email: Option<&str>| {
        let id = UserId::from_bytes([9; 12]);
        let user = User::new(id, Username::parse(name).unwrap(), email.map(|e| Email::parse(e).unwrap()), f.now());
        Record::User { user, password: Some(PasswordHash::new("hash".to_owned())) }
    };
    assert_eq!(conflict(f, named("aDA", None)).await, "username");
    assert_eq!(conflict(f, named("eve", Some("aDA@EXAMPLE.org"))).await, "email");
    for part in [Part::UserStreams, Part::Conversations, Part::FriendRequests] {
        let is_group = |record: &&Record| matches!(record, Record::Conversation { pair: None, .. });
        let record = of(&records, part).find(|record| !is_group(record)).unwrap().clone();
        let (twice, field) = match record {
            Record::UserChange { user, change: UserChange { topic, .. } } => {
                let change = UserChange { rev: Rev::new(999), topic };
                (Record::UserChange { user, change }, "topic")
            }
            Record::Conversation {
                kind,
                pair,
                name,
                description,
                read_receipts,
                traits,
                created_at,
                updated_at,
                ..
            } => {
                let id = ConversationId::from_bytes([9; 12]);
                let deleted_at = None;
                let twice = Record::Conversation {
                    id,
                    kind,
                    pair,
                    name,
                    description,
                    read_receipts,
                    traits,
                    deleted_at,
                    created_at,
                    updated_at,
                };
                (twice, "pair of users")
            }
            Record::FriendRequest(request) => {
                let id = FriendRequestId::from_bytes([9; 12]);
                (Record::FriendRequest(FriendRequest { id, ..request }), "pair of users")
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(conflict(f, twice).await, field);
    }
    assert_eq!(export(&f.stores, 1000).await, records);
}

pub async fn of_a_message_id_and_revision_are_unique(f: &Fixture) {
    furnish(f).await;
    let records = export(&f.stores, 1000).await;
    let message = of(&records, Part::Messages).find_map(|record| match record {
        Record::Message { message, fingerprint } => Some((message.clone(), *fingerprint)),
        _ => None,
    });
    let (message, fingerprint) = message.unwrap();
    let elsewhere =
        Message { id: MessageId::from_bytes([9; 12]), seq: Seq::new(999), rev: Rev::new(999), ..message.clone() };
    let twice = [
        (Message { id: message.id, ..elsewhere.clone() }, "message id"),
        (Message { rev: message.rev, ..elsewhere }, "revision"),
    ];
    for (message, field) in twice {
        assert_eq!(conflict(f, Record::Message { message, fingerprint }).await, field);
    }
    assert_eq!(export(&f.stores, 1000).await, records);
}

pub async fn an_imported_log_goes_on_where_it_ends(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let first = f.make_message(ada, id, "one", Some("c1"));
    f.stores.messages.append(&first).await.unwrap();
    f.send(bob, id, "two").await;
    let records = export(&f.stores, 1000).await;
    f.stores.maintenance.clear().await.unwrap();
    f.stores.transfer.import(&records).await.unwrap();
    let again = f.make_message(ada, id, "one", Some("c1"));
    let repeat = f.stores.messages.append(&again).await.unwrap();
    assert!(matches!(repeat, AppendOutcome::Repeated(message) if message.id == first.id));
    assert_eq!(f.send(ada, id, "three").await.seq, Seq::new(3));
    let entry = f.stores.conversations.find(id, bob).await.unwrap().unwrap();
    assert_eq!((entry.conversation.last_seq, entry.conversation.rev), (Seq::new(3), Rev::new(3)));
    assert_eq!(entry.me.read_seq, Seq::new(2));
}

pub async fn an_imported_conversation_knows_who_is_gone(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    f.send(bob, id, "farewell").await;
    f.stores.users.delete(bob, f.now()).await.unwrap();
    let records = export(&f.stores, 1000).await;
    f.stores.maintenance.clear().await.unwrap();
    f.stores.transfer.import(&records).await.unwrap();
    let new = f.make_message(ada, id, "hello?", None);
    assert_eq!(f.stores.messages.append(&new).await.unwrap(), AppendOutcome::RecipientDeleted);
    assert_eq!(f.stores.users.credentials(&Login::new("bob")).await.unwrap(), None);
    f.user("bob").await;
}
