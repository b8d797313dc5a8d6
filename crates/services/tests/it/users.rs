//! Profiles and the directory.

use parlor_domain::{Bio, DisplayName, Email, ProfileChange, SystemRole};
use parlor_services::{Caller, DirectoryQuery, Password, ProfileUpdate, ServiceError};

use crate::support::{PASSWORD, World, nobody};

fn rename(name: &str) -> ProfileUpdate {
    let display_name = Some(DisplayName::parse(name).unwrap());
    ProfileUpdate { change: ProfileChange { display_name, ..Default::default() }, current_password: None }
}

impl World {
    async fn found(&self, caller: Caller, text: &str) -> Vec<String> {
        let query = DirectoryQuery { text: text.to_owned(), after: None, limit: 10 };
        let page = self.services.users.directory(caller, query).await.unwrap();
        page.items.iter().map(|view| view.user.username.to_string()).collect()
    }
}

#[tokio::test]
async fn the_directory_finds_others_by_the_beginnings_of_words() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let bob = world.user("Bob_42").await;
    world.user("carol").await;
    world.services.users.update(bob, rename("Robert Łukasz")).await.unwrap();
    assert_eq!(world.found(ada, "").await, ["Bob_42", "carol"], "everyone but oneself");
    for text in ["bo", "BOB", "42", "rob", "łuk", "rob łuk", "łukasz bob"] {
        assert_eq!(world.found(ada, text).await, ["Bob_42"], "{text}");
    }
    for text in ["ob", "ada", "%", "_", "'", "*", "rob carol", ".*"] {
        assert_eq!(world.found(ada, text).await, Vec::<String>::new(), "{text}");
    }
}

#[tokio::test]
async fn the_directory_goes_on_at_its_cursor() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for name in ["dan", "bob", "cem"] {
        world.user(name).await;
    }
    let query = |after| DirectoryQuery { text: String::new(), after, limit: 2 };
    let first = world.services.users.directory(ada, query(None)).await.unwrap();
    let second = world.services.users.directory(ada, query(first.next.clone())).await.unwrap();
    let names: Vec<_> = first.items.iter().chain(&second.items).map(|view| view.user.username.as_str()).collect();
    assert_eq!((names, second.next), (vec!["bob", "cem", "dan"], None));
}

#[tokio::test]
async fn a_page_of_the_directory_takes_bounded_work_and_moves_on_over_those_who_are_left_out() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for n in 0..25 {
        let blocker = world.user(&format!("b{n:02}")).await;
        world.services.relations.block(blocker, ada.user).await.unwrap();
    }
    world.user("cem").await;
    let query = |after| DirectoryQuery { text: String::new(), after, limit: 1 };
    let first = world.services.users.directory(ada, query(None)).await.unwrap();
    assert_eq!((first.items.len(), first.next.as_deref()), (0, Some("b19")));
    let second = world.services.users.directory(ada, query(first.next)).await.unwrap();
    let names: Vec<_> = second.items.iter().map(|view| view.user.username.as_str()).collect();
    assert_eq!((names, second.next), (vec!["cem"], None));
}

#[tokio::test]
async fn a_profile_that_is_so_already_is_not_changed() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let renamed = world.services.users.update(bob, rename("Bobby")).await.unwrap().user;
    let mut reads = [world.connect(ada).await, world.connect(bob).await];
    for update in [rename("Bobby"), ProfileUpdate::default()] {
        assert_eq!(world.services.users.update(bob, update).await.unwrap().user, renamed);
    }
    world.services.users.update(bob, rename("Bob")).await.unwrap();
    assert_eq!(reads[0].until("user Bob").await, ["user Bob available"]);
    let heard = format!("user Bob available@{}", renamed.rev.next());
    assert_eq!(reads[1].until("user Bob").await, [heard]);
}

#[tokio::test]
async fn a_changed_profile_is_told_to_own_devices_and_contacts() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    world.services.users.update(bob, rename("Bobby")).await.unwrap();
    assert_eq!(ada_reads.until("user Bobby").await, ["user Bobby available"]);
    assert_eq!(bob_reads.until("user Bobby").await, ["user Bobby available@2"]);
}

#[tokio::test]
async fn an_address_changes_only_with_the_password() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let update = |password: Option<&str>| ProfileUpdate {
        change: ProfileChange { email: Some(Some(Email::parse("a@example.org").unwrap())), ..Default::default() },
        current_password: password.map(|password| Password::parse(password).unwrap()),
    };
    let users = &world.services.users;
    let missing = users.update(ada, update(None)).await.unwrap_err();
    assert!(matches!(missing, ServiceError::Invalid { field: "currentPassword", .. }), "{missing:?}");
    let wrong = users.update(ada, update(Some("not the password"))).await.unwrap_err();
    assert!(matches!(wrong, ServiceError::Invalid { field: "currentPassword", .. }), "{wrong:?}");
    assert_eq!(users.me(ada).await.unwrap().user.email, None);
    let right = users.update(ada, update(Some(PASSWORD))).await.unwrap();
    assert_eq!(right.user.email.unwrap().as_str(), "a@example.org");
    let taken = users.update(bob, update(Some(PASSWORD))).await.unwrap_err();
    assert!(matches!(taken, ServiceError::Taken("email")), "{taken:?}");
}

#[tokio::test]
async fn a_deleted_account_is_gone_everywhere_and_its_name_is_free() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(bob, id, "last words").await.unwrap();
    let mut ada_reads = world.connect(ada).await;
    let refused = world.services.users.delete(bob, Password::parse("not my password").unwrap()).await.unwrap_err();
    assert!(matches!(refused, ServiceError::Invalid { field: "currentPassword", .. }), "{refused:?}");
    world.delete_account(bob).await.unwrap();
    ada_reads.until("user Deleted user").await;
    let users = &world.services.users;
    assert!(matches!(users.find(ada, bob.user).await.unwrap_err(), ServiceError::NotFound("user")));
    assert!(matches!(users.find(ada, nobody()).await.unwrap_err(), ServiceError::NotFound("user")));
    assert_eq!(world.found(ada, "").await, Vec::<String>::new());
    let view = world.services.conversations.find(ada, id).await.unwrap();
    assert_eq!(view.last_message.unwrap().message.text(), "last words");
    let other = view.other.unwrap().user;
    assert_eq!((other.display_name.as_str(), &other.bio), ("Deleted user", &Bio::default()));
    let again = world.user("bob").await;
    assert_ne!(again.user, bob.user);
    assert_eq!(users.me(again).await.unwrap().user.role, SystemRole::User);
}
