//! What becomes of messages: edits, deletions, reactions, pins.

use std::collections::BTreeSet;

use parlor_domain::{
    Content, ConversationId, Deletion, Emoji, Excerpt, Forward, Forwarded, GroupAction, Marks, MemberRole,
    MentionedRole, Mentions, Message, MessageAction, MessageChange, MessageId, MessageRefusal, MessageText, Metadata,
    NewMessage, Pin, Reaction, ReplyTo, Rev, Seq, UserId, Version,
    store::{AppendOutcome, ChangeOutcome, PAGE_BYTES, Window},
};

use super::Fixture;

fn emoji(text: &str) -> Emoji {
    Emoji::parse(text).unwrap()
}

fn edit(text: &str) -> MessageAction {
    MessageAction::Edit { text: MessageText::parse(text).unwrap(), metadata: None }
}

async fn try_to(f: &Fixture, message: &Message, by: UserId, action: MessageAction) -> ChangeOutcome {
    let (conversation, message) = (message.conversation_id, message.id);
    let change = MessageChange { conversation, message, by, action, mentions: Mentions::default(), now: f.now() };
    f.stores.messages.change(&change).await.unwrap()
}

async fn change(f: &Fixture, message: &Message, by: UserId, action: MessageAction) -> Message {
    match try_to(f, message, by, action).await {
        ChangeOutcome::Changed(message) => *message,
        other => panic!("{other:?}"),
    }
}

async fn refusal(f: &Fixture, message: &Message, by: UserId, action: MessageAction) -> MessageRefusal {
    match try_to(f, message, by, action).await {
        ChangeOutcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn stored(f: &Fixture, id: MessageId) -> Message {
    f.stores.messages.find_many(&[id]).await.unwrap().pop().unwrap()
}

async fn rev_of(f: &Fixture, id: ConversationId) -> u64 {
    f.stores.messages.changes(id, Rev::ZERO, 1).await.unwrap().head.get()
}

async fn append(f: &Fixture, new: &NewMessage) -> Message {
    match f.stores.messages.append(new).await.unwrap() {
        AppendOutcome::Appended { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

/// Changes messages of a conversation of these two in every way.
pub(super) async fn furnish(f: &Fixture, id: ConversationId, [ada, bob]: [UserId; 2]) {
    let [first, second, third] = [(ada, "frist"), (bob, "second"), (ada, "third")].map(|(by, text)| async move {
        f.clock.advance(std::time::Duration::from_millis(3));
        f.send(by, id, text).await
    });
    let (first, second, third) = (first.await, second.await, third.await);
    change(f, &first, ada, edit("first")).await;
    for (by, sign) in [(ada, "👍"), (bob, "👍"), (bob, ":party_parrot:")] {
        change(f, &first, by, MessageAction::React(emoji(sign))).await;
    }
    change(f, &second, bob, MessageAction::Pin).await;
    change(f, &third, ada, MessageAction::Delete).await;
    let mut answer = f.make_message(bob, id, "I agree", Some("an answer"));
    answer.reply_to = Some(ReplyTo { message: first.id, seq: first.seq, sender: ada });
    answer.mentions = Mentions { users: vec![ada], everyone: true, roles: vec![MentionedRole::Admins] };
    append(f, &answer).await;
    append(f, &forward(f, ada, id, &first)).await;
}

fn forward(f: &Fixture, from: UserId, to: ConversationId, message: &Message) -> NewMessage {
    let origin = Forwarded { sender: message.sender_id, created_at: message.created_at };
    let forward = Forward { conversation: message.conversation_id, message: message.id, origin };
    NewMessage { forward: Some(forward), ..f.make_message(from, to, message.text(), None) }
}

pub async fn an_edit_takes_the_next_revision_and_keeps_what_was_said(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let first = f.send(ada, id, "frist").await;
    f.send(bob, id, "what?").await;
    let began = f.now();
    f.clock.advance(std::time::Duration::from_secs(1));
    let metadata = Metadata::parse(r#"{"a":1}"#).unwrap();
    let text = MessageText::parse("first").unwrap();
    let edited =
        change(f, &first, ada, MessageAction::Edit { text: text.clone(), metadata: Some(metadata.clone()) }).await;
    let marks = Marks { edited_at: Some(f.now()), ..Marks::default() };
    let content = Content::Text(text.clone());
    assert_eq!(edited, Message { rev: Rev::new(3), content, metadata: metadata.clone(), marks, ..first.clone() });
    assert_eq!((edited.seq, edited.created_rev), (Seq::new(1), Rev::new(1)));
    assert_eq!(stored(f, first.id).await, edited);
    let again = change(f, &first, ada, edit("First!")).await;
    assert_eq!((again.rev, &again.metadata), (Rev::new(4), &metadata), "metadata that is not given stays");
    let said = |rev, text, metadata, at| Version { message: first.id, rev: Rev::new(rev), text, metadata, at };
    let before =
        [said(3, MessageText::parse("frist").unwrap(), Metadata::default(), began), said(4, text, metadata, f.now())];
    let versions = async |after, limit| f.stores.messages.versions(first.id, Rev::new(after), limit).await.unwrap();
    assert_eq!(versions(0, 10).await, before);
    assert_eq!((versions(0, 1).await, versions(3, 10).await), (before[..1].to_vec(), before[1..].to_vec()));
    let entry = f.stores.conversations.find(id, bob).await.unwrap().unwrap();
    assert_eq!((entry.conversation.rev, entry.conversation.last_seq), (Rev::new(4), Seq::new(2)));
    assert_eq!(entry.conversation.updated_at, began, "an edit is no new activity");
    assert_eq!(f.send(ada, id, "next").await.rev, Rev::new(5));
}

pub async fn what_changes_nothing_takes_no_revision(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let message = f.send(ada, id, "hello").await;
    change(f, &message, bob, MessageAction::React(emoji("👍"))).await;
    let pinned = change(f, &message, bob, MessageAction::Pin).await;
    for (by, action) in [
        (ada, edit("hello")),
        (bob, MessageAction::React(emoji("👍"))),
        (ada, MessageAction::Unreact(emoji("👍"))),
        (ada, MessageAction::Pin),
    ] {
        let outcome = try_to(f, &message, by, action).await;
        assert_eq!(outcome, ChangeOutcome::Unchanged(Box::new(pinned.clone())));
    }
    let unpinned = change(f, &message, ada, MessageAction::Unpin).await;
    let outcome = try_to(f, &message, ada, MessageAction::Unpin).await;
    assert_eq!(outcome, ChangeOutcome::Unchanged(Box::new(unpinned)));
    assert_eq!(rev_of(f, id).await, 4);
}

pub async fn a_deletion_leaves_only_the_place(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let first = f.send(bob, id, "one").await;
    let mut new = f.make_message(ada, id, "secret", Some("c1"));
    new.metadata = Metadata::parse(r#"{"a":1}"#).unwrap();
    new.reply_to = Some(ReplyTo { message: first.id, seq: first.seq, sender: bob });
    let sent = append(f, &new).await;
    change(f, &sent, ada, edit("still secret")).await;
    change(f, &sent, bob, MessageAction::React(emoji("👍"))).await;
    change(f, &sent, bob, MessageAction::Pin).await;
    let deleted = change(f, &sent, ada, MessageAction::Delete).await;
    let content = Content::Deleted(Deletion { by: ada, at: f.now() });
    let (metadata, marks) = (Metadata::default(), Marks::default());
    assert_eq!(deleted, Message { rev: Rev::new(6), content, metadata, marks, ..sent.clone() });
    let store = &f.stores.messages;
    assert_eq!(stored(f, sent.id).await, deleted);
    assert_eq!(store.versions(sent.id, Rev::ZERO, 10).await.unwrap(), []);
    assert_eq!(store.reactions(sent.id, &emoji("👍"), Rev::ZERO, 10).await.unwrap(), []);
    assert_eq!(store.pins(id, None, 10).await.unwrap(), []);
    assert_eq!(store.append(&new).await.unwrap(), AppendOutcome::Repeated(deleted.clone()), "a repeat sends nothing");
    let again = try_to(f, &sent, ada, MessageAction::Delete).await;
    assert_eq!(again, ChangeOutcome::Unchanged(Box::new(deleted)));
    for (by, action) in [(ada, edit("back")), (bob, MessageAction::React(emoji("👍"))), (bob, MessageAction::Pin)] {
        assert_eq!(refusal(f, &sent, by, action).await, MessageRefusal::Deleted);
    }
    let entry = f.stores.conversations.find(id, bob).await.unwrap().unwrap();
    assert!(entry.last_message.unwrap().is_deleted());
}

pub async fn a_message_is_its_senders_to_edit_and_the_admins_to_delete(f: &Fixture) {
    let (ada, bob, cem) = (f.user("ada").await, f.user("bob").await, f.user("cem").await);
    let id = f.group(ada, &[bob, cem]).await;
    f.change_group(id, ada, GroupAction::SetRole { user: bob, role: MemberRole::Admin }).await;
    let note = f.stores.messages.page(id, Window::Newest, 1).await.unwrap().pop().unwrap();
    let by_ada = f.send(ada, id, "by the owner").await;
    let by_cem = f.send(cem, id, "by a member").await;
    for by in [ada, bob] {
        assert_eq!(refusal(f, &by_cem, by, edit("x")).await, MessageRefusal::NotPermitted);
    }
    for action in [edit("x"), MessageAction::Delete, MessageAction::Pin, MessageAction::Unpin] {
        assert_eq!(refusal(f, &by_ada, cem, action).await, MessageRefusal::NotPermitted);
    }
    for action in [edit("x"), MessageAction::Delete, MessageAction::Pin, MessageAction::React(emoji("👍"))] {
        assert_eq!(refusal(f, &note, ada, action).await, MessageRefusal::NotPermitted, "the server's note stays");
    }
    change(f, &by_cem, bob, MessageAction::Pin).await;
    assert_eq!(change(f, &by_cem, bob, MessageAction::Delete).await.sender_id, cem);
    assert!(change(f, &by_ada, bob, MessageAction::Delete).await.is_deleted());

    let id = f.open(ada, bob).await.id;
    let direct = f.send(ada, id, "between two").await;
    assert_eq!(refusal(f, &direct, bob, MessageAction::Delete).await, MessageRefusal::NotPermitted);
    change(f, &direct, bob, MessageAction::Pin).await;
}

pub async fn who_is_not_there_changes_nothing_and_learns_nothing(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let cem = f.user("cem").await;
    let message = f.send(ada, id, "hello").await;
    let elsewhere = f.open(ada, cem).await.id;
    let unknown = Message { id: MessageId::unnamed(id, &f.entropy), ..message.clone() };
    let misplaced = Message { conversation_id: elsewhere, ..message.clone() };
    let nowhere = Message { conversation_id: ConversationId::from_bytes([9; 12]), ..message.clone() };
    for (message, by) in [(&message, cem), (&unknown, ada), (&misplaced, ada), (&nowhere, ada)] {
        for action in [edit("x"), MessageAction::Delete, MessageAction::React(emoji("👍")), MessageAction::Pin] {
            assert_eq!(refusal(f, message, by, action).await, MessageRefusal::NotFound);
        }
    }
    assert_eq!((rev_of(f, id).await, rev_of(f, elsewhere).await), (1, 0));
    let group = f.group(ada, &[bob]).await;
    let message = f.send(bob, group, "hello").await;
    f.change_group(group, bob, GroupAction::Remove(bob)).await;
    assert_eq!(refusal(f, &message, bob, edit("x")).await, MessageRefusal::NotFound, "who has gone is not there");
}

pub async fn reactions_count_each_user_once_and_name_the_first(f: &Fixture) {
    let mut users = Vec::new();
    for n in 0..Reaction::NAMED + 3 {
        users.push(f.user(&format!("user{n}")).await);
    }
    let id = f.group(users[0], &users[1..]).await;
    let message = f.send(users[0], id, "hello").await;
    let mut after = message.clone();
    for user in &users {
        after = change(f, &message, *user, MessageAction::React(emoji("👍"))).await;
    }
    let after_one_more = change(f, &message, users[4], MessageAction::React(emoji(":b:"))).await;
    assert_eq!(after_one_more.rev, after.rev.next());
    let thumbs = |count, users: &[UserId]| Reaction { emoji: emoji("👍"), count, users: users.to_vec() };
    let total = users.len() as u64;
    assert_eq!(after.marks.reactions, [thumbs(total, &users[..Reaction::NAMED])]);
    let third = change(f, &message, users[2], MessageAction::Unreact(emoji("👍"))).await;
    users.remove(2);
    let named = thumbs(total - 1, &users[..Reaction::NAMED]);
    assert_eq!(third.marks.reactions[0], named, "who comes next is named");
    assert_eq!(stored(f, message.id).await, third);
    change(f, &message, users[Reaction::NAMED + 1], MessageAction::Unreact(emoji("👍"))).await;
    let page = async |after, limit| {
        let found = f.stores.messages.reactions(message.id, &emoji("👍"), after, limit).await.unwrap();
        (found.iter().map(|reaction| reaction.user).collect::<Vec<_>>(), found.last().map(|last| last.rev))
    };
    let (first, last) = page(Rev::ZERO, 30).await;
    let (rest, _) = page(last.unwrap(), 100).await;
    assert_eq!([first, rest].concat(), users[..=Reaction::NAMED]);
    let gone = change(f, &message, users[3], MessageAction::Unreact(emoji(":b:"))).await;
    assert_eq!(gone.marks.reactions.len(), 1, "an emoji without users is gone");
}

pub async fn a_message_has_no_more_sorts_of_reactions_than_it_may(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let message = f.send(ada, id, "hello").await;
    let sign = |n: usize| MessageAction::React(emoji(&format!(":sign-{n}:")));
    for n in 0..Reaction::MAX_EMOJI {
        change(f, &message, ada, sign(n)).await;
    }
    assert_eq!(refusal(f, &message, bob, sign(Reaction::MAX_EMOJI)).await, MessageRefusal::TooManyReactions);
    let full = change(f, &message, bob, sign(0)).await;
    assert_eq!((full.marks.reactions.len(), full.marks.reactions[0].count), (Reaction::MAX_EMOJI, 2));
}

pub async fn pinned_messages_are_listed_the_newest_first(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let mut messages = Vec::new();
    for n in 0..4 {
        messages.push(f.send(ada, id, &n.to_string()).await);
    }
    for n in [2, 0, 3] {
        let pinned = change(f, &messages[n], bob, MessageAction::Pin).await;
        assert_eq!(pinned.marks.pin, Some(Pin { by: bob, at: f.now() }));
    }
    change(f, &messages[2], ada, MessageAction::Unpin).await;
    change(f, &messages[1], ada, MessageAction::Pin).await;
    let pins = async |before, limit| {
        let found = f.stores.messages.pins(id, before, limit).await.unwrap();
        found.iter().map(|message| message.seq.get()).collect::<Vec<_>>()
    };
    assert_eq!(pins(None, 10).await, [4, 2, 1]);
    assert_eq!((pins(None, 2).await, pins(Some(Seq::new(2)), 2).await), (vec![4, 2], vec![1]));
    change(f, &messages[1], ada, MessageAction::Delete).await;
    assert_eq!(pins(None, 10).await, [4, 1]);
}

pub async fn a_conversation_has_no_more_pins_than_it_may(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let mut last = f.send(ada, id, "the first").await;
    for n in 0..Pin::MAX {
        change(f, &last, ada, MessageAction::Pin).await;
        last = f.send(ada, id, &n.to_string()).await;
    }
    assert_eq!(refusal(f, &last, ada, MessageAction::Pin).await, MessageRefusal::TooManyPins);
    let first = f.stores.messages.page(id, Window::Newest, 2).await.unwrap().remove(0);
    change(f, &first, ada, MessageAction::Unpin).await;
    change(f, &last, ada, MessageAction::Pin).await;
}

pub async fn an_answer_and_a_forward_read_back_as_they_were_sent(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let first = f.send(ada, id, "hello").await;
    let mut answer = f.make_message(bob, id, "hi", Some("c1"));
    answer.reply_to = Some(ReplyTo { message: first.id, seq: first.seq, sender: ada });
    let sent = append(f, &answer).await;
    assert_eq!(sent.marks.reply_to, answer.reply_to);
    let passed_on = append(f, &forward(f, bob, id, &first)).await;
    let origin = Forwarded { sender: ada, created_at: first.created_at };
    assert_eq!((passed_on.text(), passed_on.marks.forwarded), ("hello", Some(origin)));
    let log = f.stores.messages.changes(id, Rev::ZERO, 10).await.unwrap().messages;
    assert_eq!(log, [first, sent, passed_on]);
    let mut other = f.make_message(bob, id, "hi", Some("c1"));
    assert_eq!(f.stores.messages.append(&other).await.unwrap(), AppendOutcome::ClientIdReused, "no answer");
    other.reply_to = answer.reply_to.map(|reply| ReplyTo { message: log[2].id, ..reply });
    assert_eq!(f.stores.messages.append(&other).await.unwrap(), AppendOutcome::ClientIdReused, "another answer");
}

pub async fn whoever_knows_a_revision_gets_everything_that_came_after(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    furnish(f, id, [ada, bob]).await;
    let messages = f.stores.messages.page(id, Window::After(Seq::ZERO), 100).await.unwrap();
    let seqs: Vec<u64> = messages.iter().map(|message| message.seq.get()).collect();
    assert_eq!(seqs, (1..=messages.len() as u64).collect::<Vec<_>>());
    assert_eq!(f.stores.messages.page(id, Window::Newest, 100).await.unwrap(), messages);
    let head = rev_of(f, id).await;
    for after in 0..=head {
        let mut expected: Vec<&Message> = messages.iter().filter(|message| message.rev.get() > after).collect();
        expected.sort_unstable_by_key(|message| message.rev);
        for limit in [2, 100] {
            let page = f.stores.messages.changes(id, Rev::new(after), limit).await.unwrap();
            assert_eq!(page.head.get(), head);
            let expected: Vec<&Message> = expected.iter().copied().take(limit).collect();
            assert_eq!(page.messages.iter().collect::<Vec<_>>(), expected);
        }
    }
}

pub async fn changes_beside_messages_make_one_order_without_a_hole(f: &Fixture) {
    const EACH: usize = 10;
    let (ada, bob, id) = f.pair().await;
    let first = f.send(ada, id, "hello").await;
    let mut tasks = Vec::new();
    for by in [ada, bob] {
        let new: Vec<_> = (0..2 * EACH).map(|n| f.make_message(by, id, &format!("{n}"), None)).collect();
        let messages = f.stores.messages.clone();
        tasks.push(tokio::spawn(async move {
            for new in new {
                messages.append(&new).await.unwrap();
            }
        }));
        for line in 0..2 {
            let action = |n: usize| match (by == ada, line) {
                (true, 0) => edit(&n.to_string()),
                _ => MessageAction::React(emoji(&format!(":{line}-{}:", n % 5))),
            };
            let change = |n| MessageChange {
                conversation: id,
                message: first.id,
                by,
                action: action(n),
                mentions: Mentions::default(),
                now: f.now(),
            };
            let changes: Vec<_> = (0..EACH).map(change).collect();
            let messages = f.stores.messages.clone();
            tasks.push(tokio::spawn(async move {
                for change in changes {
                    let outcome = messages.change(&change).await.unwrap();
                    assert!(!matches!(outcome, ChangeOutcome::Refused(_)), "{outcome:?}");
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let log = f.stores.messages.page(id, Window::After(Seq::ZERO), 1000).await.unwrap();
    let seqs: Vec<u64> = log.iter().map(|message| message.seq.get()).collect();
    assert_eq!(seqs, (1..=1 + 4 * EACH as u64).collect::<Vec<_>>());
    let versions = f.stores.messages.versions(first.id, Rev::ZERO, 100).await.unwrap();
    assert_eq!(versions.len(), EACH);
    let mut revs: Vec<Rev> = log[1..].iter().map(|message| message.rev).chain([first.rev]).collect();
    revs.extend(versions.iter().map(|version| version.rev));
    for reaction in &log[0].marks.reactions {
        let found = f.stores.messages.reactions(first.id, &reaction.emoji, Rev::ZERO, 100).await.unwrap();
        assert_eq!(found.len() as u64, reaction.count);
        revs.extend(found.iter().map(|reaction| reaction.rev));
    }
    let distinct: BTreeSet<u64> = revs.iter().map(|rev| rev.get()).collect();
    assert_eq!(distinct.len(), revs.len(), "no two changes have one revision");
    assert_eq!(distinct.into_iter().collect::<Vec<_>>(), (1..=rev_of(f, id).await).collect::<Vec<_>>());
}

pub async fn an_excerpt_is_the_beginning_of_a_message(f: &Fixture) {
    let ada = f.user("ada").await;
    let id = f.group(ada, &[]).await;
    let long = f.send(ada, id, &"🙂".repeat(Excerpt::MAX_CHARS + 1)).await.id;
    let (short, gone) = (f.send(ada, id, "short").await.id, f.send(ada, id, "gone").await);
    change(f, &gone, ada, MessageAction::Delete).await;
    let system = f.stores.messages.page(id, Window::After(Seq::ZERO), 1).await.unwrap()[0].id;
    let unknown = MessageId::unnamed(id, &f.entropy);
    let mut excerpts = f.stores.messages.excerpts(&[long, short, gone.id, system, unknown]).await.unwrap();
    excerpts.sort_by_key(|excerpt| excerpt.text.as_ref().map(String::len));
    let expected = [(gone.id, None), (system, Some(String::new())), (short, Some("short".into()))];
    let excerpt = |(message, text)| Excerpt { message, text };
    let mut expected = expected.map(excerpt).to_vec();
    expected.push(excerpt((long, Some("🙂".repeat(Excerpt::MAX_CHARS)))));
    assert_eq!(excerpts, expected);
    assert_eq!(f.stores.messages.excerpts(&[]).await.unwrap(), []);
}

pub async fn a_page_of_versions_is_bounded_in_bytes(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let text = |n: usize| format!("{n:02}{}", "🙂".repeat(MessageText::MAX_CHARS - 2));
    let message = f.send(ada, id, &text(0)).await;
    for n in 1..=36 {
        change(f, &message, ada, edit(&text(n))).await;
    }
    let versions = async |after: Rev| f.stores.messages.versions(message.id, after, 100).await.unwrap();
    let first = versions(Rev::ZERO).await;
    let bytes: usize = first.iter().map(Version::size).sum();
    let last = first.last().unwrap();
    assert!(bytes > PAGE_BYTES && bytes - last.size() <= PAGE_BYTES, "{bytes}");
    assert_eq!(first.len() + versions(last.rev).await.len(), 36);
}

pub async fn many_react_to_one_message_at_once(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let message = f.send(ada, id, "how do you like it?").await;
    let changes = (0..Reaction::MAX_EMOJI).map(|n| {
        let action = MessageAction::React(emoji(&format!(":n{n}:")));
        let (message, mentions, now) = (message.id, Mentions::default(), f.now());
        let change = MessageChange { conversation: id, message, by: ada, action, mentions, now };
        let messages = std::sync::Arc::clone(&f.stores.messages);
        async move { messages.change(&change).await.unwrap() }
    });
    let outcomes = futures_util::future::join_all(changes).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, ChangeOutcome::Changed(_))), "{outcomes:?}");
    let after = stored(f, message.id).await;
    assert_eq!((after.marks.reactions.len(), after.rev.get()), (20, 21));
}
