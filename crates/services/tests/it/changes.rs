//! Changing messages: who may, who is told, and what is read back.

use parlor_domain::{
    Change, ConversationId, Delivery, Emoji, Event, MessageAction, MessageId, MessageText, MessageView, ReceiptKind,
    Rev, Seq, StatusKind, StreamId, store::Window,
};
use parlor_services::{Caller, MessageBody, SendMessage, Sent, ServiceError, ServiceResult};

use crate::support::{World, message};

fn emoji(text: &str) -> Emoji {
    Emoji::parse(text).unwrap()
}

fn edit(text: &str) -> MessageAction {
    MessageAction::Edit { text: MessageText::parse(text).unwrap(), metadata: None }
}

impl World {
    async fn say(&self, from: Caller, to: ConversationId, text: &str) -> MessageId {
        self.send(from, to, text).await.unwrap().message.message.id
    }

    async fn change(
        &self,
        by: Caller,
        at: (ConversationId, MessageId),
        action: MessageAction,
    ) -> ServiceResult<MessageView> {
        self.services.messages.change(by, at.0, at.1, action).await
    }

    async fn answer(
        &self,
        from: Caller,
        to: ConversationId,
        reply_to: MessageId,
        name: Option<&str>,
    ) -> ServiceResult<Sent> {
        let mut send = message(to, "an answer", name);
        if let MessageBody::Text { reply_to: answered, .. } = &mut send.body {
            *answered = Some(reply_to);
        }
        self.services.messages.send(from, send).await
    }

    async fn forward(&self, from: Caller, to: ConversationId, at: (ConversationId, MessageId)) -> ServiceResult<Sent> {
        let body = MessageBody::Forward { conversation: at.0, message: at.1 };
        self.services.messages.send(from, SendMessage { body, ..message(to, "x", Some(&at.1.to_string())) }).await
    }
}

/// The changes of a conversation after a revision, in words.
async fn missed(world: &World, by: Caller, id: ConversationId, known: u64) -> Vec<String> {
    let asked = [(StreamId::Conversation(id), Rev::new(known))];
    let synced = world.services.sync.sync(by, &asked).await.unwrap();
    let word = |Change { rev, event, .. }: &Change| match event {
        Event::MessageCreated(view) if view.message.is_deleted() => format!("new, gone {}@{rev}", view.message.seq),
        Event::MessageCreated(view) => format!("new {}@{rev}", view.message.text()),
        Event::MessageUpdated(view) => format!("changed {}@{rev}", view.message.text()),
        Event::MessageDeleted(view) => format!("gone {}@{rev}", view.message.seq),
        other => panic!("{other:?}"),
    };
    synced.streams[0].changes.iter().map(word).collect()
}

#[tokio::test]
async fn every_change_reaches_every_connection_with_the_whole_message() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut readers = [world.connect(ada).await, world.connect(bob).await];
    let first = (id, world.say(ada, id, "frist").await);
    let edited = world.change(ada, first, edit("first")).await.unwrap();
    assert_eq!((edited.message.text(), edited.delivery), ("first", Some(Delivery::Sent)));
    let liked = world.change(bob, first, MessageAction::React(emoji("👍"))).await.unwrap();
    assert_eq!(liked.delivery, None, "that is for its sender");
    world.change(bob, first, MessageAction::Pin).await.unwrap();
    world.change(ada, first, MessageAction::Delete).await.unwrap();
    for reader in &mut readers {
        let told: Vec<String> = reader.until("gone").await;
        let told: Vec<&str> = told.iter().map(String::as_str).filter(|text| !text.starts_with("message")).collect();
        assert_eq!(told, ["changed first@2", "changed first 👍1@3", "changed first 👍1@4", "gone 1@5"]);
    }
    let page = world.services.messages.history(bob, id, Window::Newest, 10).await.unwrap();
    assert!(page.items[0].message.is_deleted());
}

#[tokio::test]
async fn the_same_change_again_is_pushed_to_nobody() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let first = (id, world.say(ada, id, "hello").await);
    world.change(ada, first, MessageAction::Delete).await.unwrap();
    let mut reader = world.connect(bob).await;
    let again = world.change(ada, first, MessageAction::Delete).await.unwrap();
    assert!(again.message.is_deleted());
    world.send(ada, id, "next").await.unwrap();
    let told = reader.until("message next").await;
    assert!(!told.iter().any(|text| text.starts_with("gone")), "{told:?}");
}

#[tokio::test]
async fn who_comes_back_gets_each_changed_message_once_in_its_present_state() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let first = (id, world.say(ada, id, "frist").await);
    let second = (id, world.say(bob, id, "second").await);
    world.change(ada, first, edit("first")).await.unwrap();
    world.change(bob, second, MessageAction::React(emoji("👍"))).await.unwrap();
    world.change(bob, second, MessageAction::Delete).await.unwrap();
    world.say(ada, id, "third").await;
    let of = [
        (0, &["new first@3", "new, gone 2@5", "new third@6"][..]),
        (1, &["changed first@3", "new, gone 2@5", "new third@6"]),
        (2, &["changed first@3", "gone 2@5", "new third@6"]),
        (3, &["gone 2@5", "new third@6"]),
        (5, &["new third@6"]),
        (6, &[]),
    ];
    for (known, expected) in of {
        assert_eq!(missed(&world, bob, id, known).await, expected, "after {known}");
    }
}

#[tokio::test]
async fn changes_are_held_for_a_busy_user_and_released_once_in_order() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let first = (id, world.say(ada, id, "frist").await);
    let second = (id, world.say(ada, id, "second").await);
    let mut reader = world.connect(bob).await;
    world.set_status(bob, StatusKind::Busy, None).await;
    let edited = world.change(ada, first, edit("first")).await.unwrap();
    assert_eq!(edited.delivery, Some(Delivery::Sent), "it had been sent before he became busy");
    world.change(ada, second, MessageAction::Delete).await.unwrap();
    world.send(ada, id, "third").await.unwrap();
    world.set_status(bob, StatusKind::Available, None).await;
    let told = reader.until("message third").await;
    let told: Vec<&str> =
        told.iter().map(String::as_str).filter(|text| text.contains('@') && !text.starts_with("user")).collect();
    assert_eq!(told, ["changed first@3", "gone 2@4", "message third@5"]);
}

#[tokio::test]
async fn changes_at_once_are_handed_out_in_the_order_of_their_revisions() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let first = (id, world.say(ada, id, "0").await);
    let mut reader = world.connect(bob).await;
    let mut tasks = Vec::new();
    for n in 0..20 {
        let services = world.services.clone();
        tasks.push(tokio::spawn(async move {
            if n % 2 == 0 {
                services.messages.change(ada, id, first.1, edit(&format!("edit {n}"))).await.unwrap();
            } else {
                services.messages.send(ada, message(id, &format!("message {n}"), None)).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    world.send(ada, id, "the end").await.unwrap();
    let told = reader.until("message the end").await;
    let revs: Vec<u64> = told.iter().filter_map(|text| text.rsplit_once('@')?.1.parse().ok()).collect();
    assert_eq!(revs, (2..=22).collect::<Vec<_>>(), "{told:?}");
}

#[tokio::test]
async fn an_answer_shows_the_beginning_of_what_it_answers_as_long_as_that_is_there() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let long = "é".repeat(300);
    let first = (id, world.say(ada, id, &long).await);
    let sent = world.answer(bob, id, first.1, Some("c1")).await.unwrap();
    assert_eq!(sent.message.quote.as_deref(), Some(&*"é".repeat(200)));
    assert_eq!(sent.message.message.marks.reply_to.unwrap().sender, ada.user);
    world.change(ada, first, edit("short")).await.unwrap();
    let quote = async || {
        let at = (id, sent.message.message.id);
        let found = world.services.messages.find(ada, at).await.unwrap().quote;
        let history = world.services.messages.history(ada, id, Window::Newest, 10).await.unwrap();
        assert_eq!(history.items.last().unwrap().quote, found);
        let entry = world.services.conversations.find(ada, id).await.unwrap();
        assert_eq!(entry.last_message.unwrap().quote, found);
        found
    };
    assert_eq!(quote().await.as_deref(), Some("short"));
    world.change(ada, first, MessageAction::Delete).await.unwrap();
    assert_eq!(quote().await, None);
    let again = world.answer(bob, id, first.1, Some("c1")).await.unwrap();
    assert!(again.repeated, "what was sent, was sent");
    let another = world.answer(bob, id, first.1, Some("c2")).await;
    assert!(matches!(another, Err(ServiceError::Invalid { field: "replyTo", .. })), "{another:?}");
}

#[tokio::test]
async fn an_answer_is_to_a_message_of_the_same_conversation() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let cem = world.user("cem").await;
    let elsewhere = world.services.conversations.open_direct(ada, cem.user).await.unwrap().view.conversation.id;
    let there = world.say(ada, elsewhere, "hello").await;
    let answered = world.answer(ada, id, there, None).await;
    assert!(matches!(answered, Err(ServiceError::Invalid { field: "replyTo", .. })), "{answered:?}");
    for unknown in [there, MessageId::from_bytes([9; 12])] {
        let stranger = world.answer(bob, elsewhere, unknown, None).await;
        assert!(matches!(stranger, Err(ServiceError::NotFound("conversation"))), "{stranger:?}");
    }
}

#[tokio::test]
async fn a_message_is_passed_on_by_who_can_read_it() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let cem = world.user("cem").await;
    let to = world.services.conversations.open_direct(bob, cem.user).await.unwrap().view.conversation.id;
    let first = (id, world.say(ada, id, "news").await);
    let sent = world.forward(bob, to, first).await.unwrap().message.message;
    assert_eq!((sent.text(), sent.marks.forwarded.unwrap().sender), ("news", ada.user));
    let back = world.services.conversations.open_direct(cem, ada.user).await.unwrap().view.conversation.id;
    let on = world.forward(cem, back, (to, sent.id)).await.unwrap().message.message;
    assert_eq!(on.marks.forwarded.unwrap().sender, ada.user, "who said it first");
    for at in [first, (id, MessageId::from_bytes([9; 12])), (to, first.1)] {
        let refused = world.forward(cem, back, at).await;
        assert!(matches!(refused, Err(ServiceError::NotFound("message"))), "{refused:?}");
    }
    world.change(ada, first, MessageAction::Delete).await.unwrap();
    assert!(world.forward(bob, to, first).await.unwrap().repeated, "what was sent, was sent");
    let refused = world.forward(bob, id, first).await;
    assert!(matches!(refused, Err(ServiceError::Invalid { field: "forward", .. })), "{refused:?}");
}

#[tokio::test]
async fn a_message_that_was_passed_on_says_what_its_first_author_said() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let first = (id, world.say(ada, id, "yes").await);
    let on = world.forward(bob, id, first).await.unwrap().message.message;
    let edited = world.change(bob, (id, on.id), edit("no")).await;
    assert!(matches!(edited, Err(ServiceError::NotPermitted)), "{edited:?}");
    world.change(bob, (id, on.id), MessageAction::Delete).await.unwrap();
}

#[tokio::test]
async fn who_is_gone_gets_nothing_by_repeating_what_he_sent() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let group = world.group(ada, &[bob]).await;
    let first = world.say(ada, group, "hello").await;
    world.answer(bob, group, first, Some("c1")).await.unwrap();
    world.services.groups.remove(ada, group, bob.user).await.unwrap();
    for name in ["c1", "c2"] {
        let refused = world.answer(bob, group, first, Some(name)).await;
        assert!(matches!(refused, Err(ServiceError::NotFound("conversation"))), "{refused:?}");
    }
}

#[tokio::test]
async fn strangers_and_who_is_gone_get_the_same_as_for_what_is_not_there() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let eve = world.user("eve").await;
    let group = world.group(ada, &[bob]).await;
    let message = (id, world.say(ada, id, "hello").await);
    let gone = (group, world.say(bob, group, "hello").await);
    world.services.groups.remove(ada, group, bob.user).await.unwrap();
    let unknown = (id, MessageId::from_bytes([9; 12]));
    let misplaced = (group, message.1);
    for (by, at) in [(eve, message), (bob, gone), (ada, unknown), (ada, misplaced)] {
        for action in [edit("x"), MessageAction::Delete, MessageAction::React(emoji("👍")), MessageAction::Pin] {
            let refused = world.change(by, at, action).await;
            assert!(matches!(refused, Err(ServiceError::NotFound("message"))), "{refused:?}");
        }
        let messages = &world.services.messages;
        let read = [
            messages.find(by, at).await.err(),
            messages.versions(by, at, Rev::ZERO, 10).await.err(),
            messages.reactions(by, at, &emoji("👍"), (Rev::ZERO, 10)).await.err(),
        ];
        assert!(read.iter().all(|error| matches!(error, Some(ServiceError::NotFound("message")))), "{read:?}");
    }
    assert!(world.services.messages.pins(eve, id, None, 10).await.is_err());
}

#[tokio::test]
async fn who_may_not_write_may_only_take_back() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let message = (id, world.say(ada, id, "hello").await);
    world.change(ada, message, MessageAction::React(emoji("👍"))).await.unwrap();
    world.services.relations.block(bob, ada.user).await.unwrap();
    for action in [edit("x"), MessageAction::React(emoji("👎")), MessageAction::Pin] {
        let refused = world.change(ada, message, action.clone()).await;
        assert!(matches!(refused, Err(ServiceError::NotAllowedToWrite)), "{refused:?}");
        let refused = world.change(bob, message, action).await;
        assert!(matches!(refused, Err(ServiceError::Blocking)), "{refused:?}");
    }
    world.change(ada, message, MessageAction::Unreact(emoji("👍"))).await.unwrap();
    world.change(ada, message, MessageAction::Delete).await.unwrap();
}

#[tokio::test]
async fn in_a_group_nobody_reacts_to_whom_a_block_parts_him_from() {
    let world = World::new().await;
    let (ada, bob, cem) = (world.user("ada").await, world.user("bob").await, world.user("cem").await);
    let id = world.group(ada, &[bob, cem]).await;
    let by_bob = (id, world.say(bob, id, "hello").await);
    let by_cem = (id, world.say(cem, id, "hello").await);
    world.services.relations.block(bob, cem.user).await.unwrap();
    let react = || MessageAction::React(emoji("👍"));
    let refused = world.change(cem, by_bob, react()).await;
    assert!(matches!(refused, Err(ServiceError::NotAllowedToWrite)), "{refused:?}");
    let refused = world.change(bob, by_cem, react()).await;
    assert!(matches!(refused, Err(ServiceError::Blocking)), "{refused:?}");
    world.change(ada, by_bob, react()).await.unwrap();
}

#[tokio::test]
async fn an_admin_deletes_what_a_member_wrote_and_its_sender_keeps_no_way_back() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let id = world.group(ada, &[bob]).await;
    let message = (id, world.say(bob, id, "hello").await);
    let refused = world.change(ada, message, edit("x")).await;
    assert!(matches!(refused, Err(ServiceError::NotPermitted)), "{refused:?}");
    world.change(ada, message, MessageAction::Delete).await.unwrap();
    let refused = world.change(bob, message, edit("back")).await;
    assert!(matches!(refused, Err(ServiceError::MessageDeleted)), "{refused:?}");
    let rev = world.services.messages.find(bob, message).await.unwrap().message.rev;
    let like = MessageAction::Unreact(Emoji::parse("👍").unwrap());
    for (who, action) in [(bob, like), (ada, MessageAction::Unpin), (ada, MessageAction::Delete)] {
        assert_eq!(world.change(who, message, action).await.unwrap().message.rev, rev);
    }
}

#[tokio::test]
async fn a_deleted_message_counts_as_unread_for_nobody() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut messages = Vec::new();
    for n in 0..3 {
        messages.push((id, world.say(ada, id, &n.to_string()).await));
    }
    let unread = async || world.services.conversations.find(bob, id).await.unwrap().unread.messages;
    assert_eq!(unread().await, 3);
    world.change(ada, messages[1], MessageAction::Delete).await.unwrap();
    assert_eq!(unread().await, 2);
    let receipt = world.services.conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(1)).await.unwrap();
    assert_eq!((receipt.unread.map(|unread| unread.messages), unread().await), (Some(1), 1));
}
