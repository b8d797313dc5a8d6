//! Blocks, and what comes at once with them.

use std::collections::HashSet;

use parlor_domain::{
    RequestState, Rev, TieKind, UserId, UserTopic,
    store::{Answer, BlockOutcome, Direction, NewBlock, NewFriendRequest, RequestAnswer, RequestOutcome},
};

use super::{
    Fixture,
    relations::{
        COOLDOWN, answer, ask, asks, befriend, block, blocks, changed, found, friends, listed, says, ties, topics,
        waiting,
    },
};

pub async fn a_block_ends_everything_between_two_in_silence(f: &Fixture) {
    let (ada, bob, cem) = (f.user("ada").await, f.user("bob").await, f.user("cem").await);
    befriend(f, ada, bob).await;
    let to_cem = waiting(f, ada, cem).await;
    let revs = (f.stores.users.rev(bob).await.unwrap(), f.stores.users.rev(cem).await.unwrap());
    assert_eq!(block(f, ada, bob).await, Some(Rev::new(6)));
    assert!(topics(f, ada).await.ends_with(&[UserTopic::Friend(bob), UserTopic::Block(bob)]));
    assert_eq!(block(f, ada, bob).await, None, "once");
    assert_eq!(block(f, cem, ada).await, Some(revs.1.next().next()));
    assert!(topics(f, cem).await.contains(&UserTopic::FriendRequest(to_cem.id)));
    assert_eq!((friends(&f.stores, ada).await, friends(&f.stores, bob).await), (vec![], vec![]));
    assert_eq!(ties(&f.stores, ada, TieKind::Block).await, [bob]);
    assert_eq!(f.stores.relations.ties_between(bob, ada).await.unwrap(), (None, Some(TieKind::Block)));
    let to_cem_now = found(f, to_cem.id).await;
    assert_eq!((to_cem_now.state, to_cem_now.as_seen_by(ada)), (RequestState::Rejected, to_cem.clone()));
    assert_eq!(listed(f, ada, Direction::Outgoing).await, [to_cem.id], "she sees it waiting");
    assert_eq!(f.stores.users.rev(bob).await.unwrap(), revs.0, "he does not learn of it");
    assert_eq!(f.stores.users.rev(ada).await.unwrap(), Rev::new(6), "nor does she of his");
    assert_eq!(f.stores.relations.unblock(ada, bob).await.unwrap(), Some(Rev::new(7)));
    assert_eq!(f.stores.relations.unblock(ada, bob).await.unwrap(), None);
    assert_eq!(f.stores.relations.unblock(ada, cem).await.unwrap(), None, "his block is his");
    assert_eq!(topics(f, ada).await.last(), Some(&UserTopic::Block(bob)));
    assert_eq!(f.stores.relations.between(ada, bob).await.unwrap().tie, None);
    let unknown = f.make_user("nobody", None).user.id;
    assert_eq!(block(f, ada, unknown).await, None);
}

pub async fn who_was_rejected_gains_nothing_by_a_block(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let request = waiting(f, bob, ada).await;
    changed(answer(f, &request, ada, Answer::Reject).await);
    block(f, bob, ada).await;
    f.stores.relations.unblock(bob, ada).await.unwrap();
    ask(f, bob, ada).await;
    assert_eq!(found(f, request.id).await.state, RequestState::Rejected);
}

pub async fn who_is_blocked_asks_in_vain_and_who_blocks_does_not_ask(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let own = waiting(f, ada, bob).await;
    block(f, ada, bob).await;
    assert_eq!(found(f, own.id).await.state, RequestState::Cancelled);
    let told = f.stores.users.rev(ada).await.unwrap();
    let asked = changed(ask(f, bob, ada).await);
    assert!(asked.new && asked.befriended.is_empty(), "{asked:?}");
    assert_eq!(asked.request.clone().as_seen_by(bob).state, RequestState::Pending);
    assert_eq!(listed(f, bob, Direction::Outgoing).await, [asked.request.id]);
    assert_eq!(listed(f, ada, Direction::Incoming).await, []);
    f.clock.advance(2 * COOLDOWN);
    assert_eq!(ask(f, bob, ada).await, RequestOutcome::Unchanged(asked.request.clone()), "as long as she likes");
    changed(answer(f, &asked.request, bob, Answer::Cancel).await);
    assert!(changed(ask(f, bob, ada).await).new);
    assert_eq!(f.stores.users.rev(ada).await.unwrap(), told);
    assert_eq!(ask(f, ada, bob).await, RequestOutcome::Blocking);
    block(f, bob, ada).await;
    assert_eq!(ask(f, bob, ada).await, RequestOutcome::Blocking, "of his own block he knows");
    f.stores.relations.unblock(ada, bob).await.unwrap();
    f.stores.relations.unblock(bob, ada).await.unwrap();
    f.clock.advance(COOLDOWN);
    assert_eq!(changed(ask(f, bob, ada).await).request.state, RequestState::Pending);
}

pub async fn a_block_and_a_request_at_once_leave_nothing_that_waits(f: &Fixture) {
    for n in 0..10 {
        let (ada, bob) = (f.user(&format!("ada{n}")).await, f.user(&format!("bob{n}")).await);
        let (stores, new, blocked) = (f.stores.clone(), asks(f, bob, ada), blocks(f, ada, bob));
        let asking = tokio::spawn(async move { stores.relations.request(&new).await.unwrap() });
        let stores = f.stores.clone();
        let blocking = tokio::spawn(async move { stores.relations.block(&blocked).await.unwrap() });
        asking.await.unwrap();
        assert!(matches!(blocking.await.unwrap(), BlockOutcome::Made(_)));
        let between = f.stores.relations.between(ada, bob).await.unwrap();
        assert_eq!(between.tie, Some(TieKind::Block));
        let waits = between.received.is_some_and(|request| request.state == RequestState::Pending);
        assert!(!waits, "a request of somebody who is blocked waits");
    }
}

/// Of two changes at once that both write the same, either is first.
pub async fn an_account_that_is_deleted_meanwhile_is_neither_blocked_nor_asked(f: &Fixture) {
    for n in 0..20 {
        let (ada, bob) = (f.user(&format!("ada{n}")).await, f.user(&format!("bob{n}")).await);
        // Asked anew it is in silence, which writes nothing of the other one's.
        let cem = f.user(&format!("cem{n}")).await;
        let request = waiting(f, cem, bob).await;
        answer(f, &request, cem, Answer::Cancel).await;
        let (stores, blocked) = (f.stores.clone(), blocks(f, ada, bob));
        let blocking = tokio::spawn(async move { stores.relations.block(&blocked).await.unwrap() });
        let (stores, asked) = (f.stores.clone(), asks(f, cem, bob));
        let asking = tokio::spawn(async move { stores.relations.request(&asked).await.unwrap() });
        let (stores, now) = (f.stores.clone(), f.now());
        let deleting = tokio::spawn(async move { stores.users.delete(bob, now).await.unwrap() });
        blocking.await.unwrap();
        asking.await.unwrap();
        assert!(deleting.await.unwrap().is_some());
        assert_eq!(f.stores.relations.blocks(&[ada]).await.unwrap(), [], "round {n}");
        assert_eq!(listed(f, cem, Direction::Outgoing).await, [], "round {n}");
    }
}

pub async fn of_many_acceptances_and_blocks_at_once_no_more_count_than_one_may_have(f: &Fixture) {
    let ada = f.user("ada").await;
    let mut tasks = Vec::new();
    for n in 0..6 {
        let (friend, foe) = (f.user(&format!("friend{n}")).await, f.user(&format!("foe{n}")).await);
        let request = waiting(f, friend, ada).await;
        let (stores, accept) = (f.stores.clone(), says(f, request.id, ada, Answer::Accept));
        let block = NewBlock { at_most: 2, ..blocks(f, ada, foe) };
        tasks.push(tokio::spawn(async move {
            let accepted = stores.relations.answer(&RequestAnswer { friends: 2, ..accept }).await.unwrap();
            (accepted, stores.relations.block(&block).await.unwrap())
        }));
    }
    let (mut accepted, mut blocked) = (0, 0);
    for task in tasks {
        let (answer, block) = task.await.unwrap();
        match answer {
            RequestOutcome::Changed(_) => accepted += 1,
            other => assert_eq!(other, RequestOutcome::TooManyFriends(ada)),
        }
        match block {
            BlockOutcome::Made(_) => blocked += 1,
            other => assert_eq!(other, BlockOutcome::TooMany),
        }
    }
    assert_eq!((accepted, blocked), (2, 2));
    assert_eq!((friends(&f.stores, ada).await.len(), ties(&f.stores, ada, TieKind::Block).await.len()), (2, 2));
    let eve = f.user("eve").await;
    waiting(f, ada, eve).await;
    let asked = f.stores.relations.request(&NewFriendRequest { friends: 2, ..asks(f, eve, ada) }).await.unwrap();
    assert_eq!(asked, RequestOutcome::TooManyFriends(ada));
}

pub async fn blocks_are_found_from_both_sides(f: &Fixture) {
    let (ada, bob, cem, dan) = (f.user("ada").await, f.user("bob").await, f.user("cem").await, f.user("dan").await);
    block(f, ada, bob).await;
    block(f, cem, ada).await;
    befriend(f, ada, dan).await;
    block(f, dan, cem).await;
    let blocks =
        async |of: &[UserId]| -> HashSet<_> { f.stores.relations.blocks(of).await.unwrap().into_iter().collect() };
    assert_eq!(blocks(&[ada]).await, HashSet::from([(ada, bob), (cem, ada)]));
    assert_eq!(blocks(&[bob, dan]).await, HashSet::from([(ada, bob), (dan, cem)]));
    assert_eq!(blocks(&[]).await, HashSet::new());
}
