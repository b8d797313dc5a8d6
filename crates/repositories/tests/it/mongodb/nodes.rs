//! Several nodes on one database, and what is left by one that ended half-way.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use mongodb::bson::{DateTime, Document, doc};
use parlor_domain::{
    Clock as _, ConversationId, ConversationName, GroupAction, GroupChange, GroupDescription, Mentions, Message,
    MessageAction, MessageChange, MessageId, MessageText, Metadata, NewGroup, NewMessage, ProfileChange, Rev, Seq,
    Status, StatusKind, UserId,
    store::{AppendOutcome, ChangeOutcome, GroupOutcome, Inbox, NewDirect, StoreError, Stores, Window},
};
use parlor_repositories::{contract::Fixture, testing::MongoDatabase};

use super::{connect, fresh, meddle};

/// Two users who can write to each other.
pub(super) async fn chat(fixture: &Fixture) -> (UserId, UserId, ConversationId) {
    let (ada, bob) = (fixture.user("ada").await, fixture.user("bob").await);
    let id = ConversationId::generate(&fixture.clock, &fixture.entropy);
    let new = NewDirect { id, opener: ada, other: bob, now: fixture.clock.now() };
    fixture.stores.conversations.open_direct(&new).await.unwrap();
    (ada, bob, id)
}

pub(super) fn message(fixture: &Fixture, from: UserId, to: ConversationId, text: &str) -> NewMessage {
    NewMessage {
        id: MessageId::for_send(to, from, None, &fixture.entropy),
        conversation_id: to,
        sender_id: from,
        text: MessageText::parse(text).unwrap(),
        metadata: Metadata::default(),
        client_message_id: None,
        reply_to: None,
        forward: None,
        mentions: Mentions::default(),
        created_at: fixture.clock.now(),
    }
}

/// The stores of another node on the same database.
async fn other_node(database: &MongoDatabase) -> Stores {
    connect(database).await.stores()
}

/// An inbox is read after everything that follows from messages of its node has been written.
async fn everything_written(stores: &Stores, user: UserId) {
    stores.conversations.inbox(&Inbox { user, after: None, archived: None, limit: 1 }).await.unwrap();
}

/// Takes back what follows from messages, as if it had never been written.
async fn take_back(raw: &mongodb::Database) {
    let long_ago = doc! { "$set": { "updatedAt": DateTime::from_millis(1) } };
    raw.collection::<Document>("conversations").update_many(doc! {}, long_ago).await.unwrap();
    let unread = doc! { "$set": { "readSeq": 0_i64 } };
    raw.collection::<Document>("members").update_many(doc! {}, unread).await.unwrap();
}

async fn all(stores: &Stores, id: ConversationId) -> Vec<Message> {
    stores.messages.page(id, Window::After(Seq::ZERO), 10_000).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_write_at_once_make_one_order_without_a_hole_and_keep_each_senders_own() {
    const EACH: usize = 100;
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, bob, id) = chat(&fixture).await;
    let nodes = [stores.clone(), other_node(&database).await];
    let mut tasks = Vec::new();
    for (sender, node) in [ada, bob].into_iter().zip(nodes) {
        for line in 0..3 {
            let new: Vec<_> =
                (0..EACH).map(|n| message(&fixture, sender, id, &format!("{sender} {line} {n}"))).collect();
            let messages = node.messages.clone();
            tasks.push(tokio::spawn(async move {
                for new in new {
                    let outcome = messages.append(&new).await.unwrap();
                    assert!(matches!(outcome, AppendOutcome::Appended { .. }), "{outcome:?}");
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let stored = all(&stores, id).await;
    let seqs: Vec<u64> = stored.iter().map(|message| message.seq.get()).collect();
    assert_eq!(seqs, (1..=6 * EACH as u64).collect::<Vec<_>>());
    assert!(stored.iter().all(|message| message.rev.get() == message.seq.get()));
    let mut lines: HashMap<String, usize> = HashMap::new();
    for message in &stored {
        let (line, n) = message.text().rsplit_once(' ').unwrap();
        let next = lines.entry(line.to_owned()).or_default();
        assert_eq!(n.parse::<usize>().unwrap(), *next, "the order of {line}");
        *next += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_sent_through_two_nodes_at_once_is_stored_once() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, _, id) = chat(&fixture).await;
    let nodes = [stores.clone(), other_node(&database).await];
    for round in 0..20 {
        let name = parlor_domain::ClientMessageId::parse(&round.to_string()).unwrap();
        let sends = (0..10).map(|n| {
            let mut new = message(&fixture, ada, id, "once");
            new.id = MessageId::for_send(id, ada, Some(&name), &fixture.entropy);
            new.client_message_id = Some(name.clone());
            let messages = nodes[n % 2].messages.clone();
            tokio::spawn(async move { messages.append(&new).await.unwrap() })
        });
        let mut ids = HashSet::new();
        let mut appended = 0;
        for send in sends.collect::<Vec<_>>() {
            match send.await.unwrap() {
                AppendOutcome::Appended { message, .. } => {
                    appended += 1;
                    ids.insert(message.id);
                }
                AppendOutcome::Repeated(message) => drop(ids.insert(message.id)),
                refused @ (AppendOutcome::ClientIdReused
                | AppendOutcome::NotAMember
                | AppendOutcome::RecipientDeleted) => panic!("{refused:?}"),
            }
        }
        assert_eq!((appended, ids.len()), (1, 1));
    }
    assert_eq!(all(&stores, id).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_as_held_is_exactly_what_comes_after_the_mark() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, bob, id) = chat(&fixture).await;
    let other = other_node(&database).await;
    let status = |kind| Status { kind, text: None, until: None };
    let mut kinds = HashSet::new();
    for _ in 0..15 {
        let sends = (0..30).map(|n| {
            let new = message(&fixture, ada, id, &n.to_string());
            let messages = if n % 2 == 0 { stores.messages.clone() } else { other.messages.clone() };
            tokio::spawn(async move { messages.append(&new).await.unwrap() })
        });
        let sends: Vec<_> = sends.collect();
        stores.users.set_status(bob, &status(StatusKind::Busy), None, fixture.clock.now()).await.unwrap();
        let mut told = Vec::new();
        for send in sends {
            let outcome = send.await.unwrap();
            let AppendOutcome::Appended { message, held } = outcome else { panic!("{outcome:?}") };
            told.push((message.rev, held));
        }
        let mark = stores.conversations.members(id).await.unwrap();
        let mark = mark.iter().find(|member| member.user_id == bob).unwrap().held_from.unwrap();
        for (rev, held) in told {
            assert_eq!(held, Some(rev > mark), "message {rev}, held from {mark}");
            kinds.insert(held);
        }
        stores.users.set_status(bob, &status(StatusKind::Available), None, fixture.clock.now()).await.unwrap();
    }
    assert_eq!(kinds.len(), 2, "all of them came before the status, or all after it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_that_was_not_settled_is_settled_by_who_comes_across_it() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, bob, id) = chat(&fixture).await;
    let members = meddle(&database).await.collection::<Document>("members");
    let unsettle = async || drop(members.update_many(doc! {}, doc! { "$set": { "heldFrom": -1_i64 } }).await.unwrap());
    let held_from = async || {
        let found = stores.conversations.members(id).await.unwrap();
        found.into_iter().find(|member| member.user_id == bob).unwrap().held_from
    };
    unsettle().await;
    let outcome = stores.messages.append(&message(&fixture, ada, id, "1")).await.unwrap();
    assert!(matches!(outcome, AppendOutcome::Appended { held: Some(false), .. }), "{outcome:?}");
    assert_eq!(held_from().await, Some(Rev::new(1)));
    unsettle().await;
    let heads = stores.conversations.heads(bob).await.unwrap();
    assert_eq!(heads[0].held_from, Some(Rev::new(1)));
    unsettle().await;
    let entry = stores.conversations.find(id, bob).await.unwrap().unwrap();
    assert_eq!(entry.me.held_from, Some(Rev::new(1)));
    let outcome = stores.messages.append(&message(&fixture, ada, id, "2")).await.unwrap();
    assert!(matches!(outcome, AppendOutcome::Appended { held: Some(true), .. }), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_from_the_log_is_right_even_if_it_was_never_written() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, bob, id) = chat(&fixture).await;
    let sent = stores.messages.append(&message(&fixture, ada, id, "1")).await.unwrap();
    let AppendOutcome::Appended { message: sent, .. } = sent else { panic!("{sent:?}") };
    everything_written(&stores, ada).await;
    let raw = meddle(&database).await;
    take_back(&raw).await;
    let entry = stores.conversations.find(id, ada).await.unwrap().unwrap();
    assert_eq!((entry.conversation.last_seq, entry.conversation.rev), (sent.seq, sent.rev));
    assert_eq!((entry.conversation.updated_at, entry.me.read_seq), (sent.created_at, sent.seq));
    let entry = stores.conversations.find(id, bob).await.unwrap().unwrap();
    assert_eq!(entry.me.read_seq, Seq::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_that_ended_left_unwritten_is_made_again_by_the_next() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, bob, id) = chat(&fixture).await;
    for from in [ada, bob] {
        fixture.clock.advance(Duration::from_secs(1));
        stores.messages.append(&message(&fixture, from, id, "1")).await.unwrap();
    }
    everything_written(&stores, ada).await;
    let raw = meddle(&database).await;
    take_back(&raw).await;
    let next = other_node(&database).await;

    let read = async |user| next.conversations.find(id, user).await.unwrap().unwrap().me.read_seq;
    assert_eq!((read(ada).await, read(bob).await), (Seq::new(1), Seq::new(2)));
    let stored = raw.collection::<Document>("conversations").find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(stored.get_datetime("updatedAt").unwrap().timestamp_millis(), fixture.clock.now().as_millis());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_another_node_has_deleted_is_soon_a_recipient_no_more() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, bob, id) = chat(&fixture).await;
    stores.messages.append(&message(&fixture, ada, id, "1")).await.unwrap();
    other_node(&database).await.users.delete(bob, fixture.clock.now()).await.unwrap().unwrap();
    let refused = async {
        while stores.messages.append(&message(&fixture, ada, id, "2")).await.unwrap() != AppendOutcome::RecipientDeleted
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_is_paged_to_its_end_even_if_its_order_was_never_written() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let ada = fixture.user("ada").await;
    let mut conversations = HashSet::new();
    for n in 0..5 {
        let other = fixture.user(&format!("other{n}")).await;
        let id = ConversationId::generate(&fixture.clock, &fixture.entropy);
        let new = NewDirect { id, opener: ada, other, now: fixture.clock.now() };
        stores.conversations.open_direct(&new).await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
        stores.messages.append(&message(&fixture, ada, id, "1")).await.unwrap();
        conversations.insert(id);
    }
    everything_written(&stores, ada).await;
    let long_ago = doc! { "$set": { "updatedAt": DateTime::from_millis(1) } };
    let raw = meddle(&database).await.collection::<Document>("conversations");
    raw.update_many(doc! {}, long_ago).await.unwrap();
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = stores.conversations.inbox(&Inbox { user: ada, after, archived: None, limit: 2 }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.conversation.updated_at, last.conversation.id));
        seen.extend(page.into_iter().map(|entry| entry.conversation.id));
        assert!(seen.len() <= 10, "the inbox has no end");
    }
    assert_eq!(seen.iter().copied().collect::<HashSet<_>>(), conversations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_overtaken_in_many_conversations_at_once_appends_to_all() {
    const CONVERSATIONS: usize = 60;
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let ada = fixture.user("ada").await;
    let mut conversations = Vec::new();
    for n in 0..CONVERSATIONS {
        let other = fixture.user(&format!("other{n}")).await;
        let id = ConversationId::generate(&fixture.clock, &fixture.entropy);
        let new = NewDirect { id, opener: ada, other, now: fixture.clock.now() };
        stores.conversations.open_direct(&new).await.unwrap();
        conversations.push(id);
    }
    let nodes = [stores.clone(), other_node(&database).await];
    for round in 0..4 {
        let sends = conversations.iter().map(|id| {
            let new = message(&fixture, ada, *id, &round.to_string());
            let messages = nodes[round % 2].messages.clone();
            async move { messages.append(&new).await.unwrap() }
        });
        for outcome in futures_util::future::join_all(sends).await {
            let AppendOutcome::Appended { message, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(message.seq, Seq::new(round as u64 + 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_that_cannot_be_settled_is_an_error_and_not_tried_for_ever() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (_, bob, id) = chat(&fixture).await;
    let raw = meddle(&database).await;
    let members = raw.collection::<Document>("members");
    members.update_many(doc! {}, doc! { "$set": { "heldFrom": -1_i64 } }).await.unwrap();
    let forbidding = doc! { "collMod": "members", "validator": { "heldFrom": { "$lt": 0 } } };
    raw.run_command(forbidding).await.unwrap();
    let error = stores.conversations.members(id).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let busy = Status { kind: StatusKind::Busy, text: None, until: None };
    let user = stores.users.set_status(bob, &busy, None, fixture.clock.now()).await.unwrap();
    assert_eq!(user.unwrap().status, busy, "the status is set all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_own_stream_counts_without_a_hole_whoever_changes_it() {
    const EACH: u64 = 10;
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let ada = fixture.user("ada").await;
    let mut tasks = Vec::new();
    for stores in [stores.clone(), other_node(&database).await] {
        for _ in 0..EACH {
            let users = stores.users.clone();
            tasks.push(tokio::spawn(async move {
                let user = users.update_profile(ada, &ProfileChange::default()).await.unwrap();
                user.unwrap().rev.get()
            }));
        }
    }
    let mut revs = Vec::new();
    for task in tasks {
        revs.push(task.await.unwrap());
    }
    revs.sort_unstable();
    assert_eq!(revs, (1..=2 * EACH).collect::<Vec<_>>());
    let log = stores.conversations.user_changes(ada, Rev::ZERO, 10).await.unwrap();
    assert_eq!((log.changes.len(), log.head), (1, Rev::new(2 * EACH)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_take_a_name_or_an_address_at_once_one_gets_it() {
    use parlor_domain::{Email, PasswordHash, User, Username, store::NewUser};
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let nodes = [stores.clone(), other_node(&database).await];
    for (same_name, field) in [(true, "username"), (false, "email")] {
        let tasks = (0..20).map(|n| {
            let name = if same_name { "Dora".to_owned() } else { format!("eve{n}") };
            let email = if same_name { None } else { Some(Email::parse("Eve@example.org").unwrap()) };
            let id = UserId::generate(&fixture.clock, &fixture.entropy);
            let user = User::new(id, Username::parse(&name).unwrap(), email, fixture.clock.now());
            let new = NewUser { user, password: PasswordHash::new(String::new()) };
            let users = nodes[n % 2].users.clone();
            tokio::spawn(async move { users.insert(&new).await })
        });
        let mut made = 0;
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(()) => made += 1,
                Err(error) => assert!(matches!(error, StoreError::Conflict(taken) if taken == field), "{error:?}"),
            }
        }
        assert_eq!(made, 1, "{field}");
    }
}

/// A group of two, made on the fixture's node.
async fn group(fixture: &Fixture) -> (UserId, UserId, ConversationId) {
    let (ada, bob) = (fixture.user("ada").await, fixture.user("bob").await);
    let id = ConversationId::generate(&fixture.clock, &fixture.entropy);
    let new = NewGroup {
        id,
        creator: ada,
        name: ConversationName::parse("Round table").unwrap(),
        description: None,
        members: vec![bob],
        message: MessageId::unnamed(id, &fixture.entropy),
        now: fixture.clock.now(),
    };
    let made = fixture.stores.groups.create(&new).await.unwrap();
    assert!(matches!(made, GroupOutcome::Changed(_)), "{made:?}");
    (ada, bob, new.id)
}

fn change(fixture: &Fixture, conversation: ConversationId, actor: UserId, action: GroupAction) -> GroupChange {
    let messages = [(); 3].map(|()| MessageId::unnamed(conversation, &fixture.entropy));
    GroupChange { conversation, actor, action, messages, now: fixture.clock.now() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_removed_through_another_node_can_soon_send_no_more() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, bob, id) = group(&fixture).await;
    let other = other_node(&database).await;
    other.messages.append(&message(&fixture, bob, id, "known there")).await.unwrap();
    stores.groups.change(&change(&fixture, id, ada, GroupAction::Remove(bob))).await.unwrap();
    let refused = async {
        while other.messages.append(&message(&fixture, bob, id, "?")).await.unwrap() != AppendOutcome::NotAMember {}
    };
    tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_and_messages_of_two_nodes_make_one_order_without_a_hole() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, bob, id) = group(&fixture).await;
    let mut tasks = Vec::new();
    for (number, node) in [stores.clone(), other_node(&database).await].into_iter().enumerate() {
        let new: Vec<_> = (0..50).map(|n| message(&fixture, bob, id, &n.to_string())).collect();
        let rename = |n| {
            let name = ConversationName::parse(&format!("{number} {n}")).ok();
            change(&fixture, id, ada, GroupAction::Describe(GroupDescription { name, ..Default::default() }))
        };
        let changes: Vec<_> = (0..10).map(rename).collect();
        let (messages, groups) = (node.messages.clone(), node.groups.clone());
        tasks.push(tokio::spawn(async move {
            for new in new {
                messages.append(&new).await.unwrap();
            }
        }));
        tasks.push(tokio::spawn(async move {
            for change in changes {
                let outcome = groups.change(&change).await.unwrap();
                assert!(matches!(outcome, GroupOutcome::Changed(_)), "{outcome:?}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let stored = all(&stores, id).await;
    let places: Vec<_> = stored.iter().map(|message| (message.seq.get(), message.rev.get())).collect();
    assert_eq!(places, (1..=121).map(|n| (n, n)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_a_changed_message_has_left_is_given_to_nobody() {
    let (stores, database) = fresh().await;
    let fixture = Fixture::new(stores.clone());
    let (ada, bob, id) = chat(&fixture).await;
    let other = other_node(&database).await;
    let mut log = Vec::new();
    let mut send = async |node: &Stores, by| {
        let outcome = node.messages.append(&message(&fixture, by, id, "hello")).await.unwrap();
        let AppendOutcome::Appended { message, .. } = outcome else { panic!("{outcome:?}") };
        log.push(message.id);
        message
    };
    // The other node knows where the log ends, and does not learn what becomes of the messages.
    let first = send(&stores, ada).await;
    send(&other, bob).await;
    for round in 0..3 {
        let edit = async |n: u64| {
            let text = MessageText::parse(&format!("{round} {n}")).unwrap();
            let action = MessageAction::Edit { text, metadata: None };
            let now = fixture.clock.now();
            let change = MessageChange {
                conversation: id,
                message: first.id,
                by: ada,
                action,
                mentions: Mentions::default(),
                now,
            };
            let outcome = stores.messages.change(&change).await.unwrap();
            let ChangeOutcome::Changed(message) = outcome else { panic!("{outcome:?}") };
            message.rev
        };
        edit(1).await;
        let seen = edit(2).await;
        let sent = send(&other, bob).await;
        assert_eq!((sent.seq, sent.rev), (Seq::new(3 + 2 * round), seen.next()), "it comes after what was seen");
        let next = send(&stores, ada).await;
        assert_eq!((next.seq, next.rev), (sent.seq.next(), sent.rev.next()));
    }
    let stored = all(&stores, id).await;
    assert_eq!(stored.iter().map(|message| message.id).collect::<Vec<_>>(), log);
    let head = stored.iter().map(|message| message.rev).max().unwrap();
    for after in 0..=head.get() {
        let page = other.messages.changes(id, Rev::new(after), 100).await.unwrap();
        let expected = stored.iter().filter(|message| message.rev.get() > after).count();
        assert_eq!((page.messages.len(), page.head), (expected, head));
    }
}
