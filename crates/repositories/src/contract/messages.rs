//! The message log.

use std::{collections::HashSet, time::Duration};

use parlor_domain::{
    ConversationId, Message, MessageText, Metadata, NewMessage, Rev, Seq, StatusKind,
    store::{AppendOutcome, PAGE_BYTES, StoreError, Window},
};

use super::Fixture;

async fn append(f: &Fixture, new: &NewMessage) -> AppendOutcome {
    f.stores.messages.append(new).await.unwrap()
}

async fn all(f: &Fixture, id: ConversationId) -> Vec<Message> {
    f.stores.messages.page(id, Window::After(Seq::ZERO), 10_000).await.unwrap()
}

/// `seq` and `rev` are 1, 2, 3 … in the order of the page.
fn assert_no_hole(messages: &[Message]) {
    let expected: Vec<u64> = (1..=messages.len() as u64).collect();
    assert_eq!(messages.iter().map(|message| message.seq.get()).collect::<Vec<_>>(), expected);
    assert_eq!(messages.iter().map(|message| message.rev.get()).collect::<Vec<_>>(), expected);
}

pub async fn messages_count_up_without_a_hole(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    for (n, from) in [ada, bob, ada].into_iter().enumerate() {
        let message = f.send(from, id, &n.to_string()).await;
        assert_eq!((message.seq.get(), message.rev.get()), (n as u64 + 1, n as u64 + 1));
    }
    let cem = f.user("cem").await;
    let other = f.open(ada, cem).await.id;
    assert_eq!(f.send(ada, other, "elsewhere").await.seq, Seq::new(1), "each conversation counts for itself");
    assert_no_hole(&all(f, id).await);
}

pub async fn concurrent_appends_make_one_order_without_a_hole(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let tasks: Vec<_> = (0..50)
        .map(|writer| {
            let from = if writer % 2 == 0 { ada } else { bob };
            let new: Vec<_> = (0..10).map(|n| f.make_message(from, id, &format!("{writer}-{n}"), None)).collect();
            let messages = f.stores.messages.clone();
            tokio::spawn(async move {
                for new in new {
                    let outcome = messages.append(&new).await.unwrap();
                    assert!(matches!(outcome, AppendOutcome::Appended { .. }), "{outcome:?}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stored = all(f, id).await;
    assert_eq!(stored.len(), 500);
    assert_no_hole(&stored);
}

pub async fn each_senders_own_order_is_kept(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let (mut tasks, mut ids) = (Vec::new(), Vec::new());
    for from in [ada, bob] {
        let new: Vec<_> = (0..100).map(|n| f.make_message(from, id, &n.to_string(), None)).collect();
        ids.push((from, new.iter().map(|new| new.id).collect::<Vec<_>>()));
        let messages = f.stores.messages.clone();
        tasks.push(tokio::spawn(async move {
            for new in new {
                messages.append(&new).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let stored = all(f, id).await;
    for (from, ids) in ids {
        let order: Vec<_> =
            stored.iter().filter(|message| message.sender_id == from).map(|message| message.id).collect();
        assert_eq!(order, ids);
    }
}

pub async fn a_repeat_gives_the_first_message(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let first = f.make_message(ada, id, "once", Some("c1"));
    let AppendOutcome::Appended { message, .. } = append(f, &first).await else { panic!("not appended") };
    f.clock.advance(Duration::from_secs(86_400));
    let again = f.make_message(ada, id, "once", Some("c1"));
    assert_eq!(append(f, &again).await, AppendOutcome::Repeated(message));
    assert_eq!(all(f, id).await.len(), 1);
}

pub async fn a_hundred_repeats_at_once_make_one_message(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let new = f.make_message(ada, id, "once", Some("c1"));
            let messages = f.stores.messages.clone();
            tokio::spawn(async move { messages.append(&new).await.unwrap() })
        })
        .collect();
    let (mut ids, mut appended) = (HashSet::new(), 0);
    for task in tasks {
        match task.await.unwrap() {
            AppendOutcome::Appended { message, .. } => {
                appended += 1;
                ids.insert(message.id);
            }
            AppendOutcome::Repeated(message) => {
                ids.insert(message.id);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((appended, ids.len(), all(f, id).await.len()), (1, 1, 1));
}

pub async fn a_client_id_with_another_content_is_refused(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    append(f, &f.make_message(ada, id, "once", Some("c1"))).await;
    let text = f.make_message(ada, id, "twice", Some("c1"));
    assert_eq!(append(f, &text).await, AppendOutcome::ClientIdReused);
    let mut metadata = f.make_message(ada, id, "once", Some("c1"));
    metadata.metadata = Metadata::parse(r#"{"a":1}"#).unwrap();
    assert_eq!(append(f, &metadata).await, AppendOutcome::ClientIdReused);
    assert_eq!(all(f, id).await.len(), 1);
}

pub async fn what_was_sent_before_is_known_without_sending(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let first = f.make_message(ada, id, "once", Some("c1"));
    let known = async |new: NewMessage| f.stores.messages.sent_before(&new.key()).await.unwrap();
    assert_eq!(known(first.clone()).await, None);
    append(f, &first).await;
    let again = f.make_message(ada, id, "once", Some("c1"));
    assert!(matches!(known(again).await, Some(AppendOutcome::Repeated(message)) if message.id == first.id));
    let other = f.make_message(ada, id, "twice", Some("c1"));
    assert_eq!(known(other).await, Some(AppendOutcome::ClientIdReused));
    for new in [f.make_message(ada, id, "once", None), f.make_message(bob, id, "once", Some("c1"))] {
        assert_eq!(known(new).await, None);
    }
    assert_eq!(all(f, id).await.len(), 1);
}

pub async fn a_client_id_is_its_senders_and_its_conversations(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let cem = f.user("cem").await;
    let other = f.open(ada, cem).await.id;
    for (from, to) in [(ada, id), (bob, id), (ada, other)] {
        let outcome = append(f, &f.make_message(from, to, "hello", Some("c1"))).await;
        assert!(matches!(outcome, AppendOutcome::Appended { .. }), "{outcome:?}");
    }
}

pub async fn an_id_that_another_message_has_by_chance_is_a_conflict(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let first = f.make_message(ada, id, "first", Some("c1"));
    append(f, &first).await;
    for (from, text, name) in [(ada, "first", Some("c2")), (bob, "first", Some("c1")), (ada, "first", None)] {
        let new = NewMessage { id: first.id, ..f.make_message(from, id, text, name) };
        let error = f.stores.messages.append(&new).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict("message id")), "{error:?}");
    }
    assert_eq!(f.send(ada, id, "second").await.seq, Seq::new(2), "and those that came with it are stored");
}

pub async fn strangers_and_unknown_conversations_are_refused(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let eve = f.user("eve").await;
    assert_eq!(append(f, &f.make_message(eve, id, "let me in", None)).await, AppendOutcome::NotAMember);
    let unknown = ConversationId::generate(&f.clock, &f.entropy);
    assert_eq!(append(f, &f.make_message(ada, unknown, "anyone?", None)).await, AppendOutcome::NotAMember);
    assert_eq!(all(f, id).await, []);
    assert_eq!(all(f, unknown).await, []);
    let changes = f.stores.messages.changes(unknown, Rev::ZERO, 10).await.unwrap();
    assert_eq!((changes.messages, changes.head), (Vec::new(), Rev::ZERO));
}

pub async fn a_deleted_recipient_is_refused(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    append(f, &f.make_message(ada, id, "in time", Some("c1"))).await;
    f.stores.users.delete(bob, f.now()).await.unwrap();
    assert_eq!(append(f, &f.make_message(ada, id, "too late", None)).await, AppendOutcome::RecipientDeleted);
    let repeat = append(f, &f.make_message(ada, id, "in time", Some("c1"))).await;
    assert!(matches!(repeat, AppendOutcome::Repeated(_)), "{repeat:?}");
}

pub async fn an_append_moves_the_conversation_and_its_sender(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    f.clock.advance(Duration::from_secs(5));
    let message = f.send(ada, id, "hello").await;
    let (mine, his) = (
        f.stores.conversations.find(id, ada).await.unwrap().unwrap(),
        f.stores.conversations.find(id, bob).await.unwrap().unwrap(),
    );
    let conversation = &mine.conversation;
    assert_eq!((conversation.last_seq, conversation.rev), (Seq::new(1), Rev::new(1)));
    assert_eq!(conversation.updated_at, f.now());
    assert_eq!((mine.me.read_seq, his.me.read_seq), (Seq::new(1), Seq::ZERO));
    assert_eq!(his.last_message, Some(message));
    let late = NewMessage { created_at: f.now().before(Duration::from_secs(60)), ..f.make_message(bob, id, "x", None) };
    append(f, &late).await;
    let entry = f.stores.conversations.find(id, ada).await.unwrap().unwrap();
    assert_eq!(entry.conversation.updated_at, f.now(), "a clock that goes back moves no activity back");
    f.set_status(bob, StatusKind::Busy).await;
    for (from, expected) in [(ada, true), (bob, false)] {
        let AppendOutcome::Appended { held, .. } = append(f, &f.make_message(from, id, "y", None)).await else {
            panic!("not appended")
        };
        assert_eq!(held, Some(expected));
    }
}

pub async fn pages_go_both_ways(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    for n in 1..=5 {
        f.send(ada, id, &n.to_string()).await;
    }
    let page = async |window, limit| {
        let messages = f.stores.messages.page(id, window, limit).await.unwrap();
        messages.iter().map(|message| message.seq.get()).collect::<Vec<_>>()
    };
    let seq = Seq::new;
    assert_eq!(page(Window::Newest, 2).await, [4, 5]);
    assert_eq!(page(Window::Newest, 10).await, [1, 2, 3, 4, 5]);
    assert_eq!(page(Window::Before(seq(4)), 2).await, [2, 3]);
    assert_eq!(page(Window::Before(seq(1)), 2).await, Vec::<u64>::new());
    assert_eq!(page(Window::Before(seq(u64::MAX)), 1).await, [5]);
    assert_eq!(page(Window::After(seq(2)), 2).await, [3, 4]);
    assert_eq!(page(Window::After(seq(5)), 2).await, Vec::<u64>::new());
}

pub async fn a_page_of_long_messages_ends_early(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    // Each character takes four bytes.
    let long = "🙂".repeat(MessageText::MAX_CHARS);
    let fit = PAGE_BYTES / long.len();
    for _ in 0..fit + 3 {
        f.send(ada, id, &long).await;
    }
    for (window, first) in [(Window::Newest, 3), (Window::After(Seq::new(1)), 2)] {
        let messages = f.stores.messages.page(id, window, 1000).await.unwrap();
        assert_eq!(messages.len(), fit + 1, "the last one is too many");
        assert_eq!(messages[0].seq, Seq::new(first));
        assert!(messages.iter().skip(1).map(Message::size).sum::<usize>() <= PAGE_BYTES);
    }
}

pub async fn changes_come_in_order_of_their_revisions(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    for n in 1..=5 {
        f.send(ada, id, &n.to_string()).await;
    }
    for (after, limit, expected) in [(0, 2, &[1, 2][..]), (3, 10, &[4, 5]), (5, 10, &[]), (9, 10, &[])] {
        let page = f.stores.messages.changes(id, Rev::new(after), limit).await.unwrap();
        assert_eq!(page.messages.iter().map(|message| message.rev.get()).collect::<Vec<_>>(), expected);
        assert_eq!(page.head, Rev::new(5));
    }
}

pub async fn a_text_is_kept_byte_for_byte(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let texts =
        [" \u{feff}\r\n", "e\u{301} é", "👩‍👩‍👧", "\u{202e}rtl\u{7}", "'; DROP TABLE messages; --", "{\"$gt\":\"\"}"];
    for text in texts.iter().map(|text| format!("x{text}")).chain(["🙂".repeat(8000)]) {
        let sent = f.send(ada, id, &text).await;
        let stored = all(f, id).await.pop().unwrap();
        assert_eq!(stored, sent);
        assert_eq!(stored.text(), text);
    }
}

pub async fn callers_that_go_away_leave_no_half_change(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    for n in 0..200 {
        let new = f.make_message(ada, id, &format!("{n}"), None);
        let messages = f.stores.messages.clone();
        let caller = tokio::spawn(async move { messages.append(&new).await });
        // Some are not begun, some wait for their answer, and some have it.
        for _ in 0..n % 4 {
            tokio::task::yield_now().await;
        }
        caller.abort();
    }
    let last = f.send(ada, id, "the end").await;
    let log = f.stores.messages.page(id, Window::After(Seq::ZERO), 1000).await.unwrap();
    let seqs: Vec<_> = log.iter().map(|message| (message.seq.get(), message.rev.get())).collect();
    assert_eq!(seqs, (1..=last.seq.get()).map(|n| (n, n)).collect::<Vec<_>>());
    let entry = f.stores.conversations.find(id, ada).await.unwrap().unwrap();
    assert_eq!(
        (entry.conversation.last_seq, entry.conversation.rev, entry.me.read_seq),
        (last.seq, last.rev, last.seq)
    );
}
