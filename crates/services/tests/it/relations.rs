//! Friends, friend requests, and what a block keeps apart.

use std::time::Duration;

use parlor_domain::{
    Bio, Change, Clock as _, Event, Metadata, ProfileChange, ReceiptKind, Relation, RequestState, RequestText, Rev,
    Seq, StatusKind, StreamId, WhoCanWrite,
    store::{Answer, Direction, NewBlock, RequestAnswer},
};
use parlor_services::{AskedFriend, Background, Caller, DirectoryQuery, ProfileUpdate, ServiceError};

use crate::support::{World, nobody};

impl World {
    async fn ask(&self, from: Caller, to: Caller) -> AskedFriend {
        self.services.relations.request(from, to.user, None).await.unwrap()
    }

    async fn refused_ask(&self, from: Caller, to: Caller) -> ServiceError {
        self.services.relations.request(from, to.user, None).await.unwrap_err()
    }

    pub(crate) async fn befriend(&self, from: Caller, to: Caller) {
        let asked = self.ask(from, to).await;
        self.services.relations.answer(to, asked.view.request.id, Answer::Accept).await.unwrap();
    }

    async fn block(&self, who: Caller, whom: Caller) {
        self.services.relations.block(who, whom.user).await.unwrap();
    }

    async fn unblock(&self, who: Caller, whom: Caller) {
        self.services.relations.unblock(who, whom.user).await.unwrap();
    }

    /// The names of a user's friends.
    async fn friends(&self, of: Caller) -> Vec<String> {
        let page = self.services.relations.friends(of, None, 100).await.unwrap();
        page.items.iter().map(|friend| friend.user.user.username.to_string()).collect()
    }

    async fn relation(&self, reader: Caller, of: Caller) -> Relation {
        self.services.users.find(reader, of.user).await.unwrap().relation.unwrap()
    }

    /// Who asks, or is asked.
    async fn waiting(&self, of: Caller, direction: Direction) -> Vec<String> {
        let page = self.services.relations.requests(of, direction, None, 100).await.unwrap();
        assert!(page.items.iter().all(|view| view.request.state == RequestState::Pending), "{page:?}");
        page.items.iter().map(|view| view.other.user.username.to_string()).collect()
    }

    /// What a user is told by a resume from the beginning.
    async fn resumed(&self, who: Caller) -> Vec<Change> {
        let synced = self.services.sync.sync(who, &[(StreamId::User(who.user), Rev::ZERO)]).await.unwrap();
        synced.streams.into_iter().flat_map(|part| part.changes).collect()
    }
}

fn is_unknown_user(error: &ServiceError) -> bool {
    matches!(error, ServiceError::NotFound("user"))
}

#[tokio::test]
async fn a_request_is_told_to_both_and_its_acceptance_makes_friends() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    let text = RequestText::parse("We met at the station").unwrap();
    let asked = world.services.relations.request(ada, bob.user, Some(text.clone())).await.unwrap();
    assert!(asked.created);
    assert_eq!((asked.view.request.text, asked.view.other.user.id), (Some(text), bob.user));
    ada_reads.until("request bob pending@1").await;
    bob_reads.until("request ada pending@1").await;
    assert_eq!(world.relation(ada, bob).await, Relation::RequestSent);
    assert_eq!(world.relation(bob, ada).await, Relation::RequestReceived);
    assert!(!world.ask(ada, bob).await.created, "once");
    let accepted = world.services.relations.answer(bob, asked.view.request.id, Answer::Accept).await.unwrap();
    assert_eq!(accepted.request.state, RequestState::Accepted);
    assert_eq!(ada_reads.until("friend bob").await, ["request bob accepted@2", "friend bob@3"]);
    assert_eq!(bob_reads.until("friend ada").await, ["request ada accepted@2", "friend ada@3"]);
    assert_eq!((world.friends(ada).await, world.friends(bob).await), (vec!["bob".into()], vec!["ada".into()]));
    assert_eq!(world.relation(ada, bob).await, Relation::Friend);
    assert!(matches!(world.refused_ask(ada, bob).await, ServiceError::AlreadyFriends));
}

#[tokio::test]
async fn of_a_rejection_the_one_who_asked_sees_nothing() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    let asked = world.ask(ada, bob).await;
    let id = asked.view.request.id;
    world.clock.advance(Duration::from_secs(60));
    let rejected = world.services.relations.answer(bob, id, Answer::Reject).await.unwrap();
    assert_eq!(rejected.request.state, RequestState::Rejected);
    bob_reads.until("request ada rejected@2").await;
    assert_eq!(world.waiting(bob, Direction::Incoming).await, Vec::<String>::new());
    assert_eq!(world.relation(bob, ada).await, Relation::None);
    assert_eq!(world.waiting(ada, Direction::Outgoing).await, ["bob"]);
    assert_eq!(world.relation(ada, bob).await, Relation::RequestSent);
    let again = world.ask(ada, bob).await;
    assert_eq!((again.view.request, again.created), (asked.view.request, false), "as it was");
    assert_eq!(ada_reads.so_far().await, ["request bob pending@1"]);
    assert_eq!(bob_reads.so_far().await, Vec::<String>::new(), "he is not asked again");
    world.clock.advance(Duration::from_secs(86_400));
    assert!(!world.ask(ada, bob).await.created);
    bob_reads.until("request ada pending@3").await;
    assert_eq!(ada_reads.so_far().await, Vec::<String>::new());
}

#[tokio::test]
async fn two_who_ask_each_other_are_friends() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.ask(ada, bob).await;
    let asked = world.ask(bob, ada).await;
    assert_eq!((asked.view.request.state, asked.created), (RequestState::Accepted, false));
    assert_eq!(world.friends(ada).await, ["bob"]);
}

#[tokio::test]
async fn what_is_not_ones_own_to_answer_is_not_there() {
    let world = World::new().await;
    let (ada, bob, eve) = (world.user("ada").await, world.user("bob").await, world.user("eve").await);
    let relations = &world.services.relations;
    let id = world.ask(ada, bob).await.view.request.id;
    for (who, answer) in [
        (ada, Answer::Accept),
        (ada, Answer::Reject),
        (bob, Answer::Cancel),
        (eve, Answer::Accept),
        (eve, Answer::Cancel),
    ] {
        let error = relations.answer(who, id, answer).await.unwrap_err();
        assert!(matches!(error, ServiceError::NotFound("friend request")), "{error:?}");
    }
    let cancelled = relations.answer(ada, id, Answer::Cancel).await.unwrap();
    assert_eq!(relations.answer(ada, id, Answer::Cancel).await.unwrap(), cancelled, "the same answer again");
    let late = relations.answer(bob, id, Answer::Accept).await.unwrap_err();
    assert!(matches!(late, ServiceError::RequestNotPending), "{late:?}");
    let own = world.refused_ask(ada, ada).await;
    assert!(matches!(own, ServiceError::Invalid { field: "userId", .. }), "{own:?}");
}

#[tokio::test]
async fn who_is_gone_can_be_neither_asked_nor_blocked() {
    let world = World::new().await;
    let (ada, gone) = (world.user("ada").await, world.user("gone").await);
    world.delete_account(gone).await.unwrap();
    for id in [gone.user, nobody()] {
        let asked = world.services.relations.request(ada, id, None).await.unwrap_err();
        let opened = world.services.conversations.open_direct(ada, id).await.unwrap_err();
        let blocked = world.services.relations.block(ada, id).await.unwrap_err();
        assert!(
            is_unknown_user(&asked) && is_unknown_user(&opened) && is_unknown_user(&blocked),
            "{asked:?} {opened:?}"
        );
        world.services.relations.unblock(ada, id).await.unwrap();
        world.services.relations.unfriend(ada, id).await.unwrap();
    }
}

#[tokio::test]
async fn a_block_answers_as_a_setting_and_a_rejection_do() {
    let world = World::new().await;
    let (ada, bob, cem) = (world.user("ada").await, world.user("bob").await, world.user("cem").await);
    let waits = world.ask(cem, ada).await.view.request;
    world.let_write(bob, WhoCanWrite::Nobody).await;
    world.block(ada, bob).await;
    world.block(ada, cem).await;
    for (from, to) in [(bob, ada), (cem, ada), (cem, bob)] {
        let opened = world.services.conversations.open_direct(from, to.user).await.unwrap_err();
        assert!(matches!(opened, ServiceError::NotAllowedToWrite), "{opened:?}");
    }
    let mut ada_reads = world.connect(ada).await;
    let asked = world.ask(bob, ada).await;
    assert_eq!((asked.created, asked.view.request.state), (true, RequestState::Pending));
    let again = world.ask(cem, ada).await;
    assert_eq!((again.created, again.view.request), (false, waits), "it waits as before");
    for who in [bob, cem] {
        assert_eq!(world.waiting(who, Direction::Outgoing).await, ["ada"]);
        assert_eq!(world.relation(who, ada).await, Relation::RequestSent);
    }
    assert_eq!(world.waiting(ada, Direction::Incoming).await, Vec::<String>::new());
    assert_eq!(ada_reads.so_far().await, Vec::<String>::new());
    assert!(matches!(world.refused_ask(ada, bob).await, ServiceError::Blocking));
    let opened = world.services.conversations.open_direct(ada, bob.user).await.unwrap_err();
    assert!(matches!(opened, ServiceError::Blocking), "{opened:?}");
}

#[tokio::test]
async fn a_request_that_is_taken_back_and_made_again_is_not_told_again() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    let id = world.ask(ada, bob).await.view.request.id;
    world.services.relations.answer(ada, id, Answer::Cancel).await.unwrap();
    assert_eq!(bob_reads.until("request ada cancelled").await.len(), 2);
    for _ in 0..3 {
        assert!(world.ask(ada, bob).await.created);
        world.services.relations.answer(ada, id, Answer::Cancel).await.unwrap();
    }
    assert_eq!(ada_reads.until("request bob cancelled@8").await.len(), 8);
    assert_eq!(bob_reads.so_far().await, Vec::<String>::new());
    let resumed = world.resumed(bob).await;
    assert!(
        matches!(&resumed[..], [Change { event: Event::FriendRequestUpdated(view), .. }]
        if view.request.state == RequestState::Cancelled),
        "{resumed:?}"
    );
    world.ask(ada, bob).await;
    world.clock.advance(Duration::from_secs(86_400));
    world.ask(ada, bob).await;
    bob_reads.until("request ada pending").await;
}

#[tokio::test]
async fn a_block_is_told_to_ones_own_devices_alone_and_ends_what_was() {
    let world = World::new().await;
    let (ada, bob, cem) = (world.user("ada").await, world.user("bob").await, world.user("cem").await);
    world.befriend(ada, bob).await;
    world.ask(cem, ada).await;
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    world.block(ada, bob).await;
    world.block(ada, cem).await;
    ada_reads.until(&format!("block {} true", cem.user)).await;
    assert_eq!(bob_reads.so_far().await, Vec::<String>::new());
    assert_eq!((world.friends(ada).await, world.friends(bob).await), (vec![], vec![]));
    assert_eq!(world.waiting(ada, Direction::Incoming).await, Vec::<String>::new());
    let blocked = world.services.relations.blocks(ada, None, 1).await.unwrap();
    assert_eq!((blocked.items[0].user.user.id, blocked.next.as_deref()), (bob.user, Some("bob")));
    assert_eq!(world.relation(ada, bob).await, Relation::Blocked);
    assert_eq!(world.relation(bob, ada).await, Relation::None);
    world.unblock(ada, bob).await;
    ada_reads.until(&format!("block {} false", bob.user)).await;
    assert_eq!(world.relation(ada, bob).await, Relation::None);
}

#[tokio::test]
async fn nothing_that_is_written_typed_or_read_passes_a_block() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    for (from, text) in [(ada, "one"), (bob, "two"), (ada, "three")] {
        world.send(from, id, text).await.unwrap();
    }
    let conversations = &world.services.conversations;
    conversations.advance_receipt(bob, id, ReceiptKind::Delivered, Seq::new(1)).await.unwrap();
    world.block(ada, bob).await;
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    let refused = world.send(bob, id, "hello?").await.unwrap_err();
    assert!(matches!(refused, ServiceError::NotAllowedToWrite), "{refused:?}");
    let refused = world.send(ada, id, "go away").await.unwrap_err();
    assert!(matches!(refused, ServiceError::Blocking), "{refused:?}");
    for who in [ada, bob] {
        conversations.set_typing(who, id, true).await.unwrap();
        let own = conversations.advance_receipt(who, id, ReceiptKind::Read, Seq::new(3)).await.unwrap();
        assert_eq!(
            (own.read_seq, own.unread.map(|unread| unread.messages)),
            (Seq::new(3), Some(0)),
            "for himself he has read it"
        );
    }
    for (reader, other) in [(&mut ada_reads, bob), (&mut bob_reads, ada)] {
        let told = reader.so_far().await;
        assert!(told.iter().all(|text| !text.starts_with("typing")), "{told:?}");
        assert!(told.iter().all(|text| !text.starts_with(&format!("receipt {}", other.user))), "{told:?}");
    }
    let seen = conversations.find(ada, id).await.unwrap();
    assert_eq!((seen.receipts[0].read_seq, seen.receipts[0].delivered_seq), (Seq::ZERO, Seq::new(1)));
    world.unblock(ada, bob).await;
    conversations.set_typing(bob, id, true).await.unwrap();
    world.send(bob, id, "again").await.unwrap();
    let told = ada_reads.until("message again").await;
    assert!(told.contains(&"typing true@3".to_owned()), "{told:?}");
}

#[tokio::test]
async fn who_is_blocked_sees_the_name_and_nothing_else() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let change = ProfileChange {
        bio: Some(Bio::parse("secret").unwrap()),
        metadata: Some(Metadata::parse(r#"{"a":1}"#).unwrap()),
        ..Default::default()
    };
    let update = ProfileUpdate { change, current_password: None };
    world.services.users.update(ada, update.clone()).await.unwrap();
    world.services.users.update(bob, update).await.unwrap();
    world.set_status(ada, StatusKind::Away, None).await;
    let (_ada, _bob) = (world.connect(ada).await, world.connect(bob).await);
    let open = world.services.users.find(bob, ada.user).await.unwrap();
    assert!(open.presence.online);
    world.block(ada, bob).await;
    let conversations = &world.services.conversations;
    let in_inbox = conversations.inbox(bob, None, None, 10).await.unwrap().items.remove(0).other.unwrap();
    let in_conversation = conversations.find(bob, id).await.unwrap().other.unwrap();
    let alone = world.services.users.find(bob, ada.user).await.unwrap();
    let resumed = world.resumed(bob).await.into_iter().find_map(|change| match change.event {
        Event::ConversationCreated(view) => view.other,
        _ => None,
    });
    for seen in [in_inbox, in_conversation, alone, resumed.unwrap()] {
        assert_eq!(seen.user.username.as_str(), "ada");
        assert_eq!((seen.user.bio, seen.user.metadata), (Bio::default(), Metadata::default()));
        assert_eq!((seen.presence, seen.status), Default::default());
    }
    let blocked = world.services.users.find(ada, bob.user).await.unwrap();
    assert_eq!(blocked.user.bio.as_str(), "secret", "she knows him as before");
    assert!(!blocked.presence.online, "but not what he does");
    world.unblock(ada, bob).await;
    let again = world.services.users.find(bob, ada.user).await.unwrap();
    assert_eq!((again.user.bio, again.presence, again.status), (open.user.bio, open.presence, open.status));
}

#[tokio::test]
async fn presence_and_profiles_are_not_told_across_a_block() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let cem = world.user("cem").await;
    for who in [ada, bob] {
        world.services.conversations.open_direct(cem, who.user).await.unwrap();
    }
    let _background = Background::start(&world.services, Duration::from_millis(1));
    let mut cem_reads = world.connect(cem).await;
    let mut ada_reads = world.connect(ada).await;
    let mut bob_reads = world.connect(bob).await;
    cem_reads.until(&format!("presence {} true", bob.user)).await;
    ada_reads.until(&format!("presence {} true", bob.user)).await;
    world.block(ada, bob).await;
    // Each sees the other go.
    ada_reads.until(&format!("presence {} false available", bob.user)).await;
    bob_reads.until(&format!("presence {} false available", ada.user)).await;
    // Once.
    world.block(ada, bob).await;
    for who in [ada, bob] {
        world.set_status(who, StatusKind::Away, None).await;
        cem_reads.until(&format!("presence {} true away", who.user)).await;
        let update = ProfileUpdate {
            change: ProfileChange { bio: Some(Bio::parse("new").unwrap()), ..Default::default() },
            current_password: None,
        };
        world.services.users.update(who, update).await.unwrap();
        cem_reads.until("user").await;
    }
    for (reader, other) in [(&mut ada_reads, bob), (&mut bob_reads, ada)] {
        let told = reader.so_far().await;
        assert!(told.iter().all(|text| !text.contains(&other.user.to_string())), "{told:?}");
    }
    world.unblock(ada, bob).await;
    ada_reads.until(&format!("presence {} true away", bob.user)).await;
    bob_reads.until(&format!("presence {} true away", ada.user)).await;
}

#[tokio::test]
async fn the_block_of_who_looks_absent_shows_nothing() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let mut bob_reads = world.connect(bob).await;
    world.block(ada, bob).await;
    world.unblock(ada, bob).await;
    assert_eq!(bob_reads.so_far().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_search_leaves_out_who_blocks_one_and_its_pages_do_not_tell_it() {
    let world = World::new().await;
    let eve = world.user("eve").await;
    let mut others = Vec::new();
    for name in ["ada", "bob", "cem", "dan", "flo"] {
        others.push(world.user(name).await);
    }
    for who in [0, 1, 3] {
        world.block(others[who], eve).await;
    }
    let page = async |text: &str, after: Option<String>, limit| {
        let query = DirectoryQuery { text: text.to_owned(), after, limit };
        let page = world.services.users.directory(eve, query).await.unwrap();
        (page.items.iter().map(|view| view.user.username.to_string()).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(page("", None, 1).await, (vec!["cem".to_owned()], Some("cem".to_owned())));
    assert_eq!(page("", Some("cem".to_owned()), 1).await, (vec!["flo".to_owned()], None));
    assert_eq!(page("", None, 10).await.0, ["cem", "flo"]);
    assert_eq!(page("ad", None, 1).await, (vec![], None));
    world.block(eve, others[2]).await;
    assert_eq!(page("cem", None, 10).await.0, ["cem"], "whom one blocks oneself, one finds");
}

#[tokio::test]
async fn a_friendship_ends_for_both_and_they_are_told() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.befriend(ada, bob).await;
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    world.services.relations.unfriend(bob, ada.user).await.unwrap();
    ada_reads.until(&format!("no friend {}@4", bob.user)).await;
    bob_reads.until(&format!("no friend {}@4", ada.user)).await;
    world.services.relations.unfriend(bob, ada.user).await.unwrap();
    assert_eq!(bob_reads.so_far().await, Vec::<String>::new());
    assert!(world.ask(ada, bob).await.created, "they may be friends again");
}

#[tokio::test]
async fn friends_of_a_deleted_account_are_told_that_it_is_none_of_theirs() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.befriend(ada, bob).await;
    let mut bob_reads = world.connect(bob).await;
    world.delete_account(ada).await.unwrap();
    bob_reads.until(&format!("no friend {}", ada.user)).await;
    assert_eq!(world.friends(bob).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_resume_tells_the_present_state_of_each_request_friend_and_block() {
    let world = World::new().await;
    let (ada, bob, cem, dan) =
        (world.user("ada").await, world.user("bob").await, world.user("cem").await, world.user("dan").await);
    world.befriend(ada, bob).await;
    world.befriend(ada, cem).await;
    world.services.relations.unfriend(cem, ada.user).await.unwrap();
    world.ask(dan, ada).await;
    world.block(ada, cem).await;
    let told: Vec<String> = world
        .resumed(ada)
        .await
        .into_iter()
        .map(|change| match change.event {
            Event::FriendRequestCreated(view) => format!("asked by {}", view.other.user.username),
            Event::FriendRequestUpdated(view) => {
                format!("{} {}", view.other.user.username, view.request.state.name())
            }
            Event::FriendAdded(view) => format!("friend {}", view.user.user.username),
            Event::FriendRemoved(user) => format!("no friend {}", user == cem.user),
            Event::BlockUpdated(view) => format!("block {} {}", view.user_id == cem.user, view.blocked),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = ["bob accepted", "friend bob", "cem accepted", "no friend true", "asked by dan", "block true true"];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn one_has_no_more_friends_and_blocks_than_one_may() {
    let world = World::new().await;
    let (ada, dan) = (world.user("ada").await, world.user("dan").await);
    let relations = &world.services.relations;
    for name in ["bob", "cem", "eve"] {
        world.befriend(world.user(name).await, ada).await;
    }
    let asked = world.ask(dan, ada).await.view.request.id;
    let own = relations.answer(ada, asked, Answer::Accept).await.unwrap_err();
    let others = world.refused_ask(ada, dan).await;
    for error in [own, others] {
        assert!(matches!(error, ServiceError::ListFull("you have as many friends as one may have")), "{error:?}");
    }
    let flo = world.user("flo").await;
    let to_flo = world.ask(ada, flo).await.view.request.id;
    let full = relations.answer(flo, to_flo, Answer::Accept).await.unwrap_err();
    let expected = "the other user has as many friends as one may have";
    assert!(matches!(full, ServiceError::ListFull(text) if text == expected), "{full:?}");
    assert_eq!(world.waiting(ada, Direction::Incoming).await, ["dan"], "it waits until there is room");
    world.block(dan, ada).await;
    world.block(dan, flo).await;
    let full = relations.block(dan, world.user("gus").await.user).await.unwrap_err();
    assert!(matches!(full, ServiceError::ListFull("you block as many users as one may")), "{full:?}");
    world.block(dan, flo).await;
    world.unblock(dan, flo).await;
    world.block(dan, world.user("ivy").await).await;
}

#[tokio::test]
async fn a_repeat_tells_what_was_done_and_told_to_nobody() {
    let world = World::new().await;
    let (ada, bob, cem) = (world.user("ada").await, world.user("bob").await, world.user("cem").await);
    world.befriend(ada, bob).await;
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    let (stores, relations) = (world.stores().relations, &world.services.relations);
    let now = world.clock.now();
    // Of each the store has done it, and the answer was lost.
    stores.unfriend(ada.user, bob.user).await.unwrap();
    relations.unfriend(ada, bob.user).await.unwrap();
    ada_reads.until(&format!("no friend {}", bob.user)).await;
    bob_reads.until(&format!("no friend {}", ada.user)).await;
    stores.block(&NewBlock { user: ada.user, other: cem.user, now, at_most: 9 }).await.unwrap();
    relations.block(ada, cem.user).await.unwrap();
    ada_reads.until(&format!("block {} true", cem.user)).await;
    stores.unblock(ada.user, cem.user).await.unwrap();
    relations.unblock(ada, cem.user).await.unwrap();
    ada_reads.until(&format!("block {} false", cem.user)).await;
    let asked = world.ask(ada, bob).await.view.request.id;
    bob_reads.until("request ada pending").await;
    let accept = RequestAnswer { id: asked, by: bob.user, answer: Answer::Accept, now, friends: 9 };
    stores.answer(&accept).await.unwrap();
    relations.answer(bob, asked, Answer::Accept).await.unwrap();
    ada_reads.until("friend bob").await;
    bob_reads.until("friend ada").await;
}
