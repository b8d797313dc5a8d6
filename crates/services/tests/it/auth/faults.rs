//! A store that fails: the caller is told, and nothing is half done.

use std::sync::Arc;

use parlor_domain::{
    Bio, DisplayName, Email, Metadata, PasswordHash, Rev, SessionId, Settings, Status, SystemRole, User, UserId,
    Username,
    store::{Credentials, Deleted, StoreError, StoreResult, Stores},
    testing::{
        MockAdminStore, MockAuditStore, MockCommunityStore, MockConversationStore, MockGroupStore, MockMaintenance,
        MockMessageStore, MockRelationStore, MockSearchStore, MockSessionStore, MockStatisticsStore, MockTransfer,
        MockUserStore, SettableClock,
    },
};
use parlor_services::{AuthFailure, Caller, LogIn, Password, ServiceError, ServiceResult, Services, SignedIn};

use super::{build, config, failure, from, new_account};
use crate::support::{PASSWORD, secret};

fn down<T>() -> StoreResult<T> {
    Err(StoreError::unavailable("the disk is on fire"))
}

fn is_store_failure<T: std::fmt::Debug>(result: ServiceResult<T>) {
    assert!(matches!(result, Err(ServiceError::Store(StoreError::Unavailable(_)))), "{result:?}");
}

fn stores(users: MockUserStore, sessions: MockSessionStore) -> Stores {
    Stores {
        users: Arc::new(users),
        sessions: Arc::new(sessions),
        conversations: Arc::new(MockConversationStore::new()),
        groups: Arc::new(MockGroupStore::new()),
        communities: Arc::new(MockCommunityStore::new()),
        messages: Arc::new(MockMessageStore::new()),
        search: Arc::new(MockSearchStore::new()),
        relations: Arc::new(MockRelationStore::new()),
        administration: Arc::new(MockAdminStore::new()),
        audit: Arc::new(MockAuditStore::new()),
        statistics: Arc::new(MockStatisticsStore::new()),
        maintenance: Arc::new(MockMaintenance::new()),
        transfer: Arc::new(MockTransfer::new()),
    }
}

/// The services over stores that do what a test says, and panic at anything else.
async fn services(users: MockUserStore, mut sessions: MockSessionStore) -> Services {
    sessions.expect_revoked_since().returning(|_| Ok(Vec::new()));
    build(stores(users, sessions), &config(), &Arc::new(SettableClock::default()), 1).await.unwrap()
}

const ADA: UserId = UserId::from_bytes([1; 12]);
const CALLER: Caller = Caller { user: ADA, session: SessionId::from_bytes([2; 12]) };

fn ada() -> User {
    let username = Username::parse("ada").unwrap();
    User {
        id: ADA,
        display_name: DisplayName::from(&username),
        username,
        email: None::<Email>,
        bio: Bio::default(),
        metadata: Metadata::default(),
        role: SystemRole::User,
        lock: None,
        settings: Settings::default(),
        status: Status::default(),
        last_seen_at: None,
        rev: Rev::ZERO,
        created_at: parlor_domain::Timestamp::from_millis(0),
        deleted_at: None,
        leaving: false,
    }
}

/// Users among whom there is Ada, with a hash of her password of that cost.
fn users_with_ada(cost: u32) -> MockUserStore {
    let mut users = MockUserStore::new();
    let stored = credentials(cost);
    let by_id = stored.clone();
    users.expect_credentials().returning(move |_| Ok(Some(stored.clone())));
    users.expect_credentials_of().returning(move |_| Ok(Some(by_id.clone())));
    users.expect_find().returning(|_| Ok(Some(ada())));
    users
}

fn credentials(cost: u32) -> Credentials {
    credentials_for(PASSWORD, cost)
}

fn credentials_for(password: &str, cost: u32) -> Credentials {
    Credentials { user_id: ADA, password: PasswordHash::new(bcrypt::hash(password, cost).unwrap()) }
}

async fn log_in(services: &Services) -> ServiceResult<SignedIn> {
    let password = Password::candidate(PASSWORD).unwrap();
    let login = parlor_domain::Login::new("ada");
    services.auth.log_in(LogIn { login, password }, &from("192.0.2.1")).await
}

#[tokio::test]
async fn an_account_that_can_not_be_stored_makes_no_session() {
    let mut users = MockUserStore::new();
    users.expect_insert().times(1).returning(|_| down());
    let services = services(users, MockSessionStore::new()).await;
    is_store_failure(services.auth.sign_up(new_account("ada", None), &from("192.0.2.1")).await);
}

#[tokio::test]
async fn an_account_without_a_session_is_taken_back() {
    let mut users = MockUserStore::new();
    users.expect_insert().times(1).returning(|_| Ok(()));
    users.expect_delete().times(1).returning(|_, _| Ok(Some(Deleted::default())));
    let mut sessions = MockSessionStore::new();
    sessions.expect_insert().times(1).returning(|_| down());
    let services = services(users, sessions).await;
    is_store_failure(services.auth.sign_up(new_account("ada", None), &from("192.0.2.1")).await);
}

#[tokio::test]
async fn a_login_fails_with_the_store_at_each_step() {
    let mut users = MockUserStore::new();
    users.expect_credentials().returning(|_| down());
    is_store_failure(log_in(&services(users, MockSessionStore::new()).await).await);

    let mut users = MockUserStore::new();
    users.expect_credentials().returning(|_| Ok(Some(credentials(4))));
    users.expect_find().returning(|_| down());
    is_store_failure(log_in(&services(users, MockSessionStore::new()).await).await);

    let mut sessions = MockSessionStore::new();
    sessions.expect_insert().returning(|_| down());
    is_store_failure(log_in(&services(users_with_ada(4), sessions).await).await);
}

#[tokio::test]
async fn an_account_that_is_deleted_during_a_login_gets_no_session() {
    let mut sessions = MockSessionStore::new();
    sessions.expect_insert().returning(|_| Ok(false));
    let refused = log_in(&services(users_with_ada(4), sessions).await).await;
    assert!(matches!(refused, Err(ServiceError::InvalidCredentials)), "{refused:?}");
}

/// What a login with Ada's password comes to if the stored hash is another one by the time there is a session.
async fn log_in_while_the_hash_changes(later: Credentials, mut sessions: MockSessionStore) -> ServiceResult<SignedIn> {
    let mut users = MockUserStore::new();
    users.expect_credentials().returning(|_| Ok(Some(credentials(4))));
    users.expect_credentials_of().returning(move |_| Ok(Some(later.clone())));
    users.expect_find().returning(|_| Ok(Some(ada())));
    sessions.expect_insert().times(1).returning(|_| Ok(true));
    log_in(&services(users, sessions).await).await
}

#[tokio::test]
async fn a_password_that_is_changed_during_a_login_lets_nobody_in() {
    let mut sessions = MockSessionStore::new();
    sessions.expect_revoke().times(1).returning(|_, _, _| Ok(true));
    let refused = log_in_while_the_hash_changes(credentials_for("staple battery horse", 4), sessions).await;
    assert!(matches!(refused, Err(ServiceError::InvalidCredentials)), "{refused:?}");
}

#[tokio::test]
async fn a_hash_that_another_login_renews_meanwhile_stops_nobody() {
    let renewed = log_in_while_the_hash_changes(credentials(4), MockSessionStore::new()).await;
    assert!(renewed.is_ok(), "{renewed:?}");
}

#[tokio::test]
async fn a_hash_that_can_not_be_renewed_stops_no_login() {
    let mut users = users_with_ada(5);
    users.expect_rehash_password().times(1).returning(|_, _, _| down());
    let mut sessions = MockSessionStore::new();
    sessions.expect_insert().returning(|_| Ok(true));
    assert!(log_in(&services(users, sessions).await).await.is_ok());
}

#[tokio::test]
async fn a_session_that_can_not_be_ended_in_the_store_goes_on() {
    let mut sessions = MockSessionStore::new();
    sessions.expect_insert().returning(|_| Ok(true));
    sessions.expect_revoke().returning(|_, _, _| down());
    sessions.expect_revoke_others().returning(|_, _, _| down());
    sessions.expect_renew().returning(|_, _, _, _| down());
    let services = services(users_with_ada(4), sessions).await;
    let tokens = log_in(&services).await.unwrap().tokens;
    let caller = services.auth.authenticate(secret(&tokens.access)).unwrap();
    is_store_failure(services.auth.log_out(caller).await);
    is_store_failure(services.auth.end_other_sessions(caller).await);
    is_store_failure(services.auth.refresh(&tokens.refresh, &from("192.0.2.1")).await);
    assert!(services.auth.authenticate(secret(&tokens.access)).is_ok(), "what was refused was not done");
}

#[tokio::test]
async fn a_password_that_can_not_be_stored_ends_no_session() {
    let mut users = users_with_ada(4);
    users.expect_set_password().times(1).returning(|_, _, _, _| down());
    let services = services(users, MockSessionStore::new()).await;
    let (current, new) = (Password::parse(PASSWORD).unwrap(), Password::parse("staple battery horse").unwrap());
    is_store_failure(services.auth.change_password(CALLER, current, new).await);
}

#[tokio::test]
async fn what_asks_for_sessions_or_tickets_fails_with_the_store() {
    let mut sessions = MockSessionStore::new();
    sessions.expect_list().returning(|_, _| down());
    sessions.expect_find().returning(|_, _| down());
    sessions.expect_insert_ticket().returning(|_, _, _| down());
    sessions.expect_take_ticket().returning(|_, _| down());
    let services = services(MockUserStore::new(), sessions).await;
    is_store_failure(services.auth.sessions(CALLER).await);
    is_store_failure(services.auth.session_end(CALLER).await);
    is_store_failure(services.auth.issue_ticket(CALLER).await);
    is_store_failure(services.auth.redeem_ticket(&format!("ptk_{}", "A".repeat(43))).await);
}

#[tokio::test]
async fn what_can_not_be_a_token_is_refused_without_asking_the_store() {
    let services = services(MockUserStore::new(), MockSessionStore::new()).await;
    for text in ["", "prt_", "ptk_", "prt_AAAA", "ptk_AAAA", &"x".repeat(47), "prt_\0", "ptk_%27%20OR%201=1"] {
        let refused = services.auth.refresh(&text.into(), &from("192.0.2.1")).await;
        assert_eq!(failure(refused), AuthFailure::Invalid, "{text:?}");
        assert_eq!(failure(services.auth.redeem_ticket(text).await), AuthFailure::Invalid, "{text:?}");
    }
    let (token, ticket) = (format!("prt_{}", "A".repeat(43)), format!("ptk_{}", "A".repeat(43)));
    let refused = services.auth.refresh(&ticket.into(), &from("192.0.2.1")).await;
    assert_eq!(failure(refused), AuthFailure::Invalid);
    assert_eq!(failure(services.auth.redeem_ticket(&token).await), AuthFailure::Invalid);
}

#[tokio::test]
async fn a_server_does_not_start_without_knowing_the_revoked_sessions() {
    let mut sessions = MockSessionStore::new();
    sessions.expect_revoked_since().times(1).returning(|_| down());
    let stores = stores(MockUserStore::new(), sessions);
    assert!(build(stores, &config(), &Arc::new(SettableClock::default()), 1).await.is_err());
}

#[tokio::test]
async fn what_is_not_a_hash_in_the_store_is_told_as_corrupt() {
    let mut users = MockUserStore::new();
    let password = PasswordHash::new("plain text".to_owned());
    users.expect_credentials().returning(move |_| Ok(Some(Credentials { user_id: ADA, password: password.clone() })));
    let refused = log_in(&services(users, MockSessionStore::new()).await).await;
    assert!(matches!(refused, Err(ServiceError::Store(StoreError::Corrupt(_)))), "{refused:?}");
}
