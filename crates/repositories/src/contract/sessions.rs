//! Sign-ins, their refresh tokens, and one-time tickets.

use std::time::Duration;

use parlor_domain::{
    SecretHash, UserId,
    store::{NewSession, Renewal},
};

use super::Fixture;

const IDLE: Duration = Duration::from_secs(60);

fn hash(token: &str) -> SecretHash {
    SecretHash::of(token.as_bytes())
}

pub async fn a_session_is_live_until_its_first_end(f: &Fixture) {
    let ada = f.user("ada").await;
    let new = f.make_session(ada, "token");
    f.stores.sessions.insert(&new).await.unwrap();
    let id = new.session.id;
    assert_eq!(f.stores.sessions.find(id, f.now()).await.unwrap(), Some(new.session));
    assert_eq!(f.stores.sessions.find(id, f.now() + IDLE).await.unwrap(), None);
    for step in 0..11 {
        f.clock.advance(Duration::from_secs(50));
        let (token, next) = (format!("token{}", "+".repeat(step)), format!("token{}", "+".repeat(step + 1)));
        let renewed = f.stores.sessions.renew(&hash(&token), &hash(&next), f.now(), IDLE).await.unwrap();
        assert!(matches!(renewed, Renewal::Renewed(_)), "{step}: {renewed:?}");
    }
    f.clock.advance(Duration::from_secs(50));
    let late = f.stores.sessions.renew(&hash(&format!("token{}", "+".repeat(11))), &hash("x"), f.now(), IDLE).await;
    assert_eq!(late.unwrap(), Renewal::Ended, "no renewal goes beyond the end");
}

pub async fn nobody_signs_in_to_a_deleted_account(f: &Fixture) {
    let ada = f.user("ada").await;
    f.stores.users.delete(ada, f.now()).await.unwrap();
    assert!(!f.stores.sessions.insert(&f.make_session(ada, "token")).await.unwrap());
    let unknown = f.make_user("nobody", None).user.id;
    assert!(!f.stores.sessions.insert(&f.make_session(unknown, "token")).await.unwrap());
}

pub async fn a_renewal_replaces_the_token(f: &Fixture) {
    let ada = f.user("ada").await;
    let id = f.session(ada, "first").await;
    f.clock.advance(Duration::from_secs(10));
    let renewed = f.stores.sessions.renew(&hash("first"), &hash("second"), f.now(), IDLE).await.unwrap();
    let Renewal::Renewed(session) = renewed else { panic!("{renewed:?}") };
    assert_eq!((session.id, session.renewed_at, session.idle_expires_at), (id, f.now(), f.now() + IDLE));
    assert_eq!(f.stores.sessions.find(id, f.now()).await.unwrap(), Some(session));
    let unknown = f.stores.sessions.renew(&hash("never"), &hash("third"), f.now(), IDLE).await.unwrap();
    assert_eq!(unknown, Renewal::Unknown);
}

pub async fn a_replaced_token_revokes_its_session(f: &Fixture) {
    let ada = f.user("ada").await;
    let (id, other) = (f.session(ada, "first").await, f.session(ada, "other").await);
    f.stores.sessions.renew(&hash("first"), &hash("second"), f.now(), IDLE).await.unwrap();
    let reused = f.stores.sessions.renew(&hash("first"), &hash("third"), f.now(), IDLE).await.unwrap();
    assert!(matches!(reused, Renewal::Reused(session) if session.id == id));
    assert_eq!(f.stores.sessions.find(id, f.now()).await.unwrap(), None);
    let newest = f.stores.sessions.renew(&hash("second"), &hash("fourth"), f.now(), IDLE).await.unwrap();
    assert_eq!(newest, Renewal::Ended, "the whole family is over");
    assert!(f.stores.sessions.find(other, f.now()).await.unwrap().is_some(), "other sign-ins go on");
}

pub async fn of_two_renewals_at_once_one_alone_succeeds(f: &Fixture) {
    let ada = f.user("ada").await;
    f.session(ada, "first").await;
    let sessions = &f.stores.sessions;
    let (token, left, right) = (hash("first"), hash("left"), hash("right"));
    let (a, b) =
        tokio::join!(sessions.renew(&token, &left, f.now(), IDLE), sessions.renew(&token, &right, f.now(), IDLE));
    let outcomes = [a.unwrap(), b.unwrap()];
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Renewal::Renewed(_))).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Renewal::Reused(_))).count(), 1, "{outcomes:?}");
}

pub async fn sessions_are_listed_and_revoked_by_their_owner_alone(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let first = f.session(ada, "first").await;
    f.clock.advance(Duration::from_secs(1));
    let (second, third) = (f.session(ada, "second").await, f.session(ada, "third").await);
    let sessions = &f.stores.sessions;
    assert!(!sessions.revoke(bob, first, f.now()).await.unwrap());
    let listed: Vec<_> = sessions.list(ada, f.now()).await.unwrap().iter().map(|session| session.id).collect();
    assert_eq!((listed.len(), listed[2]), (3, first), "the last renewed first");
    assert!(sessions.revoke(ada, first, f.now()).await.unwrap());
    assert!(!sessions.revoke(ada, first, f.now()).await.unwrap(), "it is over");
    assert_eq!(sessions.revoke_others(ada, second, f.now()).await.unwrap(), [third]);
    assert_eq!(sessions.list(ada, f.now()).await.unwrap().len(), 1);
    assert_eq!(sessions.list(bob, f.now()).await.unwrap(), []);
}

pub async fn revoked_sessions_are_told_since_a_time(f: &Fixture) {
    let ada = f.user("ada").await;
    let (early, late) = (f.session(ada, "early").await, f.session(ada, "late").await);
    f.stores.sessions.revoke(ada, early, f.now()).await.unwrap();
    f.clock.advance(Duration::from_secs(10));
    let since = f.now();
    f.stores.sessions.revoke(ada, late, since).await.unwrap();
    assert_eq!(f.stores.sessions.revoked_since(since).await.unwrap(), [(late, since)]);
    assert_eq!(f.stores.sessions.revoked_since(since.before(Duration::from_secs(10))).await.unwrap().len(), 2);
}

pub async fn a_ticket_is_taken_once_and_in_time(f: &Fixture) {
    let ada = f.user("ada").await;
    let id = f.session(ada, "token").await;
    let sessions = &f.stores.sessions;
    let expires_at = f.now() + Duration::from_secs(30);
    for ticket in ["one", "two", "three"] {
        sessions.insert_ticket(&hash(ticket), id, expires_at).await.unwrap();
    }
    let one = hash("one");
    let (a, b) = tokio::join!(sessions.take_ticket(&one, f.now()), sessions.take_ticket(&one, f.now()));
    let taken: Vec<_> = [a.unwrap(), b.unwrap()].into_iter().flatten().collect();
    assert_eq!(taken.iter().map(|session| session.id).collect::<Vec<_>>(), [id]);
    assert_eq!(sessions.take_ticket(&hash("never"), f.now()).await.unwrap(), None);
    assert_eq!(sessions.take_ticket(&hash("two"), expires_at).await.unwrap(), None, "too late");
    sessions.revoke(ada, id, f.now()).await.unwrap();
    assert_eq!(sessions.take_ticket(&hash("three"), f.now()).await.unwrap(), None, "its session is over");
}

pub async fn purging_forgets_only_the_dead(f: &Fixture) {
    let ada = f.user("ada").await;
    let (dead, live) = (f.session(ada, "dead").await, f.session(ada, "live").await);
    f.stores.sessions.revoke(ada, dead, f.now()).await.unwrap();
    let revoked_at = f.now();
    f.clock.advance(Duration::from_secs(1));
    f.stores.sessions.purge(f.now()).await.unwrap();
    assert_eq!(f.stores.sessions.revoked_since(revoked_at).await.unwrap(), []);
    let gone = f.stores.sessions.renew(&hash("dead"), &hash("x"), f.now(), IDLE).await.unwrap();
    assert_eq!(gone, Renewal::Unknown);
    assert!(f.stores.sessions.find(live, f.now()).await.unwrap().is_some());
}

/// Adds a session and replaces its token: the old one is `Reused` for as long as the store knows the session.
async fn replaced(f: &Fixture, ada: UserId, token: &str, change: impl FnOnce(&mut NewSession)) {
    let mut new = f.make_session(ada, token);
    change(&mut new);
    assert!(f.stores.sessions.insert(&new).await.unwrap());
    let next = hash(&format!("after {token}"));
    let renewed = f.stores.sessions.renew(&new.token, &next, f.now(), IDLE).await.unwrap();
    assert!(matches!(renewed, Renewal::Renewed(_)));
}

pub async fn purging_forgets_each_sort_of_dead_session(f: &Fixture) {
    let ada = f.user("ada").await;
    let early = f.now() + Duration::from_secs(1);
    replaced(f, ada, "idle", |_| {}).await;
    replaced(f, ada, "at its end", |new| new.session.expires_at = early).await;
    f.clock.advance(Duration::from_secs(30));
    replaced(f, ada, "live", |_| {}).await;
    f.stores.sessions.purge(f.now()).await.unwrap();
    let outcome = async |token: &str| {
        f.stores.sessions.renew(&hash(token), &hash(&format!("{token} again")), f.now(), IDLE).await.unwrap()
    };
    assert_eq!(outcome("at its end").await, Renewal::Unknown);
    f.clock.advance(Duration::from_secs(31));
    f.stores.sessions.purge(f.now()).await.unwrap();
    assert_eq!(outcome("idle").await, Renewal::Unknown);
    assert!(matches!(outcome("live").await, Renewal::Reused(_)));
}
