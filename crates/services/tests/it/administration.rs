//! What super admins do and see.

use std::{sync::Arc, time::Duration};

use parlor_domain::{
    Actor, AuditAction, Clock as _, DaySum, Lock, LockReason, Login, OsEntropy, SystemRole, Timestamp, Username,
    store::{StoreError, Stores, Totals},
    testing::MockStatisticsStore,
};
use parlor_realtime::{CloseReason, Outgoing};
use parlor_services::{
    AccountQuery, AdminCall, AuditQuery, AuthFailure, Background, Caller, LogIn, Password, ServiceError, ServiceResult,
    SignUp, SignedIn, Sources, create_super_admin, promote_to_super_admin,
};

use crate::support::{PASSWORD, TEXT, World, client, nobody, secret};

impl World {
    fn sources(&self) -> Sources {
        Sources { clock: Arc::clone(&self.clock) as _, entropy: Arc::new(OsEntropy) }
    }

    async fn super_admin(&self, name: &str) -> Caller {
        let caller = self.user(name).await;
        let username = Username::parse(name).unwrap();
        assert!(promote_to_super_admin(&self.stores(), &self.sources(), &username).await.unwrap());
        caller
    }

    async fn log_in(&self, name: &str, password: &str) -> ServiceResult<SignedIn> {
        let log_in = LogIn { login: Login::new(name), password: Password::candidate(password).unwrap() };
        self.services.auth.log_in(log_in, &client()).await
    }

    async fn lock(&self, by: Caller, user: Caller, until: Option<Timestamp>) {
        self.services.administration.lock(call(by), user.user, reason(), until).await.unwrap();
    }

    async fn role_of(&self, user: Caller) -> SystemRole {
        self.stores().users.find(user.user).await.unwrap().unwrap().role
    }
}

fn call(caller: Caller) -> AdminCall {
    AdminCall { caller, request: Some("request".to_owned()) }
}

fn reason() -> LockReason {
    LockReason::parse("spam").unwrap()
}

fn not_permitted<T>(outcome: ServiceResult<T>) -> bool {
    matches!(outcome, Err(ServiceError::NotPermitted))
}

#[tokio::test]
async fn only_super_admins_administer_and_only_as_long_as_they_are() {
    let world = World::new().await;
    let (root, user) = (world.super_admin("root").await, world.user("ada").await);
    let admin = &world.services.administration;
    let id = user.user;
    let refuses = async |caller: Caller| {
        assert!(not_permitted(admin.accounts(caller, AccountQuery::default()).await));
        assert!(not_permitted(admin.account(caller, id).await));
        assert!(not_permitted(admin.lock(call(caller), id, reason(), None).await));
        assert!(not_permitted(admin.unlock(call(caller), id).await));
        assert!(not_permitted(admin.set_role(call(caller), id, SystemRole::SuperAdmin).await));
        assert!(not_permitted(admin.delete(call(caller), id).await));
        assert!(not_permitted(admin.sessions(caller, id).await));
        assert!(not_permitted(admin.end_session(call(caller), id, user.session).await));
        assert!(not_permitted(admin.end_sessions(call(caller), id).await));
        assert!(not_permitted(admin.audit(caller, AuditQuery::default()).await));
        assert!(not_permitted(admin.statistics(caller).await));
    };
    refuses(user).await;
    admin.set_role(call(root), id, SystemRole::GroupAdmin).await.unwrap();
    refuses(user).await;
    admin.set_role(call(root), id, SystemRole::SuperAdmin).await.unwrap();
    admin.account(user, id).await.expect("the role holds at once");
    admin.set_role(call(root), id, SystemRole::User).await.unwrap();
    refuses(user).await;
}

#[tokio::test]
async fn a_locked_account_is_told_why_to_who_knows_its_password_and_to_nobody_else() {
    let world = World::new().await;
    let (root, ada) = (world.super_admin("root").await, world.user("ada").await);
    let until = world.clock.now() + Duration::from_secs(3600);
    world.lock(root, ada, Some(until)).await;
    let lock = Lock { reason: reason(), at: world.clock.now(), until: Some(until) };
    let refused = world.log_in("ada", PASSWORD).await.unwrap_err();
    assert!(matches!(&refused, ServiceError::AccountLocked(told) if *told == lock), "{refused:?}");
    let wrong = world.log_in("ada", "wrong password").await.unwrap_err();
    assert!(matches!(wrong, ServiceError::InvalidCredentials), "{wrong:?}");
    world.clock.advance(Duration::from_secs(3600));
    world.log_in("ada", PASSWORD).await.expect("the lock has ended");
}

#[tokio::test]
async fn sessions_that_ended_behind_this_servers_back_lose_their_sockets_and_tokens_with_the_next_act() {
    let world = World::new().await;
    let root = world.super_admin("root").await;
    world.user("ada").await;
    let signed_in = world.log_in("ada", PASSWORD).await.unwrap();
    let access = secret(&signed_in.tokens.access);
    let ada = world.services.auth.authenticate(access).unwrap();
    let (connection, mut outbox, _) = world.services.live.connect(ada, &TEXT).await.unwrap();
    world.services.live.start(&connection);
    // As when the answer to the first call was lost.
    world.stores().sessions.revoke(ada.user, ada.session, world.clock.now()).await.unwrap();
    world.services.administration.end_sessions(call(root), ada.user).await.unwrap();
    world.services.administration.end_sessions(call(root), ada.user).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Outgoing::Close(reason) = outbox.next().await {
                return reason;
            }
        }
    });
    assert_eq!(ended.await.unwrap(), CloseReason::SessionEnded);
    let refused = world.services.auth.authenticate(access);
    assert!(matches!(refused, Err(ServiceError::Unauthenticated(AuthFailure::SessionEnded))), "{refused:?}");
}

#[tokio::test]
async fn an_unlocked_account_signs_in_again() {
    let world = World::new().await;
    let (root, ada) = (world.super_admin("root").await, world.user("ada").await);
    world.lock(root, ada, None).await;
    world.services.administration.unlock(call(root), ada.user).await.unwrap();
    world.log_in("ada", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_lock_ends_everything_that_the_account_has_open() {
    let world = World::new().await;
    let root = world.super_admin("root").await;
    world.user("ada").await;
    let signed_in = world.log_in("ada", PASSWORD).await.unwrap();
    let access = secret(&signed_in.tokens.access);
    let ada = world.services.auth.authenticate(access).unwrap();
    let ticket = world.services.auth.issue_ticket(ada).await.unwrap();
    let (connection, mut outbox, _) = world.services.live.connect(ada, &TEXT).await.unwrap();
    world.services.live.start(&connection);
    world.lock(root, ada, None).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Outgoing::Close(reason) = outbox.next().await {
                return reason;
            }
        }
    });
    assert_eq!(ended.await.unwrap(), CloseReason::SessionEnded);
    let refused = world.services.auth.authenticate(access);
    assert!(matches!(refused, Err(ServiceError::Unauthenticated(AuthFailure::SessionEnded))), "{refused:?}");
    let refused = world.services.auth.refresh(&signed_in.tokens.refresh, &client()).await;
    assert!(matches!(refused, Err(ServiceError::Unauthenticated(AuthFailure::SessionEnded))), "{refused:?}");
    let refused = world.services.auth.redeem_ticket(secret(&ticket.secret)).await;
    assert!(matches!(refused, Err(ServiceError::Unauthenticated(AuthFailure::Invalid))), "{refused:?}");
}

#[tokio::test]
async fn others_see_a_locked_account_as_before() {
    let world = World::new().await;
    let (root, ada, bob) = (world.super_admin("root").await, world.user("ada").await, world.user("bob").await);
    let before = world.services.users.find(bob, ada.user).await.unwrap();
    world.lock(root, ada, None).await;
    let after = world.services.users.find(bob, ada.user).await.unwrap();
    assert_eq!((after.presence, after.status, after.own), (before.presence, before.status, false));
    let query = AccountQuery { locked: Some(true), limit: 10, ..AccountQuery::default() };
    let locked = world.services.administration.accounts(root, query).await.unwrap();
    assert_eq!(locked.items.iter().map(|account| account.user.id).collect::<Vec<_>>(), [ada.user]);
}

#[tokio::test]
async fn the_end_of_a_lock_is_in_the_future() {
    let world = World::new().await;
    let (root, ada) = (world.super_admin("root").await, world.user("ada").await);
    let now = world.clock.now();
    let refused = world.services.administration.lock(call(root), ada.user, reason(), Some(now)).await;
    let is_refused = matches!(&refused, Err(ServiceError::Invalid { field: "until", .. }));
    assert!(is_refused, "{refused:?}");
}

#[tokio::test]
async fn nobody_locks_demotes_or_deletes_himself_there_and_the_last_super_admin_stays() {
    let world = World::new().await;
    let root = world.super_admin("root").await;
    let admin = &world.services.administration;
    let own = admin.lock(call(root), root.user, reason(), None).await;
    assert!(matches!(own, Err(ServiceError::OwnAccount)), "{own:?}");
    let own = admin.set_role(call(root), root.user, SystemRole::User).await;
    assert!(matches!(own, Err(ServiceError::OwnAccount)), "{own:?}");
    let own = admin.delete(call(root), root.user).await;
    assert!(matches!(own, Err(ServiceError::OwnAccount)), "{own:?}");
    let last = world.delete_account(root).await;
    assert!(matches!(last, Err(ServiceError::LastSuperAdmin)), "{last:?}");
    let other = world.super_admin("other").await;
    world.delete_account(root).await.expect("another one is left");
    let last = world.delete_account(other).await;
    assert!(matches!(last, Err(ServiceError::LastSuperAdmin)), "{last:?}");
}

#[tokio::test]
async fn the_last_super_admin_who_may_not_go_stays_in_his_groups() {
    let world = World::new().await;
    let (root, ada) = (world.super_admin("root").await, world.user("ada").await);
    let group = world.group(root, &[ada]).await;
    let refused = world.delete_account(root).await;
    assert!(matches!(refused, Err(ServiceError::LastSuperAdmin)), "{refused:?}");
    world.send(root, group, "still here").await.unwrap();
}

#[tokio::test]
async fn an_account_that_an_administrator_deletes_leaves_its_groups_and_its_friends() {
    let world = World::new().await;
    let root = world.super_admin("root").await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let group = world.group(ada, &[bob]).await;
    world.befriend(ada, bob).await;
    let mut device = world.connect(bob).await;
    world.services.administration.delete(call(root), ada.user).await.unwrap();
    device.until(&format!("no friend {}", ada.user)).await;
    assert_eq!(world.stores().groups.of(ada.user).await.unwrap(), []);
    world.send(bob, group, "alone").await.unwrap();
}

#[tokio::test]
async fn of_two_super_admins_who_demote_each_other_at_once_one_stays() {
    let world = World::new().await;
    let (one, two) = (world.super_admin("one").await, world.super_admin("two").await);
    let admin = &world.services.administration;
    let (a, b) = tokio::join!(
        admin.set_role(call(one), two.user, SystemRole::User),
        admin.set_role(call(two), one.user, SystemRole::User)
    );
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let roles = [world.role_of(one).await, world.role_of(two).await];
    assert_eq!(roles.iter().filter(|role| **role == SystemRole::SuperAdmin).count(), 1, "{roles:?}");
}

#[tokio::test]
async fn a_role_is_told_to_the_devices_of_its_user() {
    let world = World::new().await;
    let (root, ada) = (world.super_admin("root").await, world.user("ada").await);
    let mut device = world.connect(ada).await;
    world.services.administration.set_role(call(root), ada.user, SystemRole::GroupAdmin).await.unwrap();
    assert_eq!(device.until("user ").await, ["user ada available@1"]);
    assert_eq!(world.services.users.me(ada).await.unwrap().user.role, SystemRole::GroupAdmin);
}

#[tokio::test]
async fn every_act_has_an_entry_that_says_who_did_it_and_in_which_request() {
    let world = World::new().await;
    let (root, ada) = (world.super_admin("root").await, world.user("ada").await);
    let admin = &world.services.administration;
    let step = || world.clock.advance(Duration::from_millis(1));
    step();
    world.lock(root, ada, None).await;
    step();
    admin.unlock(call(root), ada.user).await.unwrap();
    step();
    admin.set_role(call(root), ada.user, SystemRole::GroupAdmin).await.unwrap();
    let session = world.services.auth.authenticate(secret(&world.log_in("ada", PASSWORD).await.unwrap().tokens.access));
    step();
    admin.end_session(call(root), ada.user, session.unwrap().session).await.unwrap();
    world.log_in("ada", PASSWORD).await.unwrap();
    step();
    admin.end_sessions(call(root), ada.user).await.unwrap();
    step();
    admin.delete(call(root), ada.user).await.unwrap();
    // What is refused or changes nothing is no act.
    assert!(matches!(admin.delete(call(root), ada.user).await, Err(ServiceError::NotFound("user"))));
    admin.unlock(call(root), root.user).await.unwrap();

    let page = admin.audit(root, AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(page.next, None);
    let actions: Vec<_> = page.items.iter().rev().map(|entry| entry.action).collect();
    assert_eq!(
        actions,
        [
            AuditAction::RoleChanged,
            AuditAction::UserLocked,
            AuditAction::UserUnlocked,
            AuditAction::RoleChanged,
            AuditAction::SessionEnded,
            AuditAction::SessionsEnded,
            AuditAction::UserDeleted,
        ]
    );
    let (first, others) = page.items.split_last().unwrap();
    assert_eq!((&first.actor, first.target.id, &first.request), (&Actor::CommandLine, root.user, &None));
    for entry in others {
        let Actor::User(actor) = &entry.actor else { panic!("{entry:?}") };
        assert_eq!((actor.id, actor.username.as_str()), (root.user, "root"));
        assert_eq!((entry.target.id, entry.target.username.as_str()), (ada.user, "ada"));
        assert_eq!(entry.request.as_deref(), Some("request"));
    }
    let query = AuditQuery { limit: 2, ..AuditQuery::default() };
    let part = admin.audit(root, query).await.unwrap();
    let rest = admin.audit(root, AuditQuery { after: part.next, limit: 100, ..query }).await.unwrap();
    assert_eq!([part.items, rest.items].concat(), page.items);
}

#[tokio::test]
async fn an_administrator_ends_and_lists_the_sessions_of_others() {
    let world = World::new().await;
    let (root, ada) = (world.super_admin("root").await, world.user("ada").await);
    let admin = &world.services.administration;
    let sessions = admin.sessions(root, ada.user).await.unwrap();
    assert_eq!(sessions.iter().map(|s| (s.session.id, s.current)).collect::<Vec<_>>(), [(ada.session, false)]);
    assert!(admin.sessions(root, root.user).await.unwrap()[0].current);
    let missed = admin.end_session(call(root), ada.user, root.session).await;
    assert!(matches!(missed, Err(ServiceError::NotFound("session"))), "{missed:?}");
    admin.end_session(call(root), ada.user, ada.session).await.unwrap();
    assert_eq!(admin.sessions(root, ada.user).await.unwrap(), []);
    assert_eq!(admin.account(root, ada.user).await.unwrap().counts.sessions, 0);
    for missing in [admin.end_sessions(call(root), nobody()).await, admin.unlock(call(root), nobody()).await] {
        assert!(matches!(missing, Err(ServiceError::NotFound("user"))), "{missing:?}");
    }
}

#[tokio::test]
async fn the_statistics_tell_what_there_is_and_what_happened() {
    let world = World::new().await;
    let root = world.super_admin("root").await;
    let (ada, _, id) = world.pair().await;
    let _device = world.connect(root).await;
    for text in ["one", "two"] {
        world.send(ada, id, text).await.unwrap();
    }
    let told = world.services.administration.statistics(root).await.unwrap();
    assert_eq!((told.totals, told.online), (Totals { users: 3, conversations: 1, messages: 2 }, 1));
    assert_eq!(told.days.len(), 30);
    let today = |days: &[DaySum]| days.last().map(|sum| (sum.active_users, sum.messages)).unwrap();
    assert_eq!(today(&told.days), (2, 2), "who sent, and who is connected");
    assert!(told.days.iter().rev().skip(1).all(|sum| (sum.active_users, sum.messages) == (0, 0)));
    world.clock.advance(Duration::from_secs(24 * 3600));
    world.send(ada, id, "three").await.unwrap();
    let next = world.services.administration.statistics(root).await.unwrap();
    assert_eq!(today(&next.days), (2, 1), "who is still connected is active on the next day as well");
    assert_eq!(today(&next.days[..29]), (2, 2));
}

#[tokio::test]
async fn what_happened_is_written_when_the_server_stops() {
    let world = World::new().await;
    let root = world.super_admin("root").await;
    let (ada, _, id) = world.pair().await;
    let background = Background::start(&world.services, Duration::from_secs(1));
    world.send(ada, id, "hello").await.unwrap();
    background.stop().await.unwrap();
    let world = world.restarted().await;
    let told = world.services.administration.statistics(root).await.unwrap();
    assert_eq!(told.days.last().map(|sum| (sum.active_users, sum.messages)), Some((1, 1)));
}

#[tokio::test]
async fn what_cannot_be_written_is_written_later() {
    let world = World::new().await;
    let root = world.super_admin("root").await;
    let (ada, _, id) = world.pair().await;
    let mut calls = 0;
    let world = world.with_stores(|stores| {
        let mut mock = MockStatisticsStore::new();
        mock.expect_note().times(3).returning(move |_, activity| {
            assert_eq!(activity.iter().map(|active| active.messages).sum::<u32>(), 1, "nothing is lost or doubled");
            calls += 1;
            if calls == 1 { Err(StoreError::unavailable("not now")) } else { Ok(()) }
        });
        mock.expect_days().returning(|_| Ok(Vec::new()));
        mock.expect_totals().returning(|| Ok(Totals::default()));
        Stores { statistics: Arc::new(mock), ..stores }
    });
    let world = world.await;
    world.send(ada, id, "hello").await.unwrap();
    world.clock.advance(Duration::from_secs(24 * 3600));
    world.send(ada, id, "good morning").await.unwrap();
    let administration = &world.services.administration;
    administration.statistics(root).await.expect("what is stored can be seen");
    administration.statistics(root).await.unwrap();
}

#[tokio::test]
async fn the_command_line_makes_super_admins_who_sign_in_as_others_do() {
    let world = World::new().await;
    let new = |name: &str, password: &str| SignUp {
        username: Username::parse(name).unwrap(),
        email: None,
        password: Password::parse(password).unwrap(),
        display_name: None,
    };
    let (stores, sources) = (world.stores(), world.sources());
    let made = create_super_admin(&stores, &sources, new("root", PASSWORD), 4).await.unwrap();
    let signed_in = world.log_in("root", PASSWORD).await.unwrap();
    assert_eq!((signed_in.user.user.id, signed_in.user.user.role), (made.id, SystemRole::SuperAdmin));
    let again = create_super_admin(&stores, &sources, new("ROOT", PASSWORD), 4).await;
    assert!(matches!(again, Err(ServiceError::Taken("username"))), "{again:?}");
    let named = create_super_admin(&stores, &sources, new("sysadmin-parlor", "Sysadmin-Parlor"), 4).await;
    assert!(matches!(named, Err(ServiceError::Invalid { field: "password", .. })), "{named:?}");
    let unknown = promote_to_super_admin(&stores, &sources, &Username::parse("nobody").unwrap()).await;
    assert!(matches!(unknown, Err(ServiceError::NotFound("user"))), "{unknown:?}");
    let twice = promote_to_super_admin(&stores, &sources, &Username::parse("root").unwrap()).await;
    assert!(!twice.unwrap(), "he is one already");
}
