//! Friends, friend requests and blocks.

use std::{collections::HashSet, time::Duration};

use parlor_domain::{
    FriendRequest, FriendRequestId, ProfileChange, RequestState, RequestText, Rev, SettingsChange, TieKind, UserId,
    UserTopic, WhoCanWrite,
    store::{
        Answer, Between, BlockOutcome, Direction, NewBlock, NewFriendRequest, RequestAnswer, RequestChange,
        RequestOutcome, RequestPage, Stores, TiePage,
    },
};

use super::Fixture;

pub(super) const COOLDOWN: Duration = Duration::from_secs(3600);

pub(super) fn asks(f: &Fixture, from: UserId, to: UserId) -> NewFriendRequest {
    let id = FriendRequestId::generate(&f.clock, &f.entropy);
    let text = RequestText::parse("It's me,\nyour neighbour").ok();
    NewFriendRequest { id, from, to, text, now: f.now(), cooldown: COOLDOWN, friends: u32::MAX }
}

pub(super) fn says(f: &Fixture, id: FriendRequestId, by: UserId, answer: Answer) -> RequestAnswer {
    RequestAnswer { id, by, answer, now: f.now(), friends: u32::MAX }
}

pub(super) async fn ask(f: &Fixture, from: UserId, to: UserId) -> RequestOutcome {
    f.stores.relations.request(&asks(f, from, to)).await.unwrap()
}

pub(super) fn changed(outcome: RequestOutcome) -> RequestChange {
    match outcome {
        RequestOutcome::Changed(change) => change,
        other => panic!("{other:?}"),
    }
}

/// A request that waits.
pub(super) async fn waiting(f: &Fixture, from: UserId, to: UserId) -> FriendRequest {
    changed(ask(f, from, to).await).request
}

pub(super) async fn answer(f: &Fixture, request: &FriendRequest, by: UserId, answer: Answer) -> RequestOutcome {
    f.stores.relations.answer(&says(f, request.id, by, answer)).await.unwrap()
}

pub(super) async fn befriend(f: &Fixture, a: UserId, b: UserId) {
    let request = waiting(f, a, b).await;
    changed(answer(f, &request, b, Answer::Accept).await);
}

pub(super) fn blocks(f: &Fixture, user: UserId, other: UserId) -> NewBlock {
    NewBlock { user, other, now: f.now(), at_most: u32::MAX }
}

pub(super) async fn block(f: &Fixture, user: UserId, other: UserId) -> Option<Rev> {
    match f.stores.relations.block(&blocks(f, user, other)).await.unwrap() {
        BlockOutcome::Made(rev) => Some(rev),
        BlockOutcome::Unchanged => None,
        BlockOutcome::TooMany => panic!("there is no limit"),
    }
}

pub(super) async fn friends(stores: &Stores, user: UserId) -> Vec<UserId> {
    ties(stores, user, TieKind::Friend).await
}

pub(super) async fn ties(stores: &Stores, user: UserId, kind: TieKind) -> Vec<UserId> {
    let page = TiePage { user, kind, after: None, limit: 100 };
    stores.relations.ties(&page).await.unwrap().into_iter().map(|tie| tie.other).collect()
}

pub(super) async fn listed(f: &Fixture, user: UserId, direction: Direction) -> Vec<FriendRequestId> {
    let page = RequestPage { user, direction, after: None, limit: 100 };
    f.stores.relations.requests(&page).await.unwrap().into_iter().map(|request| request.id).collect()
}

/// The topics of a user's own stream in their order.
pub(super) async fn topics(f: &Fixture, user: UserId) -> Vec<UserTopic> {
    let log = f.stores.conversations.user_changes(user, Rev::ZERO, 100).await.unwrap();
    log.changes.into_iter().map(|change| change.topic).collect()
}

pub(super) async fn found(f: &Fixture, id: FriendRequestId) -> FriendRequest {
    f.stores.relations.requests_of(&[id]).await.unwrap().remove(0)
}

/// Puts some of everything in for the other suites.
pub(super) async fn furnish(f: &Fixture, [ada, bob, cem, dan]: [UserId; 4]) {
    befriend(f, ada, bob).await;
    befriend(f, cem, bob).await;
    waiting(f, dan, ada).await;
    let rejected = waiting(f, dan, bob).await;
    f.clock.advance(Duration::from_secs(1));
    answer(f, &rejected, bob, Answer::Reject).await;
    let gus = f.user("gus").await;
    let cancelled = waiting(f, gus, ada).await;
    answer(f, &cancelled, gus, Answer::Cancel).await;
    block(f, ada, gus).await;
    block(f, gus, ada).await;
    block(f, cem, gus).await;
}

/// Puts so many in that a plan shows whether it is a good one, and reads them.
pub(super) async fn fill(f: &Fixture, users: &[UserId]) {
    for pair in users.windows(2) {
        befriend(f, pair[0], pair[1]).await;
    }
    for three in users.windows(3) {
        block(f, three[0], three[2]).await;
    }
    for four in users.windows(4) {
        waiting(f, four[0], four[3]).await;
    }
    let (user, relations) = (users[10], &f.stores.relations);
    for direction in [Direction::Incoming, Direction::Outgoing] {
        let newest = RequestPage { user, direction, after: None, limit: 10 };
        let last = relations.requests(&newest).await.unwrap().pop().unwrap();
        relations.requests(&RequestPage { after: Some((last.created_at, last.id)), ..newest }).await.unwrap();
    }
    for kind in [TieKind::Friend, TieKind::Block] {
        let page = TiePage { user, kind, after: None, limit: 10 };
        relations.ties(&page).await.unwrap();
        relations.ties(&TiePage { after: Some("filler1".to_owned()), ..page }).await.unwrap();
    }
    relations.between(user, users[11]).await.unwrap();
    relations.ties_between(user, users[11]).await.unwrap();
    relations.ties_to(user, users).await.unwrap();
    relations.blocks(users).await.unwrap();
    relations.has_written(user, users[11]).await.unwrap();
    relations.has_written(users[11], user).await.unwrap();
}

pub async fn a_request_waits_in_both_streams_until_it_is_accepted(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let new = asks(f, ada, bob);
    let asked = changed(f.stores.relations.request(&new).await.unwrap());
    let expected = FriendRequest {
        id: new.id,
        from: ada,
        to: bob,
        text: new.text,
        state: RequestState::Pending,
        created_at: f.now(),
        updated_at: f.now(),
        rejected_at: None,
    };
    assert_eq!(asked.request, expected);
    assert!(asked.new);
    assert_eq!(asked.told, [(ada, Rev::new(1)), (bob, Rev::new(1))]);
    assert_eq!(f.stores.relations.requests_of(&[new.id]).await.unwrap(), std::slice::from_ref(&expected));
    let between = f.stores.relations.between(ada, bob).await.unwrap();
    assert_eq!(between, Between { sent: Some(expected.clone()), ..Between::default() });
    f.clock.advance(Duration::from_secs(1));
    let accepted = changed(answer(f, &expected, bob, Answer::Accept).await);
    let expected = FriendRequest { state: RequestState::Accepted, updated_at: f.now(), ..expected };
    assert_eq!(accepted.request, expected);
    assert_eq!(accepted.told, [(ada, Rev::new(2)), (bob, Rev::new(2))]);
    assert_eq!(accepted.befriended, [(ada, Rev::new(3)), (bob, Rev::new(3))]);
    for (me, other) in [(ada, bob), (bob, ada)] {
        assert_eq!(friends(&f.stores, me).await, [other]);
        assert_eq!(topics(f, me).await, [UserTopic::FriendRequest(new.id), UserTopic::Friend(other)]);
        let both = (Some(TieKind::Friend), Some(TieKind::Friend));
        assert_eq!(f.stores.relations.ties_between(me, other).await.unwrap(), both);
        assert_eq!(f.stores.relations.ties_to(me, &[other, me]).await.unwrap()[0].since, f.now());
    }
    assert_eq!(ask(f, ada, bob).await, RequestOutcome::Friends);
    assert_eq!(ask(f, bob, ada).await, RequestOutcome::Friends);
}

pub async fn asking_again_changes_nothing_while_a_request_waits(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let first = waiting(f, ada, bob).await;
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(f, ada, bob).await, RequestOutcome::Unchanged(first.clone()));
    let unknown = f.make_user("nobody", None).user.id;
    assert_eq!(ask(f, ada, unknown).await, RequestOutcome::Unknown);
    assert_eq!(topics(f, bob).await, [UserTopic::FriendRequest(first.id)]);
}

pub async fn who_asks_back_becomes_a_friend(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let request = waiting(f, ada, bob).await;
    let accepted = changed(ask(f, bob, ada).await);
    assert_eq!((accepted.request.id, accepted.request.state), (request.id, RequestState::Accepted));
    assert_eq!((accepted.befriended.len(), accepted.new), (2, false));
    assert_eq!(friends(&f.stores, ada).await, [bob]);
    assert_eq!(listed(f, bob, Direction::Incoming).await, []);
}

pub async fn many_who_ask_each_other_at_once_get_one_friendship(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let tasks: Vec<_> = (0..30)
        .map(|n| {
            let (from, to) = if n % 2 == 0 { (ada, bob) } else { (bob, ada) };
            let (stores, new) = (f.stores.clone(), asks(f, from, to));
            tokio::spawn(async move { stores.relations.request(&new).await.unwrap() })
        })
        .collect();
    let (mut ids, mut made, mut befriended) = (HashSet::new(), 0, 0);
    for task in tasks {
        match task.await.unwrap() {
            RequestOutcome::Changed(change) => {
                ids.insert(change.request.id);
                made += usize::from(change.new);
                befriended += usize::from(!change.befriended.is_empty());
            }
            RequestOutcome::Unchanged(request) => drop(ids.insert(request.id)),
            RequestOutcome::Friends => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((ids.len(), made, befriended), (1, 1, 1));
    assert_eq!((friends(&f.stores, ada).await, friends(&f.stores, bob).await), (vec![bob], vec![ada]));
    assert_eq!(f.stores.users.rev(ada).await.unwrap(), Rev::new(3));
}

pub async fn of_many_answers_at_once_one_counts(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let request = waiting(f, ada, bob).await;
    let tasks: Vec<_> = (0..30)
        .map(|n| {
            let (by, answer) = [(bob, Answer::Accept), (ada, Answer::Cancel), (bob, Answer::Reject)][n % 3];
            let (stores, given) = (f.stores.clone(), says(f, request.id, by, answer));
            tokio::spawn(async move { (answer, stores.relations.answer(&given).await.unwrap()) })
        })
        .collect();
    let mut counted = Vec::new();
    for task in tasks {
        if let (answer, RequestOutcome::Changed(_)) = task.await.unwrap() {
            counted.push(answer);
        }
    }
    // What was rejected can be taken back by the one who does not know of it.
    counted.retain(|answer| *answer != Answer::Cancel);
    let left = found(f, request.id).await;
    let expected: &[Answer] = match (left.state, left.rejected_at) {
        (RequestState::Accepted, None) => &[Answer::Accept],
        (RequestState::Cancelled, None) => &[],
        (RequestState::Rejected | RequestState::Cancelled, Some(_)) => &[Answer::Reject],
        _ => panic!("{left:?}"),
    };
    assert_eq!(counted, expected);
    let friends_of = if left.state == RequestState::Accepted { vec![bob] } else { Vec::new() };
    assert_eq!(friends(&f.stores, ada).await, friends_of);
}

pub async fn an_answer_is_for_one_of_the_two_and_is_given_once(f: &Fixture) {
    let (ada, bob, eve) = (f.user("ada").await, f.user("bob").await, f.user("eve").await);
    let every = [Answer::Accept, Answer::Reject, Answer::Cancel];
    for given in every {
        let request = waiting(f, ada, bob).await;
        let (by, not_by) = if given == Answer::Cancel { (ada, bob) } else { (bob, ada) };
        assert_eq!(answer(f, &request, not_by, given).await, RequestOutcome::Unknown);
        assert_eq!(answer(f, &request, eve, given).await, RequestOutcome::Unknown);
        let unknown = FriendRequest { id: FriendRequestId::from_bytes([9; 12]), ..request.clone() };
        assert_eq!(answer(f, &unknown, by, given).await, RequestOutcome::Unknown);
        f.clock.advance(Duration::from_secs(1));
        let answered = changed(answer(f, &request, by, given).await).request;
        assert_eq!(answered.updated_at, f.now());
        f.clock.advance(Duration::from_secs(1));
        assert_eq!(answer(f, &request, by, given).await, RequestOutcome::Unchanged(answered.clone()));
        let others = every.into_iter().filter(|other| *other != given && *other != Answer::Cancel);
        for other in others {
            assert_eq!(answer(f, &request, bob, other).await, RequestOutcome::NotPending, "{other:?} after {given:?}");
        }
        f.stores.relations.unfriend(ada, bob).await.unwrap();
        f.clock.advance(2 * COOLDOWN);
        if given == Answer::Reject {
            changed(answer(f, &request, ada, Answer::Cancel).await);
        }
    }
}

pub async fn a_rejection_is_told_to_nobody_else_and_holds_for_its_time(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let request = waiting(f, ada, bob).await;
    let rejected = changed(answer(f, &request, bob, Answer::Reject).await);
    assert_eq!(rejected.told, [(bob, Rev::new(2))]);
    assert_eq!(f.stores.users.rev(ada).await.unwrap(), Rev::new(1), "she does not learn of it");
    assert_eq!(listed(f, bob, Direction::Incoming).await, []);
    assert_eq!(listed(f, ada, Direction::Outgoing).await, [request.id]);
    f.clock.advance(COOLDOWN - Duration::from_secs(1));
    assert_eq!(ask(f, ada, bob).await, RequestOutcome::Unchanged(rejected.request.clone()));
    assert_eq!(f.stores.users.rev(bob).await.unwrap(), Rev::new(2));
    f.clock.advance(Duration::from_secs(1));
    let again = changed(ask(f, ada, bob).await);
    assert_eq!((again.request, again.new), (request.clone(), false), "it waits as it did");
    assert_eq!(again.told, [(bob, Rev::new(3))]);
    assert_eq!(listed(f, bob, Direction::Incoming).await, [request.id]);
}

pub async fn a_rejected_request_that_is_taken_back_and_asked_anew_bothers_nobody(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let request = waiting(f, ada, bob).await;
    answer(f, &request, bob, Answer::Reject).await;
    let cancelled = changed(answer(f, &request, ada, Answer::Cancel).await);
    assert_eq!(cancelled.told, [(ada, Rev::new(2))]);
    assert_eq!(answer(f, &request, ada, Answer::Cancel).await, RequestOutcome::Unchanged(cancelled.request));
    f.clock.advance(Duration::from_secs(60));
    let again = changed(ask(f, ada, bob).await);
    assert_eq!((again.request.state, again.new), (RequestState::Rejected, true));
    assert_eq!(again.told, [(ada, Rev::new(3))]);
    assert_eq!(listed(f, ada, Direction::Outgoing).await, [request.id]);
    assert_eq!(listed(f, bob, Direction::Incoming).await, []);
    f.clock.advance(COOLDOWN);
    assert_eq!(changed(ask(f, ada, bob).await).request.state, RequestState::Pending);
    assert_eq!(listed(f, bob, Direction::Incoming).await, [request.id]);
}

pub async fn who_takes_a_request_back_and_asks_again_and_again_bothers_nobody(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let request = waiting(f, ada, bob).await;
    answer(f, &request, ada, Answer::Cancel).await;
    let told = f.stores.users.rev(bob).await.unwrap();
    for round in 0..3 {
        f.clock.advance(Duration::from_secs(60));
        let again = changed(ask(f, ada, bob).await);
        assert_eq!((again.request.id, again.new), (request.id, true), "round {round}");
        assert_eq!(again.told.iter().map(|(user, _)| *user).collect::<Vec<_>>(), [ada]);
        assert_eq!(again.request.clone().as_seen_by(ada).state, RequestState::Pending);
        assert_eq!(again.request.as_seen_by(bob).state, RequestState::Cancelled);
        assert_eq!(
            (listed(f, ada, Direction::Outgoing).await, listed(f, bob, Direction::Incoming).await.len()),
            (vec![request.id], 0)
        );
        assert_eq!(answer(f, &request, bob, Answer::Accept).await, RequestOutcome::NotPending);
        let back = changed(answer(f, &request, ada, Answer::Cancel).await);
        assert_eq!(back.told.iter().map(|(user, _)| *user).collect::<Vec<_>>(), [ada]);
    }
    assert_eq!(f.stores.users.rev(bob).await.unwrap(), told);
    ask(f, ada, bob).await;
    f.clock.advance(COOLDOWN);
    let waits = changed(ask(f, ada, bob).await);
    assert_eq!((waits.request.state, waits.told), (RequestState::Pending, vec![(bob, told.next())]));
}

pub async fn an_acceptance_does_not_outlive_the_friendship(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let request = waiting(f, ada, bob).await;
    let accepted = changed(answer(f, &request, bob, Answer::Accept).await).request;
    assert_eq!(answer(f, &request, bob, Answer::Accept).await, RequestOutcome::Unchanged(accepted));
    f.stores.relations.unfriend(ada, bob).await.unwrap();
    assert_eq!(answer(f, &request, bob, Answer::Accept).await, RequestOutcome::NotPending);
}

pub async fn who_was_rejected_becomes_a_friend_when_he_is_asked(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let request = waiting(f, ada, bob).await;
    answer(f, &request, bob, Answer::Reject).await;
    let asked = changed(ask(f, bob, ada).await);
    assert_eq!((asked.request.id, asked.request.state), (request.id, RequestState::Accepted));
    assert_eq!(asked.request.rejected_at, None);
    assert_eq!(friends(&f.stores, ada).await, [bob]);
}

pub async fn a_request_that_was_answered_is_used_anew(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let first = waiting(f, ada, bob).await;
    answer(f, &first, ada, Answer::Cancel).await;
    f.clock.advance(COOLDOWN);
    let other = NewFriendRequest { text: None, ..asks(f, ada, bob) };
    let second = changed(f.stores.relations.request(&other).await.unwrap());
    assert!(second.new);
    let anew = FriendRequest { text: None, created_at: f.now(), updated_at: f.now(), ..first };
    assert_eq!(second.request, anew, "the same request, said otherwise and at another time");
    answer(f, &anew, bob, Answer::Accept).await;
    f.stores.relations.unfriend(bob, ada).await.unwrap();
    assert_eq!(changed(ask(f, ada, bob).await).request.id, anew.id);
    assert_eq!(topics(f, ada).await, [UserTopic::Friend(bob), UserTopic::FriendRequest(anew.id)]);
}

pub async fn requests_that_wait_are_listed_the_newest_first(f: &Fixture) {
    let ada = f.user("ada").await;
    let mut expected = Vec::new();
    for name in ["bob", "cem", "dan", "eve", "flo"] {
        let other = f.user(name).await;
        // Two have equal times: the greater id comes first among them.
        if name != "eve" {
            f.clock.advance(Duration::from_secs(1));
        }
        let request = waiting(f, other, ada).await;
        expected.push((request.created_at, request.id));
        waiting(f, other, f.user(&format!("{name}2")).await).await;
    }
    expected.sort_unstable();
    expected.reverse();
    let mut page = RequestPage { user: ada, direction: Direction::Incoming, after: None, limit: 2 };
    let mut seen = Vec::new();
    loop {
        let requests = f.stores.relations.requests(&page).await.unwrap();
        assert!(requests.len() <= 2);
        let Some(last) = requests.last() else { break };
        page.after = Some((last.created_at, last.id));
        seen.extend(requests.iter().map(|request| (request.created_at, request.id)));
    }
    assert_eq!(seen, expected);
    assert_eq!(f.stores.relations.requests(&RequestPage { after: None, limit: 0, ..page }).await.unwrap(), []);
    assert_eq!(listed(f, ada, Direction::Outgoing).await, []);
}

pub async fn friends_are_listed_by_name_and_end_for_both(f: &Fixture) {
    let ada = f.user("ada").await;
    let mut ids = Vec::new();
    for name in ["Dan", "bob", "Cem"] {
        ids.push(f.user(name).await);
        befriend(f, ada, ids[ids.len() - 1]).await;
    }
    let [dan, bob, cem] = ids[..] else { panic!("{ids:?}") };
    assert_eq!(friends(&f.stores, ada).await, [bob, cem, dan]);
    let after_bob = TiePage { user: ada, kind: TieKind::Friend, after: Some("bob".to_owned()), limit: 1 };
    assert_eq!(f.stores.relations.ties(&after_bob).await.unwrap()[0].name, "cem");
    let ended = f.stores.relations.unfriend(cem, ada).await.unwrap();
    assert_eq!(ended, Some([(cem, Rev::new(4)), (ada, Rev::new(10))]));
    assert_eq!(topics(f, ada).await.last(), Some(&UserTopic::Friend(cem)));
    assert_eq!(friends(&f.stores, ada).await, [bob, dan]);
    assert_eq!(friends(&f.stores, cem).await, []);
    assert_eq!(f.stores.relations.unfriend(ada, cem).await.unwrap(), None);
}

pub async fn friendships_are_ended_a_few_at_a_time(f: &Fixture) {
    let ada = f.user("ada").await;
    for name in ["bob", "cem", "dan"] {
        befriend(f, ada, f.user(name).await).await;
    }
    let ended = f.stores.relations.end_friendships(ada, 2).await.unwrap();
    assert_eq!(ended.len(), 2);
    for [(user, own), (friend, rev)] in ended {
        assert_eq!((user, rev), (ada, Rev::new(4)));
        let changes = f.stores.conversations.user_changes(ada, own.previous(), 1).await.unwrap().changes;
        assert_eq!((changes[0].rev, changes[0].topic), (own, UserTopic::Friend(friend)));
        assert_eq!(topics(f, friend).await.last(), Some(&UserTopic::Friend(ada)));
        assert_eq!(friends(&f.stores, friend).await, []);
    }
    assert_eq!(friends(&f.stores, ada).await.len(), 1);
    assert_eq!(f.stores.relations.end_friendships(ada, 2).await.unwrap().len(), 1);
    assert!(f.stores.relations.end_friendships(ada, 2).await.unwrap().is_empty());
}

pub async fn whether_somebody_has_written_is_known(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let cem = f.user("cem").await;
    f.send(ada, id, "are you there?").await;
    f.send(ada, id, "hello?").await;
    let has_written = async |user, to| f.stores.relations.has_written(user, to).await.unwrap();
    assert!(has_written(ada, bob).await);
    assert!(!has_written(bob, ada).await);
    assert!(!has_written(ada, cem).await);
    f.send(bob, id, "yes").await;
    assert!(has_written(bob, ada).await);
}

pub async fn a_deleted_account_is_nobodys_friend_and_its_friends_are_told(f: &Fixture) {
    let (ada, bob, cem, dan) = (f.user("ada").await, f.user("bob").await, f.user("cem").await, f.user("dan").await);
    befriend(f, ada, bob).await;
    let (to_cem, from_dan) = (waiting(f, ada, cem).await, waiting(f, dan, ada).await);
    block(f, bob, cem).await;
    let deleted = f.stores.users.delete(ada, f.now()).await.unwrap().unwrap();
    assert_eq!(deleted.friends, [(bob, Rev::new(5))]);
    assert_eq!(topics(f, bob).await.last(), Some(&UserTopic::Friend(ada)));
    assert_eq!(friends(&f.stores, bob).await, []);
    assert_eq!(f.stores.relations.requests_of(&[to_cem.id, from_dan.id]).await.unwrap(), []);
    for (user, direction) in [(cem, Direction::Incoming), (dan, Direction::Outgoing)] {
        assert_eq!(listed(f, user, direction).await, []);
    }
    f.stores.users.delete(cem, f.now()).await.unwrap();
    assert_eq!(f.stores.relations.blocks(&[bob]).await.unwrap(), []);
    assert_eq!(ask(f, bob, cem).await, RequestOutcome::Unknown);
    assert_eq!(ask(f, cem, bob).await, RequestOutcome::Unknown);
    assert_eq!(block(f, bob, cem).await, None);
}

pub async fn who_can_write_is_a_setting_like_the_others(f: &Fixture) {
    let ada = f.user("ada").await;
    let set = async |settings| {
        let change = ProfileChange { settings, ..ProfileChange::default() };
        f.stores.users.update_profile(ada, &change).await.unwrap().unwrap().settings
    };
    let hidden = set(SettingsChange { show_last_seen: Some(false), ..SettingsChange::default() }).await;
    assert_eq!(hidden.who_can_write, WhoCanWrite::Anyone);
    for choice in WhoCanWrite::ALL {
        let settings = set(SettingsChange { who_can_write: Some(choice), ..SettingsChange::default() }).await;
        assert_eq!((settings.who_can_write, settings.show_last_seen), (choice, false));
        assert_eq!(f.stores.users.find(ada).await.unwrap().unwrap().settings, settings);
    }
}
