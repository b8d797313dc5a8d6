//! What administrators do, and what they see.

use std::time::Duration;

use parlor_domain::{
    Act, Acting, Activity, Actor, AuditAction, AuditDetails, AuditEntry, AuditId, Day, DaySum, Lock, LockReason, Login,
    Named, Rev, SystemRole, Timestamp, UserId, UserTopic, Username,
    store::{
        ADMINISTERS_NO_MORE, AccountCounts, Accounts, Acted, ActorFilter, AuditPage, Deleted, LAST_SUPER_ADMIN,
        StoreError, StoreResult, Totals,
    },
};

use super::Fixture;

const ALL: AuditPage = AuditPage { actor: None, action: None, target: None, after: None, limit: 100 };

impl Fixture {
    /// An act of the command line.
    pub(crate) fn acting(&self) -> Acting {
        let id = AuditId::generate(&self.clock, &self.entropy);
        Acting { id, at: self.now(), actor: Actor::CommandLine, request: None }
    }

    pub(crate) async fn super_admin(&self, name: &str) -> UserId {
        let mut new = self.make_user(name, None);
        new.user.role = SystemRole::SuperAdmin;
        self.stores.administration.create(&new, &self.acting()).await.unwrap();
        new.user.id
    }

    pub(crate) fn lock_of(&self, reason: &str, time: Option<Duration>) -> Lock {
        let now = self.now();
        Lock { reason: LockReason::parse(reason).unwrap(), at: now, until: time.map(|time| now + time) }
    }

    async fn try_act(&self, user: UserId, act: Act) -> StoreResult<Option<Acted>> {
        self.stores.administration.act(user, &act, &self.acting()).await
    }

    pub(crate) async fn act(&self, user: UserId, act: Act) -> Acted {
        self.try_act(user, act).await.unwrap().unwrap()
    }

    /// The names of what was done, the newest first.
    async fn done(&self) -> Vec<&'static str> {
        let entries = self.stores.audit.page(&ALL).await.unwrap();
        let mut entries: Vec<&AuditEntry> = entries.iter().collect();
        entries.retain(|entry| entry.action != AuditAction::UserCreated);
        entries.into_iter().map(|entry| entry.action.name()).collect()
    }

    async fn may_sign_in(&self, user: UserId, token: &str) -> bool {
        self.stores.sessions.insert(&self.make_session(user, token)).await.unwrap()
    }
}

#[track_caller]
fn assert_last<T: std::fmt::Debug>(result: StoreResult<T>) {
    assert!(matches!(result, Err(StoreError::Conflict(LAST_SUPER_ADMIN))), "{result:?}");
}

pub async fn an_account_is_made_together_with_its_entry(f: &Fixture) {
    let mut new = f.make_user("ada", Some("ada@example.org"));
    new.user.role = SystemRole::SuperAdmin;
    let acting = Acting { request: Some("r1".to_owned()), ..f.acting() };
    f.stores.administration.create(&new, &acting).await.unwrap();
    assert_eq!(f.stores.users.find(new.user.id).await.unwrap(), Some(new.user.clone()));
    assert!(f.stores.users.credentials(&Login::new("ada@example.org")).await.unwrap().is_some());
    let entry = AuditEntry {
        id: acting.id,
        at: f.now(),
        actor: Actor::CommandLine,
        action: AuditAction::UserCreated,
        target: Named { id: new.user.id, username: new.user.username },
        details: AuditDetails::parse(r#"{"role":"super_admin"}"#).unwrap(),
        request: Some("r1".to_owned()),
    };
    assert_eq!(f.stores.audit.page(&ALL).await.unwrap(), std::slice::from_ref(&entry));
    for (name, email, field) in [("ADA", None, "username"), ("bob", Some("ADA@example.org"), "email")] {
        let error = f.stores.administration.create(&f.make_user(name, email), &f.acting()).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(taken) if taken == field), "{name}: {error:?}");
    }
    assert_eq!(f.stores.audit.page(&ALL).await.unwrap(), [entry], "of what did not happen there is no entry");
}

pub async fn a_role_changes_and_is_recorded(f: &Fixture) {
    let ada = f.user("ada").await;
    let acted = f.act(ada, Act::SetRole(SystemRole::GroupAdmin)).await;
    assert_eq!((acted.user.role, acted.user.rev, acted.changed), (SystemRole::GroupAdmin, Rev::new(1), true));
    assert_eq!(f.stores.users.find(ada).await.unwrap(), Some(acted.user.clone()));
    let log = f.stores.conversations.user_changes(ada, Rev::ZERO, 10).await.unwrap();
    assert_eq!(log.changes.iter().map(|change| change.topic).collect::<Vec<_>>(), [UserTopic::Profile]);
    let again = f.act(ada, Act::SetRole(SystemRole::GroupAdmin)).await;
    assert_eq!(again, Acted { changed: false, ..acted });
    let entries = f.stores.audit.page(&ALL).await.unwrap();
    let details: Vec<_> = entries.iter().map(|entry| entry.details.as_str()).collect();
    assert_eq!(details, [r#"{"from":"user","to":"group_admin"}"#], "what changes nothing is not told");
    let unknown = f.make_user("nobody", None).user.id;
    assert_eq!(f.try_act(unknown, Act::SetRole(SystemRole::User)).await.unwrap(), None);
    f.stores.users.delete(ada, f.now()).await.unwrap();
    assert_eq!(f.try_act(ada, Act::SetRole(SystemRole::User)).await.unwrap(), None);
}

pub async fn a_locked_account_loses_its_sessions_and_gets_none(f: &Fixture) {
    let ada = f.user("ada").await;
    let session = f.session(ada, "one").await;
    let lock = f.lock_of("spam", None);
    let acted = f.act(ada, Act::Lock(lock.clone())).await;
    assert_eq!((acted.ended.as_slice(), acted.user.lock.as_ref()), (&[session][..], Some(&lock)));
    assert!(f.stores.sessions.find(session, f.now()).await.unwrap().is_none());
    assert_eq!(f.stores.users.find(ada).await.unwrap().unwrap().lock, Some(lock));
    assert!(!f.may_sign_in(ada, "two").await);
    assert!(f.stores.users.credentials(&Login::new("ada")).await.unwrap().is_some(), "the password is the same");
    let acted = f.act(ada, Act::Unlock).await;
    assert_eq!((acted.user.lock, acted.changed), (None, true));
    assert!(f.may_sign_in(ada, "three").await);
    assert!(!f.act(ada, Act::Unlock).await.changed, "there was no lock");
    let mut done = f.done().await;
    done.sort_unstable();
    assert_eq!(done, ["user.locked", "user.unlocked"]);
}

pub async fn the_same_lock_again_is_no_act(f: &Fixture) {
    let ada = f.user("ada").await;
    let lock = |reason, time| Act::Lock(f.lock_of(reason, time));
    let until = Some(Duration::from_secs(60));
    let first = f.act(ada, lock("spam", until)).await.user;
    let again = f.act(ada, lock("spam", until)).await;
    assert_eq!((again.changed, again.ended, &again.user), (false, Vec::new(), &first));
    assert!(f.act(ada, lock("more spam", until)).await.changed, "for another reason");
    assert!(f.act(ada, lock("more spam", None)).await.changed, "for longer");
    let minute = Act::Lock(Lock { until: Some(f.now() + Duration::from_secs(60)), ..f.lock_of("a minute", None) });
    assert!(f.act(ada, minute.clone()).await.changed);
    f.clock.advance(Duration::from_secs(60));
    assert!(f.act(ada, minute).await.changed, "the first one has ended");
    assert_eq!(f.done().await, ["user.locked"; 5]);
}

pub async fn a_lock_ends_by_itself_and_is_replaced_by_the_next(f: &Fixture) {
    let ada = f.user("ada").await;
    f.act(ada, Act::Lock(f.lock_of("for good", None))).await;
    let minute = Duration::from_secs(60);
    let lock = f.lock_of("for a minute", Some(minute));
    assert_eq!(f.act(ada, Act::Lock(lock.clone())).await.user.lock, Some(lock));
    f.clock.advance(minute - Duration::from_millis(1));
    assert!(!f.may_sign_in(ada, "one").await);
    f.clock.advance(Duration::from_millis(1));
    assert!(f.may_sign_in(ada, "two").await);
    assert!(!f.act(ada, Act::Unlock).await.changed, "it has ended");
    let page = Accounts { locked: Some(true), ..every_account(f) };
    assert_eq!(f.stores.administration.accounts(&page).await.unwrap(), []);
}

pub async fn the_last_super_admin_stays(f: &Fixture) {
    let root = f.super_admin("root").await;
    let lock = || Act::Lock(f.lock_of("x", Some(Duration::from_secs(60))));
    for _ in 0..2 {
        assert_last(f.try_act(root, Act::SetRole(SystemRole::GroupAdmin)).await);
        assert_last(f.try_act(root, lock()).await);
        assert_last(f.stores.administration.delete(root, &f.acting()).await);
        assert_last(f.stores.users.delete(root, f.now()).await);
    }
    assert_eq!(f.done().await, Vec::<&str>::new(), "nothing of it happened");
    let session = f.session(root, "token").await;
    assert_eq!(f.act(root, Act::EndSessions).await.ended, [session], "his sessions may end");
    let other = f.user("other").await;
    f.act(other, Act::SetRole(SystemRole::SuperAdmin)).await;
    f.act(other, lock()).await;
    assert_last(f.try_act(root, Act::SetRole(SystemRole::User)).await);
    f.clock.advance(Duration::from_secs(60));
    assert!(f.act(root, Act::SetRole(SystemRole::User)).await.changed, "the other one's lock has ended");
    assert_last(f.stores.users.delete(other, f.now()).await);
}

pub async fn of_two_who_take_the_last_two_away_at_once_one_is_refused(f: &Fixture) {
    for round in 0..9 {
        let (a, b) = (f.super_admin("one").await, f.super_admin("two").await);
        let lock = Act::Lock(f.lock_of("x", None));
        let now = f.now();
        let outcomes = match round % 3 {
            0 => {
                let demoted = f.try_act(a, Act::SetRole(SystemRole::User));
                let (a, b) = tokio::join!(demoted, f.try_act(b, lock));
                [a.map(drop), b.map(drop)]
            }
            1 => {
                let (a, b) = tokio::join!(f.stores.users.delete(a, now), f.try_act(b, Act::SetRole(SystemRole::User)));
                [a.map(drop), b.map(drop)]
            }
            _ => {
                let acting = f.acting();
                let (a, b) = tokio::join!(f.stores.administration.delete(a, &acting), f.try_act(b, lock));
                [a.map(drop), b.map(drop)]
            }
        };
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        assert_eq!(refused, 1, "{outcomes:?}");
        assert_eq!(super_admins(f).await.len(), 1);
        f.stores.maintenance.clear().await.unwrap();
    }
}

async fn super_admins(f: &Fixture) -> Vec<UserId> {
    let page = Accounts { role: Some(SystemRole::SuperAdmin), locked: Some(false), ..every_account(f) };
    f.stores.administration.accounts(&page).await.unwrap().iter().map(|user| user.id).collect()
}

pub async fn an_administrator_ends_sessions(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let (one, two) = (f.session(ada, "one").await, f.session(ada, "two").await);
    let of_bob = f.session(bob, "three").await;
    let missed = f.act(ada, Act::EndSession(of_bob)).await;
    assert_eq!((missed.changed, missed.ended), (false, vec![]), "it is another user's");
    assert_eq!(f.act(ada, Act::EndSession(one)).await.ended, [one]);
    assert!(!f.act(ada, Act::EndSession(one)).await.changed, "once");
    assert_eq!(f.act(ada, Act::EndSessions).await.ended, [two]);
    assert!(!f.act(ada, Act::EndSessions).await.changed);
    assert!(f.stores.sessions.find(two, f.now()).await.unwrap().is_none());
    assert!(f.stores.sessions.find(of_bob, f.now()).await.unwrap().is_some());
    let mut done = f.done().await;
    done.sort_unstable();
    assert_eq!(done, ["session.ended", "sessions.ended"]);
}

pub async fn an_administrator_deletes_an_account_as_its_owner_does(f: &Fixture) {
    let ada = f.user("ada").await;
    let session = f.session(ada, "token").await;
    f.act(ada, Act::Lock(f.lock_of("spam", None))).await;
    f.act(ada, Act::Unlock).await;
    let acting = f.acting();
    assert_eq!(
        f.stores.administration.delete(ada, &acting).await.unwrap(),
        Some(Deleted { sessions: vec![], friends: vec![] })
    );
    assert!(f.stores.sessions.find(session, f.now()).await.unwrap().is_none());
    let left = f.stores.users.find(ada).await.unwrap().unwrap();
    assert_eq!((left.deleted_at, left.lock), (Some(f.now()), None));
    assert_eq!(f.stores.administration.delete(ada, &f.acting()).await.unwrap(), None, "once");
    f.user("ada").await;
    let page = AuditPage { action: Some(AuditAction::UserDeleted), ..ALL };
    let entries = f.stores.audit.page(&page).await.unwrap();
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((entry.id, entry.target.id, entry.target.username.as_str()), (acting.id, ada, "ada"), "his name then");
}

fn every_account(f: &Fixture) -> Accounts {
    Accounts { terms: Vec::new(), role: None, locked: None, after: None, limit: 100, now: f.now() }
}

async fn names(f: &Fixture, page: &Accounts) -> Vec<String> {
    let users = f.stores.administration.accounts(page).await.unwrap();
    users.iter().map(|user| user.username.to_string()).collect()
}

pub async fn accounts_are_found_by_words_role_and_lock(f: &Fixture) {
    f.super_admin("root").await;
    for name in ["Bob", "ada", "cem", "Bea"] {
        f.user(name).await;
    }
    let gone = f.user("gone").await;
    f.stores.users.delete(gone, f.now()).await.unwrap();
    let id = async |name: &str| {
        let found = f.stores.users.credentials(&Login::new(name)).await.unwrap();
        found.unwrap().user_id
    };
    f.act(id("bob").await, Act::Lock(f.lock_of("x", None))).await;
    f.act(id("cem").await, Act::Lock(f.lock_of("x", Some(Duration::from_secs(1))))).await;
    f.act(id("bea").await, Act::SetRole(SystemRole::GroupAdmin)).await;
    let (user, group) = (Some(SystemRole::User), Some(SystemRole::GroupAdmin));
    let b = vec!["b".to_owned()];
    let none = Vec::new;
    for (terms, role, locked, expected) in [
        (none(), None, None, &["ada", "Bea", "Bob", "cem", "root"][..]),
        (none(), Some(SystemRole::SuperAdmin), None, &["root"]),
        (none(), user, None, &["ada", "Bob", "cem"]),
        (none(), None, Some(true), &["Bob", "cem"]),
        (none(), None, Some(false), &["ada", "Bea", "root"]),
        (none(), user, Some(true), &["Bob", "cem"]),
        (none(), user, Some(false), &["ada"]),
        (none(), group, Some(true), &[]),
        (b.clone(), None, None, &["Bea", "Bob"]),
        (b.clone(), group, None, &["Bea"]),
        (b.clone(), None, Some(true), &["Bob"]),
        (b.clone(), None, Some(false), &["Bea"]),
        (b.clone(), user, Some(false), &[]),
        (vec!["b".to_owned(), "bo".to_owned()], user, Some(true), &["Bob"]),
        (vec!["go".to_owned()], None, None, &[]),
    ] {
        let page = Accounts { terms, role, locked, ..every_account(f) };
        assert_eq!(names(f, &page).await, expected, "{page:?}");
    }
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(names(f, &Accounts { locked: Some(true), ..every_account(f) }).await, ["Bob"]);
    assert_eq!(names(f, &Accounts { locked: Some(false), ..every_account(f) }).await, ["ada", "Bea", "cem", "root"]);
}

pub async fn accounts_are_paged_by_name(f: &Fixture) {
    for name in ["Dan", "bob", "Cem", "ada"] {
        let user = f.user(name).await;
        f.act(user, Act::Lock(f.lock_of("x", None))).await;
    }
    for page in [
        every_account(f),
        Accounts { locked: Some(true), ..every_account(f) },
        Accounts { role: Some(SystemRole::User), ..every_account(f) },
    ] {
        let mut page = Accounts { limit: 3, ..page };
        assert_eq!(names(f, &page).await, ["ada", "bob", "Cem"]);
        page.after = Some("cem".to_owned());
        assert_eq!(names(f, &page).await, ["Dan"]);
        assert_eq!(names(f, &Accounts { limit: 0, ..page }).await, Vec::<String>::new());
    }
}

pub async fn who_administers_no_more_does_nothing(f: &Fixture) {
    let (root, ada, bob) = (f.super_admin("root").await, f.super_admin("ada").await, f.user("bob").await);
    let as_ada =
        || Acting { actor: Actor::User(Named { id: ada, username: Username::parse("ada").unwrap() }), ..f.acting() };
    let refused = async || {
        let acted = f.stores.administration.act(bob, &Act::SetRole(SystemRole::GroupAdmin), &as_ada()).await;
        assert!(matches!(acted, Err(StoreError::Conflict(ADMINISTERS_NO_MORE))), "{acted:?}");
        let deleted = f.stores.administration.delete(root, &as_ada()).await;
        assert!(matches!(deleted, Err(StoreError::Conflict(ADMINISTERS_NO_MORE))), "{deleted:?}");
    };
    f.act(ada, Act::Lock(f.lock_of("x", None))).await;
    refused().await;
    f.act(ada, Act::Unlock).await;
    f.act(ada, Act::SetRole(SystemRole::User)).await;
    refused().await;
    f.stores.users.delete(ada, f.now()).await.unwrap();
    refused().await;
    assert_eq!(f.stores.users.find(bob).await.unwrap().unwrap().role, SystemRole::User);
}

pub async fn what_an_account_has_is_counted(f: &Fixture) {
    let (ada, _, _) = f.pair().await;
    let cem = f.user("cem").await;
    f.open(cem, ada).await;
    f.session(ada, "one").await;
    let over = f.session(ada, "two").await;
    f.stores.sessions.revoke(ada, over, f.now()).await.unwrap();
    let counts = async |user| f.stores.administration.counts(user, f.now()).await.unwrap();
    assert_eq!(counts(ada).await, AccountCounts { sessions: 1, conversations: 2 });
    assert_eq!(counts(cem).await, AccountCounts { sessions: 0, conversations: 1 });
    let unknown = f.make_user("nobody", None).user.id;
    assert_eq!(counts(unknown).await, AccountCounts { sessions: 0, conversations: 0 });
}

async fn act_as(f: &Fixture, actor: Actor, user: UserId, act: Act) -> AuditId {
    let acting = Acting { actor, ..f.acting() };
    assert!(f.stores.administration.act(user, &act, &acting).await.unwrap().unwrap().changed);
    acting.id
}

async fn found(f: &Fixture, page: AuditPage) -> Vec<AuditId> {
    f.stores.audit.page(&page).await.unwrap().iter().map(|entry| entry.id).collect()
}

pub async fn the_audit_log_is_found_by_who_what_and_on_whom(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let mut root = f.make_user("root", None);
    root.user.role = SystemRole::SuperAdmin;
    f.stores.users.insert(&root).await.unwrap();
    let root = Named { id: root.user.id, username: Username::parse("root").unwrap() };
    let by_root = || Actor::User(root.clone());
    let lock = || Act::Lock(f.lock_of("x", None));
    let mut ids = Vec::new();
    for (actor, user, act) in [
        (by_root(), ada, lock()),
        (Actor::CommandLine, bob, lock()),
        (by_root(), ada, Act::Unlock),
        (by_root(), bob, Act::SetRole(SystemRole::GroupAdmin)),
    ] {
        f.clock.advance(Duration::from_millis(1));
        ids.push(act_as(f, actor, user, act).await);
    }
    let of_root = Some(ActorFilter::User(root.id));
    let locked = Some(AuditAction::UserLocked);
    for (page, expected) in [
        (ALL, &[3, 2, 1, 0][..]),
        (AuditPage { actor: of_root, ..ALL }, &[3, 2, 0]),
        (AuditPage { actor: Some(ActorFilter::CommandLine), ..ALL }, &[1]),
        (AuditPage { actor: Some(ActorFilter::User(ada)), ..ALL }, &[]),
        (AuditPage { action: locked, ..ALL }, &[1, 0]),
        (AuditPage { target: Some(bob), ..ALL }, &[3, 1]),
        (AuditPage { actor: of_root, action: locked, ..ALL }, &[0]),
        (AuditPage { action: locked, target: Some(bob), ..ALL }, &[1]),
        (AuditPage { actor: of_root, target: Some(bob), ..ALL }, &[3]),
        (AuditPage { actor: of_root, action: locked, target: Some(bob), ..ALL }, &[]),
        (AuditPage { limit: 0, ..ALL }, &[]),
    ] {
        let expected: Vec<_> = expected.iter().map(|n: &usize| ids[*n]).collect();
        assert_eq!(found(f, page).await, expected, "{page:?}");
    }
    f.stores.administration.delete(ada, &f.acting()).await.unwrap();
    let of_ada = f.stores.audit.page(&AuditPage { target: Some(ada), ..ALL }).await.unwrap();
    assert_eq!(of_ada.len(), 3, "what was done on a deleted account stays");
    assert!(of_ada.iter().all(|entry| entry.target.username.as_str() == "ada"));
    let by_root = of_ada.iter().filter(|entry| entry.actor == Actor::User(root.clone()));
    assert_eq!(by_root.count(), 2);
}

pub async fn the_audit_log_is_paged_from_its_newest_entry(f: &Fixture) {
    let ada = f.user("ada").await;
    let mut expected: Vec<(Timestamp, AuditId)> = Vec::new();
    for n in 0..12 {
        // Several are of one moment.
        if n % 4 == 0 {
            f.clock.advance(Duration::from_millis(1));
        }
        let act = if n % 2 == 0 { Act::Lock(f.lock_of("x", None)) } else { Act::Unlock };
        expected.push((f.now(), act_as(f, Actor::CommandLine, ada, act).await));
    }
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let cli = Some(ActorFilter::CommandLine);
    for filter in [ALL, AuditPage { target: Some(ada), ..ALL }, AuditPage { actor: cli, ..ALL }] {
        for limit in [1, 3, 5, 12] {
            let mut page = AuditPage { limit, ..filter };
            let mut seen = Vec::new();
            loop {
                let entries = f.stores.audit.page(&page).await.unwrap();
                assert!(entries.len() <= limit);
                let Some(last) = entries.last() else { break };
                page.after = Some((last.at, last.id));
                seen.extend(entries.iter().map(|entry| (entry.at, entry.id)));
            }
            assert_eq!(seen, expected, "{limit} at a time: {filter:?}");
        }
    }
}

pub async fn what_there_is_is_counted(f: &Fixture) {
    assert_eq!(f.stores.statistics.totals().await.unwrap(), Totals::default());
    let (ada, bob, id) = f.pair().await;
    let cem = f.user("cem").await;
    f.open(ada, cem).await;
    for from in [ada, bob, ada] {
        f.send(from, id, "hello").await;
    }
    assert_eq!(f.stores.statistics.totals().await.unwrap(), Totals { users: 3, conversations: 2, messages: 3 });
    f.stores.users.delete(cem, f.now()).await.unwrap();
    assert_eq!(f.stores.statistics.totals().await.unwrap(), Totals { users: 2, conversations: 2, messages: 3 });
}

pub async fn a_user_counts_once_a_day_and_messages_add_up(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let active = |user, messages| Activity { user, messages };
    let today = Day::of(f.now());
    let yesterday = today.before(1);
    for (day, activity) in [
        (yesterday.before(3), &[active(ada, 0)][..]),
        (yesterday, &[active(ada, 2), active(bob, 0)]),
        (today, &[active(ada, 3)]),
        (yesterday, &[active(ada, 1)]),
        (today, &[active(ada, 1), active(bob, 4)]),
        (today, &[]),
    ] {
        f.stores.statistics.note(day, activity).await.unwrap();
    }
    let sum = |day, active_users, messages| DaySum { day, active_users, messages };
    let expected = [sum(yesterday, 2, 3), sum(today, 2, 8)];
    assert_eq!(f.stores.statistics.days(yesterday).await.unwrap(), expected);
    assert_eq!(f.stores.statistics.days(today.before(30)).await.unwrap().len(), 3);
    assert_eq!(f.stores.statistics.days(today).await.unwrap(), expected[1..]);
}

pub async fn a_user_who_is_noted_at_once_by_many_counts_once(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let day = Day::of(f.now());
    let activity = [ada, bob].map(|user| Activity { user, messages: 1 });
    let note = || f.stores.statistics.note(day, &activity);
    let mut noted = 0_u64;
    let (a, b, c, d) = tokio::join!(note(), note(), note(), note());
    for outcome in [a, b, c, d] {
        // Who comes in each other's way may be refused, and tries again later.
        noted += u64::from(outcome.is_ok());
    }
    let sums = f.stores.statistics.days(day).await.unwrap();
    assert!(noted > 0);
    assert_eq!(sums, [DaySum { day, active_users: 2, messages: 2 * noted }]);
}
