//! Accounts.

use std::time::Duration;

use parlor_domain::{
    Bio, Clock as _, DisplayName, Email, GroupAction, Login, Metadata, PasswordHash, ProfileChange, Rev, Settings,
    SettingsChange, Status, StatusKind, StatusText, UserTopic, WhoCanWrite, search_terms,
    store::{Deleted, Directory, StoreError},
};

use super::Fixture;

pub async fn a_user_reads_back_as_it_was_inserted(f: &Fixture) {
    let mut new = f.make_user("Ada.L", Some("Ada@Example.org"));
    new.user.bio = Bio::parse("first\nsecond 🙂").unwrap();
    new.user.metadata = Metadata::parse(r#"{"$ne": null, "a.b": [1]}"#).unwrap();
    new.user.settings = Settings { show_last_seen: false, read_receipts: false, who_can_write: WhoCanWrite::Nobody };
    f.stores.users.insert(&new).await.unwrap();
    assert_eq!(f.stores.users.find(new.user.id).await.unwrap(), Some(new.user.clone()));
    assert_eq!(f.stores.users.find_many(&[new.user.id]).await.unwrap(), [new.user]);
    let unknown = f.make_user("nobody", None).user.id;
    assert_eq!(f.stores.users.find(unknown).await.unwrap(), None);
    assert_eq!(f.stores.users.find_many(&[unknown]).await.unwrap(), []);
    assert_eq!(f.stores.users.rev(unknown).await.unwrap(), Rev::ZERO);
}

pub async fn names_and_addresses_are_unique_in_any_case(f: &Fixture) {
    f.stores.users.insert(&f.make_user("ada", Some("ada@example.org"))).await.unwrap();
    for (name, email, field) in [
        ("ADA", None, "username"),
        ("bob", Some("ADA@example.ORG"), "email"),
        ("Ada", Some("ada@example.org"), "username"),
    ] {
        let error = f.stores.users.insert(&f.make_user(name, email)).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(taken) if taken == field), "{name}: {error:?}");
    }
    f.stores.users.insert(&f.make_user("bob", None)).await.unwrap();
    f.stores.users.insert(&f.make_user("cem", None)).await.expect("many have no address");
}

pub async fn a_login_is_a_name_or_an_address(f: &Fixture) {
    let new = f.make_user("Ada", Some("Ada@Example.org"));
    f.stores.users.insert(&new).await.unwrap();
    for login in ["ada", "ADA", "ada@example.ORG"] {
        let found = f.stores.users.credentials(&Login::new(login)).await.unwrap().unwrap();
        assert_eq!((found.user_id, found.password), (new.user.id, new.password.clone()), "{login}");
    }
    for login in ["", "bob", "example.org", "%", "{\"$ne\":null}"] {
        assert_eq!(f.stores.users.credentials(&Login::new(login)).await.unwrap(), None, "{login}");
    }
    let found = f.stores.users.credentials_of(new.user.id).await.unwrap().unwrap();
    assert_eq!(found.password, new.password);
}

pub async fn a_changed_password_revokes_the_other_sessions(f: &Fixture) {
    let ada = f.user("ada").await;
    let (here, there) = (f.session(ada, "here").await, f.session(ada, "there").await);
    let hash = PasswordHash::new("new hash".to_owned());
    let revoked = f.stores.users.set_password(ada, &hash, Some(here), f.now()).await.unwrap();
    assert_eq!(revoked, [there]);
    assert!(f.stores.sessions.find(here, f.now()).await.unwrap().is_some());
    assert!(f.stores.sessions.find(there, f.now()).await.unwrap().is_none());
    assert_eq!(f.stores.users.credentials_of(ada).await.unwrap().unwrap().password, hash);
    assert_eq!(f.stores.users.set_password(ada, &hash, None, f.now()).await.unwrap(), [here]);
}

pub async fn a_hash_is_renewed_only_where_it_has_not_changed(f: &Fixture) {
    let ada = f.user("ada").await;
    let old = f.stores.users.credentials_of(ada).await.unwrap().unwrap().password;
    let new = PasswordHash::new("renewed".to_owned());
    f.stores.users.rehash_password(ada, &new, &old).await.unwrap();
    assert_eq!(f.stores.users.credentials_of(ada).await.unwrap().unwrap().password, old);
    f.stores.users.rehash_password(ada, &old, &new).await.unwrap();
    assert_eq!(f.stores.users.credentials_of(ada).await.unwrap().unwrap().password, new);
}

pub async fn a_profile_changes_field_by_field_and_is_recorded(f: &Fixture) {
    let ada = f.user("ada").await;
    let name = DisplayName::parse("Ada Lovelace").unwrap();
    let change = ProfileChange { display_name: Some(name.clone()), ..Default::default() };
    let changed = f.stores.users.update_profile(ada, &change).await.unwrap().unwrap();
    assert_eq!((changed.display_name, changed.rev), (name.clone(), Rev::new(1)));
    let change = ProfileChange {
        bio: Some(Bio::parse("bio").unwrap()),
        email: Some(Some(Email::parse("a@b.c").unwrap())),
        metadata: Some(Metadata::parse("{\"a\":1}").unwrap()),
        settings: SettingsChange { show_last_seen: Some(false), ..SettingsChange::default() },
        display_name: None,
    };
    let changed = f.stores.users.update_profile(ada, &change).await.unwrap().unwrap();
    assert_eq!((&changed.display_name, changed.rev), (&name, Rev::new(2)));
    assert_eq!(f.stores.users.find(ada).await.unwrap(), Some(changed));
    let cleared = ProfileChange { email: Some(None), ..Default::default() };
    assert_eq!(f.stores.users.update_profile(ada, &cleared).await.unwrap().unwrap().email, None);
    let log = f.stores.conversations.user_changes(ada, Rev::ZERO, 10).await.unwrap();
    assert_eq!(log.changes.iter().map(|change| change.topic).collect::<Vec<_>>(), [UserTopic::Profile]);
    assert_eq!(log.head, Rev::new(3));
    let unknown = f.make_user("nobody", None).user.id;
    assert_eq!(f.stores.users.update_profile(unknown, &cleared).await.unwrap(), None);
}

pub async fn an_address_of_somebody_else_is_refused(f: &Fixture) {
    f.stores.users.insert(&f.make_user("ada", Some("ada@example.org"))).await.unwrap();
    let bob = f.user("bob").await;
    let email = Some(Some(Email::parse("ADA@example.org").unwrap()));
    let change = ProfileChange { email, bio: Some(Bio::parse("new").unwrap()), ..Default::default() };
    let error = f.stores.users.update_profile(bob, &change).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict("email")), "{error:?}");
    let user = f.stores.users.find(bob).await.unwrap().unwrap();
    assert_eq!((user.bio, user.rev), (Bio::default(), Rev::ZERO), "nothing of it happened");
}

pub async fn a_status_is_set_and_recorded(f: &Fixture) {
    let ada = f.user("ada").await;
    let status = Status {
        kind: StatusKind::Away,
        text: Some(StatusText::parse("lunch").unwrap()),
        until: Some(f.now() + Duration::from_secs(60)),
    };
    let seen = Some(f.now());
    let user = f.stores.users.set_status(ada, &status, seen, f.now()).await.unwrap().unwrap();
    assert_eq!((&user.status, user.last_seen_at, user.rev), (&status, seen, Rev::new(1)));
    assert_eq!(f.stores.users.find(ada).await.unwrap(), Some(user));
    let again = f.stores.users.set_status(ada, &Status::default(), None, f.now()).await.unwrap().unwrap();
    assert_eq!((again.status, again.last_seen_at), (Status::default(), seen));
}

pub async fn ended_statuses_are_found(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let until = f.now() + Duration::from_secs(60);
    for (user, until) in [(ada, Some(until)), (bob, Some(until + Duration::from_secs(1)))] {
        let status = Status { kind: StatusKind::Busy, text: None, until };
        f.stores.users.set_status(user, &status, None, f.now()).await.unwrap();
    }
    assert_eq!(f.stores.users.ended_statuses(f.now(), 10).await.unwrap(), []);
    f.clock.advance(Duration::from_secs(60));
    assert_eq!(f.stores.users.ended_statuses(f.now(), 10).await.unwrap(), [ada]);
    f.stores.users.set_status(ada, &Status::default(), None, f.now()).await.unwrap();
    assert_eq!(f.stores.users.ended_statuses(f.now(), 10).await.unwrap(), []);
}

pub async fn last_seen_never_goes_back(f: &Fixture) {
    let ada = f.user("ada").await;
    let later = f.clock.now() + Duration::from_secs(5);
    f.stores.users.set_last_seen(&[(ada, later)]).await.unwrap();
    f.stores.users.set_last_seen(&[(ada, f.now())]).await.unwrap();
    assert_eq!(f.stores.users.find(ada).await.unwrap().unwrap().last_seen_at, Some(later));
}

pub async fn a_deleted_account_leaves_only_its_place(f: &Fixture) {
    let mut new = f.make_user("ada", Some("ada@example.org"));
    new.user.bio = Bio::parse("personal").unwrap();
    f.stores.users.insert(&new).await.unwrap();
    let ada = new.user.id;
    let session = f.session(ada, "token").await;
    assert_eq!(
        f.stores.users.delete(ada, f.now()).await.unwrap(),
        Some(Deleted { sessions: vec![session], friends: Vec::new() })
    );
    assert_eq!(f.stores.users.delete(ada, f.now()).await.unwrap(), None, "once");
    let left = f.stores.users.find(ada).await.unwrap().unwrap();
    assert_eq!(left.username.as_str(), format!("deleted-{}", &ada.to_string()[12..]));
    assert_eq!((left.display_name.as_str(), left.email, left.bio), ("Deleted user", None, Bio::default()));
    assert_eq!(left.deleted_at, Some(f.now()));
    assert_eq!(f.stores.users.credentials(&Login::new("ada")).await.unwrap(), None);
    assert_eq!(f.stores.users.credentials_of(ada).await.unwrap(), None);
    assert_eq!(f.stores.users.update_profile(ada, &ProfileChange::default()).await.unwrap(), None);
    assert_eq!(f.stores.users.set_status(ada, &Status::default(), None, f.now()).await.unwrap(), None);
    assert!(f.stores.sessions.find(session, f.now()).await.unwrap().is_none());
    f.stores.users.insert(&f.make_user("ada", Some("ada@example.org"))).await.expect("name and address are free");
    f.user(&left.username.as_str().to_uppercase()).await;
}

pub async fn a_deleted_account_is_leaving_until_it_has_left(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let group = f.group(ada, &[bob]).await;
    assert_eq!(f.stores.users.leaving(10).await.unwrap(), []);
    for user in [ada, bob] {
        f.stores.users.delete(user, f.now()).await.unwrap().unwrap();
    }
    assert_eq!(f.stores.users.leaving(1).await.unwrap().len(), 1);
    assert!(f.stores.users.find(ada).await.unwrap().unwrap().leaving);
    f.change_group(group, ada, GroupAction::Remove(ada)).await;
    let own = async || f.stores.conversations.user_changes(ada, Rev::ZERO, 10).await.unwrap().changes.len();
    assert_eq!(own().await, 1, "that it has left the group");
    f.stores.users.has_left(ada).await.unwrap();
    assert_eq!((f.stores.users.leaving(10).await.unwrap(), own().await), (vec![bob], 0));
    assert!(!f.stores.users.find(ada).await.unwrap().unwrap().leaving);
    let cem = f.user("cem").await;
    f.stores.users.update_profile(cem, &ProfileChange::default()).await.unwrap();
    f.stores.users.has_left(cem).await.unwrap();
    assert_eq!(f.stores.conversations.user_changes(cem, Rev::ZERO, 10).await.unwrap().changes.len(), 1, "who stays");
}

async fn found(f: &Fixture, text: &str) -> Vec<String> {
    let except = f.make_user("nobody", None).user.id;
    let page = Directory { terms: search_terms([text]), after: None, except, limit: 10 };
    let users = f.stores.users.directory(&page).await.unwrap();
    users.iter().map(|user| user.username.to_string()).collect()
}

pub async fn the_directory_finds_the_beginnings_of_words(f: &Fixture) {
    let ada = f.user("ada_l").await;
    let bob = f.user("bob").await;
    let name = DisplayName::parse("Łukasz 小林さん O'Neil").unwrap();
    let change = ProfileChange { display_name: Some(name), ..Default::default() };
    f.stores.users.update_profile(bob, &change).await.unwrap();
    assert_eq!(found(f, "").await, ["ada_l", "bob"]);
    for text in ["b", "BOB", "łuk", "小林", "neil", "o neil", "bob łukasz"] {
        assert_eq!(found(f, text).await, ["bob"], "{text}");
    }
    for text in ["ob", "林", "ada bob", "a%"] {
        let expected: &[&str] = if text == "a%" { &["ada_l"] } else { &[] };
        assert_eq!(found(f, text).await, expected, "{text}");
    }
    f.stores.users.delete(ada, f.now()).await.unwrap();
    assert_eq!(found(f, "").await, ["bob"], "a deleted account is not found");
    let renamed = ProfileChange { display_name: Some(DisplayName::parse("Bob").unwrap()), ..Default::default() };
    f.stores.users.update_profile(bob, &renamed).await.unwrap();
    assert_eq!(found(f, "łuk").await, Vec::<String>::new(), "a former name finds nobody");
}

pub async fn the_directory_is_paged_by_name(f: &Fixture) {
    for name in ["Dan", "bob", "Cem", "ada"] {
        f.user(name).await;
    }
    let except = f.user("eve").await;
    let mut page = Directory { terms: Vec::new(), after: None, except, limit: 3 };
    let mut names = Vec::new();
    loop {
        let users = f.stores.users.directory(&page).await.unwrap();
        let Some(last) = users.last() else { break };
        page.after = Some(last.username.key());
        names.push(users.iter().map(|user| user.username.to_string()).collect::<Vec<_>>());
    }
    assert_eq!(names, [vec!["ada", "bob", "Cem"], vec!["Dan"]]);
}
