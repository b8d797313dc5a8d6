//! What a checksum sees.

use std::collections::HashMap;

use super::*;
use crate::{
    Access, AuditAction, AuditDetails, AuditId, Bio, Category, ClientMessageId, ConversationKind, ConversationName,
    Day, Description, DeviceLabel, DisplayName, Email, Emoji, Fingerprint, FriendRequestId, LockReason, MemberRole,
    MessageId, MessageText, Metadata, RequestState, RequestText, Rev, SecretHash, Seq, SessionId, StatusKind,
    StatusText, SystemAction, SystemRole, TieKind, UserId, Username, WhoCanWrite,
};

const USER: UserId = UserId::from_bytes([1; 12]);
const OTHER: UserId = UserId::from_bytes([2; 12]);
const HERE: ConversationId = ConversationId::from_bytes([3; 12]);
const THERE: ConversationId = ConversationId::from_bytes([4; 12]);
const SESSION: SessionId = SessionId::from_bytes([5; 12]);
const HASH: SecretHash = SecretHash::from_bytes([6; 32]);
const THEN: Timestamp = Timestamp::from_millis(7);
const LATER: Timestamp = Timestamp::from_millis(8);

/// Something, and the same with one field changed, for each of its fields.
fn variants<T: Clone>(base: &T, changes: &[fn(&mut T)]) -> Vec<T> {
    let changed = changes.iter().map(|change| {
        let mut value = base.clone();
        change(&mut value);
        value
    });
    std::iter::once(base.clone()).chain(changed).collect()
}

fn users() -> Vec<Record> {
    let base = User::new(USER, Username::parse("ada").unwrap(), None, THEN);
    let users = variants(
        &base,
        &[
            |user| user.id = OTHER,
            |user| user.username = Username::parse("bob").unwrap(),
            |user| user.email = Some(Email::parse("ada@example.org").unwrap()),
            |user| user.display_name = DisplayName::parse("Ada").unwrap(),
            |user| user.bio = Bio::parse("x").unwrap(),
            |user| user.metadata = Metadata::parse(r#"{"a":1}"#).unwrap(),
            |user| user.role = SystemRole::SuperAdmin,
            |user| user.lock = lock("x", THEN, None),
            |user| user.lock = lock("y", THEN, None),
            |user| user.lock = lock("x", LATER, None),
            |user| user.lock = lock("x", THEN, Some(THEN)),
            |user| user.settings.show_last_seen = false,
            |user| user.settings.read_receipts = false,
            |user| user.settings.who_can_write = WhoCanWrite::Nobody,
            |user| user.status.kind = StatusKind::Busy,
            |user| user.status.text = Some(StatusText::parse("x").unwrap()),
            |user| user.status.until = Some(THEN),
            |user| user.last_seen_at = Some(THEN),
            |user| user.rev = Rev::new(1),
            |user| user.created_at = LATER,
            |user| user.deleted_at = Some(THEN),
            |user| user.leaving = true,
        ],
    );
    let with_password = Record::User { user: base, password: Some(PasswordHash::new("hash".to_owned())) };
    users.into_iter().map(|user| Record::User { user, password: None }).chain([with_password]).collect()
}

fn lock(reason: &str, at: Timestamp, until: Option<Timestamp>) -> Option<Lock> {
    Some(Lock { reason: LockReason::parse(reason).unwrap(), at, until })
}

fn user_changes() -> Vec<Record> {
    let topics = [
        UserTopic::Profile,
        UserTopic::Read(HERE),
        UserTopic::Read(THERE),
        UserTopic::Conversation(HERE),
        UserTopic::Conversation(THERE),
        UserTopic::FriendRequest(FriendRequestId::from_bytes([1; 12])),
        UserTopic::FriendRequest(FriendRequestId::from_bytes([2; 12])),
        UserTopic::Friend(USER),
        UserTopic::Friend(OTHER),
        UserTopic::Block(USER),
        UserTopic::Block(OTHER),
        UserTopic::Settings(HERE),
    ];
    let change = |topic, rev| UserChange { topic, rev: Rev::new(rev) };
    let of_topics = topics.map(|topic| Record::UserChange { user: USER, change: change(topic, 1) });
    let others =
        [(OTHER, 1), (USER, 2)].map(|(user, rev)| Record::UserChange { user, change: change(UserTopic::Profile, rev) });
    of_topics.into_iter().chain(others).collect()
}

fn sign_ins() -> Vec<Record> {
    let session = Session {
        id: SESSION,
        user_id: USER,
        device: DeviceLabel::default(),
        created_at: THEN,
        renewed_at: THEN,
        idle_expires_at: THEN,
        expires_at: THEN,
    };
    let sessions = variants(
        &session,
        &[
            |session| session.id = SessionId::from_bytes([9; 12]),
            |session| session.user_id = OTHER,
            |session| session.device = DeviceLabel::new("x"),
            |session| session.created_at = LATER,
            |session| session.renewed_at = LATER,
            |session| session.idle_expires_at = LATER,
            |session| session.expires_at = LATER,
        ],
    );
    let sessions = sessions.into_iter().map(|session| Record::Session { session, revoked_at: None });
    let revoked = Record::Session { session, revoked_at: Some(THEN) };
    let of = |hash, session| (SecretHash::from_bytes(hash), SessionId::from_bytes(session));
    let places = [(HASH, SESSION), of([7; 32], [5; 12]), of([6; 32], [9; 12])];
    let tokens = places.map(|(hash, session)| Record::RefreshToken { hash, session, replaced_at: None });
    let replaced = Record::RefreshToken { hash: HASH, session: SESSION, replaced_at: Some(THEN) };
    let tickets = places.map(|(hash, session)| Record::Ticket { hash, session, expires_at: THEN });
    let later = Record::Ticket { hash: HASH, session: SESSION, expires_at: LATER };
    sessions.chain(tokens).chain(tickets).chain([revoked, replaced, later]).collect()
}

fn conversations() -> Vec<Record> {
    let of = |id, pair, created_at, updated_at| Record::Conversation {
        id,
        kind: ConversationKind::Direct,
        pair: Some(pair),
        name: None,
        description: None,
        read_receipts: true,
        traits: Traits::None,
        deleted_at: None,
        created_at,
        updated_at,
    };
    let group = |kind, name: &str, description: &str, read_receipts| Record::Conversation {
        id: HERE,
        kind,
        pair: None,
        name: ConversationName::parse(name).ok(),
        description: Description::parse(description).unwrap(),
        read_receipts,
        traits: Traits::None,
        deleted_at: None,
        created_at: THEN,
        updated_at: THEN,
    };
    let with = |traits, deleted_at| Record::Conversation {
        id: HERE,
        kind: ConversationKind::Community,
        pair: None,
        name: None,
        description: None,
        read_receipts: true,
        traits,
        deleted_at,
        created_at: THEN,
        updated_at: THEN,
    };
    let community = |category: Option<&str>, access| {
        let category = category.map(|category| Category::parse(category).unwrap());
        with(Traits::Community(CommunityTraits { category, access }), None)
    };
    let channel =
        |community, position, access| with(Traits::Channel(ChannelTraits { community, position, access }), None);
    let member = Member::of_direct(USER, THEN);
    let members = variants(
        &member,
        &[
            |member| member.user_id = OTHER,
            |member| member.joined_at = LATER,
            |member| member.read_seq = Seq::new(1),
            |member| member.read_receipt_seq = Seq::new(1),
            |member| member.delivered_seq = Seq::new(1),
            |member| member.held_from = Some(Rev::ZERO),
            |member| member.held_from = Some(Rev::new(1)),
            |member| member.role = Some(MemberRole::Member),
            |member| member.role = Some(MemberRole::Owner),
            |member| member.joined_rev = Rev::new(1),
            |member| member.settings.muted_until = Some(THEN),
            |member| member.settings.pinned = true,
            |member| member.settings.archived = true,
            |member| member.settings.hidden_up_to = Some(Seq::ZERO),
        ],
    );
    let members = members.into_iter().map(|member| Record::Member { conversation: HERE, member });
    let elsewhere = Record::Member { conversation: THERE, member };
    let conversations = [
        of(HERE, [USER, OTHER], THEN, THEN),
        of(THERE, [USER, OTHER], THEN, THEN),
        of(HERE, [USER, USER], THEN, THEN),
        of(HERE, [OTHER, OTHER], THEN, THEN),
        of(HERE, [USER, OTHER], LATER, THEN),
        of(HERE, [USER, OTHER], THEN, LATER),
        group(ConversationKind::Direct, "", "", true),
        group(ConversationKind::Group, "", "", true),
        group(ConversationKind::Group, "", "", false),
        group(ConversationKind::Group, "x", "", true),
        group(ConversationKind::Group, "", "x", true),
        with(Traits::None, None),
        with(Traits::None, Some(THEN)),
        community(None, Access::Public),
        community(None, Access::Private),
        community(Some("x"), Access::Public),
        channel(HERE, 0, Access::Public),
        channel(THERE, 0, Access::Public),
        channel(HERE, 1, Access::Public),
        channel(HERE, 0, Access::Private),
    ];
    conversations.into_iter().chain(members).chain([elsewhere]).collect()
}

fn messages() -> Vec<Record> {
    let message = Message {
        id: MessageId::from_bytes([1; 12]),
        conversation_id: HERE,
        seq: Seq::new(1),
        rev: Rev::new(1),
        created_rev: Rev::new(1),
        sender_id: USER,
        content: Content::Text(MessageText::parse("x").unwrap()),
        metadata: Metadata::default(),
        client_message_id: None,
        created_at: THEN,
        marks: Marks::default(),
    };
    let messages = variants(
        &message,
        &[
            |message| message.id = MessageId::from_bytes([2; 12]),
            |message| message.conversation_id = THERE,
            |message| message.seq = Seq::new(2),
            |message| message.rev = Rev::new(2),
            |message| message.sender_id = OTHER,
            |message| message.content = Content::Text(MessageText::parse("y").unwrap()),
            |message| message.content = system(|_| {}),
            |message| message.content = system(|event| event.action = SystemAction::Renamed),
            |message| message.content = system(|event| event.users.push(USER)),
            |message| message.content = system(|event| event.value = Some("x".to_owned())),
            |message| message.content = system(|event| event.member_count = 2),
            |message| message.metadata = Metadata::parse(r#"{"a":1}"#).unwrap(),
            |message| message.client_message_id = Some(ClientMessageId::parse("x").unwrap()),
            |message| message.created_at = LATER,
            |message| message.created_rev = Rev::new(2),
            |message| message.content = Content::Deleted(Deletion { by: USER, at: THEN }),
            |message| message.content = Content::Deleted(Deletion { by: OTHER, at: THEN }),
            |message| message.content = Content::Deleted(Deletion { by: USER, at: LATER }),
            |message| message.marks.edited_at = Some(THEN),
            |message| message.marks.reply_to = reply(|_| {}),
            |message| message.marks.reply_to = reply(|reply| reply.message = MessageId::from_bytes([2; 12])),
            |message| message.marks.reply_to = reply(|reply| reply.seq = Seq::new(2)),
            |message| message.marks.reply_to = reply(|reply| reply.sender = OTHER),
            |message| message.marks.forwarded = Some(Forwarded { sender: USER, created_at: THEN }),
            |message| message.marks.forwarded = Some(Forwarded { sender: OTHER, created_at: THEN }),
            |message| message.marks.forwarded = Some(Forwarded { sender: USER, created_at: LATER }),
            |message| message.marks.reactions = reactions(|_| {}),
            |message| message.marks.reactions = reactions(|reaction| reaction.emoji = emoji("👎")),
            |message| message.marks.reactions = reactions(|reaction| reaction.count = 2),
            |message| message.marks.reactions = reactions(|reaction| reaction.users = vec![OTHER]),
            |message| message.marks.pin = Some(Pin { by: USER, at: THEN }),
            |message| message.marks.pin = Some(Pin { by: OTHER, at: THEN }),
            |message| message.marks.pin = Some(Pin { by: USER, at: LATER }),
            |message| message.marks.mentions.users = vec![USER],
            |message| message.marks.mentions.users = vec![OTHER],
            |message| message.marks.mentions.everyone = true,
            |message| message.marks.mentions.roles = vec![crate::MentionedRole::Owner],
            |message| message.marks.mentions.roles = vec![crate::MentionedRole::Admins],
        ],
    );
    let [fingerprint, another] = [Fingerprint::from_bytes([1; 32]), Fingerprint::from_bytes([2; 32])];
    let messages = messages.into_iter().map(|message| Record::Message { message, fingerprint });
    messages.chain([Record::Message { message, fingerprint: another }]).collect()
}

fn emoji(text: &str) -> Emoji {
    Emoji::parse(text).unwrap()
}

fn reply(change: fn(&mut ReplyTo)) -> Option<ReplyTo> {
    let mut reply = ReplyTo { message: MessageId::from_bytes([1; 12]), seq: Seq::new(1), sender: USER };
    change(&mut reply);
    Some(reply)
}

fn reactions(change: fn(&mut Reaction)) -> Vec<Reaction> {
    let mut reaction = Reaction { emoji: emoji("👍"), count: 1, users: vec![USER] };
    change(&mut reaction);
    vec![reaction]
}

fn changes_of_messages() -> Vec<Record> {
    let message = MessageId::from_bytes([1; 12]);
    let text = MessageText::parse("x").unwrap();
    let version = Version { message, rev: Rev::new(1), text, metadata: Metadata::default(), at: THEN };
    let versions = variants(
        &version,
        &[
            |version| version.message = MessageId::from_bytes([2; 12]),
            |version| version.rev = Rev::new(2),
            |version| version.text = MessageText::parse("y").unwrap(),
            |version| version.metadata = Metadata::parse(r#"{"a":1}"#).unwrap(),
            |version| version.at = LATER,
        ],
    );
    let reaction = UserReaction { message, emoji: emoji("👍"), user: USER, rev: Rev::new(1), at: THEN };
    let reactions = variants(
        &reaction,
        &[
            |reaction| reaction.message = MessageId::from_bytes([2; 12]),
            |reaction| reaction.emoji = emoji("👎"),
            |reaction| reaction.user = OTHER,
            |reaction| reaction.rev = Rev::new(2),
            |reaction| reaction.at = LATER,
        ],
    );
    versions.into_iter().map(Record::Version).chain(reactions.into_iter().map(Record::Reaction)).collect()
}

fn relations() -> Vec<Record> {
    let request = FriendRequest {
        id: FriendRequestId::from_bytes([1; 12]),
        from: USER,
        to: OTHER,
        text: None,
        state: RequestState::Pending,
        created_at: THEN,
        updated_at: THEN,
        rejected_at: None,
    };
    let requests = variants(
        &request,
        &[
            |request| request.id = FriendRequestId::from_bytes([2; 12]),
            |request| request.from = OTHER,
            |request| request.to = USER,
            |request| request.text = Some(RequestText::parse("x").unwrap()),
            |request| request.state = RequestState::Rejected,
            |request| request.created_at = LATER,
            |request| request.updated_at = LATER,
            |request| request.rejected_at = Some(THEN),
        ],
    );
    let tie = Tie { user: USER, other: OTHER, kind: TieKind::Friend, name: "bob".to_owned(), since: THEN };
    let ties = variants(
        &tie,
        &[
            |tie| tie.user = OTHER,
            |tie| tie.other = USER,
            |tie| tie.kind = TieKind::Block,
            |tie| tie.name = "cem".to_owned(),
            |tie| tie.since = LATER,
        ],
    );
    requests.into_iter().map(Record::FriendRequest).chain(ties.into_iter().map(Record::Tie)).collect()
}

/// A system message's content with a change.
fn system(change: fn(&mut SystemEvent)) -> Content {
    let mut event = SystemEvent { action: SystemAction::MemberLeft, users: Vec::new(), value: None, member_count: 1 };
    change(&mut event);
    Content::System(event)
}

fn administration() -> Vec<Record> {
    let named = |id, name| Named { id, username: Username::parse(name).unwrap() };
    let entry = AuditEntry {
        id: AuditId::from_bytes([1; 12]),
        at: THEN,
        actor: Actor::CommandLine,
        action: AuditAction::UserLocked,
        target: named(USER, "ada"),
        details: AuditDetails::default(),
        request: None,
    };
    let entries = variants(
        &entry,
        &[
            |entry| entry.id = AuditId::from_bytes([2; 12]),
            |entry| entry.at = LATER,
            |entry| entry.actor = Actor::User(entry.target.clone()),
            |entry| entry.actor = Actor::User(Named { id: OTHER, ..entry.target.clone() }),
            |entry| entry.action = AuditAction::UserUnlocked,
            |entry| entry.target.id = OTHER,
            |entry| entry.target.username = Username::parse("bob").unwrap(),
            |entry| entry.details = AuditDetails::parse(r#"{"a":"b"}"#).unwrap(),
            |entry| entry.request = Some("x".to_owned()),
        ],
    );
    let sum = DaySum { day: Day::of(THEN), active_users: 1, messages: 1 };
    let sums =
        variants(&sum, &[|sum| sum.day = Day::from_number(1), |sum| sum.active_users = 2, |sum| sum.messages = 2]);
    entries.into_iter().map(Record::Audit).chain(sums.into_iter().map(Record::Day)).collect()
}

fn checksum(records: &[&Record]) -> String {
    let mut checksum = Checksum::default();
    records.iter().for_each(|record| checksum.add(record));
    checksum.to_string()
}

#[test]
fn every_field_of_every_record_counts() {
    let people = [users(), user_changes(), sign_ins(), relations(), administration()].concat();
    let records = [people, conversations(), messages(), changes_of_messages()].concat();
    let mut seen = HashMap::new();
    for record in &records {
        if let Some(other) = seen.insert(checksum(&[record]), record) {
            panic!("the same checksum: {record:?} and {other:?}");
        }
    }
}

#[test]
fn the_number_and_the_order_of_records_count() {
    let users = users();
    let (a, b) = (&users[0], &users[1]);
    let sequences: [&[&Record]; 5] = [&[], &[a], &[a, a], &[a, b], &[b, a]];
    let checksums: std::collections::HashSet<_> = sequences.into_iter().map(checksum).collect();
    assert_eq!(checksums.len(), sequences.len());
}

#[test]
fn a_checksum_is_the_same_on_every_machine() {
    let users = users();
    assert_eq!(checksum(&[&users[0]]), "665088d56e677a0c62d457a0f18b45094fee8a3dd6ec69fe79594cce122f928b");
}
