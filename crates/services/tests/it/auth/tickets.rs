//! One-time tickets for sockets.

use std::time::Duration;

use parlor_services::AuthFailure;

use super::{Door, failure};
use crate::support::secret;

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let door = Door::new().await;
    let caller = door.caller(&door.sign_up("ada").await.tokens).unwrap();
    let auth = &door.services.auth;
    let ticket = auth.issue_ticket(caller).await.unwrap();
    assert_eq!(ticket.ttl, Duration::from_secs(30));
    assert_eq!(auth.redeem_ticket(secret(&ticket.secret)).await.unwrap(), caller);
    assert_eq!(failure(auth.redeem_ticket(secret(&ticket.secret)).await), AuthFailure::Invalid);
}

#[tokio::test]
async fn of_two_sockets_with_one_ticket_one_gets_in() {
    let door = Door::new().await;
    let caller = door.caller(&door.sign_up("ada").await.tokens).unwrap();
    let auth = &door.services.auth;
    let ticket = auth.issue_ticket(caller).await.unwrap().secret;
    let (one, other) = tokio::join!(auth.redeem_ticket(secret(&ticket)), auth.redeem_ticket(secret(&ticket)));
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|ok| **ok).count(), 1);
}

#[tokio::test]
async fn a_ticket_is_good_for_30_seconds() {
    let door = Door::new().await;
    let caller = door.caller(&door.sign_up("ada").await.tokens).unwrap();
    let auth = &door.services.auth;
    let (early, late) = (auth.issue_ticket(caller).await.unwrap(), auth.issue_ticket(caller).await.unwrap());
    door.advance(29);
    assert!(auth.redeem_ticket(secret(&early.secret)).await.is_ok());
    door.advance(1);
    assert_eq!(failure(auth.redeem_ticket(secret(&late.secret)).await), AuthFailure::Invalid);
}

#[tokio::test]
async fn a_ticket_dies_with_its_session() {
    let door = Door::new().await;
    let caller = door.caller(&door.sign_up("ada").await.tokens).unwrap();
    let auth = &door.services.auth;
    let ticket = auth.issue_ticket(caller).await.unwrap().secret;
    auth.log_out(caller).await.unwrap();
    assert_eq!(failure(auth.redeem_ticket(secret(&ticket)).await), AuthFailure::Invalid);
}

#[tokio::test]
async fn what_never_was_a_ticket_is_refused() {
    let door = Door::new().await;
    let unknown = format!("ptk_{}", "A".repeat(43));
    for text in ["", "ptk_", "ptk_short", &unknown, &"x".repeat(100_000), "ptk_%00"] {
        assert_eq!(failure(door.services.auth.redeem_ticket(text).await), AuthFailure::Invalid, "{text}");
    }
}
