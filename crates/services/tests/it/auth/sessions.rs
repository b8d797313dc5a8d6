//! Keeping, listing and ending sessions.

use std::time::Duration;

use futures_util::FutureExt as _;
use parlor_domain::{Clock as _, SessionId, Timestamp};
use parlor_realtime::{CloseReason, Outgoing};
use parlor_services::{AuthFailure, Background, Caller, Password, ServiceError, Tokens};

use super::{Door, config, failure};
use crate::support::{PASSWORD, TEXT, secret};

/// Longer than anything on a loaded machine takes.
const PATIENCE: Duration = Duration::from_secs(20);

impl Door {
    /// A user's first session.
    async fn ada(&self) -> (Caller, Tokens) {
        let tokens = self.sign_up("ada").await.tokens;
        (self.caller(&tokens).unwrap(), tokens)
    }

    /// A further session.
    async fn again(&self) -> (Caller, Tokens) {
        let tokens = self.log_in("ada", PASSWORD).await.unwrap().tokens;
        (self.caller(&tokens).unwrap(), tokens)
    }
}

#[tokio::test]
async fn a_refresh_gives_new_tokens_of_the_same_session() {
    let door = Door::new().await;
    let (caller, tokens) = door.ada().await;
    let renewed = door.refresh(&tokens).await.unwrap();
    assert_eq!(door.caller(&renewed).unwrap(), caller);
    assert_ne!(secret(&renewed.refresh), secret(&tokens.refresh));
    assert!(door.caller(&tokens).is_ok(), "the old access token ends by itself");
    assert!(door.refresh(&renewed).await.is_ok());
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_the_session() {
    let door = Door::new().await;
    let (caller, stolen) = door.ada().await;
    let (_, elsewhere) = door.again().await;
    let (_connection, mut outbox, _) = door.services.live.connect(caller, &TEXT).await.unwrap();
    let renewed = door.refresh(&stolen).await.unwrap();
    assert_eq!(failure(door.refresh(&stolen).await), AuthFailure::Reused);
    assert_eq!(failure(door.caller(&renewed)), AuthFailure::SessionEnded);
    assert_eq!(failure(door.caller(&stolen)), AuthFailure::SessionEnded);
    assert!(door.refresh(&renewed).await.is_err());
    let closed = tokio::time::timeout(PATIENCE, outbox.next()).await.unwrap();
    assert_eq!(closed, Outgoing::Close(CloseReason::SessionEnded));
    assert!(door.caller(&elsewhere).is_ok(), "the user's other sessions go on");
    assert!(door.refresh(&elsewhere).await.is_ok());
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_gets_tokens() {
    let door = Door::new().await;
    let (_, tokens) = door.ada().await;
    let (one, other) = tokio::join!(door.refresh(&tokens), door.refresh(&tokens));
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|ok| **ok).count(), 1);
}

#[tokio::test]
async fn refreshes_from_one_address_are_limited() {
    let mut config = config();
    config.limits.refresh_per_address.burst = 1;
    let door = Door::with(&config).await;
    let (_, tokens) = door.ada().await;
    let renewed = door.refresh(&tokens).await.unwrap();
    let refused = door.refresh(&renewed).await;
    let Err(ServiceError::RateLimited(budget)) = refused else { panic!("{refused:?}") };
    door.clock.advance(budget.retry_after);
    assert!(door.refresh(&renewed).await.is_ok(), "the refusal was no use of the token");
}

#[tokio::test]
async fn a_socket_asks_for_its_session_again_before_an_access_token_would_have_expired_twice() {
    let config = config();
    let door = Door::with(&config).await;
    let (caller, _) = door.ada().await;
    let good_until = door.services.auth.session_end(caller).await.unwrap();
    assert!(good_until <= door.clock.now() + 2 * config.auth.access_ttl, "{good_until:?}");
}

#[tokio::test]
async fn a_session_ends_if_it_is_not_renewed_in_time() {
    let mut config = config();
    config.auth.refresh_idle_ttl = Duration::from_secs(1000);
    config.auth.access_ttl = Duration::from_secs(1000);
    let door = Door::with(&config).await;
    let (caller, tokens) = door.ada().await;
    let started = door.clock.now();
    assert_eq!(tokens.refresh_ttl, Duration::from_secs(1000));
    assert_eq!(door.services.auth.session_end(caller).await.unwrap(), started + Duration::from_secs(1000));
    door.advance(999);
    let renewed = door.refresh(&tokens).await.unwrap();
    assert_eq!(door.services.auth.session_end(caller).await.unwrap(), started + Duration::from_secs(1999));
    door.advance(1000);
    assert_eq!(failure(door.refresh(&renewed).await), AuthFailure::SessionEnded);
    assert_eq!(failure(door.services.auth.session_end(caller).await), AuthFailure::SessionEnded);
}

#[tokio::test]
async fn a_session_ends_in_any_case_at_its_greatest_age() {
    let mut config = config();
    config.auth.refresh_idle_ttl = Duration::from_secs(1000);
    config.auth.refresh_max_ttl = Duration::from_secs(1500);
    let door = Door::with(&config).await;
    let (_, tokens) = door.ada().await;
    door.advance(900);
    let renewed = door.refresh(&tokens).await.unwrap();
    assert_eq!(renewed.refresh_ttl, Duration::from_secs(600));
    door.advance(600);
    assert_eq!(failure(door.refresh(&renewed).await), AuthFailure::SessionEnded);
}

#[tokio::test]
async fn after_a_logout_the_tokens_are_dead_and_the_sockets_closed() {
    let door = Door::new().await;
    let (caller, tokens) = door.ada().await;
    let (_, elsewhere) = door.again().await;
    let (_connection, mut outbox, _) = door.services.live.connect(caller, &TEXT).await.unwrap();
    door.services.auth.log_out(caller).await.unwrap();
    assert_eq!(failure(door.caller(&tokens)), AuthFailure::SessionEnded);
    assert_eq!(failure(door.refresh(&tokens).await), AuthFailure::SessionEnded);
    assert_eq!(outbox.try_next(), Some(Outgoing::Close(CloseReason::SessionEnded)));
    assert!(door.caller(&elsewhere).is_ok());
    door.services.auth.log_out(caller).await.unwrap();
}

#[tokio::test]
async fn a_caller_who_hangs_up_has_logged_out_all_the_same() {
    let door = Door::new().await;
    let (caller, tokens) = door.ada().await;
    let log_out = door.services.auth.log_out(caller).now_or_never();
    assert!(log_out.is_none());
    let refused = tokio::time::timeout(PATIENCE, async {
        while door.caller(&tokens).is_ok() {
            tokio::task::yield_now().await;
        }
    });
    refused.await.unwrap();
}

#[tokio::test]
async fn a_session_that_was_revoked_stays_so_over_a_restart() {
    let door = Door::new().await;
    let (caller, tokens) = door.ada().await;
    let (_, alive) = door.again().await;
    door.services.auth.log_out(caller).await.unwrap();
    door.advance(800);
    let door = door.restarted(&config()).await;
    assert_eq!(failure(door.caller(&tokens)), AuthFailure::SessionEnded);
    assert!(door.caller(&alive).is_ok());
}

#[tokio::test]
async fn sessions_are_listed_with_the_one_that_asks_marked() {
    let door = Door::new().await;
    let (first, _) = door.ada().await;
    door.advance(1);
    let (second, _) = door.again().await;
    door.sign_up("bob").await;
    let listed = door.services.auth.sessions(first).await.unwrap();
    let listed: Vec<(SessionId, bool)> = listed.iter().map(|view| (view.session.id, view.current)).collect();
    assert_eq!(listed, [(second.session, false), (first.session, true)]);
}

#[tokio::test]
async fn one_of_the_own_sessions_can_be_ended_from_another() {
    let door = Door::new().await;
    let (caller, tokens) = door.ada().await;
    let (other, its_tokens) = door.again().await;
    door.services.auth.end_session(caller, other.session).await.unwrap();
    assert_eq!(failure(door.caller(&its_tokens)), AuthFailure::SessionEnded);
    assert!(door.caller(&tokens).is_ok());
    let again = door.services.auth.end_session(caller, other.session).await;
    assert!(matches!(again, Err(ServiceError::NotFound("session"))), "{again:?}");
}

#[tokio::test]
async fn somebody_elses_session_is_as_good_as_unknown() {
    let door = Door::new().await;
    let (ada, tokens) = door.ada().await;
    let eve = door.caller(&door.sign_up("eve").await.tokens).unwrap();
    let refused = door.services.auth.end_session(eve, ada.session).await;
    assert!(matches!(refused, Err(ServiceError::NotFound("session"))), "{refused:?}");
    assert!(door.caller(&tokens).is_ok());
}

#[tokio::test]
async fn all_other_sessions_can_be_ended_at_once() {
    let door = Door::new().await;
    let (caller, tokens) = door.ada().await;
    let others = [door.again().await, door.again().await];
    door.services.auth.end_other_sessions(caller).await.unwrap();
    for (_, its_tokens) in &others {
        assert_eq!(failure(door.caller(its_tokens)), AuthFailure::SessionEnded);
    }
    assert!(door.caller(&tokens).is_ok());
    assert_eq!(door.services.auth.sessions(caller).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_account_loses_its_sessions_at_once() {
    let door = Door::new().await;
    let (caller, tokens) = door.ada().await;
    door.services.users.delete(caller, Password::parse(PASSWORD).unwrap()).await.unwrap();
    assert_eq!(failure(door.caller(&tokens)), AuthFailure::SessionEnded);
    let namesake = door.sign_up("ada").await;
    assert_ne!(namesake.user.user.id, caller.user);
    assert_eq!(failure(door.refresh(&tokens).await), AuthFailure::SessionEnded);
}

#[tokio::test]
async fn upkeep_forgets_only_sessions_whose_tokens_have_all_expired() {
    let door = Door::new().await;
    let (caller, _) = door.ada().await;
    let (later, tokens) = door.again().await;
    door.services.auth.log_out(caller).await.unwrap();
    door.advance(1);
    door.services.auth.log_out(later).await.unwrap();
    door.advance(905);
    let background = Background::start(&door.services, Duration::from_secs(3600));
    let sessions = door.store.stores().sessions;
    let forgotten = tokio::time::timeout(PATIENCE, async {
        loop {
            let known = sessions.revoked_since(Timestamp::from_millis(0)).await.unwrap();
            if known.len() < 2 {
                return known;
            }
        }
    });
    let kept: Vec<SessionId> = forgotten.await.unwrap().into_iter().map(|(session, _)| session).collect();
    assert_eq!(kept, [later.session]);
    assert!(door.caller(&tokens).is_err());
    background.stop().await.unwrap();
}
